// Package watermark holds what a user says about the order of a source: how far
// behind the latest event time a row may still come.
//
// A watermark W says: no more rows with event time < W. With disorder d,
//
//	rows seen   t=10  t=14  t=12  t=20
//	W           10-d  14-d  14-d  20-d      never goes back
//
// A bounded source without a declared generator keeps its watermark at the
// beginning of time until its end: nothing can be late, and results come at the
// end.
package watermark

import (
	"fmt"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// Generator says how event times of a source give its watermark. The zero value
// declares nothing.
type Generator struct {
	name     string
	disorder time.Duration
	custom   func() func(latest time.Time) time.Time
}

// Disorder declares that a row is never more than d behind the latest row
// before it in the source's order; for a bounded source that order spans its
// splits. Rows further behind are late.
func Disorder(d time.Duration) Generator { return Generator{name: "disorder", disorder: d} }

// Monotone declares that event times never go back.
func Monotone() Generator { return Generator{name: "monotone"} }

// Func declares a generator of the user's own: make is called once per reader
// and returns a function from the latest event time seen so far to the
// watermark. A watermark that goes back is ignored.
func Func(name string, make func() func(latest time.Time) time.Time) Generator {
	return Generator{name: "func " + name, custom: make}
}

// None declares nothing, like the zero value.
func None() Generator { return Generator{} }

// Declared reports whether the generator says anything before the end of input.
func (g Generator) Declared() bool { return g.name != "" }

// Validate reports a negative or too fine disorder, and a missing function.
func (g Generator) Validate() error {
	if g.custom == nil && strings.HasPrefix(g.name, "func ") {
		return fmt.Errorf("watermark.Func(%q) has no function", strings.TrimPrefix(g.name, "func "))
	}
	if g.disorder < 0 {
		return fmt.Errorf("watermark.Disorder(%s): a row cannot be a negative time behind", g.disorder)
	}
	if g.disorder%time.Microsecond != 0 {
		return fmt.Errorf("watermark.Disorder(%s): event time counts whole microseconds", g.disorder)
	}
	return nil
}

// String renders the generator as EXPLAIN shows it.
func (g Generator) String() string {
	switch {
	case g.name == "":
		return "none"
	case g.disorder != 0:
		return g.name + " " + g.disorder.String()
	}
	return g.name
}

// Tracker follows one reader. It is state of the task that owns it.
type Tracker struct {
	generator Generator
	custom    func(time.Time) time.Time
	latest    int64
	current   int64
}

// New returns a tracker that has seen nothing.
func (g Generator) New() *Tracker {
	t := &Tracker{generator: g, latest: batch.MinTime, current: batch.MinTime}
	if g.custom != nil {
		t.custom = g.custom()
	}
	return t
}

// Observe takes the event times of a batch and returns the watermark behind it.
func (t *Tracker) Observe(times []int64) int64 {
	for _, at := range times {
		t.latest = max(t.latest, at)
	}
	if !t.generator.Declared() || t.latest == batch.MinTime {
		return t.current
	}
	next := t.latest - t.generator.disorder.Microseconds()
	if t.generator.custom != nil {
		next = t.custom(time.UnixMicro(t.latest).UTC()).UnixMicro()
	}
	t.current = max(t.current, min(next, batch.MaxTime))
	return t.current
}
