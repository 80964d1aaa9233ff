// Package task runs one fused chain: it takes messages from inputs, drives the
// operators, and passes batches, watermarks and the end of input downstream.
//
//	input ──▶ link(keyby) ──▶ link(where) ─┬─▶ link(partial) ──▶ exchange
//	                                       └─▶ link(write)
//
// A link is an operator with what surrounds it: the combined watermark of its
// inputs, the links behind it, its counters, and its share of the memory
// budget. A batch is handed down by plain calls; one goroutine does all.
package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/invariants"
	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/sdk/batch"
)

// Downstream takes what a link or an input gives.
type Downstream interface {
	process(ctx context.Context, input int, b *batch.Batch) error
	watermark(ctx context.Context, input int, w int64) error
	setIdle(ctx context.Context, input int) error
	setActive(ctx context.Context, input int) error
	processingTime(ctx context.Context, now int64) error
	end(ctx context.Context, input int) error
	stop(ctx context.Context, input int) error
	endKeyGroup(ctx context.Context) error
	expect(rows int64)
}

// Edge is one input of a Downstream.
type Edge struct {
	To    Downstream
	Input int
}

// StepError is an error in a step of the pipeline.
type StepError struct {
	Step  string // the name the user gave
	Place string // file:line where the step was made
	Err   error
}

// Error names the step and where it was made.
func (e *StepError) Error() string { return fmt.Sprintf("step %q (%s): %v", e.Step, e.Place, e.Err) }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// Link is an operator in its chain.
type Link struct {
	step     string
	place    string
	op       operator.Operator
	dropped  *operator.Counters
	time     timing
	ports    *ports   // nil: the operator does not look at inputs apart
	outs     [][]Edge // by output
	counters *Counters
	number   int // of the task
	budget   *memory.Budget
	reserved int64
	counted  int64 // dropped rows already in counters
	watch    *stopwatch
	sender   *exchange.Sender // where the operator sends to; nil: it does not
	emit     func(o int, b *batch.Batch) error
	ctx      context.Context // of the call under way, for emit
}

// NewLink wraps an operator with so many inputs and outputs.
func NewLink(step, place string, op operator.Operator, inputs, outputs int, dropped *operator.Counters, counters *Counters, budget *memory.Budget) *Link {
	l := &Link{step: step, place: place, op: op, dropped: dropped, time: newTiming(op, inputs),
		outs: make([][]Edge, outputs), counters: counters, budget: budget}
	if apart, ok := op.(operator.Apart); ok {
		l.ports = newPorts(apart, inputs)
	}
	l.emit = l.pass
	return l
}

// Connect lets output o of the link feed an edge.
func (l *Link) Connect(o int, to Edge) {
	l.outs[o] = append(l.outs[o], to)
	if s, ok := to.To.(Sending); ok {
		l.sender = s.Sender
	}
}

func (l *Link) pass(o int, b *batch.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	if o == 0 {
		l.counters.RowsOut.Add(int64(b.Len()))
	}
	for _, e := range l.outs[o] {
		if err := e.To.process(l.ctx, e.Input, b); err != nil {
			return &passed{err}
		}
	}
	return nil
}

// passed marks an error that a link further down has already named.
type passed struct{ error }

// Unwrap returns the error.
func (p *passed) Unwrap() error { return p.error }

// named wraps an error of the link's own operator with the step's name.
func (l *Link) named(err error) error {
	if err == nil {
		return nil
	}
	var further *passed
	if errors.As(err, &further) {
		return further.error
	}
	var step *StepError
	if errors.As(err, &step) || errors.Is(err, context.Canceled) {
		return err
	}
	return &StepError{Step: l.step, Place: l.place, Err: err}
}

func (l *Link) process(ctx context.Context, input int, b *batch.Batch) error {
	l.counters.Batches.Add(1)
	lap := l.watch.begin(l.sender)
	err := l.handle(ctx, input, b)
	l.counters.busy.Add(l.watch.end(lap))
	return err
}

