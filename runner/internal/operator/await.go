package operator

import (
	"context"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Hop is one stop of the spine of a PointInTime step on the streaming plan: at the
// lookups of one input that have the same keys on both sides. A row goes from hop to
// hop, dealt by the key of each, and takes the answers along:
//
//	spine ══ deal by origin ══▶ hop 0 ══ deal by route ══▶ hop 1 ─▶ row of the output
//	                struct{spine}      struct{spine, answers of hop 0}
type Hop struct {
	Step    *graph.PointInTime
	Output  *batch.Type
	Rows    *batch.Type // of the input that is looked up
	Lookups []int
	Keep    []bool // columns of these rows that aggregates read; nil: all
	Earlier []int  // lookups whose answers come with the spine
	Last    bool
}

// await answers lookups of rows of the spine when the watermark of the other input
// has passed them: then no row is missing that is before them. It is input 1.
type await struct {
	Hop
	keys    [][]int // of the spine
	windows []int64 // different lengths
	lookups []answers
	longest int64

	rows     segments
	spine    waiting
	passed   [2]int64 // watermarks
	counters *Counters

	slots, ids, from, to     []int32 // scratch
	wanted, wantFrom, wantTo []int32
}

// NewAwait returns the operator of a hop.
func NewAwait(h Hop, counters *Counters) Operator {
	first := &h.Step.Lookups[h.Lookups[0]]
	o := &await{Hop: h, keys: first.Spine, counters: counters, passed: [2]int64{batch.MinTime, batch.MinTime}}
	o.rows = segments{keys: first.Rows, keep: h.Keep}
	for _, path := range first.Rows {
		o.rows.types = append(o.rows.types, typeAt(h.Rows, path))
	}
	for _, l := range h.Lookups {
		spec := &h.Step.Lookups[l]
		w := slices.Index(o.windows, spec.Within)
		if w < 0 {
			w = len(o.windows)
			o.windows = append(o.windows, spec.Within)
		}
		o.lookups = append(o.lookups, answers{spec.Aggregate, spec.Aggregate.NewTable(), spec.Aggregate.Targets(), w})
		o.rows.plans = append(o.rows.plans, spec.Aggregate)
		o.longest = max(o.longest, spec.Within)
	}
	return o
}

// onTime returns the rows that are not behind a watermark, and counts the others.
func onTime(b *batch.Batch, w int64, counters *Counters) *batch.Batch {
	n := b.Len()
	for i := range n {
		if b.TimeAt(b.Row(i)) >= w {
			continue
		}
		kept := make([]int32, 0, n)
		for i := range n {
			if row := b.Row(i); b.TimeAt(row) >= w {
				kept = append(kept, int32(row))
			}
		}
		counters.Dropped += int64(n - len(kept))
		return b.WithSel(kept)
	}
	return b
}

// Process implements Operator: it takes the spine.
func (o *await) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	b = onTime(b, o.passed[0], o.counters).Compact()
	if b.Len() == 0 {
		return nil
	}
	if slices.Max(timesOf(b)) <= o.passed[1] {
		return o.answer(b, emit)
	}
	o.spine.add(b)
	return o.release(emit)
}

// ProcessSide implements Sided: it takes what is looked up.
func (o *await) ProcessSide(_ context.Context, _ int, b *batch.Batch, _ graph.Emit) error {
	asked := o.passed[0] < math.MaxInt64 || o.spine.rows > 0
	if b = onTime(b, o.passed[1], o.counters); b.Len() > 0 && asked {
		o.rows.add(b)
	}
	return nil
}

// WatermarkOf implements Apart.
func (o *await) WatermarkOf(_ context.Context, input int, w int64, emit graph.Emit) error {
	o.passed[input] = w
	if input == 1 {
		if err := o.rows.pass(w, o.unasked()); err != nil {
			return err
		}
		return o.release(emit)
	}
	return o.rows.pass(o.passed[1], o.unasked())
}

// unasked returns a moment before which no row can be in a window any more.
func (o *await) unasked() int64 {
	asked := min(o.passed[0], o.spine.earliest())
	if asked < batch.MinTime+o.longest {
		return batch.MinTime
	}
	return asked - o.longest
}

// release answers what waits no longer: the watermark may stand at a row's moment,
// since rows of that moment do not count.
func (o *await) release(emit graph.Emit) error {
	before := o.passed[1]
	if before < math.MaxInt64 {
		before++
	}
	for _, b := range o.spine.take(before) {
		if err := o.answer(b, emit); err != nil {
			return err
		}
	}
	return nil
}

