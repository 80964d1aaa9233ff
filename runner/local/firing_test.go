package local_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// A grouping step whose windows fire more than once ends a random pipeline, as its
// panes depend on what arrived when. What they say together does not: the last one of
// those that accumulate, all of those that discard, and what is left when each is
// taken back before the next.
type fired struct {
	out  *memory.Collector[record]
	mode window.Mode
	set  bool    // rows are keys: of Distinct
	want []naive // one a key and window
	fn   window.Fn
}

// trigger is one with a name for the table of what was covered.
type namedTrigger struct {
	name string
	make func(n int64) window.Trigger
	late bool // may go on after the end of its window
}

var namedTriggers = []namedTrigger{
	{"early", func(n int64) window.Trigger { return window.AfterWatermark(window.Early(window.AfterCount(n))) }, false},
	{"early and late", func(n int64) window.Trigger {
		return window.AfterWatermark(window.Early(window.AfterCount(n)), window.Late(window.AfterCount(1)))
	}, true},
	{"count", func(n int64) window.Trigger { return window.Repeat(window.AfterCount(n)) }, true},
	{"clock", func(n int64) window.Trigger {
		return window.Repeat(window.AfterProcessingTime(time.Duration(n) * 100 * time.Microsecond))
	}, true},
	{"or finally", func(n int64) window.Trigger {
		return window.Repeat(window.OrFinally(window.Repeat(window.AfterCount(n)), window.AfterWatermark()))
	}, true},
	{"each", func(n int64) window.Trigger {
		return window.Repeat(window.AfterEach(window.AfterCount(n), window.AfterCount(1)))
	}, true},
	{"any", func(n int64) window.Trigger {
		return window.Repeat(window.AfterAny(window.AfterCount(n), window.AfterWatermark()))
	}, true},
	{"all", func(n int64) window.Trigger {
		return window.Repeat(window.AfterAll(window.AfterCount(n), window.AfterCount(2)))
	}, true},
	{"never", func(int64) window.Trigger { return window.Never() }, true},
}

// addition is an accumulator of the user's own, which adds up as the others do.
type addition struct{ Rows, Sum int64 }

// Add takes a row.
func (a *addition) Add(r record) { a.Rows, a.Sum = a.Rows+1, a.Sum+r.N }

// Merge takes what another has seen.
func (a *addition) Merge(o *addition) { a.Rows, a.Sum = a.Rows+o.Rows, a.Sum+o.Sum }

// Result is what was added up.
func (a *addition) Result() addition { return *a }

// of makes a row of it.
func (a addition) of(k string) record {
	return record{K: k, N: a.Rows, P: &a.Sum, At: time.Unix(0, 0).UTC()}
}

// added is the result of all: panes that discard add up to it.
func added(k string, values ...iter.Seq[record]) record {
	var a addition
	for i, side := range values {
		for v := range side {
			a.Add(v)
			a.Rows += int64(i) * 1000
		}
	}
	return a.of(k)
}

// fire ends a flow in a grouping step with a trigger.
func (g *generator) fire() {
	in := g.few(g.any(), 200)
	named, n := namedTriggers[g.r.IntN(len(namedTriggers))], 1+g.r.Int64N(4)
	f := fired{out: &memory.Collector[record]{}, fn: g.window(), mode: window.Mode(g.r.IntN(3))}
	for g.odd && f.fn.Kind() == window.KindSession {
		f.fn = g.window() // which session a pane is part of is known from the interpreter
	}
	if f.mode == window.Retracting && f.fn.Kind() == window.KindSession {
		f.mode = window.Accumulating // a session that has grown is another window
	}
	options := []leat.WindowOption{leat.Trigger(named.make(n)), leat.Accumulation(f.mode), leat.OnTimeBehavior(window.Behavior(g.r.IntN(3))), leat.ClosingBehavior(window.Behavior(g.r.IntN(3)))}
	if named.late && g.r.IntN(2) == 0 {
		options = append(options, leat.AllowedLateness(time.Duration(g.r.IntN(20))*time.Second))
	}
	again := rewindow(in, f.fn)
	again.coll = leat.Window(in.coll, f.fn, options...)
	name := []string{"combine", "custom combine", "group", "cogroup", "distinct"}[g.r.IntN(5)]
	byK := leat.KeyBy(again.coll, g.name("key"), field.Of(func(e *record) *string { return &e.K }))
	step := g.name(name)
	var coll leat.PCollection[record]
	switch name {
	case "combine":
		sums := leat.Combine(byK, step, agg.Into(func(e *record, o *addition) []agg.Term {
			return []agg.Term{agg.Count(&o.Rows), agg.Sum(&o.Sum, &e.N)}
		}))
		coll = leat.Map(sums, g.name("keyed"), func(kv leat.KV[string, addition]) record { return kv.Value.of(kv.Key) })
	case "custom combine":
		sums := leat.Combine(byK, step, agg.Custom(func() *addition { return new(addition) }))
		coll = leat.Map(sums, g.name("keyed"), func(kv leat.KV[string, addition]) record { return kv.Value.of(kv.Key) })
	case "group":
		coll = leat.Map(leat.GroupByKey(byK, step), g.name("add"), func(kv leat.KV[string, iter.Seq[record]]) record { return added(kv.Key, kv.Value) })
	case "cogroup":
		coll = leat.CoGroup(byK, byK, step, func(k string, a, b iter.Seq[record]) record { return added(k, a, b) })
	default:
		coll, f.set = leat.Distinct(again.coll, step), true
	}
	f.want = g.firedRows(again, name)
	leat.Write(coll, g.name("fired"), f.out)
	g.fires = append(g.fires, f)
	g.covers(name, again, named.name)
}

