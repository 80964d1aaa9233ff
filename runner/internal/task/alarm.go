package task

import (
	"context"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// timed returns the links that act by the wall clock.
func (t *Task) timed() (links []*Link) {
	for _, l := range t.Links {
		if l.time.timed != nil && l.time.clock.Now != nil {
			links = append(links, l)
		}
	}
	return links
}

// alarm wakes a task when one of its links is due. It keeps one timer, for the
// earliest moment, and none where nobody is due.
type alarm struct {
	links []*Link
	timer *time.Timer // nil before the first set
	at    int64       // what the timer is set to; batch.MaxTime: nothing
}

func newAlarm(links []*Link) *alarm { return &alarm{links: links, at: batch.MaxTime} }

// set sets the timer to the earliest moment at which a link is due.
func (a *alarm) set() {
	due := batch.MaxTime
	for _, l := range a.links {
		due = min(due, l.due())
	}
	if due == a.at {
		return
	}
	a.stop()
	if a.at = due; due < batch.MaxTime {
		a.arm()
	}
}

// arm starts the timer for what is left until the moment.
func (a *alarm) arm() {
	left := time.Duration(min(max(0, a.at-a.links[0].time.clock.Now()), dayMicros)) * time.Microsecond
	if a.timer == nil {
		a.timer = time.NewTimer(left)
		return
	}
	a.timer.Reset(left)
}

// dayMicros is the longest that a timer is set to: farther moments would overflow.
const dayMicros = 24 * 60 * 60 * 1_000_000

// rings is ready when the timer has run out.
func (a *alarm) rings() <-chan time.Time {
	if a.timer == nil {
		return nil
	}
	return a.timer.C
}

// ring tells the links that are due the time. A timer may run out before the
// clock has got there, which need not go as fast; then it starts again.
func (a *alarm) ring(ctx context.Context) error {
	for _, l := range a.links {
		if l.due() > l.time.clock.Now() {
			continue
		}
		if err := l.tick(ctx); err != nil {
			return err
		}
	}
	a.at = batch.MaxTime
	return nil
}

func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
