package operator

import (
	"cmp"
	"context"
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// sliding is the receiving half of a Combine over overlapping windows. Rows are
// in panes (slices of time); a window is a run of panes, and neighbours share
// all but a few. Two stacks give each window in constant work a key, for any
// aggregate that can be merged, with no need to subtract:
//
//	panes      p0   p1   p2   p3 │ p4   p5   p6
//	           ◀──── front ──────┤──── back ───▶
//	suffix of p1 = p1+p2+p3      │  prefix = p4+p5+p6
//	window [p1, p6] = suffix(p1) + prefix
//
// The window moves on: a pane enters the prefix on the right, a pane leaves the
// suffixes on the left. When the front is used up, the back is turned into the
// new front: suffixes are built from the newest pane to the oldest, once for
// every window length.
//
// Suffixes are kept only where a key has rows: entry (key, suffix from this
// pane on, suffix after it).
type sliding struct {
	groups
	out       emitter
	counters  *Counters
	watermark int64

	next       window.Interval // the window to fire next; valid when started
	started    bool
	edge       int64      // panes that start before edge are in the stacks
	stale      bool       // a late row changed a pane that is in the stacks
	front      []suffixes // in the order of time; the first is the oldest pane
	suffix     []int32    // by key id: slot of the current suffix, or -1
	prefix     []int32    // by key id: slot of the prefix, or -1
	present    []int32    // key ids that have a suffix or prefix, and some that no longer do
	member     []bool     // by key id: is in present
	sorted     bool       // present is in rank order
	most       int        // results to hold before they are emitted
	dst, src   []int32    // scratch: slots to copy
	into, from []int32    // scratch: slots to merge after that
}

// suffixes is what one pane of the front added to the suffixes.
type suffixes struct {
	start   int64
	entries []suffixEntry
}

type suffixEntry struct{ id, slot, after int32 }

func newSliding(g Grouping, counters *Counters) *sliding {
	o := &sliding{groups: newGroups(g), counters: counters, watermark: batch.MinTime}
	o.out.groups = &o.groups
	return o
}

// Process implements Operator: it takes what partial sends.
func (o *sliding) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	if o.NeverLate {
		return o.load(b)
	}
	b = dropLate(b, o.counters, func(w window.Interval) bool {
		return o.Windowing.Fn.Last(w.Start).End <= o.watermark
	})
	if o.started {
		for _, start := range b.Start {
			if start < o.edge {
				o.stale = true
			}
			// A pane older than every pane before may belong to a window that
			// was passed over because it was empty.
			if first := o.Windowing.Fn.First(start); first.Start < o.next.Start {
				o.rewind(first)
			}
		}
	}
	return o.load(b)
}

// rewind makes an earlier window the next one, if the watermark allows it.
func (o *sliding) rewind(w window.Interval) {
	for w.End <= o.watermark {
		w = o.Windowing.Fn.Next(w)
	}
	if w.Start < o.next.Start {
		o.next, o.stale = w, true
	}
}

// Watermark implements Operator.
func (o *sliding) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	if err := o.fire(ctx, w, emit); err != nil {
		return err
	}
	o.watermark = w
	return nil
}

// End implements Operator.
func (o *sliding) End(ctx context.Context, emit graph.Emit) error {
	return o.fire(ctx, endOfInput, emit)
}

// Close implements Operator.
func (o *sliding) Close() error { return nil }

// fire emits the windows that end by w, oldest first.
func (o *sliding) fire(ctx context.Context, w int64, emit graph.Emit) error {
	panes := o.panes.Sorted()
	if len(panes) == 0 {
		return nil
	}
	o.begin(panes)
	for o.next.End <= w {
		live, err := o.window(ctx, emit)
		if err != nil {
			return err
		}
		if live {
			o.next = o.Windowing.Fn.Next(o.next)
			continue
		}
		if !o.skip() {
			break
		}
	}
	if err := o.flush(ctx, emit); err != nil {
		return err
	}
	o.forgetPast()
	return nil
}

