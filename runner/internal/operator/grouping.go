package operator

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Grouping is what a Combine step is made of, for both of its halves.
type Grouping struct {
	Aggregate *agg.Plan
	Key       *batch.Type
	Windowing graph.Windowing // of the input
	// Ordered asks for results in an order that depends on nothing but the data:
	// what a batch plan promises.
	Ordered bool
	// Order is the order of the keys in a window, when results are ordered.
	Order KeyOrder
	// NeverLate says that no watermark comes before the end of input, so that
	// rows need not be counted for being dropped.
	NeverLate bool
	// ByKeyGroup says that the receiver sees its key groups one after the other,
	// so that it can finish each: the exchange is blocked, and in the global
	// window a result needs no other key.
	ByKeyGroup bool
	// LateOutput says that rows which are too late are wanted, as output 1.
	LateOutput bool
	// Room bounds what the state may take. Beyond it, a batch plan spills.
	Room Room
}

// KeyOrder says how keys are ordered.
type KeyOrder uint8

// The orders. OrderByNumber, the default, is by key where there are few of them,
// and by hash otherwise.
const (
	OrderByNumber KeyOrder = iota
	OrderByKey
	OrderByHash
)

// groups is the state both halves of a Combine share: accumulators by key and pane.
type groups struct {
	Grouping
	keys   *state.Keys
	panes  *state.Panes
	slots  state.Slots
	table  *agg.Table
	counts []int64 // rows behind each slot; none when nothing can be late
	dead   int     // panes dropped since keys were last released

	ids, at, rows []int32 // scratch of one batch
	windows       []window.Interval
}

func newGroups(g Grouping) groups {
	return groups{Grouping: g, keys: state.NewKeys(g.Key), panes: state.NewPanes(), table: g.Aggregate.NewTable()}
}

// locate finds the slot of each row that counts of a keyed batch. rows[i] is
// the physical row that goes to slot at[i]; rows is nil when that is i. A row in
// several custom windows appears several times, one between windows not at all.
func (g *groups) locate(b *batch.Batch) (at, rows []int32, err error) {
	fn := g.Windowing.Fn
	grouped := b.Start != nil && g.Windowing.Grouped
	if !grouped && (fn.Kind() == window.KindCustom || fn.Kind() == window.KindAligned && fn.Period() > fn.Size()) {
		return g.locateCustom(b) // rows between windows are left out
	}
	n := b.Len()
	g.ids = resize(g.ids, n)
	g.keys.Lookup(b.Root.Children[0], b.Sel, g.ids)
	switch {
	case grouped:
		g.locateGrouped(b)
	case fn.Kind() == window.KindGlobal:
		g.locateGlobal(n)
	default:
		g.locateSlices(b)
	}
	g.grow()
	return g.at, b.Sel, nil
}

// locateSlices is the common case: each row in one slice. Neighbours mostly
// share it, so the last pane is tried first.
func (g *groups) locateSlices(b *batch.Batch) {
	g.at = resize(g.at, len(g.ids))
	slicer := g.Windowing.Fn.Slicer()
	for i, id := range g.ids {
		t := b.TimeAt(b.Row(i))
		p := g.panes.Find(t)
		if p == nil {
			p = g.panes.Near(slicer.Number(t))
		}
		g.at[i] = p.Slot(id, &g.slots)
	}
}

func (g *groups) locateGlobal(n int) {
	g.at = resize(g.at, n)
	p := g.panes.Get(g.Windowing.Fn.Slice(0))
	for i, id := range g.ids {
		g.at[i] = p.Slot(id, &g.slots)
	}
}

func (g *groups) locateGrouped(b *batch.Batch) {
	g.at = resize(g.at, len(g.ids))
	for i, id := range g.ids {
		row := b.Row(i)
		g.at[i] = g.panes.Get(window.Interval{Start: b.Start[row], End: b.End[row]}).Slot(id, &g.slots)
	}
}

// locateCustom looks keys up after the windows: a key whose rows are in none
// must not be remembered, nothing would ever forget it.
func (g *groups) locateCustom(b *batch.Batch) (at, rows []int32, err error) {
	g.rows, g.windows = g.rows[:0], g.windows[:0]
	for i := range b.Len() {
		row, before := b.Row(i), len(g.windows)
		if g.windows, err = g.Windowing.Fn.Assign(b.TimeAt(row), g.windows); err != nil {
			return nil, nil, err
		}
		for range g.windows[before:] {
			g.rows = append(g.rows, int32(row))
		}
	}
	g.ids, g.at = resize(g.ids, len(g.rows)), resize(g.at, len(g.rows))
	g.keys.Lookup(b.Root.Children[0], g.rows, g.ids)
	for i, id := range g.ids {
		g.at[i] = g.panes.Get(g.windows[i]).Slot(id, &g.slots)
	}
	g.grow()
	return g.at, g.rows, nil
}

// grow makes room for the slots handed out since.
func (g *groups) grow() {
	n := g.slots.Len()
	g.table.Grow(n)
	for len(g.counts) < n && !g.NeverLate {
		g.counts = append(g.counts, 0)
	}
}

// count adds to the rows behind slots.
func (g *groups) count(at []int32) {
	if g.NeverLate {
		return
	}
	for _, slot := range at {
		g.counts[slot]++
	}
}

// free empties slots and gives them back.
func (g *groups) free(slots []int32) {
	g.table.Reset(slots)
	if !g.NeverLate {
		for _, s := range slots {
			g.counts[s] = 0
		}
	}
	g.slots.Give(slots)
}

// named says which key an error of the accumulators is about.
func (g *groups) named(err error) error {
	var at *agg.SlotError
	if !errors.As(err, &at) {
		return err
	}
	for _, p := range g.panes.Sorted() {
		for i, slot := range p.Slots {
			if slot == at.Slot {
				return g.namedKey(err, p.Keys[i])
			}
		}
	}
	return err
}

func (g *groups) namedKey(err error, id int32) error {
	return fmt.Errorf("key %s: %w", g.keys.Column([]int32{id}).Format(0), err)
}

// SizeBytes implements Sized.
func (g *groups) SizeBytes() int64 {
	return g.keys.SizeBytes() + g.table.SizeBytes() + int64(8*len(g.counts)) + int64(24*g.slots.Len())
}

func resize(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n, n+n/2)
	}
	return s[:n]
}

// atSlot reports whether an error of the accumulators is about slot.
func atSlot(err error, slot int32) bool {
	var at *agg.SlotError
	return errors.As(err, &at) && at.Slot == slot
}
