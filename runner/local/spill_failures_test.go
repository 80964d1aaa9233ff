package local_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// smallDisk is full after so many bytes, in the middle of a write.
type smallDisk struct {
	spill.OS
	room atomic.Int64
}

type smallFile struct {
	spill.Handle
	disk *smallDisk
}

func (d *smallDisk) Create(path string) (spill.Handle, error) {
	h, err := d.OS.Create(path)
	if err != nil {
		return nil, err
	}
	return &smallFile{h, d}, nil
}

func (f *smallFile) WriteAt(p []byte, at int64) (int, error) {
	if left := f.disk.room.Add(-int64(len(p))); left < 0 {
		n, _ := f.Handle.WriteAt(p[:max(0, int64(len(p))+left)], at)
		return n, &os.PathError{Op: "write", Path: "spill", Err: syscall.ENOSPC}
	}
	return f.Handle.WriteAt(p, at)
}

// spillAndWrite runs a grouping that spills and writes a file, calls user for each
// group, and checks that nothing is left behind.
func spillAndWrite(ctx context.Context, t *testing.T, o local.Options, user func(leat.KV[int64, iter.Seq[visit]])) error {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	o.SpillDir, o.Memory, o.Parallelism = t.TempDir(), 1<<20, 2
	p := &leat.Pipeline{}
	in := readVisits(p, visits{rows: 120_000, keys: 50_000, skewed: true, splits: 5})
	folded := leat.Map(leat.GroupByKey(byKey(in), "group"), "fold", func(kv leat.KV[int64, iter.Seq[visit]]) leat.KV[int64, int64] {
		user(kv)
		return fold(kv)
	})
	leat.Write(folded, "out", json.Sink{Dir: out})
	_, err := local.Run(ctx, p, o)
	if left, e := os.ReadDir(o.SpillDir); e != nil || len(left) > 0 {
		t.Errorf("%v is left in the spill directory: %v", left, e)
	}
	if err != nil {
		nothingIn(t, out)
	}
	return err
}

// A disk that is full in the middle of a run, wherever that is, is an error that
// names the step, the directory, what was written and what to do; nothing is
// left of the run.
func TestSpillDiskFull(t *testing.T) {
	failed := 0
	for room := int64(1000); ; room = room*3 + 777 {
		disk := &smallDisk{}
		disk.room.Store(room)
		err := spillAndWrite(t.Context(), t, local.Options{}.WithSpillFS(disk), func(leat.KV[int64, iter.Seq[visit]]) {})
		if err == nil {
			break
		}
		failed++
		for _, want := range []string{`step "group"`, "spill directory", "no space left on device", "bytes of this job", "-spill", "-memory"} {
			if !strings.Contains(err.Error(), want) {
				t.Fatalf("with room for %d bytes the message does not say %s: %v", room, want, err)
			}
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("the cause is lost: %v", err)
		}
	}
	if failed < 5 {
		t.Errorf("only %d runs met a full disk", failed)
	}
}

// A run that is cancelled while a group is read from disk, and one whose user
// panics there, leave nothing.
func TestSpillInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := 0
	err := spillAndWrite(ctx, t, local.Options{}, func(kv leat.KV[int64, iter.Seq[visit]]) {
		for range kv.Value {
			if read++; read == 1000 {
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled run ended with %v", err)
	}
	err = spillAndWrite(t.Context(), t, local.Options{}, func(kv leat.KV[int64, iter.Seq[visit]]) {
		rows := 0
		for range kv.Value {
			if rows++; rows == 20_000 {
				panic("that is a lot")
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), `step "fold"`) || !strings.Contains(err.Error(), "that is a lot") {
		t.Errorf("the panic came as %v", err)
	}
}

// A group that was read from disk cannot be kept: ranging over it later says so
// instead of giving nothing.
func TestSpilledGroupKept(t *testing.T) {
	var kept iter.Seq[visit]
	err := spillAndWrite(t.Context(), t, local.Options{}, func(kv leat.KV[int64, iter.Seq[visit]]) {
		if kv.Key == 7 {
			kept = kv.Value
		}
	})
	if err != nil || kept == nil {
		t.Fatal(err)
	}
	defer func() {
		if v, ok := recover().(error); !ok || !strings.Contains(v.Error(), "kept after the call") {
			t.Errorf("ranging over it gave %v", v)
		}
	}()
	for range kept {
	}
}

// One accumulator that alone does not fit the budget is an error that names the
// key.
func TestSpillOneKeyTooLarge(t *testing.T) {
	p := &leat.Pipeline{}
	in := readVisits(p, visits{rows: 200_000, keys: 1 << 40, skewed: true, splits: 3})
	var out digest
	type list struct{ All []int64 }
	leat.Write(leat.Combine(leat.Window(byKey(in), window.Global()), "all", agg.Into(func(v *visit, l *list) []agg.Term {
		return []agg.Term{agg.CollectList(&l.All, &v.N)}
	})), "out", &out)
	_, err := local.Run(t.Context(), p, local.Options{Memory: 4 << 20, Parallelism: 2, SpillDir: t.TempDir()})
	for _, want := range []string{`step "all"`, "key 7:", "memory budget of 4.0 MiB", "-memory"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not say %s: %v", want, err)
		}
	}
}
