package local_test

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// hit is a row of the tests of triggers.
type hit struct {
	User string `leat:"user"`
	N    int64  `leat:"n"`
}

func sec(s int) time.Time { return time.Unix(int64(s), 0).UTC() }

func hits(s int, values ...hit) leattest.Event { return leattest.At(sec(s), values...) }

func until(s int) leattest.Event { return leattest.Watermark(sec(s)) }

func byUser(in leat.PCollection[hit]) leat.PCollection[leat.KV[string, hit]] {
	return leat.KeyBy(in, "by-user", field.Of(func(h *hit) *string { return &h.User }))
}

func sumHits(h *hit, n *int64) []agg.Term { return []agg.Term{agg.Sum(n, &h.N)} }

// brief prints a result on one line: who, window in seconds, what, which pane.
func brief[T any](r leattest.Row[T], what any) string {
	sign := ""
	if r.Retract {
		sign = "-"
	}
	return fmt.Sprintf("%s%v [%d,%d) %s %d", sign, what, r.Start.Unix(), r.End.Unix(), r.Pane.Timing, r.Pane.Index)
}

// runStream runs a pipeline at two parallelisms and compares what show gives.
func runStream(t *testing.T, build func(p *leat.Pipeline) (show func() []string), want ...string) *local.Result {
	t.Helper()
	var last *local.Result
	for _, parallelism := range []int{1, 3} {
		p := &leat.Pipeline{}
		show := build(p)
		result, err := local.Run(t.Context(), p, local.Options{Parallelism: parallelism, Plan: plan.Streaming})
		if err != nil {
			t.Fatal(err)
		}
		got := show()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("parallelism %d:\ngot  %s\nwant %s", parallelism, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
		last = result
	}
	return last
}

// Windows fire early, on time and late, as the trigger says, and each pane says
// which it is.
func TestTriggerEarlyOnTimeLate(t *testing.T) {
	runStream(t, func(p *leat.Pipeline) func() []string {
		in := leat.Read[hit](p, "hits", leattest.Stream[hit](
			hits(1, hit{"ann", 1}), hits(2, hit{"ann", 2}), hits(3, hit{"bob", 7}),
			leattest.ProcessingTime(5*time.Second), hits(4, hit{"ann", 4}), until(10),
			hits(5, hit{"ann", 8}), until(12), hits(6, hit{"ann", 16}), until(15), hits(7, hit{"ann", 32}),
		))
		w := leat.Window(byUser(in), window.Fixed(10*time.Second), leat.AllowedLateness(5*time.Second), leat.Accumulation(window.Accumulating),
			leat.Trigger(window.AfterWatermark(window.Early(window.AfterProcessingTime(5*time.Second)), window.Late(window.AfterCount(1)))))
		out := leattest.Capture(leat.Combine(w, "sum", agg.Into(sumHits)), "out")
		return func() (all []string) {
			for _, r := range out.Rows() {
				all = append(all, brief(r, r.Value))
			}
			return all
		}
	}, "{ann 3} [0,10) early 0", "{bob 7} [0,10) early 0", "{ann 7} [0,10) on_time 1", "{bob 7} [0,10) on_time 1",
		"{ann 15} [0,10) late 2", "{ann 31} [0,10) late 3")
}

// A function sees the pane of a row, and whether the row takes one back.
func TestRetractingPanesInParDo(t *testing.T) {
	runStream(t, func(p *leat.Pipeline) func() []string {
		in := leat.Read[hit](p, "hits", leattest.Stream[hit](
			hits(1, hit{"ann", 1}), hits(2, hit{"ann", 2}), hits(12, hit{"ann", 5}), until(5), hits(9, hit{"ann", 3}),
		))
		w := leat.Window(byUser(in), window.Session(8*time.Second), leat.Accumulation(window.Retracting),
			leat.Trigger(window.Repeat(window.AfterCount(1))))
		sums := leat.Combine(w, "sum", agg.Into(sumHits))
		lines := leat.ParDo(sums, "lines", leat.Do(func(c *leat.Context, kv leat.KV[string, int64], emit leat.Emit[string]) error {
			start, end, _ := c.Window()
			emit(fmt.Sprintf("%d [%d,%d) %d back %t", kv.Value, start.Unix(), end.Unix(), c.Pane().Index, c.Retracts()))
			return nil
		}))
		out := leattest.Capture(lines, "out")
		return func() (all []string) {
			for _, r := range out.Rows() {
				all = append(all, r.Value)
			}
			return all
		}
	}, "1 [1,9) 0 back false", "1 [1,9) 0 back true", "3 [1,10) 1 back false", "5 [12,20) 0 back false",
		"3 [1,10) 1 back true", "5 [12,20) 0 back true", "11 [1,20) 2 back false", "11 [1,20) 2 back true", "11 [1,20) 3 back false")
}

// Rows that are too late for all of their windows go to the variable of LateTo,
// from every grouping step, and are counted.
func TestLateTo(t *testing.T) {
	events := []leattest.Event{hits(1, hit{"ann", 1}), hits(12, hit{"bob", 2}), until(10), hits(3, hit{"ann", 3}),
		until(15), hits(4, hit{"ann", 4}, hit{"bob", 5}), hits(13, hit{"bob", 6})}
	fn, lateness := window.Fixed(10*time.Second), leat.AllowedLateness(5*time.Second)
	show := func(out *leattest.Captured[hit]) func() []string {
		return func() (all []string) {
			for _, r := range out.Rows() {
				all = append(all, fmt.Sprintf("%v at %d", r.Value, r.Time.Unix()))
			}
			return all
		}
	}
	steps := map[string]func(in leat.PCollection[hit]) (late leat.PCollection[hit]){
		"combine": func(in leat.PCollection[hit]) (late leat.PCollection[hit]) {
			leattest.Capture(leat.Combine(byUser(leat.Window(in, fn, lateness, leat.LateTo(&late))), "sum", agg.Into(sumHits)), "sums")
			return late
		},
		"group": func(in leat.PCollection[hit]) leat.PCollection[hit] {
			var late leat.PCollection[leat.KV[string, hit]]
			groups := leat.GroupByKey(leat.Window(byUser(in), fn, lateness, leat.LateTo(&late)), "group")
			leattest.Capture(leat.Map(groups, "key", func(g leat.KV[string, iter.Seq[hit]]) string { return g.Key }), "groups")
			return leat.Values(late)
		},
		"distinct": func(in leat.PCollection[hit]) (late leat.PCollection[hit]) {
			leattest.Capture(leat.Distinct(leat.Window(in, fn, lateness, leat.LateTo(&late)), "distinct"), "distincts")
			return late
		},
		"cogroup": func(in leat.PCollection[hit]) leat.PCollection[hit] {
			var left, right leat.PCollection[leat.KV[string, hit]]
			keyed := byUser(in)
			ann := leat.Filter(keyed, "ann", func(h leat.KV[string, hit]) bool { return h.Key == "ann" })
			bob := leat.Filter(keyed, "bob", func(h leat.KV[string, hit]) bool { return h.Key == "bob" })
			both := leat.CoGroup(leat.Window(ann, fn, lateness, leat.LateTo(&left)), leat.Window(bob, fn, lateness, leat.LateTo(&right)),
				"both", func(user string, _, _ iter.Seq[hit]) string { return user })
			leattest.Capture(both, "groups")
			return leat.Flatten(leat.Values(left), leat.Values(right))
		},
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			result := runStream(t, func(p *leat.Pipeline) func() []string {
				return show(leattest.Capture(step(leat.Read[hit](p, "hits", leattest.Stream[hit](events...))), "late"))
			}, "{ann 4} at 4", "{bob 5} at 4")
			var dropped int64
			for _, s := range result.Steps {
				dropped += s.Dropped
			}
			if dropped != 2 {
				t.Errorf("%d rows were counted as dropped, want 2", dropped)
			}
		})
	}
}

