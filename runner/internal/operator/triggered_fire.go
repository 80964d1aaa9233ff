package operator

import (
	"context"
	"slices"

	"github.com/leatflow/leat/runner/internal/trigger"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// firing is a result to be emitted: the accumulators in slot as a pane.
type firing struct {
	window.Interval
	id, slot int32
	time     int64
	pane     batch.Pane
	retract  bool
}

// fire lets a cell fire whose trigger is ready. passing says that the watermark is
// just passing the end of its window.
func (o *triggered) fire(k int32, at trigger.Moment, passing bool) {
	s := o.state(k)
	o.machine.Fire(s, at)
	last := o.machine.Closed(s)
	o.pane(k, passing, last)
	if last {
		o.shut(k)
	}
}

// shut forgets what a cell has gathered, as its trigger has finished. The cell
// stays, so that rows to come are known to be too late.
func (o *triggered) shut(k int32) {
	c := &o.cells[k]
	o.giveUp(c)
	c.closed, c.rows, c.held, c.timed = true, false, false, false
}

// giveUp gives the slots of a cell back when the firings are out.
func (o *triggered) giveUp(c *cell) {
	for _, s := range c.shown {
		if s.slot != c.slot {
			o.giving = append(o.giving, s.slot)
		}
	}
	if c.slot != noSlot {
		o.giving = append(o.giving, c.slot)
	}
	c.slot, c.shown, c.shared = noSlot, nil, false
}

// remove forgets a cell.
func (o *triggered) remove(k int32) {
	c := &o.cells[k]
	o.giveUp(c)
	c.inUse = false
	c.stamp++
	o.live[c.id]--
	o.leaving = append(o.leaving, c.id)
}

// pane makes a pane of a cell, if there is something to say. The rules are those of
// Beam: a firing without new rows is a pane only on time or at the end, and there
// only if the strategy wants it.
func (o *triggered) pane(k int32, passing, last bool) {
	c := &o.cells[k]
	timing := batch.Late
	switch {
	case c.timing >= batch.OnTime: // also a session that has grown since
	case c.End > o.watermark:
		timing = batch.Early
	case passing || c.held:
		timing = batch.OnTime
	}
	onTime, closing := o.strategy.Empty()
	if !c.rows && !(onTime && timing == batch.OnTime) && !(closing && last) {
		return
	}
	p := batch.Pane{Index: c.index, NonSpeculative: -1, Timing: timing, First: c.index == 0, Last: last}
	c.index++
	if timing != batch.Early {
		p.NonSpeculative = c.spoken
		c.spoken++
	}
	f := firing{Interval: c.Interval, id: c.id, time: c.End - 1, pane: p}
	if c.timed {
		f.time = c.time
	}
	if c.slot == noSlot { // an empty pane
		c.slot = o.slots.Take()
	}
	f.slot = c.slot
	o.takeBack(c)
	o.firing = append(o.firing, f)
	c.timing, c.rows, c.held, c.timed = timing, false, false, false
	switch o.strategy.Mode {
	case window.Discarding:
		o.giving = append(o.giving, c.slot)
		c.slot = noSlot
	case window.Accumulating:
		if !c.shared {
			c.shared = true
			o.sharing = append(o.sharing, k)
		}
	case window.Retracting:
		c.shared = true
		c.shown = append(c.shown, shown{f})
	}
}

// takeBack lets the results that a cell has shown be taken back.
func (o *triggered) takeBack(c *cell) {
	for _, s := range c.shown {
		s.retract = true
		o.firing = append(o.firing, s.firing)
		if s.slot != c.slot {
			o.giving = append(o.giving, s.slot)
		}
	}
	c.shown = c.shown[:0]
}

// emit sends the firings off and gives back what is no longer needed.
func (o *triggered) emit(_ context.Context, emit graph.Emit) error {
	o.grow()
	if err := o.named(o.mergeSlots()); err != nil {
		return err
	}
	for from := 0; from < len(o.firing); from += batch.TargetRows {
		b, err := o.results(o.firing[from:min(from+batch.TargetRows, len(o.firing))])
		if err != nil {
			return o.named(err)
		}
		if err := emit(0, b); err != nil {
			return err
		}
	}
	o.firing = o.firing[:0]
	o.groups.free(o.giving)
	o.giving = o.giving[:0]
	for _, k := range o.sharing {
		o.cells[k].shared = false
	}
	o.sharing = o.sharing[:0]
	o.release()
	return nil
}

// release forgets the keys that are in no cell.
func (o *triggered) release() {
	if len(o.leaving) == 0 {
		return
	}
	slices.Sort(o.leaving)
	o.leaving = slices.DeleteFunc(slices.Compact(o.leaving), func(id int32) bool { return o.live[id] > 0 })
	o.sessions.release(o.leaving)
	o.keys.Release(o.leaving)
	o.leaving = o.leaving[:0]
}

// results makes a batch of firings.
func (o *triggered) results(firing []firing) (*batch.Batch, error) {
	n := len(firing)
	ids, slots := make([]int32, n), make([]int32, n)
	b := &batch.Batch{Time: make([]int64, n), Start: make([]int64, n), End: make([]int64, n), Panes: make([]batch.Pane, n)}
	if o.strategy.Mode == window.Retracting {
		b.Retract = make([]bool, n)
	}
	for i := range firing {
		f := &firing[i]
		ids[i], slots[i], b.Time[i], b.Start[i], b.End[i], b.Panes[i] = f.id, f.slot, f.time, f.Start, f.End, f.pane
		if b.Retract != nil {
			b.Retract[i] = f.retract
		}
	}
	keys := o.keys.Column(ids)
	values, err := o.table.Results(slots, keys, b.Start, b.End)
	if err != nil {
		return nil, err
	}
	b.Root = batch.NewStruct(resultType(o.Grouping), n, keys, values)
	return b, nil
}
