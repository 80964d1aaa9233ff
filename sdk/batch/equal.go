package batch

import "bytes"

// Equal reports whether row of c and orow of o hold the same value, however it
// is stored: integers are compared across widths, strings across dictionaries,
// null equals null and NaN equals NaN. A column that was not read equals only
// another one.
func (c *Column) Equal(row int, o *Column, orow int) bool {
	if c == nil || o == nil {
		return c == o
	}
	if !sameNature(c.Type.Kind, o.Type.Kind) {
		return false
	}
	if n := c.Null(row); n || o.Null(orow) {
		return n == o.Null(orow)
	}
	switch c.Type.Kind.Form() {
	case IntForm:
		a, b := c.Ints[row], o.Ints[orow]
		// Above 2^63 a uint64 has the bits of a negative int64.
		return a == b && (a >= 0 || (c.Type.Kind == Uint64) == (o.Type.Kind == Uint64))
	case FloatForm:
		a, b := c.Floats[row], o.Floats[orow]
		return a == b || a != a && b != b
	case BoolForm:
		return c.Bools[row] == o.Bools[orow]
	case StringForm:
		if c.Dict != nil && c.Dict == o.Dict && c.Codes[row] == o.Codes[orow] {
			return true
		}
		return bytes.Equal(c.Bytes(row), o.Bytes(orow))
	case ListForm:
		return c.equalLists(row, o, orow)
	}
	return c.equalChildren(row, o, orow)
}

// sameNature reports whether values of two kinds can be equal.
func sameNature(a, b Kind) bool {
	return a == b || a.Integer() && b.Integer() || a.Float() && b.Float()
}

func (c *Column) equalLists(row int, o *Column, orow int) bool {
	from, to := c.Range(row)
	ofrom, oto := o.Range(orow)
	if to-from != oto-ofrom {
		return false
	}
	for i := range to - from {
		if !c.equalChildren(from+i, o, ofrom+i) {
			return false
		}
	}
	return true
}

func (c *Column) equalChildren(row int, o *Column, orow int) bool {
	if len(c.Children) != len(o.Children) {
		return false
	}
	for i, child := range c.Children {
		if !child.Equal(row, o.Children[i], orow) {
			return false
		}
	}
	return true
}
