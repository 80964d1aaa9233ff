package task

import (
	"context"
	"sync"
)

// Script lets scripted sources speak one at a time, and only when everything
// that was said before has been worked off everywhere in the job. That is what
// makes a test of time independent of parallelism and scheduling.
//
//	busy  messages on their way, and sources that are about to say one
//
//	source a   ─ event ─▶ waits ............................ event ─▶
//	source b   ........... waits ─ event ─▶ waits
//	tasks      ............ ▶▶▶ ▶▶         ▶▶▶▶ ▶
//	busy       1   1      3 2 1 0  1       2 1 0            1
//
// A nil Script is that of a job without scripted sources: its methods do nothing.
type Script struct {
	mu      sync.Mutex
	busy    int
	clock   int64 // processing time in µs
	waiting []*turn
}

// turn is a scripted source that waits.
type turn struct {
	step, source int // the source with the fewest events behind it comes first
	come         chan struct{}
}

// NewScript returns a script of nobody.
func NewScript() *Script { return &Script{} }

// Begin says that something is under way: call it before others can see it.
func (s *Script) Begin() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.busy++
	s.mu.Unlock()
}

// Done says that it has been worked off.
func (s *Script) Done() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	s.next()
}

// next lets a source speak when nothing is under way.
func (s *Script) next() {
	if s.busy > 0 || len(s.waiting) == 0 {
		return
	}
	first := 0
	for i, t := range s.waiting {
		if f := s.waiting[first]; t.step < f.step || t.step == f.step && t.source < f.source {
			first = i
		}
	}
	s.busy++
	close(s.waiting[first].come)
	s.waiting = append(s.waiting[:first], s.waiting[first+1:]...)
}

// await waits for the turn of a source that has said step events and is under
// way; when it returns it is under way again.
func (s *Script) await(ctx context.Context, step, source int) error {
	t := &turn{step, source, make(chan struct{})}
	s.mu.Lock()
	s.waiting = append(s.waiting, t)
	s.busy--
	s.next()
	s.mu.Unlock()
	select {
	case <-t.come:
		return nil
	case <-ctx.Done():
		s.forget(t)
		return ctx.Err()
	}
}

// forget takes back a turn that was not waited for to its end. The source is under
// way again, whether or not the turn had come by then.
func (s *Script) forget(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.waiting {
		if other == t {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			s.busy++
			return
		}
	}
}

// advance moves the clock and returns what it shows.
func (s *Script) advance(d int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock += d
	return s.clock
}

// Now returns what the clock shows.
func (s *Script) Now() int64 { return s.advance(0) }
