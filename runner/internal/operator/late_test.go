package operator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// randomSteps cuts rows into steps whose watermarks rise by jumps, some of them
// over many empty windows, so that some rows are late for all and some only for
// the first of their windows.
func randomSteps(r *rand.Rand, rows []row) []step {
	var steps []step
	w := int64(-100)
	for len(rows) > 0 {
		n := min(1+r.IntN(12), len(rows))
		steps = append(steps, step{rows[:n], w})
		rows = rows[n:]
		switch r.IntN(5) {
		case 0:
			w += int64(r.IntN(40))
		case 1, 2:
			w += int64(r.IntN(5))
		}
	}
	return append(steps, step{nil, w + 7})
}

// streamed are rows that rise with time, with disorder, bursts and pauses.
func streamed(r *rand.Rand, kind keyKind, n int) []row {
	rows := randomRows(r, kind, n, 25)
	now := int64(-100)
	for i := range rows {
		if r.IntN(20) == 0 {
			now += int64(r.IntN(60))
		}
		now += int64(r.IntN(3))
		shift := now + rows[i].t
		rows[i].in.Start, rows[i].in.End = rows[i].in.Start+now, rows[i].in.End+now
		rows[i].t = shift
	}
	return rows
}

// On a stream each row counts in just those of its windows that were open when
// it came; one that comes too late for all of them is dropped and counted. A
// window fires once, with the watermark that passes its end, whatever lies
// empty between.
func TestCombineStreamed(t *testing.T) {
	for _, w := range windowings {
		t.Run(windowingName(w), func(t *testing.T) {
			for seed := range uint64(5) {
				r := rand.New(rand.NewPCG(seed, 11))
				kind := keyKinds[r.IntN(len(keyKinds))]
				steps := randomSteps(r, streamed(r, kind, 40+r.IntN(120)))
				for _, v := range variants(r) {
					streamOnce(t, kind, w, v, steps)
				}
			}
		})
	}
}

func streamOnce(t *testing.T, kind keyKind, w graph.Windowing, v variant, steps []step) {
	t.Helper()
	v.ordered = false // a batch plan, where order is promised, knows nothing late
	c := newChain(t, kind.typ, w, v)
	c.run(steps)
	o := expect(c, steps)
	if d := difference(c.all(), o.all()); d != "" {
		t.Fatalf("%s keys, %s:\n%s", kind.name, v, d)
	}
	if w.Fn.Kind() != window.KindCustom && c.dropped() != o.dropped {
		t.Fatalf("%s keys, %s: %d rows were dropped, want %d", kind.name, v, c.dropped(), o.dropped)
	}
}

// scripted are arrivals at which overlapping windows have gone wrong in one
// engine or another. Windows are 10 long, every 3.
var scripted = []struct {
	name  string
	steps []step
}{
	{"a pane older than any before, in windows passed over as empty", []step{at(50, 50), at(52, 31, 32), at(100)}},
	{"an older pane, only its last window open", []step{at(45, 60), at(45, 38), at(100)}},
	{"an older pane, all of its windows closed", []step{at(59, 60), at(59, 30), at(100)}},
	{"a late row in a pane that the stacks hold", []step{at(20, 10, 12, 15, 18, 21), at(22, 15), at(24, 18, 18), at(60)}},
	{"a late row in the pane that leaves next", []step{at(20, 12, 15, 20), at(21, 12), at(23, 13), at(60)}},
	{"nothing for long, then before and after", []step{at(5, 0, 3), at(500), at(500, 495, 503, 497), at(501, 494), at(600)}},
	{"a rewind after a jump over empty windows", []step{at(0, 0), at(40, 90), at(41, 36, 35), at(43, 34, 37), at(44, 36), at(200)}},
	{"a rewind twice", []step{at(0, 100), at(10, 60), at(20, 30), at(30, 25), at(200)}},
	{"every row later than the one before", []step{at(10, 19), at(10, 16), at(10, 13), at(10, 10), at(10, 7), at(10, 4), at(10, 1), at(99)}},
	{"only late rows", []step{at(100), at(100, 1, 2, 3), at(100, 92), at(100, 91), at(100, 90, 89), at(200)}},
	{"a watermark on every edge", []step{at(0, 0), at(1, 1), at(2, 2), at(3, 3, 0), at(9, 9), at(10, 10), at(11, 11, 1), at(12, 3), at(13, 13), at(13, 12)}},
	{"empty after having been full", []step{at(30, 10, 20), at(40), at(41, 35), at(90), at(90, 85), at(99)}},
}

// at is rows at times, then a watermark.
func at(watermark int64, times ...int64) step {
	s := step{watermark: watermark}
	for i, t := range times {
		v := t
		s.rows = append(s.rows, row{key: string(rune('a' + i%2)), t: t, v: &v, f: float64(i)})
	}
	return s
}