// firedRows is what all panes of a key and window say together.
func (g *generator) firedRows(in flow, name string) []naive {
	if name == "distinct" {
		return distinctRows(in)
	}
	return group(in, func(r record) string { return r.K }, func(rows []naive, _ window.Interval) record {
		values := func(yield func(record) bool) {
			for _, n := range rows {
				if !yield(n.row) {
					return
				}
			}
		}
		sides := []iter.Seq[record]{values}
		if name == "cogroup" {
			sides = append(sides, values)
		}
		return added(rows[0].row.K, sides...)
	})
}

// place is a key in a window.
type place struct {
	key string
	window.Interval
}

// rows puts the panes together and returns what they say, sorted, as the
// interpreter's rows are.
func (f *fired) rows() ([]string, error) {
	panes := make(map[place][]memory.Row[record])
	for _, r := range f.out.Windowed() {
		at, err := f.place(r)
		if err != nil {
			return nil, err
		}
		panes[at] = append(panes[at], r)
	}
	var out []string
	for _, at := range slices.SortedFunc(maps.Keys(panes), func(a, b place) int { return int(a.Start - b.Start) }) {
		row, err := f.together(panes[at], at)
		if err != nil {
			return nil, fmt.Errorf("key %s in [%d, %d): %w", at.key, at.Start, at.End, err)
		}
		out = append(out, naive{row: row, t: at.End - 1, start: at.Start, end: at.End, windowed: true}.String())
	}
	slices.Sort(out)
	return out, nil
}

// place returns where a pane belongs: a session that fired early is part of the one
// it grew into.
func (f *fired) place(r memory.Row[record]) (place, error) {
	at := place{f.key(r.Value), window.Interval{Start: startOf(r.Start), End: r.End.UnixMicro()}}
	if f.fn.Kind() != window.KindSession {
		return at, nil
	}
	for _, n := range f.want {
		if f.key(n.row) == at.key && n.start <= at.Start && at.End <= n.end {
			return place{at.key, window.Interval{Start: n.start, End: n.end}}, nil
		}
	}
	return at, fmt.Errorf("a pane of key %s is in session [%d, %d), which is in none there should be", at.key, at.Start, at.End)
}

func (f *fired) key(r record) string {
	if f.set {
		return naive{row: r}.String()
	}
	return r.K
}

// together is what the panes of a key and window say.
func (f *fired) together(panes []memory.Row[record], at place) (record, error) {
	if f.set {
		return panes[0].Value, nil
	}
	switch f.mode {
	case window.Discarding:
		sum := panes[0].Value
		sum.N, sum.P = 0, nil
		var total int64
		some := false
		for _, p := range panes {
			sum.N += p.Value.N
			if p.Value.P != nil {
				total, some = total+*p.Value.P, true
			}
		}
		if some {
			sum.P = &total
		}
		return sum, nil
	case window.Retracting:
		left := make(map[string]int)
		for _, p := range panes {
			left[naive{row: p.Value}.String()] += map[bool]int{false: 1, true: -1}[p.Retract]
		}
		maps.DeleteFunc(left, func(_ string, n int) bool { return n == 0 })
		for _, p := range panes {
			if len(left) == 1 && left[naive{row: p.Value}.String()] == 1 {
				return p.Value, nil
			}
		}
		return record{}, fmt.Errorf("%d panes, and what is left when those taken back are gone is not one: %v", len(panes), left)
	}
	last := -1
	for i, p := range panes {
		whole := startOf(p.Start) == at.Start && p.End.UnixMicro() == at.End
		if whole && (last < 0 || newer(p.Pane, panes[last].Pane)) {
			last = i
		}
	}
	if last < 0 {
		return record{}, fmt.Errorf("none of %d panes is of the whole session", len(panes))
	}
	return panes[last].Value, nil
}

func newer(a, b batch.Pane) bool { return a.Index > b.Index }
