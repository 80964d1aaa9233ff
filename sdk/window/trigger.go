package window

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trigger says when a window of a key fires: gives a result from the rows it has
// so far. The zero value is Default.
//
//	AfterWatermark(Early(AfterProcessingTime(time.Minute)), Late(AfterCount(1)))
//
//	rows      x x    x  x     │      x
//	fires     ·   e  ·   ·  e │      l       e: early, a minute after a row
//	                          o              o: on time
//	──────────────────────────┼──────────┬─▶ watermark
//	                    end of window    end + allowed lateness: forgotten
//
// A trigger fires, and then either goes on or has finished. What comes after it has
// finished is lost, so a trigger that finishes before its window does is refused
// unless it is wrapped in Repeat, or in Lossy.
type Trigger struct {
	kind     TriggerKind
	n        int64         // AfterCount
	delay    time.Duration // AfterProcessingTime
	align    time.Duration // AfterProcessingTime: a multiple of; 0: not aligned
	of       []Trigger     // parts; of AfterWatermark the early and the late one
	hasEarly bool
	hasLate  bool
}

// TriggerKind is what kind of trigger one is.
type TriggerKind uint8

// The kinds of triggers.
const (
	TriggerDefault TriggerKind = iota
	TriggerNever
	TriggerWatermark
	TriggerCount
	TriggerProcessingTime
	TriggerRepeat
	TriggerOrFinally
	TriggerEach
	TriggerAny
	TriggerAll
	TriggerLossy
)

// Default fires when the watermark passes the end of the window, and from then on
// for every late row that is still allowed. It is Repeat(AfterWatermark()).
func Default() Trigger { return Trigger{} }

// Never does not fire. What a window has gathered comes out when it is forgotten,
// that is at its end plus the allowed lateness.
func Never() Trigger { return Trigger{kind: TriggerNever} }

// Phase is a trigger for the time before or after the end of a window.
type Phase struct {
	late    bool
	trigger Trigger
}

// Early lets a window fire before its end whenever t fires; t is repeated.
func Early(t Trigger) Phase { return Phase{trigger: t} }

// Late lets a window fire for late rows whenever t fires; t is repeated.
func Late(t Trigger) Phase { return Phase{late: true, trigger: t} }

// AfterWatermark fires when the watermark passes the end of the window. With Late
// it goes on after that, otherwise it has finished.
func AfterWatermark(phases ...Phase) Trigger {
	t := Trigger{kind: TriggerWatermark, of: []Trigger{Never(), Never()}}
	for _, p := range phases {
		if p.late {
			t.of[1], t.hasLate = p.trigger, true
		} else {
			t.of[0], t.hasEarly = p.trigger, true
		}
	}
	return t
}

// AfterCount fires with the n-th row since the last firing, however rows are cut
// into batches, and has finished.
func AfterCount(n int64) Trigger { return Trigger{kind: TriggerCount, n: n} }

// AfterProcessingTime fires once so much time of the clock has gone by since the
// first row after the last firing, and has finished. What it gives depends on when
// rows arrive; results that depend on it differ from run to run.
func AfterProcessingTime(delay time.Duration) Trigger {
	return Trigger{kind: TriggerProcessingTime, delay: delay}
}

// AfterProcessingTimeAligned is AfterProcessingTime put off to the next multiple
// of period, so that keys fire together.
func AfterProcessingTimeAligned(delay, period time.Duration) Trigger {
	return Trigger{kind: TriggerProcessingTime, delay: delay, align: period}
}

// Repeat fires whenever t fires, and begins t anew when that has finished. It never
// finishes itself.
func Repeat(t Trigger) Trigger { return Trigger{kind: TriggerRepeat, of: []Trigger{t}} }

// OrFinally fires as t does, until the trigger until fires too: then it fires for
// the last time.
func OrFinally(t, until Trigger) Trigger {
	return Trigger{kind: TriggerOrFinally, of: []Trigger{t, until}}
}

// AfterEach goes through triggers in order: it fires as the first does until that
// has finished, then as the second does, and so on.
func AfterEach(t ...Trigger) Trigger { return Trigger{kind: TriggerEach, of: t} }

// AfterAny fires when the first of its triggers does, and has finished.
func AfterAny(t ...Trigger) Trigger { return Trigger{kind: TriggerAny, of: t} }

// AfterAll fires when each of its triggers is ready to fire, and has finished.
func AfterAll(t ...Trigger) Trigger { return Trigger{kind: TriggerAll, of: t} }

// Lossy fires as t does, and says that rows which come after t has finished may be
// dropped. They are counted, and go to leat.LateTo.
func Lossy(t Trigger) Trigger { return Trigger{kind: TriggerLossy, of: []Trigger{t}} }

