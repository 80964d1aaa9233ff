package pages

import (
	"errors"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// vector is what a batch's values of one leaf are decoded into. Only what the
// leaf's form needs is used.
type vector struct {
	rows   int // expected
	ints   []int64
	floats []float64
	bools  []bool

	// Strings are codes until a plain page is met, and plain from then on.
	codes   []int32
	dict    *batch.Dictionary
	plain   bool
	strings batch.Strings
}

var errStringBytes = errors.New("has more than 2 GiB of strings in one batch: ask for fewer rows at a time")

// extend makes room for n more values behind the ones in v and returns it.
func extend[T any](v *[]T, n int) []T {
	old := len(*v)
	if cap(*v)-old >= n {
		*v = (*v)[:old+n]
	} else {
		grown := make([]T, old+n, max(old+n, 2*old))
		copy(grown, *v)
		*v = grown
	}
	return (*v)[old:]
}

// toPlain turns what was decoded as codes into plain strings.
func (v *vector) toPlain() error {
	if v.plain {
		return nil
	}
	v.plain = true
	v.strings.Offsets = make([]int32, 1, max(cap(v.codes), v.rows)+1)
	codes := v.codes
	v.codes = nil
	return v.appendCodes(codes, v.dict)
}

// appendCodes decodes codes and appends them to the plain strings.
func (v *vector) appendCodes(codes []int32, d *batch.Dictionary) error {
	if d == nil || d.Len() == 0 { // codes of nulls only
		fill(extend(&v.strings.Offsets, len(codes)), int32(len(v.strings.Data)))
		return nil
	}
	size := 0
	for _, c := range codes {
		size += int(d.Offsets[c+1] - d.Offsets[c])
	}
	s := &v.strings
	if len(s.Data)+size > stringBytesMax {
		return errStringBytes
	}
	data := extend(&s.Data, size)
	offsets := extend(&s.Offsets, len(codes))
	end := int32(len(s.Data) - size)
	start := end
	for i, c := range codes {
		from, n := d.Offsets[c], d.Offsets[c+1]-d.Offsets[c]
		batch.CopyText(data[end-start:], d.Data[from:], int(n))
		end += n
		offsets[i] = end
	}
	return nil
}

// spread moves the last count values apart, to where defs is max, and puts a
// zero, or the empty string, or code zero, where it is not.
func (v *vector) spread(f batch.Form, count int, defs []uint8, max uint8) {
	switch f {
	case batch.IntForm:
		spread(&v.ints, count, defs, max)
	case batch.FloatForm:
		spread(&v.floats, count, defs, max)
	case batch.BoolForm:
		spread(&v.bools, count, defs, max)
	case batch.StringForm:
		if !v.plain {
			if v.codes == nil {
				v.codes = make([]int32, 0, v.rows)
			}
			spread(&v.codes, count, defs, max)
			return
		}
		spreadOffsets(&v.strings.Offsets, count, defs, max)
	}
}

func spread[T any](v *[]T, count int, defs []uint8, max uint8) {
	from := len(*v) - count
	extend(v, len(defs)-count)
	out := (*v)[from:]
	var zero T
	for i := len(defs) - 1; i >= 0; i-- {
		if defs[i] == max {
			count--
			out[i] = out[count]
		} else {
			out[i] = zero
		}
	}
}

func spreadOffsets(v *[]int32, count int, defs []uint8, max uint8) {
	from := len(*v) - count
	extend(v, len(defs)-count)
	out, before := (*v)[from:], (*v)[from-1]
	for i := len(defs) - 1; i >= 0; i-- {
		switch {
		case defs[i] == max:
			count--
			out[i] = out[count]
		case count > 0:
			out[i] = out[count-1]
		default:
			out[i] = before
		}
	}
}

// column makes the vector a column of n rows.
func (v *vector) column(t *batch.Type, n int, valid batch.Bitmap) *batch.Column {
	c := &batch.Column{Type: t, Len: n, Valid: valid}
	switch t.Kind.Form() {
	case batch.IntForm:
		c.Ints = v.ints
	case batch.FloatForm:
		c.Floats = v.floats
	case batch.BoolForm:
		c.Bools = v.bools
	case batch.StringForm:
		if v.plain || v.dict == nil {
			c.Strings = v.strings
			if n > 0 && len(c.Strings.Offsets) == 0 {
				c.Strings.Offsets = make([]int32, n+1)
			}
		} else {
			c.Codes, c.Dict = v.codes, v.dict
			if v.dict.Len() == 0 { // nulls only: their codes must be in bounds all the same
				c.Codes, c.Dict, c.Strings.Offsets = nil, nil, make([]int32, n+1)
			}
		}
	}
	return c
}

// halfToFloat decodes an IEEE half.
func halfToFloat(h uint16) float64 {
	sign, exponent, fraction := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 != 0 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(fraction+1024, exponent-25)
}
