package task

import (
	"context"

	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
)

// Clock is how a task learns the processing time. The zero value is a clock that
// stands at the beginning of the epoch and moves when a message says so.
type Clock struct {
	// Now, when not nil, is the wall clock in µs since the epoch.
	Now func() int64
	// Start is what a clock without Now shows at first.
	Start int64
}

// timing is what a link knows of event time and processing time.
//
//	input 0 ─┐                   ┌─ Hold of the operator
//	input 1 ─┼─ minimum ── w ──▶ operator ──▶ min(w, Hold) ──▶ next links
type timing struct {
	inputs   *watermark.Combiner
	sent     int64 // the watermark behind the operator
	idle     bool  // the next links know that nothing comes at the moment
	delaying operator.Delaying
	timed    operator.Timed
	clock    Clock
	now      int64 // processing time
	told     int64 // what the operator knows of it
	open     int   // inputs that have neither ended nor stopped
	stopped  bool  // an input has stopped before its end
}

func newTiming(op operator.Operator, inputs int) timing {
	t := timing{inputs: watermark.NewCombiner(inputs), sent: batch.MinTime, now: batch.MinTime, told: batch.MinTime, open: inputs}
	t.delaying, _ = op.(operator.Delaying)
	t.timed, _ = op.(operator.Timed)
	return t
}

// busy reports whether the operator will emit rows by itself though nothing comes.
// Nobody behind waits for a link that is idle, so it is not idle then. What an
// operator holds until event time moves on does not count: event time stands still
// while its inputs are idle, and to wait for it would be to wait for them.
func (t *timing) busy(hold int64) bool {
	if hold == batch.MaxTime {
		return false
	}
	return t.timed == nil || t.timed.Due() < batch.MaxTime
}

// SetClock says where processing time comes from. Call it before the first batch.
func (l *Link) SetClock(c Clock) { l.time.clock, l.time.now = c, c.Start }

// SetNumber says which task of its step the link is in. Call it before the first
// batch.
func (l *Link) SetNumber(task int) { l.number = task }

// tell lets the operator know the processing time, when it has moved or the
// operator is due.
func (l *Link) tell(ctx context.Context) error {
	t := &l.time
	if t.clock.Now != nil {
		t.now = max(t.now, t.clock.Now())
	}
	if t.now <= t.told && l.due() > t.now {
		return nil
	}
	t.told = t.now
	l.ctx = ctx
	return l.named(t.timed.ProcessingTime(ctx, t.now, l.emit))
}

// due returns when the operator wants to be told the processing time.
func (l *Link) due() int64 {
	if l.time.timed == nil {
		return batch.MaxTime
	}
	return l.time.timed.Due()
}

// tick tells the operator the processing time, because it is due.
func (l *Link) tick(ctx context.Context) error {
	if err := l.tell(ctx); err != nil {
		return err
	}
	return l.settle(ctx)
}

// processingTime says that the clock of a script stands at now. The next links
// learn it first: the clock is the same everywhere, so that what the operator
// emits now comes to them now.
func (l *Link) processingTime(ctx context.Context, now int64) error {
	if now <= l.time.now {
		return nil // another channel has said so
	}
	l.time.now = now
	if err := l.each(func(e Edge) error { return e.To.processingTime(ctx, now) }); err != nil {
		return err
	}
	if l.time.timed == nil {
		return nil
	}
	return l.tick(ctx)
}

func (l *Link) watermark(ctx context.Context, input int, w int64) error {
	change := l.time.inputs.Advance(input, w)
	return l.change(ctx, change, func(p *ports) { p.advance(input, w) })
}

func (l *Link) setIdle(ctx context.Context, input int) error {
	return l.change(ctx, l.time.inputs.SetIdle(input), func(p *ports) { p.setIdle(input) })
}

func (l *Link) setActive(ctx context.Context, input int) error {
	return l.change(ctx, l.time.inputs.SetActive(input), func(p *ports) { p.setActive(input) })
}

