package parquet

import (
	"fmt"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// excluded reports whether statistics show that none of the given rows of p
// passes the filter.
func (in *input) excluded(p piece, rows pages.Range, stats func(*pages.Node) pages.Stats) bool {
	return in.request.Filter.Prune(func(path []int) (field.Stats, bool) {
		if len(path) == 1 && path[0] == in.positions {
			return field.Stats{HasMinMax: true, Rows: rows.To - rows.From,
				Min: field.Value{Kind: batch.Int64, Int: p.first + rows.From}, Max: field.Value{Kind: batch.Int64, Int: p.first + rows.To - 1}}, true
		}
		return p.stats(path, stats)
	})
}

// matching returns the rows of p that may pass the filter by what the page index
// says: statistics that hold for a page hold for every part of it, so the row
// group is cut where a page of any column in the condition begins, and each part
// is judged as a row group is.
//
//	a      │ page 0      │ page 1      │        parts:  0 1 2 3
//	b      │ page 0 │ page 1    │ page 2 │      of a:  0 0 1 1
//	parts  │   0    │ 1  │  2   │ 3    │         of b:  0 1 1 2
func (in *input) matching(p piece, x *pages.PageIndex) ([]pages.Range, error) {
	end := p.group.Rows()
	all := []pages.Range{{From: 0, To: end}}
	if in.request.Filter == nil || in.wholeGroups {
		return all, nil
	}
	columns := map[*pages.Node]*pagedColumn{}
	for _, path := range in.request.Filter.Reads(nil) {
		b := p.binding(path)
		if b == nil || b.node == nil || columns[b.node] != nil {
			continue
		}
		found, err := x.Pages(b.node)
		if err != nil {
			return nil, fmt.Errorf("parquet: %w", err)
		}
		if found != nil {
			columns[b.node] = &pagedColumn{pages: found, end: found[0].Rows}
		}
	}
	if len(columns) == 0 {
		return all, nil
	}
	stats := func(n *pages.Node) pages.Stats {
		if c := columns[n]; c != nil {
			return c.pages[0]
		}
		return p.group.Stats(n)
	}
	var out []pages.Range
	for from := int64(0); from < end; {
		part := pages.Range{From: from, To: end}
		for _, c := range columns {
			part.To = min(part.To, c.to(from))
		}
		from = part.To
		switch last := len(out) - 1; {
		case in.excluded(p, part, stats):
		case last >= 0 && out[last].To == part.From:
			out[last].To = part.To
		default:
			out = append(out, part)
		}
	}
	return out, nil
}

// pagedColumn goes through the pages of a column.
type pagedColumn struct {
	pages []pages.Stats // the first is the one at hand
	end   int64         // row behind it
}

// to goes on to the page with row, of this page or the next, and returns the row
// behind that page.
func (c *pagedColumn) to(row int64) int64 {
	if row == c.end {
		c.pages = c.pages[1:]
		c.end += c.pages[0].Rows
	}
	return c.end
}

// binding returns what fills the field at path, nil when nothing does as a whole.
func (p piece) binding(path []int) *binding {
	if len(path) == 0 || p.file.fields[path[0]] == nil {
		return nil
	}
	b := p.file.fields[path[0]]
	for _, i := range path[1:] {
		if b.want.Kind != batch.Struct {
			return nil
		}
		b = b.children[i]
	}
	return b
}

// stats returns the statistics of the column that fills the field at path.
func (p piece) stats(path []int, of func(*pages.Node) pages.Stats) (field.Stats, bool) {
	b := p.binding(path)
	if b == nil {
		return field.Stats{}, false
	}
	if b.constant != nil {
		return b.constant.stats(b.want, p.group.Rows())
	}
	if b.children != nil {
		return field.Stats{}, false
	}
	s := of(b.node)
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
