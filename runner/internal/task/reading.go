package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
	wm "github.com/leatflow/leat/sdk/watermark"
)

// Reading is the input of one task from a source: it reads split after split.
// Splits are taken in the source's order and the tracker goes on from split to
// split, so its watermark holds for all that this task may still read: later
// splits are no further behind than the declared disorder.
type Reading struct {
	source  *Source
	own     []connector.Split // read these; the others are for other tasks
	shared  bool              // read what is in the source's queue
	split   connector.Split
	reader  connector.Reader
	time    graph.TimeFn
	tracker *wm.Tracker // made at the first batch
	waiting []Message
	sent    int64 // watermark
	idle    bool

	scripted bool
	steps    int  // events read of a script
	more     bool // the next is a part of the last
}

// NewReading returns an input that takes splits from the source's queue, which it
// shares with other tasks.
func NewReading(s *Source) *Reading {
	r := NewReadingOf(s, nil)
	r.shared = true
	return r
}

// NewReadingOf returns an input that reads splits of its own.
func NewReadingOf(s *Source, splits []connector.Split) *Reading {
	r := &Reading{source: s, own: splits, sent: batch.MinTime, scripted: s.Script != nil && connector.IsScripted(s.Read.Source)}
	if s.Read.EventTime.New != nil {
		r.time = s.Read.EventTime.New()
	}
	return r
}

// Next implements Input.
func (r *Reading) Next(ctx context.Context) (Message, error) {
	for len(r.waiting) == 0 {
		if err := ctx.Err(); err != nil {
			return Message{}, err
		}
		if r.reader == nil {
			more, err := r.open(ctx)
			if err != nil {
				return Message{}, r.named(err)
			}
			if !more {
				r.add(r.badMessages()...)
				r.add(control(exchange.End, batch.MaxTime))
				r.source.Script.Done()
				break
			}
		}
		if err := r.read(ctx); err != nil {
			return Message{}, r.named(err)
		}
	}
	m := r.waiting[0]
	r.waiting = r.waiting[1:]
	return m, nil
}

// add puts messages in line.
func (r *Reading) add(messages ...Message) {
	for range messages {
		r.source.Script.Begin()
	}
	r.waiting = append(r.waiting, messages...)
}

func (r *Reading) named(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &StepError{Step: r.source.Node.Name, Place: r.source.Node.Place, Err: err}
}

func (r *Reading) open(ctx context.Context) (more bool, err error) {
	switch {
	case r.shared:
		r.split, more = r.source.take()
	case len(r.own) > 0:
		r.split, r.own, more = r.own[0], r.own[1:], true
	}
	if !more {
		return false, nil
	}
	r.reader, err = r.source.Input.Reader(ctx, r.split)
	return true, err
}

// read reads one event into waiting, or closes the reader at its end.
func (r *Reading) read(ctx context.Context) error {
	e, err := r.event(ctx)
	r.add(r.badMessages()...)
	if errors.Is(err, io.EOF) {
		r.source.Counters.SplitsDone.Add(1)
		r.source.Counters.BytesDone.Add(max(r.split.Bytes, 0))
		return r.Close()
	}
	if err != nil {
		return err
	}
	if e.Kind == connector.Rows {
		return r.rows(e.Batch)
	}
	if r.source.Watermarks {
		r.said(e)
	}
	return nil
}

// event asks the reader what comes next.
func (r *Reading) event(ctx context.Context) (connector.Event, error) {
	events, ok := r.reader.(connector.EventReader)
	if !ok {
		b, err := r.reader.Read(ctx)
		return connector.Event{Batch: b}, err
	}
	if r.scripted && !r.more {
		if err := r.source.Script.await(ctx, r.steps, r.source.Node.ID); err != nil {
			return connector.Event{}, err
		}
		r.steps++
	}
	e, err := events.ReadEvent(ctx)
	r.more = e.More
	return e, err
}

// rows passes rows on, and what they say of the watermark.
func (r *Reading) rows(b *batch.Batch) error {
	stamped, err := r.stamp(b)
	if err != nil {
		return fmt.Errorf("%s: %w", r.split.Name, err)
	}
	r.source.Counters.Rows.Add(int64(b.Len()))
	r.wake()
	r.add(Message{Message: exchange.Message{Kind: exchange.Data, Batch: stamped}})
	if r.source.Watermarks && stamped.Time != nil {
		w, err := r.observe(stamped.Time)
		if err != nil {
			return err
		}
		r.rise(w)
	}
	return nil
}

// said passes on what the reader itself says of time.
func (r *Reading) said(e connector.Event) {
	switch e.Kind {
	case connector.Watermark:
		if !r.source.Read.EventTime.Generator.Declared() {
			r.wake()
			r.rise(e.Time)
		}
	case connector.Idle:
		if !r.idle {
			r.idle = true
			r.add(control(exchange.Idle, 0))
		}
	case connector.Active:
		r.wake()
	case connector.Advance:
		if r.scripted {
			r.add(Message{Message: exchange.Message{Kind: exchange.ProcessingTime, Time: r.source.Script.advance(e.Time)}})
		}
	}
}

// wake says that an idle reader has something.
func (r *Reading) wake() {
	if r.idle {
		r.idle = false
		r.add(control(exchange.Active, 0))
	}
}

func (r *Reading) rise(w int64) {
	if w = min(w, batch.MaxTime); w > r.sent {
		r.sent = w
		r.add(control(exchange.Watermark, w))
	}
}

// observe asks the tracker, which may run a user's function.
func (r *Reading) observe(times []int64) (w int64, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("watermark %s: the function panicked: %v\n%s", r.source.Read.EventTime.Generator, v, debug.Stack())
		}
	}()
	if r.tracker == nil {
		r.tracker = r.source.Read.EventTime.Generator.New()
	}
	return r.tracker.Observe(times), nil
}

// stamp sets the event times of a batch.
func (r *Reading) stamp(b *batch.Batch) (*batch.Batch, error) {
	t := r.source.Read.EventTime
	out := *b
	switch {
	case r.time != nil:
		times, err := r.time(b.Root)
		if err != nil {
			return nil, fmt.Errorf("event time: %w", err)
		}
		out.Time = times
	case t.Path != nil:
		c := b.Root.Flatten(t.Path)
		for i, at := range c.Ints {
			if at <= batch.MinTime || at >= batch.MaxTime {
				return nil, fmt.Errorf("event time: column %s: %s is out of range", t.Name, c.Format(i))
			}
		}
		out.Time = c.Ints
	}
	return &out, nil
}

func (r *Reading) badMessages() []Message {
	var messages []Message
	for _, bad := range r.source.takeBad() {
		b, err := r.source.Read.Bad(bad)
		if err != nil {
			continue // counted already; a record of strings always encodes
		}
		messages = append(messages, Message{Message: exchange.Message{Kind: exchange.Data, Batch: b}, Output: 1})
	}
	return messages
}

// Close implements Input.
func (r *Reading) Close() error {
	if r.reader == nil {
		return nil
	}
	err := r.reader.Close()
	r.reader = nil
	return err
}
