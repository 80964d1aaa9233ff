package task

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/sdk/batch"
)

// Counters are what the links of a step count, over all tasks. They may be read
// while it runs.
type Counters struct {
	RowsIn, RowsOut atomic.Int64
	Batches         atomic.Int64 // that came in
	Dropped         atomic.Int64
	State           atomic.Int64 // bytes held
	busy            atomic.Int64 // ns in the operator, without the steps behind it and waits for credits
	marks           []mark       // by task
	latest          atomic.Int64 // the latest watermark before the end

	mu   sync.Mutex
	open operator.Open
}

// mark is how far one task of a step is.
type mark struct {
	watermark atomic.Int64 // behind it; batch.MaxTime when it has ended
	rose      atomic.Int64 // when it did last, in µs since the epoch
	idle      atomic.Bool
}

// NewCounters returns counters of a step with so many tasks.
func NewCounters(tasks int) *Counters {
	c := &Counters{marks: make([]mark, tasks)}
	now := time.Now().UnixMicro()
	for i := range c.marks {
		c.marks[i].watermark.Store(batch.MinTime)
		c.marks[i].rose.Store(now)
	}
	c.latest.Store(batch.MinTime)
	return c
}

// Busy returns the time spent in the step, of all tasks together.
func (c *Counters) Busy() time.Duration { return time.Duration(c.busy.Load()) }

// Standing is where a step stands in event time.
type Standing struct {
	Watermark int64     // behind the step; batch.MinTime: nothing is known
	Since     time.Time // when it has come there
	Idle      bool      // nothing comes out of any of its tasks at the moment
	Ended     bool
}

// Watermark returns the watermark behind the step: see Standing.
func (c *Counters) Watermark() int64 { return c.Standing().Watermark }

// Standing returns where the step stands: the task that is furthest behind, of
// those that have not ended and are not idle, decides. When all have ended it is
// the latest watermark that there was.
func (c *Counters) Standing() Standing {
	active, idle := Standing{Watermark: batch.MaxTime}, Standing{Watermark: batch.MinTime, Idle: true}
	anyActive, anyIdle := false, false
	for i := range c.marks {
		m := &c.marks[i]
		s := Standing{Watermark: m.watermark.Load(), Since: time.UnixMicro(m.rose.Load())}
		switch {
		case s.Watermark == batch.MaxTime:
		case m.idle.Load():
			if anyIdle = true; s.Watermark >= idle.Watermark {
				idle.Watermark, idle.Since = s.Watermark, s.Since
			}
		default:
			if anyActive = true; s.Watermark < active.Watermark {
				active = s
			}
		}
	}
	switch {
	case anyActive:
		return active
	case anyIdle:
		return idle
	}
	return Standing{Watermark: c.latest.Load(), Ended: true}
}

func (c *Counters) idled(number int, idle bool) {
	if number < len(c.marks) {
		c.marks[number].idle.Store(idle)
	}
}

// left counts what an operator leaves undone. Tasks have parts of the same windows.
func (c *Counters) left(op operator.Operator) {
	o, ok := op.(operator.Opening)
	if !ok {
		return
	}
	open := o.Open()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open.Windows = max(c.open.Windows, open.Windows)
	c.open.Partial += open.Partial
	c.open.Rows += open.Rows
}

// Open returns what was left undone when the job was stopped.
func (c *Counters) Open() operator.Open {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open
}

func (c *Counters) passed(number int, w int64) {
	if number >= len(c.marks) {
		return // nobody asks
	}
	c.marks[number].rose.Store(time.Now().UnixMicro())
	c.marks[number].watermark.Store(w)
	for before := c.latest.Load(); w > before && w < batch.MaxTime; before = c.latest.Load() {
		if c.latest.CompareAndSwap(before, w) {
			return
		}
	}
}
