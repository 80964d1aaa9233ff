package local_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

const (
	endlessLeast   = 20_000    // rows below which the test shows nothing
	endlessMost    = 3_000_000 // rows that are enough
	endlessSeconds = 4
)

// A pipeline over an endless source gives the results of closed windows while
// rows keep coming; its memory depends on what is open and not on how much has
// passed, though every key is new; and it ends soon after it is told to.
func TestEndless(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var made atomic.Int64
	source := memory.Generate(func(ctx context.Context, i int64) (event, bool) {
		made.Store(i)
		at := i*100 - i*7919%50_000 // µs: ten thousand rows a second, up to 50 ms behind
		return event{User: fmt.Sprint("user-", i/7), At: time.UnixMicro(at).UTC(), N: i}, ctx.Err() == nil
	})
	p := &leat.Pipeline{}
	in := leat.Read(p, "events", source, leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(50*time.Millisecond)))
	totals := sumOf(leat.Window(keyed(in), window.Fixed(time.Second)))
	var got memory.Collector[leat.KV[string, int64]]
	leat.Write(leat.Filter(totals, "few", func(kv leat.KV[string, int64]) bool { return strings.HasSuffix(kv.Key, "0000") }), "out", &got)

	var state atomic.Int64
	ended := make(chan error, 1)
	go func() {
		_, err := local.Run(ctx, p, local.Options{Parallelism: 2, Every: 10 * time.Millisecond, Progress: func(p local.Progress) { state.Store(max(state.Load(), p.Memory)) }})
		ended <- err
	}()
	wait, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	if rows, err := got.Wait(wait, 1); err != nil {
		t.Fatalf("no result while the input goes on: %d rows: %v", len(rows), err)
	}
	before, heap := made.Load(), heapAfterGC()
	until := time.Now().Add(endlessSeconds * time.Second)
	waitFor(func() bool { return made.Load() > endlessMost/4 || time.Now().After(until) })
	early := state.Swap(0)
	waitFor(func() bool { return made.Load() > endlessMost || time.Now().After(until) })
	rows, grown := made.Load(), heapAfterGC()-heap
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped before its end") {
			t.Errorf("the run ended with %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the run did not end")
	}
	if rows-before < endlessLeast {
		t.Errorf("only %d rows in %d seconds", rows-before, endlessSeconds)
	}
	if grown > 16<<20 {
		t.Errorf("the heap grew by %d KiB while %d rows passed", grown>>10, rows-before)
	}
	if late := state.Load(); late > early+early/2+(1<<20) {
		t.Errorf("state and exchanges took up to %d KiB early and %d KiB late", early>>10, late>>10)
	}
	t.Logf("%d rows, %d results, heap %+d KiB, state %d KiB", rows, got.Len(), grown>>10, early>>10)
}

func waitFor(done func() bool) {
	for !done() {
		time.Sleep(5 * time.Millisecond)
	}
}

func heapAfterGC() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