// Kind returns the kind of t.
func (t Trigger) Kind() TriggerKind { return t.kind }

// Count returns n of AfterCount.
func (t Trigger) Count() int64 { return t.n }

// Delay returns the delay and the alignment of AfterProcessingTime in µs; no
// alignment is 0.
func (t Trigger) Delay() (delay, align int64) {
	return t.delay.Microseconds(), t.align.Microseconds()
}

// Parts returns what t is made of; of AfterWatermark the early and the late trigger.
func (t Trigger) Parts() []Trigger { return t.of }

// HasLate reports whether t is an AfterWatermark that goes on after the end.
func (t Trigger) HasLate() bool { return t.hasLate }

// Equal reports whether two triggers fire alike by construction.
func (t Trigger) Equal(o Trigger) bool { return t.String() == o.String() }

// Finishes reports whether t can finish.
func (t Trigger) Finishes() bool {
	switch t.kind {
	case TriggerDefault, TriggerNever, TriggerRepeat:
		return false
	case TriggerWatermark:
		return !t.hasLate
	case TriggerEach: // the last one of them that does not finish goes on for ever
		return !slices.ContainsFunc(t.of, func(p Trigger) bool { return !p.Finishes() })
	case TriggerLossy:
		return t.of[0].Finishes()
	}
	return true
}

// AtEnd reports whether t, when no row is late, fires at the end of the window
// with all that it has not given before, and only early otherwise: so that one
// firing at the end is as good.
func (t Trigger) AtEnd() bool {
	switch t.kind {
	case TriggerDefault, TriggerNever, TriggerWatermark:
		return true
	case TriggerRepeat, TriggerLossy:
		return t.of[0].AtEnd()
	}
	return false
}

// Once reports whether t, when no row is late, fires at the end of the window and
// at no other time.
func (t Trigger) Once() bool {
	switch t.kind {
	case TriggerRepeat, TriggerLossy:
		return t.of[0].Once()
	}
	return t.AtEnd() && !t.hasEarly
}

// Continuation returns the trigger with which the panes of a window are grouped
// again: as they come, since whoever made them has waited already.
func (t Trigger) Continuation() Trigger {
	switch t.kind {
	case TriggerCount, TriggerProcessingTime:
		return AfterCount(1)
	}
	c := t
	c.of = make([]Trigger, len(t.of))
	for i, p := range t.of {
		c.of[i] = p.Continuation()
	}
	return c
}

// String renders the trigger as EXPLAIN shows it.
func (t Trigger) String() string {
	switch t.kind {
	case TriggerNever:
		return "never"
	case TriggerWatermark:
		return t.watermarkString()
	case TriggerCount:
		return fmt.Sprintf("after %d rows", t.n)
	case TriggerProcessingTime:
		s := "after " + t.delay.String() + " of processing time"
		if t.align != 0 {
			s += " aligned to " + t.align.String()
		}
		return s
	case TriggerRepeat, TriggerLossy, TriggerOrFinally, TriggerEach, TriggerAny, TriggerAll:
		return map[TriggerKind]string{TriggerRepeat: "repeat", TriggerLossy: "lossy", TriggerOrFinally: "or finally",
			TriggerEach: "each", TriggerAny: "any", TriggerAll: "all"}[t.kind] + list(t.of)
	}
	return "default"
}

func (t Trigger) watermarkString() string {
	s := "after watermark"
	if t.hasEarly {
		s += " early(" + t.of[0].String() + ")"
	}
	if t.hasLate {
		s += " late(" + t.of[1].String() + ")"
	}
	return s
}

func list(of []Trigger) string {
	names := make([]string, len(of))
	for i, t := range of {
		names[i] = t.String()
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// validate reports what is wrong with the trigger itself.
func (t Trigger) validate() error {
	var errs []error
	switch t.kind {
	case TriggerCount:
		if t.n < 1 {
			errs = append(errs, fmt.Errorf("window.AfterCount(%d) would fire without rows; it must be at least 1", t.n))
		}
	case TriggerProcessingTime:
		if t.delay < 0 || t.align < 0 || t.delay%time.Microsecond != 0 || t.align%time.Microsecond != 0 {
			errs = append(errs, fmt.Errorf("trigger %s: delay and period must be whole microseconds and not negative", t))
		}
	case TriggerEach, TriggerAny, TriggerAll:
		if len(t.of) == 0 {
			errs = append(errs, fmt.Errorf("trigger %s has no parts", t))
		}
	}
	for _, p := range t.of {
		errs = append(errs, p.validate())
	}
	return errors.Join(errs...)
}

// parts returns how many triggers t is made of, itself included.
func (t Trigger) parts() int {
	n := 1
	for _, p := range t.of {
		n += p.parts()
	}
	return n
}
