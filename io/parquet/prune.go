package parquet

import (
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// excluded reports whether the statistics show that no row of p passes the
// filter. position is the field filled with the row's position, or -1.
func (in *input) excluded(p piece, position int) bool {
	if in.request.Filter == nil {
		return false
	}
	return in.request.Filter.Prune(func(path []int) (field.Stats, bool) {
		if len(path) == 1 && path[0] == position {
			return field.Stats{HasMinMax: true, Rows: p.group.Rows(),
				Min: field.Value{Kind: batch.Int64, Int: p.first}, Max: field.Value{Kind: batch.Int64, Int: p.first + p.group.Rows() - 1}}, true
		}
		return p.stats(path)
	})
}

// stats returns the statistics of the column that fills the field at path.
func (p piece) stats(path []int) (field.Stats, bool) {
	if len(path) == 0 || p.file.fields[path[0]] == nil {
		return field.Stats{}, false
	}
	b := p.file.fields[path[0]]
	for _, i := range path[1:] {
		if b.want.Kind != batch.Struct {
			return field.Stats{}, false
		}
		b = b.children[i]
	}
	if b.constant != nil {
		return b.constant.stats(b.want, p.group.Rows())
	}
	if b.children != nil {
		return field.Stats{}, false
	}
	s := p.group.Stats(b.node)
	out := field.Stats{Nulls: s.Nulls, Rows: s.Rows}
	if s.MinMax != nil {
		bounds := *s.MinMax
		if b.toFloat {
			bounds.Floats = floats(&bounds)
		}
		out.HasMinMax = true
		out.Min, out.Max = value(&bounds, 0, b.want.Kind), value(&bounds, 1, b.want.Kind)
	}
	return out, true
}

// stats are those of a column that has one value.
func (v hiveValue) stats(t *batch.Type, rows int64) (field.Stats, bool) {
	c, err := v.column(t, 1)
	if err != nil {
		return field.Stats{}, false
	}
	if v.null {
		return field.Stats{Nulls: rows, Rows: rows}, true
	}
	only := value(c, 0, t.Kind)
	return field.Stats{HasMinMax: true, Min: only, Max: only, Rows: rows}, true
}

func value(c *batch.Column, row int, k batch.Kind) field.Value {
	v := field.Value{Kind: k}
	switch k.Form() {
	case batch.IntForm:
		v.Int = c.Ints[row]
	case batch.FloatForm:
		v.Float = c.Floats[row]
	case batch.BoolForm:
		v.Bool = c.Bools[row]
	case batch.StringForm:
		v.Text = c.Text(row)
	}
	return v
}
