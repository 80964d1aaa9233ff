// Package leattest tests pipelines in plain Go tests: sources that say exactly
// what happens when, and a look at what came out.
//
//	clicks := leat.Read[Click](p, "clicks", leattest.Stream[Click](
//		leattest.At(noon, Click{"ann"}, Click{"bob"}),      // two rows, one batch
//		leattest.Watermark(noon.Add(time.Minute)),          // no more rows before 12:01
//		leattest.At(noon, Click{"ann"}),                    // late
//		leattest.ProcessingTime(5*time.Second),             // the clock moves on
//	))                                                          // the end
//	out := leattest.Capture(count(clicks), "counts")
//	local.Run(ctx, p, local.Options{})
//	out.Rows()
//
// The central idea: each event is worked off by the whole pipeline, whatever the
// number of its tasks, before the next one happens. So a test of time gives the
// same answer every time, and no test sleeps.
//
// Several streams in one pipeline take turns: the first event of each, in the
// order of Read, then the second of each, and so on; Pause leaves a turn out. They
// share one clock, which begins at the epoch and is moved by any of them; steps that
// are only behind another stream see it move at that stream's next turn.
package leattest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
)

// Event is one thing that happens in a Stream.
type Event struct {
	kind   eventKind
	groups []group       // of rows
	at     time.Time     // of a watermark
	by     time.Duration // of the clock
}

type eventKind uint8

const (
	nothing eventKind = iota
	rows
	watermark
	idle
	active
	clock
)

// group is rows of one time.
type group struct {
	at     time.Time
	values any // []T
}

// At makes rows arrive in one batch, with event time t.
func At[T any](t time.Time, values ...T) Event {
	return Event{kind: rows, groups: []group{{t, values}}}
}

// Batch makes the rows of several At arrive in one batch.
func Batch(events ...Event) Event {
	all := Event{kind: rows}
	for _, e := range events {
		if e.kind != rows {
			return Event{kind: rows, groups: []group{{time.Time{}, e.kind}}} // Validate refuses it
		}
		all.groups = append(all.groups, e.groups...)
	}
	return all
}

// Watermark says that no more rows with an event time before t will come. Those
// that do are late.
func Watermark(t time.Time) Event { return Event{kind: watermark, at: t} }

// WatermarkToEnd says that no more rows will come that are not late. Behind the
// last event of a stream that is so by itself.
func WatermarkToEnd() Event { return Watermark(time.UnixMicro(batch.MaxTime).UTC()) }

// Idle says that the stream has nothing at the moment and nobody should wait for
// it. The next rows or watermark end that.
func Idle() Event { return Event{kind: idle} }

// Active ends Idle by itself, with the watermark that the stream had before.
func Active() Event { return Event{kind: active} }

// ProcessingTime moves the clock on by d.
func ProcessingTime(d time.Duration) Event { return Event{kind: clock, by: d} }

// Pause does nothing: where streams take turns, another one has its turn.
func Pause() Event { return Event{} }

// Stream is a source of rows of T to which the events happen one after the other;
// then it ends. It has one split. Rows have the event times of At unless leat.Read
// is told otherwise, and the watermarks are those of the events unless it is given
// a generator. Without rows the zero Stream is an input that ends at once.
//
// A stream that says something about time runs on the streaming plan. One of
// nothing but rows is bounded, and runs on both.
func Stream[T any](events ...Event) connector.Source { return stream[T]{events} }

type stream[T any] struct{ events []Event }

// String implements connector.Source.
func (s stream[T]) String() string { return fmt.Sprintf("leattest (%d events)", len(s.events)) }

// Bounded implements connector.Source.
func (s stream[T]) Bounded() bool {
	for _, e := range s.events {
		if e.kind != rows && e.kind != nothing {
			return false
		}
	}
	return true
}

// Timed implements connector.Timed.
func (s stream[T]) Timed() bool { return true }

// Scripted implements connector.Scripted.
func (s stream[T]) Scripted() bool { return true }

// Validate implements connector.Source.
func (s stream[T]) Validate(t *batch.Type) error {
	c, err := codec.For[T]()
	if err != nil {
		return err
	}
	var zero T
	if !c.Type().Equal(t) {
		return fmt.Errorf("leattest.Stream[%T] has rows of type %s, but the step reads rows of type %s; use the same Go type in both", zero, c.Type(), t)
	}
	var errs []error
	for i, e := range s.events {
		if err := check[T](e); err != nil {
			errs = append(errs, fmt.Errorf("event %d of leattest.Stream[%T]: %w", i, zero, err))
		}
	}
	return errors.Join(errs...)
}

