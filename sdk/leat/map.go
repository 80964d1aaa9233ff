package leat

import (
	"context"
	"errors"
	"iter"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
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
// with the time and window of the row. A nil sequence is an empty one. f may be
// called from several goroutines at once.
func FlatMap[A, B any](in PCollection[A], name string, f func(A) iter.Seq[B]) PCollection[B] {
	return rowsStep(in, name, "flatmap", f == nil, func(out *codec.Codec[B]) graph.RowFn {
		return &flatMapFn[A, B]{in: newRowsIn(in.rows), out: newRowsOut(out, 0), f: f}
	})
}

// rowsStep adds a step that makes rows of B from rows of A with user code.
func rowsStep[A, B any](in PCollection[A], name, kind string, isNil bool, make func(*codec.Codec[B]) graph.RowFn) PCollection[B] {
	return rowsOf(in.begin(name), in, kind, isNil, make)
}

// rowsOf is rowsStep for a step that has begun.
func rowsOf[A, B any](s *step, in PCollection[A], kind string, isNil bool, make func(*codec.Codec[B]) graph.RowFn) PCollection[B] {
	out, err := codec.For[B]()
	s.check(err)
	if isNil {
		s.check(errNilFunction)
	}
	if !s.ok(in.valid()) {
		return failed[B](s.p)
	}
	op := &graph.Rows{Name: kind, New: func() (graph.RowFn, error) { return make(out), nil }}
	n := s.add(op, []graph.Edge{in.edge}, graph.Output{Type: out.Type(), Windowing: in.edge.Windowing()})
	return PCollection[B]{s.p, graph.Edge{Node: n}, out}
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
	f, in := m.f, m.in
	err := in.each(b, func(chunk []A, _ []int32) error {
		out := m.out[:len(chunk)]
		for i := range chunk {
			in.at = i
			out[i] = f(chunk[i])
		}
		return in.ours(func() error { return encode(m.encode, out) })
	})
	if err != nil {
		return err
	}
	shape := &batch.Batch{Root: &batch.Column{Type: noColumns, Len: b.Physical()}, Time: b.Time, Start: b.Start, End: b.End, Panes: b.Panes, Retract: b.Retract, Sel: b.Sel}
	return emit(0, shape.Compact().WithRoot(m.encode.Finish()))
}

// noColumns is the type of a batch that carries only times and windows.
var noColumns = &batch.Type{Kind: batch.Struct}

type flatMapFn[A, B any] struct {
	stateless
	in  *rowsIn[A]
	out *rowsOut[B]
	f   func(A) iter.Seq[B]
}

// Process implements graph.RowFn.
func (m *flatMapFn[A, B]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	settle := func() error { return m.out.settle(emit) }
	err := m.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			m.in.at = i
			rows := m.f(chunk[i])
			if rows == nil {
				continue
			}
			for row := range rows {
				m.out.add(row, b, physical[i])
				if !m.out.full() {
					continue
				}
				if err := m.in.ours(settle); err != nil {
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