// A count window has so many rows of a key, in the order in which they come, and
// the rest at the end.
func TestCountWindows(t *testing.T) {
	for _, mode := range []plan.Mode{plan.Streaming, plan.Batch} {
		for _, batchRows := range []int{1, 4096} {
			p := &leat.Pipeline{}
			in := leat.Read[hit](p, "hits", leattest.Stream[hit](
				hits(1, hit{"ann", 1}, hit{"ann", 2}, hit{"bob", 3}, hit{"ann", 4}), hits(1, hit{"bob", 5}, hit{"ann", 6}, hit{"ann", 7})))
			out := leattest.Capture(leat.Combine(leat.Window(byUser(in), window.Count(2)), "sum", agg.Into(sumHits)), "out")
			if _, err := local.Run(t.Context(), p, local.Options{Plan: mode, BatchRows: batchRows}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range out.Rows() {
				got = append(got, fmt.Sprintf("%s %d %d", r.Value.Key, r.Value.Value, r.Pane.Index))
			}
			slices.Sort(got)
			if want := []string{"ann 10 1", "ann 3 0", "ann 7 2", "bob 8 0"}; !slices.Equal(got, want) {
				t.Errorf("%s plan, batches of %d: got %v, want %v", mode, batchRows, got, want)
			}
		}
	}
}

// A time that a function has put before the watermark is judged by the allowed
// lateness of the windows, like that of any other row.
func TestTimeBeforeTheWatermark(t *testing.T) {
	back := func(h hit) time.Time { return sec(int(h.N)) }
	for lateness, want := range map[time.Duration][]string{
		0:               {"{ann 9} [0,10) on_time 0", "{ann 25} [20,30) on_time 0"},
		5 * time.Second: {"{ann 9} [0,10) on_time 0", "{ann 25} [20,30) on_time 0"},
		time.Minute:     {"{ann 9} [0,10) on_time 0", "{ann 3} [0,10) late 1", "{ann 25} [20,30) on_time 0"},
	} {
		runStream(t, func(p *leat.Pipeline) func() []string {
			in := leat.Read[hit](p, "hits", leattest.Stream[hit](hits(1, hit{"ann", 9}), hits(1, hit{"ann", 25}), hits(1, hit{"ann", 3})),
				leat.EventTime(back, watermark.Monotone()))
			w := leat.Window(byUser(in), window.Fixed(10*time.Second), leat.AllowedLateness(lateness))
			out := leattest.Capture(leat.Combine(w, "sum", agg.Into(sumHits)), "out")
			return func() (all []string) {
				for _, r := range out.Rows() {
					all = append(all, brief(r, r.Value))
				}
				return all
			}
		}, want...)
	}
}

// Final results are those of the batch plan, whatever fires early: the last pane of
// each key and window where panes accumulate, all of them together where they do
// not.
func TestTriggersAgreeOnBothPlans(t *testing.T) {
	fns := []window.Fn{window.Fixed(10 * time.Second), window.Sliding(10*time.Second, 4*time.Second), window.Session(3 * time.Second), window.Global()}
	triggers := []window.Trigger{window.Default(), window.AfterWatermark(window.Early(window.AfterCount(2)), window.Late(window.AfterCount(1))),
		window.Repeat(window.AfterCount(3)), window.AfterWatermark(window.Early(window.AfterProcessingTime(time.Second))),
		window.Repeat(window.AfterAny(window.AfterCount(4), window.AfterWatermark()))}
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 9))
		fn, trigger := fns[r.IntN(len(fns))], triggers[r.IntN(len(triggers))]
		mode, combiner := window.Mode(r.IntN(2)), window.Combiner(r.IntN(3))
		var rows []hit
		for i := range 50 + r.IntN(200) {
			rows = append(rows, hit{[]string{"ann", "bob", "cid"}[r.IntN(3)], int64(i/4 + r.IntN(5))})
		}
		final := func(plan local.Plan, parallelism, batchRows int) map[string]string {
			p := &leat.Pipeline{}
			in := leat.Read[hit](p, "hits", memory.Of(rows...), leat.EventTime(func(h hit) time.Time { return second(h.N) }, watermark.Disorder(5*time.Second)))
			w := leat.Window(byUser(in), fn, leat.Trigger(trigger), leat.Accumulation(mode), leat.TimestampCombiner(combiner))
			out := leattest.Capture(leat.Combine(w, "sum", agg.Into(sumHits)), "out")
			if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: parallelism, BatchRows: batchRows}); err != nil {
				t.Fatal(err)
			}
			return finals(out.Rows(), mode, combiner, fn.Kind() == window.KindSession)
		}
		want := final(local.Batch, 2, 4096)
		for _, batchRows := range []int{1, 16} {
			got := final(local.Streaming, 1+r.IntN(3), batchRows)
			if !maps.Equal(got, want) {
				t.Fatalf("seed %d: %s, %s, %s, %s\ngot  %v\nwant %v", seed, fn, trigger, mode, combiner, got, want)
			}
		}
	}
}

// finals puts the panes of each key and window together: sums of the last panes
// where they accumulate and of all where they do not, and the time of all. Panes of
// a session have its bounds at the time, so that those are left out with its time.
func finals(rows []leattest.Row[leat.KV[string, int64]], mode window.Mode, combiner window.Combiner, session bool) map[string]string {
	sums, times := make(map[string]int64), make(map[string]time.Time)
	for _, row := range rows {
		key := fmt.Sprintf("%s [%d,%d)", row.Value.Key, row.Start.Unix(), row.End.Unix())
		if session && mode == window.Discarding {
			key = row.Value.Key
		}
		if mode == window.Discarding || row.Pane.Last {
			sums[key] += row.Value.Value
		}
		if before, ok := times[key]; !ok || (combiner == window.Earliest) == row.Time.Before(before) {
			times[key] = row.Time
		}
	}
	results := make(map[string]string)
	for key := range sums {
		results[key] = fmt.Sprint(sums[key])
		if !session {
			results[key] += fmt.Sprint(" at ", times[key].UnixMicro())
		}
	}
	return results
}
