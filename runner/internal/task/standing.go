package task

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// tracked is what can be seen of a split while it is read.
type tracked struct {
	name      string
	rows      atomic.Int64
	last      atomic.Int64 // when rows came last, in µs since the epoch; 0: none have
	watermark atomic.Int64
	rose      atomic.Int64
	idle      atomic.Bool
}

// SplitStanding is where a split stands that is read.
type SplitStanding struct {
	Name string
	Standing
	Rows int64
	Last time.Time // when rows came last; zero: none have
}

// track lets a split be seen from now on.
func (s *Source) track(split connector.Split) *tracked {
	t := &tracked{name: split.Name}
	t.watermark.Store(batch.MinTime)
	t.rose.Store(time.Now().UnixMicro())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracked = append(s.tracked, t)
	return t
}

// forget lets a split that has ended be seen no more.
func (s *Source) forget(t *tracked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tracked = slices.DeleteFunc(s.tracked, func(other *tracked) bool { return other == t })
}

// Standings returns where the splits stand that are read at the moment.
func (s *Source) Standings() (all []SplitStanding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tracked {
		one := SplitStanding{Name: t.name, Rows: t.rows.Load(),
			Standing: Standing{Watermark: t.watermark.Load(), Since: time.UnixMicro(t.rose.Load()), Idle: t.idle.Load()}}
		if last := t.last.Load(); last != 0 {
			one.Last = time.UnixMicro(last)
		}
		all = append(all, one)
	}
	return all
}

// came counts rows.
func (t *tracked) came(rows int) {
	if t != nil {
		t.rows.Add(int64(rows))
		t.last.Store(time.Now().UnixMicro())
	}
}

// said notes what was said of time.
func (t *tracked) said(w int64) {
	if t != nil && w > t.watermark.Load() {
		t.rose.Store(time.Now().UnixMicro())
		t.watermark.Store(w)
	}
}

func (t *tracked) setIdle(idle bool) {
	if t != nil {
		t.idle.Store(idle)
	}
}
