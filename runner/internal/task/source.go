package task

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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
	Counters *SourceCounters

	mu     sync.Mutex
	splits []connector.Split
	bad    []connector.BadRecord // waiting to be emitted to output 1
}

// SourceCounters count what a source has read. They may be read while it runs.
type SourceCounters struct {
	Rows, BadRecords       atomic.Int64
	SplitsDone, BytesDone  atomic.Int64
	SplitsTotal, SizeTotal int64 // SizeTotal is -1 when a split's size is not known
}

// NewSource takes the splits of an opened source.
func NewSource(n *graph.Node, input connector.Input, watermarks bool, counters *SourceCounters) *Source {
	s := &Source{Node: n, Read: n.Op.(*graph.Read), Input: input, Watermarks: watermarks, Counters: counters, splits: input.Splits()}
	counters.SplitsTotal = int64(len(s.splits))
	for _, split := range s.splits {
		if split.Bytes < 0 || counters.SizeTotal < 0 {
			counters.SizeTotal = -1
			continue
		}
		counters.SizeTotal += split.Bytes
	}
	return s
}

// Splits returns the splits that no reader has taken.
func (s *Source) Splits() []connector.Split { return s.splits }

// Range returns the splits of task i of n when each takes a contiguous range, the
// first task the first: those whose middle lies in the i-th n-th of all rows. It
// depends on the splits alone.
func (s *Source) Range(i, n int) []connector.Split {
	weight := func(split connector.Split) int64 { return 1 }
	switch {
	case !slices.ContainsFunc(s.splits, func(split connector.Split) bool { return split.Rows < 0 }):
		weight = func(split connector.Split) int64 { return 1 + split.Rows }
	case s.Counters.SizeTotal >= 0:
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