// begin makes room for new keys and places the first window.
func (o *sliding) begin(panes []*state.Pane) {
	o.out.begin()
	o.sorted = false
	o.most = batch.TargetRows
	if share := o.Room.Share; share > 0 {
		o.most = int(min(share/4*int64(o.slots.Len())/max(1, o.SizeBytes()), batch.TargetRows))
	}
	for len(o.suffix) < o.keys.Len() {
		o.suffix, o.prefix, o.member = append(o.suffix, -1), append(o.prefix, -1), append(o.member, false)
	}
	if !o.started {
		o.started = true
		o.next = o.Windowing.Fn.First(panes[0].Start)
		for o.next.End <= o.watermark {
			o.next = o.Windowing.Fn.Next(o.next)
		}
		o.edge = o.next.Start
	}
}

// window brings the stacks to the next window and emits it. live is false when
// no key has rows in it.
func (o *sliding) window(ctx context.Context, emit graph.Emit) (live bool, err error) {
	if err := o.leave(); err != nil {
		return false, err
	}
	if err := o.enter(); err != nil {
		return false, err
	}
	return o.emit(ctx, emit)
}

// skip moves on to the first window that contains a pane not before the next
// one; false when there is none.
func (o *sliding) skip() bool {
	at, found := slices.BinarySearchFunc(o.panes.Sorted(), o.next.Start, func(p *state.Pane, t int64) int { return cmp.Compare(p.Start, t) })
	if _ = found; at == len(o.panes.Sorted()) {
		o.next = o.Windowing.Fn.Next(o.next)
		return false
	}
	first := o.Windowing.Fn.First(o.panes.Sorted()[at].Start)
	if first.Start <= o.next.Start {
		first = o.Windowing.Fn.Next(o.next)
	}
	o.next = first
	return true
}

// leave takes the panes before the window out of the stacks. Where one of them
// is in the back, the stacks are turned.
func (o *sliding) leave() error {
	for len(o.front) > 0 && o.front[0].start < o.next.Start && !o.stale {
		for _, e := range o.front[0].entries {
			o.suffix[e.id] = e.after
			o.dst = append(o.dst, e.slot)
		}
		o.front = o.front[1:]
	}
	o.free(o.dst)
	o.dst = o.dst[:0]
	if o.stale || len(o.front) == 0 && o.edge > o.next.Start {
		return o.turn()
	}
	o.edge = max(o.edge, o.next.Start)
	return nil
}

// turn rebuilds the front from the panes of the window that are in the stacks.
func (o *sliding) turn() error {
	o.clear()
	o.stale = false
	o.edge = min(o.edge, o.next.End) // after a rewind the stacks reached further
	panes := o.between(o.next.Start, o.edge)
	o.edge = max(o.edge, o.next.Start)
	o.front = make([]suffixes, 0, len(panes))
	for i := len(panes) - 1; i >= 0; i-- {
		if err := o.push(panes[i]); err != nil {
			return err
		}
	}
	slices.Reverse(o.front)
	return nil
}

// push puts a pane in front of the suffixes.
func (o *sliding) push(p *state.Pane) error {
	s := suffixes{start: p.Start, entries: make([]suffixEntry, len(p.Keys))}
	o.dst, o.src = o.dst[:0], o.src[:0]
	into, from := o.into[:0], o.from[:0]
	for i, id := range p.Keys {
		slot := o.slots.Take()
		o.dst, o.src = append(o.dst, slot), append(o.src, p.Slots[i])
		after := o.suffix[id]
		if after >= 0 {
			into, from = append(into, slot), append(from, after)
		}
		s.entries[i] = suffixEntry{id, slot, after}
		o.suffix[id] = slot
		o.join(id)
	}
	o.front = append(o.front, s)
	return o.copyThenMerge(into, from)
}

// copyThenMerge copies the slots gathered in src to those in dst, which are new,
// and then merges from into into.
func (o *sliding) copyThenMerge(into, from []int32) error {
	o.grow()
	err := o.table.Copy(o.dst, o.src)
	o.dst, o.src = o.dst[:0], o.src[:0]
	o.into, o.from = into, from // keep the room
	if err == nil {
		err = o.table.Merge(into, from)
	}
	return o.named(err)
}

// clear empties both stacks.
func (o *sliding) clear() {
	for _, s := range o.front {
		for _, e := range s.entries {
			o.dst = append(o.dst, e.slot)
		}
	}
	o.front = o.front[:0]
	for _, id := range o.present {
		if o.prefix[id] >= 0 {
			o.dst = append(o.dst, o.prefix[id])
		}
		o.suffix[id], o.prefix[id] = -1, -1
	}
	o.free(o.dst)
	o.dst = o.dst[:0]
}

