package task

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// A step stands where the furthest behind of its tasks stands that has not ended
// and is not idle, since that has come there; when all are idle, where the furthest
// ahead does; when all have ended, where the last of them was.
func TestStanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := NewCounters(3)
		expect := func(what string, w int64, since time.Duration, idle, ended bool) {
			t.Helper()
			s := c.Standing()
			if s.Watermark != w || s.Idle != idle || s.Ended != ended || !ended && s.Since.Sub(begin) != since {
				t.Errorf("%s: %+v", what, s)
			}
		}
		expect("at the beginning", batch.MinTime, 0, false, false)
		time.Sleep(time.Second)
		c.passed(0, 10)
		c.passed(1, 20)
		expect("one knows nothing", batch.MinTime, 0, false, false)
		c.idled(2, true)
		expect("it is idle", 10, time.Second, false, false)
		time.Sleep(time.Second)
		c.passed(0, 30)
		expect("another is behind", 20, time.Second, false, false)
		c.idled(0, true)
		c.idled(1, true)
		expect("all are idle", 30, 2*time.Second, true, false)
		c.idled(1, false)
		c.passed(1, batch.MaxTime)
		c.passed(0, batch.MaxTime)
		c.passed(2, batch.MaxTime)
		expect("all have ended", 30, 0, false, true)
	})
}

// The time of a step is its own, without that of the steps it calls.
func TestStopwatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stopwatch{}
		outer := w.begin(nil)
		time.Sleep(time.Second)
		var inner time.Duration
		for range 2 {
			l := w.begin(nil)
			time.Sleep(10 * time.Second)
			leaf := w.begin(nil)
			time.Sleep(time.Hour)
			if own := time.Duration(w.end(leaf)); own != time.Hour {
				t.Errorf("the last took %s", own)
			}
			inner += time.Duration(w.end(l))
		}
		time.Sleep(time.Second)
		if own := time.Duration(w.end(outer)); own != 2*time.Second || inner != 20*time.Second {
			t.Errorf("the first took %s, the second %s", own, inner)
		}
		var none *stopwatch
		if none.end(none.begin(nil)) != 0 {
			t.Error("a watch that is none measures")
		}
	})
}

// slowSender is an operator that takes a second for a batch before it sends it.
type slowSender struct {
	timer
	to *exchange.Sender
}

func (o *slowSender) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	time.Sleep(time.Second)
	return o.to.Send(ctx, 0, b)
}

// A step that waits for those behind it is not busy, and what it was busy for before
// does not grow less meanwhile: it is a counter.
func TestBusyIsWithoutWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := exchange.New("test", 1, 1, true, memory.NewBudget(0))
		c := NewCounters(1)
		l := NewLink("step", "here:1", &slowSender{to: x.Sender(0)}, 1, 1, nil, c, memory.NewBudget(0))
		l.Connect(0, Edge{To: Sending{x.Sender(0)}})
		task := &Task{Links: []*Link{l}}
		task.Measure()
		const batches = 9 // one more than there are credits
		ended := make(chan error)
		go func() {
			for range batches {
				if err := l.process(t.Context(), 0, numbers(1)); err != nil {
					ended <- err
				}
			}
			ended <- nil
		}()
		time.Sleep((batches-1)*time.Second + time.Minute)
		if busy, blocked := c.Busy(), x.Waited(); busy != (batches-1)*time.Second || blocked != time.Minute-time.Second {
			t.Errorf("while it waits it was busy for %s and blocked for %s", busy, blocked)
		}
		if _, _, err := x.Receiver(0).Next(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if busy, blocked := c.Busy(), x.Waited(); busy != batches*time.Second || blocked != time.Minute-time.Second {
			t.Errorf("behind the wait it was busy for %s and blocked for %s", busy, blocked)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
