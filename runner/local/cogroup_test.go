package local_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// both is what a CoGroup makes of a group: the rows of its sides in their order.
type both struct {
	Key         int64
	Left, Right string
}

func texts(rows iter.Seq[item]) string {
	var all []string
	for i := range rows {
		all = append(all, fmt.Sprint(i.ID, i.Name))
	}
	return strings.Join(all, " ")
}

func known(in leat.PCollection[leat.KV[int64, item]], name string) leat.PCollection[leat.KV[int64, item]] {
	return leat.Where(in, name, func(kv *leat.KV[int64, item]) field.Cond { return field.Not(field.IsNull(kv.Value.Key)) })
}

// naiveGroups groups rows of both sides by key and window in a loop.
func naiveGroups(left, right []item, fn window.Fn) []string {
	type group struct {
		key int64
		window.Interval
	}
	type sided struct {
		item
		side int
	}
	var all []sided
	for side, rows := range [][]item{left, right} {
		for _, i := range rows {
			if i.Key != nil {
				all = append(all, sided{i, side})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b sided) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return int(a.ID - b.ID) // the canonical bytes begin with the number
	})
	times := make(map[int64][]int64)
	for _, one := range all {
		times[*one.Key] = append(times[*one.Key], one.At.UnixMicro())
	}
	groups := make(map[group]*[2][]item)
	for _, one := range all {
		windows := assigned(fn, one.At)
		if fn.Kind() == window.KindSession {
			windows[0] = grown(one.At.UnixMicro(), times[*one.Key], fn.Gap())
		}
		for _, w := range windows {
			g := group{*one.Key, w}
			if groups[g] == nil {
				groups[g] = new([2][]item)
			}
			groups[g][one.side] = append(groups[g][one.side], one.item)
		}
	}
	var out []string
	for g, rows := range groups {
		out = append(out, fmt.Sprint(both{g.key, texts(slices.Values(rows[0])), texts(slices.Values(rows[1]))}, g.Start, g.End))
	}
	slices.Sort(out)
	return out
}

// grown is the session of a row at t of a key whose rows are at times.
func grown(t int64, times []int64, gap int64) window.Interval {
	w := window.Interval{Start: t, End: t + gap}
	for more := true; more; {
		more = false
		for _, o := range times {
			if o < w.End && w.Start < o+gap && (o < w.Start || o+gap > w.End) {
				w, more = window.Interval{Start: min(w.Start, o), End: max(w.End, o+gap)}, true
			}
		}
	}
	return w
}

// CoGroup gives the groups of a loop, in all windows, sessions grown by both
// sides among them, on both plans, for any number of tasks, size of batches and
// budget.
func TestCoGroupIsALoop(t *testing.T) {
	windows := append([]window.Fn{window.Session(3 * time.Second), window.Session(time.Second)}, joinWindows...)
	spilled := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 6))
		left, right := items(r, r.IntN(200), r.IntN(4) == 0), items(r, r.IntN(200)*r.IntN(3), r.IntN(4) == 0)
		fn := windows[r.IntN(len(windows))]
		want := naiveGroups(left, right, fn)
		for _, rows := range []int{1, 7, 4096} {
			for _, o := range []local.Options{{Plan: local.Batch}, {Plan: local.Streaming}, {Plan: local.Batch, Memory: 2 * tinyBudget, SpillDir: t.TempDir()}} {
				o.Parallelism, o.BatchRows = 1+r.IntN(3), rows
				p := &leat.Pipeline{}
				out := &memory.Collector[both]{}
				leat.Write(leat.CoGroup(known(readItems(p, "left", left, 1+r.IntN(3), fn), "left-known"), known(readItems(p, "right", right, 1+r.IntN(3), fn), "right-known"), "both",
					func(k int64, l, r iter.Seq[item]) both { return both{k, texts(l), texts(r)} }), "out", out)
				result, err := local.Run(t.Context(), p, o)
				way := fmt.Sprintf("seed %d: %s windows, %d and %d rows, %s plan, parallelism %d, batches of %d, budget %d", seed, fn, len(left), len(right), o.Plan, o.Parallelism, rows, o.Memory)
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if result.Spilled > 0 {
					spilled++
				}
				var got []string
				for _, row := range out.Windowed() {
					got = append(got, fmt.Sprint(row.Value, startOf(row.Start), row.End.UnixMicro()))
				}
				slices.Sort(got)
				if d := multisets(got, want); d != "" {
					t.Fatalf("%s:\n%s", way, d)
				}
			}
		}
	}
	if spilled < 5 {
		t.Errorf("only %d runs wrote to disk", spilled)
	}
}
