package operator

import (
	"context"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// asOfAwait is an as-of join on the streaming plan. A row of the left side waits until
// the watermark of the right side is behind its time, so that no row is missing that
// is not after it. What the right side has had by then lies in tables of the batch
// plan, each of a stretch of time and twice as large as the next; of rows that no
// left row can be before any more, only the last of each key is kept.
type asOfAwait struct {
	Joining
	windows  *windowing
	counters *Counters
	passed   [2]int64

	left, right waiting
	fresh       []*batch.Batch
	few, bytes  int64 // rows and bytes of fresh
	tables      []*joinTable
}

// NewAsOfAwait returns the operator of an as-of join on the streaming plan. Its input
// 1 is the right side.
func NewAsOfAwait(j Joining, counters *Counters) Operator {
	return &asOfAwait{Joining: j, windows: newWindowing(j.Windows, true), counters: counters, passed: [2]int64{batch.MinTime, batch.MinTime}}
}

// Process implements Operator: it takes the left side.
func (o *asOfAwait) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	b = onTime(b, o.passed[0], o.counters).Compact()
	if b.Len() == 0 {
		return nil
	}
	if slices.Max(timesOf(b)) < o.passed[1] {
		return o.look(b, emit)
	}
	o.left.add(b)
	return o.release(emit)
}

// ProcessSide implements Sided: it takes the right side.
func (o *asOfAwait) ProcessSide(_ context.Context, _ int, b *batch.Batch, _ graph.Emit) error {
	asked := o.passed[0] < math.MaxInt64 || o.left.rows > 0
	if b = onTime(b, o.passed[1], o.counters); asked {
		o.right.add(&batch.Batch{Root: b.Root, Time: b.Time, Sel: b.Sel})
	}
	return nil
}

// WatermarkOf implements Apart.
func (o *asOfAwait) WatermarkOf(_ context.Context, input int, w int64, emit graph.Emit) error {
	o.passed[input] = w
	if input == 0 {
		return nil
	}
	for _, b := range o.right.take(w) {
		o.fresh, o.few = append(o.fresh, b), o.few+int64(b.Len())
		o.bytes += b.SizeBytes()
	}
	var held int64
	for _, t := range o.tables {
		held += int64(t.root.Len)
	}
	if o.few > max(held, batch.TargetRows) { // nobody asks, and most may be superseded
		if err := o.settle(); err != nil {
			return err
		}
	}
	return o.release(emit)
}

func (o *asOfAwait) release(emit graph.Emit) error {
	if o.left.earliest() < o.passed[1] { // while they still count as waiting
		if err := o.settle(); err != nil {
			return err
		}
	}
	for _, b := range o.left.take(o.passed[1]) {
		if err := o.look(b, emit); err != nil {
			return err
		}
	}
	return nil
}

// look joins a dense batch of the left side.
func (o *asOfAwait) look(b *batch.Batch, emit graph.Emit) error {
	if err := o.settle(); err != nil {
		return err
	}
	for from := 0; from < b.Len(); from += batch.TargetRows {
		piece := b.Slice(from, min(from+batch.TargetRows, b.Len()))
		var found latest
		for _, t := range o.tables {
			found.look(piece, t)
		}
		if err := emit(0, found.batch(&o.Joining, piece, 0, piece.Len())); err != nil {
			return err
		}
	}
	return nil
}

// settle makes a table of what is fresh and of the tables that are not twice as large.
func (o *asOfAwait) settle() error {
	if len(o.fresh) == 0 {
		return nil
	}
	rows, n, bytes, at := o.fresh, o.few, o.bytes, len(o.tables)
	for at > 0 && int64(o.tables[at-1].root.Len) < 2*n && bytes+o.tables[at-1].bytes < tableBytesMost {
		at--
		bytes += o.tables[at].bytes
		t := o.tables[at]
		n += int64(t.root.Len)
		rows = append([]*batch.Batch{{Root: t.root, Time: t.time}}, rows...)
	}
	made, err := o.table(batch.ConcatBatches(rows))
	if err != nil {
		return err
	}
	clear(o.tables[at:])
	o.tables = append(o.tables[:at], made)
	o.fresh, o.few, o.bytes = nil, 0, 0
	return nil
}

func (o *asOfAwait) table(b *batch.Batch) (*joinTable, error) {
	t, err := newJoinTable(b, o.windows, false)
	if err != nil {
		return nil, err
	}
	t.sortByTime()
	kept := t.notSuperseded(min(o.passed[0], o.left.earliest()))
	if len(kept) == b.Len() {
		return t, nil
	}
	t, err = newJoinTable(b.Gather(kept), o.windows, false)
	if err == nil {
		t.sortByTime()
	}
	return t, err
}

// notSuperseded returns the rows that one may ask for whose time is not before a
// moment: of each slot the last that is not after the moment, and all later ones.
func (t *joinTable) notSuperseded(moment int64) []int32 {
	var kept []int32
	for slot := range len(t.first) - 1 {
		rows := t.of(int32(slot))
		from := 0
		if moment > math.MinInt64 {
			for i, row := range rows {
				if t.timeAt(row) <= moment {
					from = i
				}
			}
		}
		kept = append(kept, rows[from:]...)
	}
	slices.Sort(kept)
	return kept
}

// Watermark implements Operator: what is asked about it was said of each input.
func (o *asOfAwait) Watermark(context.Context, int64, graph.Emit) error { return nil }

// End implements Operator: both inputs have ended, so nothing waits.
func (o *asOfAwait) End(context.Context, graph.Emit) error {
	o.tables, o.fresh, o.few, o.bytes = nil, nil, 0, 0
	return nil
}

// Close implements Operator.
func (o *asOfAwait) Close() error { return nil }

// SizeBytes implements Sized.
func (o *asOfAwait) SizeBytes() int64 {
	n := o.left.bytes + o.right.bytes + o.bytes
	for _, t := range o.tables {
		n += t.bytes
	}
	return n
}
