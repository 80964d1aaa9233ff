package command

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// tick is a row of an input that never ends.
type tick struct{ At time.Time }

// ticking counts rows of an input that never ends in windows of a year, and closes
// began at the first.
func ticking(began chan<- struct{}, out *memory.Collector[leat.KV[int64, int64]], between func()) func(*leat.Pipeline) error {
	return func(p *leat.Pipeline) error {
		in := leat.Read(p, "ticks", memory.Generate(func(ctx context.Context, i int64) (tick, bool) {
			if i == 1 {
				close(began)
			}
			return tick{time.UnixMicro(i).UTC()}, ctx.Err() == nil
		}), leat.EventTimeField(func(t *tick) *time.Time { return &t.At }, watermark.Monotone()))
		keys := leat.Map(in, "key", func(tick) leat.KV[int64, int64] {
			between()
			return leat.KV[int64, int64]{Value: 1}
		})
		counts := leat.Combine(leat.Window(keys, window.Fixed(365*24*time.Hour)), "count",
			agg.Into(func(v, n *int64) []agg.Term { return []agg.Term{agg.Sum(n, v)} }))
		leat.Write(counts, "out", out)
		return nil
	}
}

// interrupt sends the process a signal, which Signals has to take.
func interrupt(t *testing.T) {
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// The first signal stops a pipeline that never ends in good order: it succeeds,
// its windows stay open, and the report says so. With -drain they fire.
func TestSignalStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, drain := range []bool{false, true} {
		ctx, done := Signals(context.Background())
		var out memory.Collector[leat.KV[int64, int64]]
		began := make(chan struct{})
		go func() { <-began; interrupt(t) }()
		var stdout strings.Builder
		f := Flags{Drain: drain, Parallelism: 1, Progress: "none", tuned: true}
		err := f.Run(ctx, &stdout, io.Discard, ticking(began, &out, func() {}))
		done()
		if Code(err) != 0 {
			t.Errorf("drain %t: %v", drain, err)
		}
		if says := strings.Contains(stdout.String(), "count: the run was stopped with 1 open window"); says == drain || !strings.Contains(stdout.String(), "stopped after") {
			t.Errorf("drain %t: the report is %s", drain, stdout.String())
		}
		if rows := out.Len(); rows != map[bool]int{false: 0, true: 1}[drain] {
			t.Errorf("drain %t: %d rows were written", drain, rows)
		}
	}
}

// A second signal cancels at once, and so does the first where nothing runs that
// never ends.
func TestSecondSignalCancels(t *testing.T) {
	ctx, done := Signals(context.Background())
	defer done()
	var out memory.Collector[leat.KV[int64, int64]]
	began, stuck := make(chan struct{}), make(chan struct{})
	go func() {
		<-began
		interrupt(t)
		s := ctx.Value(signalsKey{}).(*signals)
		for { // until it has been taken
			s.mu.Lock()
			come := s.come
			s.mu.Unlock()
			if come > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		interrupt(t)
		<-ctx.Done()
		close(stuck)
	}()
	f := Flags{Parallelism: 1, Progress: "none", tuned: true}
	err := f.Run(ctx, io.Discard, io.Discard, ticking(began, &out, func() { <-stuck }))
	if !errors.Is(err, context.Canceled) || Code(err) != 130 {
		t.Errorf("the error is %v, the code %d", err, Code(err))
	}

	plain, done := Signals(context.Background())
	defer done()
	interrupt(t)
	select {
	case <-plain.Done():
	case <-time.After(10 * time.Second):
		t.Error("the signal did not cancel")
	}
}
