package leat

import (
	"context"
	"errors"
	"iter"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

var errNilFunction = errors.New("the function is nil")

// Map calls f for each row. Time and window of a row are kept. f may be called
// from several goroutines at once.
func Map[A, B any](in PCollection[A], name string, f func(A) B) PCollection[B] {
	return rowsStep(in, name, "map", f == nil, func(out *codec.Codec[B]) graph.RowFn {
		return &mapFn[A, B]{in: newRowsIn(in.rows), encode: out.NewEncoder(), f: f}
	})
}

// FlatMap calls f for each row and takes every row of the sequence it returns,
// with the time and window of the row.
func FlatMap[A, B any](in PCollection[A], name string, f func(A) iter.Seq[B]) PCollection[B] {
	return rowsStep(in, name, "flatmap", f == nil, func(out *codec.Codec[B]) graph.RowFn {
		return &flatMapFn[A, B]{in: newRowsIn(in.rows), out: newRowsOut(out, 0), f: f}
	})
}

// rowsStep adds a step that makes rows of B from rows of A with user code.
func rowsStep[A, B any](in PCollection[A], name, kind string, isNil bool, make func(*codec.Codec[B]) graph.RowFn) PCollection[B] {
	if !in.valid() {
		return failed[B](in.pipeline)
	}
	p := in.pipeline
	out, err := codec.For[B]()
	if isNil {
		err = errNilFunction
	}
	if err != nil {
		p.fail(name, err)
		return failed[B](p)
	}
	op := &graph.Rows{Name: kind, New: func() (graph.RowFn, error) { return make(out), nil }}
	n := p.add(name, op, []graph.Edge{in.edge}, graph.Output{Type: out.Type(), Windowing: in.edge.Windowing()})
	if n == nil {
		return failed[B](p)
	}
	return PCollection[B]{p, graph.Edge{Node: n}, out}
}

// Filter keeps the rows for which f is true. It decodes every column of A;
// Where, with a condition, does not and is pushed down to the source.
func Filter[A any](in PCollection[A], name string, f func(A) bool) PCollection[A] {
	if !in.valid() {
		return in
	}
	p := in.pipeline
	if f == nil {
		p.fail(name, errNilFunction)
		return failed[A](p)
	}
	op := &graph.Rows{Name: "filter", Narrow: true, New: func() (graph.RowFn, error) {
		return &filterFn[A]{in: newRowsIn(in.rows), f: f}, nil
	}}
	return sameRows(in, p.add(name, op, []graph.Edge{in.edge}, graph.Output{Type: in.edge.Type(), Windowing: in.edge.Windowing()}))
}

// Where keeps the rows that satisfy a condition on fields. The condition runs
// column by column and is pushed down to the source, which may skip whole row
// groups by their statistics.
func Where[A any](in PCollection[A], name string, f func(*A) field.Cond) PCollection[A] {
	if !in.valid() {
		return in
	}
	p := in.pipeline
	predicate, err := field.Describe(f)
	if err != nil {
		p.fail(name, err)
		return failed[A](p)
	}
	return sameRows(in, p.add(name, &graph.Where{Predicate: predicate}, []graph.Edge{in.edge}, graph.Output{Type: in.edge.Type(), Windowing: in.edge.Windowing()}))
}

// sameRows is the output of a step whose rows are of the type of its input.
func sameRows[A any](in PCollection[A], n *graph.Node) PCollection[A] {
	if n == nil {
		return failed[A](in.pipeline)
	}
	return PCollection[A]{in.pipeline, graph.Edge{Node: n}, in.rows}
}

// stateless is the part of a RowFn that does nothing.
type stateless struct{}

// Start implements graph.RowFn.
func (stateless) Start(context.Context) error { return nil }

// Finish implements graph.RowFn.
func (stateless) Finish(context.Context, graph.Emit) error { return nil }

// Close implements graph.RowFn.
func (stateless) Close() error { return nil }

type mapFn[A, B any] struct {
	stateless
	in     *rowsIn[A]
	encode *codec.Encoder[B]
	out    [chunkRows]B
	f      func(A) B
}

// Process implements graph.RowFn: as many rows go out as came in, so time and
// windows are shared with the input.
func (m *mapFn[A, B]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	err := m.in.each(b, func(chunk []A, _ []int32) error {
		for i := range chunk {
			m.in.at = i
			m.out[i] = m.f(chunk[i])
		}
		return m.encode.Append(m.out[:len(chunk)])
	})
	if err != nil {
		return err
	}
	shape := &batch.Batch{Root: &batch.Column{Type: noColumns, Len: b.Physical()}, Time: b.Time, Start: b.Start, End: b.End, Retract: b.Retract, Sel: b.Sel}
	return emit(0, shape.Compact().WithRoot(m.encode.Finish()))
}

// noColumns is the type of a batch that carries only times and windows.
var noColumns = &batch.Type{Kind: batch.Struct}

type filterFn[A any] struct {
	stateless
	in *rowsIn[A]
	f  func(A) bool
}

// Process implements graph.RowFn: the output is a selection of the input.
func (m *filterFn[A]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	kept := make([]int32, 0, b.Len())
	err := m.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			m.in.at = i
			if m.f(chunk[i]) {
				kept = append(kept, physical[i])
			}
		}
		return nil
	})
	if err != nil || len(kept) == 0 {
		return err
	}
	return emit(0, b.WithSel(kept))
}

type flatMapFn[A, B any] struct {
	stateless
	in  *rowsIn[A]
	out *rowsOut[B]
	f   func(A) iter.Seq[B]
}

// Process implements graph.RowFn.
func (m *flatMapFn[A, B]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	err := m.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			m.in.at = i
			rows := m.f(chunk[i])
			if rows == nil {
				continue
			}
			for row := range rows {
				m.out.add(row, b, physical[i])
				if err := m.out.settle(emit); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.out.flush(emit)
}
