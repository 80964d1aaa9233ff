package operator

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// session is a Combine over session windows. It takes single rows, not partial
// groups: which rows belong together is known only when all of them are here.
//
//	rows of a key   x  x        x   gap 3
//	claims          [t,t+3)
//	                |---|
//	                   |---|
//	                            |---|
//	sessions        |------|    |---|
//
// A row that overlaps two sessions makes them one. Sessions that only touch
// stay apart, as in the Beam model.
type session struct {
	groups
	out       emitter
	counters  *Counters
	watermark int64
	sessions  [][]openSession // by key id, in the order of time, disjoint
	due       []int64         // by key id: when its first session may close; notDue when it has none
	open      int             // sessions
	closing   closings
	late      []int32 // scratch: keys of rows that were dropped
	restoring bool    // rows are saved sessions
}

type openSession struct {
	window.Interval
	slot int32
}

// closings is a heap of when a key's first session may close: one entry a key
// that counts, the one in due. When it comes and the session has grown since, it
// is put off, so a session costs one entry however many rows extend it.
type closings []closing

type closing struct {
	end int64
	id  int32
}

// Len implements heap.Interface.
func (c closings) Len() int { return len(c) }

// Less implements heap.Interface.
func (c closings) Less(i, j int) bool { return c[i].end < c[j].end }

// Swap implements heap.Interface.
func (c closings) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

// Push implements heap.Interface.
func (c *closings) Push(x any) { *c = append(*c, x.(closing)) }

// Pop implements heap.Interface.
func (c *closings) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

func newSession(g Grouping, counters *Counters) *session {
	o := &session{groups: newGroups(g), counters: counters, watermark: batch.MinTime}
	o.out.groups = &o.groups
	return o
}

// Process implements Operator.
func (o *session) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	n := b.Len()
	o.ids = resize(o.ids, n)
	o.keys.Lookup(b.Root.Children[0], b.Sel, o.ids)
	for len(o.sessions) < o.keys.Len() {
		o.sessions, o.due = append(o.sessions, nil), append(o.due, notDue)
	}
	o.at, o.rows = o.at[:0], o.rows[:0]
	for i, id := range o.ids {
		row := b.Row(i)
		claim := window.Interval{Start: b.TimeAt(row), End: b.TimeAt(row) + o.Windowing.Fn.Gap()}
		if o.restoring {
			claim = window.Interval{Start: b.Start[row], End: b.End[row]}
		}
		if err := o.row(id, int32(row), claim, b); err != nil {
			return err
		}
	}
	if err := o.settle(b); err != nil {
		return err
	}
	o.releaseLate()
	return nil
}

// releaseLate forgets the keys of which only dropped rows were seen.
func (o *session) releaseLate() {
	slices.Sort(o.late)
	o.late = slices.DeleteFunc(slices.Compact(o.late), func(id int32) bool { return len(o.sessions[id]) > 0 })
	o.keys.Release(o.late)
	o.late = o.late[:0]
}

// row puts one row into the session of its key.
func (o *session) row(id, row int32, claim window.Interval, b *batch.Batch) error {
	list := o.sessions[id]
	from, _ := slices.BinarySearchFunc(list, claim.Start, func(s openSession, t int64) int {
		if s.End <= t {
			return -1
		}
		return 1
	})
	to := from
	merged := claim
	for to < len(list) && list[to].Start < claim.End {
		merged.Start, merged.End = min(merged.Start, list[to].Start), max(merged.End, list[to].End)
		to++
	}
	if merged.End <= o.watermark {
		o.counters.Dropped++
		o.late = append(o.late, id)
		return nil
	}
	var slot int32
	switch to - from {
	case 0:
		slot = o.slots.Take()
		o.sessions[id] = slices.Insert(list, from, openSession{merged, slot})
		o.open++
		o.schedule(id, merged.End)
	case 1:
		slot = list[from].slot
		list[from].Interval = merged
	default:
		var err error
		if slot, err = o.merge(id, from, to, merged, b); err != nil {
			return err
		}
	}
	o.at, o.rows = append(o.at, slot), append(o.rows, row)
	return nil
}

// notDue is the due time of a key without sessions.
const notDue = math.MaxInt64

// schedule makes sure that a key is looked at when one of its sessions ends.
func (o *session) schedule(id int32, end int64) {
	if end < o.due[id] {
		o.due[id] = end
		heap.Push(&o.closing, closing{end, id})
	}
}

