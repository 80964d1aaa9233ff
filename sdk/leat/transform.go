package leat

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// Step is one call of a transform that is written outside of this package and
// adds an operation of its own to the graph, as those in transforms/ may. It
// collects the mistakes of the call, which get the user's file and line:
//
//	s := leat.Begin(spine, name)
//	s.Check(err) …
//	return leat.Finish[O](s, op, inputs, plan)
type Step struct {
	s *step
}

// Begin starts a step of that name in the pipeline of in.
func Begin[T any](in PCollection[T], name string) *Step { return &Step{s: in.begin(name)} }

// Check notes a mistake, if err is one.
func (s *Step) Check(err error) { s.s.check(err) }

// Input is a collection as an input of a Step: its columns, without the Go type.
type Input struct {
	pipeline *Pipeline
	edge     graph.Edge
}

// InputOf returns a collection as an input. The zero collection panics, as with
// any step.
func InputOf[T any](in PCollection[T]) Input {
	return Input{in.owner("input of a step", ""), in.edge}
}

// Known reports whether the collection comes from a step without mistakes. If
// not, nothing can be said about its rows, and nothing needs to be.
func (i Input) Known() bool { return i.edge.Node != nil }

// Same reports whether both are the same collection.
func (i Input) Same(o Input) bool { return i == o }

// Name returns the name of the step that makes the collection.
func (i Input) Name() string { return i.edge.Node.Name }

// Type returns the type of the rows.
func (i Input) Type() *batch.Type { return i.edge.Type() }

// Timed reports whether every row has an event time.
func (i Input) Timed() bool { return hasTime(i.edge, map[graph.Edge]bool{}) }

// Bind returns a column that a description has named as a column of the rows.
func (i Input) Bind(ref field.Ref) (field.Ref, error) { return bind(ref, i.edge.Type()) }

// Fits checks that an aggregate can take the rows.
func (i Input) Fits(plan *agg.Plan) error {
	if have := i.edge.Type(); !sameColumns(plan.Input(), have) {
		return fmt.Errorf("the description is of rows %s, but the rows are %s; a description of rows with leat.Columns must name every group with At, in the order in which they were declared", plan.Input(), have)
	}
	return nil
}

// Finish appends the step with its operation and returns its rows, which are as
// plan says. Time and windows of a row are those of the row of the first input
// it was made of. After a mistake nothing is appended.
func Finish[O any](s *Step, op func() graph.Op, inputs []Input, plan *codec.Plan) PCollection[O] {
	known := true
	edges := make([]graph.Edge, len(inputs))
	for i, in := range inputs {
		if in.pipeline != s.s.p {
			s.Check(fmt.Errorf("input %d belongs to another pipeline", i+1))
		}
		known = known && in.Known()
		edges[i] = in.edge
	}
	if known && plan == nil && len(s.s.errs) == 0 {
		s.Check(errors.New("the transform does not say what its rows are"))
	}
	if !s.s.ok(known) {
		return failed[O](s.s.p)
	}
	rows, err := codec.ForPlan[O](plan)
	if err != nil {
		panic(err) // the transform has made the plan of O
	}
	n := s.s.add(op(), edges, graph.Output{Type: plan.Type(), Windowing: edges[0].Windowing()})
	return PCollection[O]{s.s.p, graph.Edge{Node: n}, rows}
}
