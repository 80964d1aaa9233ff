// Package memory accounts for the bytes that operators, exchanges and state hold.
package memory

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Budget counts reserved bytes against a limit. Several goroutines may use it.
type Budget struct {
	limit int64 // 0: none
	used  atomic.Int64
	peak  atomic.Int64

	mu         sync.Mutex // held while somebody reclaims
	reclaimers []Reclaimer
}

// NewBudget returns a budget of limit bytes; 0 means no limit.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// ExceededError says that a job needs more memory than it was given.
type ExceededError struct {
	Holder             string
	Wanted, Used, Most int64
}

// Error implements error.
func (e *ExceededError) Error() string {
	return fmt.Sprintf("%s needs %s more while %s of the memory budget of %s are in use; raise the budget (-memory), lower the parallelism or use smaller windows",
		e.Holder, Size(e.Wanted), Size(e.Used), Size(e.Most))
}

// Limit returns the bytes there are; 0: no limit.
func (b *Budget) Limit() int64 { return b.limit }

// Reserve takes n bytes (gives back when negative) for holder. Where they are
// not free, reclaimers are asked to make room; the caller must not hold a lock
// that one of them could wait for. The error is an *ExceededError when nobody
// could, or what went wrong in making room.
func (b *Budget) Reserve(holder string, n int64) error {
	if b.take(n) {
		return nil
	}
	taken, err := b.reclaim(n)
	if err == nil && !taken {
		err = &ExceededError{Holder: holder, Wanted: n, Used: b.used.Load(), Most: b.limit}
	}
	return err
}

// take takes n bytes if they are free.
func (b *Budget) take(n int64) bool {
	for {
		before := b.used.Load()
		used := before + n
		if n > 0 && b.limit > 0 && used > b.limit {
			return false
		}
		if !b.used.CompareAndSwap(before, used) {
			continue
		}
		for peak := b.peak.Load(); used > peak && !b.peak.CompareAndSwap(peak, used); peak = b.peak.Load() {
		}
		return true
	}
}

// Release gives n bytes back.
func (b *Budget) Release(n int64) { b.used.Add(-n) }

// Used returns the bytes reserved now. After a run it is zero: anything else is
// a leak.
func (b *Budget) Used() int64 { return b.used.Load() }

// Peak returns the most bytes that were reserved at one time.
func (b *Budget) Peak() int64 { return b.peak.Load() }

// Size renders bytes for people: 64.0 MiB.
func Size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n)/unit, 0
	for value >= unit && suffix < 4 {
		value /= unit
		suffix++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[suffix])
}
