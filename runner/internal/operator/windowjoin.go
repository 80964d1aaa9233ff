package operator

import (
	"container/heap"
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// windowJoin is a join on the streaming plan. It holds the rows of both sides by
// window; when the watermark passes the end of windows, their rows are joined as in a
// batch plan, some windows at a time:
//
//	window [0,60)    left │ b0: 3 5 9 │ b1: 0 │    right │ b2: 7 │     rows of batches
//	window [60,120)  left │ b1: 1 2 …                                  that came
//
// A row in a window that has fired is late for it. One that is late for all its
// windows is dropped and counted.
type windowJoin struct {
	Joining
	counters *Counters
	passed   int64 // watermark
	windows  map[window.Interval]*joinWindow
	order    joinWindows // by end

	assigned, before []window.Interval
	last             []*joinWindow // of before
	rows, bytes      int64
}

// joinWindow is the rows of a window.
type joinWindow struct {
	window.Interval
	sides [2][]joinPiece
	rows  int
}

// joinPiece is rows of a batch.
type joinPiece struct {
	from *joinBatch
	rows []int32
}

// joinBatch is a batch that some windows have rows of.
type joinBatch struct {
	*batch.Batch
	windows int
	bytes   int64
}

// joinWindows is a heap of windows, the first to end on top.
type joinWindows []*joinWindow

// Len implements heap.Interface.
func (w joinWindows) Len() int { return len(w) }

// Less implements heap.Interface.
func (w joinWindows) Less(i, j int) bool { return w[i].End < w[j].End }

// Swap implements heap.Interface.
func (w joinWindows) Swap(i, j int) { w[i], w[j] = w[j], w[i] }

// Push implements heap.Interface.
func (w *joinWindows) Push(x any) { *w = append(*w, x.(*joinWindow)) }

// Pop implements heap.Interface.
func (w *joinWindows) Pop() any {
	last := len(*w) - 1
	in := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return in
}

// NewWindowJoin returns the operator of a Join step on the streaming plan. Its input
// 1 is the right side.
func NewWindowJoin(j Joining, counters *Counters) Operator {
	return &windowJoin{Joining: j, counters: counters, passed: batch.MinTime, windows: make(map[window.Interval]*joinWindow)}
}

// Process implements Operator: it takes the left side.
func (o *windowJoin) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	return o.take(0, b)
}

// ProcessSide implements Sided: it takes the right side.
func (o *windowJoin) ProcessSide(_ context.Context, _ int, b *batch.Batch, _ graph.Emit) error {
	return o.take(1, b)
}

func (o *windowJoin) take(side int, b *batch.Batch) (err error) {
	from := &joinBatch{Batch: b.Compact()}
	from.bytes = from.SizeBytes()
	o.before = o.before[:0]
	for i := range from.Len() {
		switch {
		case from.Start != nil:
			o.assigned = append(o.assigned[:0], window.Interval{Start: from.Start[i], End: from.End[i]})
		default:
			if o.assigned, err = o.Windows.Assign(from.TimeAt(i), o.assigned[:0]); err != nil {
				return err
			}
		}
		o.find()
		late := 0
		for _, in := range o.last {
			if in == nil {
				late++
				continue
			}
			o.add(in, side, from, int32(i))
		}
		if late > 0 && late == len(o.last) {
			o.counters.Dropped++
		}
	}
	if from.windows > 0 {
		o.bytes += from.bytes
	}
	return nil
}

// find sets last to the windows assigned, nil where one has fired. Neighbours mostly
// share them.
func (o *windowJoin) find() {
	same := len(o.assigned) == len(o.before) && len(o.assigned) > 0
	for i := 0; same && i < len(o.assigned); i++ {
		same = o.assigned[i] == o.before[i]
	}
	if same {
		return
	}
	o.before, o.last = append(o.before[:0], o.assigned...), o.last[:0]
	for _, w := range o.assigned {
		if w.End <= o.passed {
			o.last = append(o.last, nil)
			continue
		}
		in := o.windows[w]
		if in == nil {
			in = &joinWindow{Interval: w}
			o.windows[w] = in
			heap.Push(&o.order, in)
		}
		o.last = append(o.last, in)
	}
}

func (o *windowJoin) add(in *joinWindow, side int, from *joinBatch, row int32) {
	pieces := in.sides[side]
	if n := len(pieces); n == 0 || pieces[n-1].from != from {
		pieces = append(pieces, joinPiece{from: from})
		in.sides[side] = pieces
		from.windows++
	}
	piece := &pieces[len(pieces)-1]
	piece.rows = append(piece.rows, row)
	in.rows++
	o.rows++
}

// Watermark implements Operator.
func (o *windowJoin) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	o.passed = w
	return o.fire(ctx, w, emit)
}

// End implements Operator.
func (o *windowJoin) End(ctx context.Context, emit graph.Emit) error {
	return o.fire(ctx, endOfInput, emit)
}

// fire joins windows that end by a moment.
func (o *windowJoin) fire(ctx context.Context, by int64, emit graph.Emit) error {
	for len(o.order) > 0 && o.order[0].End <= by {
		var some []*joinWindow
		for rows := 0; rows < batch.TargetRows && len(o.order) > 0 && o.order[0].End <= by; {
			in := heap.Pop(&o.order).(*joinWindow)
			delete(o.windows, in.Interval)
			some, rows = append(some, in), rows+in.rows
		}
		if err := o.join(ctx, some, emit); err != nil {
			return err
		}
		for _, in := range some {
			o.forget(in)
		}
	}
	return nil
}

// join joins the rows of some windows.
func (o *windowJoin) join(ctx context.Context, some []*joinWindow, emit graph.Emit) error {
	j := NewJoin(o.Joining).(*join)
	err := o.feed(some, 1, func(b *batch.Batch) error { return j.ProcessSide(ctx, 1, b, emit) })
	if err == nil {
		err = o.feed(some, 0, func(b *batch.Batch) error { return j.Process(ctx, b, emit) })
	}
	if err == nil {
		err = j.End(ctx, emit)
	}
	return err
}

// feed puts the rows of a side together, each with its window.
func (o *windowJoin) feed(some []*joinWindow, side int, to func(*batch.Batch) error) error {
	var all gathering
	out := &batch.Batch{}
	sources := make(map[*joinBatch]int32)
	flush := func() error {
		if all.len() == 0 {
			return nil
		}
		out.Root = all.column()
		err := to(out)
		all.reset()
		clear(sources)
		out = &batch.Batch{}
		return err
	}
	for _, in := range some {
		for _, piece := range in.sides[side] {
			from, ok := sources[piece.from]
			if !ok {
				from = all.source(piece.from.Root)
				sources[piece.from] = from
			}
			for _, row := range piece.rows {
				all.add(from, int(row))
				out.Time = append(out.Time, piece.from.TimeAt(int(row)))
				out.Start, out.End = append(out.Start, in.Start), append(out.End, in.End)
			}
			if all.len() >= batch.TargetRows {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

func (o *windowJoin) forget(in *joinWindow) {
	o.rows -= int64(in.rows)
	for _, pieces := range in.sides {
		for _, piece := range pieces {
			if piece.from.windows--; piece.from.windows == 0 {
				o.bytes -= piece.from.bytes
			}
		}
	}
}

// Close implements Operator.
func (o *windowJoin) Close() error { return nil }

// SizeBytes implements Sized.
func (o *windowJoin) SizeBytes() int64 { return o.bytes + 8*o.rows + int64(200*len(o.order)) }
