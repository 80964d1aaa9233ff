package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
	wm "github.com/leatflow/leat/sdk/watermark"
)

// Input is where a task's messages come from. One goroutine uses it.
type Input interface {
	// Next returns the next message; End is the last.
	Next(ctx context.Context) (Message, error)
	Close() error
}

// Message is a message on its way to a link: output is 0, or 1 for bad records.
type Message struct {
	exchange.Message
	Output int
}

// Receiving is the input side of an exchange: it combines the watermarks of the
// channels.
type Receiving struct {
	Receiver *exchange.Receiver
	channels *watermark.Combiner
}

// NewReceiving returns the input side of consumer i.
func NewReceiving(r *exchange.Receiver) *Receiving {
	return &Receiving{Receiver: r, channels: watermark.NewCombiner(r.Producers())}
}

// Next implements Input.
func (r *Receiving) Next(ctx context.Context) (Message, error) {
	for {
		from, m, err := r.Receiver.Next(ctx)
		if err != nil {
			return Message{}, err
		}
		switch m.Kind {
		case exchange.Watermark:
			if w, rose := r.channels.Advance(from, m.Watermark); rose {
				return control(exchange.Watermark, w), nil
			}
		case exchange.End:
			w, rose := r.channels.Finish(from)
			if r.channels.Done() {
				return control(exchange.End, batch.MaxTime), nil
			}
			if rose {
				return control(exchange.Watermark, w), nil
			}
		default:
			return Message{Message: m}, nil
		}
	}
}

func control(k exchange.Kind, w int64) Message {
	return Message{Message: exchange.Message{Kind: k, Watermark: w}}
}

// Close implements Input.
func (r *Receiving) Close() error { return nil }

// Source is an opened source, shared by the tasks that read it.
type Source struct {
	Node  *graph.Node
	Read  *graph.Read
	Input connector.Input
	// Watermarks asks for watermarks while reading: in a batch plan nobody
	// listens before the end.
	Watermarks bool
	Counters   *SourceCounters

	mu     sync.Mutex
	splits []connector.Split
	bad    []connector.BadRecord // waiting to be emitted to output 1
}

// SourceCounters count what a source has read. They may be read while it runs.
type SourceCounters struct {
	Rows, BadRecords       atomic.Int64
	SplitsDone, BytesDone  atomic.Int64
	SplitsTotal, SizeTotal int64 // SizeTotal is -1 when a split's size is not known
}

// NewSource takes the splits of an opened source.
func NewSource(n *graph.Node, input connector.Input, watermarks bool, counters *SourceCounters) *Source {
	s := &Source{Node: n, Read: n.Op.(*graph.Read), Input: input, Watermarks: watermarks, Counters: counters, splits: input.Splits()}
	counters.SplitsTotal = int64(len(s.splits))
	for _, split := range s.splits {
		if split.Bytes < 0 || counters.SizeTotal < 0 {
			counters.SizeTotal = -1
			continue
		}
		counters.SizeTotal += split.Bytes
	}
	return s
}

// Splits returns the splits that no reader has taken.
func (s *Source) Splits() []connector.Split { return s.splits }

// Range returns the splits of task i of n when each takes a contiguous range, the
// first task the first: those whose middle lies in the i-th n-th of all rows. It
// depends on the splits alone.
func (s *Source) Range(i, n int) []connector.Split {
	weight := func(split connector.Split) int64 { return 1 }
	switch {
	case !slices.ContainsFunc(s.splits, func(split connector.Split) bool { return split.Rows < 0 }):
		weight = func(split connector.Split) int64 { return 1 + split.Rows }
	case s.Counters.SizeTotal >= 0:
		weight = func(split connector.Split) int64 { return 1 + split.Bytes }
	}
	var all, before int64
	for _, split := range s.splits {
		all += weight(split)
	}
	var mine []connector.Split
	for _, split := range s.splits {
		w := weight(split)
		middle := float64(before) + float64(w)/2
		if min(int(middle/float64(all)*float64(n)), n-1) == i {
			mine = append(mine, split)
		}
		before += w
	}
	return mine
}

// take returns the next split in the source's order.
func (s *Source) take() (connector.Split, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.splits) == 0 {
		return connector.Split{}, false
	}
	next := s.splits[0]
	s.splits = s.splits[1:]
	return next, true
}

// Bad applies the user's policy to a record that could not be decoded.
func (s *Source) Bad(b connector.BadRecord) error {
	s.Counters.BadRecords.Add(1)
	switch s.Read.Policy {
	case graph.BadSkips:
		return nil
	case graph.BadGoes:
		b.Raw = append([]byte(nil), b.Raw...)
		s.mu.Lock()
		s.bad = append(s.bad, b)
		s.mu.Unlock()
		return nil
	}
	return fmt.Errorf("%w; to go on without such records use leat.SkipBad or leat.BadTo", b)
}

func (s *Source) takeBad() []connector.BadRecord {
	if s.Read.Policy != graph.BadGoes {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := s.bad
	s.bad = nil
	return bad
}

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
	r := &Reading{source: s, own: splits, sent: batch.MinTime}
	if s.Read.EventTime.New != nil {
		r.time = s.Read.EventTime.New()
	}
	return r
}

// Next implements Input.
func (r *Reading) Next(ctx context.Context) (Message, error) {
	for {
		if len(r.waiting) > 0 {
			m := r.waiting[0]
			r.waiting = r.waiting[1:]
			return m, nil
		}
		if err := ctx.Err(); err != nil {
			return Message{}, err
		}
		if r.reader == nil {
			more, err := r.open(ctx)
			if err != nil {
				return Message{}, r.named(err)
			}
			if !more {
				r.waiting = append(r.badMessages(), control(exchange.End, batch.MaxTime))
				continue
			}
		}
		if err := r.read(ctx); err != nil {
			return Message{}, r.named(err)
		}
	}
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

// read reads one batch into waiting, or closes the reader at its end.
func (r *Reading) read(ctx context.Context) error {
	b, err := r.reader.Read(ctx)
	r.waiting = append(r.waiting, r.badMessages()...)
	if errors.Is(err, io.EOF) {
		r.source.Counters.SplitsDone.Add(1)
		r.source.Counters.BytesDone.Add(max(r.split.Bytes, 0))
		return r.Close()
	}
	if err != nil {
		return err
	}
	stamped, err := r.stamp(b)
	if err != nil {
		return fmt.Errorf("%s: %w", r.split.Name, err)
	}
	r.source.Counters.Rows.Add(int64(b.Len()))
	r.waiting = append(r.waiting, Message{Message: exchange.Message{Kind: exchange.Data, Batch: stamped}})
	if r.source.Watermarks && stamped.Time != nil {
		w, err := r.observe(stamped.Time)
		if err != nil {
			return err
		}
		if w > r.sent {
			r.sent = w
			r.waiting = append(r.waiting, control(exchange.Watermark, w))
		}
	}
	return nil
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
