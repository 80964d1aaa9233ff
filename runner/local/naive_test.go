package local_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/window"
)

// naive is a row of the interpreter.
type naive struct {
	row        record
	t          int64
	start, end int64
	windowed   bool
	side       int // of a CoGroup
}

// String shows every bit of a row, NaNs being one.
func (n naive) String() string {
	s := fmt.Sprintf("k %q n %d f %s p %s at %d time %d", n.row.K, n.row.N, show(n.row.F), show(n.row.P), n.row.At.UnixMicro(), n.t)
	if n.windowed {
		s += fmt.Sprintf(" in [%d,%d)", n.start, n.end)
	}
	return s
}

func show(v any) string {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) {
			return "NaN"
		}
		return fmt.Sprintf("%x/%v", math.Float64bits(v), v)
	case *int64:
		if v == nil {
			return "null"
		}
		return fmt.Sprint(*v)
	case time.Time:
		return fmt.Sprint(v.UnixMicro())
	}
	return fmt.Sprint(v)
}

// startOf is the start of a window; memory.Collector shows that of the global
// window, which is no time, as zero.
func startOf(t time.Time) int64 {
	if t.IsZero() {
		return batch.MinTime
	}
	return t.UnixMicro()
}

// group is the interpreter's grouping: rows by window and key, one result each.
func group(in flow, by func(record) string, result func([]naive, window.Interval) record) []naive {
	type at struct {
		key string
		w   window.Interval
	}
	groups := make(map[at][]naive)
	for _, n := range in.rows {
		key := by(n.row)
		for _, w := range windowsOf(in, n, key, by) {
			groups[at{key, w}] = append(groups[at{key, w}], n)
		}
	}
	var out []naive
	for a, rows := range groups {
		out = append(out, naive{row: result(rows, a.w), t: a.w.End - 1, start: a.w.Start, end: a.w.End, windowed: true})
	}
	return out
}

func windowsOf(in flow, n naive, key string, by func(record) string) []window.Interval {
	switch {
	case in.grouped:
		return []window.Interval{{Start: n.start, End: n.end}}
	case in.fn.Kind() == window.KindSession:
		return []window.Interval{sessionOf(in, n, key, by)}
	}
	w, err := in.fn.Assign(n.t, nil)
	if err != nil {
		panic(err)
	}
	return w
}

// sessionOf grows the claim of a row by all claims of its key that overlap it,
// until nothing is left to add.
func sessionOf(in flow, n naive, key string, by func(record) string) window.Interval {
	w := window.Interval{Start: n.t, End: n.t + in.fn.Gap()}
	for grown := true; grown; {
		grown = false
		for _, o := range in.rows {
			from, to := o.t, o.t+in.fn.Gap()
			if by(o.row) == key && from < w.End && w.Start < to && (from < w.Start || to > w.End) {
				w, grown = window.Interval{Start: min(w.Start, from), End: max(w.End, to)}, true
			}
		}
	}
	return w
}

var records = sync.OnceValue(func() *codec.Codec[record] {
	c, err := codec.For[record]()
	if err != nil {
		panic(err)
	}
	return c
})

// canonical sorts rows by event time, then by the canonical bytes of the value.
func canonical(rows []naive) []naive {
	values := make([]record, len(rows))
	for i, n := range rows {
		values[i] = n.row
	}
	e := records().NewEncoder()
	if err := e.Append(values); err != nil {
		panic(err)
	}
	column := e.Finish()
	type keyed struct {
		naive
		bytes []byte
	}
	all := make([]keyed, len(rows))
	for i, n := range rows {
		all[i] = keyed{n, codec.AppendKey(nil, column, i)}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Or(cmp.Compare(a.t, b.t), bytes.Compare(a.bytes, b.bytes)) })
	out := make([]naive, len(all))
	for i := range all {
		out[i] = all[i].naive
	}
	return out
}

// terms is a random aggregate of records into a record.
type terms struct {
	by            func(record) string
	k, n, f, p, a int
	where         bool
}

func (g *generator) terms(in flow) *terms {
	t := &terms{by: func(r record) string { return r.K }, k: g.r.IntN(4), n: g.r.IntN(5), f: g.r.IntN(4), p: g.r.IntN(3), a: g.r.IntN(4), where: g.r.IntN(2) == 0}
	if in.far || in.fn.Kind() == window.KindGlobal {
		t.a %= 2
	}
	return t
}

