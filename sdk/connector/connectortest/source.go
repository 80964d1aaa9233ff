// Package connectortest checks that a connector keeps the contract of package
// connector, whatever it reads or writes.
//
// The one central idea: the suite plays the engine. It opens, reads, writes,
// cancels and aborts in every order the contract allows and compares only what
// the contract promises; a connector's own tests are about its format.
//
//	func TestConformance(t *testing.T) {
//		connectortest.TestSource(t, connectortest.SourceCase{
//			Type: rows.Type, Want: rows,
//			New:  func(t *testing.T) connector.Source { return json.Source{Path: path} },
//		})
//	}
package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// SourceCase is one input and what reading it must give.
type SourceCase struct {
	// New returns a source that yields Want. An unbounded source then waits. It is
	// called once for every check.
	New  func(t *testing.T) connector.Source
	Type *batch.Type
	// Want holds the rows in the order of the splits.
	Want *batch.Column
	// Bad lists the places of the records that cannot be decoded, in order.
	Bad []string
	// CloseTwice says that Close of a reader may be called twice.
	CloseTwice bool
	// Ignore are goroutines that may be left, such as those of a broker that the test
	// runs itself.
	Ignore []goleak.Option
}

// TestSource runs every check of a source as a subtest.
func TestSource(t *testing.T, c SourceCase) {
	for _, check := range sourceChecks() {
		t.Run(check.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			if err := check.run(c, t); err != nil {
				t.Error(err)
			}
			goleak.VerifyNone(t, append(slices.Clone(c.Ignore), before)...)
		})
	}
}

type sourceCheck struct {
	name string
	run  func(c SourceCase, t *testing.T) error
}

func sourceChecks() []sourceCheck {
	return []sourceCheck{
		{"describes itself", SourceCase.describes},
		{"every row once", SourceCase.rowsOnce},
		{"projection", SourceCase.projection},
		{"concurrent readers", SourceCase.concurrent},
		{"batches stay as they are", SourceCase.immutable},
		{"bad records", SourceCase.badRecords},
		{"bad record ends the run", SourceCase.badEnds},
		{"cancelled", SourceCase.cancelled},
		{"given up early", SourceCase.givenUp},
		{"foreign split", SourceCase.foreignSplit},
		{"progress", SourceCase.progress},
	}
}

// patience is how long a call may take that must come back at once.
const patience = 10 * time.Second

// run is one opened source.
type run struct {
	SourceCase
	source connector.Source
	input  connector.Input

	mu   sync.Mutex
	bad  []string
	told int // of them, when the last batch without rows came
}

// open opens a new source; change may alter the request.
func (c SourceCase) open(t *testing.T, change func(*connector.Request)) (*run, error) {
	r := &run{SourceCase: c, source: c.New(t)}
	request := connector.Request{Step: "test", Type: c.Type, Parallelism: 2, Bad: r.note}
	if change != nil {
		change(&request)
	}
	var err error
	if r.input, err = r.source.Open(t.Context(), request); err != nil {
		return nil, fmt.Errorf("Open: %w", err)
	}
	return r, nil
}

func (r *run) note(b connector.BadRecord) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = append(r.bad, b.Place)
	return nil
}

// news reports whether bad records came since it was last asked.
func (r *run) news() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.told
	r.told = len(r.bad)
	return r.told > before
}

// readSplit reads a split to its end, or until want rows of an unbounded source
// are there. see is called with each batch.
func (r *run) readSplit(ctx context.Context, s connector.Split, want int, see func(*batch.Batch) error) (err error) {
	reader, err := r.input.Reader(ctx, s)
	if err != nil {
		return fmt.Errorf("reader of %s: %w", s.Name, err)
	}
	defer func() { err = errors.Join(err, r.close(reader)) }()
	for rows := 0; r.source.Bounded() || rows < want; {
		b, err := reader.Read(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", s.Name, err)
		}
		rows += b.Len()
		if err := see(b); err != nil {
			return fmt.Errorf("batch of %s: %w", s.Name, err)
		}
	}
	return nil
}

func (r *run) close(reader connector.Reader) error {
	err := reader.Close()
	if r.CloseTwice {
		err = errors.Join(err, reader.Close())
	}
	return err
}

