package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// DirectSinkCase is a sink whose rows are seen as they are written, and how to read
// them back.
type DirectSinkCase struct {
	// New returns a sink to a target that is empty.
	New func(t *testing.T) connector.Sink
	// Type is the type of the rows.
	Type *batch.Type
	// Rows are written; at least ten are needed to fill tasks and batches.
	Rows *batch.Column
	// ReadBack returns the rows that the target of a sink has, in any order.
	ReadBack func(t *testing.T, s connector.Sink) (*batch.Column, error)
}

// TestDirectSink runs every check of a direct sink as a subtest.
func TestDirectSink(t *testing.T, c DirectSinkCase) {
	for _, check := range directChecks() {
		t.Run(check.name, func(t *testing.T) {
			s := c.New(t)
			before := goleak.IgnoreCurrent()
			if err := check.run(c, t, s); err != nil {
				t.Error(err)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

type directCheck struct {
	name string
	run  func(c DirectSinkCase, t *testing.T, s connector.Sink) error
}

func directChecks() []directCheck {
	return []directCheck{
		{"describes itself", DirectSinkCase.describes},
		{"written and read back", DirectSinkCase.roundTrip},
		{"arrived when closed", DirectSinkCase.arrives},
		{"no rows", DirectSinkCase.noRows},
		{"batches stay as they are", DirectSinkCase.immutable},
		{"aborted", DirectSinkCase.aborts},
		{"writers that are not used", DirectSinkCase.unused},
		{"cancelled", DirectSinkCase.cancelled},
	}
}

// files is the case as one of a sink of files, for what both kinds share.
func (c DirectSinkCase) files() SinkCase { return SinkCase{Type: c.Type, Rows: c.Rows} }

func (c DirectSinkCase) describes(_ *testing.T, s connector.Sink) error {
	if first, again := s.String(), s.String(); first == "" || first != again {
		return fmt.Errorf("String gives %q", s.String())
	}
	if err := s.Validate(c.Type); err != nil {
		return fmt.Errorf("Validate: %w", err)
	}
	return nil
}

func (c DirectSinkCase) roundTrip(t *testing.T, s connector.Sink) error {
	j, err := c.files().run(t.Context(), s)
	if err != nil {
		return err
	}
	var rows int64
	for _, staged := range j.staged {
		rows += staged.Rows
	}
	if rows != int64(c.Rows.Len) {
		return fmt.Errorf("%d rows were reported, %d written", rows, c.Rows.Len)
	}
	return c.has(t, s, c.Rows)
}

// arrives checks that Close has waited: there is no Commit.
func (c DirectSinkCase) arrives(t *testing.T, s connector.Sink) error {
	j, err := c.files().open(t.Context(), s)
	if err != nil {
		return err
	}
	err = j.write(t.Context())
	if err == nil {
		err = c.has(t, s, c.Rows)
	}
	return errors.Join(err, j.giveUp())
}

func (c DirectSinkCase) noRows(t *testing.T, s connector.Sink) error {
	f := c.files()
	f.Rows = c.Rows.Slice(0, 0)
	if _, err := f.run(t.Context(), s); err != nil {
		return err
	}
	return c.has(t, s, f.Rows)
}

func (c DirectSinkCase) immutable(t *testing.T, s connector.Sink) error {
	rows := &batch.Batch{Root: c.Rows}
	before := format(rows)
	if _, err := c.files().run(t.Context(), s); err != nil {
		return err
	}
	if now := format(rows); !slices.Equal(now, before) {
		return errors.New("the rows are others after they were written")
	}
	return nil
}

// aborts gives up in the middle. Rows may have arrived, each once.
func (c DirectSinkCase) aborts(t *testing.T, s connector.Sink) error {
	ctx, cancel := context.WithCancel(t.Context())
	j, err := c.files().open(ctx, s)
	if err != nil {
		cancel()
		return err
	}
	w, err := j.out.Writer(ctx, 1)
	if err == nil {
		j.writers = append(j.writers, w)
		err = w.Write(ctx, &batch.Batch{Root: c.Rows})
	}
	cancel()
	if err := errors.Join(err, j.giveUp()); err != nil {
		return err
	}
	got, err := c.ReadBack(t, s)
	if err != nil || got == nil {
		return err
	}
	want := format(&batch.Batch{Root: c.Rows})
	for _, row := range format(&batch.Batch{Root: got}) {
		i := slices.Index(want, row)
		if i < 0 {
			return fmt.Errorf("the target has %s, which was not written, or not twice", row)
		}
		want = slices.Delete(want, i, i+1)
	}
	return nil
}

// unused opens a sink of which the run uses no writer.
func (c DirectSinkCase) unused(t *testing.T, s connector.Sink) error {
	j, err := c.files().open(t.Context(), s)
	if err != nil {
		return err
	}
	return errors.Join(j.out.Commit(t.Context(), nil), c.has(t, s, c.Rows.Slice(0, 0)))
}

// cancelled checks that calls end when their context has ended.
func (c DirectSinkCase) cancelled(t *testing.T, s connector.Sink) error {
	j, err := c.files().open(t.Context(), s)
	if err != nil {
		return err
	}
	w, err := j.out.Writer(t.Context(), 0)
	if err != nil {
		return errors.Join(err, j.giveUp())
	}
	j.writers = append(j.writers, w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Write(ctx, &batch.Batch{Root: c.Rows}); !errors.Is(err, context.Canceled) {
		return errors.Join(fmt.Errorf("Write with an ended context gives %v", err), j.giveUp())
	}
	return j.giveUp()
}

// has compares what the target has with rows, as multisets.
func (c DirectSinkCase) has(t *testing.T, s connector.Sink, want *batch.Column) error {
	got, err := c.ReadBack(t, s)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	var rows []string
	if got != nil {
		rows = format(&batch.Batch{Root: got})
	}
	wanted := format(&batch.Batch{Root: want})
	slices.Sort(rows)
	slices.Sort(wanted)
	if len(rows) != len(wanted) {
		return fmt.Errorf("the target has %d rows, want %d", len(rows), len(wanted))
	}
	for i := range rows {
		if rows[i] != wanted[i] {
			return fmt.Errorf("the target has %s, want %s", rows[i], wanted[i])
		}
	}
	return nil
}