// SizeBytes implements Sized.
func (o *session) SizeBytes() int64 {
	return o.groups.SizeBytes() + int64(24*o.open+32*len(o.sessions)+16*cap(o.closing))
}

// merge makes sessions [from, to) of a key one. Rows located for them are added
// first: their slots are about to go.
func (o *session) merge(id int32, from, to int, merged window.Interval, b *batch.Batch) (int32, error) {
	if err := o.settle(b); err != nil {
		return 0, err
	}
	list := o.sessions[id]
	slot := list[from].slot
	for _, s := range list[from+1 : to] {
		if err := o.table.Merge([]int32{slot}, []int32{s.slot}); err != nil {
			return 0, o.namedKey(err, id)
		}
		o.free([]int32{s.slot})
	}
	list[from].Interval = merged
	o.sessions[id] = slices.Delete(list, from+1, to)
	o.open -= to - from - 1
	return slot, nil
}

// settle adds the rows located so far.
func (o *session) settle(b *batch.Batch) error {
	o.grow()
	if len(o.at) == 0 {
		return nil
	}
	var err error
	if o.restoring {
		err = o.table.Load(o.at, b.Root.Children[2], o.rows)
	} else {
		err = o.table.Add(o.at, b.Root.Children[1], b.Time, o.rows)
	}
	o.at, o.rows = o.at[:0], o.rows[:0]
	return o.named(err)
}

// named says which key an error of the accumulators is about.
func (o *session) named(err error) error {
	var at *agg.SlotError
	if !errors.As(err, &at) {
		return err
	}
	for id, list := range o.sessions {
		if slices.ContainsFunc(list, func(s openSession) bool { return s.slot == at.Slot }) {
			return o.namedKey(err, int32(id))
		}
	}
	return err
}

// Watermark implements Operator: sessions that end by w are complete.
func (o *session) Watermark(ctx context.Context, w int64, emit graph.Emit) error {
	o.watermark = w
	return o.fire(ctx, w, emit)
}

// End implements Operator.
func (o *session) End(ctx context.Context, emit graph.Emit) error {
	return o.fire(ctx, endOfInput, emit)
}

// Close implements Operator.
func (o *session) Close() error { return nil }

// closed is a session that is complete, with its key.
type closed struct {
	openSession
	id int32
}

func (o *session) fire(ctx context.Context, w int64, emit graph.Emit) error {
	var due []closed
	for len(o.closing) > 0 && o.closing[0].end <= w {
		c := heap.Pop(&o.closing).(closing)
		if c.end != o.due[c.id] {
			continue // an earlier session was opened since, and has its own entry
		}
		due = o.close(due, c.id, w)
		o.due[c.id] = notDue
		if rest := o.sessions[c.id]; len(rest) > 0 {
			o.schedule(c.id, rest[0].End)
		}
	}
	if len(due) == 0 {
		return nil
	}
	o.out.begin()
	slices.SortFunc(due, func(a, b closed) int {
		order := cmp.Or(cmp.Compare(a.End, b.End), cmp.Compare(a.Start, b.Start))
		if order == 0 && o.out.ranks != nil {
			order = cmp.Compare(o.out.ranks[a.id], o.out.ranks[b.id])
		}
		return order
	})
	slots := make([]int32, len(due))
	for i, s := range due {
		o.out.hold(s.id, s.slot, s.Interval)
		slots[i] = s.slot
	}
	if err := o.out.flush(ctx, emit); err != nil {
		return err
	}
	o.free(slots)
	o.releaseIdle(due)
	return nil
}

// close takes the sessions of a key that end by w.
func (o *session) close(due []closed, id int32, w int64) []closed {
	list := o.sessions[id]
	n := 0
	for n < len(list) && list[n].End <= w {
		due = append(due, closed{list[n], id})
		n++
	}
	o.sessions[id] = slices.Delete(list, 0, n)
	o.open -= n
	return due
}

// releaseIdle forgets the keys that have no session left.
func (o *session) releaseIdle(due []closed) {
	released := make(map[int32]bool)
	var ids []int32
	for _, s := range due {
		if len(o.sessions[s.id]) == 0 && !released[s.id] {
			released[s.id] = true
			o.sessions[s.id] = nil
			ids = append(ids, s.id)
		}
	}
	o.keys.Release(ids)
}
