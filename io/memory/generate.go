package memory

import (
	"context"
	"sync"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// generator is an unbounded source of what a function makes.
type generator[T any] struct {
	next func(ctx context.Context, i int64) (T, bool)
}

// Generate returns an unbounded source of the rows next(ctx, 0), next(ctx, 1), …
// in one split; it ends when next returns false. next may wait for its row, as
// long as it returns when ctx is done; what it returns then is dropped. It runs
// in a goroutine of its own, at most two batches ahead of the pipeline, so that
// the rows before one that takes long are not held back.
func Generate[T any](next func(ctx context.Context, i int64) (T, bool)) connector.Source {
	return generator[T]{next}
}

func (g generator[T]) String() string { return "memory (generator)" }

func (g generator[T]) Bounded() bool { return false }

func (g generator[T]) Validate(t *batch.Type) error {
	_, err := codecFor[T](t)
	return err
}

func (g generator[T]) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	return openOne(ctx, g, r, func(ctx context.Context) rows[T] { return generate(ctx, g.next, r.Rows()) })
}

// generated hands rows from the goroutine that makes them to the reader.
type generated[T any] struct {
	cancel  context.CancelFunc
	stopped chan struct{} // closed when the goroutine has ended
	ready   chan struct{} // capacity 1: there are rows, or the end
	room    chan struct{} // capacity 1: rows were taken

	mu    sync.Mutex
	rows  []T
	ended bool
	err   error

	chunk []T // handed out last; its memory is used again
	count int64
}

func generate[T any](ctx context.Context, next func(context.Context, int64) (T, bool), capacity int) *generated[T] {
	ctx, cancel := context.WithCancel(ctx)
	g := &generated[T]{
		cancel: cancel, stopped: make(chan struct{}), ready: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
	go func() {
		defer close(g.stopped)
		err := g.run(ctx, next, capacity)
		g.mu.Lock()
		g.ended, g.err = true, err
		g.mu.Unlock()
		signal(g.ready)
	}()
	return g
}

// run makes rows until the function or the context says that it is enough.
func (g *generated[T]) run(ctx context.Context, next func(context.Context, int64) (T, bool), capacity int) (err error) {
	defer called(&err, "memory.Generate")
	for i := int64(0); ; i++ {
		row, ok := next(ctx, i)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !ok {
			return nil
		}
		for !g.put(row, capacity) {
			select {
			case <-g.room:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// put adds a row, unless there are capacity rows waiting.
func (g *generated[T]) put(row T, capacity int) bool {
	g.mu.Lock()
	full := len(g.rows) >= capacity
	if !full {
		g.rows = append(g.rows, row)
	}
	g.mu.Unlock()
	signal(g.ready)
	return !full
}

// signal wakes whoever waits on c; one who does not wait yet will not have to.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (g *generated[T]) next(ctx context.Context, n int) ([]T, int64, error) {
	for {
		g.mu.Lock()
		if len(g.rows) > 0 { // never more than n: that is the capacity
			g.chunk, g.rows = g.rows, g.chunk[:0]
			g.mu.Unlock()
			signal(g.room)
			first := g.count
			g.count += int64(len(g.chunk))
			return g.chunk, first, nil
		}
		ended, err := g.ended, g.err
		g.mu.Unlock()
		if ended {
			return nil, 0, err
		}
		select {
		case <-g.ready:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

func (g *generated[T]) close() {
	g.cancel()
	<-g.stopped
}