// answer looks a dense batch of the spine up, a piece at a time.
func (o *await) answer(b *batch.Batch, emit graph.Emit) error {
	if err := o.rows.settle(); err != nil {
		return err
	}
	for from := 0; from < b.Len(); from += batch.TargetRows {
		piece := b.Slice(from, min(from+batch.TargetRows, b.Len()))
		columns, err := o.look(piece)
		if err != nil {
			return err
		}
		if err := emit(0, piece.WithRoot(o.root(piece, columns))); err != nil {
			return err
		}
	}
	return nil
}

// spineOf returns the columns of the spine.
func (o *await) spineOf(b *batch.Batch) *batch.Column {
	if len(o.Earlier) == 0 {
		return b.Root
	}
	return b.Root.Children[0]
}

// root puts the answers to a row of the output, or on the way to the next hop.
func (o *await) root(b *batch.Batch, columns []filled) *batch.Column {
	spine := o.spineOf(b)
	var earlier []filled
	for _, l := range o.Earlier {
		for _, ref := range o.Step.Lookups[l].Aggregate.Targets() {
			earlier = append(earlier, filled{ref.Path, b.Root.Children[1+len(earlier)]})
		}
	}
	columns = append(earlier, columns...)
	if o.Last {
		columns = append(columns, copies(o.Step, o.Output, b.WithRoot(spine))...)
		return assemble(o.Output, nil, b.Len(), columns)
	}
	t := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "spine", Type: spine.Type}}}
	children := []*batch.Column{spine}
	for _, c := range columns {
		t.Fields = append(t.Fields, batch.Field{Type: c.column.Type})
		children = append(children, c.column)
	}
	return batch.NewStruct(t, b.Len(), children...)
}

// look returns the columns of the lookups for a dense batch.
func (o *await) look(b *batch.Batch) (columns []filled, err error) {
	n := b.Len()
	for len(o.slots) < n {
		o.slots = append(o.slots, int32(len(o.slots)))
	}
	for i := range o.lookups {
		o.lookups[i].table.Grow(2 * n)
		o.lookups[i].table.Reset(o.slots[:n])
	}
	keys := columnsAt(o.spineOf(b), o.keys)
	times := timesOf(b)
	earliest, latest := slices.Min(times), slices.Max(times)
	o.ids, o.from, o.to = resize(o.ids, n), resize(o.from, n), resize(o.to, n)
	for _, s := range o.rows.parts {
		if s.last < earliest-o.longest || s.first >= latest {
			continue
		}
		s.finder.Find(keys, nil, o.ids)
		s.bounds(o.ids, times, 0, o.to)
		for w, within := range o.windows {
			if s.last < earliest-within {
				continue
			}
			s.bounds(o.ids, times, within, o.from)
			if err := o.merge(s.series, w, n); err != nil {
				return nil, named(err, b, keys)
			}
		}
	}
	for i := range o.lookups {
		l := &o.lookups[i]
		made, err := l.table.Columns(o.slots[:n], nil, nil, nil)
		if err != nil {
			return nil, named(err, b, keys)
		}
		for k, ref := range l.targets {
			columns = append(columns, filled{ref.Path, made[k]})
		}
	}
	return columns, nil
}

// merge adds what a segment has within a window.
func (o *await) merge(s *agg.Series, window, n int) error {
	o.wanted, o.wantFrom, o.wantTo = o.wanted[:0], o.wantFrom[:0], o.wantTo[:0]
	for i, from := range o.from[:n] {
		if to := o.to[i]; from < to {
			o.wanted, o.wantFrom, o.wantTo = append(o.wanted, int32(i)), append(o.wantFrom, from), append(o.wantTo, to)
		}
	}
	for i := range o.lookups {
		l := &o.lookups[i]
		if l.window != window {
			continue
		}
		if err := l.table.MergeRanges(s, int32(n), o.wanted, o.wantFrom, o.wantTo); err != nil {
			return err
		}
	}
	return nil
}

// bounds sets out[i] to the first row of key ids[i] whose time is not before times[i]
// less back; to 0 where there is no such key.
func (s *segment) bounds(ids []int32, times []int64, back int64, out []int32) {
	for i, id := range ids {
		out[i] = 0
		if id >= 0 {
			out[i] = search(s.times, s.starts[id], s.starts[id+1], times[i]-back)
		}
	}
}

// Watermark implements Operator: what is asked about it was said of each input.
func (o *await) Watermark(context.Context, int64, graph.Emit) error { return nil }

// End implements Operator: both inputs have ended, so nothing waits.
func (o *await) End(context.Context, graph.Emit) error {
	o.rows.parts, o.rows.fresh, o.rows.few = nil, nil, 0
	return nil
}

// Close implements Operator.
func (o *await) Close() error { return nil }

// SizeBytes implements Sized.
func (o *await) SizeBytes() int64 {
	n := o.rows.sizeBytes() + o.spine.bytes + int64(4*(cap(o.slots)+6*cap(o.ids)))
	for i := range o.lookups {
		n += o.lookups[i].table.SizeBytes()
	}
	return n
}
