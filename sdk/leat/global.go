package leat

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// CombineGlobally aggregates all rows of each window into one result, which has the
// last moment of its window as event time and stays in that window.
//
// In the global window there is a result even when there is no row at all: that of
// nothing, a count of 0 for one. So terms that have no value then, such as agg.Mean,
// need a pointer field there. Another window without rows has no result, as nothing
// says that it was there.
func CombineGlobally[V, R any](in PCollection[V], name string, a agg.Aggregate[V, R]) PCollection[R] {
	s := in.begin(name)
	plan := planOf(s, a)
	global := in.valid() && in.edge.Windowing().Fn.Kind() == window.KindGlobal
	if plan != nil && in.valid() {
		s.check(fitsRows(plan, in.edge))
		if global {
			s.check(plan.CheckEmpty())
		}
	}
	if !s.ok(in.valid()) {
		return failed[R](s.p)
	}
	results, err := codec.ForPlan[R](plan.Result())
	if err != nil {
		panic(err) // the plan was made of R
	}
	keyed := (&step{p: s.p, name: s.name + ".key"}).add(&graph.Project{Name: "keyby", Expr: oneKey(in.edge.Type())},
		[]graph.Edge{in.edge}, graph.Output{Type: kvType(noKey, in.edge.Type()), Windowing: in.edge.Windowing()})
	all := grouped(s, "combine", graph.Edge{Node: keyed}, plan, decoder[*bool](mustCodec[*bool]()), decoder[R](results))
	if global {
		empty := (&step{p: s.p, name: s.name + ".empty"}).add(&graph.Otherwise{Aggregate: plan, Key: noKey}, []graph.Edge{all.edge}, like(all.edge))
		all.edge = graph.Edge{Node: empty}
	}
	return Values(all)
}

// noKey is the type of the key that all rows share, which is null.
var noKey = &batch.Type{Kind: batch.Bool, Nullable: true}

// oneKey gives every row the key null, which is a group like any other.
func oneKey(row *batch.Type) graph.Expr {
	return graph.Expr{Type: kvType(noKey, row), Fields: []graph.Expr{{Null: true, Type: noKey}, {Type: row}}}
}

// fitsRows is fits for rows that are not keyed yet.
func fitsRows(plan *agg.Plan, e graph.Edge) error {
	if plan.NeedsKey() {
		return fmt.Errorf("agg.Key has no key to give: leat.CombineGlobally takes rows without one")
	}
	if have := e.Type(); !sameColumns(plan.Input(), have) {
		return fmt.Errorf("the description is of rows %s, but the rows are %s; a description of rows with leat.Columns must name every group with At, in the order in which they were declared", plan.Input(), have)
	}
	return errors.Join(timeFits(e), emptyFits(plan, e))
}
