package operator

import (
	"context"
	"unsafe"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/runner/internal/trigger"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// triggered is a Combine whose windows may fire more than once, or not at their
// end: one with a trigger, allowed lateness, another time than the end of the
// window, or a use for late rows. It takes single rows by key. A key in a window
// is a cell:
//
//	row ─▶ its windows ─▶ cell{trigger's state, pane number, slot} ─▶ fires?
//	                                                   │
//	table of accumulators, one update for the batch  ◀─┘
//
// Rows of a batch are looked at one by one, since each may make its cell fire, but
// accumulators are updated and results made for the whole batch at once. So that a
// cell can fire in the middle of a batch, a pane takes the slot with it: rows that
// follow get a new slot, into which, where windows accumulate, the old one is merged
// at the end of the batch.
//
//	rows of one cell   x x│x x x│x          fires at │
//	slots              s0  s1    s2         merge s0 into s1, s1 into s2
//	panes              s0│ s1  │
//
// Sessions are in triggered_session.go; firing in triggered_fire.go.
type triggered struct {
	groups   // panes holds cells, by window; slots those of the table
	counters *Counters
	strategy window.Strategy
	machine  *trigger.Machine
	lateness int64

	cells     []cell
	free      state.Slots // cells not in use
	words     []int64     // states of the machine, by cell
	live      []int32     // by key id: cells
	watermark int64
	now       int64 // processing time
	alarms    moments
	holds     moments
	sessions  *sessionCells // nil: windows are not merged

	out     emitter
	firing  []firing
	merging []merge
	merged  []int32 // by slot: 1 + the round of merges it was written in
	round   int32
	giving  []int32 // slots to give back when the firings are out
	sharing []int32 // cells whose slot a firing shows
	leaving []int32 // keys that may be in no cell any more
	late    []int32 // rows that no window took
}

// cell is a key in a window.
type cell struct {
	window.Interval
	id     int32 // key
	slot   int32 // accumulators; none: −1
	index  int32 // of the next pane
	spoken int32 // panes so far that were not early
	timing batch.Timing
	inUse  bool
	closed bool // the trigger has finished
	rows   bool // some have come since the last pane
	held   bool // of those, one before the end of the window: the pane is not late
	shared bool // slot is shown by a firing, and must not change
	passed bool // sessions: the watermark's passing the end has been seen
	timed  bool // time is set
	time   int64
	due    int64 // the alarm set
	armed  int64 // the hold set
	stamp  uint32
	shown  []shown // retracting: what the next pane takes back
}

// shown is a result that was emitted.
type shown struct {
	firing
}

const noSlot = -1

// NewTriggered returns the receiving half of a Combine with a strategy of its own.
// Output 1 gets the rows that are too late, when late is set.
func NewTriggered(g Grouping, counters *Counters) Operator {
	g.NeverLate = true // rows are judged one by one, not counted by group
	o := &triggered{groups: newGroups(g), counters: counters, strategy: g.Windowing.Strategy,
		machine: trigger.New(g.Windowing.Strategy.Trigger), lateness: g.Windowing.Strategy.LatenessMicros(), watermark: batch.MinTime}
	o.out.groups = &o.groups
	if g.Windowing.Fn.Kind() == window.KindSession && !g.Windowing.Grouped {
		o.sessions = &sessionCells{}
	}
	return o
}

// Process implements Operator.
func (o *triggered) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	n := b.Len()
	o.ids = resize(o.ids, n)
	o.keys.Lookup(b.Root.Children[0], b.Sel, o.ids)
	for len(o.live) < o.keys.Len() {
		o.live = append(o.live, 0)
	}
	o.at, o.rows, o.late = o.at[:0], o.rows[:0], o.late[:0]
	for i, id := range o.ids {
		row := b.Row(i)
		took, err := o.place(id, row, b)
		if err != nil {
			return err
		}
		if !took {
			o.late = append(o.late, int32(row))
			o.leaving = append(o.leaving, id)
		}
		if len(o.at) >= 8*batch.TargetRows { // rows in many windows
			if err := o.settle(b); err != nil {
				return err
			}
		}
	}
	if err := o.settle(b); err != nil {
		return err
	}
	if err := o.emit(ctx, emit); err != nil {
		return err
	}
	return o.drop(b, emit)
}

// drop counts the rows that were too late, and passes them on where they are wanted.
func (o *triggered) drop(b *batch.Batch, emit graph.Emit) error {
	if len(o.late) == 0 {
		return nil
	}
	o.counters.Dropped += int64(len(o.late))
	if !o.LateOutput {
		return nil
	}
	return emit(1, b.Gather(o.late))
}

