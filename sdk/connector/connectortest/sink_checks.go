package connectortest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/staging/stagingtest"
)

func (c SinkCase) describes(t *testing.T) error {
	s := c.New(t, filepath.Join(t.TempDir(), "out"), nil)
	if first, again := s.String(), s.String(); first == "" || first != again {
		return fmt.Errorf("String gives %q", s.String())
	}
	if err := s.Validate(c.Type); err != nil {
		return fmt.Errorf("Validate: %w", err)
	}
	return nil
}

func (c SinkCase) roundTrip(t *testing.T) error {
	dir := filepath.Join(t.TempDir(), "deep", "out")
	j, err := c.open(t.Context(), c.New(t, dir, nil))
	if err != nil {
		return err
	}
	if err := j.write(t.Context()); err != nil {
		return err
	}
	before, err := tree(dir)
	if err != nil {
		return err
	}
	for _, name := range names(before) {
		if first, _, _ := strings.Cut(filepath.ToSlash(name), "/"); !strings.HasPrefix(first, ".") {
			return fmt.Errorf("%s is visible before Commit", name)
		}
	}
	if err := j.out.Commit(t.Context(), j.staged); err != nil {
		return fmt.Errorf("Commit: %w", err)
	}
	if err := j.report(dir); err != nil {
		return err
	}
	return c.back(t, dir, c.Rows)
}

// report checks what the writers said about their files, and that nothing but
// them is left.
func (j *job) report(dir string) error {
	var rows int64
	want := []string{"."}
	for _, s := range j.staged {
		rows += s.Rows
		var size int64
		for _, name := range s.Files {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil {
				return fmt.Errorf("a file that was reported is missing: %w", err)
			}
			size += info.Size()
			want = append(want, name)
		}
		if s.Bytes != size {
			return fmt.Errorf("%q have %d bytes, reported were %d", s.Files, size, s.Bytes)
		}
	}
	if rows != int64(j.Rows.Len) {
		return fmt.Errorf("%d rows were reported, %d written", rows, j.Rows.Len)
	}
	after, err := tree(dir)
	slices.Sort(want)
	if got := names(after); err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("the target holds %q, reported were %q", got, want)
	}
	return err
}

func (c SinkCase) noRows(t *testing.T) error {
	dir := filepath.Join(t.TempDir(), "out")
	c.Rows = c.Rows.Slice(0, 0)
	if _, err := c.run(t.Context(), c.New(t, dir, nil)); err != nil {
		return err
	}
	return c.back(t, dir, c.Rows)
}

func (c SinkCase) deterministic(t *testing.T) error {
	var before []string
	for i := range 2 {
		dir := filepath.Join(t.TempDir(), "out")
		if _, err := c.run(t.Context(), c.New(t, dir, nil)); err != nil {
			return err
		}
		if i == 0 {
			var err error
			if before, err = tree(dir); err != nil {
				return err
			}
		} else if err := unchanged(dir, before); err != nil {
			return fmt.Errorf("the same rows gave other files: %w", err)
		}
	}
	return nil
}

func (c SinkCase) immutable(t *testing.T) error {
	rows := &batch.Batch{Root: c.Rows}
	before := format(rows)
	if _, err := c.run(t.Context(), c.New(t, filepath.Join(t.TempDir(), "out"), nil)); err != nil {
		return err
	}
	for i, now := range format(rows) {
		if now != before[i] {
			return fmt.Errorf("row %d was %s before it was written and is %s", i, before[i], now)
		}
	}
	return nil
}

func (c SinkCase) aborts(t *testing.T) error {
	root := t.TempDir()
	for _, dir := range []string{root, filepath.Join(root, "deep", "out")} {
		for _, closed := range []bool{false, true} {
			before, err := tree(root)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(t.Context())
			j, err := c.open(ctx, c.New(t, dir, nil))
			if err == nil {
				err = j.partly(ctx, closed)
			}
			cancel() // Abort works when the run is cancelled
			if err != nil {
				return err
			}
			if err := errors.Join(j.giveUp(), unchanged(root, before)); err != nil {
				return fmt.Errorf("writers closed: %v: %w", closed, err)
			}
		}
	}
	return nil
}

// partly writes everything, or leaves one writer open.
func (j *job) partly(ctx context.Context, closed bool) error {
	if closed {
		return j.write(ctx)
	}
	w, err := j.out.Writer(ctx, 0)
	if err != nil {
		return err
	}
	j.writers = append(j.writers, w)
	return w.Write(ctx, j.shares()[0][0])
}

