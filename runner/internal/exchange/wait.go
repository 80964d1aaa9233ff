package exchange

import (
	"context"
	"sync"
	"time"
)

// wait is how long a producer has waited for credits: back-pressure. Its goroutine
// writes, anybody reads.
type wait struct {
	mu    sync.Mutex
	total time.Duration // of waits that are over
	since time.Time     // of the one under way; zero: none is
}

// credit takes a credit, which it measures only when there is none.
func (w *wait) credit(ctx context.Context, credits chan<- struct{}) error {
	select {
	case credits <- struct{}{}:
		return nil
	default:
	}
	w.begin()
	defer w.end()
	select {
	case credits <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *wait) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = time.Now()
}

func (w *wait) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.total += time.Since(w.since)
	w.since = time.Time{}
}

func (w *wait) now() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since.IsZero() {
		return w.total
	}
	return w.total + time.Since(w.since)
}

// Waited returns how long the producer has waited for credits by now.
func (s *Sender) Waited() time.Duration { return s.exchange.waits[s.producer].now() }

// Waited returns how long its producers together have waited for credits by now.
func (e *Exchange) Waited() (d time.Duration) {
	for i := range e.waits {
		d += e.waits[i].now()
	}
	return d
}

// SentBytes returns the bytes of the batches that were sent, pipelined only.
func (e *Exchange) SentBytes() int64 { return e.sent.Load() }
