package operator

import (
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/window"
)

// windowing gives the windows of both sides of a join numbers. Rows of a batch
// become entries: one for each window that a row is in.
type windowing struct {
	fn      window.Fn
	single  bool // there is one window, number 0
	numbers map[window.Interval]int32
	list    []window.Interval // by number
	last    window.Interval   // neighbours mostly share it
	number  int32

	rows, wins []int32 // of the batch at hand
	assigned   []window.Interval
}

func newWindowing(fn window.Fn, single bool) *windowing {
	s := &windowing{fn: fn, single: single || fn.Kind() == window.KindGlobal, numbers: make(map[window.Interval]int32)}
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
// count, valid until the next call. A row that no window contains has none; one that
// a grouping step has put into a window is in that one.
func (s *windowing) entries(b *batch.Batch) (rows, wins []int32, err error) {
	s.rows, s.wins = s.rows[:0], s.wins[:0]
	for i := range b.Len() {
		row := b.Row(i)
		switch {
		case s.single:
			s.rows, s.wins = append(s.rows, int32(row)), append(s.wins, 0)
			continue
		case b.Start != nil:
			s.assigned = append(s.assigned[:0], window.Interval{Start: b.Start[row], End: b.End[row]})
		default:
			if s.assigned, err = s.fn.Assign(b.TimeAt(row), s.assigned[:0]); err != nil {
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
