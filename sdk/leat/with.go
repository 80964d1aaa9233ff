package leat

import (
	"context"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// MapWith is Map with a side input: it calls f for each row with the value that the
// side input has for the row's window. f may be called from several goroutines at
// once, each with a value of its own.
func MapWith[A, S, B any](in PCollection[A], side Side[S], name string, f func(A, S) B) PCollection[B] {
	s := in.begin(name)
	out, err := codec.For[B]()
	s.check(err)
	edges, ok := with(s, in, side, f == nil)
	if !s.ok(ok) {
		return failed[B](s.p)
	}
	op := &graph.Rows{Name: "map", Note: noted(edges), New: func() (graph.RowFn, error) {
		rows, own := newRowsIn(in.rows), side
		fn, get := bound(rows, in.edge.Windowing(), &own)
		fn.RowFn = &mapFn[A, B]{in: rows, encode: out.NewEncoder(), f: func(a A) B { return f(a, get()) }}
		return fn, nil
	}}
	n := s.add(op, edges, graph.Output{Type: out.Type(), Windowing: in.edge.Windowing()})
	return PCollection[B]{s.p, graph.Edge{Node: n}, out}
}

// FilterWith is Filter with a side input: it keeps the rows for which f is true,
// given the value that the side input has for the row's window. f may be called from
// several goroutines at once, each with a value of its own.
func FilterWith[A, S any](in PCollection[A], side Side[S], name string, f func(A, S) bool) PCollection[A] {
	s := in.begin(name)
	edges, ok := with(s, in, side, f == nil)
	if !s.ok(ok) {
		return failed[A](s.p)
	}
	op := &graph.Rows{Name: "filter", Note: noted(edges), Narrow: true, New: func() (graph.RowFn, error) {
		rows, own := newRowsIn(in.rows), side
		fn, get := bound(rows, in.edge.Windowing(), &own)
		fn.RowFn = &filterFn[A]{in: rows, f: func(a A) bool { return f(a, get()) }}
		return fn, nil
	}}
	return PCollection[A]{s.p, graph.Edge{Node: s.add(op, edges, like(in.edge))}, in.rows}
}

// with checks a step with a side input and returns its inputs.
func with[A, S any](s *step, in PCollection[A], side Side[S], isNil bool) (edges []graph.Edge, ok bool) {
	if isNil {
		s.check(errNilFunction)
	}
	e, ok, err := side.check(s.p, in.edge)
	if err != nil {
		s.check(fmt.Errorf("the side input: %w", err))
	}
	return []graph.Edge{in.edge, e}, ok && in.valid()
}

// noted says in EXPLAIN where side inputs come from.
func noted(edges []graph.Edge) string {
	note := ""
	for _, e := range edges[1:] {
		if note != "" {
			note += ", "
		}
		note += "side input " + e.Node.Name
	}
	return note
}

// sidedFn is a RowFn with side inputs.
type sidedFn struct {
	graph.RowFn
	sidesOf
	now *batch.Batch
}

// bound makes a sidedFn, yet without its RowFn, whose rows are decoded by in, and
// the function that gives the value for the row at hand.
func bound[A, S any](in *rowsIn[A], main graph.Windowing, side *Side[S]) (fn *sidedFn, get func() S) {
	fn = &sidedFn{sidesOf: sidesOf{main: main}}
	fn.sides = []sideAdder{side.bind(&sidePlace{main, func() (*batch.Batch, int32) { return fn.now, in.chunk[in.at] }})}
	return fn, side.Get
}

// Process implements graph.RowFn.
func (f *sidedFn) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	f.now = b
	return f.RowFn.Process(ctx, b, emit)
}
