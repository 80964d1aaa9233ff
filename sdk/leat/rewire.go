package leat

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// Flatten merges collections of one type into one. They must be in the same
// windows and of one pipeline. The order of rows is not kept. A collection given
// twice comes twice.
func Flatten[T any](in ...PCollection[T]) PCollection[T] {
	if len(in) == 0 {
		panic(fmt.Sprintf("leat: leat.Flatten at %s was given no collections", place()))
	}
	s := in[0].rewire("flatten")
	var edges []graph.Edge
	for i, c := range in {
		if c.owner("step", "flatten") != s.p {
			s.check(fmt.Errorf("input %d belongs to another pipeline", i+1))
		}
		if c.valid() {
			edges = append(edges, c.edge)
		}
	}
	all := len(edges) == len(in)
	if all {
		s.check(alike(edges))
	}
	if !s.ok(all) {
		return failed[T](s.p)
	}
	first := in[0].edge
	return PCollection[T]{s.p, graph.Edge{Node: s.add(&graph.Flatten{}, edges, like(first))}, in[0].rows}
}

// alike checks that edges have the windows and columns of the first.
func alike(edges []graph.Edge) error {
	first := edges[0]
	var errs []error
	for i, e := range edges[1:] {
		if err := sameWindows(first.Windowing(), e.Windowing()); err != nil {
			errs = append(errs, fmt.Errorf("input %d: %w", i+2, err))
		}
		if !first.Type().Equal(e.Type()) {
			errs = append(errs, fmt.Errorf("input %d has rows of %s, input 1 of %s", i+2, e.Type(), first.Type()))
		}
	}
	return errors.Join(errs...)
}

func sameWindows(first, other graph.Windowing) error {
	if first.Grouped == other.Grouped && first.Fn.Equal(other.Fn) && first.Strategy.Equal(other.Strategy) {
		return nil
	}
	return fmt.Errorf("its rows are %s, those of the first input are %s; put leat.Window in front of both", windows(other), windows(first))
}

func windows(w graph.Windowing) string {
	if w.Grouped {
		return "results of " + w.String() + " windows"
	}
	return "in " + w.String() + " windows"
}

// Write writes every row of a collection to a sink. Nothing is visible under a
// final name until the job has ended well.
func Write[T any](in PCollection[T], name string, sink connector.Sink) {
	s := in.begin(name)
	if isNil(sink) {
		s.check(errors.New("the sink is nil"))
	} else if in.valid() {
		s.check(sink.Validate(in.edge.Type()))
	}
	if s.ok(in.valid()) {
		s.add(&graph.Write{Sink: sink}, []graph.Edge{in.edge}, like(in.edge))
	}
}

// like is an output with the rows and windows of an edge.
func like(e graph.Edge) graph.Output {
	return graph.Output{Type: e.Type(), Windowing: e.Windowing()}
}
