package exchange

import (
	"context"
	"sync/atomic"
	"time"
)

// wait is how long a producer has waited for credits: back-pressure. Its goroutine
// writes, anybody reads.
type wait struct {
	total atomic.Int64 // ns, of waits that are over
	since atomic.Int64 // ns since the epoch, of the one under way; 0: none is
}

// credit takes a credit, which it measures only when there is none.
func (w *wait) credit(ctx context.Context, credits chan<- struct{}) error {
	select {
	case credits <- struct{}{}:
		return nil
	default:
	}
	began := time.Now()
	w.since.Store(began.UnixNano())
	defer func() {
		w.total.Add(int64(time.Since(began)))
		w.since.Store(0)
	}()
	select {
	case credits <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wait) now() time.Duration {
	d := time.Duration(w.total.Load())
	if since := w.since.Load(); since != 0 {
		d += max(0, time.Since(time.Unix(0, since)))
	}
	return d
}

// Waited returns how long its producers together have waited for credits by now.
func (e *Exchange) Waited() (d time.Duration) {
	for i := range e.waits {
		d += e.waits[i].now()
	}
	return d
}

// SentBytes returns the bytes of the batches that were sent, pipelined only.
func (e *Exchange) SentBytes() int64 { return e.sent.Load() }