// readAll reads the splits in order and closes the input.
func (r *run) readAll(t *testing.T, limit int) (out []*batch.Batch, err error) {
	defer func() { err = errors.Join(err, r.input.Close()) }()
	left := r.Want.Len
	for _, s := range r.input.Splits() {
		err := r.readSplit(t.Context(), s, left, func(b *batch.Batch) error {
			out = append(out, b)
			left -= b.Len()
			return r.checkBatch(b, limit)
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkBatch checks what the contract says about every batch.
func (r *run) checkBatch(b *batch.Batch, limit int) error {
	switch {
	case b == nil || b.Root == nil:
		return errors.New("Read returned neither rows nor an error")
	case b.Len() == 0 && !r.news():
		return errors.New("it has no rows, and there were no bad records")
	case b.Len() > limit:
		return fmt.Errorf("it has %d rows, more than the %d asked for", b.Len(), limit)
	case b.Start != nil || b.End != nil || b.Time != nil && !connector.IsTimed(r.source):
		return errors.New("it has times or windows, which the engine stamps")
	case !b.Root.Type.Equal(r.Type):
		return fmt.Errorf("its type is %s, the request says %s", b.Root.Type, r.Type)
	}
	return batch.Validate(b.Root)
}

func (c SourceCase) describes(t *testing.T) error {
	s := c.New(t)
	if first, again := s.String(), s.String(); first == "" || first != again {
		return fmt.Errorf("String gives %q", s.String())
	}
	if err := s.Validate(c.Type); err != nil {
		return fmt.Errorf("Validate: %w", err)
	}
	r, err := c.open(t, nil)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, split := range r.input.Splits() {
		if split.Name == "" || names[split.Name] {
			return fmt.Errorf("split name %q is empty or not unique", split.Name)
		}
		if split.Rows < -1 || split.Bytes < -1 {
			return fmt.Errorf("split %s: %d rows, %d bytes; unknown is -1", split.Name, split.Rows, split.Bytes)
		}
		names[split.Name] = true
	}
	return r.input.Close()
}

func (c SourceCase) rowsOnce(t *testing.T) error {
	for _, rows := range []int{0, 1, 3, 1000} {
		for _, parallelism := range []int{0, 1, 8} {
			limit := rows
			if rows == 0 {
				limit = batch.TargetRows
			}
			r, err := c.open(t, func(q *connector.Request) { q.BatchRows, q.Parallelism = rows, parallelism })
			if err != nil {
				return err
			}
			got, err := r.readAll(t, limit)
			if err == nil {
				err = compare(c.Want, got)
			}
			if err != nil {
				return fmt.Errorf("BatchRows %d, Parallelism %d: %w", rows, parallelism, err)
			}
		}
	}
	return nil
}

func (c SourceCase) projection(t *testing.T) error {
	if c.Type.Kind != batch.Struct || c.Want.Len == 0 || len(c.Bad) > 0 {
		return nil // with bad records, what is bad depends on what is read
	}
	for i := -1; i < len(c.Type.Fields); i++ { // -1: no column at all, as a count needs it
		needed := make([]bool, len(c.Type.Fields))
		if i >= 0 {
			needed[i] = true
		}
		r, err := c.open(t, func(q *connector.Request) { q.Needed = needed })
		if err != nil {
			return err
		}
		got, err := r.readAll(t, batch.TargetRows)
		if err == nil {
			err = compareNeeded(c.Want, got, needed)
		}
		if err != nil {
			return fmt.Errorf("only field %d is needed: %w", i, err)
		}
	}
	return nil
}

func (c SourceCase) concurrent(t *testing.T) error {
	r, err := c.open(t, func(q *connector.Request) { q.BatchRows, q.Parallelism = 7, 4 })
	if err != nil {
		return err
	}
	splits := r.input.Splits()
	if !r.source.Bounded() && len(splits) > 1 {
		return r.input.Close() // how its rows fall to the splits is not known here
	}
	parts, errs := make([][]*batch.Batch, len(splits)), make([]error, len(splits))
	var readers sync.WaitGroup
	for i, s := range splits {
		readers.Go(func() {
			errs[i] = r.readSplit(t.Context(), s, c.Want.Len, func(b *batch.Batch) error {
				parts[i] = append(parts[i], b)
				return r.checkBatch(b, 7)
			})
		})
	}
	readers.Wait()
	if err := errors.Join(append(errs, r.input.Close())...); err != nil {
		return err
	}
	var got []*batch.Batch
	for _, p := range parts {
		got = append(got, p...)
	}
	return compare(c.Want, got)
}

func (c SourceCase) immutable(t *testing.T) error {
	r, err := c.open(t, func(q *connector.Request) { q.BatchRows = 2 })
	if err != nil {
		return err
	}
	var got []*batch.Batch
	var seen [][]string
	left := c.Want.Len
	for _, s := range r.input.Splits() {
		err := r.readSplit(t.Context(), s, left, func(b *batch.Batch) error {
			if err := r.checkBatch(b, 2); err != nil {
				return err
			}
			got, seen = append(got, b), append(seen, format(b))
			left -= b.Len()
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := r.input.Close(); err != nil {
		return err
	}
	for i, b := range got {
		for row, now := range format(b) {
			if now != seen[i][row] {
				return fmt.Errorf("row %d of batch %d was %s when read and is %s after later reads", row, i, seen[i][row], now)
			}
		}
	}
	return nil
}
