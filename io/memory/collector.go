package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
)

// Collector is a sink that keeps rows of T for the program to look at, while the
// pipeline runs and afterwards. The zero value is ready; its methods may be
// called at any time from any goroutine.
//
// Unlike other sinks it stages nothing: a row can be seen as soon as it is
// written, and stays when the run fails or is stopped, which is how a test looks
// at a pipeline without end. A new run starts with an empty collector.
type Collector[T any] struct {
	mu        sync.Mutex
	run       *collection[T] // the last one opened; earlier ones write into nothing
	tasks     []collected[T]
	wrote     chan struct{} // closed and replaced at each write
	committed bool
}

// collected is what one task has written.
type collected[T any] struct {
	rows    []Row[T]
	batches []*batch.Batch
}

// Row is a row with what the engine knows about it. Times are UTC, and zero when
// the row has none.
type Row[T any] struct {
	Value      T
	Time       time.Time  // event time
	Start, End time.Time  // its window, [Start, End)
	Pane       batch.Pane // the firing of that window
	Retract    bool       // takes back an earlier row
}

// String implements connector.Sink.
func (c *Collector[T]) String() string { return "memory" }

// Validate implements connector.Sink.
func (c *Collector[T]) Validate(t *batch.Type) error {
	_, err := codecFor[T](t)
	return err
}

// Open implements connector.Sink. It forgets the rows of the run before.
func (c *Collector[T]) Open(ctx context.Context, r connector.SinkRequest) (connector.Output, error) {
	rows, err := codecFor[T](r.Type)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tasks, c.committed = make([]collected[T], r.Parallelism), false
	c.run = &collection[T]{to: c, codec: rows}
	return c.run, nil
}

// Rows returns the values written so far: task by task, in the order in which
// each task wrote them. Rows that take back others are among them.
func (c *Collector[T]) Rows() []T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.values()
}

func (c *Collector[T]) values() []T {
	out := make([]T, 0, c.len())
	for _, t := range c.tasks {
		for i := range t.rows {
			out = append(out, t.rows[i].Value)
		}
	}
	return out
}

// Windowed returns the rows written so far with event time and window, in the
// order of Rows.
func (c *Collector[T]) Windowed() []Row[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Row[T], 0, c.len())
	for _, t := range c.tasks {
		out = append(out, t.rows...)
	}
	return out
}

// Batches returns the batches written so far, task by task. They are shared with
// the pipeline and must not be changed.
func (c *Collector[T]) Batches() []*batch.Batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*batch.Batch
	for _, t := range c.tasks {
		out = append(out, t.batches...)
	}
	return out
}

// Len returns the number of rows written so far.
func (c *Collector[T]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.len()
}

func (c *Collector[T]) len() int {
	n := 0
	for _, t := range c.tasks {
		n += len(t.rows)
	}
	return n
}

// Committed reports whether the last run wrote everything and succeeded.
func (c *Collector[T]) Committed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.committed
}

// Wait returns the rows as soon as there are at least n of them, or the rows so
// far and an error when ctx is done before.
func (c *Collector[T]) Wait(ctx context.Context, n int) ([]T, error) {
	for {
		c.mu.Lock()
		if c.len() >= n {
			defer c.mu.Unlock()
			return c.values(), nil
		}
		if c.wrote == nil {
			c.wrote = make(chan struct{})
		}
		wrote := c.wrote
		c.mu.Unlock()
		select {
		case <-wrote:
		case <-ctx.Done():
			rows := c.Rows()
			return rows, fmt.Errorf("waited for %d rows, got %d: %w", n, len(rows), ctx.Err())
		}
	}
}

// collection is an opened Collector.
type collection[T any] struct {
	to    *Collector[T]
	codec *codec.Codec[T]
}

func (o *collection[T]) Writer(ctx context.Context, task int) (connector.Writer, error) {
	o.to.mu.Lock()
	defer o.to.mu.Unlock()
	if o.to.run == o && (task < 0 || task >= len(o.to.tasks)) {
		return nil, fmt.Errorf("writer of task %d asked for, but there are %d tasks", task, len(o.to.tasks))
	}
	return &collecting[T]{collection: o, task: task}, ctx.Err()
}

func (o *collection[T]) Commit(ctx context.Context, staged []connector.Staged) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.to.mu.Lock()
	defer o.to.mu.Unlock()
	o.to.committed = o.to.run == o
	return nil
}

func (o *collection[T]) Abort() error { return nil }

// collecting is the writer of one task.
type collecting[T any] struct {
	*collection[T]
	task   int
	staged connector.Staged
	done   bool
}

func (w *collecting[T]) Write(ctx context.Context, b *batch.Batch) error {
	if w.done {
		return errors.New("the writer is closed")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	values := make([]T, b.Len())
	if err := w.codec.Decode(b.Root, b.Sel, values); err != nil {
		return err
	}
	rows := make([]Row[T], len(values))
	for i, v := range values {
		at := b.Row(i)
		rows[i] = Row[T]{Value: v, Time: instant(b.Time, at), Start: instant(b.Start, at), End: instant(b.End, at)}
		if b.Start != nil {
			rows[i].Pane = b.PaneAt(at)
		}
		rows[i].Retract = b.Retract != nil && b.Retract[at]
	}
	w.staged.Rows += int64(len(rows))
	w.staged.Bytes += b.SizeBytes()
	w.add(rows, b)
	return nil
}

// add shows the rows, and wakes those who wait for them.
func (w *collecting[T]) add(rows []Row[T], b *batch.Batch) {
	c := w.to
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == w.collection {
		t := &c.tasks[w.task]
		t.rows = append(t.rows, rows...)
		t.batches = append(t.batches, b)
	}
	if c.wrote != nil {
		close(c.wrote)
		c.wrote = nil
	}
}

// instant returns times[i] as a time, zero when the batch has none or the row's
// is the one that stands for none.
func instant(times []int64, i int) time.Time {
	if times == nil || times[i] == batch.MinTime {
		return time.Time{}
	}
	return time.UnixMicro(times[i]).UTC()
}

func (w *collecting[T]) Close(ctx context.Context) (connector.Staged, error) {
	w.done = true
	return w.staged, ctx.Err()
}

func (w *collecting[T]) Abort() error {
	w.done = true
	return nil
}
