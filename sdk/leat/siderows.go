package leat

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// sideAdder takes the rows of a side input in a task.
type sideAdder interface {
	add(b *batch.Batch) error
}

// sideStore holds a side input in a task, window by window.
type sideStore[S any] interface {
	sideAdder
	// value returns what is in a window; ok is false for none at all.
	value(w window.Interval, ok bool) (S, error)
}

// sideRows makes the value of a window when it is first asked for.
type sideRows[T, S any] struct {
	decode    decoder[T]
	windowing graph.Windowing
	ordered   bool
	collect   func([]T) (S, error)

	batches []*batch.Batch
	rows    map[window.Interval][]sideRow
	values  map[window.Interval]S
	assign  []window.Interval
}

// sideRow is a row of one of the batches.
type sideRow struct{ batch, row int32 }

func (s *sideRows[T, S]) add(b *batch.Batch) (err error) {
	if s.rows == nil {
		s.rows, s.values = make(map[window.Interval][]sideRow), make(map[window.Interval]S)
	}
	s.batches = append(s.batches, b)
	for i := range b.Len() {
		row := b.Row(i)
		if s.windowing.Grouped {
			s.assign = append(s.assign[:0], window.Interval{Start: b.Start[row], End: b.End[row]})
		} else if s.assign, err = s.windowing.Fn.Assign(b.TimeAt(row), s.assign[:0]); err != nil {
			return err
		}
		for _, w := range s.assign {
			s.rows[w] = append(s.rows[w], sideRow{int32(len(s.batches) - 1), int32(row)})
		}
	}
	return nil
}

func (s *sideRows[T, S]) value(w window.Interval, ok bool) (S, error) {
	if !ok {
		return s.collect(nil)
	}
	if v, made := s.values[w]; made {
		return v, nil
	}
	rows := s.rows[w]
	if s.ordered {
		s.sort(rows)
	}
	out := make([]T, len(rows))
	for from := 0; from < len(rows); { // rows of one batch together
		to := from + 1
		for to < len(rows) && rows[to].batch == rows[from].batch {
			to++
		}
		at := make([]int32, 0, to-from)
		for _, r := range rows[from:to] {
			at = append(at, r.row)
		}
		if err := s.decode.Decode(s.batches[rows[from].batch].Root, at, out[from:to]); err != nil {
			var none S
			return none, fmt.Errorf("side input: %w", err)
		}
		from = to
	}
	v, err := s.collect(out)
	if err == nil && s.values != nil {
		s.values[w] = v
		delete(s.rows, w)
	}
	return v, err
}

// sort orders rows by event time and then by canonical bytes.
func (s *sideRows[T, S]) sort(rows []sideRow) {
	var a, b []byte
	slices.SortFunc(rows, func(x, y sideRow) int {
		in, other := s.batches[x.batch], s.batches[y.batch]
		if c := cmp.Compare(in.TimeAt(int(x.row)), other.TimeAt(int(y.row))); c != 0 {
			return c
		}
		a, b = codec.AppendKey(a[:0], in.Root, int(x.row)), codec.AppendKey(b[:0], other.Root, int(y.row))
		return bytes.Compare(a, b)
	})
}

// sideWindows refuses pairs of windows of which no part of the side input follows.
func sideWindows(main, side graph.Edge) error {
	w, own := side.Windowing(), main.Windowing()
	if err := timeFits(side); err != nil {
		return err
	}
	switch w.Fn.Kind() {
	case window.KindGlobal:
		return nil
	case window.KindAligned:
	default:
		return fmt.Errorf("it is in %s windows, of which none follows from the window of a row; put it into global, fixed or sliding windows with leat.Window", w.Fn)
	}
	fixed := own.Fn.Kind() == window.KindAligned && own.Fn.Size() == own.Fn.Period()
	switch {
	case own.Fn.Kind() == window.KindGlobal:
		return fmt.Errorf("it is in %s windows and the rows are in the global one, from which none of these follows; put leat.Window in front of the rows, or the side input into the global window", w.Fn)
	case !own.Grouped && !fixed:
		return fmt.Errorf("it is in %s windows and the rows are in %s windows, of which a row may be in several; give the rows fixed windows, or group them first", w.Fn, own.Fn)
	}
	return timeFits(main)
}

// sidePlace is the row being processed.
type sidePlace struct {
	main graph.Windowing
	at   func() (*batch.Batch, int32)
}

// window returns the window of a side input that the row sees; false when there is
// none, as between windows.
func (p *sidePlace) window(side graph.Windowing) (w window.Interval, ok bool, err error) {
	if side.Fn.Kind() == window.KindGlobal {
		return window.Interval{Start: batch.MinTime, End: batch.MaxTime}, true, nil
	}
	b, row := p.at()
	var last int64
	if p.main.Grouped {
		last = b.End[row] - 1
	} else {
		last = p.main.Fn.First(b.TimeAt(int(row))).End - 1
	}
	w = side.Fn.First(last)
	return w, w.Start <= last, nil
}
