package task

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/sdk/batch"
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
		outer := w.begin()
		time.Sleep(time.Second)
		var inner time.Duration
		for range 2 {
			l := w.begin()
			time.Sleep(10 * time.Second)
			leaf := w.begin()
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
		if none.end(none.begin()) != 0 {
			t.Error("a watch that is none measures")
		}
	})
}
