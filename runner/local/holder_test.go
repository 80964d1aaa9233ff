package local_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// A look at a run that does not get on says who keeps it, and since when.
func TestHeld(t *testing.T) {
	for name, c := range map[string]struct {
		generator watermark.Generator
		feed      func(from *topic)
		want      string
	}{
		"a partition that is silent": {watermark.Monotone(), func(from *topic) {
			for _, p := range from.parts {
				p.put(ev("ann", 3))
			}
			time.Sleep(time.Minute)
			from.parts[0].put(ev("ann", 70))
		}, `watermark of step "total" stands at 1970-01-01 00:00:03 for 1m42s: held by source "orders" orders/1, which has given no rows since 00:00:00; IdleAfter is not set`},
		"a partition that has given nothing": {watermark.Monotone().IdleAfter(time.Hour), func(from *topic) {
			from.parts[0].put(ev("ann", 3))
			time.Sleep(time.Minute)
		}, `step "total" has no watermark, for 1m42s: held by source "orders" orders/1, which has given no rows yet; it is idle after 1h0m0s of waiting`},
		"all are idle": {watermark.Monotone().IdleAfter(time.Second), func(from *topic) {
			for _, p := range from.parts {
				p.put(ev("ann", 3))
			}
			time.Sleep(time.Minute)
		}, `watermark of step "total" stands at 1970-01-01 00:00:03 for 1m42s: held by source "orders" orders/0, all splits of which are idle`},
		"nothing is declared": {watermark.None(), func(from *topic) {
			from.parts[0].put(ev("ann", 3))
			time.Sleep(time.Minute)
		}, `step "total" has no watermark, for 1m42s: held by source "orders" orders/0, which declares no order of its rows: give leat.EventTime a watermark such as watermark.Disorder`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, parallelism := range []int{1, 2} {
				synctest.Test(t, func(t *testing.T) {
					from := newTopic("orders", 2)
					p := &leat.Pipeline{}
					perTen(p, from, c.generator)
					var look func() local.Progress
					stop := make(chan struct{})
					wait := start(t.Context(), p, local.Options{Parallelism: parallelism, Stop: stop, Running: func(l func() local.Progress) { look = l }})
					synctest.Wait()
					c.feed(from)
					time.Sleep(42 * time.Second)
					synctest.Wait()
					h := look().Held
					if h == nil || !strings.HasPrefix(h.String(), c.want) {
						t.Errorf("parallelism %d: %v\nwant %s", parallelism, h, c.want)
					}
					close(stop)
					if _, err := wait(); err != nil {
						t.Fatal(err)
					}
					if p := look(); p.Held != nil && !p.Stopping || p.Ready {
						t.Errorf("after the run %+v", p)
					}
				})
			}
		})
	}
}

// A stream for which nobody waits does not hide who holds the others, however far
// behind it is.
func TestHeldBesideAnIdleStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, quiet := newTopic("orders", 2), newTopic("returns", 1)
		p := &leat.Pipeline{}
		orders := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		returns := leat.Read(p, "returns", quiet, leat.EventTimeField(at, watermark.Monotone().IdleAfter(time.Second)))
		same := leat.Map(returns, "same", func(e event) event { return e })
		leattest.Capture(sumOf(leat.Window(keyed(leat.Flatten(orders, same)), window.Fixed(10*time.Second))), "out")
		var look func() local.Progress
		stop := make(chan struct{})
		wait := start(t.Context(), p, local.Options{Parallelism: 2, Stop: stop, Running: func(l func() local.Progress) { look = l }})
		quiet.parts[0].put(ev("ann", 1))
		for _, part := range from.parts {
			part.put(ev("ann", 3))
		}
		time.Sleep(time.Minute)
		from.parts[0].put(ev("ann", 70))
		synctest.Wait()
		if h := look().Held; h == nil || h.Step != "total" || h.Split != "orders/1" {
			t.Errorf("%v", h)
		}
		close(stop)
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// A step whose rows are under way holds the watermark itself.
func TestHeldByACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newTopic("orders", 1)
		p := &leat.Pipeline{}
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		slow := leat.MapAsync(in, "call", slowly, leat.Async{Capacity: 10})
		leattest.Capture(sumOf(leat.Window(keyed(slow), window.Fixed(10*time.Second))), "out")
		var look func() local.Progress
		stop := make(chan struct{})
		wait := start(t.Context(), p, local.Options{Parallelism: 1, Stop: stop, Running: func(l func() local.Progress) { look = l }})
		synctest.Wait()
		from.parts[0].put(ev("ann", 3))
		synctest.Wait()
		if h := look().Held; h == nil || h.By != "call" || !strings.HasSuffix(h.String(), `held by step "call", which has rows under way`) {
			t.Errorf("%v", h)
		}
		close(stop)
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// Steps count rows, batches, time and what is behind them, and a step that cannot
// send is blocked: the tasks behind it are the cause.
func TestStatusSaysBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newTopic("orders", 1)
		p := &leat.Pipeline{}
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		grouped := leat.GroupByKey(leat.Window(keyed(in), window.Fixed(time.Second)), "group")
		leattest.Capture(leat.Map(grouped, "slow", func(kv leat.KV[string, iter.Seq[event]]) string {
			time.Sleep(time.Second)
			return kv.Key
		}), "out")
		var look func() local.Progress
		var last local.Progress
		stop := make(chan struct{})
		wait := start(t.Context(), p, local.Options{Parallelism: 1, Stop: stop, Every: time.Second,
			Running: func(l func() local.Progress) { look = l }, Progress: func(p local.Progress) { last = p }})
		synctest.Wait()
		for s := range int64(100) {
			from.parts[0].put(ev("ann", s))
		}
		time.Sleep(30*time.Second + time.Millisecond)
		synctest.Wait()
		now := look()
		steps := make(map[string]local.StepStatus)
		for _, s := range now.Steps {
			steps[s.Step] = s
		}
		group, slow := steps["group"], steps["slow"]
		if group.Blocked < 20*time.Second || group.Busy > time.Second || slow.Busy < 25*time.Second || slow.Blocked != 0 {
			t.Errorf("group was blocked for %s and busy for %s, slow busy for %s", group.Blocked, group.Busy, slow.Busy)
		}
		if group.BytesSent == 0 || slow.RowsIn < 25 || slow.Batches != slow.RowsIn || now.Working > time.Minute {
			t.Errorf("%+v", now)
		}
		var pressure float64
		for _, s := range last.Steps {
			pressure = max(pressure, s.Pressure)
		}
		if pressure < 0.9 || pressure > 1 {
			t.Errorf("the share of the time blocked is %g", pressure)
		}
		close(stop)
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// A task is at work also while it handles what an operator was woken for: here the
// answer of a call, with which a step behind it does not get on.
func TestWorkingOnAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newTopic("orders", 1)
		p := &leat.Pipeline{}
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		answers := leat.MapAsync(in, "call", slowly, leat.Async{Capacity: 10})
		leattest.Capture(leat.Map(answers, "stuck", func(e event) event {
			time.Sleep(time.Hour)
			return e
		}), "out")
		var look func() local.Progress
		stop := make(chan struct{})
		wait := start(t.Context(), p, local.Options{Parallelism: 1, Stop: stop, Running: func(l func() local.Progress) { look = l }})
		synctest.Wait()
		from.parts[0].put(ev("ann", 3))
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		if w := look().Working; w != time.Minute {
			t.Errorf("it has been at work for %s", w)
		}
		close(stop)
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
	})
}

func slowly(ctx context.Context, e event) (event, error) {
	time.Sleep(time.Hour)
	return e, ctx.Err()
}
