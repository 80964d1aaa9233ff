package parquet

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// convert makes a column of the file one of the row type. Vectors are shared;
// only integers that fill floats are copied. The first error is a null where the
// row type has none: its row counts from the column's first.
func (b *binding) convert(c *batch.Column) (*batch.Column, error) {
	if !b.want.Nullable && c.Valid != nil {
		if row := firstNull(c); row >= 0 {
			return nil, nullError{column: b.node.Name, row: row, typ: b.want}
		}
	}
	out := *c
	out.Type = b.want
	if !b.want.Nullable {
		out.Valid = nil
	}
	if b.toFloat {
		out.Floats, out.Ints = floats(c), nil
	}
	if b.children == nil {
		return &out, nil
	}
	out.Children = make([]*batch.Column, len(b.children))
	for i, child := range b.children {
		in := c.Children[b.source[i]]
		if b.want.Kind == batch.Struct && c.Valid != nil && !child.want.Nullable {
			in = hideNulls(in, c.Valid) // where the struct is null its fields may be too
		}
		done, err := child.convert(in)
		if err != nil {
			return nil, err
		}
		out.Children[i] = done
	}
	return &out, nil
}

// hideNulls makes a field not null where its struct is.
func hideNulls(c *batch.Column, parent batch.Bitmap) *batch.Column {
	if c.Valid == nil {
		return c
	}
	out := *c
	out.Valid = batch.NewBitmap(c.Len)
	for i := range out.Valid {
		out.Valid[i] = c.Valid[i] | ^parent[i]
	}
	return &out
}

func firstNull(c *batch.Column) int {
	for i := range c.Len {
		if !c.Valid.Get(i) {
			return i
		}
	}
	return -1
}

func floats(c *batch.Column) []float64 {
	out := make([]float64, len(c.Ints))
	if c.Type.Kind == batch.Uint64 {
		for i, v := range c.Ints {
			out[i] = float64(uint64(v))
		}
		return out
	}
	for i, v := range c.Ints {
		out[i] = float64(v)
	}
	return out
}

// nullError is a null where the row type has none.
type nullError struct {
	column string
	row    int // of the batch
	typ    *batch.Type
}

// Error says what to do; the reader says where.
func (e nullError) Error() string {
	return fmt.Sprintf("column %q is null, but its field of type %s is not nullable: make the field a pointer", e.column, e.typ)
}
