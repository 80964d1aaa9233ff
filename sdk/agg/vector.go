package agg

import (
	"encoding/binary"
	"errors"
	"math"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// A kept value (of a list, a set, first, last) is a pair of 64 bits and a text
// that orders like the canonical key bytes of the value and holds all of it:
//
//	integers, time   bits, sign flipped unless the kind is uint64
//	floats           bits, ordered as in key bytes: −0 is +0, one NaN, last
//	bools            bits 0 or 1
//	strings, bytes   text, the value itself
//	all else         text, the key bytes of package codec
type value struct {
	bits uint64
	text string // may be a view into a batch: clone what is kept
}

// valueReader reads values of a column. It owns the text of composite values
// until the next one is read.
type valueReader struct {
	scratch []byte
}

func (r *valueReader) read(c *batch.Column, row int) value {
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		return value{bits: intBits(c.Type.Kind, c.Ints[row])}
	case batch.FloatForm:
		return value{bits: floatBits(c.Floats[row])}
	case batch.BoolForm:
		if c.Bools[row] {
			return value{bits: 1}
		}
		return value{}
	case batch.StringForm:
		return value{text: c.Text(row)}
	}
	r.scratch = codec.AppendKey(r.scratch[:0], c, row)
	return value{text: viewText(r.scratch)}
}

