package leat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

func timedEvents(p *leat.Pipeline, n int) leat.PCollection[event] {
	var rows []event
	for i := range n {
		rows = append(rows, event{N: int64(i), At: time.Unix(int64(i), 0).UTC()})
	}
	return leat.Read(p, "events", memory.Of(rows...), leat.EventTimeField(at, watermark.Monotone()))
}

func TestMapAsync(t *testing.T) {
	// Every row has its result with its time, and none is late for the windows behind,
	// however long calls take and in whatever order they end, on both plans.
	const rows = 60
	for _, unordered := range []bool{false, true} {
		eachPlan(t, func(t *testing.T, o local.Options) {
			synctest.Test(t, func(t *testing.T) {
				p := &leat.Pipeline{}
				var under, most atomic.Int64
				call := func(ctx context.Context, e event) (int64, error) {
					now := under.Add(1)
					defer under.Add(-1)
					for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
					}
					time.Sleep(time.Duration(e.N*7%5) * time.Millisecond)
					return 2 * e.N, ctx.Err()
				}
				results := leat.MapAsync(timedEvents(p, rows), "double", call, leat.Async{Capacity: 4, Unordered: unordered})
				sums := leat.CombineGlobally(leat.Window(results, window.Fixed(10*time.Second)), "sum", agg.Into(func(v *int64, sum *int64) []agg.Term {
					return []agg.Term{agg.Sum(sum, v)}
				}))
				var got, windows memory.Collector[int64]
				leat.Write(results, "out", &got)
				leat.Write(sums, "sums", &windows)
				runPlan(t, p, o)
				var want []string
				for i := range rows {
					want = append(want, fmt.Sprint(2*i, " @", 1000*i))
				}
				if slices.Sort(want); !slices.Equal(rowsAt(&got), want) {
					t.Errorf("got %v, want %v", rowsAt(&got), want)
				}
				if want := []string{"1090 @59999", "290 @19999", "490 @29999", "690 @39999", "890 @49999", "90 @9999"}; !slices.Equal(rowsAt(&windows), want) {
					t.Errorf("got %v, want %v", rowsAt(&windows), want)
				}
				if most.Load() < 2 || most.Load() > int64(4*o.Parallelism) {
					t.Errorf("%d calls at once, want some, and 4 a task at most", most.Load())
				}
				if values := got.Rows(); !unordered && o.Parallelism == 1 && !slices.IsSorted(values) {
					t.Errorf("got %v, want the order of the rows", values)
				}
			})
		})
	}
}

func TestMapAsyncRetries(t *testing.T) {
	// A call is made again after an error, later each time, and the last error ends
	// the job with the row.
	for _, failures := range []int64{2, 3} {
		synctest.Test(t, func(t *testing.T) {
			p := &leat.Pipeline{}
			var attempts atomic.Int64
			start := time.Now()
			var at []time.Duration
			call := func(context.Context, event) (int64, error) {
				at = append(at, time.Since(start))
				if attempts.Add(1) <= failures {
					return 0, errors.New("busy")
				}
				return 1, nil
			}
			var got memory.Collector[int64]
			leat.Write(leat.MapAsync(timedEvents(p, 1), "ask", call, leat.Async{Retries: 2, Backoff: time.Second}), "out", &got)
			_, err := local.Run(t.Context(), p, local.Options{})
			if want := []time.Duration{0, time.Second, 3 * time.Second}; !slices.Equal(at, want) {
				t.Errorf("attempts at %v, want %v", at, want)
			}
			switch {
			case failures == 2 && (err != nil || got.Len() != 1):
				t.Errorf("got %v and %d rows", err, got.Len())
			case failures == 3 && (err == nil || !strings.Contains(err.Error(), `step "ask"`) || !strings.Contains(err.Error(), "attempt 3, the last: busy\n  row: {")):
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestMapAsyncFails(t *testing.T) {
	// Whatever ends a call badly ends the job with step and row, on both plans.
	cases := map[string]struct {
		call func(context.Context, event) (int64, error)
		want string
	}{
		"error":   {func(context.Context, event) (int64, error) { return 0, errors.New("refused") }, "refused\n  row: {"},
		"panic":   {func(context.Context, event) (int64, error) { panic("oh") }, "the function panicked: oh\n  row: {"},
		"timeout": {func(ctx context.Context, _ event) (int64, error) { <-ctx.Done(); return 0, ctx.Err() }, "no answer within 1s, attempt 1: context deadline exceeded\n  row: {"},
		"deaf":    {func(context.Context, event) (int64, error) { time.Sleep(time.Minute); return 0, nil }, "the function has not returned within 2s, though its context was done after the timeout of 1s; it must heed its context\n  row: {"},
	}
	for name, c := range cases {
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			synctest.Test(t, func(t *testing.T) {
				p := &leat.Pipeline{}
				leat.Write(leat.MapAsync(timedEvents(p, 1), "ask", c.call, leat.Async{Timeout: time.Second, Retries: 0}), "out", &memory.Collector[int64]{})
				_, err := local.Run(t.Context(), p, local.Options{Plan: plan})
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `step "ask"`) {
					t.Errorf("%s, %s plan: got %v", name, plan, err)
				}
				if name == "panic" && !strings.Contains(err.Error(), "async_test.go:") {
					t.Errorf("no place in the code: %v", err)
				}
				time.Sleep(2 * time.Minute) // the deaf one ends by itself
			})
		}
	}
}

func TestMapAsyncAnswersAtTimeout(t *testing.T) {
	// A function may have a value for rows whose time is up.
	synctest.Test(t, func(t *testing.T) {
		p := &leat.Pipeline{}
		var got memory.Collector[string]
		leat.Write(leat.MapAsync(timedEvents(p, 2), "ask", func(ctx context.Context, e event) (string, error) {
			<-ctx.Done()
			return fmt.Sprint("unknown ", e.N), nil
		}, leat.Async{Timeout: time.Second}), "out", &got)
		runPlan(t, p, local.Options{})
		if rows := got.Rows(); !slices.Equal(rows, []string{"unknown 0", "unknown 1"}) {
			t.Errorf("got %v", rows)
		}
	})
}

func ExampleMapAsync() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	stock := func(ctx context.Context, o Order) (string, error) { // asks a service
		return fmt.Sprintf("%s: %d in stock", o.Item, len(o.Item)), ctx.Err()
	}
	show(p, leat.MapAsync(in, "stock", stock, leat.Async{Capacity: 32, Timeout: 10 * time.Second, Retries: 3}))
	// Output:
	// ink: 3 in stock
	// ink: 3 in stock
	// pad: 3 in stock
	// pen: 3 in stock
}