// describe is the description the engine gets.
func (t *terms) describe(e, o *record) []agg.Term {
	k := []agg.Term{agg.Min(&o.K, &e.K), agg.Max(&o.K, &e.K), agg.First(&o.K, &e.K), agg.Last(&o.K, &e.K)}[t.k]
	n := []agg.Term{agg.Count(&o.N), agg.Sum(&o.N, &e.N), agg.Max(&o.N, &e.N), agg.CountDistinct(&o.N, &e.K), agg.CountOf(&o.N, e.P)}[t.n]
	f := []agg.Term{agg.Sum(&o.F, &e.F), agg.Mean(&o.F, &e.F), agg.Max(&o.F, &e.F), agg.First(&o.F, &e.F)}[t.f]
	p := []agg.Term{agg.Max(o.P, e.P), agg.Sum(o.P, e.P), agg.Count(o.P)}[t.p]
	a := []agg.Term{agg.Max(&o.At, &e.At), agg.First(&o.At, &e.At), agg.WindowStart(&o.At), agg.WindowEnd(&o.At)}[t.a]
	if t.where {
		p = agg.Where(field.Equal(&e.K, "a"), p)
	}
	return []agg.Term{k, n, f, p, a}
}

// result is what the interpreter makes of the same.
func (t *terms) result(rows []naive, w window.Interval) record {
	rows = canonical(rows)
	var o record
	all := func(less func(a, b naive) int) []naive {
		sorted := slices.Clone(rows)
		slices.SortStableFunc(sorted, less)
		return sorted
	}
	byK := all(func(a, b naive) int { return cmp.Compare(a.row.K, b.row.K) })
	byTimeK := all(func(a, b naive) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.row.K, b.row.K)) })
	last := len(rows) - 1
	o.K = []string{byK[0].row.K, byK[last].row.K, byTimeK[0].row.K, byTimeK[last].row.K}[t.k]
	o.N = t.count(rows)
	byF := all(func(a, b naive) int { return cmp.Compare(a.row.F, b.row.F) })
	byTimeF := all(func(a, b naive) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.row.F, b.row.F)) })
	sum, mean := exact(rows)
	o.F = []float64{sum, mean, byF[last].row.F, byTimeF[0].row.F}[t.f]
	o.P = t.nullable(rows)
	byAt := all(func(a, b naive) int { return a.row.At.Compare(b.row.At) })
	byTimeAt := all(func(a, b naive) int { return cmp.Or(cmp.Compare(a.t, b.t), a.row.At.Compare(b.row.At)) })
	o.At = []time.Time{byAt[last].row.At, byTimeAt[0].row.At, time.UnixMicro(w.Start).UTC(), time.UnixMicro(w.End).UTC()}[t.a]
	return o
}

func (t *terms) count(rows []naive) (n int64) {
	names := make(map[string]bool)
	for i, r := range rows {
		names[r.row.K] = true
		switch t.n {
		case 0:
			n++
		case 1:
			n += r.row.N
		case 2:
			if i == 0 || r.row.N > n {
				n = r.row.N
			}
		case 4:
			if r.row.P != nil {
				n++
			}
		}
	}
	if t.n == 3 {
		return int64(len(names))
	}
	return n
}

func (t *terms) nullable(rows []naive) *int64 {
	var p *int64
	if t.p == 2 {
		p = new(int64)
	}
	for _, r := range rows {
		v := r.row.P
		switch {
		case t.where && r.row.K != "a":
		case t.p == 2:
			*p++
		case v == nil:
		case p == nil:
			c := *v
			p = &c
		case t.p == 0:
			*p = max(*p, *v)
		default:
			*p += *v
		}
	}
	return p
}

// exact adds without rounding, and rounds once.
func exact(rows []naive) (sum, mean float64) {
	total := new(big.Rat)
	for _, r := range rows {
		if v := new(big.Rat).SetFloat64(r.row.F); v != nil {
			total.Add(total, v)
		}
	}
	sum, _ = total.Float64()
	mean, _ = total.Quo(total, big.NewRat(int64(len(rows)), 1)).Float64()
	return sum, mean
}
