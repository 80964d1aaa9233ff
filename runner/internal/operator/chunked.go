package operator

import (
	"context"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// chunked is a Combine whose windows need all panes or sessions of a key at once,
// so that runs cannot be merged window by window. It spills by key, works on as
// many keys at a time as fit, and puts their results into the order they have
// without spilling:
//
//	state ──full──▶ runs by key ──merge──▶ keys 1–90 │ keys 91–140 │ …
//	                                         windows of 90 keys, of 50 keys, …
//	results ◀──merge by window── runs of results ◀──┘
type chunked struct {
	Grouping
	fresh   func(Grouping) windowed
	inner   windowed
	states  runs
	results runs
	keys    heads // compares keys
}

// windowed is an operator that can give its state away and take it back.
type windowed interface {
	Operator
	Sized
	// saves calls put for groups, those of a key one after the other, keys in the
	// order of ranks.
	saves(ranks []int32, put func(id, slot int32, start, end int64) error) error
	// restore takes rows of PartialType that saves has made.
	restore(b *batch.Batch) error
	state() *groups
}

// newChunked returns an operator that spills for those that fresh makes.
func newChunked(g Grouping, fresh func(Grouping) windowed) *chunked {
	o := &chunked{Grouping: g, fresh: fresh, inner: fresh(g)}
	o.states, o.results = runs{room: g.Room}, runs{room: g.Room}
	return o
}

// Process implements Operator.
func (o *chunked) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if err := o.inner.Process(ctx, b, emit); err != nil {
		return err
	}
	if !o.Room.short(chunkFactor * o.inner.SizeBytes()) {
		return nil
	}
	return o.spill()
}

// chunkFactor is how many times its state an operator may need for the windows:
// sliding windows keep a sum of panes on either side of a pane, and results.
const chunkFactor = 4

// Watermark implements Operator: in a batch plan there is none before the end.
func (o *chunked) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	return o.inner.Watermark(ctx, w, emit)
}

// End implements Operator.
func (o *chunked) End(ctx context.Context, emit graph.Emit) error {
	out := rebatch{grouping: o.Grouping, emit: emit}
	if o.states.done == nil {
		if err := o.inner.End(ctx, func(_ int, b *batch.Batch) error { return out.add(b) }); err != nil {
			return err
		}
		return out.flush()
	}
	if err := o.spill(); err != nil {
		return err
	}
	o.Order = OrderByKey
	if o.states.many {
		o.Order = OrderByHash
	}
	if err := o.renew(); err != nil {
		return err
	}
	if err := o.chunks(ctx); err != nil {
		return err
	}
	if err := o.states.close(); err != nil {
		return err
	}
	if err := o.results.rows(heads{byHash: o.states.many}, out.add); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	return o.results.close()
}

// Close implements Operator.
func (o *chunked) Close() error {
	err := o.inner.Close()
	for _, r := range []*runs{&o.states, &o.results} {
		if closed := r.close(); err == nil {
			err = closed
		}
	}
	return err
}

// SizeBytes implements Sized.
func (o *chunked) SizeBytes() int64 { return o.inner.SizeBytes() + o.states.held + o.results.held }

// spill writes the state to disk, ordered by the hashes of keys, and begins anew.
func (o *chunked) spill() error {
	g := o.inner.state()
	if g.slots.InUse() == 0 {
		return nil
	}
	out := run{byHash: true}
	e := emitter{groups: g}
	o.states.rowsBlock = o.Room.rows(g.SizeBytes(), int64(g.slots.InUse()))
	ids := make(map[int32]bool)
	ranks := g.keys.RanksBy(true)
	err := o.inner.saves(ranks, func(id, slot int32, start, end int64) error {
		e.ids, e.slots = append(e.ids, id), append(e.slots, slot)
		e.start, e.end = append(e.start, start), append(e.end, end)
		ids[id] = true
		if len(e.ids) < o.states.rowsBlock {
			return nil
		}
		return g.write(&o.states, &out, &e)
	})
	if err == nil {
		err = g.write(&o.states, &out, &e)
	}
	if err != nil {
		return err
	}
	used := make([]int32, 0, len(ids))
	for id := range ids {
		used = append(used, id)
	}
	o.states.meet(g.keys, used)
	o.states.done = append(o.states.done, out)
	return o.renew()
}

func (o *chunked) renew() error {
	err := o.inner.Close()
	o.inner = o.fresh(o.Grouping)
	return err
}

// chunks runs the operator over as many keys at a time as fit.
func (o *chunked) chunks(ctx context.Context) error {
	var last *batch.Batch // its last row is the one before
	err := o.states.rows(heads{byHash: true, keyOnly: true}, func(b *batch.Batch) error {
		border := 0
		if o.Room.short(chunkFactor * o.inner.SizeBytes()) {
			for border < b.Len() && o.sameKey(last, b, border) {
				border++
			}
			if err := o.inner.restore(b.Slice(0, border)); err != nil {
				return err
			}
			if border < b.Len() {
				if err := o.fire(ctx); err != nil {
					return err
				}
			}
		}
		last = b
		if err := o.inner.restore(b.Slice(border, b.Len())); err != nil {
			return err
		}
		return o.Room.account()
	})
	if err != nil {
		return err
	}
	return o.fire(ctx)
}

// sameKey reports whether row i of b has the key of the row before it.
func (o *chunked) sameKey(last, b *batch.Batch, i int) bool {
	keys, before, j := b.Root.Children[0], b.Root.Children[0], i-1
	if i == 0 {
		if last == nil {
			return true
		}
		before, j = last.Root.Children[0], last.Len()-1
	}
	return o.keys.compare(before, j, keys, i) == 0
}

// fire writes the results of the keys in memory as a run.
func (o *chunked) fire(ctx context.Context) error {
	var out run
	err := o.inner.End(ctx, func(_ int, b *batch.Batch) error {
		rows := o.Room.rows(b.SizeBytes(), int64(b.Len()))
		for from := 0; from < b.Len(); from += rows {
			if err := o.results.append(&out, b.Slice(from, min(from+rows, b.Len()))); err != nil {
				return err
			}
		}
		return o.Room.account()
	})
	if err != nil {
		return err
	}
	if len(out.blocks) > 0 {
		o.results.done = append(o.results.done, out)
	}
	return o.renew()
}

// rows merges the rows of all runs, in passes when they are many.
// order says how.
func (r *runs) rows(order heads, put func(*batch.Batch) error) error {
	for len(r.done) > 0 {
		n := len(r.done)
		of, to := r.done, put
		var out run
		if most := r.room.fanIn(); n > most {
			n = min(most, n-most+1)
			of, to = r.done[:n], func(b *batch.Batch) error { return r.append(&out, b) }
		}
		h := order
		h.enter = func() error {
			r.held = h.held()
			return r.room.account()
		}
		if err := h.open(r.file, of); err != nil {
			return err
		}
		if err := h.rows(r.room.rows(blockBytes(of)), to); err != nil {
			return err
		}
		r.held = 0
		r.done = slices.Clone(r.done[n:])
		if len(out.blocks) > 0 {
			r.done = append(r.done, out)
		}
	}
	return nil
}

// blockBytes adds up the bytes and rows of runs.
func blockBytes(of []run) (bytes, rows int64) {
	for _, one := range of {
		for _, k := range one.blocks {
			bytes, rows = bytes+k.SizeBytes(), rows+int64(k.Rows)
		}
	}
	return bytes, rows
}
