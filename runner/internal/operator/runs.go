package operator

import (
	"slices"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// runs are the groups of a Combine that memory had no room for. Each time the
// table outgrows its share it is written to disk as one run: saved accumulators,
// the same rows as travel in the exchange, in the order in which results come.
// At the end the runs are merged.
//
//	table ──full──▶ run 0  (w0 k1)(w0 k4)(w1 k1) ─┐
//	table ──full──▶ run 1  (w0 k2)(w0 k4)         ├─▶ (w0 k1)(w0 k2)(w0 k4)(w1 k1)
//	table ──end───▶ run 2  (w0 k4)(w1 k1)        ─┘
//
// So the order of results is the same as without runs, a key that has most of
// the rows is one row a run, and nothing needs to be split again, as partitions
// would. Results come by window, and in it by key when there are few keys, by
// hash otherwise. Which of the two is known only at the end: runs are written by
// key as long as there are few, and rewritten when there are many after all.
type runs struct {
	room Room
	file *spill.File
	done []run
	held int64 // bytes of memory that a merge holds

	rowsBlock int // how many groups make a block, as far as known
	// seen are the hashes of the keys of all runs, sorted, up to one more than
	// are put into key order; many says that there are more. Two keys of one hash
	// count once, which can do no more than move the border by one.
	seen []uint64
	many bool
}

// run is a sequence of blocks in the order of results.
type run struct {
	byHash bool
	blocks []spill.Block
}

// meet counts the keys of a table that is about to be written.
func (r *runs) meet(k *state.Keys, used []int32) {
	if r.many {
		return
	}
	for _, id := range used {
		r.seen = append(r.seen, k.Group(id))
	}
	slices.Sort(r.seen)
	r.seen = slices.Clip(slices.Compact(r.seen))
	if len(r.seen) > state.SortedByKey {
		r.many, r.seen = true, nil
	}
}

// append writes a batch to the end of a run.
func (r *runs) append(to *run, b *batch.Batch) error {
	if r.file == nil {
		file, err := r.room.Area.Create(r.room.Holder)
		if err != nil {
			return err
		}
		r.file = file
	}
	k, err := r.file.Append(b)
	if err == nil {
		to.blocks = append(to.blocks, k)
	}
	return err
}

// close removes the file.
func (r *runs) close() error {
	r.done = nil
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// spill writes all groups to disk as a run and forgets them.
func (g *groups) spill(r *runs) error {
	var used []int32
	for _, p := range g.panes.Sorted() {
		used = append(used, p.Keys...)
	}
	if len(used) == 0 {
		return nil
	}
	slices.Sort(used)
	r.meet(g.keys, slices.Compact(used))
	out := run{byHash: r.many}
	e := emitter{groups: g, ranks: g.keys.RanksBy(r.many)}
	r.rowsBlock = r.room.rows(g.SizeBytes(), int64(g.slots.Len()))
	for _, p := range g.panes.Sorted() {
		for _, i := range e.sort(p) {
			e.hold(p.Keys[i], p.Slots[i], p.Interval)
			if len(e.ids) < r.rowsBlock {
				continue
			}
			if err := g.write(r, &out, &e); err != nil {
				return err
			}
		}
	}
	if err := g.write(r, &out, &e); err != nil {
		return err
	}
	r.done = append(r.done, out)
	g.drop()
	return nil
}

// write writes the groups held by an emitter, saved.
func (g *groups) write(r *runs, to *run, e *emitter) error {
	if len(e.ids) == 0 {
		return nil
	}
	saved, err := g.table.Save(e.slots)
	if err != nil {
		return g.named(err)
	}
	b := savedBatch(g.Grouping, g.keys.Column(e.ids), saved, e.start, e.end)
	e.ids, e.slots, e.start, e.end = e.ids[:0], e.slots[:0], e.start[:0], e.end[:0]
	r.rowsBlock = r.room.rows(b.SizeBytes(), int64(b.Len()))
	return r.appendCut(to, b, g.Aggregate)
}

// savedBatch is a batch of PartialType. Only batch plans spill, where nobody asks
// how many rows went in.
func savedBatch(g Grouping, keys, saved *batch.Column, start, end []int64) *batch.Batch {
	rows := batch.NewInts(rowsType, batch.Zeros(len(start)))
	return &batch.Batch{Root: batch.NewStruct(PartialType(g), len(start), keys, rows, saved), Start: start, End: end}
}

// drop forgets all groups and gives back their memory, unlike empty.
func (g *groups) drop() {
	g.keys, g.panes, g.slots = state.NewKeys(g.Key), state.NewPanes(), state.Slots{}
	g.table, g.counts, g.dead = g.Aggregate.NewTable(), nil, 0
}

// agree rewrites the runs that are by key though there are many keys. Each was a
// table that fitted.
func (g *groups) agree(r *runs) error {
	before := r.done
	r.done = nil
	for _, old := range before {
		if old.byHash == r.many {
			r.done = append(r.done, old)
			continue
		}
		for _, k := range old.blocks {
			b, err := r.file.Read(k)
			if err != nil {
				return err
			}
			if err := g.load(b); err != nil {
				return err
			}
		}
		if err := g.spill(r); err != nil {
			return err
		}
	}
	return nil
}

// narrow merges runs to fewer until all can be merged at once. It takes the
// oldest first, so that every row is rewritten about as often.
func (g *groups) narrow(r *runs) error {
	for len(r.done) > r.room.fanIn() {
		n := min(r.room.fanIn(), len(r.done)-r.room.fanIn()+1)
		out := run{byHash: r.many}
		m := newMerging(g.Grouping, r, r.done[:n])
		if g.Aggregate.Collects() {
			m.huge = func(s *groupStream) error { return g.rewrite(r, &out, s) }
		}
		err := m.each(func(keys *batch.Column, table *agg.Table, slots []int32, start, end []int64) error {
			saved, err := table.Save(slots)
			if err != nil {
				return err
			}
			return r.appendCut(&out, savedBatch(g.Grouping, keys, saved, start, end), g.Aggregate)
		})
		if err != nil {
			return err
		}
		r.done = append(slices.Clone(r.done[n:]), out)
	}
	return nil
}

// rewrite copies a group that does not fit memory to another run.
func (g *groups) rewrite(r *runs, to *run, s *groupStream) error {
	start, end := []int64{s.before.start}, []int64{s.before.end}
	return s.each(func(t *agg.Table) error {
		saved, err := t.Save([]int32{0})
		if err != nil {
			return err
		}
		return r.appendCut(to, savedBatch(g.Grouping, s.key(), saved, start, end), g.Aggregate)
	})
}
