package operator

import (
	"context"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Stateful is what a step with state is made of.
type Stateful struct {
	Op        *graph.Stateful
	Windowing graph.Windowing // of the input
	// Bounded says that nothing is late, as no watermark comes before the end of
	// input, and that key groups come one after the other.
	Bounded bool
}

// stateful runs user code that has state. It gives each key of each window a slot,
// keeps timers, and drops what is over; the cells are in the function.
//
//	rows ─▶ ids ─▶ slots ─▶ fn.Process ──set──▶ timers
//	                            ▲                 │
//	watermark ──────────────────┴──── fn.Fire ◀───┘ due
//
// In the global window the id of a key is its slot.
type stateful struct {
	Stateful
	fn       graph.StatefulFn
	started  bool
	global   bool
	keys     *state.Keys
	panes    *state.Panes
	slots    state.Slots
	owners   []owner // by slot; of windows only
	timers   *state.Timers
	counters *Counters
	dead     int // slots given back since keys were last released

	watermark int64
	expiring  bool // the function is told that state goes

	// Of the call under way.
	ctx  context.Context
	emit graph.Emit

	ids, at, rows []int32
	windows       []window.Interval
	fired         []state.Firing
	firings       graph.Firings
	calls         batch.Batch // of firings
}

// owner is who has a slot.
type owner struct {
	window.Interval
	id int32
}

// NewStateful returns the operator of a step with state, which has so many side
// inputs.
func NewStateful(s Stateful, sides int, counters *Counters) (Operator, error) {
	fn, err := s.Op.New()
	if err != nil {
		return nil, err
	}
	o := &stateful{Stateful: s, fn: fn, counters: counters, watermark: batch.MinTime,
		global: s.Windowing.Fn.Kind() == window.KindGlobal,
		keys:   state.NewKeys(s.Op.Row.Fields[0].Type), panes: state.NewPanes(), timers: state.NewTimers(len(s.Op.Timers))}
	if sides == 0 {
		return o, nil
	}
	return newSides(o, fn.(graph.SideFn), sides, counters), nil
}

// begin is the start of every call.
func (o *stateful) begin(ctx context.Context, emit graph.Emit) error {
	o.ctx, o.emit = ctx, emit
	if o.started {
		return nil
	}
	o.started = true
	return o.fn.Start(ctx, engine{o})
}

// Process implements Operator.
func (o *stateful) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	b, err := o.locate(b)
	if err != nil {
		return err
	}
	if err := o.fn.Process(ctx, b, o.at, emit); err != nil {
		return err
	}
	return o.flush()
}

// flush passes on what was emitted. A batch plan waits until batches are full, as
// rows come in small ones, key group by key group.
func (o *stateful) flush() error {
	if o.Bounded {
		return nil
	}
	return o.fn.Flush(o.emit)
}

// Watermark implements Operator.
func (o *stateful) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	o.watermark = w
	if err := o.fireUntil(w); err != nil {
		return err
	}
	if err := o.expire(w); err != nil {
		return err
	}
	return o.fn.Flush(emit)
}

// End implements Operator.
func (o *stateful) End(ctx context.Context, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	o.watermark = endOfInput
	if err := o.fireUntil(endOfInput); err != nil {
		return err
	}
	if err := o.expire(endOfInput); err != nil {
		return err
	}
	return o.fn.Flush(emit)
}

// EndKeyGroup implements KeyGrouped: for the keys so far this is the end.
func (o *stateful) EndKeyGroup(ctx context.Context, emit graph.Emit) error {
	if !o.Bounded {
		return nil
	}
	if err := o.End(ctx, emit); err != nil {
		return err
	}
	o.watermark = batch.MinTime
	return nil
}

// Close implements Operator.
func (o *stateful) Close() error {
	if !o.started {
		return nil
	}
	return o.fn.Close()
}

// SizeBytes implements Sized.
func (o *stateful) SizeBytes() int64 {
	return o.keys.SizeBytes() + o.timers.SizeBytes() + o.fn.SizeBytes() + int64(48*o.slots.Len())
}

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
	b, err := o.assign(b)
	if err != nil {
		return nil, err
	}
	b = o.onTime(b)
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

// assign puts rows into windows, unless they are.
func (o *stateful) assign(b *batch.Batch) (_ *batch.Batch, err error) {
	if o.Windowing.Grouped {
		return b, nil
	}
	o.rows, o.windows = o.rows[:0], o.windows[:0]
	for i := range b.Len() {
		row, before := b.Row(i), len(o.windows)
		if o.windows, err = o.Windowing.Fn.Assign(b.TimeAt(row), o.windows); err != nil {
			return nil, err
		}
		for range o.windows[before:] {
			o.rows = append(o.rows, int32(row))
		}
	}
	out := b.Gather(o.rows)
	out.Start, out.End = make([]int64, len(o.rows)), make([]int64, len(o.rows))
	for i, w := range o.windows {
		out.Start[i], out.End[i] = w.Start, w.End
	}
	return out, nil
}

// onTime leaves out, and counts, rows of windows that are over.
func (o *stateful) onTime(b *batch.Batch) *batch.Batch {
	if o.watermark == batch.MinTime {
		return b
	}
	kept := make([]int32, 0, b.Len())
	for i := range b.Len() {
		if row := b.Row(i); !o.over(b.End[row]) {
			kept = append(kept, int32(row))
		}
	}
	o.counters.Dropped += int64(b.Len() - len(kept))
	return b.WithSel(kept)
}

// over reports whether the state of a window that ends at end is gone.
func (o *stateful) over(end int64) bool { return o.expiry(end) <= o.watermark }

// expiry is when the state of a window that ends at end goes.
func (o *stateful) expiry(end int64) int64 { return end }
