package task

import (
	"context"
	"errors"
	"sync/atomic"
)

// Stopping is how the sources of a job learn that they are to stop: what was read
// is worked off, nothing more is read.
//
//	reader   ─ rows ─ rows ─┐
//	stop ────────────────▶ Stop ─▶ operators send what is done ─▶ sinks close
//	                        or End, when the input is to count as complete
//
// A Stop goes through links and exchanges as an End does, and is not one: the
// watermark stays where it is, and what is open stays open.
type Stopping struct {
	// Requested is closed when the sources are to stop.
	Requested <-chan struct{}
	// Complete says that the input counts as complete then.
	Complete bool

	cut atomic.Bool // a source has stopped before its end
}

// Cut reports whether a source has stopped before its end.
func (s *Stopping) Cut() bool { return s != nil && s.cut.Load() }

// Now reports whether the sources are to stop.
func (s *Stopping) Now() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.Requested:
		return true
	default:
		return false
	}
}

// errStopped is the cause why a reader's context is done.
var errStopped = errors.New("the source was stopped")

// Stopped reports whether the source is to read no more.
func (s *Source) Stopped() bool { return s.Stopping.Now() }

// untilStopped returns a context that is also done when the source is to stop. The
// function gives back what it took.
func (s *Source) untilStopped(ctx context.Context) (context.Context, func()) {
	if s.Stopping == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	gone := make(chan struct{})
	go func() {
		select {
		case <-s.Stopping.Requested:
			cancel(errStopped)
		case <-ctx.Done():
		}
		close(gone)
	}()
	return ctx, func() {
		cancel(nil)
		<-gone
	}
}
