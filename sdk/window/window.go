// Package window says how event time is cut into windows, and does the
// arithmetic. Pure values and pure maths: no state, no clock.
//
// Windows are half-open, [Start, End), in microseconds, aligned to the epoch
// plus an offset by floor division, also before 1970.
//
//	Fixed(10s)        |---------|---------|---------|
//	Sliding(10s, 5s)  |---------|---------|
//	                       |---------|---------|
//	slices of it      |----|----|----|----|----|      each row is added to one slice
//	Session(5s)       |-x-x---|       |-x---|         grows with its rows, [t, t+gap) each
//
// The central idea is the slice (Flink and the literature also say pane): all
// the windows that start or end between two rows cut time into slices, every
// window is a run of whole slices, and a row costs one update however many
// windows overlap.
package window

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// Interval is a window: rows with Start ≤ t < End, in µs since the epoch.
type Interval struct{ Start, End int64 }

// Kind is the family of a window function.
type Kind uint8

// The kinds of window functions.
const (
	KindGlobal Kind = iota // the default: one window for everything
	KindAligned
	KindSession
	KindCustom
)

// Fn assigns windows to event times. The zero value is Global.
type Fn struct {
	kind   Kind
	size   time.Duration // aligned: length of a window
	period time.Duration // aligned: distance of starts
	offset time.Duration // aligned: starts are at offset + k·period
	gap    time.Duration // session
	name   string        // custom
	assign func(time.Time) []Interval
	count  int64 // global: rows of a count window
	counts bool  // global: a count window
}

// Fixed cuts time into windows of the given size that touch and do not overlap.
func Fixed(size time.Duration) Fn { return Fn{kind: KindAligned, size: size, period: size} }

// Sliding makes windows of the given size, one starting every period. With a
// period above the size, rows between windows belong to none.
func Sliding(size, period time.Duration) Fn {
	return Fn{kind: KindAligned, size: size, period: period}
}

// Session puts rows of one key into a window for as long as no two neighbours
// are gap or more apart: each row claims [t, t+gap), and what overlaps is one
// window. Windows that only touch stay apart (Beam model).
func Session(gap time.Duration) Fn { return Fn{kind: KindSession, gap: gap} }

// Global is one window over all time. On an unbounded input it never closes.
func Global() Fn { return Fn{} }

// Count puts n rows of one key after the other into a window, in the order in which
// they arrive: it is the global window with the trigger Repeat(AfterCount(n)). What
// is left at the end of the input, fewer than n rows, comes out then.
func Count(n int64) Fn { return Fn{count: n, counts: true} }

// Custom assigns windows by a user's function: a row at t belongs to every
// interval returned. The function must be deterministic; name stands for it in
// EXPLAIN and in the fingerprint of the pipeline.
func Custom(name string, assign func(t time.Time) []Interval) Fn {
	return Fn{kind: KindCustom, name: name, assign: assign}
}

// Offset returns the same windows moved by d, which may be negative.
func (f Fn) Offset(d time.Duration) Fn {
	f.offset += d
	return f
}

// Kind returns the family of f.
func (f Fn) Kind() Kind { return f.kind }

// Gap returns the gap of a session window in µs.
func (f Fn) Gap() int64 { return f.gap.Microseconds() }

// Size returns the length of an aligned window in µs.
func (f Fn) Size() int64 { return f.size.Microseconds() }

// Period returns the distance of the starts of aligned windows in µs.
func (f Fn) Period() int64 { return f.period.Microseconds() }

// Trigger returns the trigger that the windows themselves bring along: Default but
// for count windows.
func (f Fn) Trigger() Trigger {
	if f.counts {
		return Repeat(AfterCount(f.count))
	}
	return Default()
}

// Validate reports what is wrong with the windows, all of it joined.
func (f Fn) Validate() error {
	var errs []error
	positive := func(what string, d time.Duration) {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s has %s %s; it must be positive", f, what, d))
		}
		if d%time.Microsecond != 0 {
			errs = append(errs, fmt.Errorf("%s has %s %s; event time counts whole microseconds", f, what, d))
		}
	}
	switch f.kind {
	case KindAligned:
		positive("size", f.size)
		if f.period != f.size {
			positive("period", f.period)
		}
	case KindSession:
		positive("gap", f.gap)
	case KindCustom:
		if f.assign == nil {
			errs = append(errs, fmt.Errorf("window.Custom(%q) has no function", f.name))
		}
	}
	if f.offset%time.Microsecond != 0 {
		errs = append(errs, fmt.Errorf("%s has offset %s; event time counts whole microseconds", f, f.offset))
	}
	if f.offset != 0 && f.kind != KindAligned {
		errs = append(errs, fmt.Errorf("%s has an offset; only fixed and sliding windows can be moved", f))
	}
	return errors.Join(errs...)
}

