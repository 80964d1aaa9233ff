package leat

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Combine aggregates the values of each key and window. A result has the last
// moment of its window as event time and stays in that window.
func Combine[K comparable, V, R any](in PCollection[KV[K, V]], name string, a agg.Aggregate[V, R]) PCollection[KV[K, R]] {
	s := in.begin(name)
	plan := planOf(s, a)
	if plan != nil && in.valid() {
		s.check(fits(plan, in.edge))
	}
	if !s.ok(in.valid()) {
		return failed[KV[K, R]](s.p)
	}
	results, err := codec.ForPlan[R](plan.Result())
	if err != nil {
		panic(err) // the plan was made of R
	}
	return grouped(s, "combine", in.edge, plan, halves(in).key, decoder[R](results))
}

// planOf returns the plan of an aggregate, or nil after a mistake.
func planOf[V, R any](s *step, a agg.Aggregate[V, R]) *agg.Plan {
	if isNil(a) {
		s.check(errors.New("the aggregate is nil; make one with agg.Into or agg.Custom"))
		return nil
	}
	plan, err := a.Plan()
	s.check(err)
	return plan
}

// fits checks that an aggregate can take the keyed rows of e.
func fits(plan *agg.Plan, e graph.Edge) error {
	kv := e.Type()
	err := plan.CheckKey(kv.Fields[0].Type)
	if have := kv.Fields[1].Type; !sameColumns(plan.Input(), have) {
		err = errors.Join(err, fmt.Errorf("the description is of rows %s, but the rows are %s; a description of rows with leat.Columns must name every group with At, in the order in which they were declared", plan.Input(), have))
	}
	return errors.Join(err, timeFits(e), emptyFits(plan, e))
}

// emptyFits checks that an aggregate has a value for nothing where windows fire
// without rows.
func emptyFits(plan *agg.Plan, e graph.Edge) error {
	s := e.Windowing().Strategy
	onTime, closing := s.Empty()
	if s.Mode != window.Discarding || s.Simple() || !onTime && !closing {
		return nil
	}
	if err := plan.CheckEmpty(); err != nil {
		return fmt.Errorf("windows that discard and fire always have panes without rows: %w", err)
	}
	return nil
}

// grouped appends the step that aggregates the keyed rows of in, and returns its
// rows: keys as they were, and results as the decoder makes them.
func grouped[K, O any](s *step, kind string, in graph.Edge, plan *agg.Plan, keys decoder[K], results decoder[O]) PCollection[KV[K, O]] {
	key := in.Type().Fields[0].Type
	rows := newKV(keys, key, results, plan.Output())
	w := in.Windowing()
	w.Grouped, w.Strategy = true, w.Strategy.Continuation()
	n := s.add(&graph.Combine{Name: kind, Aggregate: plan, Key: key}, []graph.Edge{in}, graph.Output{Type: rows.Type(), Windowing: w})
	s.connectLate(n, in, func(e graph.Edge) graph.Edge { return e })
	return PCollection[KV[K, O]]{s.p, graph.Edge{Node: n}, rows}
}

// timeFits refuses rows that take others back, and windows over rows that
// have no event time.
func timeFits(e graph.Edge) error {
	if n := retracting(e, map[graph.Edge]bool{}); n != nil {
		return fmt.Errorf("the panes of step %q (%s) take earlier ones back, which this step cannot; give the leat.Window in front of that step window.Discarding or window.Accumulating", n.Name, n.Place)
	}
	w := e.Windowing()
	if w.Fn.Kind() == window.KindGlobal || w.Grouped || hasTime(e, map[graph.Edge]bool{}) {
		return nil
	}
	return fmt.Errorf("the rows are in %s windows but have no event time; give leat.Read the option leat.EventTime or leat.EventTimeField", w.Fn)
}

// retracting returns the grouping step from which rows on e may come that take
// others back, or nil.
func retracting(e graph.Edge, seen map[graph.Edge]bool) *graph.Node {
	if seen[e] {
		return nil
	}
	seen[e] = true
	if _, ok := e.Node.Op.(*graph.Combine); ok {
		if s := e.Node.Inputs[0].Windowing().Strategy; e.Output == 0 && s.Mode == window.Retracting && !s.Simple() {
			return e.Node
		}
		return nil // it groups nothing that retracts
	}
	for _, in := range e.Node.Inputs {
		if n := retracting(in, seen); n != nil {
			return n
		}
	}
	return nil
}

// hasTime reports whether every row of e has an event time: its source declares
// one, and it is no bad record of that source.
func hasTime(e graph.Edge, seen map[graph.Edge]bool) bool {
	if seen[e] {
		return true
	}
	seen[e] = true
	if r, ok := e.Node.Op.(*graph.Read); ok {
		return e.Output == 0 && (r.EventTime.Declared() || connector.IsTimed(r.Source))
	}
	for _, in := range e.Node.Inputs {
		if !hasTime(in, seen) {
			return false
		}
	}
	return true
}

// presence is the aggregate of Distinct: that a row was there at all.
type presence struct{ Rows int64 }

// Distinct keeps one row of each set of rows with equal columns in each window;
// what pointers lead to is compared, not the pointers. The row that is kept has
// the last moment of its window as event time.
func Distinct[T comparable](in PCollection[T], name string) PCollection[T] {
	s := in.begin(name)
	plan := planOf(s, agg.Into(func(_ *T, p *presence) []agg.Term { return []agg.Term{agg.Count(&p.Rows)} }))
	if in.valid() {
		s.check(timeFits(in.edge))
	}
	if !s.ok(in.valid()) {
		return failed[T](s.p)
	}
	row := in.edge.Type()
	whole := graph.Expr{Type: row}
	kv := kvType(row, row)
	keyed := &step{p: s.p, name: s.name + ".key"}
	n := keyed.add(&graph.Project{Name: "keyby", Expr: graph.Expr{Type: kv, Fields: []graph.Expr{whole, whole}}},
		[]graph.Edge{in.edge}, graph.Output{Type: kv, Windowing: in.edge.Windowing()})
	return Keys(grouped(s, "distinct", graph.Edge{Node: n}, plan, in.rows, decoder[presence](mustCodec[presence]())))
}
