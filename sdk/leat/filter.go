package leat

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// Filter keeps the rows for which f is true. It decodes every column of A;
// Where, with a condition, does not and is pushed down to the source. f may be
// called from several goroutines at once.
func Filter[A any](in PCollection[A], name string, f func(A) bool) PCollection[A] {
	s := in.begin(name)
	if f == nil {
		s.check(errNilFunction)
	}
	if !s.ok(in.valid()) {
		return failed[A](s.p)
	}
	op := &graph.Rows{Name: "filter", Narrow: true, New: func() (graph.RowFn, error) {
		return &filterFn[A]{in: newRowsIn(in.rows), f: f}, nil
	}}
	return PCollection[A]{s.p, graph.Edge{Node: s.add(op, []graph.Edge{in.edge}, like(in.edge))}, in.rows}
}

// Where keeps the rows that satisfy a condition on fields. The condition runs
// column by column and is pushed down to the source, which may skip whole row
// groups by their statistics.
func Where[A any](in PCollection[A], name string, f func(*A) field.Cond) PCollection[A] {
	s := in.begin(name)
	predicate, err := field.Describe(f)
	if err == nil && in.valid() {
		predicate, err = bindPredicate(predicate, in.edge.Type())
	}
	s.check(err)
	if !s.ok(in.valid()) {
		return failed[A](s.p)
	}
	n := s.add(&graph.Where{Predicate: predicate}, []graph.Edge{in.edge}, like(in.edge))
	return PCollection[A]{s.p, graph.Edge{Node: n}, in.rows}
}

type filterFn[A any] struct {
	stateless
	in *rowsIn[A]
	f  func(A) bool
}

// Process implements graph.RowFn: the output is a selection of the input.
func (m *filterFn[A]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	kept, n := make([]int32, b.Len()), 0
	err := m.in.each(b, func(chunk []A, physical []int32) error {
		room := kept[n:]
		k := 0
		for i, row := range physical[:len(chunk)] {
			m.in.at = i
			room[k] = row // no branch that depends on the data
			if m.f(chunk[i]) {
				k++
			}
		}
		n += k
		return nil
	})
	if err != nil || n == 0 {
		return err
	}
	return emit(0, b.WithSel(kept[:n:n]))
}
