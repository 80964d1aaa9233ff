package operator

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/leatflow/leat/sdk/window"
)

// sessionCells are the cells of session windows, which grow and merge. A session
// stays until its lateness is over, also when it has fired, so that a late row can
// extend it or bridge it to another. A row is too late when the session it would be
// part of is.
type sessionCells struct {
	byKey   [][]int32 // by key id: cells in the order of time, disjoint
	due     []int64   // by key id: when the watermark makes a difference to one of them
	closing closings
	passing []int32 // scratch: cells
	looked  []int32 // scratch: keys
}

func (s *sessionCells) sizeBytes() int64 {
	if s == nil {
		return 0
	}
	return int64(36*len(s.byKey) + 16*cap(s.closing))
}

func (s *sessionCells) release(ids []int32) {
	if s == nil {
		return
	}
	for _, id := range ids {
		if int(id) < len(s.byKey) {
			s.byKey[id] = nil
		}
	}
}

// placeSession puts a row into the session of its key.
func (o *triggered) placeSession(id int32, row int, t int64) (took bool, err error) {
	s := o.sessions
	for len(s.byKey) < o.keys.Len() {
		s.byKey, s.due = append(s.byKey, nil), append(s.due, notDue)
	}
	claim := window.Interval{Start: t, End: t + o.Windowing.Fn.Gap()}
	list := s.byKey[id]
	from, _ := slices.BinarySearchFunc(list, t, func(k int32, t int64) int { return cmp.Compare(o.cells[k].End, t+1) })
	to, merged := from, claim
	for to < len(list) && o.cells[list[to]].Start < claim.End {
		c := &o.cells[list[to]]
		merged.Start, merged.End = min(merged.Start, c.Start), max(merged.End, c.End)
		to++
	}
	if merged.End+o.lateness <= o.watermark {
		return false, nil
	}
	var k int32
	if from == to {
		k = o.free.Take()
		o.open(k, id, merged)
		o.cells[k].passed = merged.End <= o.watermark
		s.byKey[id] = slices.Insert(list, from, k)
	} else {
		k = list[from]
		o.join(k, list[from+1:to], merged)
		s.byKey[id] = slices.Delete(list, from+1, to)
	}
	o.schedule(k)
	if o.cells[k].closed {
		return false, nil
	}
	o.arrive(k, row, t)
	return true, nil
}

// join makes others, and the time a row claims, part of session k.
func (o *triggered) join(k int32, others []int32, merged window.Interval) {
	c := &o.cells[k]
	grown := c.End != merged.End
	if len(others) == 0 && !grown {
		c.Interval = merged
		return
	}
	rewind := c.passed || len(others) > 0
	c.Interval = merged
	c.passed = merged.End <= o.watermark
	if !rewind {
		return
	}
	parts := [][]int64{o.state(k)}
	for _, other := range others {
		parts = append(parts, o.state(other))
		o.absorb(k, other)
	}
	o.machine.Merge(o.state(k), parts, c.passed)
	for _, other := range others {
		o.remove(other)
		o.free.Give([]int32{other})
	}
	c.closed = o.machine.Closed(o.state(k))
	if c.closed {
		o.shut(k)
	}
	o.alarm(k)
}

// absorb moves what session other has gathered and shown to session k.
func (o *triggered) absorb(k, other int32) {
	c, x := &o.cells[k], &o.cells[other]
	switch {
	case x.slot == noSlot:
	case c.slot == noSlot:
		c.slot, c.shared = x.slot, x.shared
		if c.shared && o.strategy.Mode == window.Accumulating {
			o.sharing = append(o.sharing, k)
		}
	default:
		o.merging = append(o.merging, merge{into: o.own(k), from: x.slot})
		if !x.shared || o.strategy.Mode != window.Retracting {
			o.giving = append(o.giving, x.slot)
		}
	}
	c.shown = append(c.shown, x.shown...)
	x.slot, x.shown = noSlot, nil
	if x.timed {
		switch {
		case !c.timed:
			c.time = x.time
		case o.strategy.Combiner == window.Earliest:
			c.time = min(c.time, x.time)
		default:
			c.time = max(c.time, x.time)
		}
		c.timed = true
	}
	c.rows, c.held = c.rows || x.rows, c.held || x.held
	c.index, c.spoken, c.timing = max(c.index, x.index), max(c.spoken, x.spoken), max(c.timing, x.timing)
	if c.held {
		o.holdBack(k)
	}
}

// schedule makes sure that a key is looked at when the watermark makes a difference
// to one of its sessions.
func (o *triggered) schedule(k int32) {
	c, s := &o.cells[k], o.sessions
	at := c.End
	if c.passed {
		at += o.lateness
	}
	if at < s.due[c.id] {
		s.due[c.id] = at
		heap.Push(&s.closing, closing{at, c.id})
	}
}

// closeSessions handles the sessions whose end, or the end of whose lateness, the
// watermark passes.
func (o *triggered) closeSessions(w int64) {
	s := o.sessions
	s.passing, s.looked = s.passing[:0], s.looked[:0]
	for len(s.closing) > 0 && s.closing[0].end <= w {
		c := heap.Pop(&s.closing).(closing)
		if c.end != s.due[c.id] {
			continue
		}
		s.due[c.id], s.looked = notDue, append(s.looked, c.id)
		for _, k := range s.byKey[c.id] {
			if x := &o.cells[k]; !x.passed && x.End <= w || x.End+o.lateness <= w {
				s.passing = append(s.passing, k)
			}
		}
		s.byKey[c.id] = slices.DeleteFunc(s.byKey[c.id], func(k int32) bool { return o.cells[k].End+o.lateness <= w })
	}
	slices.SortFunc(s.passing, func(a, b int32) int {
		x, y := &o.cells[a], &o.cells[b]
		order := cmp.Or(cmp.Compare(x.End, y.End), cmp.Compare(x.Start, y.Start))
		if order == 0 && o.out.ranks != nil {
			order = cmp.Compare(o.out.ranks[x.id], o.out.ranks[y.id])
		}
		return order
	})
	for _, k := range s.passing {
		c := &o.cells[k]
		end, last := !c.passed, c.End+o.lateness <= w
		c.passed = true
		o.pass(k, end, last)
		if last {
			o.free.Give([]int32{k})
		}
	}
	for _, id := range s.looked { // a session may have grown since it was scheduled
		for _, k := range s.byKey[id] {
			o.schedule(k)
		}
	}
}
