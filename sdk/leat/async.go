package leat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// Async says how MapAsync calls its function. The zero value is ready to use.
type Async struct {
	// Capacity is how many rows a task has under way at most: calls, results that
	// wait for their turn, and watermarks between them. When they are that many the
	// step takes no more rows until one has left. Zero means 100.
	Capacity int
	// Unordered lets results leave as they come, in place of the order of the rows.
	// No result passes a watermark, in either direction, so that what is late does
	// not depend on how long calls take.
	Unordered bool
	// Timeout bounds the time from the first attempt of a row to the end of its
	// last; zero means no bound. When it has passed, the context of the call is
	// done. A function that returns a value all the same has it taken; an error ends
	// the job, and so does a function that has not returned after another Timeout.
	Timeout time.Duration
	// Retries is how many times a call that returned an error is made again, the
	// first time after Backoff (zero: 100 ms), then after twice as long, and so on.
	Retries int
	Backoff time.Duration
}

const (
	asyncCapacity = 100
	asyncBackoff  = 100 * time.Millisecond
	// asyncCapacityMost bounds what a mistyped number can cost: each row under way
	// is a goroutine.
	asyncCapacityMost = 1 << 20
)

// MapAsync calls f for each row, many rows at once, for work that waits: requests
// to a service, a database, a model. Time and window of a row are kept. The step
// waits for all its calls before the input ends.
//
// An error, a panic or a timeout that no retry mends ends the job, with the row. f
// must heed its context, which is done when the job ends: a job that fails waits
// for calls that do.
func MapAsync[A, B any](in PCollection[A], name string, f func(context.Context, A) (B, error), how Async) PCollection[B] {
	s := in.begin(name)
	out, err := codec.For[B]()
	s.check(err)
	if f == nil {
		s.check(errNilFunction)
	}
	s.check(how.validate())
	if !s.ok(in.valid()) {
		return failed[B](s.p)
	}
	if how.Capacity == 0 {
		how.Capacity = asyncCapacity
	}
	if how.Backoff == 0 {
		how.Backoff = asyncBackoff
	}
	op := &graph.Async{Capacity: how.Capacity, Unordered: how.Unordered, Timeout: how.Timeout, Retries: how.Retries, New: func() graph.AsyncFn {
		return &asyncFn[A, B]{decode: in.rows, encoder: out.NewEncoder(), f: f, how: how}
	}}
	n := s.add(op, []graph.Edge{in.edge}, graph.Output{Type: out.Type(), Windowing: in.edge.Windowing()})
	return PCollection[B]{s.p, graph.Edge{Node: n}, out}
}

func (a Async) validate() error {
	var errs []error
	if a.Capacity < 0 || a.Capacity > asyncCapacityMost {
		errs = append(errs, fmt.Errorf("Async.Capacity is %d; it must be between 1 and %d, or 0 for %d", a.Capacity, asyncCapacityMost, asyncCapacity))
	}
	if a.Retries < 0 {
		errs = append(errs, fmt.Errorf("Async.Retries is %d; it must not be negative", a.Retries))
	}
	if a.Timeout < 0 || a.Backoff < 0 {
		errs = append(errs, fmt.Errorf("Async.Timeout is %s and Async.Backoff %s; neither may be negative", a.Timeout, a.Backoff))
	}
	return errors.Join(errs...)
}

// asyncFn makes the calls of one task.
type asyncFn[A, B any] struct {
	decode  decoder[A]
	encoder *codec.Encoder[B]
	f       func(context.Context, A) (B, error)
	how     Async
	rows    []B
	at      [1]int32
	row     [1]A
}

// Call implements graph.AsyncFn.
func (f *asyncFn[A, B]) Call(b *batch.Batch, i int32) (graph.AsyncCall, error) {
	f.at[0] = i
	if err := f.decode.Decode(b.Root, f.at[:], f.row[:]); err != nil {
		return nil, err
	}
	return &asyncCall[A, B]{fn: f, in: f.row[0]}, nil
}

// Results implements graph.AsyncFn.
func (f *asyncFn[A, B]) Results(calls []graph.AsyncCall) (*batch.Column, error) {
	f.rows = f.rows[:0]
	for _, c := range calls {
		f.rows = append(f.rows, c.(*asyncCall[A, B]).out)
	}
	err := encode(f.encoder, f.rows)
	clear(f.rows)
	if err != nil {
		return nil, err
	}
	return f.encoder.Finish(), nil
}

// asyncCall is the call for one row. It shares nothing that is written with others,
// so that one that never returns does no harm but to be there.
type asyncCall[A, B any] struct {
	fn  *asyncFn[A, B]
	in  A
	out B
}

// errTimeout is why the context of a call is done when its time is up.
var errTimeout = errors.New("the timeout of the step has passed")

// Run implements graph.AsyncCall.
func (c *asyncCall[A, B]) Run(ctx context.Context) error {
	how := c.fn.how
	if how.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, how.Timeout, errTimeout)
		defer cancel()
	}
	wait := how.Backoff
	for attempt := 0; ; attempt++ {
		err := c.once(ctx)
		var panicked *PanicError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &panicked):
			return err
		case attempt == how.Retries || ctx.Err() != nil:
			return c.failed(ctx, attempt+1, err)
		}
		select {
		case <-time.After(wait):
			wait *= 2
		case <-ctx.Done():
			return c.failed(ctx, attempt+1, err)
		}
	}
}

// GivenUp implements graph.AsyncCall.
func (c *asyncCall[A, B]) GivenUp(why error) error { return &RowError{Row: printRow(c.in), Err: why} }

// once makes one attempt.
func (c *asyncCall[A, B]) once(ctx context.Context) error {
	var b blame
	return b.guard(func() (err error) {
		c.out, err = c.fn.f(ctx, c.in)
		return err
	}, func() any { return c.in })
}

// failed says what has become of the call.
func (c *asyncCall[A, B]) failed(ctx context.Context, attempts int, err error) error {
	if context.Cause(ctx) == errTimeout {
		err = fmt.Errorf("no answer within %s, attempt %d: %w", c.fn.how.Timeout, attempts, err)
	} else if attempts > 1 {
		err = fmt.Errorf("attempt %d, the last: %w", attempts, err)
	}
	return &RowError{Row: printRow(c.in), Err: err}
}
