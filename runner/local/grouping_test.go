package local_test

import (
	"iter"
	"math"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
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
	out.rows = group(in, func(r record) string { return naive{row: r}.String() }, func(rows []naive, _ window.Interval) record {
		first := rows[0].row
		if first.F == 0 {
			first.F = 0 // a key has no sign of zero
		}
		return first
	})
	g.add(out)
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
func (g *generator) coGroup(a, b flow) {
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
}