func (l *Link) handle(ctx context.Context, input int, b *batch.Batch) error {
	if invariants.Enabled {
		if err := invariants.Batch(b); err != nil {
			return l.named(fmt.Errorf("internal error, please report it: the batch that came in is broken: %w", err))
		}
	}
	l.counters.RowsIn.Add(int64(b.Len()))
	if l.time.timed != nil {
		if err := l.tell(ctx); err != nil {
			return err
		}
	}
	l.ctx = ctx
	var err error
	if op, ok := l.op.(operator.Sided); ok && input > 0 {
		err = op.ProcessSide(ctx, input, b, l.emit)
	} else {
		err = l.op.Process(ctx, b, l.emit)
	}
	if err != nil {
		return l.named(err)
	}
	if l.time.delaying != nil || l.time.timed != nil {
		return l.settle(ctx)
	}
	return l.account()
}

// endKeyGroup tells the operator that the rows of a key group are complete. It
// goes no further: the next links see no key groups.
func (l *Link) endKeyGroup(ctx context.Context) error {
	op, ok := l.op.(operator.KeyGrouped)
	if !ok {
		return nil
	}
	l.ctx = ctx
	if err := op.EndKeyGroup(ctx, l.emit); err != nil {
		return l.named(err)
	}
	return l.account()
}

func (l *Link) expect(rows int64) {
	if op, ok := l.op.(operator.Expecting); ok {
		op.Expect(rows)
	}
}

// account reserves what the operator's state has grown by.
func (l *Link) account() error {
	if l.dropped != nil {
		l.counters.Dropped.Add(l.dropped.Dropped - l.counted)
		l.counted = l.dropped.Dropped
	}
	return l.named(l.Account())
}

// Account reserves what the operator holds by now. The operator may call it in
// the middle of its work.
func (l *Link) Account() error {
	sized, ok := l.op.(operator.Sized)
	if !ok {
		return nil
	}
	now := sized.SizeBytes()
	if now == l.reserved {
		return nil
	}
	if err := l.budget.Reserve(fmt.Sprintf("the state of step %q", l.step), now-l.reserved); err != nil {
		return err
	}
	l.counters.State.Add(now - l.reserved)
	l.reserved = now
	return nil
}

func (l *Link) each(f func(Edge) error) error {
	for _, edges := range l.outs {
		for _, e := range edges {
			if err := f(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close closes the operator and gives its memory back.
func (l *Link) Close() error {
	l.budget.Release(l.reserved)
	l.reserved = 0
	return l.named(l.op.Close())
}

// Sending passes watermarks and the end of input into an exchange. Batches get
// there through the sending operator.
type Sending struct{ Sender *exchange.Sender }

func (s Sending) process(context.Context, int, *batch.Batch) error {
	return errors.New("internal: a batch reached the control side of an exchange")
}

func (s Sending) watermark(_ context.Context, _ int, w int64) error {
	s.Sender.Broadcast(exchange.Message{Kind: exchange.Watermark, Watermark: w})
	return nil
}

func (s Sending) setIdle(context.Context, int) error {
	s.Sender.Broadcast(exchange.Message{Kind: exchange.Idle})
	return nil
}

func (s Sending) setActive(context.Context, int) error {
	s.Sender.Broadcast(exchange.Message{Kind: exchange.Active})
	return nil
}

func (s Sending) processingTime(_ context.Context, now int64) error {
	s.Sender.Broadcast(exchange.Message{Kind: exchange.ProcessingTime, Time: now})
	return nil
}

func (s Sending) end(context.Context, int) error {
	s.Sender.Broadcast(exchange.Message{Kind: exchange.End})
	return nil
}

func (s Sending) stop(context.Context, int) error {
	s.Sender.Broadcast(exchange.Message{Kind: exchange.Stop})
	return nil
}

func (s Sending) endKeyGroup(context.Context) error { return nil }

func (s Sending) expect(int64) {}
