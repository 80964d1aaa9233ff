package operator

import (
	"context"
	"math"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// build makes one part of an index: in memory, or, when that is refused, as rows
// on disk, dealt by key.
type build struct {
	pass
	index  *Index
	number int
	keep   []bool // columns that aggregates read
	rows   *partRows
	expect int64

	deals   dealer
	dealing *dealing // what goes to disk; nil: nothing
}

// NewBuild returns the operator that builds a part of an index. keep are the
// top-level columns that its aggregates read; nil: all.
func NewBuild(x *Index, number int, keep []bool) Operator {
	return &build{index: x, number: number, keep: keep, rows: newPartRows(x), deals: newDealer(1, len(x.keys))}
}

// Expect implements Expecting: room is made when the first rows are there, as it
// has to be reserved.
func (o *build) Expect(rows int64) {
	o.expect = rows
	o.rows.room = min(rows, math.MaxInt32)
	if p := o.index.passes; p != nil {
		p.expect(rows)
	}
}

// Process implements Operator.
func (o *build) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	keys := columnsAt(b.Root, o.index.keys)
	value := keepColumns(b.Root, o.keep)
	if o.index.passes.needed() {
		return o.toDisk(b, keys, value)
	}
	err := o.rows.add(b, keys, value)
	if err == nil || o.index.passes == nil || !exceeds(err) {
		return err
	}
	o.index.passes.need()
	return o.toDisk(b, keys, value)
}

// toDisk deals a batch, and before it those that are in memory. The first one
// tells how large rows are, and so to how many piles they are dealt.
func (o *build) toDisk(b *batch.Batch, keys []*batch.Column, value *batch.Column) error {
	for i := range keys {
		if b.Sel != nil {
			keys[i] = keys[i].Gather(b.Sel)
		}
	}
	times := b.Time
	if b.Sel != nil {
		value, times = value.Gather(b.Sel), gatherTimes(times, b.Sel)
	}
	dealt := dealtRows(keys, value, times)
	if o.dealing == nil {
		rows := max(o.expect, int64(len(o.rows.ids)+dealt.Len()))
		if err := o.open(rows, dealt.SizeBytes()*rows/int64(max(1, dealt.Len()))); err != nil {
			return err
		}
	}
	return o.deal(dealt)
}

func gatherTimes(times []int64, rows []int32) []int64 {
	if times == nil {
		return nil
	}
	out := make([]int64, len(rows))
	for i, row := range rows {
		out[i] = times[row]
	}
	return out
}

// open begins to write to disk, with the rows that are in memory. There will be
// so many rows and bytes.
func (o *build) open(rows, bytes int64) error {
	p := o.index.passes
	need := o.index.buildBytes(rows, bytes)
	o.dealing = newDealing(p, o.index.memory, fanFor(need, p.share()), p.share()/2)
	return o.rows.take(o.deal)
}

func (o *build) deal(b *batch.Batch) error {
	keys := b.Root.Children[:len(o.index.keys)]
	return o.dealing.add(b, o.deals.fan(keys, b.Len(), 0, len(o.dealing.piles)))
}

// keyBytes is what a key is taken to be as long as it was not seen on its own.
const keyBytes = 16

// End implements Operator.
func (o *build) End(context.Context, graph.Emit) error {
	x := o.index
	if o.dealing == nil && !(x.passes.needed() && len(o.rows.ids) > 0) {
		p, err := o.rows.build()
		if err == nil {
			x.put(o.number, p, o.rows.holding)
			o.rows.holding.bytes = 0
			return nil
		}
		if x.passes == nil || !exceeds(err) {
			return err
		}
		x.passes.need()
	}
	if o.dealing == nil {
		n := int64(len(o.rows.ids))
		if err := o.open(n, o.rows.size+keyBytes*int64(len(x.keys))*n); err != nil {
			return err
		}
	}
	if err := o.dealing.flush(); err != nil {
		return err
	}
	x.putRows(o.number, o.dealing.piles)
	return nil
}

// Close implements Operator.
func (o *build) Close() error {
	o.rows.holding.drop()
	if o.dealing != nil {
		o.dealing.drop()
	}
	return nil
}
