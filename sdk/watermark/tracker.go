package watermark

import (
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// Tracker follows one reader. It is state of the task that owns it.
type Tracker struct {
	generator Generator
	custom    func(time.Time) time.Time
	latest    int64
	said      int64 // by the generator, last
	current   int64
	limit     int64
	back      int64 // watermarks ignored because they went back,
	ahead     int64 // and because they were beyond the limit
}

// New returns a tracker that has seen nothing.
func (g Generator) New() *Tracker {
	t := &Tracker{generator: g, latest: batch.MinTime, said: batch.MinTime, current: batch.MinTime, limit: batch.MaxTime}
	if g.custom != nil {
		t.custom = g.custom()
	}
	return t
}

// Limit sets the latest event time, and watermark, that is believed.
func (t *Tracker) Limit(at int64) { t.limit = at }

// Observe takes the event times of rows and returns the watermark behind them.
func (t *Tracker) Observe(times []int64) int64 {
	for _, at := range times {
		if at > t.latest && at <= t.limit {
			t.latest = at
		}
	}
	if !t.generator.Declared() || t.generator.TakesRows() || t.latest == batch.MinTime {
		return t.current
	}
	if t.generator.custom == nil {
		return t.raise(t.latest - t.generator.disorder.Microseconds())
	}
	return t.Say(t.custom(time.UnixMicro(t.latest).UTC()).UnixMicro())
}

// Say takes a watermark from elsewhere and returns the one that holds. One that is
// behind the last, or beyond the limit, is ignored and counted.
func (t *Tracker) Say(w int64) int64 {
	if w = min(w, batch.MaxTime); w > t.limit {
		t.ahead++
		return t.current
	}
	if w < t.said {
		t.back++
	}
	t.said = w
	return t.raise(w)
}

func (t *Tracker) raise(w int64) int64 {
	t.current = max(t.current, w)
	return t.current
}

// Current returns the watermark.
func (t *Tracker) Current() int64 { return t.current }

// Ignored returns how many watermarks were ignored since the last call, because
// they went back and because they were beyond the limit.
func (t *Tracker) Ignored() (back, ahead int64) {
	back, ahead = t.back, t.ahead
	t.back, t.ahead = 0, 0
	return back, ahead
}

// Format renders an event time or watermark for messages.
func Format(at int64) string {
	switch at {
	case batch.MinTime:
		return "the beginning of time"
	case batch.MaxTime:
		return "the end of time"
	}
	return time.UnixMicro(at).UTC().Format("2006-01-02T15:04:05.999999Z")
}
