package local_test

import (
	"slices"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
	"github.com/leatflow/leat/transforms/pointintime"
)

// Steps of random pipelines that look at one collection beside another: joins, side
// inputs and point-in-time lookups.

// joining says which rows of a join are kept without a match.
type joining struct{ left, right bool }

var innerJoin, leftJoin, fullJoin = joining{}, joining{left: true}, joining{true, true}

// paired makes one row of two, either of which may be missing.
func paired(k string, a, b *record) record {
	out := record{K: k, At: time.Unix(0, 0).UTC()}
	if a != nil {
		out.N, out.P, out.F = 7+31*a.N, a.P, a.F
	}
	if b != nil {
		out.N, out.At = (out.N*37+b.N+11)%1009, b.At
	}
	return out
}

// pairsMost bounds the rows a join makes.
const pairsMost = 1500

func (g *generator) join(m joining, in flow) (flow, bool) {
	a, b := alike(g.few(in, 100), g.few(g.any(), 100))
	if a.fn.Kind() == window.KindSession && !a.grouped {
		return a, false
	}
	rows, ok := naiveJoin(m, a, b, func(r record) string { return r.K })
	if !g.decide(ok) {
		return a, false
	}
	by := field.Of(func(e *record) *string { return &e.K })
	left, right, name := leat.KeyBy(a.coll, g.name("key"), by), leat.KeyBy(b.coll, g.name("key"), by), g.name("join")
	var coll leat.PCollection[record]
	switch m {
	case innerJoin:
		coll = leat.Join(left, right, name, func(k string, a, b record) record { return paired(k, &a, &b) })
	case leftJoin:
		coll = leat.LeftJoin(left, right, name, func(k string, a record, b *record) record { return paired(k, &a, b) })
	default:
		coll = leat.FullJoin(left, right, name, paired)
	}
	out := a.grouping(coll)
	out.far, out.rows = out.far || b.far, rows
	g.add(out)
	return a, true
}

// naiveJoin goes over all pairs; ok is false when there are too many.
func naiveJoin(m joining, a, b flow, key func(record) string) (out []naive, ok bool) {
	add := func(k string, x, y *record, w window.Interval) {
		out = append(out, naive{row: paired(k, x, y), t: w.End - 1, start: w.Start, end: w.End, windowed: true})
	}
	type place struct {
		row int
		w   window.Interval
	}
	matched := make(map[place]bool) // of the right side
	for i := range a.rows {
		x := &a.rows[i].row
		for _, w := range windowsOf(a, a.rows[i], "", nil) {
			found := false
			for j := range b.rows {
				y := &b.rows[j].row
				if key(*x) == key(*y) && slices.Contains(windowsOf(b, b.rows[j], "", nil), w) {
					add(key(*x), x, y, w)
					found, matched[place{j, w}] = true, true
				}
			}
			if m.left && !found {
				add(key(*x), x, nil, w)
			}
		}
		if len(out) > pairsMost {
			return nil, false
		}
	}
	for j := range b.rows {
		for _, w := range windowsOf(b, b.rows[j], "", nil) {
			if m.right && !matched[place{j, w}] {
				add(key(b.rows[j].row), nil, &b.rows[j].row, w)
			}
		}
	}
	return out, len(out) <= 2*pairsMost
}

// asOf looks up the latest row of another collection, by a key that may be null.
func (g *generator) asOf(in flow) {
	b := g.few(g.any(), 200)
	by := field.Of(func(e *record) *int64 { return e.P })
	coll := leat.AsOf(leat.KeyBy(in.coll, g.name("key"), by), leat.KeyBy(b.coll, g.name("key"), by), g.name("asof"),
		func(_ int64, a record, b *record) record { return paired(a.K, &a, b) })
	right := canonical(b.rows)
	out := in
	out.coll, out.rows = coll, nil
	for _, n := range in.rows {
		var latest *record
		for i := range right {
			if p := right[i].row.P; n.row.P != nil && p != nil && *p == *n.row.P && right[i].t <= n.t {
				latest = &right[i].row
			}
		}
		made := n
		made.row = paired(n.row.K, &n.row, latest)
		out.rows = append(out.rows, made)
	}
	g.add(out)
}

// intervalJoin joins with rows of another collection that are near in time.
func (g *generator) intervalJoin(in flow) (flow, bool) {
	a, b := g.few(in, 100), g.few(g.any(), 100)
	lower := time.Duration(g.r.IntN(20)-15) * time.Second
	upper := lower + time.Duration(g.r.IntN(12))*time.Second
	by := field.Of(func(e *record) *int64 { return e.P })
	out := a
	out.grouped, out.far, out.rows = false, a.far || b.far, nil
	for _, x := range a.rows {
		for _, y := range b.rows {
			apart := y.t - x.t
			if x.row.P == nil || y.row.P == nil || *x.row.P != *y.row.P || apart < lower.Microseconds() || apart > upper.Microseconds() {
				continue
			}
			out.rows = append(out.rows, naive{row: paired(x.row.K, &x.row, &y.row), t: max(x.t, y.t)})
		}
	}
	if !g.decide(len(out.rows) <= pairsMost) {
		return a, false
	}
	out.coll = leat.IntervalJoin(leat.KeyBy(a.coll, g.name("key"), by), leat.KeyBy(b.coll, g.name("key"), by), g.name("interval"), lower, upper,
		func(_ int64, a, b record) record { return paired(a.K, &a, &b) })
	g.add(out)
	return a, true
}

