package pages

import (
	"github.com/leatflow/leat/sdk/batch"
)

// shredded is one leaf of a row group on its way to pages: levels for every
// slot and, without gaps, the values of those that have one.
type shredded struct {
	slots      int
	defs, reps []uint8 // nil: all maxDef, all zero
	present    []int32 // scratch

	ints    []int64
	floats  []float64
	bools   []bool
	strings textColumn
}

func (s *shredded) reset() {
	*s = shredded{defs: s.defs[:0], reps: s.reps[:0], present: s.present, ints: s.ints[:0], floats: s.floats[:0], bools: s.bools[:0], strings: s.strings.reset()}
}

// add appends the leaf of a struct column to s.
func (s *shredded) add(c *column, root *batch.Column) {
	leaf := root
	if c.maxRep == 0 && c.maxDef == 0 {
		for _, st := range c.steps {
			leaf = leaf.Children[st.child]
		}
		s.slots += leaf.Len
		s.values(leaf, nil)
		return
	}
	if c.maxRep == 0 && c.maxDef == 1 && c.steps[len(c.steps)-1].nullable {
		for _, st := range c.steps {
			leaf = leaf.Children[st.child]
		}
		s.flat(leaf)
		return
	}
	walk := slots{rows: identity(root.Len), defs: make([]uint8, root.Len)}
	if c.maxRep > 0 {
		walk.reps = make([]uint8, root.Len)
	}
	for _, st := range c.steps {
		if st.repeated {
			walk.expand(leaf)
		}
		leaf = leaf.Children[st.child]
		if st.nullable {
			walk.define(leaf)
		}
	}
	s.slots += len(walk.defs)
	s.defs = append(s.defs, walk.defs...)
	s.reps = append(s.reps, walk.reps...)
	present := walk.present()
	if len(present) == leaf.Len && len(present) == len(walk.defs) {
		present = nil // every row of the leaf, in order
	}
	s.values(leaf, present)
}

// flat appends a leaf outside of lists of which only itself may be null, without
// branches that are guessed wrong where nulls are many.
func (s *shredded) flat(leaf *batch.Column) {
	n := leaf.Len
	s.slots += n
	defs := extend(&s.defs, n)
	if leaf.Valid == nil {
		for i := range defs {
			defs[i] = 1
		}
		s.values(leaf, nil)
		return
	}
	if cap(s.present) < n || leaf.Type.Kind.Form() == batch.StringForm { // strings keep their rows
		s.present = make([]int32, n)
	}
	rows, count := s.present[:n], 0
	for i := range defs {
		bit := leaf.Valid[i>>3] >> (i & 7) & 1
		defs[i] = bit
		rows[count] = int32(i)
		count += int(bit)
	}
	if rows = rows[:count]; count == n {
		rows = nil
	}
	s.values(leaf, rows)
}

// rows returns how many rows begin in the slots between from and to.
func (s *shredded) rows(from, to int) int {
	if len(s.reps) == 0 {
		return to - from
	}
	n := 0
	for _, r := range s.reps[from:to] {
		if r == 0 {
			n++
		}
	}
	return n
}

// slots are the slots of a column while the walk goes from the root to a leaf.
// A slot that has ended, in a null or an empty list, has row -1.
type slots struct {
	rows       []int32
	defs, reps []uint8
	def, rep   uint8 // of a slot that has not ended; lists entered
}

func identity(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// define ends the slots in which c is null and raises the level of the others.
func (s *slots) define(c *batch.Column) {
	s.def++
	for i, r := range s.rows {
		switch {
		case r < 0:
		case c.Valid != nil && !c.Valid.Get(int(r)):
			s.rows[i] = -1
		default:
			s.defs[i] = s.def
		}
	}
}

// expand replaces each slot by one for every element of its list; an empty list
// ends its slot.
func (s *slots) expand(c *batch.Column) {
	s.def++
	s.rep++
	var out slots
	for i, r := range s.rows {
		from, to := 0, 0
		if r >= 0 {
			from, to = c.Range(int(r))
		}
		if from == to {
			out.rows, out.defs, out.reps = append(out.rows, -1), append(out.defs, s.defs[i]), append(out.reps, s.reps[i])
			continue
		}
		rep := s.reps[i]
		for e := from; e < to; e++ {
			out.rows, out.defs, out.reps = append(out.rows, int32(e)), append(out.defs, s.def), append(out.reps, rep)
			rep = s.rep
		}
	}
	s.rows, s.defs, s.reps = out.rows, out.defs, out.reps
}

// present returns the rows of the leaf that have a value, in slot order.
func (s *slots) present() []int32 {
	n := 0
	for _, r := range s.rows {
		if r >= 0 {
			s.rows[n] = r
			n++
		}
	}
	return s.rows[:n]
}

// values appends the values of a leaf at rows; nil: all of them.
func (s *shredded) values(c *batch.Column, rows []int32) {
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		s.ints = pick(s.ints, c.Ints, rows)
	case batch.FloatForm:
		s.floats = pick(s.floats, c.Floats, rows)
	case batch.BoolForm:
		s.bools = pick(s.bools, c.Bools, rows)
	case batch.StringForm:
		s.strings.add(c, rows)
	}
}

func pick[T any](dst, src []T, rows []int32) []T {
	if rows == nil {
		return append(dst, src...)
	}
	to := extend(&dst, len(rows))
	for i, r := range rows {
		to[i] = src[r]
	}
	return dst
}
