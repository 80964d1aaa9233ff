package table

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// ErrStop is returned by the function of a scan to end it early, without error.
var ErrStop = errors.New("enough rows")

// Scan is one reading of a table.
type Scan struct {
	Type    *batch.Type   // columns to read; nil: all of the table
	Workers int           // above 1: batches come in any order, from so many goroutines
	Rows    *atomic.Int64 // counts the rows read, for progress; may be nil
}

// Each calls f with every batch of rows. With one worker the batches come in
// the order of the files; with more, f is called concurrently, each worker
// having its own number.
func (t *Table) Each(ctx context.Context, s Scan, f func(worker int, rows *batch.Column) error) error {
	if s.Type == nil {
		s.Type = t.Type
	}
	s.Workers = max(s.Workers, 1)
	if len(s.Type.Fields) == 0 {
		return nil
	}
	in, err := t.Source().Open(ctx, connector.Request{
		Step: t.Path, Type: s.Type, Parallelism: s.Workers,
		Bad: func(r connector.BadRecord) error { return r },
	})
	if err != nil {
		return err
	}
	defer in.Close()
	splits := make(chan connector.Split)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(splits)
		for _, split := range in.Splits() {
			select {
			case splits <- split:
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	for w := range s.Workers {
		group.Go(func() error {
			for split := range splits {
				if err := readSplit(ctx, in, split, s.Rows, func(rows *batch.Column) error { return f(w, rows) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil && !errors.Is(err, ErrStop) {
		return err
	}
	return nil
}

func readSplit(ctx context.Context, in connector.Input, split connector.Split, count *atomic.Int64, f func(*batch.Column) error) (err error) {
	r, err := in.Reader(ctx, split)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		b, err := r.Read(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if count != nil {
			count.Add(int64(b.Len()))
		}
		if err := f(b.Compact().Root); err != nil {
			return err
		}
	}
}

// Describe names the table for people: flights.parquet, or out (12 files).
func (t *Table) Describe() string {
	if len(t.Files) == 1 {
		return t.Path
	}
	return fmt.Sprintf("%s (%d files)", t.Path, len(t.Files))
}
