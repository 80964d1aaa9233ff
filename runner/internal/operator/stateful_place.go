package operator

import (
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/window"
)

// locate sets o.at to the slots of the rows, and returns the batch with their
// windows: a row that is in several comes several times, one that is late for all
// or in none not at all.
func (o *stateful) locate(b *batch.Batch) (*batch.Batch, error) {
	if o.global {
		o.at = resize(o.at, b.Len())
		o.keys.Lookup(b.Root.Children[0], b.Sel, o.at)
		o.fn.Grow(o.keys.Len())
		return b, nil
	}
	b, err := o.place(b)
	if err != nil {
		return nil, err
	}
	n := b.Len()
	o.ids, o.at = resize(o.ids, n), resize(o.at, n)
	o.keys.Lookup(b.Root.Children[0], b.Sel, o.ids)
	for i, id := range o.ids {
		row := b.Row(i)
		w := window.Interval{Start: b.Start[row], End: b.End[row]}
		slot := o.panes.Get(w).Slot(id, &o.slots)
		for int(slot) >= len(o.owners) {
			o.owners = append(o.owners, owner{})
		}
		o.owners[slot] = owner{w, id}
		o.at[i] = slot
	}
	o.fn.Grow(o.slots.Len())
	return b, nil
}

// place puts rows into those of their windows whose state is not gone. A row for
// which that is none of them is late.
func (o *stateful) place(b *batch.Batch) (_ *batch.Batch, err error) {
	o.rows, o.windows, o.late = o.rows[:0], o.windows[:0], o.late[:0]
	single := true // each row is in one window
	for i := range b.Len() {
		row, before := b.Row(i), len(o.windows)
		if o.Windowing.Grouped {
			o.windows = append(o.windows, window.Interval{Start: b.Start[row], End: b.End[row]})
		} else if o.windows, err = o.Windowing.Fn.Assign(b.TimeAt(row), o.windows); err != nil {
			return nil, err
		}
		all := o.windows[before:]
		in := slices.DeleteFunc(all, func(w window.Interval) bool { return o.expiry(w.End) <= o.watermark })
		if len(in) == 0 && len(all) > 0 {
			o.late = append(o.late, int32(row))
		}
		o.windows, single = o.windows[:before+len(in)], single && len(in) <= 1
		for range in {
			o.rows = append(o.rows, int32(row))
		}
	}
	if err := o.drop(b); err != nil {
		return nil, err
	}
	if single && (o.Windowing.Grouped || 4*len(o.rows) > b.Physical()) { // of a key group there are few in a batch
		return o.inPlace(b), nil
	}
	out := b.Gather(o.rows)
	out.Start, out.End = make([]int64, len(o.rows)), make([]int64, len(o.rows))
	for i, w := range o.windows {
		out.Start[i], out.End[i] = w.Start, w.End
	}
	return out, nil
}

// inPlace returns the batch with one window for each row: its columns are shared.
func (o *stateful) inPlace(b *batch.Batch) *batch.Batch {
	out := *b
	if len(o.rows) < b.Len() {
		out.Sel = slices.Clone(o.rows)
	}
	if !o.Windowing.Grouped {
		out.Start, out.End = make([]int64, b.Physical()), make([]int64, b.Physical())
		for i, row := range o.rows {
			out.Start[row], out.End[row] = o.windows[i].Start, o.windows[i].End
		}
	}
	return &out
}

// drop counts the late rows, and passes them on where they are wanted.
func (o *stateful) drop(b *batch.Batch) error {
	if len(o.late) == 0 {
		return nil
	}
	o.counters.Dropped += int64(len(o.late))
	if o.Op.Late == 0 {
		return nil
	}
	return o.emit(o.Op.Late, b.Gather(o.late))
}

// expiry is when the state of a window that ends at end goes.
func (o *stateful) expiry(end int64) int64 { return end + o.lateness }
