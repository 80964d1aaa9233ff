package leat

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// WindowOption says when windows give results and what happens to late rows.
type WindowOption interface{ apply(w *windowing) error }

// windowing is a call of Window while it collects its options.
type windowing struct {
	fn       window.Fn
	strategy window.Strategy
	trigger  bool // one was given
	late     *lateRows
}

type windowOption func(w *windowing) error

func (o windowOption) apply(w *windowing) error { return o(w) }

// Trigger lets windows fire when t does, instead of once at their end.
func Trigger(t window.Trigger) WindowOption {
	return windowOption(func(w *windowing) error {
		if w.trigger {
			return errors.New("leat.Trigger is given twice; put the triggers together with window.AfterAny, window.AfterAll or window.AfterEach")
		}
		w.strategy.Trigger, w.trigger = t, true
		return nil
	})
}

// Accumulation says what a pane has of the rows that earlier panes had. In mode
// window.Retracting each pane comes after a row that takes the one before back, for
// which Context.Retracts is true; steps that cannot take rows back refuse it.
func Accumulation(m window.Mode) WindowOption {
	return windowOption(func(w *windowing) error {
		w.strategy.Mode = m
		return nil
	})
}

// AllowedLateness lets windows take rows until the watermark is d past their end.
// Also the time of a row that a function has moved before the watermark is judged so.
func AllowedLateness(d time.Duration) WindowOption {
	return windowOption(func(w *windowing) error {
		w.strategy.Lateness = d
		return nil
	})
}

// TimestampCombiner says what event time results have.
func TimestampCombiner(c window.Combiner) WindowOption {
	return windowOption(func(w *windowing) error {
		w.strategy.Combiner = c
		return nil
	})
}

// OnTimeBehavior says whether there is an on-time pane also when nothing has come
// since the last early one.
func OnTimeBehavior(b window.Behavior) WindowOption {
	return windowOption(func(w *windowing) error {
		w.strategy.OnTime = b
		return nil
	})
}

// ClosingBehavior says whether a window fires when it is forgotten also when nothing
// has come since it last fired.
func ClosingBehavior(b window.Behavior) WindowOption {
	return windowOption(func(w *windowing) error {
		w.strategy.Closing = b
		return nil
	})
}

// Window puts the rows of a collection into windows for the next grouping step
// (Combine, GroupByKey, CoGroup, Distinct). It replaces the windows rows were in and
// all that was said of them. A row that no window contains is dropped there.
//
// Without options a window gives one result for each key, when the watermark has
// passed its end, and rows that come later are dropped and counted. In a batch plan
// the watermark passes all ends at once, when the input has ended: nothing is late,
// and early firings of window.AfterWatermark are left out, since nobody could see
// them before the result.
func Window[T any](in PCollection[T], w window.Fn, options ...WindowOption) PCollection[T] {
	s := in.rewire("window")
	spec := &windowing{fn: w, strategy: window.Strategy{Trigger: w.Trigger()}}
	s.check(w.Validate())
	for _, o := range options {
		s.check(o.apply(spec))
	}
	s.check(spec.validate())
	if spec.late != nil && spec.late.row != reflect.TypeFor[T]() {
		s.check(fmt.Errorf("leat.LateTo is given a PCollection[%s], but the rows are %s", spec.late.row, reflect.TypeFor[T]()))
	}
	if !s.ok(in.valid()) {
		if spec.late != nil {
			spec.late.set(s.p, graph.Edge{}, nil)
		}
		return failed[T](s.p)
	}
	out := graph.Windowing{Fn: w, Strategy: spec.strategy}
	n := s.add(&graph.Window{Fn: w, Strategy: spec.strategy}, []graph.Edge{in.edge}, graph.Output{Type: in.edge.Type(), Windowing: out})
	if spec.late != nil {
		spec.late.register(s.p, n, in.rows)
	}
	return PCollection[T]{s.p, graph.Edge{Node: n}, in.rows}
}

func (w *windowing) validate() error {
	if w.trigger && !w.fn.Trigger().Equal(window.Default()) {
		return fmt.Errorf("%s windows have a trigger of their own; use window.Global() with leat.Trigger for another", w.fn)
	}
	return w.strategy.Validate()
}
