package local_test

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
	"github.com/leatflow/leat/transforms/topn"
)

// window draws windows of some seconds.
func (g *generator) window() window.Fn {
	s := func(from, n int) time.Duration { return time.Duration(from+g.r.IntN(n)) * time.Second }
	switch g.r.IntN(8) {
	case 0:
		return window.Global()
	case 1:
		return window.Fixed(s(1, 20))
	case 2:
		return window.Fixed(s(5, 20)).Offset(s(-30, 60))
	case 3:
		return window.Session(s(1, 12))
	case 4:
		return window.Sliding(s(1, 5), s(6, 5)) // with gaps between
	case 5:
		return window.Custom("evens", evens)
	}
	period := s(1, 8)
	size := period + s(0, 20)
	return window.Sliding(size, period).Offset(s(-5, 10))
}

// evens puts rows of even seconds into two windows and others into none.
func evens(t time.Time) []window.Interval {
	us := t.UnixMicro()
	if t.Unix()%2 != 0 {
		return nil
	}
	const second = int64(1e6)
	return []window.Interval{{Start: us, End: us + second}, {Start: us - us&(8*second), End: us + 9*second}}
}

// windowed leaves a collection in its windows or gives it others.
func (g *generator) windowed(in flow) flow {
	if in.grouped && g.r.IntN(2) == 0 {
		return in
	}
	return rewindow(in, g.window())
}

func rewindow(in flow, fn window.Fn) flow {
	out := in
	out.coll, out.fn, out.grouped, out.rows = leat.Window(in.coll, fn), fn, false, nil
	for _, n := range in.rows {
		out.rows = append(out.rows, naive{row: n.row, t: n.t})
	}
	return out
}

// combine aggregates by one of the ways to name a key.
func (g *generator) combine(in flow) {
	t := g.terms(in)
	switch g.r.IntN(6) {
	case 0:
		combineBy(g, in, t, field.Of(func(e *record) *string { return &e.K }))
	case 1:
		type both struct {
			K string
			P *int64
		}
		combineBy(g, in, t, field.Into(func(e *record, k *both) []field.Term {
			return []field.Term{field.Copy(&k.K, &e.K), field.Copy(k.P, e.P)}
		}))
		t.by = func(r record) string { return r.K + show(r.P) }
	case 2:
		combineBy(g, in, t, field.Func(func(e record) int64 { return e.N % 3 }))
		t.by = func(r record) string { return show(r.N % 3) }
	case 3:
		combineBy(g, in, t, field.Of(func(e *record) *int64 { return e.P }))
		t.by = func(r record) string { return show(r.P) }
	case 4:
		combineBy(g, in, t, field.Of(func(e *record) *float64 { return &e.F }))
		t.by = func(r record) string { return show(r.F) }
	case 5:
		combineBy(g, in, t, field.Of(func(e *record) *time.Time { return &e.At }))
		t.by = func(r record) string { return show(r.At) }
	}
	last := &g.flows[len(g.flows)-1]
	last.rows = group(in, t.by, t.result)
}

func combineBy[K comparable](g *generator, in flow, t *terms, key field.Key[record, K]) {
	keyed := leat.KeyBy(in.coll, g.name("key"), key)
	out := leat.Values(leat.Combine(keyed, g.name("combine"), agg.Into(t.describe)))
	g.add(in.grouping(out))
}

// grouping is the flow behind a grouping step, without its rows.
func (f flow) grouping(coll leat.PCollection[record]) flow {
	return flow{coll: coll, fn: f.fn, grouped: true, far: f.far || f.fn.Kind() == window.KindGlobal}
}

func (g *generator) distinct(in flow) {
	out := in.grouping(leat.Distinct(in.coll, g.name("distinct")))
	out.rows = distinctRows(in)
	g.add(out)
}

func distinctRows(in flow) []naive {
	return group(in, func(r record) string { return naive{row: r}.String() }, func(rows []naive, _ window.Interval) record {
		first := rows[0].row
		if first.F == 0 {
			first.F = 0 // a key has no sign of zero
		}
		return first
	})
}

// groupByKey folds the values of a key into a number that depends on their order.
func (g *generator) groupByKey(in flow) {
	byK := leat.KeyBy(in.coll, g.name("key"), field.Of(func(e *record) *string { return &e.K }))
	fold := func(k string, values iter.Seq[record]) record {
		out := record{K: k, At: time.Unix(0, 0).UTC()}
		for v := range values {
			out.N = (out.N*31 + v.N + int64(math.Float64bits(v.F)>>52)) % 1009
			out.F++
		}
		return out
	}
	coll := leat.Map(leat.GroupByKey(byK, g.name("group")), g.name("fold"), func(kv leat.KV[string, iter.Seq[record]]) record { return fold(kv.Key, kv.Value) })
	out := in.grouping(coll)
	out.rows = group(in, func(r record) string { return r.K }, func(rows []naive, _ window.Interval) record {
		return fold(rows[0].row.K, func(yield func(record) bool) {
			for _, n := range canonical(rows) {
				if !yield(n.row) {
					return
				}
			}
		})
	})
	g.add(out)
}