// enter adds the panes up to the end of the window to the prefix.
func (o *sliding) enter() error {
	for _, p := range o.between(o.edge, o.next.End) {
		o.dst, o.src = o.dst[:0], o.src[:0]
		into, from := o.into[:0], o.from[:0]
		for i, id := range p.Keys {
			if o.prefix[id] < 0 {
				o.prefix[id] = o.slots.Take()
				o.join(id)
				o.dst, o.src = append(o.dst, o.prefix[id]), append(o.src, p.Slots[i])
				continue
			}
			into, from = append(into, o.prefix[id]), append(from, p.Slots[i])
		}
		if err := o.copyThenMerge(into, from); err != nil {
			return err
		}
	}
	o.edge = o.next.End
	return nil
}

// join puts a key into present.
func (o *sliding) join(id int32) {
	if !o.member[id] {
		o.member[id] = true
		o.present = append(o.present, id)
		o.sorted = false
	}
}

// between returns the panes that start in [from, to).
func (o *sliding) between(from, to int64) []*state.Pane {
	panes := o.panes.Sorted()
	start := func(p *state.Pane, t int64) int { return cmp.Compare(p.Start, t) }
	a, _ := slices.BinarySearchFunc(panes, from, start)
	b, _ := slices.BinarySearchFunc(panes, to, start)
	return panes[a:max(a, b)]
}

// emit copies suffix + prefix of every key that has either to slots of their
// own, which the next flush reads.
func (o *sliding) emit(ctx context.Context, emit graph.Emit) (live bool, err error) {
	o.sortPresent()
	kept := o.present[:0]
	o.dst, o.src = o.dst[:0], o.src[:0]
	into, from := o.into[:0], o.from[:0]
	for _, id := range o.present {
		suffix, prefix := o.suffix[id], o.prefix[id]
		if suffix < 0 && prefix < 0 {
			o.member[id] = false
			continue
		}
		kept = append(kept, id)
		slot := o.slots.Take()
		if suffix < 0 {
			o.src = append(o.src, prefix)
		} else {
			o.src = append(o.src, suffix)
			if prefix >= 0 {
				into, from = append(into, slot), append(from, prefix)
			}
		}
		o.dst = append(o.dst, slot)
	}
	o.present = kept
	o.out.holdAll(kept, o.dst, o.next)
	if err := o.copyThenMerge(into, from); err != nil {
		return false, err
	}
	if len(o.out.ids) >= o.most {
		err = o.flush(ctx, emit)
	}
	return len(kept) > 0, err
}

func (o *sliding) sortPresent() {
	if o.sorted || o.out.ranks == nil {
		return
	}
	slices.SortFunc(o.present, func(a, b int32) int { return cmp.Compare(o.out.ranks[a], o.out.ranks[b]) })
	o.sorted = true
}

// flush emits the results held and frees their slots.
func (o *sliding) flush(ctx context.Context, emit graph.Emit) error {
	for len(o.out.ids) > 0 {
		o.dst = append(o.dst[:0], o.out.slots...)
		if err := o.out.flush(ctx, emit); err != nil {
			return err
		}
		o.free(o.dst)
	}
	o.dst = o.dst[:0]
	return nil
}

// forgetPast drops the panes that no window to come contains.
func (o *sliding) forgetPast() {
	panes := o.panes.Sorted()
	n, _ := slices.BinarySearchFunc(panes, o.next.Start, func(p *state.Pane, t int64) int { return cmp.Compare(p.Start, t) })
	if n == 0 {
		return
	}
	if n == len(panes) {
		o.reset()
		return
	}
	for _, p := range panes[:n] {
		o.free(p.Slots)
	}
	gone := slices.Clone(panes[:n])
	o.panes.Drop(n)
	o.releaseKeys(gone, o.markStacks)
}

// markStacks marks the keys that the stacks still know.
func (o *sliding) markStacks(used []bool) {
	mark(used, o.present)
	for _, p := range o.panes.Sorted() {
		mark(used, p.Keys)
	}
	for _, s := range o.front {
		for _, e := range s.entries {
			used[e.id] = true
		}
	}
}

// reset forgets everything but the time: no pane is left.
func (o *sliding) reset() {
	o.groups = newGroups(o.Grouping)
	o.suffix, o.prefix, o.member, o.present, o.front = nil, nil, nil, nil, nil
	o.started, o.stale = false, false
}
