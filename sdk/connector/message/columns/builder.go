// Package columns is what formats of payloads share: builders that a decoder
// appends rows to, pieces that an encoder puts payloads together from, and how the
// place of a mistake is named.
//
//	payload ──decoder──▶ Builder ──Take──▶ batch.Column ──encoder──▶ Pieces ──▶ payload
package columns

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// Builder builds one column and those below it. A decoder appends each value to
// the vector of the column's form and counts the row; methods do both. A row
// that turns out bad half-way leaves columns of different lengths, and Settle
// cuts it off again from every one of them:
//
//	rows := b.Rows
//	err := b.Settle(rows, decode(b, payload))
//
// The vectors are handed over by Take, and are as large as the last ones were.
type Builder struct {
	Type     *batch.Type
	Rows     int  // since the last Take
	Unread   bool // nobody reads the column: Take leaves it nil, nothing is appended to it
	Children []*Builder

	Ints    []int64
	Floats  []float64
	Bools   []bool
	Strings batch.Strings
	Offsets []int32 // lists and maps: where each row ends in the children

	nulls []int32 // rows that are null, ascending
	full  *bool   // of the whole tree: a string found no room since the last Settle

	// A map's entries come in any order and leave in the order of keys; order lists
	// them, and Offsets counts in it. ends says how many entries had come.
	order []int32
	ends  []int32
	moved bool // order is not the one they came in
}

// New returns a builder for a type. needed says which fields of a struct are
// read; nil means all.
func New(t *batch.Type, needed []bool) *Builder { return build(t, needed, new(bool)) }

func build(t *batch.Type, needed []bool, full *bool) *Builder {
	b := &Builder{Type: t, full: full}
	for i, f := range t.Fields {
		child := build(f.Type, nil, full)
		child.Unread = needed != nil && t.Kind == batch.Struct && !needed[i]
		b.Children = append(b.Children, child)
	}
	b.clear()
	return b
}

// clear begins new vectors as large as the last ones had become.
func (b *Builder) clear() {
	size := b.Rows
	b.Rows, b.nulls = 0, nil
	switch b.Type.Kind.Form() {
	case batch.IntForm:
		b.Ints = make([]int64, 0, size)
	case batch.FloatForm:
		b.Floats = make([]float64, 0, size)
	case batch.BoolForm:
		b.Bools = make([]bool, 0, size)
	case batch.StringForm:
		bytes := len(b.Strings.Data)
		b.Strings = batch.Strings{Offsets: make([]int32, 1, size+1), Data: make([]byte, 0, bytes+bytes/8)}
	case batch.ListForm:
		b.Offsets = make([]int32, 1, size+1)
		b.order, b.ends, b.moved = b.order[:0], b.ends[:0], false
	}
}

// Int appends to a column of integers or times.
func (b *Builder) Int(v int64) {
	b.Ints = append(b.Ints, v)
	b.Rows++
}

// Float appends to a column of floats.
func (b *Builder) Float(v float64) {
	b.Floats = append(b.Floats, v)
	b.Rows++
}

// Bool appends to a column of booleans.
func (b *Builder) Bool(v bool) {
	b.Bools = append(b.Bools, v)
	b.Rows++
}

// Bytes appends a copy of v to a column of strings or bytes.
func (b *Builder) Bytes(v []byte) {
	b.Strings.Data = append(b.Strings.Data, v...)
	b.EndString()
}

// EndString ends the row whose bytes were appended to Strings.Data. Where they are
// more than a column can address the row is empty, and Settle gives an error.
func (b *Builder) EndString() {
	if len(b.Strings.Data) > math.MaxInt32 {
		b.overflow()
	}
	b.Strings.Offsets = append(b.Strings.Offsets, int32(len(b.Strings.Data)))
	b.Rows++
}

func (b *Builder) overflow() {
	*b.full = true
	b.Strings.Data = b.Strings.Data[:b.Strings.Offsets[len(b.Strings.Offsets)-1]]
}

// EndStruct ends the row whose fields were appended to the children.
func (b *Builder) EndStruct() { b.Rows++ }

// EndList ends the row whose elements were appended to the child.
func (b *Builder) EndList() {
	b.Offsets = append(b.Offsets, int32(b.Children[0].Rows))
	b.Rows++
}

// Null appends a null, or an empty value where the type has no null.
func (b *Builder) Null() {
	if b.Unread {
		return
	}
	if b.Type.Nullable {
		b.nulls = append(b.nulls, int32(b.Rows))
	}
	b.Zero()
}

// Zero appends false, 0, the empty string, list or map, or a struct of such.
func (b *Builder) Zero() {
	switch b.Type.Kind.Form() {
	case batch.IntForm:
		b.Int(0)
	case batch.FloatForm:
		b.Float(0)
	case batch.BoolForm:
		b.Bool(false)
	case batch.StringForm:
		b.EndString()
	case batch.ListForm:
		b.Offsets = append(b.Offsets, b.Offsets[len(b.Offsets)-1])
		if b.Type.Kind == batch.Map {
			b.ends = append(b.ends, int32(b.Children[0].Rows))
		}
		b.Rows++
	case batch.StructForm:
		for _, child := range b.Children {
			child.Null()
		}
		b.Rows++
	}
}

