package state

// Cells is the state of one task's copy of a function. It is for leat.ParDo, which
// says where the function stands, and for the operator, which hands out slots.
type Cells struct {
	place  *place
	stores []store
	mortal []store // those with a ttl
	timers []Timer
	slots  int
}

// Open binds the fields of fn, a task's own copy of the struct, to an engine.
func (d *Declaration) Open(fn any, engine Engine) *Cells {
	c := &Cells{place: &place{engine: engine, slot: none, fired: none}, timers: d.Timers}
	for _, f := range d.cells {
		life := lifetime{place: c.place, ttl: f.ttl.Microseconds(), processing: f.processing}
		s := f.of(fn).(cellField).open(life)
		c.stores = append(c.stores, s)
		if life.ttl > 0 {
			c.mortal = append(c.mortal, s)
		}
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
	for _, s := range c.mortal {
		until := s.life().until
		for _, slot := range slots {
			until[slot] = ever
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

// Row lets the fields stand for the key and window of a slot, for a row with that
// event time.
func (c *Cells) Row(slot int32, time int64) {
	c.place.slot, c.place.time, c.place.now = slot, time, time
	if c.mortal != nil {
		c.age(slot)
	}
}

// Firing lets the fields stand for a slot and says which timer OnTimer is called for,
// what it was set to, and the event time of what it puts out.
func (c *Cells) Firing(slot int32, timer int, tag string, at, output int64) {
	p := c.place
	p.slot, p.time, p.now = slot, output, output
	if !c.timers[timer].Processing {
		p.now = max(at, output)
	}
	p.fired, p.tag, p.at = timer, tag, at
	if c.mortal != nil {
		c.age(slot)
	}
}

// age empties the cells of a slot whose time is over.
func (c *Cells) age(slot int32) {
	for _, s := range c.mortal {
		if l := s.life(); l.until[slot] <= l.now() {
			s.reset(slot)
			l.until[slot] = ever
		}
	}
}

// Mortal returns the shortest ttl, in µs; 0 when there is none.
func (c *Cells) Mortal() (ttl int64) {
	for _, s := range c.mortal {
		if l := s.life(); ttl == 0 || l.ttl < ttl {
			ttl = l.ttl
		}
	}
	return ttl
}

// Age empties the cells of all slots whose time is over at a watermark, and at a
// processing time.
func (c *Cells) Age(watermark, processing int64) {
	for _, s := range c.mortal {
		l, now := s.life(), watermark
		if l.processing {
			now = processing
		}
		for slot, until := range l.until {
			if until <= now {
				s.reset(int32(slot))
				l.until[slot] = ever
			}
		}
	}
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
