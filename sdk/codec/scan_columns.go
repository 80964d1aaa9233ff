package codec

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// group adds the columns of a Columns field: those of row once per name.
func (s *scanner) group(n *node, at place, t, row reflect.Type, value reflect.Value) {
	switch {
	case at.inside != "":
		s.refuse(at, t, fmt.Sprintf("leat.Columns inside %s has no columns of its own; make it a field of the row", at.inside))
		return
	case !s.sampled:
		s.refuse(at, t, "the names of leat.Columns are only known from a description (At; leat.Declare where rows are read); what runs for each row cannot make such a type, use a struct with one field a name")
		return
	case row.Kind() != reflect.Struct || row == timeType:
		s.refuse(at, t, fmt.Sprintf("leat.Columns needs a struct of columns, not %s", row))
		return
	}
	g := &groups{offset: at.offset, first: len(n.typ.Fields)}
	if value.IsValid() {
		g.names = append(g.names, (*groupState)(value.Addr().UnsafePointer()).names()...)
	}
	inner := at
	inner.inside, inner.offset = "leat.Columns", 0
	if g.row = s.value(inner, row, reflect.Value{}); g.row == nil {
		return
	}
	g.fixed = &fixedGroups{names: g.names, size: g.row.size}
	prefix := strings.TrimSuffix(at.column, at.name)
	for _, name := range g.names {
		for _, f := range g.row.fields {
			column := f.name + "_" + name
			if at.name != "" {
				column = at.name + "_" + column
			}
			step := f.relabel(f.path, fmt.Sprintf("%s.At(%q)%s", at.path, name, strings.TrimPrefix(f.path, at.path)), f.column, prefix+column)
			step.name = column
			g.fields = append(g.fields, step)
			n.typ.Fields = append(n.typ.Fields, batch.Field{Name: column, Type: f.typ})
		}
	}
	n.groups = append(n.groups, g)
}

// relabel returns a copy with the leading part of path and column replaced, down
// to the leaves.
func (n *node) relabel(path, newPath, column, newColumn string) *node {
	c := *n
	c.path = newPath + strings.TrimPrefix(n.path, path)
	c.column = newColumn + strings.TrimPrefix(n.column, column)
	c.fields = make([]*node, len(n.fields))
	for i, f := range n.fields {
		c.fields[i] = f.relabel(path, newPath, column, newColumn)
	}
	return &c
}
