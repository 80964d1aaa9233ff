package command

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Signals returns a context for Flags.Run and Flags.Job that heeds SIGINT and
// SIGTERM. The first stops a pipeline that never ends in good order: sources read
// no more, what was read is worked off, sinks are flushed. A second one, and the
// first of a pipeline that ends by itself, cancels the context. Call the function
// when all is done.
func Signals(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	s := &signals{cancel: cancel}
	came := make(chan os.Signal, 2)
	signal.Notify(came, os.Interrupt, syscall.SIGTERM)
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-came:
				s.interrupt()
			case <-quit:
				return
			}
		}
	}()
	return context.WithValue(ctx, signalsKey{}, s), func() {
		signal.Stop(came)
		close(quit)
		<-gone
		cancel()
	}
}

type signalsKey struct{}

// signals decides what a signal does.
type signals struct {
	cancel context.CancelFunc

	mu   sync.Mutex
	stop chan struct{} // closed by the first signal; nil: nothing runs that can be stopped
	come int           // signals
}

func (s *signals) interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.come++
	if s.come > 1 || s.stop == nil {
		s.cancel()
		return
	}
	close(s.stop)
}

// stoppable returns what the first signal closes while a pipeline that never ends
// runs. The function says that it has ended.
func (s *signals) stoppable() (<-chan struct{}, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop = make(chan struct{})
	return s.stop, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stop = nil
	}
}
