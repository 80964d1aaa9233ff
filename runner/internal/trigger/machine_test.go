package trigger

import (
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/window"
)

var atoms = []window.Trigger{window.Default(), window.Never(), window.AfterCount(1), window.AfterCount(2),
	window.AfterProcessingTime(2 * time.Microsecond), window.AfterProcessingTimeAligned(0, 3*time.Microsecond), window.AfterWatermark()}

// composites are all triggers of one combinator over atoms.
func composites() (all []window.Trigger) {
	for _, a := range atoms {
		all = append(all, window.Repeat(a), window.Lossy(a), window.AfterWatermark(window.Early(a)), window.AfterWatermark(window.Late(a)))
		for _, b := range atoms {
			all = append(all, window.OrFinally(a, b), window.AfterEach(a, b), window.AfterAny(a, b), window.AfterAll(a, b),
				window.AfterWatermark(window.Early(a), window.Late(b)))
		}
	}
	return all
}

// triggers are atoms, composites, and composites within others.
func triggers() []window.Trigger {
	all := slices.Concat(atoms, composites())
	for _, c := range composites() {
		all = append(all, window.Repeat(c), window.AfterWatermark(window.Early(c), window.Late(c)), window.AfterEach(c, window.AfterCount(1)),
			window.AfterEach(window.AfterCount(1), c), window.OrFinally(window.Repeat(c), window.AfterWatermark()), window.AfterAll(window.AfterCount(1), c))
	}
	return all
}

// event is a row, a µs of the clock going by, or the end of the window.
type event byte

const (
	row  event = 'r'
	tick event = 't'
	end  event = 'e'
)

// sequences calls f with every sequence of n events in which the window ends at
// most once.
func sequences(n int, f func([]event)) {
	var extend func(have []event, ended bool)
	extend = func(have []event, ended bool) {
		if len(have) == n {
			f(have)
			return
		}
		extend(append(have, row), ended)
		extend(append(have, tick), ended)
		if !ended {
			extend(append(have, end), true)
		}
	}
	extend(make([]event, 0, n), false)
}

func (at *Moment) after(e event) {
	switch e {
	case tick:
		at.Now++
	case end:
		at.Ended = true
	}
}

// For every small trigger and every short sequence of events the machine is ready
// and closed exactly when the trigger as objects is, and what Trigger says of
// itself, and Quiet and Due of the machine, holds.
func TestMachineExhaustively(t *testing.T) {
	length := 6
	if testing.Short() {
		length = 4
	}
	for _, trig := range triggers() {
		m := New(trig)
		s := make([]int64, m.Words())
		sequences(length, func(events []event) {
			if t.Failed() {
				return
			}
			m.Reset(s)
			ref, at := newReference(trig), Moment{}
			for i, e := range events {
				due := m.Due(s, at.Now)
				at.after(e)
				if e == row && !m.Closed(s) {
					m.Row(s, at)
					ref.row(at)
				}
				ready := m.Ready(s, at)
				if want := ref.ready(at); ready != want {
					t.Errorf("%s after %s: ready is %t, want %t", trig, events[:i+1], ready, want)
				}
				wakes(t, trig, e, ready, due, at.Now)
				promises(t, trig, m, at, ready)
				if ready {
					m.Fire(s, at)
					ref.fire(at)
				}
				if got, want := m.Closed(s), ref.done(); got != want {
					t.Errorf("%s after %s: closed is %t, want %t", trig, events[:i+1], got, want)
				}
				if m.Closed(s) && !trig.Finishes() {
					t.Errorf("%s after %s has finished, though it says it cannot", trig, events[:i+1])
				}
			}
		})
	}
}

// wakes checks that a trigger which becomes ready by the clock has said when.
func wakes(t *testing.T, trig window.Trigger, e event, ready bool, due, now int64) {
	if e == tick && ready && due > now && !always(trig) {
		t.Errorf("%s became ready at %d, and said it was due at %d", trig, now, due)
	}
}

// always reports whether a trigger may be ready again right after it has fired, so
// that it is for every event: then the clock does not make it so.
func always(t window.Trigger) bool {
	if t.Kind() == window.TriggerDefault || t.Kind() == window.TriggerWatermark {
		return true
	}
	return slices.ContainsFunc(t.Parts(), always)
}

