package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// Source is an opened source, shared by the tasks that read it.
type Source struct {
	Node  *graph.Node
	Read  *graph.Read
	Input connector.Input
	// Watermarks asks for watermarks while reading: in a batch plan nobody
	// listens before the end.
	Watermarks bool
	// Script gives scripted sources their turns; nil when there is none.
	Script   *Script
	Now      func() int64 // processing time
	Counters *SourceCounters
	Stopping *Stopping // nil: it is never stopped

	growth  *growth // nil: splits are taken from the queue, or in ranges
	mu      sync.Mutex
	splits  []connector.Split
	bad     []connector.BadRecord // waiting to be emitted to output 1
	tracked []*tracked            // splits that are read

	aligned *watermark.Alignment // of the readers; nil: they need not wait
	stirred chan struct{}        // closed and replaced when the slowest has moved
}

// SourceCounters count what a source has read. They may be read while it runs.
type SourceCounters struct {
	Rows, BadRecords       atomic.Int64
	Ahead                  atomic.Int64 // rows, and watermarks of rows, too far ahead of the clock to count for the watermark
	Back                   atomic.Int64 // watermarks that went back and were ignored
	SplitsDone, BytesDone  atomic.Int64
	SplitsTotal, SizeTotal atomic.Int64 // SizeTotal is -1 when a split's size is not known
}

// add counts splits that were found.
func (c *SourceCounters) add(splits []connector.Split) {
	c.SplitsTotal.Add(int64(len(splits)))
	size := c.SizeTotal.Load()
	for _, split := range splits {
		if split.Bytes < 0 || size < 0 {
			size = -1
			break
		}
		size += split.Bytes
	}
	c.SizeTotal.Store(size)
}

// NewSource takes the splits of an opened source.
func NewSource(n *graph.Node, input connector.Input, watermarks bool, counters *SourceCounters) *Source {
	s := &Source{Node: n, Read: n.Op.(*graph.Read), Input: input, Watermarks: watermarks, Counters: counters, splits: input.Splits()}
	counters.add(s.splits)
	return s
}

// align adds a reader to those that are held to each other's pace.
func (s *Source) align() (place int) {
	drift, ok := s.Read.EventTime.Generator.Drift()
	if !ok {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aligned == nil {
		s.aligned = &watermark.Alignment{Drift: drift.Microseconds()}
		s.stirred = make(chan struct{})
	}
	return s.aligned.Add()
}

// moved says where a reader is.
func (s *Source) moved(place int, in watermark.Input) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aligned != nil && s.aligned.Set(place, in) {
		close(s.stirred)
		s.stirred = make(chan struct{})
	}
}

// holds returns nil when a reader may go on, and what to wait for when not.
func (s *Source) holds(place int) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aligned == nil || !s.aligned.Holds(place) {
		return nil
	}
	return s.stirred
}

func (s *Source) named(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &StepError{Step: s.Node.Name, Place: s.Node.Place, Err: err}
}

// Range returns the splits of task i of n when each takes a contiguous range, the
// first task the first: those whose middle lies in the i-th n-th of all rows. It
// depends on the splits alone.
func (s *Source) Range(i, n int) []connector.Split {
	weight := func(split connector.Split) int64 { return 1 }
	switch {
	case !slices.ContainsFunc(s.splits, func(split connector.Split) bool { return split.Rows < 0 }):
		weight = func(split connector.Split) int64 { return 1 + split.Rows }
	case s.Counters.SizeTotal.Load() >= 0:
		weight = func(split connector.Split) int64 { return 1 + split.Bytes }
	}
	var all, before int64
	for _, split := range s.splits {
		all += weight(split)
	}
	var mine []connector.Split
	for _, split := range s.splits {
		w := weight(split)
		middle := float64(before) + float64(w)/2
		if min(int(middle/float64(all)*float64(n)), n-1) == i {
			mine = append(mine, split)
		}
		before += w
	}
	return mine
}

// take returns the next split in the source's order.
func (s *Source) take() (connector.Split, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.splits) == 0 {
		return connector.Split{}, false
	}
	next := s.splits[0]
	s.splits = s.splits[1:]
	return next, true
}

// Bad applies the user's policy to a record that could not be decoded.
func (s *Source) Bad(b connector.BadRecord) error {
	s.Counters.BadRecords.Add(1)
	switch s.Read.Policy {
	case graph.BadSkips:
		return nil
	case graph.BadGoes:
		b.Raw = append([]byte(nil), b.Raw...)
		s.mu.Lock()
		s.bad = append(s.bad, b)
		s.mu.Unlock()
		return nil
	}
	return fmt.Errorf("%w; to go on without such records use leat.SkipBad or leat.BadTo", b)
}

func (s *Source) takeBad() []connector.BadRecord {
	if s.Read.Policy != graph.BadGoes {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bad := s.bad
	s.bad = nil
	return bad
}
