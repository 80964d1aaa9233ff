package operator

import (
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// windowing gives the windows of both sides of a join numbers. Rows of a batch
// become entries: one for each window that a row is in.
type windowing struct {
	graph.Windowing
	single  bool // there is one window, number 0
	numbers map[window.Interval]int32
	list    []window.Interval // by number
	last    window.Interval   // neighbours mostly share it
	number  int32

	rows, wins []int32 // of the batch at hand
	assigned   []window.Interval
}

func newWindowing(w graph.Windowing, single bool) *windowing {
	s := &windowing{Windowing: w, single: single || w.Fn.Kind() == window.KindGlobal, numbers: make(map[window.Interval]int32)}
	if s.single {
		s.of(window.Interval{Start: batch.MinTime, End: batch.MaxTime})
	}
	return s
}

func (s *windowing) of(w window.Interval) int32 {
	if w == s.last {
		return s.number
	}
	n, ok := s.numbers[w]
	if !ok {
		n = int32(len(s.list))
		s.numbers[w], s.list = n, append(s.list, w)
	}
	s.last, s.number = w, n
	return n
}

// entries returns the physical row and the window of each entry of the rows that
// count, valid until the next call. A row that no window contains has none.
func (s *windowing) entries(b *batch.Batch) (rows, wins []int32, err error) {
	s.rows, s.wins = s.rows[:0], s.wins[:0]
	for i := range b.Len() {
		row := b.Row(i)
		switch {
		case s.single:
			s.rows, s.wins = append(s.rows, int32(row)), append(s.wins, 0)
			continue
		case s.Grouped:
			s.assigned = append(s.assigned[:0], window.Interval{Start: b.Start[row], End: b.End[row]})
		default:
			if s.assigned, err = s.Fn.Assign(b.TimeAt(row), s.assigned[:0]); err != nil {
				return nil, nil, err
			}
		}
		for _, w := range s.assigned {
			s.rows, s.wins = append(s.rows, int32(row)), append(s.wins, s.of(w))
		}
	}
	return s.rows, s.wins, nil
}

// sizeBytes estimates the memory held.
func (s *windowing) sizeBytes() int64 { return int64(64*len(s.list) + 4*cap(s.rows) + 4*cap(s.wins)) }
