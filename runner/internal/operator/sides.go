package operator

import (
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// sides surrounds an operator that has side inputs. A row waits until the windows of
// all side inputs that it sees are complete, that is, until their watermark has passed
// the end of these; rows that see the same windows wait together:
//
//	side input   │ complete       │ w
//	             ├── [0,60) ──┼── [60,120) ──┼──
//	rows              ▲ go on      ▲ wait for w to be 120
//
// The watermark behind it stays behind the rows that wait, and so does the one that the
// operator sees. In a batch plan all side inputs are complete from the beginning.
type sides struct {
	Operator // what rows go to
	fn       graph.SideFn
	counters *Counters
	passed   []int64 // watermark of each input, the main one first
	all      int64   // of all together
	inner    int64   // what the operator has seen of it
	forgot   int64   // windows that end by then are gone
	groups   map[string]*sideGroup
	bytes    int64 // of rows that wait
	first    int64 // time of the earliest of them

	ends [][]int64 // by side input, of the batch at hand
	key  []byte
}

// sideGroup is rows that see the same windows.
type sideGroup struct {
	ends    []int64
	batches []*batch.Batch
	first   int64 // time
	bytes   int64
}

func newSides(o Operator, fn graph.SideFn, n int, counters *Counters) *sides {
	s := &sides{Operator: o, fn: fn, counters: counters, passed: make([]int64, n+1), ends: make([][]int64, n),
		all: batch.MinTime, inner: batch.MinTime, forgot: batch.MinTime, groups: make(map[string]*sideGroup), first: math.MaxInt64}
	for i := range s.passed {
		s.passed[i] = batch.MinTime
	}
	return s
}

// ProcessSide implements Sided.
func (o *sides) ProcessSide(_ context.Context, input int, b *batch.Batch, _ graph.Emit) error {
	late, err := o.fn.Side(input, b)
	o.counters.Dropped += late
	return err
}

// Process implements Operator: it takes the rows of the step.
func (o *sides) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if b.Len() == 0 {
		return nil
	}
	if o.forgot == batch.MinTime && slices.Min(o.passed[1:]) == math.MaxInt64 {
		return o.Operator.Process(ctx, b, emit)
	}
	b = b.Compact()
	for i := range o.ends {
		o.ends[i] = slices.Grow(o.ends[i][:0], b.Len())[:b.Len()]
		o.fn.Needs(i+1, b, o.ends[i])
	}
	var now []int32
	later := make(map[string][]int32)
	for row := range b.Len() {
		switch ready, late := o.judge(row); {
		case late:
			o.counters.Dropped++
		case ready:
			now = append(now, int32(row))
		default:
			later[string(o.key)] = append(later[string(o.key)], int32(row))
		}
	}
	for key, rows := range later {
		o.hold(key, b, rows)
	}
	if len(now) == 0 {
		return nil
	}
	return o.Operator.Process(ctx, b.WithSel(now), emit)
}

// judge says whether a row need not wait, or comes too late for a window it sees, and
// sets key to what it waits for.
func (o *sides) judge(row int) (ready, late bool) {
	ready, o.key = true, o.key[:0]
	for i, ends := range o.ends {
		end := ends[row]
		if end == batch.MinTime {
			end = math.MinInt64 // nothing to wait for
		}
		ready = ready && end <= o.passed[i+1]
		late = late || end > batch.MinTime && end <= o.forgot
		o.key = binary.LittleEndian.AppendUint64(o.key, uint64(end))
	}
	return ready, late
}

// hold lets rows wait.
func (o *sides) hold(key string, b *batch.Batch, rows []int32) {
	g := o.groups[key]
	if g == nil {
		g = &sideGroup{first: batch.MaxTime}
		for _, ends := range o.ends {
			end := ends[rows[0]]
			if end == batch.MinTime {
				end = math.MinInt64
			}
			g.ends = append(g.ends, end)
		}
		o.groups[key] = g
	}
	held := b.Gather(rows)
	for i := range held.Len() {
		g.first = min(g.first, held.TimeAt(i))
	}
	o.first = min(o.first, g.first)
	size := held.SizeBytes()
	g.batches, g.bytes, o.bytes = append(g.batches, held), g.bytes+size, o.bytes+size
}