// EndMap ends the row whose keys and values were appended to the children, and
// brings its entries into the order of keys. It reports whether every key is
// there once; of entries with the same key only the last is kept.
func (b *Builder) EndMap() (unique bool) {
	keys := b.Children[0]
	first := 0
	if n := len(b.ends); n > 0 {
		first = int(b.ends[n-1])
	}
	from := len(b.order)
	for row := first; row < keys.Rows; row++ {
		b.order = append(b.order, int32(row))
	}
	order := b.order[from:]
	compare := keys.compare()
	if !slices.IsSortedFunc(order, compare) {
		slices.SortStableFunc(order, compare)
		b.moved = true
	}
	kept := 0
	for i, row := range order {
		if i+1 < len(order) && compare(row, order[i+1]) == 0 {
			b.moved = true
			continue
		}
		order[kept] = row
		kept++
	}
	b.order = b.order[:from+kept]
	b.ends = append(b.ends, int32(keys.Rows))
	b.Offsets = append(b.Offsets, int32(len(b.order)))
	b.Rows++
	return kept == len(order)
}

// compare returns the order of the rows of a key column.
func (b *Builder) compare() func(x, y int32) int {
	switch {
	case b.Type.Kind.Form() == batch.StringForm:
		return func(x, y int32) int { return bytes.Compare(b.Strings.Bytes(int(x)), b.Strings.Bytes(int(y))) }
	case b.Type.Kind == batch.Uint64:
		return func(x, y int32) int { return cmp.Compare(uint64(b.Ints[x]), uint64(b.Ints[y])) }
	case b.Type.Kind == batch.Bool:
		return func(x, y int32) int { return cmp.Compare(bit(b.Bools[x]), bit(b.Bools[y])) }
	}
	return func(x, y int32) int { return cmp.Compare(b.Ints[x], b.Ints[y]) }
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// payloadMax bounds payloads, in bytes, so that few of them come near to what a
// column can address.
const payloadMax = 512 << 20

// Oversized is the error for a payload that is too large to be decoded, nil for others.
func Oversized(payload []byte) error {
	if len(payload) > payloadMax {
		return fmt.Errorf("the payload has %d bytes, more than the %d that are decoded", len(payload), payloadMax)
	}
	return nil
}

// errFull is also for payloads that are small: a byte that says which name of an
// enum it is, or that a field has its default, stands for any number of bytes.
var errFull = errors.New("the strings of a column would have more than 2 GiB with those of the payload")

// Settle ends what a payload has appended behind the first rows: with an error, its
// own or that a column is full, that is cut off again.
func (b *Builder) Settle(rows int, err error) error {
	if err == nil && *b.full {
		err = errFull
	}
	if err != nil {
		*b.full = false
		b.Truncate(rows)
	}
	return err
}

// Truncate cuts the column and those below it back to its first rows: off goes
// what a bad row had appended. Columns that it had not reached are as long already.
func (b *Builder) Truncate(rows int) {
	if b.Unread {
		return
	}
	b.Rows = rows
	for len(b.nulls) > 0 && int(b.nulls[len(b.nulls)-1]) >= rows {
		b.nulls = b.nulls[:len(b.nulls)-1]
	}
	inner := rows
	switch b.Type.Kind.Form() {
	case batch.IntForm:
		b.Ints = b.Ints[:rows]
	case batch.FloatForm:
		b.Floats = b.Floats[:rows]
	case batch.BoolForm:
		b.Bools = b.Bools[:rows]
	case batch.StringForm:
		b.Strings.Offsets = b.Strings.Offsets[:rows+1]
		b.Strings.Data = b.Strings.Data[:b.Strings.Offsets[rows]]
	case batch.ListForm:
		b.Offsets = b.Offsets[:rows+1]
		inner = int(b.Offsets[rows])
		if b.Type.Kind == batch.Map {
			b.order = b.order[:inner]
			b.ends = b.ends[:rows]
			inner = 0
			if rows > 0 {
				inner = int(b.ends[rows-1])
			}
		}
	}
	for _, child := range b.Children {
		child.Truncate(inner)
	}
}

// Take returns the rows since the last Take; nil for a column nobody reads.
func (b *Builder) Take() *batch.Column {
	if b.Unread {
		return nil
	}
	c := &batch.Column{Type: b.Type, Len: b.Rows, Ints: b.Ints, Floats: b.Floats, Bools: b.Bools,
		Strings: b.Strings, Offsets: b.Offsets}
	if len(b.nulls) > 0 {
		c.Valid = batch.NewBitmap(b.Rows)
		c.Valid.SetAll(b.Rows)
		for _, row := range b.nulls {
			c.Valid.Clear(int(row))
		}
	}
	for _, child := range b.Children {
		column := child.Take()
		if b.moved {
			column = column.Gather(b.order)
		}
		c.Children = append(c.Children, column)
	}
	b.clear()
	return c
}
