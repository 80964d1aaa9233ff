package memory

import (
	"context"
	"iter"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// sequence is a bounded source of what an iterator yields.
type sequence[T any] struct{ seq iter.Seq[T] }

// Sequence returns a bounded source of the rows that seq yields, in one split.
// Every run of the pipeline ranges over seq once, from the beginning. A seq that
// blocks cannot be interrupted: use Channel or Generate for rows that take time.
func Sequence[T any](seq iter.Seq[T]) connector.Source { return sequence[T]{seq} }

func (s sequence[T]) String() string { return "memory (sequence)" }

func (s sequence[T]) Bounded() bool { return true }

func (s sequence[T]) Validate(t *batch.Type) error {
	_, err := codecFor[T](t)
	return err
}

func (s sequence[T]) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	return openOne(ctx, s, r, func(context.Context) rows[T] {
		next, stop := iter.Pull(s.seq)
		return &pulled[T]{pull: next, stop: stop}
	})
}

// openOne opens a source that is a single split.
func openOne[T any](ctx context.Context, s connector.Source, r connector.Request, open func(context.Context) rows[T]) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	split := connector.Split{Name: s.String(), Rows: -1, Bytes: -1, Data: open}
	return &input[T]{request: r, splits: []connector.Split{split}}, ctx.Err()
}

type pulled[T any] struct {
	pull  func() (T, bool)
	stop  func()
	chunk []T
	count int64
}

func (p *pulled[T]) next(ctx context.Context, n int) (_ []T, first int64, err error) {
	defer called(&err, "memory.Sequence")
	p.chunk = p.chunk[:0]
	first = p.count
	for len(p.chunk) < n {
		row, ok := p.pull()
		if !ok {
			break
		}
		p.chunk = append(p.chunk, row)
	}
	p.count += int64(len(p.chunk))
	return p.chunk, first, nil
}

func (p *pulled[T]) close() {
	var ignored error // a panic in the iterator's own clean-up changes no result
	defer called(&ignored, "memory.Sequence")
	p.stop()
}

// channel is an unbounded source of what is sent.
type channel[T any] struct{ rows <-chan T }

// Channel returns an unbounded source of the rows sent on ch, in one split; it
// ends when ch is closed. A row is passed on at once, together with those that
// wait behind it.
func Channel[T any](ch <-chan T) connector.Source { return channel[T]{ch} }

func (c channel[T]) String() string { return "memory (channel)" }

func (c channel[T]) Bounded() bool { return false }

func (c channel[T]) Validate(t *batch.Type) error {
	_, err := codecFor[T](t)
	return err
}

func (c channel[T]) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	return openOne(ctx, c, r, func(context.Context) rows[T] { return &received[T]{from: c.rows} })
}

type received[T any] struct {
	from  <-chan T
	chunk []T
	count int64
}

func (r *received[T]) next(ctx context.Context, n int) ([]T, int64, error) {
	r.chunk = r.chunk[:0]
	first := r.count
	select {
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	case row, ok := <-r.from:
		if !ok {
			return nil, 0, nil
		}
		r.chunk = append(r.chunk, row)
	}
	r.drain(n)
	r.count += int64(len(r.chunk))
	return r.chunk, first, nil
}

// drain takes what waits in the channel already.
func (r *received[T]) drain(n int) {
	for len(r.chunk) < n {
		select {
		case row, ok := <-r.from:
			if !ok {
				return
			}
			r.chunk = append(r.chunk, row)
		default:
			return
		}
	}
}

func (r *received[T]) close() {}
