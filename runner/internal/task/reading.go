package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
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
	apart   bool              // an order of its own: its errors name the split
	until   context.Context   // done when the source is to stop; nil before the first read
	freed   func()            // gives back what until took
	split   connector.Split
	reader  connector.Reader
	waiting []Message

	times   graph.TimeFn    // event times by a function of the row
	marks   graph.TimeFn    // watermarks of rows, by a function or of a column
	tracker *wm.Tracker     // made at the first batch
	pace    *watermark.Pace // nil: nobody listens before the end
	rank    int             // in the alignment of the source's readers

	tracked  *tracked // nil: nobody listens, or nothing is read
	scripted bool
	steps    int   // events read of a script
	more     bool  // the next is a part of the last
	shown    int64 // what the clock of the scripts shows to the steps behind
	fetching fetching
}

// NewReading returns an input that takes splits from the source's queue, which it
// shares with other tasks.
func NewReading(s *Source) *Reading {
	r := NewReadingOf(s, nil)
	r.shared = true
	return r
}

// NewReadingOfOne returns an input that reads a split that is an order of its own.
func NewReadingOfOne(s *Source, split connector.Split) *Reading {
	r := NewReadingOf(s, []connector.Split{split})
	r.apart = true
	return r
}

// NewReadingOf returns an input that reads splits of its own. It is under way until
// it has given its last message.
func NewReadingOf(s *Source, splits []connector.Split) *Reading {
	t := s.Read.EventTime
	r := &Reading{source: s, own: splits, scripted: s.Script != nil && connector.IsScripted(s.Read.Source)}
	s.Script.Begin()
	if t.New != nil {
		r.times = t.New()
	}
	if t.Marks != nil {
		r.marks = t.Marks()
	}
	if s.Watermarks {
		g := t.Generator
		r.pace = watermark.NewPace(g.Interval().Microseconds(), g.Idle().Microseconds())
		r.rank = s.align()
	}
	return r
}

// Next implements Input.
func (r *Reading) Next(ctx context.Context) (Message, error) {
	if err := r.fill(ctx); err != nil {
		return Message{}, err
	}
	m := r.waiting[0]
	r.waiting = r.waiting[1:]
	return m, nil
}

// all returns the messages of the next event. They belong to the caller.
func (r *Reading) all(ctx context.Context) ([]Message, error) {
	if err := r.fill(ctx); err != nil {
		return nil, err
	}
	all := r.waiting
	r.waiting = nil
	return all, nil
}

// fill reads until there is something to say.
func (r *Reading) fill(ctx context.Context) error {
	if r.until == nil {
		r.until, r.freed = r.source.untilStopped(ctx)
	}
	for len(r.waiting) == 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.source.Stopped() {
			return r.stop()
		}
		more, err := r.step(ctx)
		switch {
		case err != nil && (errors.Is(err, context.Canceled) || errors.Is(err, errStopped)) && r.source.Stopped() && ctx.Err() == nil:
			return r.stop()
		case err != nil:
			return r.source.named(r.place(err))
		case !more:
			r.end(exchange.End)
		}
	}
	return nil
}

// step opens a split or reads one event of it. more is false behind the last split.
func (r *Reading) step(ctx context.Context) (more bool, err error) {
	if r.reader == nil {
		if more, err := r.open(r.until); !more || err != nil {
			return more, err
		}
	}
	return true, r.read(r.until)
}

// stop ends the reading before its input has ended.
func (r *Reading) stop() error {
	if err := r.closeReader(); err != nil {
		return r.source.named(err)
	}
	r.source.Stopping.cut.Store(true)
	if r.source.Stopping.Complete {
		r.end(exchange.End)
	} else {
		r.end(exchange.Stop)
	}
	return nil
}

// place names the split in an error about it, unless it does so itself.
func (r *Reading) place(err error) error {
	var bad connector.BadRecord
	if !r.apart || errors.Is(err, context.Canceled) || errors.As(err, &bad) || strings.Contains(err.Error(), r.split.Name) {
		return err
	}
	return fmt.Errorf("%s: %w", r.split.Name, err)
}

// add puts messages in line.
func (r *Reading) add(messages ...Message) {
	for range messages {
		r.source.Script.Begin()
	}
	r.waiting = append(r.waiting, messages...)
}

// end is the last that is said.
func (r *Reading) end(kind exchange.Kind) {
	if w := r.flush(); kind == exchange.Stop && w.Watermark > batch.MinTime {
		r.say(w)
	}
	r.add(r.badMessages()...)
	r.add(control(kind, batch.MaxTime))
	r.moved(watermark.Input{State: watermark.Finished})
	r.source.Script.Done()
	r.freed()
}

// flush says a watermark that waited for its time.
func (r *Reading) flush() watermark.Say {
	if r.pace == nil {
		return watermark.Say{Watermark: batch.MinTime}
	}
	return r.pace.Flush()
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
	if r.pace != nil {
		r.tracked = r.source.track(r.split)
		if r.tracker != nil { // it goes on from the split before
			r.tracked.said(r.tracker.Current())
		}
	}
	r.reader, err = r.source.Input.Reader(ctx, r.split)
	return true, err
}

// read reads one event into waiting, or closes the reader at its end. It may come
// back with less: what is to be said because time has passed.
func (r *Reading) read(ctx context.Context) error {
	if held, err := r.align(ctx); held || err != nil {
		return err
	}
	e, came, err := r.event(ctx)
	r.add(r.badMessages()...)
	if errors.Is(err, io.EOF) {
		r.source.Counters.SplitsDone.Add(1)
		r.source.Counters.BytesDone.Add(max(r.split.Bytes, 0))
		return r.closeReader()
	}
	if err != nil || !came {
		return err
	}
	if e.Kind == connector.Rows {
		if e.Batch.Len() == 0 { // there were bad records alone
			return nil
		}
		return r.rows(e.Batch)
	}
	if r.pace != nil {
		r.said(e)
	}
	return nil
}

// rows passes rows on, and what they say of the watermark.
func (r *Reading) rows(b *batch.Batch) error {
	stamped, err := r.stamp(b)
	if err != nil {
		return r.at(err)
	}
	r.source.Counters.Rows.Add(int64(b.Len()))
	r.tracked.came(b.Len())
	if stamped, err = r.believe(stamped); err != nil {
		return err
	}
	r.add(r.badMessages()...)
	if stamped.Len() == 0 {
		return nil
	}
	if r.pace == nil {
		r.data(stamped)
		return nil
	}
	r.say(r.pace.Came())
	return r.watch(stamped)
}

func (r *Reading) data(b *batch.Batch) {
	r.add(Message{Message: exchange.Message{Kind: exchange.Data, Batch: b}})
}

// stamp sets the event times of a batch.
func (r *Reading) stamp(b *batch.Batch) (*batch.Batch, error) {
	t := r.source.Read.EventTime
	out := *b
	switch {
	case r.times != nil:
		times, err := r.times(b.Root)
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

// at names the split in an error about its rows.
func (r *Reading) at(err error) error { return fmt.Errorf("%s: %w", r.split.Name, err) }

// Close implements Input.
func (r *Reading) Close() error {
	if r.freed != nil {
		defer r.freed()
	}
	return r.closeReader()
}

func (r *Reading) closeReader() error {
	if r.tracked != nil {
		r.source.forget(r.tracked)
		r.tracked = nil
	}
	if r.reader == nil {
		return nil
	}
	r.fetching.stop()
	err := r.reader.Close()
	r.reader = nil
	return err
}
