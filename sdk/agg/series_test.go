package agg

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// grouped is rows of some groups in the order of a series.
type grouped struct {
	value  *batch.Column
	times  []int64
	starts []int32
}

// drawGrouped draws rows from a pool, so that there are many of them with equal
// times and values. Floats are hard in one of three draws, and near each other
// otherwise, so that both ways of adding them are taken.
func drawGrouped(t *rapid.T) grouped {
	pool := rapid.SliceOfN(rapid.Custom(drawItem), 1, 12).Draw(t, "pool")
	if rapid.IntRange(0, 2).Draw(t, "hard floats") > 0 {
		for i := range pool {
			pool[i].F = rapid.SampledFrom([]float64{0, 0.25, -12.34, 1e6, 99.99, 1 << 30}).Draw(t, "f")
		}
	}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	type placed struct {
		group int
		item
	}
	rows := make([]placed, rapid.SampledFrom([]int{1, 10, 40, 300, 700}).Draw(t, "rows"))
	span := 1 + r.IntN(2*len(rows))
	for i := range rows {
		rows[i] = placed{r.IntN(3), pool[r.IntN(len(pool))]}
		rows[i].At = time.UnixMicro(int64(r.IntN(span))).UTC()
	}
	slices.SortStableFunc(rows, func(a, b placed) int { return cmp.Or(cmp.Compare(a.group, b.group), a.At.Compare(b.At)) })
	var g grouped
	items := make([]item, len(rows))
	for i, row := range rows {
		items[i] = row.item
		if i == 0 || rows[i-1].group != row.group {
			g.starts = append(g.starts, int32(i))
		}
	}
	for _, e := range items {
		g.times = append(g.times, e.At.UnixMicro())
	}
	g.value = column(items...)
	if rapid.Bool().Draw(t, "dictionary") {
		g.value = withDictionary(g.value, 3)
	}
	return g
}

// ranges draws n non-empty ranges that lie within a group and do not split rows of
// the same time.
func (g *grouped) ranges(r *rand.Rand, n int) (from, to []int32) {
	border := func(i int32) bool {
		return int(i) == len(g.times) || i == 0 || slices.Contains(g.starts, i) || g.times[i] != g.times[i-1]
	}
	for len(from) < n {
		a := int32(r.IntN(len(g.times)))
		at, found := slices.BinarySearch(g.starts, a)
		if found {
			at++
		}
		end := int32(len(g.times))
		if at < len(g.starts) {
			end = g.starts[at]
		}
		b := a + 1 + int32(r.IntN(int(end-a)))
		for ; !border(a); a-- {
		}
		for ; !border(b); b++ {
		}
		from, to = append(from, a), append(to, b)
	}
	return from, to
}

// What a table reads off a series is what it gets by adding the rows of the
// range, to the bit, for every aggregate there is: those that can be taken back,
// those that are at an end, and those that are merged from blocks.
func TestSeriesIsTheSameAsAdding(t *testing.T) {
	plans := []*Plan{mustPlan(t, Into(describeExact)), mustPlan(t, Into(describeSketches))}
	rapid.Check(t, func(t *rapid.T) {
		g := drawGrouped(t)
		series, err := NewSeries(plans, g.value, g.times, g.starts, nil)
		must(t, err)
		r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "ranges")))
		for _, p := range plans {
			read, added := p.NewTable(), p.NewTable()
			for range 2 { // the second time slots hold something already
				from, to := g.ranges(r, 30)
				slots := r.Perm(40)[:30]
				at := make([]int32, 30)
				for i, s := range slots {
					at[i] = int32(s)
				}
				read.Grow(40)
				added.Grow(40)
				must(t, read.SetRanges(series, at, from, to))
				added.Reset(at)
				for i, slot := range at {
					rows := make([]int32, 0, to[i]-from[i])
					for row := from[i]; row < to[i]; row++ {
						rows = append(rows, row)
					}
					must(t, added.AddAll(slot, g.value, g.times, rows, len(rows)))
				}
				compareSlots(t, read, added, at)
			}
		}
	})
}

func compareSlots(t *rapid.T, read, added *Table, slots []int32) {
	n := len(slots)
	keys := batch.NewStrings(&batch.Type{Kind: batch.String}, batch.Strings{Offsets: make([]int32, n+1)})
	got, gotErr := read.Results(slots, keys, make([]int64, n), make([]int64, n))
	want, wantErr := added.Results(slots, keys, make([]int64, n), make([]int64, n))
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("error %v, want %v", gotErr, wantErr)
	}
	for i := 0; i < n && wantErr == nil; i++ {
		if g, w := render(got, i), render(want, i); g != w {
			t.Fatalf("slot %d: %s", slots[i], difference(g, w))
		}
	}
}