func (c SinkCase) taskAborts(t *testing.T) error {
	dir := filepath.Join(t.TempDir(), "out")
	j, err := c.open(t.Context(), c.New(t, dir, nil))
	if err != nil {
		return err
	}
	shares := j.shares()
	for _, task := range []int{0, 2} {
		w, err := j.out.Writer(t.Context(), task)
		if err != nil {
			return err
		}
		if err := w.Write(t.Context(), shares[task][0]); err != nil {
			return err
		}
		if task == 2 {
			if err := w.Abort(); err != nil {
				return err
			}
			continue
		}
		staged, err := w.Close(t.Context())
		if err != nil {
			return err
		}
		j.staged = append(j.staged, staged)
	}
	if err := j.out.Commit(t.Context(), j.staged); err != nil {
		return err
	}
	return c.back(t, dir, c.Rows.Slice(0, shares[0][0].Len()))
}

func (c SinkCase) notEmpty(t *testing.T) error {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o644); err != nil {
		return err
	}
	before, err := tree(dir)
	if err != nil {
		return err
	}
	for _, create := range []func() connector.Sink{
		func() connector.Sink { return c.New(t, dir, nil) },
		func() connector.Sink {
			if c.Overwrite == nil {
				return nil
			}
			return c.Overwrite(t, dir, nil)
		},
	} {
		s := create()
		if s == nil {
			continue
		}
		j, err := c.open(t.Context(), s)
		if err == nil {
			return errors.Join(errors.New("a target with a foreign file in it was accepted"), j.out.Abort())
		}
		if !strings.Contains(err.Error(), "notes.txt") {
			return fmt.Errorf("the error does not say what is in the way: %w", err)
		}
	}
	return unchanged(dir, before)
}

func (c SinkCase) overwrites(t *testing.T) error {
	if c.Overwrite == nil {
		return nil
	}
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := c.run(t.Context(), c.New(t, dir, nil)); err != nil {
		return err
	}
	before, err := tree(dir)
	if err != nil {
		return err
	}
	few := c
	few.Rows = c.Rows.Slice(0, c.Rows.Len/2)
	j, err := few.open(t.Context(), few.Overwrite(t, dir, nil))
	if err != nil {
		return err
	}
	if err := errors.Join(j.write(t.Context()), j.giveUp(), unchanged(dir, before)); err != nil {
		return fmt.Errorf("overwriting was aborted: %w", err)
	}
	if _, err := few.run(t.Context(), few.Overwrite(t, dir, nil)); err != nil {
		return err
	}
	return few.back(t, dir, few.Rows)
}

// taken lets somebody else write one of the names between Open and Commit.
func (c SinkCase) taken(t *testing.T) error {
	dir := filepath.Join(t.TempDir(), "out")
	j, err := c.open(t.Context(), c.New(t, dir, nil))
	if err != nil {
		return err
	}
	if err := j.write(t.Context()); err != nil {
		return err
	}
	name := ""
	for _, s := range j.staged {
		if len(s.Files) > 0 {
			name = s.Files[len(s.Files)-1]
		}
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("theirs"), 0o644); err != nil {
		return err
	}
	err = j.out.Commit(t.Context(), j.staged)
	if err == nil || !strings.Contains(err.Error(), name) {
		return fmt.Errorf("%s was taken, Commit returned %v", name, err)
	}
	if err := j.giveUp(); err != nil {
		return err
	}
	return unchanged(dir, []string{".", name + "=theirs"})
}

// faults lets each call on the disk fail once and looks for what is left.
func (c SinkCase) faults(t *testing.T) error {
	if c.NoFaults {
		return nil
	}
	root := t.TempDir()
	for n := 0; ; n++ {
		dir := filepath.Join(root, fmt.Sprint(n), "out")
		before, err := tree(root)
		if err != nil {
			return err
		}
		disk := &stagingtest.Faults{FailAt: n}
		_, err = c.run(t.Context(), c.New(t, dir, disk))
		if !disk.Failed() {
			if err == nil && n < 5 {
				err = fmt.Errorf("only %d calls on the disk; does the sink use the file system it is given?", n)
			}
			return err
		}
		if !errors.Is(err, stagingtest.NoSpace) {
			return fmt.Errorf("call %d on the disk failed with %q, the sink returned %v", n, stagingtest.NoSpace, err)
		}
		if err := unchanged(root, before); err != nil {
			return fmt.Errorf("call %d on the disk failed: %w", n, err)
		}
	}
}

func (c SinkCase) fullDisk(t *testing.T) error {
	if c.NoFaults {
		return nil
	}
	root := t.TempDir()
	disk := &stagingtest.Faults{FailAt: -1, Capacity: 10}
	_, err := c.run(t.Context(), c.New(t, filepath.Join(root, "out"), disk))
	if !errors.Is(err, stagingtest.NoSpace) {
		return fmt.Errorf("the disk was full, the sink returned %v", err)
	}
	return unchanged(root, []string{"."})
}
