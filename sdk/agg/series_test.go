package agg

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
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

// rows returns the rows as they may come: in any order, in pieces, some of which
// are selections.
func (g *grouped) rows(r *rand.Rand) *Rows {
	rows := &Rows{Time: g.times, Starts: g.starts}
	order := make([]int32, len(g.times))
	for i, row := range r.Perm(len(order)) {
		order[i] = int32(row)
	}
	for from := 0; from < len(order); {
		to := min(from+1+r.IntN(len(order)), len(order))
		b := &batch.Batch{Root: g.value.Gather(order[from:to])}
		if r.IntN(2) == 0 { // every second row belongs to somebody else
			twice := make([]int32, 0, 2*(to-from))
			for _, row := range order[from:to] {
				b.Sel = append(b.Sel, int32(len(twice)))
				twice = append(twice, row, order[0])
			}
			b.Root = g.value.Gather(twice)
		}
		rows.Pieces = append(rows.Pieces, b)
		from = to
	}
	rows.Place = order
	return rows
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
		r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "ranges")))
		series, err := NewSeries(plans, g.rows(r), nil)
		must(t, err)
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

// Ranges of several series, cut from rows at moments, merge to what adding the rows
// of all of them gives, for every aggregate.
func TestMergedSeriesAreTheSameAsAdding(t *testing.T) {
	plans := []*Plan{mustPlan(t, Into(describeExact)), mustPlan(t, Into(describeSketches))}
	rapid.Check(t, func(t *rapid.T) {
		g := drawGrouped(t)
		cuts := rapid.SliceOfN(rapid.Int64Range(0, 1400), 1, 3).Draw(t, "cuts")
		slices.Sort(cuts)
		var rows [][]int32 // of each series, in the order of g
		var all []*Series
		for i := range len(cuts) + 1 {
			var mine, starts []int32
			for row, at := range g.times {
				if (i == 0 || at >= cuts[i-1]) && (i == len(cuts) || at < cuts[i]) {
					if len(mine) == 0 || g.group(row) != g.group(int(mine[len(mine)-1])) {
						starts = append(starts, int32(len(mine)))
					}
					mine = append(mine, int32(row))
				}
			}
			times := make([]int64, len(mine))
			for k, row := range mine {
				times[k] = g.times[row]
			}
			s, err := NewSeries(plans, &Rows{Pieces: []*batch.Batch{{Root: g.value.Gather(mine)}}, Time: times, Starts: starts}, nil)
			must(t, err)
			rows, all = append(rows, mine), append(all, s)
		}
		r := rand.New(rand.NewPCG(2, rapid.Uint64().Draw(t, "ranges")))
		for _, p := range plans {
			read, added := p.NewTable(), p.NewTable()
			read.Grow(60)
			added.Grow(30)
			for range 2 {
				from, to := g.ranges(r, 30)
				slots := make([]int32, 30)
				for i := range slots {
					slots[i] = int32(i)
				}
				read.Reset(slots)
				added.Reset(slots)
				for k, s := range all {
					a, b := make([]int32, 30), make([]int32, 30)
					for i := range from {
						n, _ := slices.BinarySearch(rows[k], from[i])
						m, _ := slices.BinarySearch(rows[k], to[i])
						a[i], b[i] = int32(n), int32(m)
					}
					must(t, read.MergeRanges(s, 30, slots, a, b))
				}
				for i, slot := range slots {
					var mine []int32
					for row := from[i]; row < to[i]; row++ {
						mine = append(mine, row)
					}
					must(t, added.AddAll(slot, g.value, g.times, mine, len(mine)))
				}
				compareSlots(t, read, added, slots)
			}
		}
	})
}

// group returns the group of a row.
func (g *grouped) group(row int) int {
	at, found := slices.BinarySearch(g.starts, int32(row))
	if !found {
		at--
	}
	return at
}

