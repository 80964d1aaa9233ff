package local_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// early fires five seconds of processing time after a row, and when the window
// closes.
func early(in leat.PCollection[leat.KV[string, event]]) leat.PCollection[leat.KV[string, event]] {
	return leat.Window(in, window.Fixed(time.Hour), leat.Accumulation(window.Accumulating),
		leat.Trigger(window.AfterWatermark(window.Early(window.AfterProcessingTime(5*time.Second)))))
}

func panes(c *leattest.Captured[leat.KV[string, int64]]) (lines []string) {
	for _, r := range c.Rows() {
		lines = append(lines, fmt.Sprint(r.Value.Key, " ", r.Value.Value, " ", r.Pane.Timing))
	}
	slices.Sort(lines)
	return lines
}

// In a streaming run a trigger of processing time fires by the clock of the options,
// though nothing comes; and one clock that goes at half the speed is waited for.
func TestProcessingTimeOfAStream(t *testing.T) {
	for _, parallelism := range []int{1, 2} {
		for _, slower := range []int64{1, 2} {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				o := local.Options{Parallelism: parallelism, Clock: func() time.Time {
					return begin.Add(time.Since(begin) / time.Duration(slower))
				}}
				ctx, cancel := context.WithCancel(t.Context())
				p := &leat.Pipeline{}
				in := leat.Read(p, "in", &timetable{rows: [][]timetabled{{{1, ev("ann", 1)}, {2, ev("ann", 2)}, {100, ev("ann", 3)}}}},
					leat.EventTimeField(at, watermark.Monotone()))
				out := leattest.Capture(sumOf(early(keyed(in))), "out")
				done := make(chan error)
				go func() {
					_, err := local.Run(ctx, p, o)
					done <- err
				}()
				for _, look := range []struct {
					second float64
					panes  int
				}{{1 + 5*float64(slower) - 0.01, 0}, {1 + 5*float64(slower) + 0.01, 1}, {99, 1}} {
					time.Sleep(time.Until(begin.Add(time.Duration(look.second * float64(time.Second)))))
					synctest.Wait()
					if got := panes(out); len(got) != look.panes || look.panes > 0 && got[0] != "ann 2 early" {
						t.Errorf("parallelism %d: at second %g of a clock %d times slower came %q", parallelism, look.second, slower, got)
					}
				}
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
	}
}

// In a batch plan the clock stands still, so that a trigger that waits for it never
// fires by itself; at the end of the input its rows come with the last pane. A stream
// that ends before the trigger is due gives the same.
func TestProcessingTimeOfABatch(t *testing.T) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		for _, parallelism := range []int{1, 3} {
			asked := 0
			p := &leat.Pipeline{}
			in := leat.Read(p, "in", memory.Source[event]{Rows: []event{ev("ann", 1), ev("ann", 2), ev("bob", 3)}, Splits: 3}, leat.EventTimeField(at, watermark.None()))
			out := leattest.Capture(sumOf(early(keyed(in))), "out")
			o := local.Options{Plan: plan, Parallelism: parallelism}
			if plan == local.Batch {
				o.Clock = func() time.Time { asked++; return second(1000) }
			}
			if _, err := local.Run(t.Context(), p, o); err != nil {
				t.Fatal(err)
			}
			if got, want := panes(out), []string{"ann 2 on_time", "bob 1 on_time"}; !slices.Equal(got, want) {
				t.Errorf("%s plan, parallelism %d: %q, want %q", plan, parallelism, got, want)
			}
			if plan == local.Batch && asked != 1 {
				t.Errorf("a batch plan looked at the clock %d times", asked)
			}
		}
	}
}
