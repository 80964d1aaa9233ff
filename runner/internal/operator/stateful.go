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

	lateness  int64 // how long after its end the state of a window is kept
	delay     int64 // how far sorted input stays behind the watermark, for late rows
	watermark int64 // that the function sees
	clock     int64 // processing time
	expiring  bool  // the function is told that state goes
	finishing bool  // the input has ended: the clock does not go on
	waiting   waiting
	tidying   tidying

	// Of the call under way.
	ctx  context.Context
	emit graph.Emit

	ids, at, rows []int32
	late          []int32 // rows that no window took
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
	o.tidying.watermark = batch.MinTime
	if o.lateness = s.Windowing.Strategy.LatenessMicros(); s.Op.Sorted {
		o.lateness, o.delay = 0, o.lateness
	}
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
	if err := o.fn.Start(ctx, engine{o}); err != nil {
		return err
	}
	o.tidying.ttl = o.fn.Lives()
	return nil
}

// Process implements Operator.
func (o *stateful) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	if o.Op.Sorted {
		return o.keep(b)
	}
	if err := o.process(b); err != nil {
		return err
	}
	if o.Bounded { // rows come in small batches, key group by key group
		return nil
	}
	o.tidy()
	return o.fn.Flush(emit)
}

// process hands rows to the function, each with its slot.
func (o *stateful) process(b *batch.Batch) error {
	b, err := o.locate(b)
	if err != nil {
		return err
	}
	return o.fn.Process(o.ctx, b, o.at, o.emit)
}

// Watermark implements Operator.
func (o *stateful) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	if err := o.advance(w - o.delay); err != nil {
		return err
	}
	o.tidy()
	return nil
}

// advance lets event time come to w: rows that wait for it, timers and the end of
// windows, in this order.
func (o *stateful) advance(w int64) error {
	if err := o.release(w); err != nil {
		return err
	}
	o.watermark = w
	if err := o.fireUntil(w); err != nil {
		return err
	}
	if err := o.expire(w); err != nil {
		return err
	}
	return o.fn.Flush(o.emit)
}

// ProcessingTime implements Timed. At the end of the input what waits for the clock
// fires, and what is set then is forgotten: it could do so for ever.
func (o *stateful) ProcessingTime(ctx context.Context, now int64, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	if now < batch.MaxTime {
		o.clock = now
	} else {
		if err := o.release(endOfInput); err != nil { // rows that wait may set timers yet
			return err
		}
		o.finishing = true
	}
	for t := o.timers.Next(state.ProcessingTime); t <= now; t = o.timers.Next(state.ProcessingTime) {
		if err := o.round(state.ProcessingTime, t); err != nil {
			return err
		}
	}
	if err := o.fireUntil(o.watermark); err != nil { // what they have set in event time
		return err
	}
	return o.fn.Flush(emit)
}

// Due implements Timed.
func (o *stateful) Due() int64 { return min(o.timers.Next(state.ProcessingTime), batch.MaxTime) }

// Hold implements Delaying: what timers hold, what comes late because rows are put
// into order, and what OnExpiry will put out when the lateness of a window is over.
func (o *stateful) Hold() int64 {
	hold := min(o.timers.Hold(), batch.MaxTime)
	if o.delay > 0 && (o.waiting.rows > 0 || o.timers.Len() > 0) {
		hold = min(hold, o.watermark)
	}
	if o.Op.Expires && o.lateness+o.delay > 0 && o.panes.Len() > 0 {
		hold = min(hold, o.panes.Sorted()[0].End-1)
	}
	return hold
}

// sees implements seeing: rows that are late or wait, timers and OnExpiry of windows
// that are open.
func (o *stateful) sees() int64 {
	at := min(o.watermark-o.lateness, o.waiting.earliest())
	if o.panes.Len() > 0 {
		at = min(at, o.panes.Sorted()[0].End-1)
	}
	return at
}

// End implements Operator.
func (o *stateful) End(ctx context.Context, emit graph.Emit) error {
	if err := o.begin(ctx, emit); err != nil {
		return err
	}
	return o.advance(endOfInput)
}

// EndKeyGroup implements KeyGrouped: for the keys so far this is the end.
func (o *stateful) EndKeyGroup(ctx context.Context, emit graph.Emit) error {
	if !o.Bounded {
		return nil
	}
	if err := o.ProcessingTime(ctx, batch.MaxTime, emit); err != nil {
		return err
	}
	if err := o.End(ctx, emit); err != nil {
		return err
	}
	o.watermark, o.finishing = batch.MinTime, false
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
	return o.waiting.bytes + o.keys.SizeBytes() + o.timers.SizeBytes() + o.fn.SizeBytes() + int64(48*o.slots.Len())
}
