package task

import (
	"sync"
	"sync/atomic"

	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/sdk/batch"
)

// Counters are what the links of a step count, over all tasks. They may be read
// while it runs.
type Counters struct {
	RowsIn, RowsOut atomic.Int64
	Dropped         atomic.Int64
	State           atomic.Int64   // bytes held
	marks           []atomic.Int64 // the watermark behind each task; batch.MaxTime when it has ended
	latest          atomic.Int64   // the latest before the end

	mu   sync.Mutex
	open operator.Open
}

// NewCounters returns counters of a step with so many tasks.
func NewCounters(tasks int) *Counters {
	c := &Counters{marks: make([]atomic.Int64, tasks)}
	for i := range c.marks {
		c.marks[i].Store(batch.MinTime)
	}
	c.latest.Store(batch.MinTime)
	return c
}

// Watermark returns the watermark behind the step: the least of its tasks that
// have not ended, or the latest there was when all have. batch.MinTime says that
// nothing is known.
func (c *Counters) Watermark() int64 {
	least := batch.MaxTime
	for i := range c.marks {
		least = min(least, c.marks[i].Load())
	}
	if least == batch.MaxTime {
		return c.latest.Load()
	}
	return least
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
	c.marks[number].Store(w)
	for before := c.latest.Load(); w > before && w < batch.MaxTime; before = c.latest.Load() {
		if c.latest.CompareAndSwap(before, w) {
			return
		}
	}
}