// promises checks what a trigger says of itself as long as its window is open.
func promises(t *testing.T, trig window.Trigger, m *Machine, at Moment, ready bool) {
	if !at.Ended && ready && (trig.Once() || m.Quiet()) {
		t.Errorf("%s fires before the end of the window; Once %t, Quiet %t", trig, trig.Once(), m.Quiet())
	}
}

// A window that has merged with none behaves as before, and one that has merged
// with a window without rows, too.
func TestMergeOfOne(t *testing.T) {
	for _, trig := range triggers() {
		m := New(trig)
		kept, merged := make([]int64, m.Words()), make([]int64, m.Words())
		sequences(5, func(events []event) {
			for cut := range events {
				m.Reset(kept)
				at := Moment{}
				for i, e := range events {
					if i == cut {
						m.Merge(merged, [][]int64{kept}, at.Ended)
					}
					at.after(e)
					step(m, kept, e, at)
					if i >= cut {
						step(m, merged, e, at)
						if m.Ready(kept, at) != m.Ready(merged, at) || m.Closed(kept) != m.Closed(merged) {
							t.Fatalf("%s: merged by itself after %s, it differs after %s", trig, events[:cut], events[:i+1])
						}
					}
				}
			}
		})
	}
}

func step(m *Machine, s []int64, e event, at Moment) {
	if e == row {
		m.Row(s, at)
	}
	if m.Ready(s, at) {
		m.Fire(s, at)
	}
}

// Rows that were counted in windows before they merged count together, and a delay
// begins with the first row of either.
func TestMergeOfTwo(t *testing.T) {
	m := New(window.AfterAny(window.AfterCount(5), window.AfterProcessingTime(10*time.Microsecond)))
	a, b := make([]int64, m.Words()), make([]int64, m.Words())
	m.Reset(a)
	m.Reset(b)
	for now := range int64(2) {
		m.Row(b, Moment{Now: 2 + now})
		m.Row(a, Moment{Now: 1 + now})
	}
	m.Merge(a, [][]int64{b, a}, false)
	if m.Ready(a, Moment{Now: 10}) || m.Due(a, 10) != 11 || !m.Ready(a, Moment{Now: 11}) {
		t.Errorf("the delay of both is over at %d, want 11", m.Due(a, 10))
	}
	m.Row(a, Moment{Now: 4})
	if !m.Ready(a, Moment{Now: 4}) {
		t.Error("two rows, two rows and one are not five")
	}
}

// A session that was complete and grows again fires once more at its new end; one
// that stays complete goes on with what is late.
func TestMergeBehindTheEnd(t *testing.T) {
	m := New(window.AfterWatermark(window.Late(window.AfterCount(2))))
	a, b := make([]int64, m.Words()), make([]int64, m.Words())
	ended := Moment{Ended: true}
	fired := func() {
		m.Reset(a)
		m.Row(a, Moment{})
		m.Fire(a, ended)
		m.Row(a, ended)
	}
	for _, c := range []struct {
		name        string
		with        bool // another session, which has not fired
		ended       bool
		ready, late bool // at once; with one more row
	}{
		{"grows past the watermark", false, false, false, false},
		{"grows, but not past the watermark", false, true, false, true},
		{"bridged to an open one", true, false, false, false},
		{"bridged to one that has not fired, both over", true, true, true, true},
	} {
		fired()
		parts := [][]int64{a}
		if c.with {
			m.Reset(b)
			m.Row(b, Moment{})
			parts = append(parts, b)
		}
		m.Merge(a, parts, c.ended)
		at := Moment{Ended: c.ended}
		if got := m.Ready(a, at); got != c.ready {
			t.Errorf("%s: ready is %t", c.name, got)
		}
		if m.Row(a, at); m.Ready(a, at) != c.late {
			t.Errorf("%s: ready with another row is %t", c.name, !c.late)
		}
		if m.Closed(a) || !m.Ready(a, ended) && !c.ended {
			t.Errorf("%s: it does not fire at its end", c.name)
		}
	}
}
