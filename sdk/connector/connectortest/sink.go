package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// SinkCase is a sink of files in a local directory and how to read it back.
type SinkCase struct {
	// New returns a sink that writes to dir, which may not exist yet. The sink
	// does its work on system; nil means the machine's.
	New func(t *testing.T, dir string, system staging.FS) connector.Sink
	// Type is the type of the rows.
	Type *batch.Type
	// Rows are written; at least ten are needed to fill tasks and batches.
	Rows *batch.Column
	// ReadBack returns the visible rows in the order of the tasks that wrote them.
	ReadBack func(t *testing.T, dir string) (*batch.Column, error)
	// Overwrite, when not nil, is New with leave to replace an earlier output.
	Overwrite func(t *testing.T, dir string, system staging.FS) connector.Sink
	// NoFaults says that the sink does not go through staging.FS, so that
	// failures of the disk cannot be injected.
	NoFaults bool
}

// TestSink runs every check of a sink as a subtest.
func TestSink(t *testing.T, c SinkCase) {
	for _, check := range sinkChecks() {
		t.Run(check.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			if err := check.run(c, t); err != nil {
				t.Error(err)
			}
			goleak.VerifyNone(t, before)
		})
	}
}

type sinkCheck struct {
	name string
	run  func(c SinkCase, t *testing.T) error
}

func sinkChecks() []sinkCheck {
	return []sinkCheck{
		{"describes itself", SinkCase.describes},
		{"written and read back", SinkCase.roundTrip},
		{"no rows", SinkCase.noRows},
		{"deterministic", SinkCase.deterministic},
		{"batches stay as they are", SinkCase.immutable},
		{"abort leaves nothing", SinkCase.aborts},
		{"one task aborts", SinkCase.taskAborts},
		{"target is not empty", SinkCase.notEmpty},
		{"overwrite", SinkCase.overwrites},
		{"name is taken at commit", SinkCase.taken},
		{"failure at every call", SinkCase.faults},
		{"full disk", SinkCase.fullDisk},
	}
}

// tasks is how many writers there are; the middle one gets no rows.
const tasks = 3

// job is one opened sink with what its writers have staged.
type job struct {
	SinkCase
	out     connector.Output
	writers []connector.Writer
	staged  []connector.Staged
}

func (c SinkCase) open(ctx context.Context, s connector.Sink) (*job, error) {
	out, err := s.Open(ctx, connector.SinkRequest{Step: "test", Type: c.Type, Parallelism: tasks})
	if err != nil {
		return nil, err
	}
	return &job{SinkCase: c, out: out}, nil
}

// shares returns what each task writes: dense batches, one with a selection and
// one that is a slice.
func (c SinkCase) shares() [tasks][]*batch.Batch {
	n := c.Rows.Len
	third := n / 3
	all := &batch.Batch{Root: c.Rows}
	var sel []int32
	for i := third; i < 2*third; i++ {
		sel = append(sel, int32(i))
	}
	return [tasks][]*batch.Batch{
		0: {all.Slice(0, third)},
		2: {all.WithSel(sel), all.WithSel([]int32{}), all.Slice(2*third, n)},
	}
}

// write gives the tasks their shares, all writers being open at once, and
// closes them.
func (j *job) write(ctx context.Context) error {
	for task, share := range j.shares() {
		w, err := j.out.Writer(ctx, task)
		if err != nil {
			return fmt.Errorf("writer %d: %w", task, err)
		}
		j.writers = append(j.writers, w)
		for _, b := range share {
			if err := w.Write(ctx, b); err != nil {
				return fmt.Errorf("write to %d: %w", task, err)
			}
		}
	}
	for task, w := range j.writers {
		staged, err := w.Close(ctx)
		if err != nil {
			return fmt.Errorf("close %d: %w", task, err)
		}
		j.staged = append(j.staged, staged)
	}
	return nil
}

// giveUp aborts as the engine does: writers not yet closed first.
func (j *job) giveUp() error {
	var errs []error
	for _, w := range j.writers[min(len(j.staged), len(j.writers)):] {
		errs = append(errs, w.Abort())
	}
	return errors.Join(append(errs, j.out.Abort())...)
}

// run does all of it and aborts when something fails.
func (c SinkCase) run(ctx context.Context, s connector.Sink) (*job, error) {
	j, err := c.open(ctx, s)
	if err != nil {
		return nil, err
	}
	if err = j.write(ctx); err == nil {
		err = j.out.Commit(ctx, j.staged)
	}
	if err != nil {
		return nil, errors.Join(err, j.giveUp())
	}
	return j, nil
}

// back compares what is visible with rows of the case.
func (c SinkCase) back(t *testing.T, dir string, want *batch.Column) error {
	got, err := c.ReadBack(t, dir)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if want.Len == 0 && (got == nil || got.Len == 0) {
		return nil
	}
	return compare(want, []*batch.Batch{{Root: got}})
}

// tree returns everything below dir: path and content. A directory that does
// not exist is nil.
func tree(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		text := ""
		if !e.IsDir() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = "=" + string(raw)
		}
		out = append(out, rel+text)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

// names lists the paths of a tree, without contents, for messages.
func names(tree []string) (out []string) {
	for _, t := range tree {
		name, _, _ := strings.Cut(t, "=")
		out = append(out, name)
	}
	return out
}

// unchanged compares a directory with what it held before.
func unchanged(dir string, before []string) error {
	after, err := tree(dir)
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return fmt.Errorf("the target holds %q, before it held %q", names(after), names(before))
	}
	return nil
}
