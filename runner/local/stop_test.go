package local_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// A run that is stopped works off what it has read, commits what is complete, and
// says what was open: it does not emit windows of which a part is missing, unless it
// is told that the input is complete.
func TestStop(t *testing.T) {
	for _, drain := range []bool{false, true} {
		for _, grows := range []bool{false, true} {
			for _, parallelism := range []int{1, 3} {
				synctest.Test(t, func(t *testing.T) {
					from := newTopic("orders", 2)
					from.grows = grows
					p := &leat.Pipeline{}
					in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
					all := leattest.Capture(in, "all")
					out := leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(10*time.Second))), "out")
					stop := make(chan struct{})
					wait := start(t.Context(), p, local.Options{Parallelism: parallelism, Stop: stop, Drain: drain})
					for _, part := range from.parts {
						part.put(ev("ann", 1))
						part.put(ev("bob", 12), ev("ann", 13))
					}
					synctest.Wait()
					close(stop)
					result, err := wait()
					if err != nil {
						t.Fatal(err)
					}
					want := []string{"ann 2 until 10"}
					if drain {
						want = []string{"ann 2 until 10", "ann 2 until 20", "bob 2 until 20"}
					}
					if got := counted(out); !slices.Equal(got, want) {
						t.Errorf("drain %t, grows %t, parallelism %d: %q, want %q", drain, grows, parallelism, got, want)
					}
					if n := len(all.Rows()); n != 6 {
						t.Errorf("%d rows of 6 have come through", n)
					}
					if !result.Stopped {
						t.Error("the result does not say that the run was stopped")
					}
					notes := strings.Join(result.Notes(), "\n")
					if says := strings.Contains(notes, "total: the run was stopped with 1 open window, "); says == drain {
						t.Errorf("drain %t: the notes are %q", drain, notes)
					}
				})
			}
		}
	}
}

// Rows that were sent are worked off when the run is stopped, however slow the
// step behind is, and so are calls that are under way.
func TestStopWorksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newTopic("orders", 1)
		p := &leat.Pipeline{}
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		slow := leat.MapAsync(in, "call", func(ctx context.Context, e event) (event, error) {
			time.Sleep(time.Minute)
			return e, ctx.Err()
		}, leat.Async{Capacity: 10})
		out := leattest.Capture(slow, "out")
		stop := make(chan struct{})
		wait := start(t.Context(), p, local.Options{Parallelism: 2, Stop: stop})
		from.parts[0].put(ev("ann", 1), ev("bob", 2))
		synctest.Wait()
		close(stop)
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
		if n := len(out.Rows()); n != 2 {
			t.Errorf("%d rows of 2 came out", n)
		}
	})
}

// Rows that wait for a side input when the run is stopped are said to have been left.
func TestStopWhileRowsWaitForASideInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, beside := newTopic("orders", 1), newTopic("limits", 1)
		p := &leat.Pipeline{}
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		limits := leat.Read(p, "limits", beside, leat.EventTimeField(at, watermark.Monotone()))
		list := leat.AsList(leat.Window(limits, window.Fixed(10*time.Second)))
		out := leattest.Capture(leat.MapWith(leat.Window(in, window.Fixed(10*time.Second)), list, "see", func(e event, side []event) int { return len(side) }), "out")
		stop := make(chan struct{})
		wait := start(t.Context(), p, local.Options{Parallelism: 1, Stop: stop})
		from.parts[0].put(ev("ann", 1), ev("bob", 2))
		synctest.Wait()
		close(stop)
		result, err := wait()
		if err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(result.Notes(), "\n")
		if len(out.Rows()) != 0 || !strings.Contains(notes, "see: the run was stopped with 2 rows that wait, ") {
			t.Errorf("%d rows came out, the notes are %q", len(out.Rows()), notes)
		}
	})
}

// A script can be stopped in the middle.
func TestStopOfAScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		p := &leat.Pipeline{}
		in := leat.Read[event](p, "in", leattest.Stream[event](leattest.At(second(1), ev("ann", 1)), leattest.Pause(), leattest.At(second(2), ev("ann", 2))))
		other := leat.Read[event](p, "other", leattest.Stream[event](leattest.At(second(1), ev("ann", 1))))
		out := leattest.Capture(leat.Map(leat.Flatten(in, other), "stop", func(e event) event {
			select {
			case <-stop:
			default:
				close(stop)
			}
			return e
		}), "out")
		result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: 1, Stop: stop})
		if err != nil || !result.Stopped || len(out.Rows()) == 3 {
			t.Errorf("result %+v, %d rows, error %v", result, len(out.Rows()), err)
		}
	})
}

// A context ends a run that is being stopped at once.
func TestStopThenCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		from := newTopic("orders", 1)
		p := &leat.Pipeline{}
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		leattest.Capture(leat.MapAsync(in, "call", func(ctx context.Context, e event) (event, error) {
			<-ctx.Done()
			return e, ctx.Err()
		}, leat.Async{Capacity: 10}), "out")
		stop := make(chan struct{})
		wait := start(ctx, p, local.Options{Parallelism: 1, Stop: stop})
		from.parts[0].put(ev("ann", 1))
		synctest.Wait()
		close(stop)
		synctest.Wait()
		cancel()
		if _, err := wait(); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
}

// A topic that has no partition when the run is stopped has not ended: nobody says
// what the result of no rows is. When it is drained somebody does.
func TestStopBeforeAnythingCame(t *testing.T) {
	for _, drain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			from := newTopic("orders", 0)
			from.grows = true
			p := &leat.Pipeline{}
			in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
			out := leattest.Capture(leat.CombineGlobally(in, "count", agg.Into(func(_ *event, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out")
			stop := make(chan struct{})
			wait := start(t.Context(), p, local.Options{Parallelism: 3, Stop: stop, Drain: drain})
			synctest.Wait()
			close(stop)
			result, err := wait()
			if err != nil {
				t.Fatal(err)
			}
			if rows := out.Values(); len(rows) != map[bool]int{false: 0, true: 1}[drain] || !result.Stopped {
				t.Errorf("drain %t: %v, stopped %t", drain, rows, result.Stopped)
			}
		})
	}
}
