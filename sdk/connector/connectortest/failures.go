package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

func (c SourceCase) badRecords(t *testing.T) error {
	var wrong error
	var r *run
	r, err := c.open(t, func(q *connector.Request) {
		q.Bad = func(b connector.BadRecord) error {
			if b.Err == nil || b.Place == "" || len(b.Raw) > connector.MaxRawBytes {
				wrong = fmt.Errorf("bad record without cause or place, or longer than %d bytes: %+v", connector.MaxRawBytes, b)
			}
			return r.note(b)
		}
	})
	if err != nil {
		return err
	}
	if _, err := r.readAll(t, batch.TargetRows); err != nil {
		return err
	}
	if !slices.Equal(r.bad, c.Bad) {
		return fmt.Errorf("bad records at %q, want %q", r.bad, c.Bad)
	}
	return wrong
}

func (c SourceCase) badEnds(t *testing.T) error {
	if len(c.Bad) == 0 {
		return nil
	}
	enough := errors.New("enough")
	r, err := c.open(t, func(q *connector.Request) {
		q.Bad = func(connector.BadRecord) error { return enough }
	})
	if err != nil {
		return err
	}
	for _, s := range r.input.Splits() {
		reader, err := r.input.Reader(t.Context(), s)
		if err != nil {
			return err
		}
		for err == nil {
			_, err = reader.Read(t.Context())
		}
		if closed := reader.Close(); closed != nil {
			return closed
		}
		if err == enough {
			return r.input.Close()
		}
		if err != io.EOF {
			return fmt.Errorf("Bad returned an error, Read another one: %v", err)
		}
	}
	return errors.Join(errors.New("Bad returned an error, and reading went on to the end"), r.input.Close())
}

// cancelled checks that a read that waits comes back when its context is done,
// and that a context that is done from the start does not break anything.
func (c SourceCase) cancelled(t *testing.T) error {
	r, err := c.open(t, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, s := range r.input.Splits() {
		reader, err := r.input.Reader(ctx, s)
		if err != nil && ctx.Err() != nil {
			continue
		}
		if err != nil {
			return err
		}
		stop := time.AfterFunc(10*time.Millisecond, cancel)
		err = drain(ctx, reader)
		stop.Stop()
		if err != nil && !errors.Is(err, context.Canceled) && err != io.EOF {
			return fmt.Errorf("the context was cancelled, Read returned %w", err)
		}
		if !r.source.Bounded() && err == io.EOF {
			return errors.New("the context was cancelled, and Read of an unbounded source claims its end")
		}
		if err := r.close(reader); err != nil {
			return err
		}
	}
	return r.input.Close()
}

// drain reads until there is an error, and fails when that takes too long.
func drain(ctx context.Context, reader connector.Reader) error {
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := reader.Read(ctx); err != nil {
				done <- err
				return
			}
		}
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return fmt.Errorf("nothing for %v after the context was cancelled", patience)
	}
}

func (c SourceCase) givenUp(t *testing.T) error {
	r, err := c.open(t, func(q *connector.Request) { q.BatchRows = 1 })
	if err != nil {
		return err
	}
	for reads := range 2 { // closed unread, and after one batch
		for _, s := range r.input.Splits() {
			reader, err := r.input.Reader(t.Context(), s)
			if err != nil {
				return err
			}
			if reads == 1 && r.source.Bounded() {
				if _, err := reader.Read(t.Context()); err != nil && err != io.EOF {
					return err
				}
			}
			if err := r.close(reader); err != nil {
				return fmt.Errorf("close %s after %d reads: %w", s.Name, reads, err)
			}
		}
	}
	return r.input.Close()
}

func (c SourceCase) foreignSplit(t *testing.T) error {
	r, err := c.open(t, nil)
	if err != nil {
		return err
	}
	reader, err := r.input.Reader(t.Context(), connector.Split{Name: "foreign", Data: struct{ x int }{7}})
	if err == nil {
		return errors.Join(errors.New("a split of another source was accepted"), reader.Close(), r.input.Close())
	}
	return r.input.Close()
}

func (c SourceCase) progress(t *testing.T) error {
	r, err := c.open(t, func(q *connector.Request) { q.BatchRows = 1 })
	if err != nil || !r.source.Bounded() {
		return errors.Join(err, closeInput(r))
	}
	for _, s := range r.input.Splits() {
		reader, err := r.input.Reader(t.Context(), s)
		if err != nil {
			return err
		}
		before := 0.0
		for err == nil {
			if p, ok := reader.(connector.Progress); ok {
				now := p.Done()
				if !(now >= before && now <= 1) {
					return fmt.Errorf("progress of %s went from %v to %v", s.Name, before, now)
				}
				before = now
			}
			_, err = reader.Read(t.Context())
		}
		if err != io.EOF {
			return err
		}
		if err := r.close(reader); err != nil {
			return err
		}
	}
	return r.input.Close()
}

func closeInput(r *run) error {
	if r == nil {
		return nil
	}
	return r.input.Close()
}
