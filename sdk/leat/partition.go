package leat

import (
	"context"
	"fmt"
	"strconv"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// partitionsMost bounds what a mistyped number can cost.
const partitionsMost = 1024

// Partition splits a collection into n: row r goes to collection f(r), which must
// be in [0, n). Time and window of a row are kept. f may be called from several
// goroutines at once. Where the parts are few and have names, or a row goes to
// several, side outputs of a ParDo read better.
func Partition[A any](in PCollection[A], name string, n int, f func(A) int) []PCollection[A] {
	s := in.begin(name)
	if f == nil {
		s.check(errNilFunction)
	}
	if n < 1 || n > partitionsMost {
		s.check(fmt.Errorf("the number of partitions is %d; it must be between 1 and %d", n, partitionsMost))
		n = 1 // so that the caller may take the first, which fails like any step behind a mistake
	}
	parts := make([]PCollection[A], n)
	if !s.ok(in.valid()) {
		for i := range parts {
			parts[i] = failed[A](s.p)
		}
		return parts
	}
	outputs := make([]graph.Output, n)
	for i := range outputs {
		outputs[i] = like(in.edge)
		if i > 0 {
			outputs[i].Name = strconv.Itoa(i)
		}
	}
	op := &graph.Rows{Name: "partition", Note: fmt.Sprintf("into %d", n), Narrow: true, New: func() (graph.RowFn, error) {
		return &partitionFn[A]{in: newRowsIn(in.rows), f: f, kept: make([][]int32, n)}, nil
	}}
	node := s.add(op, []graph.Edge{in.edge}, outputs...)
	for i := range parts {
		parts[i] = PCollection[A]{s.p, graph.Edge{Node: node, Output: i}, in.rows}
	}
	return parts
}

type partitionFn[A any] struct {
	stateless
	in   *rowsIn[A]
	f    func(A) int
	kept [][]int32 // by output
}

// Process implements graph.RowFn: each output is a selection of the input.
func (m *partitionFn[A]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	for i := range m.kept {
		m.kept[i] = nil // the batches that went out have the old ones
	}
	err := m.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			m.in.at = i
			part := m.f(chunk[i])
			if part < 0 || part >= len(m.kept) {
				return &RowError{Row: printRow(chunk[i]), Err: fmt.Errorf("the function put a row into partition %d; it must return a number from 0 to %d", part, len(m.kept)-1)}
			}
			m.kept[part] = append(m.kept[part], physical[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	for part, kept := range m.kept {
		if len(kept) == 0 {
			continue
		}
		if err := emit(part, b.WithSel(kept)); err != nil {
			return err
		}
	}
	return nil
}

// Reshuffle deals the rows of a collection out evenly to all tasks. Rows, times and
// windows stay as they are, and so does their number. It is for what makes some
// tasks slower than others: a source with fewer splits than tasks, one input row
// that a FlatMap turns into millions. The order of rows is not kept.
func Reshuffle[T any](in PCollection[T]) PCollection[T] {
	s := in.rewire("reshuffle")
	if !s.ok(in.valid()) {
		return failed[T](s.p)
	}
	return PCollection[T]{s.p, graph.Edge{Node: s.add(&graph.Reshuffle{}, []graph.Edge{in.edge}, like(in.edge))}, in.rows}
}
