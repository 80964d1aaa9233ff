package operator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// micro is a duration of n µs: windows of a few of them make small numbers.
func micro(n int) time.Duration { return time.Duration(n) * time.Microsecond }

// halves puts a row into none, one or two windows.
func halves(t time.Time) []window.Interval {
	us := t.UnixMicro()
	if us%5 == 0 {
		return nil
	}
	w := []window.Interval{{Start: us - us&7, End: us - us&7 + 8}}
	if us%2 == 0 {
		w = append(w, window.Interval{Start: us, End: us + 20})
	}
	return w
}

var windowings = []graph.Windowing{
	{Fn: window.Global()},
	{Fn: window.Fixed(micro(1))},
	{Fn: window.Fixed(micro(10))},
	{Fn: window.Fixed(micro(7)).Offset(micro(3))},
	{Fn: window.Fixed(micro(7)).Offset(micro(-40))},
	{Fn: window.Sliding(micro(10), micro(5))},
	{Fn: window.Sliding(micro(10), micro(3))},
	{Fn: window.Sliding(micro(11), micro(10))},
	{Fn: window.Sliding(micro(30), micro(1))},
	{Fn: window.Sliding(micro(12), micro(4)).Offset(micro(-1))},
	{Fn: window.Sliding(micro(10), micro(7)).Offset(micro(2))},
	{Fn: window.Sliding(micro(3), micro(10))},
	{Fn: window.Sliding(micro(3), micro(10)).Offset(micro(-5))},
	{Fn: window.Session(micro(1))},
	{Fn: window.Session(micro(4))},
	{Fn: window.Session(micro(30))},
	{Fn: window.Custom("halves", halves)},
	{Fn: window.Fixed(micro(10)), Grouped: true},
	{Fn: window.Sliding(micro(10), micro(3)), Grouped: true},
	{Fn: window.Session(micro(4)), Grouped: true},
}

func windowingName(w graph.Windowing) string {
	if w.Grouped {
		return w.Fn.String() + " grouped"
	}
	return w.Fn.String()
}

// randomRows are n rows of a kind of key at times from −span to span; every
// third time is that of the row before.
func randomRows(r *rand.Rand, kind keyKind, n int, span int64) []row {
	rows := make([]row, n)
	for i := range rows {
		x := row{key: kind.values[r.IntN(len(kind.values))], t: r.Int64N(2*span) - span, f: float64(r.IntN(64)-32) / 2}
		if i > 0 && r.IntN(3) == 0 {
			x.t = rows[i-1].t
		}
		if r.IntN(4) > 0 {
			v := r.Int64N(1000) - 500
			x.v = &v
		}
		start := x.t - r.Int64N(5)
		x.in = window.Interval{Start: start, End: x.t + 1 + r.Int64N(3)}
		rows[i] = x
	}
	return rows
}

// At the end of a bounded input every window of every kind has exactly its rows,
// whatever the types of keys, sizes of batches, encodings, numbers of tasks and
// orders of arrival.
func TestCombineBounded(t *testing.T) {
	for _, w := range windowings {
		t.Run(windowingName(w), func(t *testing.T) {
			for k, kind := range keyKinds {
				r := rand.New(rand.NewPCG(uint64(k), 7))
				rows := randomRows(r, kind, 120, 50)
				for i, v := range variants(r) {
					if (i+k)%4 > 1 {
						continue // half of them a kind of key
					}
					rows = slices.Clone(rows)
					r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
					steps := []step{{rows, batch.MinTime}}
					c := newChain(t, kind.typ, w, v)
					c.run(steps)
					if d := difference(c.all(), expect(c, steps).all()); d != "" {
						t.Fatalf("%s keys, %s:\n%s", kind.name, v, d)
					}
				}
			}
		})
	}
}

// On an ordered plan results come in an order that depends on the rows alone.
func TestCombineOrdered(t *testing.T) {
	for _, w := range windowings {
		for _, kind := range keyKinds {
			var first []fired
			r := rand.New(rand.NewPCG(1, 2))
			rows := randomRows(r, kind, 100, 40)
			for _, v := range variants(r) {
				r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
				v.ordered, v.partitions = true, 1
				c := newChain(t, kind.typ, w, v)
				c.run([]step{{slices.Clone(rows), batch.MinTime}})
				if first == nil {
					first = c.fired[0]
				}
				if !slices.Equal(c.fired[0], first) {
					t.Fatalf("%s, %s keys, %s: the order is\n%v\nand was\n%v", windowingName(w), kind.name, v, c.fired[0], first)
				}
			}
		}
	}
}

// More results than fit a batch come in several.
func TestCombineManyKeys(t *testing.T) {
	n := 2*batch.TargetRows + 100
	for _, fn := range []window.Fn{window.Global(), window.Sliding(micro(4), micro(2)), window.Session(micro(2))} {
		rows := make([]row, n)
		for i := range rows {
			rows[i] = row{key: fmt.Sprint(i * 7919 % n), t: int64(i % 3)}
		}
		steps := []step{{rows, batch.MinTime}}
		c := newChain(t, nullable(batch.String), graph.Windowing{Fn: fn}, variant{batchRows: 4096, tasks: 2, partitions: 2, ordered: true, dictionary: false})
		c.run(steps)
		o := expectUnmerged(c, rows)
		if got := len(c.all()); got != o {
			t.Errorf("%s: %d results, want %d", fn, got, o)
		}
	}
}

// expectUnmerged counts the groups of rows whose keys are all different.
func expectUnmerged(c *chain, rows []row) (n int) {
	for _, r := range rows {
		w, _ := c.grouping.Windowing.Fn.Assign(r.t, nil)
		n += len(w)
	}
	return n
}

// Rows at the very ends of event time, whose windows reach beyond it, come out
// like any others.
func TestCombineEndsOfTime(t *testing.T) {
	for _, w := range windowings {
		rows := []row{
			{key: "a", t: batch.MaxTime - 1, in: window.Interval{Start: batch.MaxTime - 2, End: batch.MaxTime + 5}},
			{key: "a", t: batch.MinTime + 1, in: window.Interval{Start: batch.MinTime - 7, End: batch.MinTime + 2}},
			{key: "b", t: batch.MaxTime - 2, in: window.Interval{Start: batch.MaxTime - 2, End: batch.MaxTime}},
		}
		steps := []step{{rows, batch.MinTime}}
		c := newChain(t, nullable(batch.String), w, variant{batchRows: 7, tasks: 1, partitions: 1})
		c.after = -1 << 62
		c.run(steps)
		if d := difference(c.all(), expect(c, steps).all()); d != "" {
			t.Errorf("%s:\n%s", windowingName(w), d)
		}
	}
}
