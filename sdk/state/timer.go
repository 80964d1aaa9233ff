package state

import (
	"errors"
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// EventTimer is a timer in event time: OnTimer is called, with the state of the key
// and window that has set it, when the watermark reaches the time it is set to. A
// key has one in each window; setting it again replaces what it was set to.
//
// Timers fire in the order of their times, and those of one time in the order of
// keys. OnTimer sees the new watermark, and may set timers again, also to a time
// that has been reached: they fire before the watermark goes on. One that Process
// sets to a time that has been reached fires when that call returns.
//
// At the end of the input the watermark goes to the end of time, so that every
// timer fires, on both plans. A timer that always sets itself again must know when
// to stop.
type EventTimer struct{ timer }

// ProcessingTimer is a timer in processing time: OnTimer is called when the clock
// of the machine reaches the time it is set to. What it does depends on when the
// program runs. At the end of the input those that are set fire once; what they set
// again is forgotten.
//
// What OnTimer puts out has the event time of the row that has set the timer; the
// watermark is held back until then.
type ProcessingTimer struct{ timer }

// EventTimers are event timers with tags: a key has any number of them in a window.
type EventTimers struct{ timers }

// ProcessingTimers are processing timers with tags.
type ProcessingTimers struct{ timers }

// Set sets the timer. The rows that OnTimer emits have that time as event time, or
// the last moment of their window where that is earlier.
func (t *EventTimer) Set(at time.Time) { t.set("", micros(at), micros(at)) }

// SetWithOutput sets the timer, and the event time of what OnTimer emits, which may
// be earlier. The watermark behind the step is held back to it until the timer has
// fired, so that the rows are not late.
func (t *EventTimer) SetWithOutput(at, output time.Time) { t.set("", micros(at), t.output(output)) }

// Set sets the timer.
func (t *ProcessingTimer) Set(at time.Time) {
	t.check()
	t.set("", micros(at), t.place.time)
}

// Set sets the timer of a tag. The rows that OnTimer emits have that time as event
// time.
func (t *EventTimers) Set(tag string, at time.Time) { t.set(tag, micros(at), micros(at)) }

// SetWithOutput is that of EventTimer, for the timer of a tag.
func (t *EventTimers) SetWithOutput(tag string, at, output time.Time) {
	t.set(tag, micros(at), t.output(output))
}

// Set sets the timer of a tag.
func (t *ProcessingTimers) Set(tag string, at time.Time) {
	t.check()
	t.set(tag, micros(at), t.place.time)
}

// timer is a timer without tags.
type timer struct{ timerField }

// Clear makes the timer not fire.
func (t *timer) Clear() { t.clear("") }

// Fired reports whether OnTimer was called for this timer, and what it was set to.
func (t *timer) Fired() (at time.Time, ok bool) {
	at, _, ok = t.fired()
	return at, ok
}

// timers are timers with tags.
type timers struct{ timerField }

// Clear makes the timer of a tag not fire.
func (t *timers) Clear(tag string) { t.clear(tag) }

// Fired reports whether OnTimer was called for one of these timers, with which tag,
// and what it was set to.
func (t *timers) Fired() (tag string, at time.Time, ok bool) {
	at, tag, ok = t.fired()
	return tag, at, ok
}

// timerField is what all timers are.
type timerField struct {
	place  *place
	number int
}

// timeField is a timer of any kind.
type timeField interface{ bindTimer(p *place, number int) }

func (t *timerField) bindTimer(p *place, number int) { t.place, t.number = p, number }

func (t *timerField) check() {
	if t.place == nil || t.place.slot == none {
		panic(outside)
	}
}

func (t *timerField) set(tag string, at, output int64) {
	t.check()
	p := t.place
	due, err := p.engine.SetTimer(p.slot, t.number, tag, at, output)
	if err != nil {
		panic(Misuse{err})
	}
	p.due = p.due || due
}

// output checks the event time that rows of a timer are to have.
func (t *timerField) output(at time.Time) int64 {
	t.check()
	us := micros(at)
	if us < t.place.time {
		panic(Misuse{fmt.Errorf("a timer is set to put out rows at %s, before the time %s of what is being processed, where the watermark may be already; use c.Time() or later", stamp(us), stamp(t.place.time))})
	}
	return us
}

func (t *timerField) clear(tag string) {
	t.check()
	t.place.engine.ClearTimer(t.place.slot, t.number, tag)
}

func (t *timerField) fired() (at time.Time, tag string, ok bool) {
	t.check()
	if t.place.fired != t.number {
		return time.Time{}, "", false
	}
	return time.UnixMicro(t.place.at).UTC(), t.place.tag, true
}

// micros returns a time in µs, or panics where event time does not reach.
func micros(t time.Time) int64 {
	if t.Before(firstTime) || t.After(lastTime) {
		panic(Misuse{errors.New("a timer is set to " + t.UTC().Format(time.RFC3339) + ", which is out of the range of event time")})
	}
	return t.UnixMicro()
}

var firstTime, lastTime = time.UnixMicro(batch.MinTime), time.UnixMicro(batch.MaxTime - 1)

func stamp(us int64) string { return time.UnixMicro(us).UTC().Format("2006-01-02T15:04:05.999999Z") }