// Scripted arrivals give what a look at every row and window gives, also with
// everything moved before the epoch.
func TestCombineScripted(t *testing.T) {
	fns := []window.Fn{window.Sliding(micro(10), micro(3)), window.Sliding(micro(9), micro(3)), window.Sliding(micro(10), micro(3)).Offset(micro(1)),
		window.Fixed(micro(10)), window.Session(micro(4)), window.Sliding(micro(4), micro(3)), window.Sliding(micro(40), micro(1))}
	for _, s := range scripted {
		t.Run(s.name, func(t *testing.T) {
			for _, fn := range fns {
				for _, shift := range []int64{0, -1000} {
					steps := slices.Clone(s.steps)
					for i, x := range steps {
						steps[i] = step{slices.Clone(x.rows), x.watermark + shift}
						for j := range x.rows {
							steps[i].rows[j].t += shift
						}
					}
					for _, v := range variants(rand.New(rand.NewPCG(3, uint64(shift)))) {
						streamOnce(t, keyKinds[0], graph.Windowing{Fn: fn}, v, steps)
					}
				}
			}
		})
	}
}

// State of a stream whose keys come and go stays as large as what is open: keys,
// slots and panes of windows that have fired are given back, also those of rows
// that were late, or in no window at all.
func TestStateStaysBounded(t *testing.T) {
	for i, w := range windowings {
		if w.Fn.Kind() == window.KindGlobal {
			continue // never closes
		}
		t.Run(windowingName(w), func(t *testing.T) { bounded(t, w, []string{"string", "struct"}[i%2]) })
	}
}

func bounded(t *testing.T, w graph.Windowing, kind string) {
	const rounds, perRound = 300, 12
	typ := keyKinds[0].typ
	if kind == "struct" {
		typ = keyKinds[6].typ
	}
	c := newChain(t, typ, w, variant{batchRows: perRound, tasks: 1, partitions: 1, ordered: false})
	c.fired = [][]fired{nil}
	var early, most int64
	var keys int
	for i := range rounds {
		now := int64(10 * i)
		c.check(c.senders[0].Process(t.Context(), c.encode(newKeys(kind, i, perRound, now)), nil))
		c.watermark(now - 15)
		c.fired[0] = c.fired[0][:0]
		size, live := stateOf(c)
		keys = max(keys, live)
		if i < rounds/3 {
			early = max(early, size)
		}
		most = max(most, size)
	}
	if keys > 20*perRound {
		t.Errorf("%d keys were alive at a time, of about %d in open windows", keys, 6*perRound)
	}
	if most > early+early/4 {
		t.Errorf("state grew: %d bytes at most in the first third of the stream, %d later", early, most)
	}
	c.end()
	if w.Fn.Kind() != window.KindCustom && c.dropped() == 0 {
		t.Error("no row was late: the test does not test what it should")
	}
}

// newKeys are rows with keys never seen before, long enough that texts nobody
// uses must be given back: most at about now, some too late.
func newKeys(kind string, round, n int, now int64) []row {
	rows := make([]row, n)
	for i := range rows {
		name := fmt.Sprintf("%200d-%d", round, i)
		rows[i] = row{key: name, t: now + int64(i%10)}
		if kind == "struct" {
			rows[i].key = []any{name, float64(i)}
		}
		if i < 3 {
			rows[i].t = now - 400 - int64(3*i)
		}
		rows[i].in = window.Interval{Start: rows[i].t - 2, End: rows[i].t + 3}
	}
	return rows
}

// stateOf adds up what both halves hold.
func stateOf(c *chain) (size int64, keys int) {
	for _, o := range slices.Concat(c.senders, c.receivers) {
		if s, ok := o.(Sized); ok {
			size += s.SizeBytes()
		}
		switch o := o.(type) {
		case *partial:
			keys = max(keys, o.keys.Live())
		case *combine:
			keys = max(keys, o.keys.Live())
		case *sliding:
			keys = max(keys, o.keys.Live())
		case *session:
			keys = max(keys, o.keys.Live())
		}
	}
	return size, keys
}

// Watermarks alone, before the first row and after the last, fire nothing.
func TestWatermarksWithoutRows(t *testing.T) {
	for _, w := range windowings {
		c := newChain(t, keyKinds[0].typ, w, variant{batchRows: 1, tasks: 1, partitions: 1})
		c.run([]step{{nil, -100}, {nil, 5}, {nil, batch.MaxTime}})
		if got := c.all(); len(got) > 0 {
			t.Errorf("%s: %v came out of nothing", windowingName(w), got)
		}
	}
}