// place puts a row into its windows. took is false when it is too late for all of
// them; a row that is in no window at all has nowhere to be late for.
func (o *triggered) place(id int32, row int, b *batch.Batch) (took bool, err error) {
	t := b.TimeAt(row)
	if o.sessions != nil {
		return o.placeSession(id, row, t)
	}
	o.windows = o.windows[:0]
	if o.Windowing.Grouped && b.Start != nil {
		o.windows = append(o.windows, window.Interval{Start: b.Start[row], End: b.End[row]})
	} else if o.windows, err = o.Windowing.Fn.Assign(t, o.windows); err != nil {
		return false, err
	}
	took = len(o.windows) == 0
	for _, w := range o.windows {
		if w.End+o.lateness <= o.watermark {
			continue
		}
		k := o.panes.Get(w).Slot(id, &o.free)
		if int(k) >= len(o.cells) || !o.cells[k].inUse {
			o.open(k, id, w)
		}
		if !o.cells[k].closed {
			took = true
			o.arrive(k, row, t)
		}
	}
	if took && o.live[id] == 0 {
		o.leaving = append(o.leaving, id)
	}
	return took, nil
}

// open makes a cell.
func (o *triggered) open(k, id int32, w window.Interval) {
	for int(k) >= len(o.cells) {
		o.cells = append(o.cells, cell{})
		o.words = append(o.words, make([]int64, o.machine.Words())...)
	}
	o.cells[k] = cell{Interval: w, id: id, slot: noSlot, inUse: true, due: notDue, armed: notDue, stamp: o.cells[k].stamp + 1}
	o.machine.Reset(o.state(k))
	o.live[id]++
}

// state returns the words of a cell's trigger.
func (o *triggered) state(k int32) []int64 {
	n := o.machine.Words()
	return o.words[int(k)*n : (int(k)+1)*n]
}

// arrive adds a row to a cell that is open, which may fire.
func (o *triggered) arrive(k int32, row int, t int64) {
	c := &o.cells[k]
	ended := c.End <= o.watermark
	c.rows = true
	if !ended {
		o.hold(k, t)
	}
	o.at, o.rows = append(o.at, o.own(k)), append(o.rows, int32(row))
	if !ended && o.machine.Quiet() {
		return
	}
	s, at := o.state(k), trigger.Moment{Ended: ended, Now: o.now}
	o.machine.Row(s, at)
	if o.machine.Ready(s, at) {
		o.fire(k, at, false)
	}
	o.alarm(k)
}

// own returns the slot of a cell for rows to be added to.
func (o *triggered) own(k int32) int32 {
	c := &o.cells[k]
	switch {
	case c.slot == noSlot:
		c.slot = o.slots.Take()
	case c.shared:
		before := c.slot
		c.slot, c.shared = o.slots.Take(), false
		o.merging = append(o.merging, merge{into: c.slot, from: before})
		if o.strategy.Mode != window.Retracting {
			o.giving = append(o.giving, before)
		}
	}
	return c.slot
}

// merge is a slot that goes into another when the rows of the batch have been added.
type merge struct{ into, from int32 }

// settle adds the rows located so far to their slots, and merges slots. Merges
// into a slot come before those from it; what is between is done at once.
func (o *triggered) settle(b *batch.Batch) error {
	o.grow()
	if len(o.at) > 0 {
		if err := o.table.Add(o.at, b.Root.Children[1], b.Time, o.rows); err != nil {
			return o.named(err)
		}
	}
	o.at, o.rows = o.at[:0], o.rows[:0]
	return o.named(o.mergeSlots())
}

func (o *triggered) mergeSlots() error {
	for len(o.merged) < o.slots.Len() {
		o.merged = append(o.merged, 0)
	}
	var into, from []int32
	flush := func() error {
		err := o.table.Merge(into, from)
		into, from = into[:0], from[:0]
		o.round++
		return err
	}
	for _, m := range o.merging {
		if o.merged[m.from] == o.round+1 {
			if err := flush(); err != nil {
				return err
			}
		}
		o.merged[m.into] = o.round + 1
		into, from = append(into, m.into), append(from, m.from)
	}
	o.merging = o.merging[:0]
	if len(into) == 0 {
		return nil
	}
	return flush()
}

// named says which key an error of the accumulators is about.
func (o *triggered) named(err error) error {
	if err == nil {
		return nil
	}
	for i := range o.firing {
		if atSlot(err, o.firing[i].slot) {
			return o.namedKey(err, o.firing[i].id)
		}
	}
	for i := range o.cells {
		if c := &o.cells[i]; c.inUse && atSlot(err, c.slot) {
			return o.namedKey(err, c.id)
		}
	}
	return err
}

// SizeBytes implements Sized.
func (o *triggered) SizeBytes() int64 {
	return o.groups.SizeBytes() + int64(cellBytes*len(o.cells)+8*len(o.words)+4*len(o.live)+
		momentBytes*(cap(o.alarms)+cap(o.holds))) + o.sessions.sizeBytes()
}

const (
	cellBytes   = int(unsafe.Sizeof(cell{}))
	momentBytes = int(unsafe.Sizeof(moment{}))
)

// Close implements Operator.
func (o *triggered) Close() error { return nil }
