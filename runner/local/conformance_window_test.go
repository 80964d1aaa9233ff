package local_test

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// beamRun is a pipeline made for a case.
type beamRun struct {
	*beamCase
	p         *leat.Pipeline
	batchPlan bool
	out       memory.Collector[string] // of custom pipelines
	err       error                    // the case asks for what the harness does not know
}

// element is a row of a case.
type element struct {
	K string `leat:"k"`
	V int64  `leat:"v"`
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// fn returns the window function of a case.
func (w *beamWindow) fn() (window.Fn, error) {
	fn := window.Global()
	switch w.Kind {
	case "global":
	case "fixed":
		fn = window.Fixed(millis(w.Size))
	case "sliding":
		fn = window.Sliding(millis(w.Size), millis(w.Period))
	case "sessions":
		fn = window.Session(millis(w.Gap))
	default:
		return fn, fmt.Errorf("there are no windows of kind %q", w.Kind)
	}
	if w.Offset != 0 {
		fn = fn.Offset(millis(w.Offset))
	}
	return fn, nil
}

// windowed puts rows into the windows of the case.
func windowed[T any](b *beamRun, in leat.PCollection[T]) leat.PCollection[T] {
	if b.Window == nil {
		return in
	}
	fn, err := b.Window.fn()
	if err != nil {
		b.err = err
		return in
	}
	options, err := b.options()
	if err != nil {
		b.err = err
		return in
	}
	return leat.Window(in, fn, options...)
}

func keyOfElement(e *element) *string { return &e.K }

func sumValues(e *element, sum *int64) []agg.Term { return []agg.Term{agg.Sum(sum, &e.V)} }

// grouped builds the pipeline of a case that groups by key, or sums.
func (b *beamRun) grouped(panes *memory.Collector[actualPane]) error {
	byKey := windowed(b, leat.KeyBy(b.read("stream", b.Stream), "by-key", field.Of(keyOfElement)))
	switch b.Transform {
	case "group_by_key":
		leat.Write(leat.ParDo(leat.GroupByKey(byKey, "group"), "panes", leat.Do(paneOf)), "out", panes)
	case "sum_per_key":
		leat.Write(leat.ParDo(leat.Combine(byKey, "sum", agg.Into(sumValues)), "panes", leat.Do(paneOfSum)), "out", panes)
	default:
		return fmt.Errorf("there is no transform %q", b.Transform)
	}
	return b.err
}

func paneOf(c *leat.Context, kv leat.KV[string, iter.Seq[element]], emit leat.Emit[actualPane]) error {
	values := []int64{}
	for e := range kv.Value {
		values = append(values, e.V)
	}
	a := contextPane(c)
	a.Key, a.Values = kv.Key, values
	emit(a)
	return nil
}

func paneOfSum(c *leat.Context, kv leat.KV[string, int64], emit leat.Emit[actualPane]) error {
	a := contextPane(c)
	a.Key, a.Sum = kv.Key, kv.Value
	emit(a)
	return nil
}

// located adds to each row where in time it is, as cases write it: v @ts [start,end].
func located[T any](in leat.PCollection[T], name string, fn window.Fn) leat.PCollection[string] {
	return leat.ParDo(in, name, leat.Do(func(c *leat.Context, row T, emit leat.Emit[string]) error {
		at := c.Time().UnixMicro()
		var w []window.Interval
		if start, end, ok := c.Window(); ok {
			w = []window.Interval{{Start: start.UnixMicro(), End: end.UnixMicro()}}
		} else { // no grouping step yet: windows follow from time
			var err error
			if w, err = fn.Assign(at, nil); err != nil {
				return err
			}
		}
		for _, w := range w {
			emit(fmt.Sprintf("%v @%d %s", row, floorMillis(at), interval(w)))
		}
		return nil
	}))
}

func interval(w window.Interval) string {
	text := windowText(w.Start, w.End)
	if text == "global" {
		return `"global"`
	}
	return strings.Replace(text, " ", ",", 1)
}

func contextPane(c *leat.Context) actualPane {
	start, end, _ := c.Window()
	pane := c.Pane()
	return actualPane{Start: start.UnixMicro(), End: end.UnixMicro(), Time: c.Time().UnixMicro(), Timing: pane.Timing.String(),
		Index: pane.Index, NonSp: pane.NonSpeculative, First: pane.First, Last: pane.Last}
}
