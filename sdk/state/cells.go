package state

// Cells is the state of one task's copy of a function. It is for leat.ParDo, which
// says where the function stands, and for the operator, which hands out slots.
type Cells struct {
	place  *place
	stores []store
	slots  int
}

// Open binds the fields of fn, a task's own copy of the struct, to an engine.
func (d *Declaration) Open(fn any, engine Engine) *Cells {
	c := &Cells{place: &place{engine: engine, slot: none, fired: none}}
	for _, f := range d.cells {
		c.stores = append(c.stores, f.of(fn).(cellField).open(c.place))
	}
	for i, f := range d.timers {
		f.of(fn).(timeField).bindTimer(c.place, i)
	}
	return c
}

// Grow makes slots [0, n) usable. New ones are empty.
func (c *Cells) Grow(n int) {
	if n <= c.slots {
		return
	}
	c.slots = n
	for _, s := range c.stores {
		s.grow(n)
	}
}

// Reset makes slots empty, for other keys.
func (c *Cells) Reset(slots []int32) {
	for _, s := range c.stores {
		for _, slot := range slots {
			s.reset(slot)
		}
	}
}

// Empty reports whether there is nothing in a slot.
func (c *Cells) Empty(slot int32) bool {
	for _, s := range c.stores {
		if !s.empty(slot) {
			return false
		}
	}
	return true
}

// SizeBytes estimates the memory held.
func (c *Cells) SizeBytes() (n int64) {
	for _, s := range c.stores {
		n += s.sizeBytes()
	}
	return n
}

// Row lets the fields stand for the key and window of a slot, for a row, or what a
// timer puts out, with that event time.
func (c *Cells) Row(slot int32, time int64) {
	c.place.slot, c.place.time = slot, time
}

// Firing says which timer OnTimer is called for.
func (c *Cells) Firing(timer int, tag string, at int64) {
	c.place.fired, c.place.tag, c.place.at = timer, tag, at
}

// Due reports, once, whether a timer was set that should fire by now.
func (c *Cells) Due() bool {
	due := c.place.due
	c.place.due = false
	return due
}

// Leave ends the call of the function: its fields stand for nothing. It returns
// what enters it again.
func (c *Cells) Leave() (back func()) {
	was := *c.place
	c.place.slot, c.place.fired, c.place.due = none, none, false
	return func() { *c.place = was }
}
