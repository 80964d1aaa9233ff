package leattest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
)

// Captured holds the rows of a collection in the order in which they came. Its
// methods may be called at any time from any goroutine; a new run starts with
// nothing.
type Captured[T any] struct {
	mu   sync.Mutex
	rows []Row[T]
}

// Row is a row with what the engine knows about it. Times are UTC, and zero when
// the row has none.
type Row[T any] struct {
	Value      T
	Time       time.Time  // event time
	Start, End time.Time  // its window, [Start, End), behind a grouping step
	Pane       batch.Pane // the firing of that window
	Retract    bool       // takes back an earlier row
}

// String renders the row on one line: the value, and what is known besides. The
// pane is left out where it is the only one of its window, and on time.
func (r Row[T]) String() string {
	s := fmt.Sprintf("%+v", r.Value)
	if r.Retract {
		s = "-" + s
	}
	if !r.Time.IsZero() {
		s += " @ " + r.Time.Format(timeFormat)
	}
	if !r.End.IsZero() || !r.Start.IsZero() {
		s += fmt.Sprintf(" [%s, %s)", r.Start.Format(timeFormat), r.End.Format(timeFormat))
		if p := r.Pane; p.Timing != batch.OnTime || !p.First || !p.Last {
			s += fmt.Sprintf(" %s pane %d", p.Timing, p.Index)
		}
	}
	return s
}

const timeFormat = "2006-01-02T15:04:05.999999Z"

// Capture keeps the rows of a collection for the test to look at.
func Capture[T any](in leat.PCollection[T], name string) *Captured[T] {
	c := &Captured[T]{}
	leat.Write(in, name, connector.Sink(capture[T]{c}))
	return c
}

// Rows returns the rows so far, in the order in which they came. What comes from
// different tasks at one event of a script is in no particular order.
func (c *Captured[T]) Rows() []Row[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.rows)
}

// Values returns the values of Rows.
func (c *Captured[T]) Values() []T {
	rows := c.Rows()
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = r.Value
	}
	return values
}

// Sorted returns the rows as text, sorted: equal multisets of rows give equal
// slices.
func (c *Captured[T]) Sorted() []string {
	rows := c.Rows()
	lines := make([]string, len(rows))
	for i, r := range rows {
		lines[i] = r.String()
	}
	slices.Sort(lines)
	return lines
}

// capture is the sink of a Captured.
type capture[T any] struct{ to *Captured[T] }

// String implements connector.Sink.
func (c capture[T]) String() string { return "leattest" }

// Validate implements connector.Sink.
func (c capture[T]) Validate(t *batch.Type) error {
	_, err := c.codec(t)
	return err
}

func (c capture[T]) codec(t *batch.Type) (*codec.Codec[T], error) {
	rows, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	if !rows.Type().Equal(t) {
		var zero T
		return nil, fmt.Errorf("leattest.Capture cannot make rows of type %s into %T; map them to a type that can first", t, zero)
	}
	return rows, nil
}

// Open implements connector.Sink.
func (c capture[T]) Open(ctx context.Context, r connector.SinkRequest) (connector.Output, error) {
	rows, err := c.codec(r.Type)
	if err != nil {
		return nil, err
	}
	c.to.mu.Lock()
	defer c.to.mu.Unlock()
	c.to.rows = nil
	return capturing[T]{c.to, rows}, ctx.Err()
}

// capturing is an opened capture, and the writer of any of its tasks: it stages
// nothing.
type capturing[T any] struct {
	to    *Captured[T]
	codec *codec.Codec[T]
}

// Writer implements connector.Output.
func (c capturing[T]) Writer(ctx context.Context, task int) (connector.Writer, error) {
	return c, ctx.Err()
}

// Commit implements connector.Output.
func (c capturing[T]) Commit(ctx context.Context, staged []connector.Staged) error { return ctx.Err() }

// Abort implements connector.Output and connector.Writer.
func (c capturing[T]) Abort() error { return nil }

// Write implements connector.Writer.
func (c capturing[T]) Write(ctx context.Context, b *batch.Batch) error {
	values := make([]T, b.Len())
	if err := c.codec.Decode(b.Root, b.Sel, values); err != nil {
		return err
	}
	rows := make([]Row[T], len(values))
	for i, v := range values {
		at := b.Row(i)
		rows[i] = Row[T]{Value: v, Time: instant(b.Time, at), Start: instant(b.Start, at), End: instant(b.End, at)}
		rows[i].Pane = b.PaneAt(at)
		rows[i].Retract = b.Retract != nil && b.Retract[at]
	}
	c.to.mu.Lock()
	defer c.to.mu.Unlock()
	c.to.rows = append(c.to.rows, rows...)
	return ctx.Err()
}

// Close implements connector.Writer.
func (c capturing[T]) Close(ctx context.Context) (connector.Staged, error) {
	return connector.Staged{}, ctx.Err()
}

// instant returns times[i] as a time, zero when the batch has none or the row's
// is the one that stands for none.
func instant(times []int64, i int) time.Time {
	if times == nil || times[i] == batch.MinTime {
		return time.Time{}
	}
	return time.UnixMicro(times[i]).UTC()
}