// WatermarkOf implements Apart.
func (o *sides) WatermarkOf(ctx context.Context, input int, w int64, emit graph.Emit) error {
	o.passed[input] = w
	if input > 0 {
		o.fn.Complete(input, w)
		if err := o.release(ctx, emit); err != nil {
			return err
		}
	}
	return o.advance(ctx, emit)
}

// seeing is implemented by operators that call the function for more than the row
// that has just come: at this moment or later.
type seeing interface{ sees() int64 }

// forget drops windows that nothing sees any more: rows that wait and those to come,
// and what the operator has kept, see none that ends by then.
func (o *sides) forget() {
	by := min(o.passed[0], o.first)
	if s, ok := o.Operator.(seeing); ok {
		by = min(by, s.sees())
	}
	if by < math.MaxInt64 { // rows at the end of time and beyond still see the global window
		by = min(by, batch.MaxTime-1)
	}
	if by > o.forgot {
		o.forgot = by
		o.fn.Forget(by)
	}
}

// release lets go on what is ready, the earliest first.
func (o *sides) release(ctx context.Context, emit graph.Emit) error {
	var ready []*sideGroup
	for key, g := range o.groups {
		waits := false
		for i, end := range g.ends {
			waits = waits || end > o.passed[i+1]
		}
		if !waits {
			ready = append(ready, g)
			delete(o.groups, key)
		}
	}
	slices.SortFunc(ready, func(a, b *sideGroup) int {
		return cmp.Or(cmp.Compare(a.first, b.first), slices.Compare(a.ends, b.ends))
	})
	for _, g := range ready {
		for _, b := range g.batches {
			if err := o.Operator.Process(ctx, b, emit); err != nil {
				return err
			}
		}
		o.bytes -= g.bytes
	}
	o.first = math.MaxInt64
	for _, g := range o.groups {
		o.first = min(o.first, g.first)
	}
	return nil
}

// Watermark implements Operator.
func (o *sides) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	o.all = w
	return o.advance(ctx, emit)
}

// advance tells the operator of a watermark that is behind all that waits.
func (o *sides) advance(ctx context.Context, emit graph.Emit) error {
	if w := min(o.all, o.first); w > o.inner {
		o.inner = w
		if err := o.Operator.Watermark(ctx, w, emit); err != nil {
			return err
		}
	}
	o.forget()
	return nil
}

// Hold implements Delaying.
func (o *sides) Hold() int64 {
	hold := min(o.first, batch.MaxTime)
	if d, ok := o.Operator.(Delaying); ok {
		hold = min(hold, d.Hold())
	}
	return hold
}

// ProcessingTime implements Timed.
func (o *sides) ProcessingTime(ctx context.Context, now int64, emit graph.Emit) error {
	if t, ok := o.Operator.(Timed); ok {
		return t.ProcessingTime(ctx, now, emit)
	}
	return nil
}

// Due implements Timed.
func (o *sides) Due() int64 {
	if t, ok := o.Operator.(Timed); ok {
		return t.Due()
	}
	return batch.MaxTime
}

// Stop implements Stopping.
func (o *sides) Stop(ctx context.Context, emit graph.Emit) error {
	if s, ok := o.Operator.(Stopping); ok {
		return s.Stop(ctx, emit)
	}
	return nil
}

// EndKeyGroup implements KeyGrouped.
func (o *sides) EndKeyGroup(ctx context.Context, emit graph.Emit) error {
	if g, ok := o.Operator.(KeyGrouped); ok {
		return g.EndKeyGroup(ctx, emit)
	}
	return nil
}

// SizeBytes implements Sized.
func (o *sides) SizeBytes() int64 {
	n := o.bytes + o.fn.SideBytes()
	if s, ok := o.Operator.(Sized); ok {
		n += s.SizeBytes()
	}
	return n
}
