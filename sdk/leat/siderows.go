package leat

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// sideAdder takes the rows of a side input in a task.
type sideAdder interface {
	add(b *batch.Batch) (late int64, err error)
	complete(w int64)
	forget(by int64)
	windows() graph.Windowing
	sizeBytes() int64
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

	parts  map[window.Interval]*sidePart[S]
	done   int64 // windows that end by then are complete
	bytes  int64
	kept   int // windows when some were last dropped
	assign []window.Interval
}

// sidePart is what is in a window: rows, and later the value made of them.
type sidePart[S any] struct {
	rows  []sideRow
	value S
	made  bool
	bytes int64
}

// sideRow is a row of a batch.
type sideRow struct {
	batch *batch.Batch
	row   int32
}

// sideFactor is how many times the bytes of its columns a side input takes: it is
// held as columns, and in part as values.
const sideFactor = 2

func (s *sideRows[T, S]) add(b *batch.Batch) (late int64, err error) {
	if s.parts == nil {
		s.parts = make(map[window.Interval]*sidePart[S])
	}
	each := sideFactor * b.SizeBytes() / int64(max(1, b.Len()))
	for i := range b.Len() {
		row := b.Row(i)
		if s.windowing.Grouped {
			s.assign = append(s.assign[:0], window.Interval{Start: b.Start[row], End: b.End[row]})
		} else if s.assign, err = s.windowing.Fn.Assign(b.TimeAt(row), s.assign[:0]); err != nil {
			return late, err
		}
		missed := 0
		for _, w := range s.assign {
			if w.End <= s.done {
				missed++
				continue
			}
			part := s.parts[w]
			if part == nil {
				part = &sidePart[S]{}
				s.parts[w] = part
			}
			part.rows = append(part.rows, sideRow{b, int32(row)})
			part.bytes += each
			s.bytes += each
		}
		if missed > 0 && missed == len(s.assign) {
			late++
		}
	}
	return late, nil
}

func (s *sideRows[T, S]) complete(w int64) { s.done = max(s.done, w) }

func (s *sideRows[T, S]) windows() graph.Windowing { return s.windowing }

func (s *sideRows[T, S]) sizeBytes() int64 { return s.bytes }

// forget looks for windows to drop when there are twice as many as were left.
func (s *sideRows[T, S]) forget(by int64) {
	if len(s.parts) < 2*s.kept+8 && by < batch.MaxTime {
		return
	}
	for w, part := range s.parts {
		if w.End <= by {
			s.bytes -= part.bytes
			delete(s.parts, w)
		}
	}
	s.kept = len(s.parts)
}

func (s *sideRows[T, S]) value(w window.Interval, ok bool) (S, error) {
	if !ok {
		return s.collect(nil)
	}
	if w.End > s.done {
		var none S
		return none, errors.New("the side input was asked for before its window was complete: a timer has fired before the last moment of the window; set it at the end of the window, or later")
	}
	part := s.parts[w]
	if part == nil {
		return s.collect(nil)
	}
	if part.made {
		return part.value, nil
	}
	rows := part.rows
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
		if err := s.decode.Decode(rows[from].batch.Root, at, out[from:to]); err != nil {
			var none S
			return none, fmt.Errorf("side input: %w", err)
		}
		from = to
	}
	v, err := s.collect(out)
	if err == nil {
		part.value, part.made, part.rows = v, true, nil
	}
	return v, err
}

// sort orders rows by event time and then by canonical bytes.
func (s *sideRows[T, S]) sort(rows []sideRow) {
	var a, b []byte
	slices.SortFunc(rows, func(x, y sideRow) int {
		if c := cmp.Compare(x.batch.TimeAt(int(x.row)), y.batch.TimeAt(int(y.row))); c != 0 {
			return c
		}
		a, b = codec.AppendKey(a[:0], x.batch.Root, int(x.row)), codec.AppendKey(b[:0], y.batch.Root, int(y.row))
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
	b, row := p.at()
	w, ok = seen(p.main, side, b, int(row))
	return w, ok, nil
}

// seen returns the window of a side input that a row sees, if there is one.
func seen(main, side graph.Windowing, b *batch.Batch, row int) (w window.Interval, ok bool) {
	if side.Fn.Kind() == window.KindGlobal {
		return window.Interval{Start: batch.MinTime, End: batch.MaxTime}, true
	}
	var last int64
	if main.Grouped {
		last = b.End[row] - 1
	} else {
		last = main.Fn.First(b.TimeAt(row)).End - 1
	}
	w = side.Fn.First(last)
	return w, w.Start <= last
}

// sidesOf is the side inputs of a function: it implements graph.SideFn.
type sidesOf struct {
	main  graph.Windowing
	sides []sideAdder // of inputs 1, 2, …
}

// Side implements graph.SideFn.
func (s *sidesOf) Side(input int, b *batch.Batch) (late int64, err error) {
	return s.sides[input-1].add(b)
}

// Complete implements graph.SideFn.
func (s *sidesOf) Complete(input int, w int64) { s.sides[input-1].complete(w) }

// Needs implements graph.SideFn.
func (s *sidesOf) Needs(input int, b *batch.Batch, ends []int64) {
	side := s.sides[input-1].windows()
	for i := range ends {
		ends[i] = batch.MinTime
		if w, ok := seen(s.main, side, b, i); ok {
			ends[i] = w.End
		}
	}
}

// Forget implements graph.SideFn.
func (s *sidesOf) Forget(by int64) {
	for _, side := range s.sides {
		side.forget(by)
	}
}

// SideBytes implements graph.SideFn.
func (s *sidesOf) SideBytes() (n int64) {
	for _, side := range s.sides {
		n += side.sizeBytes()
	}
	return n
}
