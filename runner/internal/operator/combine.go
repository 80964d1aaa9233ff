package operator

import (
	"context"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// combine is the receiving half of a Combine where a window is one pane: fixed,
// global and custom windows, and rows that are in windows already. Sliding
// windows, made of several panes, are in sliding.go; sessions in session.go.
type combine struct {
	groups
	out       emitter
	watermark int64
	counters  *Counters
	runs      runs
}

// NewCombine returns the receiving half of a Combine for any window function.
func NewCombine(g Grouping, counters *Counters) Operator {
	if fresh := byKey(g, counters); fresh != nil {
		if g.Room.Area != nil {
			return newChunked(g, fresh)
		}
		return fresh(g)
	}
	o := &combine{groups: newGroups(g), watermark: batch.MinTime, counters: counters, runs: runs{room: g.Room}}
	o.out.groups = &o.groups
	return o
}

// byKey returns how to make the operator where a window is not one pane, or nil.
func byKey(g Grouping, counters *Counters) func(Grouping) windowed {
	if g.Windowing.Grouped {
		return nil
	}
	switch fn := g.Windowing.Fn; fn.Kind() {
	case window.KindSession:
		return func(g Grouping) windowed { return newSession(g, counters) }
	case window.KindAligned:
		if fn.Period() < fn.Size() {
			return func(g Grouping) windowed { return newSliding(g, counters) }
		}
	}
	return nil
}

// Process implements Operator: it takes what partial sends.
func (o *combine) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	if !o.NeverLate {
		b = dropLate(b, o.counters, func(w window.Interval) bool { return w.End <= o.watermark })
	}
	if err := o.load(b); err != nil {
		return err
	}
	return o.overflow()
}

// load folds saved accumulators into the panes they are for.
func (g *groups) load(b *batch.Batch) error {
	n := b.Len()
	if n == 0 {
		return nil
	}
	g.ids, g.at = resize(g.ids, n), resize(g.at, n)
	g.keys.Lookup(b.Root.Children[0], nil, g.ids)
	for i, id := range g.ids {
		g.at[i] = g.panes.Get(window.Interval{Start: b.Start[i], End: b.End[i]}).Slot(id, &g.slots)
	}
	g.grow()
	if !g.NeverLate {
		for i, rows := range b.Root.Children[1].Ints {
			g.counts[g.at[i]] += rows
		}
	}
	return g.named(g.table.Load(g.at, b.Root.Children[2], nil))
}

// dropLate leaves out the groups of panes that no open window needs, and counts
// the rows behind them.
func dropLate(b *batch.Batch, counters *Counters, late func(window.Interval) bool) *batch.Batch {
	var kept []int32
	dropped := false
	for i := range b.Start {
		if !late(window.Interval{Start: b.Start[i], End: b.End[i]}) {
			if dropped {
				kept = append(kept, int32(i))
			}
			continue
		}
		if !dropped {
			dropped = true
			for j := range i {
				kept = append(kept, int32(j))
			}
		}
		counters.Dropped += b.Root.Children[1].Ints[i]
	}
	if !dropped {
		return b
	}
	return b.Gather(kept)
}

// Watermark implements Operator: windows that end by w are complete.
func (o *combine) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	o.watermark = w
	return o.fire(ctx, w, emit)
}

// EndKeyGroup implements KeyGrouped. Where there are too many keys to sort, key
// groups are the beginning of the order by hash, so that each can go as soon as
// it is complete. Whether there are depends on the keys alone; what is on disk
// by then is left to the end.
func (o *combine) EndKeyGroup(ctx context.Context, emit graph.Emit) error {
	sent := o.Order == OrderByHash
	if !o.ByKeyGroup || !sent && (!o.keys.Many() || o.runs.done != nil) {
		return nil
	}
	o.Order, o.runs.many = OrderByHash, true
	return o.End(ctx, emit)
}

// End implements Operator.
func (o *combine) End(ctx context.Context, emit graph.Emit) error {
	if o.runs.done != nil {
		return o.finish(ctx, emit)
	}
	return o.fire(ctx, endOfInput, emit)
}

// Close implements Operator.
func (o *combine) Close() error { return o.runs.close() }

func (o *combine) fire(ctx context.Context, w int64, emit graph.Emit) error {
	done := 0
	o.out.begin()
	for _, p := range o.panes.Sorted() {
		if p.End > w {
			break
		}
		done++
		if err := o.out.pane(ctx, p, emit); err != nil {
			return err
		}
	}
	if done == 0 {
		return nil
	}
	if err := o.out.flush(ctx, emit); err != nil {
		return err
	}
	o.forget(o.panes.Sorted()[:done])
	o.panes.Drop(done)
	return nil
}

// forget gives back the slots of panes and releases the keys that are in no
// other pane, so that state of a stream does not grow with its past. The caller
// drops the panes.
func (g *groups) forget(panes []*state.Pane) {
	if g.panes.Len() == len(panes) {
		g.empty()
		return
	}
	for _, p := range panes {
		g.free(p.Slots)
	}
	leaving := make(map[*state.Pane]bool, len(panes))
	for _, p := range panes {
		leaving[p] = true
	}
	g.releaseKeys(panes, func(used []bool) {
		for _, p := range g.panes.Sorted() {
			if !leaving[p] {
				mark(used, p.Keys)
			}
		}
	})
}

// empty forgets all groups. Accumulators are kept for the next ones, and so are
// keys when they are few for the groups there were: most will come again.
func (g *groups) empty() {
	g.dead = 0
	switch {
	case g.keys.Live() <= g.slots.Len()/4:
	case g.ByKeyGroup: // the next key group has about as many
		g.keys.Clear()
	default:
		g.keys = state.NewKeys(g.Key)
	}
	if g.slots.Len() > partialSlotsFirst+partialSlotsFirst/4 {
		g.slots, g.table, g.counts = state.Slots{}, g.Aggregate.NewTable(), nil
		return
	}
	all := resize(g.at, g.slots.Len())
	for i := range all {
		all[i] = int32(i)
	}
	g.at = all
	g.table.Reset(all)
	clear(g.counts)
	g.slots = state.Slots{}
}

// Expect makes room for so many groups at once, instead of step by step.
func (g *groups) Expect(rows int64) {
	if g.Room.Share > 0 {
		some := min(rows, 16)
		g.table.Grow(int(some))
		rows = min(rows, g.Room.Share/2*some/max(1, g.table.SizeBytes()))
	}
	if rows < 1<<24 {
		g.table.Grow(int(rows))
	}
}

// releaseKeys forgets the keys that nothing marks. Marking looks at everything
// that is left, so it is done only when as many groups have gone as remain. Of
// the keys half is enough: where each is seen once, those alive are those gone
// and those open, and never fewer than those gone.
func (g *groups) releaseKeys(gone []*state.Pane, markUsed func(used []bool)) {
	for _, p := range gone {
		g.dead += len(p.Keys)
	}
	if 2*g.dead < g.keys.Live() || g.dead < g.slots.InUse() {
		return
	}
	g.dead = 0
	used := make([]bool, g.keys.Len())
	markUsed(used)
	g.keys.ReleaseUnused(used)
}

func mark(used []bool, ids []int32) {
	for _, id := range ids {
		used[id] = true
	}
}
