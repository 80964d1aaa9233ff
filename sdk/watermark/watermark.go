// Package watermark holds what a user says about the order of a source: how far
// behind the latest event time a row may still come, and what to do when none
// comes.
//
// A watermark W says: no more rows with event time < W. With disorder d,
//
//	rows seen   t=10  t=14  t=12  t=20
//	W           10-d  14-d  14-d  20-d      never goes back
//
// A generator runs for each split of an unbounded source (a partition of a topic)
// by itself, and the watermark of the source is the minimum over its splits. The
// methods of a Generator add to it:
//
//	watermark.Disorder(time.Minute).IdleAfter(30*time.Second).IgnoreAhead(time.Hour)
//
// A bounded source without a declared generator keeps its watermark at the
// beginning of time until its end: nothing can be late, and results come at the
// end. So does an unbounded one, unless its connector says a watermark itself.
//
// A watermark that goes back, whoever says it, is ignored and counted: what was
// promised stays promised, and the result of the run has a note of it.
package watermark

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Generator says how event times of a source give its watermark. The zero value
// declares nothing.
type Generator struct {
	name     string
	disorder time.Duration
	custom   func() func(latest time.Time) time.Time

	idle   time.Duration
	every  time.Duration
	perRow bool
	drift  time.Duration
	ahead  time.Duration
	reject bool
	set    map[string]bool // methods called, for Validate; nil: none
}

// Disorder declares that a row is never more than d behind the latest row
// before it in the order of its split; for a bounded source that order spans its
// splits. Rows further behind are late.
func Disorder(d time.Duration) Generator { return Generator{name: "disorder", disorder: d} }

// Monotone declares that event times never go back.
func Monotone() Generator { return Generator{name: "monotone"} }

// Func declares a generator of the user's own: make is called once per reader
// and returns a function from the latest event time seen so far to the
// watermark. A watermark that goes back is ignored and counted.
func Func(name string, make func() func(latest time.Time) time.Time) Generator {
	return Generator{name: "func " + name, custom: make}
}

// FromRow declares that rows carry the watermark: leat.Watermark or
// leat.WatermarkField says where. It holds behind the row that carries it.
func FromRow() Generator { return Generator{name: "from row"} }

// None declares nothing, like the zero value. A connector that says watermarks
// itself is believed; IdleAfter and AlignedWithin can be added for it.
func None() Generator { return Generator{} }

// IdleAfter declares that a split which has given nothing for d of processing time
// is idle: the others do not wait for it until it gives something again. Time in
// which the pipeline did not ask the split for rows, because it was busy, does not
// count. Without it a split without rows holds the watermark of the source for
// ever. What an idle split then brings may be late.
func (g Generator) IdleAfter(d time.Duration) Generator { g.idle = d; return g.with("IdleAfter") }

// Every emits a watermark at most once in d of processing time, instead of behind
// every batch. Fewer watermarks cost less where batches are small; results come up
// to d later.
func (g Generator) Every(d time.Duration) Generator { g.every = d; return g.with("Every") }

// PerRow emits a watermark behind every row that raises it, instead of behind
// every batch. Whether a row is late then does not depend on how rows are cut into
// batches. It costs a batch for each such row.
func (g Generator) PerRow() Generator { g.perRow = true; return g.with("PerRow") }

// AlignedWithin holds a split that is more than d ahead of the slowest split of
// the source until that has caught up, so that what waits in windows and joins for
// the slowest stays small. Splits that are idle or at their end are not waited for;
// one that has given nothing yet is, so IdleAfter belongs to it where a split may
// be empty.
func (g Generator) AlignedWithin(d time.Duration) Generator {
	g.drift = d
	return g.with("AlignedWithin")
}

// IgnoreAhead declares that no row is more than d ahead of the processing time. One
// that is, because a clock is wrong or a digit too many, is kept and counted, but
// does not raise the watermark: it cannot make every row after it late. Nor does a
// watermark that a row carries count when it is further ahead.
//
// The measure is the clock and not the other rows: the first row after a quiet night
// is far ahead of all before it, and right.
func (g Generator) IgnoreAhead(d time.Duration) Generator {
	g.ahead, g.reject = d, false
	return g.with("IgnoreAhead")
}