// coGroup folds the rows of two collections of a key into a number that depends on
// their order within each side.
func (g *generator) coGroup(in flow) (flow, bool) {
	a, b := alike(in, g.few(g.any(), rowsMost))
	if overlap(a.fn) { // all windows of a key must fit the budget together, in lists that overlap
		a, b = g.few(a, 50), g.few(b, 50)
	}
	fold := func(k string, left, right iter.Seq[record]) record {
		out := record{K: k, At: time.Unix(0, 0).UTC()}
		for v := range left {
			out.N = (out.N*31 + v.N + int64(math.Float64bits(v.F)>>52)) % 1009
		}
		for v := range right {
			out.N = (out.N*37 + v.N) % 1013
			out.F++
		}
		return out
	}
	by := field.Of(func(e *record) *string { return &e.K })
	coll := leat.CoGroup(leat.KeyBy(a.coll, g.name("key"), by), leat.KeyBy(b.coll, g.name("key"), by), g.name("cogroup"), fold)
	out := a.grouping(coll)
	out.far = out.far || b.far
	// The interpreter groups both together and tells them apart by where they stand.
	both := a
	both.rows = nil
	for side, f := range []flow{a, b} {
		for _, n := range f.rows {
			n.side = side
			both.rows = append(both.rows, n)
		}
	}
	out.rows = group(both, func(r record) string { return r.K }, func(rows []naive, _ window.Interval) record {
		of := func(side int) iter.Seq[record] {
			return func(yield func(record) bool) {
				for _, n := range canonical(rows) {
					if n.side == side && !yield(n.row) {
						return
					}
				}
			}
		}
		return fold(rows[0].row.K, of(0), of(1))
	})
	g.add(out)
	return a, true
}

// overlap reports whether a row may be in several windows.
func overlap(fn window.Fn) bool {
	return fn.Kind() == window.KindCustom || fn.Kind() == window.KindAligned && fn.Period() < fn.Size()
}

// tally is an accumulator of the user's own.
type tally struct{ Rows, Sum, Nulls int64 }

// Add takes a row.
func (t *tally) Add(r record) {
	t.Rows, t.Sum = t.Rows+1, t.Sum+r.N
	if r.P == nil {
		t.Nulls++
	}
}

// Merge takes what another has seen.
func (t *tally) Merge(o *tally) {
	t.Rows, t.Sum, t.Nulls = t.Rows+o.Rows, t.Sum+o.Sum, t.Nulls+o.Nulls
}

// Result makes a row of it.
func (t *tally) Result() record {
	nulls := t.Nulls
	return record{N: t.Sum % 1000, F: float64(t.Rows), P: &nulls, At: time.Unix(t.Rows, 0).UTC()}
}

func (g *generator) combineCustom(in flow) {
	byK := leat.KeyBy(in.coll, g.name("key"), field.Of(func(e *record) *string { return &e.K }))
	coll := leat.Values(leat.Combine(byK, g.name("custom"), agg.Custom(func() *tally { return new(tally) })))
	out := in.grouping(coll)
	out.rows = group(in, func(r record) string { return r.K }, func(rows []naive, _ window.Interval) record {
		var t tally
		for _, n := range rows {
			t.Add(n.row)
		}
		return t.Result()
	})
	g.add(out)
}

// topN keeps the rows of a key with the largest N. Which of those with equal N is
// not looked at.
func (g *generator) topN(in flow) {
	n := 1 + g.r.IntN(4)
	byK := leat.KeyBy(in.coll, g.name("key"), field.Of(func(e *record) *string { return &e.K }))
	fold := func(k string, kept []int64) record {
		out := record{K: k, At: time.Unix(0, 0).UTC(), F: float64(len(kept))}
		for _, v := range kept {
			out.N = (out.N*31 + v) % 1009
		}
		return out
	}
	largest := topn.Largest(byK, g.name("largest"), n, func(r *record) *int64 { return &r.N })
	coll := leat.Map(largest, g.name("fold"), func(kv leat.KV[string, []record]) record {
		var kept []int64
		for _, r := range kv.Value {
			kept = append(kept, r.N)
		}
		return fold(kv.Key, kept)
	})
	out := in.grouping(coll)
	out.rows = group(in, func(r record) string { return r.K }, func(rows []naive, _ window.Interval) record {
		var all []int64
		for _, n := range rows {
			all = append(all, n.row.N)
		}
		slices.SortFunc(all, func(a, b int64) int { return cmp.Compare(b, a) })
		return fold(rows[0].row.K, all[:min(n, len(all))])
	})
	g.add(out)
}