// beside puts a side input for the rows into windows, of which one follows from the
// window of a row.
func (g *generator) beside(in, side flow) flow {
	one := in.grouped || in.fn.Kind() == window.KindAligned && in.fn.Period() == in.fn.Size()
	fn := window.Global()
	for one && in.fn.Kind() != window.KindGlobal && g.r.IntN(4) > 0 {
		if fn = g.window(); fn.Kind() == window.KindAligned || fn.Kind() == window.KindGlobal {
			break
		}
		fn = window.Global()
	}
	return g.complete(rewindow(side, fn))
}

// complete notes a side input that is complete only at its end.
func (g *generator) complete(side flow) flow {
	g.atEnd = g.atEnd || side.fn.Kind() == window.KindGlobal
	return side
}

// seen returns the rows of a side input that a row sees.
func (f flow) seen(in flow, n naive) (rows []naive) {
	last := n.end - 1
	if !in.grouped && f.fn.Kind() != window.KindGlobal {
		last = in.fn.First(n.t).End - 1
	}
	w := window.Interval{}
	if f.fn.Kind() != window.KindGlobal {
		if w = f.fn.First(last); w.Start > last {
			return nil
		}
	}
	for _, o := range f.rows {
		if f.fn.Kind() == window.KindGlobal || slices.Contains(windowsOf(f, o, "", nil), w) {
			rows = append(rows, o)
		}
	}
	return canonical(rows)
}

// eachSeeing is each for a step with a side input.
func (f flow) eachSeeing(coll leat.PCollection[record], side flow, do func(record, []naive) record) flow {
	out := f
	out.coll, out.rows = coll, nil
	for _, n := range f.rows {
		made := n
		made.row = do(n.row, side.seen(f, n))
		out.rows = append(out.rows, made)
	}
	return out
}

func (g *generator) sideList(in flow) {
	side := g.beside(in, g.few(g.any(), 40))
	do := func(r record, list []record) record {
		for _, o := range list {
			r.N = (r.N*31 + o.N) % 1009
		}
		return r
	}
	coll := leat.MapWith(in.coll, leat.AsList(side.coll), g.name("list"), do)
	g.add(in.eachSeeing(coll, side, func(r record, rows []naive) record {
		var list []record
		for _, n := range rows {
			list = append(list, n.row)
		}
		return do(r, list)
	}))
}

// sideMap keeps the rows whose key is often in the side input.
func (g *generator) sideMap(in flow) {
	side := g.beside(in, g.few(g.any(), 40))
	counts := leat.Combine(leat.KeyBy(side.coll, g.name("key"), field.Of(func(e *record) *string { return &e.K })), g.name("counts"),
		agg.Into(func(_ *record, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
	keep := func(r record, counts map[string]int64) bool { return counts[r.K]%2 == 0 }
	coll := leat.FilterWith(in.coll, leat.AsMap(counts), g.name("map"), keep)
	out := in
	out.coll, out.rows = coll, nil
	for _, n := range in.rows {
		m := make(map[string]int64)
		for _, o := range side.seen(in, n) {
			m[o.row.K]++
		}
		if keep(n.row, m) {
			out.rows = append(out.rows, n)
		}
	}
	g.add(out)
}

// sideSingleton adds the number of rows of another collection.
func (g *generator) sideSingleton(in flow) (flow, bool) {
	side := g.complete(rewindow(g.few(g.any(), 40), window.Global()))
	if g.decide(len(side.rows) == 0) {
		return in, false // nothing is no singleton
	}
	one := leat.KeyBy(side.coll, g.name("key"), field.Func(func(record) bool { return true }))
	count := leat.Values(leat.Combine(one, g.name("count"), agg.Into(func(_ *record, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })))
	do := func(r record, n int64) record {
		r.N = (r.N + n) % 1000
		return r
	}
	coll := leat.MapWith(in.coll, leat.AsSingleton(count), g.name("singleton"), do)
	g.add(in.eachSeeing(coll, side, func(r record, _ []naive) record { return do(r, int64(len(side.rows))) }))
	return in, true
}

// pointInTime looks up what was known of one collection, and of the spine itself.
func (g *generator) pointInTime(in flow) {
	in = g.few(in, 200)
	right := g.few(g.any(), 200)
	within, other := time.Duration(1+g.r.IntN(20))*time.Second, time.Duration(1+g.r.IntN(9))*time.Second
	coll := pointintime.Join(in.coll, g.name("pit"), func(s, o *record) []pointintime.Term {
		return []pointintime.Term{
			pointintime.Copy(&o.K, &s.K), pointintime.Copy(&o.At, &s.At),
			pointintime.From(right.coll, func(r *record) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.K, &r.K)}, Within: within,
					Get: []agg.Term{agg.Count(&o.N), agg.Max(o.P, r.P)}}
			}),
			pointintime.From(in.coll, func(r *record) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(s.P, r.P)}, Within: other, Get: []agg.Term{agg.Sum(&o.F, &r.F)}}
			}),
		}
	})
	out := in
	out.coll, out.rows = coll, nil
	for _, n := range in.rows {
		made := n
		made.row = record{K: n.row.K, At: n.row.At}
		for _, o := range right.rows {
			if o.row.K != n.row.K || o.t < n.t-within.Microseconds() || o.t >= n.t {
				continue
			}
			made.row.N++
			if p := o.row.P; p != nil && (made.row.P == nil || *made.row.P < *p) {
				made.row.P = p
			}
		}
		var known []naive
		for _, o := range in.rows {
			if o.row.P != nil && n.row.P != nil && *o.row.P == *n.row.P && o.t >= n.t-other.Microseconds() && o.t < n.t {
				known = append(known, o)
			}
		}
		if len(known) > 0 {
			made.row.F, _ = exact(known)
		}
		out.rows = append(out.rows, made)
	}
	g.add(out)
}
