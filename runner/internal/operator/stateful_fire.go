package operator

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/window"
)

// fireUntil fires the event timers that are set to w or earlier, in the order of
// their times, those of one time in the order of keys. Timers that are set
// meanwhile take part.
func (o *stateful) fireUntil(w int64) error {
	for {
		t := o.timers.Next(state.EventTime)
		if t > w || t == state.Never {
			return nil
		}
		if err := o.round(state.EventTime, t); err != nil {
			return err
		}
	}
}

// round fires timers of a domain that are set to t, of each slot the first: it may
// clear the others or set them to another time, so they wait for the next round.
func (o *stateful) round(d state.Domain, t int64) error {
	if err := o.ctx.Err(); err != nil { // a timer may set itself again for ever
		return err
	}
	o.fired = o.timers.Take(d, t, o.fired[:0])
	if len(o.fired) > 1 {
		o.sort(o.fired)
	}
	o.call()
	for i, f := range o.fired {
		if i > 0 && f.Slot == o.fired[i-1].Slot {
			o.timers.Set(f.Slot, f.Timer, f.Tag, d, f.At, f.Output)
			continue
		}
		o.calling(f.Slot, f.Output)
		o.firings.Timer, o.firings.Tag, o.firings.At = append(o.firings.Timer, f.Timer), append(o.firings.Tag, f.Tag), append(o.firings.At, f.At)
	}
	o.keysOfCalls()
	return o.fn.Fire(o.ctx, &o.firings, o.emit)
}

// call begins a set of calls of the function for slots instead of rows.
func (o *stateful) call() {
	f, c := &o.firings, &o.calls
	f.Slots, f.Timer, f.Tag, f.At = f.Slots[:0], f.Timer[:0], f.Tag[:0], f.At[:0]
	c.Time, c.Start, c.End = c.Time[:0], c.Start[:0], c.End[:0]
	f.Rows, o.ids = c, o.ids[:0]
}

// calling adds a slot, and the time of what is put out.
func (o *stateful) calling(slot int32, output int64) {
	w := o.owner(slot)
	o.firings.Slots, o.ids = append(o.firings.Slots, slot), append(o.ids, w.id)
	o.calls.Time = append(o.calls.Time, output)
	if !o.global || o.Windowing.Grouped {
		o.calls.Start, o.calls.End = append(o.calls.Start, w.Start), append(o.calls.End, w.End)
	}
}

// keysOfCalls sets the keys of the slots that were added. The function may keep
// them, so they are not overwritten by the next.
func (o *stateful) keysOfCalls() {
	o.calls.Root = batch.NewStruct(o.Op.Row, len(o.ids), o.keys.Column(o.ids), nil)
}

// owner returns who has a slot.
func (o *stateful) owner(slot int32) owner {
	if o.global {
		return owner{o.Windowing.Fn.Slice(0), slot}
	}
	return o.owners[slot]
}

// sort puts firings into an order that depends on the data alone: by key, window,
// timer and tag.
func (o *stateful) sort(fired []state.Firing) {
	type keyed struct {
		key   []byte
		start int64
		state.Firing
	}
	all, ids := make([]keyed, len(fired)), make([]int32, len(fired))
	for i, f := range fired {
		ids[i] = o.owner(f.Slot).id
	}
	keys := o.keys.Column(ids)
	for i, f := range fired {
		all[i] = keyed{codec.AppendKey(nil, keys, i), o.owner(f.Slot).Start, f}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.start, b.start), cmp.Compare(a.Timer, b.Timer), cmp.Compare(a.Tag, b.Tag))
	})
	for i := range all {
		fired[i] = all[i].Firing
	}
}

// expire ends the windows whose state goes at w: OnExpiry of all their keys, in the
// order of windows and keys, and then the state is gone.
func (o *stateful) expire(w int64) error {
	if o.global {
		return o.expireGlobal(w)
	}
	done := 0
	for _, p := range o.panes.Sorted() {
		if o.expiry(p.End) > w {
			break
		}
		done++
		if err := o.last(p.Interval, p.Slots); err != nil {
			return err
		}
		for _, slot := range p.Slots {
			o.timers.Drop(slot)
		}
		o.fn.Reset(p.Slots)
		o.slots.Give(p.Slots)
		o.dead += len(p.Slots)
	}
	if done > 0 {
		o.panes.Drop(done)
		o.releaseKeys()
	}
	return nil
}

// expireGlobal forgets all keys at the end of the input, or of a key group.
func (o *stateful) expireGlobal(w int64) error {
	if w != endOfInput {
		return nil
	}
	slots := o.keys.IDs()
	if err := o.last(o.Windowing.Fn.Slice(0), slots); err != nil {
		return err
	}
	for _, slot := range slots {
		o.timers.Drop(slot)
	}
	o.fn.Reset(slots)
	o.keys.Clear()
	return nil
}

// last calls OnExpiry for the keys of a window that have something in their cells.
func (o *stateful) last(w window.Interval, slots []int32) error {
	if !o.Op.Expires || len(slots) == 0 {
		return nil
	}
	var calls []state.Firing
	for _, slot := range slots {
		if !o.fn.Empty(slot) {
			calls = append(calls, state.Firing{Slot: slot})
		}
	}
	if len(calls) == 0 {
		return nil
	}
	o.sort(calls)
	o.call()
	for _, c := range calls {
		o.calling(c.Slot, w.End-1)
	}
	o.keysOfCalls()
	o.expiring = true
	err := o.fn.Expire(o.ctx, &o.firings, o.emit)
	o.expiring = false
	return err
}

// releaseKeys forgets the keys that no open window has, when as many slots were
// given back as remain.
func (o *stateful) releaseKeys() {
	if 2*o.dead < o.keys.Live() || o.dead < o.slots.InUse() {
		return
	}
	o.dead = 0
	used := make([]bool, o.keys.Len())
	for _, p := range o.panes.Sorted() {
		mark(used, p.Keys)
	}
	o.keys.ReleaseUnused(used)
}
