package local_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// disordered puts rows into the order of their time, but for so much disorder.
func disordered(r *rand.Rand, rows []item, disorder time.Duration) []item {
	placed := make(map[int64]time.Time, len(rows))
	for _, row := range rows {
		placed[row.ID] = row.At.Add(time.Duration(r.Int64N(int64(disorder) + 1)))
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b item) int { return placed[a.ID].Compare(placed[b.ID]) })
	return rows
}

// onBoth runs a join of random rows on both plans, on the streaming plan in several
// ways, and compares what comes out as multisets, time and window included.
func onBoth(t *testing.T, seed uint64, what string, build func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair], fn window.Fn) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 11))
	d := time.Duration(r.IntN(20)) * time.Second
	left := disordered(r, items(r, r.IntN(300), r.IntN(4) == 0), d)
	right := disordered(r, items(r, r.IntN(300), r.IntN(4) == 0), d)
	run := func(o local.Options) []string {
		p, out := &leat.Pipeline{}, &memory.Collector[pair]{}
		a, b := readDisordered(p, "left", left, 1+r.IntN(4), fn, d), readDisordered(p, "right", right, 1+r.IntN(4), fn, d)
		leat.Write(build(a, b), "out", out)
		result, err := local.Run(t.Context(), p, o)
		if err != nil {
			t.Fatalf("seed %d, %s: %v", seed, what, err)
		}
		for _, s := range result.Steps {
			if s.Dropped > 0 {
				t.Errorf("seed %d, %s, %+v: step %s dropped %d rows, and none is late", seed, what, o, s.Step, s.Dropped)
			}
		}
		var got []string
		for _, row := range out.Windowed() {
			got = append(got, fmt.Sprint(row.Value, row.Time.UnixMicro(), startOf(row.Start), row.End.UnixMicro()))
		}
		slices.Sort(got)
		return got
	}
	want := run(local.Options{Plan: local.Batch, Parallelism: 1})
	for _, parallelism := range []int{1, 3} {
		for _, rows := range []int{1, 4096} {
			o := local.Options{Plan: local.Streaming, Parallelism: parallelism, BatchRows: rows}
			if d := multisets(run(o), want); d != "" {
				t.Fatalf("seed %d, %s in %s windows, %d × %d rows, parallelism %d, batches of %d:\n%s", seed, what, fn, len(left), len(right), parallelism, rows, d)
			}
		}
	}
}

// Joins in windows give on the streaming plan what they give in a batch plan, and a
// row that is out of order within what is declared is not late.
func TestJoinsOnTheStreamingPlan(t *testing.T) {
	for seed := range uint64(40) {
		kind := joinKinds[seed%uint64(len(joinKinds))]
		onBoth(t, seed, kind.name+" join", kind.build, joinWindows[seed/3%uint64(len(joinWindows))])
	}
}

// An as-of join on the streaming plan waits for the right side, and then gives what a
// batch plan gives.
func TestAsOfOnTheStreamingPlan(t *testing.T) {
	for seed := range uint64(40) {
		onBoth(t, seed, "as-of join", func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
			return leat.AsOf(a, b, "latest", func(k int64, a item, b *item) pair { return pairOf(k, &a, b) })
		}, window.Global())
	}
}

// intervals have bounds before, around and after a row.
var intervals = [][2]time.Duration{{0, 0}, {-3 * time.Second, 2 * time.Second}, {time.Second, 5 * time.Second}, {-9 * time.Second, -time.Microsecond}, {-time.Hour, time.Hour}}

func intervalJoin(i [2]time.Duration) func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
	return func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
		return leat.IntervalJoin(a, b, "near", i[0], i[1], func(k int64, a, b item) pair { return pairOf(k, &a, &b) })
	}
}

// An interval join gives what a loop over all pairs finds, with the later of both
// times, for any number of tasks, size of batches and budget, and on both plans.
func TestIntervalJoinIsALoop(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 12))
		left, right := items(r, r.IntN(300), r.IntN(3) == 0), items(r, r.IntN(300), r.IntN(3) == 0)
		in := intervals[r.IntN(len(intervals))]
		var want []string
		for i := range left {
			for k := range right {
				a, b := &left[i], &right[k]
				apart := b.At.Sub(a.At)
				if a.Key == nil || b.Key == nil || *a.Key != *b.Key || apart < in[0] || apart > in[1] {
					continue
				}
				want = append(want, fmt.Sprint(pairOf(*a.Key, a, b), max(a.At.UnixMicro(), b.At.UnixMicro())))
			}
		}
		slices.Sort(want)
		for _, budget := range []int64{0, tinyBudget} {
			for _, rows := range []int{1, 7, 4096} {
				o := local.Options{Plan: local.Batch, Parallelism: 1 + r.IntN(3), BatchRows: rows, Memory: budget, SpillDir: t.TempDir()}
				p, out := &leat.Pipeline{}, &memory.Collector[pair]{}
				leat.Write(intervalJoin(in)(readItems(p, "left", left, 3, window.Global()), readItems(p, "right", right, 2, window.Global())), "out", out)
				if _, err := local.Run(t.Context(), p, o); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, row := range out.Windowed() {
					got = append(got, fmt.Sprint(row.Value, row.Time.UnixMicro()))
				}
				slices.Sort(got)
				if d := multisets(got, want); d != "" {
					t.Fatalf("seed %d, from %s to %s, batches of %d, budget %d:\n%s", seed, in[0], in[1], rows, budget, d)
				}
			}
		}
		onBoth(t, seed, fmt.Sprintf("interval join %v", in), intervalJoin(in), window.Fixed(10*time.Second))
	}
}

// Bounds that cannot be are refused where the step is made.
func TestIntervalJoinRefuses(t *testing.T) {
	for _, c := range []struct {
		lower, upper time.Duration
		want         string
	}{{time.Second, 0, "from 1s to 0s is empty"}, {0, time.Nanosecond, "no whole number of microseconds"}} {
		p := &leat.Pipeline{}
		in := readItems(p, "rows", nil, 1, window.Global())
		leat.Write(intervalJoin([2]time.Duration{c.lower, c.upper})(in, in), "out", &memory.Collector[pair]{})
		_, err := local.Run(t.Context(), p, local.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "join_streaming_test.go:") {
			t.Errorf("from %s to %s: %v, want …%s…", c.lower, c.upper, err, c.want)
		}
	}
}
