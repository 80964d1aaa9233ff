package task

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/leatflow/leat/sdk/connector"
)

// growth deals the splits of a source to tasks, in turn: those there are at the
// beginning, and those that are found while it runs.
//
//	Splits ─▶ 0 1 2 3 4        task 0: 0 2 4 6
//	More   ─▶ 5 6              task 1: 1 3 5
type growth struct {
	mu     sync.Mutex
	next   int                 // the task that gets the next split
	dealt  [][]connector.Split // by task, that it has not taken
	news   []chan struct{}     // by task, ready when there is something to take
	sealed bool                // there will be no more
	cut    bool                // because the source was stopped
}

// Deal gives the splits that no reader has taken to so many tasks, each with an
// input from NewSplits. Where the source grows, Grow deals out what is found.
func (s *Source) Deal(tasks int) {
	g := &growth{dealt: make([][]connector.Split, tasks)}
	for range tasks {
		g.news = append(g.news, make(chan struct{}, 1))
	}
	s.growth = g
	_, grows := s.Input.(connector.Growing)
	g.deal(s.splits, !grows)
	s.splits = nil
}

func (g *growth) deal(splits []connector.Split, sealed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, split := range splits {
		g.dealt[g.next] = append(g.dealt[g.next], split)
		g.next = (g.next + 1) % len(g.dealt)
	}
	g.sealed = sealed
	for i := range g.news {
		if len(g.dealt[i]) == 0 && !sealed {
			continue
		}
		select {
		case g.news[i] <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

// stop says that there could have been more.
func (g *growth) stop() {
	g.mu.Lock()
	g.cut = true
	g.mu.Unlock()
	g.deal(nil, true)
}

// dealt takes what was dealt to a task since the last time. sealed says that there
// will be no more, cut that this is so because the source was stopped.
func (s *Source) dealt(task int) (splits []connector.Split, sealed, cut bool) {
	g := s.growth
	g.mu.Lock()
	defer g.mu.Unlock()
	splits, g.dealt[task] = g.dealt[task], nil
	return splits, g.sealed, g.cut
}

// news is ready when something may have been dealt to a task.
func (s *Source) news(task int) <-chan struct{} { return s.growth.news[task] }

// Dealt reports whether the splits of the source are dealt out.
func (s *Source) Dealt() bool { return s.growth != nil }

// Grows reports whether Grow has something to do.
func (s *Source) Grows() bool {
	_, grows := s.Input.(connector.Growing)
	return grows && s.growth != nil
}

// Grow deals out splits that are found, until there will be no more, an error, or
// the source is stopped. It needs a goroutine of its own.
func (s *Source) Grow(ctx context.Context) error {
	ctx, done := s.untilStopped(ctx)
	defer done()
	for {
		var found []connector.Split
		err := guard(func() (err error) { found, err = s.Input.(connector.Growing).More(ctx); return err })
		switch {
		case err != nil && s.Stopped():
			s.growth.stop()
			s.Stopping.cut.Store(true)
			return nil
		case errors.Is(err, io.EOF):
			s.growth.deal(nil, true)
			return nil
		case err != nil:
			return s.named(fmt.Errorf("looking for more splits: %w", err))
		}
		s.Counters.add(found)
		s.growth.deal(found, false)
	}
}