// String renders the function as EXPLAIN shows it: sliding 24h0m0s every 1h0m0s.
func (f Fn) String() string {
	var s string
	switch f.kind {
	case KindGlobal:
		if f.counts {
			return fmt.Sprintf("count %d", f.count)
		}
		return "global"
	case KindSession:
		return "session gap " + f.gap.String()
	case KindCustom:
		return "custom " + f.name
	case KindAligned:
		s = "fixed " + f.size.String()
		if f.period != f.size {
			s = "sliding " + f.size.String() + " every " + f.period.String()
		}
	}
	if f.offset != 0 {
		s += " offset " + f.offset.String()
	}
	return s
}

// Equal reports whether both functions assign the same windows. Custom
// functions are equal when their names are.
func (f Fn) Equal(o Fn) bool { return f.String() == o.String() }

// Slice returns the slice of an aligned or global function that holds t.
func (f Fn) Slice(t int64) Interval {
	s := f.Slicer()
	return s.Slice(t)
}

// Slicer is the arithmetic of Fn.Slice with its constants worked out, for loops
// over rows.
type Slicer struct{ period, edge, offset int64 }

// Slicer returns the slicer of an aligned or global function.
func (f Fn) Slicer() Slicer {
	if f.kind == KindGlobal {
		return Slicer{}
	}
	return Slicer{period: f.Period(), edge: f.Size() % f.Period(), offset: f.offset.Microseconds()}
}

// Slice returns the slice that holds t.
func (s *Slicer) Slice(t int64) Interval {
	w, _ := s.Number(t)
	return w
}

// Number returns the slice that holds t and a number for it: slices that follow
// each other have different numbers close to each other.
func (s *Slicer) Number(t int64) (w Interval, number int64) {
	if s.period == 0 {
		return Interval{batch.MinTime, batch.MaxTime}, 0
	}
	q, r := (t-s.offset)/s.period, (t-s.offset)%s.period
	if r < 0 {
		q, r = q-1, r+s.period
	}
	start := t - r
	switch {
	case s.edge == 0:
		return Interval{start, start + s.period}, q
	case r < s.edge:
		return Interval{start, start + s.edge}, 2 * q
	}
	return Interval{start + s.edge, start + s.period}, 2*q + 1
}

// floor returns the latest start of an aligned window that is not after t.
func (f Fn) floor(t int64) int64 {
	period := f.Period()
	r := (t - f.offset.Microseconds()) % period
	if r < 0 {
		r += period
	}
	return t - r
}

// First returns the earliest window that contains time t or, when t lies
// between windows, the next one. Aligned functions only.
func (f Fn) First(t int64) Interval {
	start := f.floor(t - f.Size())
	for start+f.Size() <= t {
		start += f.Period()
	}
	return Interval{start, start + f.Size()}
}

// Last returns the latest window that starts at or before t, whether or not it
// still contains t. Aligned functions only.
func (f Fn) Last(t int64) Interval {
	start := f.floor(t)
	return Interval{start, start + f.Size()}
}

// Next returns the window after w. Aligned functions only.
func (f Fn) Next(w Interval) Interval {
	return Interval{w.Start + f.Period(), w.End + f.Period()}
}

// Assign appends the windows of a row at t to dst, ascending: for aligned
// functions all that overlap t, for a session the window of the row alone. An
// empty or reversed interval of a custom function is an error.
func (f Fn) Assign(t int64, dst []Interval) ([]Interval, error) {
	switch f.kind {
	case KindGlobal:
		return append(dst, Interval{batch.MinTime, batch.MaxTime}), nil
	case KindSession:
		return append(dst, Interval{t, t + f.Gap()}), nil
	case KindCustom:
		return f.assignCustom(t, dst)
	}
	for w := f.First(t); w.Start <= t; w = f.Next(w) {
		dst = append(dst, w)
	}
	return dst, nil
}

func (f Fn) assignCustom(t int64, dst []Interval) (_ []Interval, err error) {
	at := time.UnixMicro(t).UTC()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("window function %s panicked for %s: %v\n%s", f.name, at.Format(time.RFC3339Nano), v, debug.Stack())
		}
	}()
	for _, w := range f.assign(at) {
		if w.Start >= w.End {
			return dst, fmt.Errorf("window function %s gave the empty window [%d, %d) for %s", f.name, w.Start, w.End, at.Format(time.RFC3339Nano))
		}
		dst = append(dst, w)
	}
	return dst, nil
}
