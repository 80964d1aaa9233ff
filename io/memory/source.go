// Package memory reads rows that a program already has and keeps rows where a
// program can look at them: for tests, examples and rows from elsewhere.
//
// The one central idea: the rows of a Go type go through the same codec and the
// same columns as those of a file, so that a pipeline tested here meets nothing
// new in production.
//
//	Of(rows…)      ─┐                             ┌─▶ Rows, Wait: values
//	Sequence(seq)  ─┼─▶ columns ─▶ pipeline ─▶ Collector
//	Channel(ch)    ─┤                             └─▶ Batches, Windowed
//	Generate(next) ─┘
//
// Of and Sequence end; Channel and Generate are unbounded.
package memory

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
)

// Source reads the rows of a slice, which nobody may change during a run.
type Source[T any] struct {
	Rows []T
	// Splits is the number of parts that are read in parallel, each a run of
	// consecutive rows. Zero means one; more than there are rows means one a row.
	Splits int
}

// Of returns a source of the given rows in one split.
func Of[T any](rows ...T) Source[T] { return Source[T]{Rows: rows} }

// String implements connector.Source.
func (s Source[T]) String() string { return fmt.Sprintf("memory (%d rows)", len(s.Rows)) }

// Bounded implements connector.Source: a slice ends.
func (s Source[T]) Bounded() bool { return true }

// Validate implements connector.Source.
func (s Source[T]) Validate(t *batch.Type) error {
	if s.Splits < 0 {
		return fmt.Errorf("Splits is %d; want 0 for one split or a number of them", s.Splits)
	}
	_, err := codecFor[T](t)
	return err
}

// Open implements connector.Source.
func (s Source[T]) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	n := len(s.Rows)
	pieces := max(1, min(s.Splits, n))
	in := &input[T]{request: r}
	for i := range pieces {
		from, to := n*i/pieces, n*(i+1)/pieces
		in.splits = append(in.splits, connector.Split{
			Name: fmt.Sprintf("rows %d to %d", from, to), Rows: int64(to - from), Bytes: -1,
			Data: func(context.Context) rows[T] { return &slice[T]{rows: s.Rows[from:to], from: int64(from)} },
		})
	}
	return in, ctx.Err()
}

// codecFor returns the codec of T when rows of T are what a step asks for.
func codecFor[T any](t *batch.Type) (*codec.Codec[T], error) {
	c, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	if !c.Type().Equal(t) {
		var zero T
		return nil, fmt.Errorf("the rows in memory are %T, that is %s, but the step has rows of type %s; use the same Go type in both",
			zero, c.Type(), t)
	}
	return c, nil
}

// rows is where a reader gets its rows from.
type rows[T any] interface {
	// next returns up to n rows, and the number of the first. It blocks until
	// there is one; none means the end. The slice is valid until the next call.
	next(ctx context.Context, n int) (chunk []T, first int64, err error)
	close()
}

type slice[T any] struct {
	rows []T
	from int64
}

func (s *slice[T]) next(ctx context.Context, n int) ([]T, int64, error) {
	chunk, first := s.rows[:min(n, len(s.rows))], s.from
	s.rows = s.rows[len(chunk):]
	s.from += int64(len(chunk))
	return chunk, first, nil
}

func (s *slice[T]) close() { s.rows = nil }

type input[T any] struct {
	request connector.Request
	splits  []connector.Split
}

func (in *input[T]) Splits() []connector.Split { return in.splits }

func (in *input[T]) Close() error { return nil }

func (in *input[T]) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	open, ok := s.Data.(func(context.Context) rows[T])
	if !ok {
		return nil, fmt.Errorf("split %s is not one of rows in memory", s.Name)
	}
	c, err := codecFor[T](in.request.Type)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &reader[T]{rows: open(ctx), encoder: c.NewEncoder(), request: in.request}, nil
}

// reader encodes rows into batches.
type reader[T any] struct {
	rows    rows[T]
	encoder *codec.Encoder[T]
	request connector.Request
}

// Read implements connector.Reader. A row that cannot be encoded, such as one
// with a time out of range, is a bad record.
func (r *reader[T]) Read(ctx context.Context) (*batch.Batch, error) {
	for r.encoder.Len() == 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		chunk, first, err := r.rows.next(ctx, r.request.Rows())
		if err != nil {
			return nil, err
		}
		if len(chunk) == 0 {
			return nil, io.EOF
		}
		if r.encoder.Append(chunk) == nil {
			break
		}
		if err := r.oneByOne(chunk, first); err != nil {
			return nil, err
		}
	}
	return &batch.Batch{Root: r.encoder.Finish()}, nil
}

// oneByOne encodes a chunk with a bad row in it.
func (r *reader[T]) oneByOne(chunk []T, first int64) error {
	for i := range chunk {
		err := r.encoder.Append(chunk[i : i+1])
		if err == nil {
			continue
		}
		if err := r.request.Bad(r.bad(chunk[i], first+int64(i), err)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader[T]) bad(row T, number int64, err error) connector.BadRecord {
	raw := fmt.Appendf(nil, "%+v", row)
	return connector.BadRecord{Place: fmt.Sprintf("row %d in memory", number), Raw: raw[:min(len(raw), connector.MaxRawBytes)], Err: err}
}

// Close implements connector.Reader. It may be called twice.
func (r *reader[T]) Close() error {
	r.rows.close()
	return nil
}

// called turns a panic of the user's function into an error: defer it.
func called(err *error, what string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: panic: %v\n%s", what, p, debug.Stack())
	}
}