// check refuses an event that cannot happen.
func check[T any](e Event) error {
	var zero T
	for _, g := range e.groups {
		switch values := g.values.(type) {
		case []T:
		case eventKind:
			return errors.New("leattest.Batch takes the results of leattest.At and nothing else")
		default:
			return fmt.Errorf("the values are %T; write leattest.At[%T](…)", values, zero)
		}
		if _, err := micros(g.at); err != nil {
			return err
		}
	}
	if e.kind == clock && (e.by < 0 || e.by%time.Microsecond != 0) {
		return fmt.Errorf("processing time moves by %s; it goes forward, by whole microseconds", e.by)
	}
	return nil
}

// micros converts an event time, floored to microseconds.
func micros(t time.Time) (int64, error) {
	if s := t.Unix(); s <= batch.MinTime/1e6 || s >= batch.MaxTime/1e6 {
		return 0, fmt.Errorf("the event time %s is out of range: times reach from year %d to %d", t.Format(time.RFC3339),
			time.UnixMicro(batch.MinTime).UTC().Year(), time.UnixMicro(batch.MaxTime).UTC().Year())
	}
	return t.UnixMicro(), nil
}

// Open implements connector.Source.
func (s stream[T]) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	return input[T]{s.events, r}, ctx.Err()
}

type input[T any] struct {
	events  []Event
	request connector.Request
}

// Splits implements connector.Input.
func (in input[T]) Splits() []connector.Split {
	return []connector.Split{{Name: "leattest", Rows: -1, Bytes: -1}}
}

// Reader implements connector.Input.
func (in input[T]) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	if s.Name != "leattest" {
		return nil, fmt.Errorf("split %s is not the one of a leattest.Stream", s.Name)
	}
	c, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	return &reader[T]{events: in.events, request: in.request, encoder: c.NewEncoder()}, ctx.Err()
}

// Close implements connector.Input.
func (in input[T]) Close() error { return nil }

// reader lets the events happen.
type reader[T any] struct {
	events  []Event
	request connector.Request
	encoder *codec.Encoder[T]
	ready   *batch.Batch // rows of the event under way, when they are more than a batch
}

// Read implements connector.Reader: it leaves out what is no rows.
func (r *reader[T]) Read(ctx context.Context) (*batch.Batch, error) {
	for {
		e, err := r.ReadEvent(ctx)
		if err != nil || e.Kind == connector.Rows {
			return e.Batch, err
		}
	}
}

// ReadEvent implements connector.EventReader.
func (r *reader[T]) ReadEvent(ctx context.Context) (connector.Event, error) {
	if err := ctx.Err(); err != nil {
		return connector.Event{}, err
	}
	if r.ready != nil {
		return r.rows(), nil
	}
	if len(r.events) == 0 {
		return connector.Event{}, io.EOF
	}
	e := r.events[0]
	r.events = r.events[1:]
	switch e.kind {
	case rows:
		return r.encode(e.groups)
	case watermark:
		return connector.Event{Kind: connector.Watermark, Time: within(e.at)}, nil
	case idle:
		return connector.Event{Kind: connector.Idle}, nil
	case active:
		return connector.Event{Kind: connector.Active}, nil
	}
	return connector.Event{Kind: connector.Advance, Time: e.by.Microseconds()}, nil // a pause: by nothing
}

// within converts the time of a watermark: one before or beyond all times stands
// for the beginning or the end.
func within(t time.Time) int64 {
	switch s := t.Unix(); {
	case s <= batch.MinTime/1e6:
		return batch.MinTime
	case s >= batch.MaxTime/1e6:
		return batch.MaxTime
	}
	return t.UnixMicro()
}

func (r *reader[T]) encode(groups []group) (connector.Event, error) {
	var times []int64
	for _, g := range groups {
		at, err := micros(g.at)
		if err != nil {
			return connector.Event{}, err
		}
		values := g.values.([]T) // Validate has seen to it
		for i := range values {
			if err := r.encoder.Append(values[i : i+1]); err != nil {
				bad := connector.BadRecord{Place: "a row in leattest", Raw: fmt.Appendf(nil, "%+v", values[i]), Err: err}
				if err := r.request.Bad(bad); err != nil {
					return connector.Event{}, err
				}
				continue
			}
			times = append(times, at)
		}
	}
	if len(times) == 0 {
		return connector.Event{Kind: connector.Advance}, nil
	}
	r.ready = &batch.Batch{Root: r.encoder.Finish(), Time: times}
	return r.rows(), nil
}

// rows returns the next of the rows that are ready, as many as one batch may have.
func (r *reader[T]) rows() connector.Event {
	b := r.ready
	n := min(b.Len(), r.request.Rows())
	if r.ready = nil; n < b.Len() {
		r.ready = b.Slice(n, b.Len())
	}
	return connector.Event{Batch: b.Slice(0, n), More: r.ready != nil}
}

// Close implements connector.Reader.
func (r *reader[T]) Close() error { return nil }