func compareSlots(t interface{ Fatalf(string, ...any) }, read, added *Table, slots []int32) {
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

// Ranges of some hundred rows in a series of a million, in no order.
func BenchmarkSeries(b *testing.B) {
	const rows, asked = 1 << 20, 4096
	type out struct {
		Max  *int64
		Mean *float64
		Text *string
		Sum  float64
		Last *int64
		N    int64
	}
	items, eighths := make([]item, rows), make([]item, rows)
	times := make([]int64, rows)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range items {
		eighths[i].F = float64(r.IntN(10_000)) / 8
		items[i] = item{I: r.Int64N(1000), F: float64(r.IntN(10_000)) / 100, S: string(rune('a' + r.IntN(26)))}
		times[i] = int64(i)
	}
	from, to := make([]int32, asked), make([]int32, asked)
	for i := range from {
		from[i] = int32(r.IntN(rows - 1000))
		to[i] = from[i] + int32(r.IntN(1000))
	}
	slots := make([]int32, asked)
	for i := range slots {
		slots[i] = int32(i)
	}
	for name, terms := range map[string]func(e *item, o *out) Term{
		"count": func(_ *item, o *out) Term { return Count(&o.N) },
		"sum":   func(e *item, o *out) Term { return Sum(&o.Sum, &e.F) },
		"short": func(e *item, o *out) Term { return Sum(&o.Sum, &e.F) },
		"mean":  func(e *item, o *out) Term { return Mean(o.Mean, &e.F) },
		"last":  func(e *item, o *out) Term { return Last(o.Last, &e.I) },
		"max":   func(e *item, o *out) Term { return Max(o.Max, &e.I) },
		"tree":  func(e *item, o *out) Term { return Max(o.Text, &e.S) },
	} {
		b.Run(name, func(b *testing.B) {
			in, to1 := mustProbe[item](b), mustProbe[out](b)
			p, err := Resolve(in, to1, []Term{terms(in.Value().Interface().(*item), to1.Value().Interface().(*out))}, Scope{Partial: true, MayBeEmpty: true})
			if err != nil {
				b.Fatal(err)
			}
			value := column(items...)
			if name == "short" || name == "mean" {
				value = column(eighths...)
			}
			series, err := NewSeries([]*Plan{p}, &Rows{Pieces: []*batch.Batch{{Root: value}}, Time: times, Starts: []int32{0}}, nil)
			if err != nil {
				b.Fatal(err)
			}
			table := p.NewTable()
			table.Grow(asked)
			for b.Loop() {
				if err := table.SetRanges(series, nil, from, to); err != nil {
					b.Fatal(err)
				}
				if _, err := table.Columns(slots, nil, nil, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/asked, "ns/range")
		})
	}
}

func mustProbe[T any](b *testing.B) *field.Probe {
	p, err := field.NewProbe(reflect.TypeFor[T](), 0)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// A table that was set from one series is set from another as if it were new: the
// parts of an index have different values, and may keep them in different ways.
func TestRangesOfSeveralSeries(t *testing.T) {
	p := mustPlan(t, Into(describeExact))
	var parts []grouped
	for _, values := range [][]float64{
		{math.Inf(1), math.NaN(), 1e300, 1e-300}, // nothing but merging will do
		{0.25, 1 << 20, -3, 0},                   // words
		{12.34, 1e6, -0.1, 7},                    // several words
		{5e-324, -5e-324, 3e-320, 0},             // words far from one
		{1, 1 << 30, -1 << 33, 3},                // words of 64 bits
	} {
		var g grouped
		var items []item
		for i, f := range values {
			items = append(items, item{I: int64(f), U: 1 << 63, F: f, At: time.UnixMicro(int64(i)).UTC()})
			g.times = append(g.times, int64(i))
		}
		g.value, g.starts = column(items...), []int32{0}
		parts = append(parts, g)
	}
	read := p.NewTable()
	read.Grow(3)
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		g := parts[r.IntN(len(parts))]
		series, err := NewSeries([]*Plan{p}, g.rows(r), nil)
		if err != nil {
			t.Fatal(err)
		}
		from, to := []int32{0, 1, 0}, []int32{2, 4, 4}
		var slots []int32
		if r.IntN(2) == 0 {
			slots = []int32{0, 1, 2}
		}
		if err := read.SetRanges(series, slots, from, to); err != nil {
			t.Fatal(err)
		}
		added := p.NewTable()
		added.Grow(3)
		for slot := range int32(3) {
			rows := []int32{0, 1, 2, 3}[from[slot]:to[slot]]
			if err := added.AddAll(slot, g.value, g.times, rows, len(rows)); err != nil {
				t.Fatal(err)
			}
		}
		compareSlots(t, read, added, []int32{0, 1, 2})
	}
}

// Totals take 32 bits where the sums of each group fit, and 64 where they do not;
// sums are right in either case, also when they are as large as may be.
func TestTotalsAreNarrowWhereTheyFit(t *testing.T) {
	type in struct{ V int64 }
	type out struct{ Sum int64 }
	p := mustPlan(t, Into(func(r *in, o *out) []Term { return []Term{Sum(&o.Sum, &r.V)} }))
	for _, c := range []struct {
		values []int64
		starts []int32
		narrow bool
	}{
		{[]int64{1, 2, 3, -4}, []int32{0}, true},
		{[]int64{1<<31 - 1, -1 << 31, 5, 7}, []int32{0, 1, 2}, false}, // the second is too large by one
		{[]int64{1<<31 - 1, 1 - 1<<31, 5, 7}, []int32{0, 1, 2}, true},
		{[]int64{1<<31 - 6, 3, 2, 0}, []int32{0}, true}, // as large as all the others: four times too large
		{[]int64{1<<31 - 6, 3, -2, 1}, []int32{0}, false},
		{[]int64{1 << 32, 3, 2, 1}, []int32{0, 1}, false},
	} {
		column := batch.NewInts(&batch.Type{Kind: batch.Int64}, c.values)
		value := batch.NewStruct(p.Input(), len(c.values), column)
		times := []int64{1, 2, 3, 4}
		s, err := NewSeries([]*Plan{p}, &Rows{Pieces: []*batch.Batch{{Root: value}}, Time: times, Starts: c.starts}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, narrow := s.sources["sum(V)"].(*gridTotals).grid.(*grid[int32]); narrow != c.narrow {
			t.Errorf("%v in groups from %v: narrow %v", c.values, c.starts, narrow)
		}
		table := p.NewTable()
		table.Grow(1)
		for i, from := range c.starts {
			to := int32(len(times))
			if i+1 < len(c.starts) {
				to = c.starts[i+1]
			}
			if err := table.SetRanges(s, nil, []int32{from}, []int32{to}); err != nil {
				t.Fatal(err)
			}
			got, err := table.Columns([]int32{0}, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			for _, v := range c.values[from:to] {
				want += v
			}
			if got[0].Ints[0] != want {
				t.Errorf("%v from %d to %d: %d, want %d", c.values, from, to, got[0].Ints[0], want)
			}
		}
	}
}
