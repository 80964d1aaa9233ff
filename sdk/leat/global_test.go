package leat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

type allOf struct {
	Count int64    `leat:"count"`
	Sum   int64    `leat:"sum"`
	Mean  *float64 `leat:"mean"`
}

func summed(e *event, a *allOf) []agg.Term {
	return []agg.Term{agg.Count(&a.Count), agg.Sum(&a.Sum, &e.N), agg.Mean(a.Mean, &e.N)}
}

func (a allOf) String() string {
	if a.Mean == nil {
		return fmt.Sprint(a.Count, " ", a.Sum, " null")
	}
	return fmt.Sprint(a.Count, " ", a.Sum, " ", *a.Mean)
}

func TestCombineGlobally(t *testing.T) {
	// All rows of a window make one result. No row at all makes one in the global
	// window, once, whatever the number of tasks, and none in others.
	nobody := func(event) bool { return false }
	eachPlan(t, func(t *testing.T, o local.Options) {
		p := &leat.Pipeline{}
		in := fiveEvents(p)
		none := leat.Filter(in, "none", nobody)
		var got [4]memory.Collector[allOf]
		for i, c := range []leat.PCollection[event]{in, leat.Window(in, window.Fixed(3*time.Second)), none, leat.Window(none, window.Fixed(3*time.Second))} {
			leat.Write(leat.CombineGlobally(c, fmt.Sprint("all", i), agg.Into(summed)), fmt.Sprint("out", i), &got[i])
		}
		runPlan(t, p, o)
		end := time.UnixMicro(batch.MaxTime - 1).UnixMilli()
		want := [][]string{{fmt.Sprint("5 10 2 @", end)}, {"2 7 3.5 @5999", "3 3 1 @2999"}, {fmt.Sprint("0 0 null @", end)}, nil}
		for i := range got {
			if rows := rowsAt(&got[i]); !slices.Equal(rows, want[i]) {
				t.Errorf("%d: got %v, want %v", i, rows, want[i])
			}
		}
		if all, none := got[0].Windowed(), got[2].Windowed(); len(all) == 1 && len(none) == 1 && (!none[0].Start.Equal(all[0].Start) || !none[0].End.Equal(all[0].End)) {
			t.Errorf("the result of nothing is in [%s, %s), that of all rows in [%s, %s)", none[0].Start, none[0].End, all[0].Start, all[0].End)
		}
	})
}

func TestCombineGloballyTwice(t *testing.T) {
	// The result of nothing is a row like any other for the steps behind it.
	eachPlan(t, func(t *testing.T, o local.Options) {
		p := &leat.Pipeline{}
		none := leat.Filter(fiveEvents(p), "none", func(event) bool { return false })
		first := leat.CombineGlobally(none, "first", agg.Into(count[event]))
		second := leat.CombineGlobally(first, "second", agg.Into(count[int64]))
		var got memory.Collector[int64]
		leat.Write(leat.Flatten(first, second), "out", &got)
		runPlan(t, p, o)
		if rows := got.Rows(); len(rows) != 2 || rows[0]+rows[1] != 1 {
			t.Errorf("got %v, want 0 and 1", rows)
		}
	})
}

func TestCombineGloballyCustomOfNothing(t *testing.T) {
	// A user's accumulator that panics without rows is an error of the step.
	p := &leat.Pipeline{}
	none := leat.Filter(fiveEvents(p), "none", func(event) bool { return false })
	leat.Write(leat.CombineGlobally(none, "last", agg.Custom(func() *lastOf { return new(lastOf) })), "out", &memory.Collector[int64]{})
	_, err := local.Run(t.Context(), p, local.Options{})
	if err == nil || !strings.Contains(err.Error(), `step "last.empty"`) || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("got %v", err)
	}
}

// lastOf fails without rows.
type lastOf struct{ All []int64 }

func (l *lastOf) Add(e event)     { l.All = append(l.All, e.N) }
func (l *lastOf) Merge(o *lastOf) { l.All = append(l.All, o.All...) }
func (l *lastOf) Result() int64   { return slices.Max(l.All) }
