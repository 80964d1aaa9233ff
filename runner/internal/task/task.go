package task

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/runner/internal/exchange"
)

// Input is where a task's messages come from. One goroutine uses it.
type Input interface {
	// Next returns the next message; End or Stop is the last.
	Next(ctx context.Context) (Message, error)
	Close() error
}

// Message is a message on its way to a link: output is 0, or 1 for bad records.
type Message struct {
	exchange.Message
	Output int
}

// last reports whether nothing comes behind the message.
func (m *Message) last() bool { return m.Kind == exchange.End || m.Kind == exchange.Stop }

// Entry is an input of a task and the edges it feeds, by output.
type Entry struct {
	Input  Input
	Outs   [][]Edge
	Script *Script
}

// Task is one instance of a stage.
type Task struct {
	Entries []Entry
	Links   []*Link // each behind those that feed it; closed at the end
	// Concurrent: the inputs make progress at the same time (streaming plan).
	// Otherwise they are read one after the other.
	Concurrent bool

	since atomic.Int64 // when the call under way began, in ns since the epoch; 0: none is
}

// Measure has the time in each link counted. Call it when all are there.
func (t *Task) Measure() {
	w := &stopwatch{}
	for _, l := range t.Links {
		l.watch = w
	}
}

// Working returns how long the task has been at work on one message, or on what an
// operator was woken for, by now; zero when it waits for one.
func (t *Task) Working() time.Duration {
	since := t.since.Load()
	if since == 0 {
		return 0
	}
	return time.Since(time.Unix(0, since))
}

// begin lets it be seen that the task is at work, until the returned function is called.
func (t *Task) begin() (rests func()) {
	if !t.Concurrent {
		return func() {}
	}
	t.since.Store(time.Now().UnixNano())
	return func() { t.since.Store(0) }
}

// Run runs the task until every input has ended, an error, or ctx is done. In
// any case every input and operator is closed.
func (t *Task) Run(ctx context.Context) (err error) {
	defer func() {
		for _, e := range t.Entries {
			err = errors.Join(err, e.Input.Close())
		}
		for _, l := range t.Links {
			err = errors.Join(err, l.Close())
		}
	}()
	if t.Concurrent && (len(t.Entries) > 1 || len(t.timed()) > 0 || len(t.waking()) > 0) {
		return t.runConcurrent(ctx)
	}
	return guard(func() error { return t.runInTurn(ctx) })
}

// guard turns a panic into an error. Panics of user code never get here: they
// are errors with step and row already. What does is a bug of ours.
func guard(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error, please report it: %v\n%s", v, debug.Stack())
		}
	}()
	return run()
}

// runInTurn reads one input after the other.
func (t *Task) runInTurn(ctx context.Context) error {
	for _, e := range t.Entries {
		e.announce()
		for done := false; !done; {
			m, err := e.Input.Next(ctx)
			if err != nil {
				return err
			}
			rests := t.begin()
			done, err = e.handle(ctx, m)
			if rests(); err != nil {
				return err
			}
		}
	}
	return nil
}

// announce tells the links behind an exchange how many rows wait in it.
func (e *Entry) announce() {
	r, ok := e.Input.(*Receiving)
	if !ok {
		return
	}
	rows := r.Receiver.Waiting()
	for _, edge := range e.Outs[0] {
		edge.To.expect(rows)
	}
}

// handle passes a message to the links behind the input.
func (e *Entry) handle(ctx context.Context, m Message) (done bool, err error) {
	defer e.Script.Done()
	if m.Kind == exchange.Data {
		for _, edge := range e.Outs[m.Output] {
			if err := edge.To.process(ctx, edge.Input, m.Batch); err != nil {
				return false, err
			}
		}
		return false, nil
	}
	for _, edges := range e.Outs {
		for _, edge := range edges {
			switch m.Kind {
			case exchange.Watermark:
				err = edge.To.watermark(ctx, edge.Input, m.Watermark)
			case exchange.Idle:
				err = edge.To.setIdle(ctx, edge.Input)
			case exchange.Active:
				err = edge.To.setActive(ctx, edge.Input)
			case exchange.ProcessingTime:
				err = edge.To.processingTime(ctx, m.Time)
			case exchange.KeyGroupEnd:
				err = edge.To.endKeyGroup(ctx)
			case exchange.End:
				err = edge.To.end(ctx, edge.Input)
			case exchange.Stop:
				err = edge.To.stop(ctx, edge.Input)
			}
			if err != nil {
				return false, err
			}
		}
	}
	return m.last(), nil
}

// item is a message with the entry it belongs to, or the wake of a link.
type item struct {
	entry *Entry
	Message
	wake *Link
}

// handle wakes the link or passes the message on.
func (it *item) handle(ctx context.Context) (done bool, err error) {
	if it.wake != nil {
		return false, it.wake.wake(ctx)
	}
	return it.entry.handle(ctx, it.Message)
}

// runConcurrent gives every input a goroutine that does nothing but wait for
// it; the operators still run in this one.
func (t *Task) runConcurrent(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	items := make(chan item, 2*len(t.Entries))
	for i := range t.Entries {
		group.Go(func() error {
			return guard(func() error { return pump(ctx, &t.Entries[i], items) })
		})
	}
	quit := make(chan struct{})
	for _, l := range t.waking() {
		group.Go(func() error { watch(ctx, l, items, quit); return nil })
	}
	group.Go(func() error {
		defer close(quit)
		return guard(func() error { return t.drain(ctx, items) })
	})
	return group.Wait()
}

// drain handles messages until every input has ended, and wakes operators for
// which something has happened or a moment of the wall clock has come.
func (t *Task) drain(ctx context.Context, items <-chan item) error {
	alarm := newAlarm(t.timed())
	defer alarm.stop()
	for open := len(t.Entries); open > 0; {
		alarm.set()
		select {
		case it := <-items:
			rests := t.begin()
			done, err := it.handle(ctx)
			if rests(); err != nil {
				return err
			}
			if done {
				open--
			}
		case <-alarm.rings():
			rests := t.begin()
			err := alarm.ring(ctx)
			if rests(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pump moves the messages of one input into the task.
func pump(ctx context.Context, e *Entry, items chan<- item) error {
	for {
		m, err := e.Input.Next(ctx)
		if err != nil {
			return err
		}
		select {
		case items <- item{entry: e, Message: m}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if m.last() {
			return nil
		}
	}
}
