package operator

import (
	"cmp"
	"context"
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/runner/internal/trigger"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Watermark implements Operator: windows that end by w have ended, and those whose
// allowed lateness is over by w are forgotten.
//
//	───────┬──────────────┬───────────────▶ watermark
//	       end            end + lateness
//	       trigger asked  the rest comes out, and no more
func (o *triggered) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	before := o.watermark
	o.watermark = w
	o.out.begin()
	if o.sessions != nil {
		o.closeSessions(w)
	} else {
		o.closePanes(before, w)
	}
	return o.emit(ctx, emit)
}

// End implements Operator.
func (o *triggered) End(ctx context.Context, emit graph.Emit) error {
	return o.Watermark(ctx, endOfInput, emit)
}

// closePanes handles the windows whose end lies in (before, w], and forgets those
// whose lateness is over.
func (o *triggered) closePanes(before, w int64) {
	panes := o.panes.Sorted()
	gone := 0
	for gone < len(panes) && panes[gone].End+o.lateness <= w {
		gone++
	}
	first, _ := slices.BinarySearchFunc(panes, before, func(p *state.Pane, t int64) int {
		return cmp.Compare(p.End, t+1)
	})
	for i, p := range panes {
		if i >= gone && (i < first || p.End > w) {
			if p.End > w {
				break
			}
			continue
		}
		for _, at := range o.out.sort(p) {
			o.pass(p.Slots[at], i >= first, i < gone)
		}
		if i < gone {
			o.free.Give(p.Slots)
		}
	}
	o.panes.Drop(gone)
}

// pass handles a cell when the watermark passes the end of its window, or the end
// of its lateness, or both at once.
func (o *triggered) pass(k int32, end, last bool) {
	c := &o.cells[k]
	at := trigger.Moment{Ended: true, Now: o.now}
	switch {
	case c.closed:
	case last:
		o.pane(k, end, true)
	case o.machine.Ready(o.state(k), at):
		o.fire(k, at, end)
		o.alarm(k)
	}
	if last {
		o.remove(k)
		return
	}
	if c.held { // the trigger waits, and so does the watermark
		o.holdBack(k)
	}
}

// holdBack keeps the watermark where the next pane of a cell will be. A hold that
// was set for an earlier time does as well: Hold finds out what has become of it.
func (o *triggered) holdBack(k int32) {
	c := &o.cells[k]
	at := o.holdOf(c)
	if at >= c.armed {
		return
	}
	c.armed = at
	o.holds.push(moment{at, k, c.stamp})
	o.holds.trim(o.free.InUse(), func(m moment) bool { return o.cells[m.cell].holding(m) })
}

// alarm sets the moment at which the clock may make a cell fire.
func (o *triggered) alarm(k int32) {
	if !o.machine.Timed() {
		return
	}
	c := &o.cells[k]
	due := int64(notDue)
	if !c.closed {
		due = o.machine.Due(o.state(k), o.now)
	}
	if due != c.due && due < notDue {
		o.alarms.push(moment{due, k, c.stamp})
	}
	c.due = due
	o.alarms.trim(o.free.InUse(), func(m moment) bool { return o.cells[m.cell].alarmed(m) })
}

// alarmed reports whether a cell still waits for a moment of the clock.
func (c *cell) alarmed(m moment) bool { return c.stamp == m.stamp && c.due == m.at }

// holding reports whether a cell may hold the watermark at a moment, or later.
func (c *cell) holding(m moment) bool { return c.stamp == m.stamp && c.armed == m.at }

// Due implements Timed.
func (o *triggered) Due() int64 {
	for len(o.alarms) > 0 {
		top := o.alarms[0]
		if o.cells[top.cell].alarmed(top) {
			return top.at
		}
		o.alarms.pop()
	}
	return batch.MaxTime
}

// ProcessingTime implements Timed: the clock stands at now. At the end of input
// nothing fires because of the clock: what has been gathered comes out in the last
// panes, which are about to come.
func (o *triggered) ProcessingTime(ctx context.Context, now int64, emit graph.Emit) error {
	if now >= batch.MaxTime {
		return nil
	}
	o.now = now
	for o.Due() <= now && len(o.alarms) > 0 { // at the end of time nothing is due any more
		k := o.alarms.pop().cell
		c := &o.cells[k]
		c.due = notDue
		s, at := o.state(k), trigger.Moment{Ended: c.End <= o.watermark, Now: now}
		if o.machine.Ready(s, at) {
			o.fire(k, at, false)
		}
		o.alarm(k)
	}
	return o.emit(ctx, emit)
}

// hold notes a row that came before the end of its window: the pane it will be in
// is not late, and the watermark may not overtake it. A row behind the watermark
// cannot give its own time to a pane.
func (o *triggered) hold(k int32, t int64) {
	c := &o.cells[k]
	c.held = true
	if o.strategy.Combiner == window.EndOfWindow {
		return
	}
	if t >= o.watermark {
		switch {
		case !c.timed:
			c.time = t
		case o.strategy.Combiner == window.Earliest:
			c.time = min(c.time, t)
		default:
			c.time = max(c.time, t)
		}
		c.timed = true
	}
	o.holdBack(k)
}

// holdOf returns the event time of the pane that a cell holds back.
func (o *triggered) holdOf(c *cell) int64 {
	if c.timed {
		return c.time
	}
	return c.End - 1
}

// Hold implements Delaying: results that are still to come have event times from
// here on.
func (o *triggered) Hold() int64 {
	for len(o.holds) > 0 {
		top := o.holds[0]
		c := &o.cells[top.cell]
		if c.holding(top) {
			if c.held && o.holdOf(c) == top.at {
				return top.at
			}
			c.armed = notDue // it has fired since, or grown later
			if c.held {
				o.holds.pop()
				o.holdBack(top.cell)
				continue
			}
		}
		o.holds.pop()
	}
	return batch.MaxTime
}
