package table

import (
	"bytes"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// FooterColumn is what the footers say about a column without reading rows.
type FooterColumn struct {
	Name  string
	Type  *batch.Type
	Nulls int64 // -1: some row group does not say
	// Min and Max are rendered bounds, "" where some row group with values has
	// none. Those of strings may be shortened by the writer.
	Min, Max string
}

// Footers merges the statistics of all row groups, for each leaf outside of lists.
func (t *Table) Footers() []FooterColumn {
	var out []FooterColumn
	for _, f := range t.Type.Fields {
		t.addFooter(&out, f.Name, []string{f.Name}, f.Type)
	}
	return out
}

func (t *Table) addFooter(out *[]FooterColumn, name string, path []string, typ *batch.Type) {
	if typ.Kind == batch.Struct && len(typ.Fields) > 0 {
		for _, f := range typ.Fields {
			t.addFooter(out, name+"."+f.Name, append(path[:len(path):len(path)], f.Name), f.Type)
		}
		return
	}
	s := merged{}
	for _, f := range t.Files {
		if f.Footer == nil {
			s.unknown, s.nullsUnknown = true, true
			continue
		}
		n := descend(f.Footer.Schema(), path)
		for _, g := range f.Footer.RowGroups() {
			s.add(g, n)
		}
	}
	*out = append(*out, s.column(name, typ))
}

// descend finds the node at path, nil when the file does not have it.
func descend(n *pages.Node, path []string) *pages.Node {
	for _, name := range path {
		var next *pages.Node
		for _, c := range n.Children {
			if c.Name == name {
				next = c
			}
		}
		if n = next; n == nil {
			return nil
		}
	}
	return n
}

// merged are the statistics of several row groups.
type merged struct {
	nulls                 int64
	nullsUnknown, unknown bool
	low, high             []byte // key bytes of the bounds, which order them
	min, max              string
}

func (s *merged) add(g *pages.RowGroup, n *pages.Node) {
	if n == nil || n.Type.Kind.Form() == batch.ListForm || n.Type.Kind == batch.Struct {
		s.unknown, s.nullsUnknown = true, true
		return
	}
	have := g.Stats(n)
	if have.Nulls < 0 {
		s.nullsUnknown = true
	}
	s.nulls += max(have.Nulls, 0)
	if have.MinMax == nil {
		s.unknown = s.unknown || have.Nulls != have.Rows
		return
	}
	low, high := codec.AppendKey(nil, have.MinMax, 0), codec.AppendKey(nil, have.MinMax, 1)
	if s.low == nil || bytes.Compare(low, s.low) < 0 {
		s.low, s.min = low, have.MinMax.Format(0)
	}
	if s.high == nil || bytes.Compare(high, s.high) > 0 {
		s.high, s.max = high, have.MinMax.Format(1)
	}
}

func (s *merged) column(name string, t *batch.Type) FooterColumn {
	c := FooterColumn{Name: name, Type: t, Nulls: s.nulls}
	if s.nullsUnknown {
		c.Nulls = -1
	}
	if !s.unknown {
		c.Min, c.Max = s.min, s.max
	}
	return c
}