// RejectAhead declares the same, and that a row further ahead is a bad record: the
// job fails and names it, unless leat.SkipBad or leat.BadTo says otherwise.
func (g Generator) RejectAhead(d time.Duration) Generator {
	g.ahead, g.reject = d, true
	return g.with("RejectAhead")
}

// with remembers that a method was called. Values are shared, so the set is copied.
func (g Generator) with(method string) Generator {
	set := map[string]bool{method: true}
	for m := range g.set {
		set[m] = true
	}
	g.set = set
	return g
}

// Declared reports whether the generator says anything before the end of input.
func (g Generator) Declared() bool { return g.name != "" }

// TakesRows reports whether the watermark comes with the rows: FromRow.
func (g Generator) TakesRows() bool { return g.name == "from row" }

// Idle returns the duration of IdleAfter, or 0.
func (g Generator) Idle() time.Duration { return g.idle }

// Interval returns the duration of Every, or 0.
func (g Generator) Interval() time.Duration { return g.every }

// EachRow reports whether the watermark is wanted behind every row.
func (g Generator) EachRow() bool { return g.perRow }

// Drift returns the duration of AlignedWithin; ok says that there is one.
func (g Generator) Drift() (d time.Duration, ok bool) { return g.drift, g.set["AlignedWithin"] }

// Ahead returns the duration of IgnoreAhead or RejectAhead and which of them it is;
// ok says that there is one.
func (g Generator) Ahead() (d time.Duration, reject, ok bool) {
	return g.ahead, g.reject, g.set["IgnoreAhead"] || g.set["RejectAhead"]
}

// Validate reports all that is wrong with the generator, joined: negative and too
// fine durations, a missing function, what contradicts itself.
func (g Generator) Validate() error {
	var errs []error
	if g.custom == nil && strings.HasPrefix(g.name, "func ") {
		errs = append(errs, fmt.Errorf("watermark.Func(%q) has no function", strings.TrimPrefix(g.name, "func ")))
	}
	if g.disorder < 0 {
		errs = append(errs, fmt.Errorf("watermark.Disorder(%s): a row cannot be a negative time behind", g.disorder))
	}
	if g.disorder%time.Microsecond != 0 {
		errs = append(errs, fmt.Errorf("watermark.Disorder(%s): event time counts whole microseconds", g.disorder))
	}
	for _, m := range []struct {
		name  string
		d     time.Duration
		least time.Duration
	}{
		{"IdleAfter", g.idle, time.Microsecond}, {"Every", g.every, time.Microsecond},
		{"AlignedWithin", g.drift, 0}, {"IgnoreAhead", g.ahead, 0}, {"RejectAhead", g.ahead, 0},
	} {
		if g.set[m.name] && (m.d < m.least || m.d%time.Microsecond != 0) {
			errs = append(errs, fmt.Errorf("watermark: %s(%s) needs whole microseconds, at least %s", m.name, m.d, m.least))
		}
	}
	if g.set["IgnoreAhead"] && g.set["RejectAhead"] {
		errs = append(errs, errors.New("watermark: IgnoreAhead and RejectAhead contradict each other; choose one"))
	}
	if g.perRow && g.every != 0 {
		errs = append(errs, errors.New("watermark: PerRow and Every contradict each other; choose one"))
	}
	if !g.Declared() && (g.perRow || g.set["IgnoreAhead"]) {
		errs = append(errs, errors.New("watermark: PerRow and IgnoreAhead are about a generator, and none is declared"))
	}
	return errors.Join(errs...)
}

// String renders the generator as EXPLAIN shows it.
func (g Generator) String() string {
	s := g.name
	if s == "" {
		s = "none"
	}
	if g.disorder != 0 {
		s += " " + g.disorder.String()
	}
	for _, part := range []struct {
		method, text string
		d            time.Duration
	}{
		{"IdleAfter", "idle after", g.idle}, {"Every", "every", g.every}, {"AlignedWithin", "aligned within", g.drift},
		{"IgnoreAhead", "ignored beyond the clock by", g.ahead}, {"RejectAhead", "rejected beyond the clock by", g.ahead},
	} {
		if g.set[part.method] {
			s += ", " + part.text + " " + part.d.String()
		}
	}
	if g.perRow {
		s += ", per row"
	}
	return s
}
