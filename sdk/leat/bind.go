package leat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// A description names columns of a Go type. The columns of a collection of that
// type are the same, with two exceptions, for which references are looked up by
// name again: the key of a KV may be nullable where K is not, and a description
// may name only some of the columns that a leat.Columns field got further up.

// bind returns ref as a column of t.
func bind(ref field.Ref, t *batch.Type) (field.Ref, error) {
	if len(ref.Path) == 0 {
		ref.Type = t
		return ref, nil
	}
	path, found := lookUp(t, ref.Name)
	if !found {
		return ref, fmt.Errorf("the rows have no column %s; they are %s", ref.Name, t)
	}
	nullable := t.Nullable
	for _, i := range path {
		t = t.Fields[i].Type
		nullable = nullable || t.Nullable
	}
	own := *t
	own.Nullable = nullable
	ref.Path, ref.Type = path, &own
	return ref, nil
}

// lookUp finds a column by its dotted name. Names may contain dots themselves.
func lookUp(t *batch.Type, name string) (path []int, found bool) {
	if t.Kind != batch.Struct {
		return nil, false
	}
	if i := t.Index(name); i >= 0 {
		return []int{i}, true
	}
	for i, f := range t.Fields {
		if rest, inside := strings.CutPrefix(name, f.Name+"."); inside {
			if below, found := lookUp(f.Type, rest); found {
				return append([]int{i}, below...), true
			}
		}
	}
	return nil, false
}

// bindPredicate returns p over columns of t.
func bindPredicate(p *field.Predicate, t *batch.Type) (*field.Predicate, error) {
	out := *p
	if p.Op == field.OpAnd || p.Op == field.OpOr {
		out.Children = make([]*field.Predicate, len(p.Children))
		for i, c := range p.Children {
			bound, err := bindPredicate(c, t)
			if err != nil {
				return nil, err
			}
			out.Children[i] = bound
		}
		return &out, nil
	}
	var err error
	out.Ref, err = bind(p.Ref, t)
	return &out, err
}

// sameColumns reports whether columns of both types have the same names and
// kinds in the same order, whatever may be null.
func sameColumns(a, b *batch.Type) bool {
	return a.Kind == b.Kind && slices.EqualFunc(a.Fields, b.Fields, func(x, y batch.Field) bool {
		return x.Name == y.Name && sameColumns(x.Type, y.Type)
	})
}