// viewText returns b as a string without copying, for as long as b is unchanged.
func viewText(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func intBits(k batch.Kind, v int64) uint64 {
	if k == batch.Uint64 {
		return uint64(v)
	}
	return uint64(v) ^ 1<<63
}

func floatBits(v float64) uint64 {
	b := math.Float64bits(canonicalFloat(v))
	switch {
	case v != v:
		return math.MaxUint64
	case b>>63 != 0:
		return ^b
	}
	return b | 1<<63
}

// vector builds a column from values.
type vector struct {
	typ      *batch.Type
	n        int
	valid    []bool // nil: none is null so far
	ints     []int64
	floats   []float64
	bools    []bool
	strings  batch.Strings
	offsets  []int32
	children []*vector
	full     bool
}

func newVector(t *batch.Type) *vector {
	v := &vector{typ: t}
	switch t.Kind.Form() {
	case batch.StringForm:
		v.strings.Offsets = []int32{0}
	case batch.ListForm:
		v.offsets = []int32{0}
	}
	for _, f := range t.Fields {
		v.children = append(v.children, newVector(f.Type))
	}
	return v
}

var errKey = errors.New("a saved value is damaged; restore from another checkpoint")

// add appends a value.
func (v *vector) add(x value) error {
	switch v.typ.Kind.Form() {
	case batch.ListForm, batch.StructForm:
		rest, err := v.addKey([]byte(x.text))
		if err == nil && len(rest) > 0 {
			err = errKey
		}
		return err
	case batch.StringForm:
		v.full = !v.strings.Append(x.text) || v.full
		v.end(true)
	default:
		v.addBits(x.bits)
	}
	return nil
}

func (v *vector) addBits(bits uint64) {
	switch v.typ.Kind.Form() {
	case batch.IntForm:
		if v.typ.Kind != batch.Uint64 {
			bits ^= 1 << 63
		}
		v.ints = append(v.ints, int64(bits))
	case batch.FloatForm:
		v.floats = append(v.floats, floatOf(bits))
	case batch.BoolForm:
		v.bools = append(v.bools, bits != 0)
	}
	v.end(true)
}

func floatOf(bits uint64) float64 {
	switch {
	case bits == math.MaxUint64:
		return math.NaN()
	case bits>>63 != 0:
		return math.Float64frombits(bits &^ (1 << 63))
	}
	return math.Float64frombits(^bits)
}

// addNull appends a null.
func (v *vector) addNull() { v.addBlank(false) }

// addBlank appends a value that does not matter, for it or what it is part of
// is null.
func (v *vector) addBlank(valid bool) {
	switch v.typ.Kind.Form() {
	case batch.IntForm:
		v.ints = append(v.ints, 0)
	case batch.FloatForm:
		v.floats = append(v.floats, 0)
	case batch.BoolForm:
		v.bools = append(v.bools, false)
	case batch.StringForm:
		v.strings.Append("")
	case batch.ListForm:
		v.offsets = append(v.offsets, v.offsets[len(v.offsets)-1])
	case batch.StructForm:
		for _, c := range v.children {
			c.addBlank(!c.typ.Nullable)
		}
	}
	v.end(valid)
}

func (v *vector) end(valid bool) {
	if !valid && v.valid == nil {
		v.valid = make([]bool, v.n, v.n+1)
		for i := range v.valid {
			v.valid[i] = true
		}
	}
	if v.valid != nil {
		v.valid = append(v.valid, valid)
	}
	v.n++
}

// endList closes a list whose elements have been added to the children.
func (v *vector) endList() {
	v.full = v.full || v.children[0].n > math.MaxInt32
	v.offsets = append(v.offsets, int32(v.children[0].n))
	v.end(true)
}

// addKey appends the value whose key bytes b starts with and returns the rest.
// The format is described in package codec.
func (v *vector) addKey(b []byte) (rest []byte, err error) {
	if len(b) == 0 {
		return nil, errKey
	}
	tag, b := b[0], b[1:]
	if tag == 0x01 {
		v.addNull()
		return b, nil
	}
	switch form := v.typ.Kind.Form(); {
	case form == batch.BoolForm && tag == 0x02 && len(b) >= 1:
		v.addBits(uint64(b[0]))
		return b[1:], nil
	case (form == batch.IntForm || form == batch.FloatForm) && tag >= 0x03 && tag <= 0x06 && len(b) >= 8:
		bits := binary.BigEndian.Uint64(b)
		if tag == 0x03 && v.typ.Kind == batch.Uint64 {
			bits ^= 1 << 63
		}
		v.addBits(bits)
		return b[8:], nil
	case form == batch.StringForm && (tag == 0x07 || tag == 0x08):
		return v.addTextKey(b)
	case form == batch.ListForm && (tag == 0x09 || tag == 0x0A):
		return v.addListKey(b)
	case form == batch.StructForm && tag == 0x0B:
		for _, c := range v.children {
			if b, err = c.addKey(b); err != nil {
				return nil, err
			}
		}
		v.end(true)
		return b, nil
	}
	return nil, errKey
}

func (v *vector) addTextKey(b []byte) (rest []byte, err error) {
	var text []byte
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0 {
			text = append(text, b[i])
			continue
		}
		if b[i+1] == 0x01 {
			v.full = !v.strings.Append(string(text)) || v.full
			v.end(true)
			return b[i+2:], nil
		}
		text = append(text, 0)
		i++
	}
	return nil, errKey
}

func (v *vector) addListKey(b []byte) (rest []byte, err error) {
	for len(b) > 0 {
		if b[0] == 0 {
			v.endList()
			return b[1:], nil
		}
		for _, c := range v.children {
			if b, err = c.addKey(b); err != nil {
				return nil, err
			}
		}
	}
	return nil, errKey
}

// column returns the column, which owns the vectors.
func (v *vector) column() (*batch.Column, error) {
	if v.full {
		return nil, errors.New("the lists or strings of one batch of results have more than 2^31 elements or bytes; keep fewer of them")
	}
	c := &batch.Column{Type: v.typ, Len: v.n, Ints: v.ints, Floats: v.floats, Bools: v.bools, Strings: v.strings, Offsets: v.offsets}
	if v.valid != nil {
		c.Valid = batch.NewBitmap(v.n)
		for i, ok := range v.valid {
			if ok {
				c.Valid.Set(i)
			}
		}
	}
	for _, child := range v.children {
		cc, err := child.column()
		if err != nil {
			return nil, err
		}
		c.Children = append(c.Children, cc)
	}
	return c, nil
}