// change acts on what the inputs together say, and, with an operator that looks at
// them apart, before that on what one says.
func (l *Link) change(ctx context.Context, c watermark.Change, one func(*ports)) error {
	told, err := l.apart(ctx, one)
	if err != nil {
		return err
	}
	if c.Rose {
		if l.time.timed != nil {
			if err := l.tell(ctx); err != nil {
				return err
			}
		}
		l.ctx = ctx
		lap := l.watch.begin(l.sender)
		err := l.op.Watermark(ctx, c.Watermark, l.emit)
		if l.counters.busy.Add(l.watch.end(lap)); err != nil {
			return l.named(err)
		}
	}
	if told || c.Rose || c.Turned {
		return l.settle(ctx)
	}
	return nil
}

// apart tells an operator that looks at its inputs apart what has changed.
func (l *Link) apart(ctx context.Context, change func(*ports)) (told bool, err error) {
	if l.ports == nil {
		return false, nil
	}
	change(l.ports)
	l.ctx = ctx
	told, err = l.ports.tell(ctx, l.time.inputs.Current(), l.emit)
	return told, l.named(err)
}

// settle is what follows a call of the operator. One that has become due is told
// the time; what it holds is accounted for; and what is new is passed on: the
// watermark, not beyond what the operator may still emit, and whether anything
// comes at the moment.
func (l *Link) settle(ctx context.Context) error {
	t := &l.time
	if t.timed != nil && l.due() <= t.now {
		if err := l.tell(ctx); err != nil {
			return err
		}
	}
	if err := l.account(); err != nil {
		return err
	}
	hold := batch.MaxTime
	if t.delaying != nil {
		hold = t.delaying.Hold()
	}
	idle := t.inputs.State() == watermark.Idle && !t.busy(hold)
	if t.idle && !idle {
		t.idle = false
		l.counters.idled(l.number, false)
		if err := l.each(func(e Edge) error { return e.To.setActive(ctx, e.Input) }); err != nil {
			return err
		}
	}
	if w := min(t.inputs.Current(), hold); w > t.sent {
		t.sent = w
		l.counters.passed(l.number, w)
		if err := l.each(func(e Edge) error { return e.To.watermark(ctx, e.Input, w) }); err != nil {
			return err
		}
	}
	if idle && !t.idle {
		t.idle = true
		l.counters.idled(l.number, true)
		if op, ok := l.op.(operator.Idling); ok {
			l.ctx = ctx
			if err := op.Idle(ctx, l.emit); err != nil {
				return l.named(err)
			}
			if err := l.account(); err != nil {
				return err
			}
		}
		return l.each(func(e Edge) error { return e.To.setIdle(ctx, e.Input) })
	}
	return nil
}

func (l *Link) end(ctx context.Context, input int) error {
	change := l.time.inputs.Finish(input)
	finish := func(p *ports) { p.finish(input) }
	l.time.open--
	if l.time.stopped || l.time.open > 0 {
		if err := l.change(ctx, change, finish); err != nil || l.time.open > 0 {
			return err
		}
		return l.halt(ctx)
	}
	if _, err := l.apart(ctx, finish); err != nil {
		return err
	}
	if l.time.timed != nil { // what waits for a later moment has waited long enough
		l.time.now = batch.MaxTime
		if err := l.tell(ctx); err != nil {
			return err
		}
	}
	l.ctx = ctx
	if err := l.op.End(ctx, l.emit); err != nil {
		return l.named(err)
	}
	if err := l.account(); err != nil {
		return err
	}
	l.counters.passed(l.number, batch.MaxTime)
	return l.each(func(e Edge) error { return e.To.end(ctx, e.Input) })
}

// stop says that an input gives no more rows though it has not ended. Its
// watermark counts as before: there could have been more.
func (l *Link) stop(ctx context.Context, _ int) error {
	l.time.open--
	l.time.stopped = true
	if l.time.open > 0 {
		return nil
	}
	return l.halt(ctx)
}

// halt lets the operator work off what is under way, when nothing comes any more.
// What it holds until event time moves on is left as it is.
func (l *Link) halt(ctx context.Context) error {
	if op, ok := l.op.(operator.Stopping); ok {
		l.ctx = ctx
		if err := op.Stop(ctx, l.emit); err != nil {
			return l.named(err)
		}
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	l.counters.left(l.op)
	return l.each(func(e Edge) error { return e.To.stop(ctx, e.Input) })
}
