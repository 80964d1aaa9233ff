package state

import (
	"slices"

	"github.com/leatflow/leat/sdk/window"
)

// Slots hands out accumulator slots and takes them back.
type Slots struct {
	next int32
	free []int32
}

// Take returns a slot that is not in use. Its accumulators are empty when the
// caller keeps the rule to reset what it gives back.
func (s *Slots) Take() int32 {
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	s.next++
	return s.next - 1
}

// Give takes slots back.
func (s *Slots) Give(slots []int32) { s.free = append(s.free, slots...) }

// Len returns one more than the largest slot ever taken.
func (s *Slots) Len() int { return int(s.next) }

// Pane is a slice of time, or a window, with the keys seen in it.
type Pane struct {
	window.Interval
	Keys  []int32 // ids, in the order of their first row
	Slots []int32 // Slots[i] holds the accumulators of Keys[i]

	// As long as ids and slots are both handed out for this pane alone, each is
	// its own position: Keys[i] == Slots[i] == i, and there is nothing to look up.
	// That is so for all of a global window. From the first exception on, table
	// finds the slot: open addressing by id, at most half full.
	identity bool
	table    []placed
}

// placed is an entry of a pane's table: one word, so that a lookup touches one
// place in memory.
type placed struct{ id, slot int32 } // id + 1; 0: empty

func newPane(w window.Interval, keys int) *Pane {
	return &Pane{Interval: w, identity: true, Keys: make([]int32, 0, keys), Slots: make([]int32, 0, keys)}
}

// Slot returns the slot of key id, taking one when the key is new. Ids are
// dense, so the id itself is a good hash.
func (p *Pane) Slot(id int32, slots *Slots) int32 {
	if p.identity {
		if int(id) < len(p.Keys) {
			return id
		}
		return p.addInOrder(id, slots)
	}
	mask := int32(len(p.table) - 1)
	for i := id & mask; ; i = (i + 1) & mask {
		e := p.table[i]
		if e.id == id+1 {
			return e.slot
		}
		if e.id == 0 {
			return p.add(id, i, slots)
		}
	}
}

// addInOrder adds a key to a pane that needs no table yet, and makes one when
// the new key or its slot is not the next in order.
func (p *Pane) addInOrder(id int32, slots *Slots) int32 {
	slot := slots.Take()
	next := int32(len(p.Keys))
	if id == next && slot == next {
		p.Keys = push(p.Keys, id)
		p.Slots = p.Keys // one array for both, as long as they are equal
		return slot
	}
	if next > 0 {
		p.Slots = slices.Clone(p.Slots)
	}
	p.Keys, p.Slots = push(p.Keys, id), push(p.Slots, slot)
	p.identity = false
	size := 8
	for size < 2*max(len(p.Keys), cap(p.Keys)) {
		size *= 2
	}
	p.rebuild(size)
	return slot
}

func (p *Pane) add(id, at int32, slots *Slots) int32 {
	slot := slots.Take()
	p.Keys, p.Slots = push(p.Keys, id), push(p.Slots, slot)
	p.table[at] = placed{id + 1, slot}
	if 2*len(p.Keys) > len(p.table) {
		p.rebuild(2 * len(p.table))
	}
	return slot
}

// rebuild makes a table of so many entries, a power of two.
func (p *Pane) rebuild(size int) {
	p.table = make([]placed, size)
	mask := int32(size - 1)
	for k, id := range p.Keys {
		i := id & mask
		for p.table[i].id != 0 {
			i = (i + 1) & mask
		}
		p.table[i] = placed{id + 1, p.Slots[k]}
	}
}

// Panes keeps panes by interval and gives them back in the order of time.
type Panes struct {
	byInterval map[window.Interval]*Pane
	sorted     []*Pane // by End, then Start; valid unless dirty
	dirty      bool
	last       *Pane // the pane of the row before, which mostly fits
	recent     [recentPanes]*Pane
	size       int // keys of the fullest pane so far: a guess for the next
}

// recentPanes is how many panes are found without the map: rows of a batch jump
// between a few neighbouring ones.
const recentPanes = 256

// NewPanes returns an empty set.
func NewPanes() *Panes { return &Panes{byInterval: make(map[window.Interval]*Pane)} }

// InUse returns the number of slots taken and not given back.
func (s *Slots) InUse() int { return int(s.next) - len(s.free) }

// Len returns the number of panes.
func (s *Panes) Len() int { return len(s.byInterval) }

// Get returns the pane of an interval, making it when new.
func (s *Panes) Get(w window.Interval) *Pane {
	if s.last != nil && s.last.Interval == w {
		return s.last
	}
	p := s.byInterval[w]
	if p == nil {
		p = s.add(w)
	}
	s.last = p
	return p
}

// Near is Get for a slice with its number: neighbouring slices do not go through
// the map.
func (s *Panes) Near(w window.Interval, number int64) *Pane {
	near := &s.recent[number&(recentPanes-1)]
	if *near == nil || (*near).Interval != w {
		*near = s.Get(w)
	}
	s.last = *near
	return *near
}

// add makes a pane with room for about as many keys as the one before it had.
func (s *Panes) add(w window.Interval) *Pane {
	if s.last != nil {
		s.size = min(max(len(s.last.Keys), s.size*7/8), 1<<12)
	}
	p := newPane(w, s.size)
	s.byInterval[w] = p
	s.sorted, s.dirty = append(s.sorted, p), true
	return p
}

// Find returns the pane of the row before when it contains t, or else nil.
func (s *Panes) Find(t int64) *Pane {
	if s.last != nil && s.last.Start <= t && t < s.last.End {
		return s.last
	}
	return nil
}

// Sorted returns the panes by end, then start. The slice is the set's own.
func (s *Panes) Sorted() []*Pane {
	if s.dirty {
		slices.SortFunc(s.sorted, comparePanes)
		s.dirty = false
	}
	return s.sorted
}

func comparePanes(a, b *Pane) int {
	switch {
	case a.End < b.End || a.End == b.End && a.Start < b.Start:
		return -1
	case a.Interval == b.Interval:
		return 0
	}
	return 1
}

// Drop forgets the first n panes of Sorted.
func (s *Panes) Drop(n int) {
	for _, p := range s.Sorted()[:n] {
		delete(s.byInterval, p.Interval)
	}
	s.last, s.recent = nil, [recentPanes]*Pane{}
	s.sorted = slices.Delete(s.sorted, 0, n)
}
