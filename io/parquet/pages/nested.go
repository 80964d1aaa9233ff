package pages

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// striped is one leaf of some rows as the format stores it: a definition and a
// repetition level for every slot, and the values of those slots that have one.
//
//	[[a b] [] null [c]]      reps    0 1 0 0 0
//	                         defs    3 3 1 0 3     (list 1, element 2, value 3)
//	                         values  a b     c
type striped struct {
	leaf       *leaf
	defs, reps []uint8 // reps is nil outside of lists: all zero
	values     *vector
}

// striped reads the next n rows of a leaf with its levels.
func (r *leafReader) striped(n int) (*striped, error) {
	s := &striped{leaf: r.leaf, values: newVector(r.typ.Kind.Form(), n)}
	read := r.slots
	if r.leaf.maxRep > 0 {
		read = r.elements
	}
	err := read(s, n)
	r.row += int64(n)
	return s, err
}

// elements reads the slots of n rows of a leaf in lists.
func (r *leafReader) elements(s *striped, n int) error {
	for rows := 0; ; {
		if len(r.ahead) == 0 {
			if r.page == 0 {
				if done, err := r.endsAt(rows, n); done || err != nil {
					return err
				}
			}
			if err := r.lookAhead(); err != nil {
				return err
			}
		}
		k := 0
		for k < len(r.ahead) && (r.ahead[k] != 0 || rows < n) {
			if r.ahead[k] == 0 {
				rows++
			}
			k++
		}
		if k > 0 && len(s.reps) == 0 && r.ahead[0] != 0 {
			return fmt.Errorf("begins inside a row")
		}
		end := k < len(r.ahead)
		s.reps = append(s.reps, r.ahead[:k]...)
		r.ahead = r.ahead[k:]
		if err := r.take(s, k); err != nil || end {
			return err
		}
		if most := elementsFreely + elementsMax*n; len(s.reps) > most {
			return fmt.Errorf("has more than %d elements in %d rows, which is more than one batch may hold", most, n)
		}
	}
}

// endsAt reports, between two pages, whether the n rows asked for, of which rows
// were begun, end there. In sequence that is known at the end of the chunk only,
// by a page index at the end of every page.
func (r *leafReader) endsAt(rows, n int) (bool, error) {
	if x := r.located; x != nil {
		return rows == n, x.check(r.row + int64(rows))
	}
	return rows == n && r.left == 0, nil
}

// lookAhead reads some repetition levels: where a row ends is known only from
// the beginning of the next.
func (r *leafReader) lookAhead() error {
	fresh := false
	if r.page == 0 {
		if err := r.nextPage(); err != nil {
			return err
		}
		fresh = true
	}
	r.ahead = make([]uint8, min(1024, r.page))
	if err := r.reps.levels(r.ahead, r.leaf.maxRep); err != nil {
		return fmt.Errorf("repetition levels: %w", err)
	}
	if fresh && r.located != nil && r.ahead[0] != 0 {
		return fmt.Errorf("%w: page %d begins inside a row", ErrIndex, r.located.next-1)
	}
	return nil
}

// take moves m slots of the page at hand, definition levels and values, to s.
func (r *leafReader) take(s *striped, m int) error {
	defs, count, err := r.definitions(m)
	if err != nil {
		return err
	}
	to := extend(&s.defs, m)
	if defs == nil {
		fill(to, uint8(r.leaf.maxDef))
	} else {
		copy(to, defs)
	}
	r.page -= m
	return r.append(s.values, count)
}

// slots reads n slots of a leaf outside of lists, so n rows.
func (r *leafReader) slots(s *striped, n int) error {
	for len(s.defs) < n {
		if r.page == 0 {
			if err := r.nextPage(); err != nil {
				return err
			}
		}
		if err := r.take(s, min(n-len(s.defs), r.page)); err != nil {
			return err
		}
	}
	return nil
}

// inSlot reports whether slot i of the leaf is one of node n too: not a further
// element of a list inside n, and not where the list around n has no element.
func (s *striped) inSlot(n *Node, i int) bool {
	return int(s.defs[i]) >= n.slotDef && (s.reps == nil || int(s.reps[i]) <= n.rep)
}

// assemble puts the column of n together from its leaves.
func (n *Node) assemble(get map[*leaf]*striped) (*batch.Column, error) {
	if n.leaf != nil {
		return get[n.leaf].column(n), nil
	}
	var first *striped
	n.leaves(func(l *Node) {
		if first == nil {
			first = get[l.leaf]
		}
	})
	c := &batch.Column{Type: n.Type}
	if n.Type.Kind == batch.Struct {
		c.Len, c.Valid = first.validity(n)
	} else {
		first.lists(n, c)
	}
	for _, child := range n.Children {
		in, err := child.assemble(get)
		if err != nil {
			return nil, err
		}
		want := c.Len
		if c.Offsets != nil {
			want = int(c.Offsets[c.Len])
		}
		if in.Len != want {
			return nil, fmt.Errorf("has %d values of %s where its siblings have %d", in.Len, child.Name, want)
		}
		c.Children = append(c.Children, in)
	}
	if n.Type.Kind == batch.Map {
		return sortEntries(c)
	}
	return c, nil
}

// validity returns the number of slots of n and which of them are not null. What
// cannot be null by itself has no nulls: those of the struct around it hide it.
func (s *striped) validity(n *Node) (int, batch.Bitmap) {
	rows, nulls := 0, 0
	valid := batch.NewBitmap(len(s.defs))
	for i, d := range s.defs {
		if !s.inSlot(n, i) {
			continue
		}
		if int(d) >= n.def {
			valid.Set(rows)
		} else {
			nulls++
		}
		rows++
	}
	if nulls == 0 || !n.nullable() {
		valid = nil
	}
	return rows, valid
}

// gaps reports whether some slot has no value.
func (s *striped) gaps(n *Node) bool {
	for _, d := range s.defs {
		if int(d) < n.def {
			return true
		}
	}
	return false
}

// column spreads the values over the slots of n, its own leaf.
func (s *striped) column(n *Node) *batch.Column {
	rows, valid := s.validity(n)
	if s.gaps(n) {
		defs := make([]uint8, 0, rows)
		count := 0
		for i, d := range s.defs {
			if s.inSlot(n, i) {
				defs = append(defs, d)
			}
			if int(d) == n.def {
				count++
			}
		}
		s.values.spread(n.Type.Kind.Form(), count, defs, uint8(n.def))
	}
	return s.values.column(n.Type, rows, valid)
}

// lists computes the offsets of list or map n.
func (s *striped) lists(n *Node, c *batch.Column) {
	c.Len, c.Valid = s.validity(n)
	c.Offsets = make([]int32, 1, c.Len+1)
	for i, d := range s.defs {
		end := c.Offsets[len(c.Offsets)-1]
		if s.inSlot(n, i) {
			c.Offsets = append(c.Offsets, end)
		}
		if int(d) > n.def && int(s.reps[i]) <= n.rep+1 {
			c.Offsets[len(c.Offsets)-1] = end + 1
		}
	}
}

// sortEntries orders the entries of each map by key, as batches hold them. Of
// entries with the same key the last one counts, as the format says.
func sortEntries(c *batch.Column) (*batch.Column, error) {
	keys := c.Children[0]
	if keys.Valid != nil && keys.Valid.Count(keys.Len) < keys.Len {
		return nil, fmt.Errorf("has a map with a null key")
	}
	order := make([]int32, 0, keys.Len)
	offsets := make([]int32, 1, c.Len+1)
	changed := false
	for row := range c.Len {
		from, to := c.Range(row)
		start := len(order)
		for i := from; i < to; i++ {
			order = append(order, int32(i))
			changed = changed || i > from && compareKeys(keys, i-1, i) >= 0
		}
		if changed {
			part := order[start:]
			slices.SortStableFunc(part, func(a, b int32) int { return compareKeys(keys, int(a), int(b)) })
			order = append(order[:start], lastOfEach(keys, part)...)
		}
		offsets = append(offsets, int32(len(order)))
	}
	if !changed {
		return c, nil
	}
	out := *c
	out.Offsets = offsets
	out.Children = []*batch.Column{keys.Gather(order), c.Children[1].Gather(order)}
	return &out, nil
}

// lastOfEach keeps of sorted entries with the same key the last.
func lastOfEach(keys *batch.Column, entries []int32) []int32 {
	n := 0
	for i, e := range entries {
		if i+1 == len(entries) || compareKeys(keys, int(e), int(entries[i+1])) != 0 {
			entries[n] = e
			n++
		}
	}
	return entries[:n]
}

func compareKeys(c *batch.Column, a, b int) int {
	switch c.Type.Kind.Form() {
	case batch.StringForm:
		return bytes.Compare(c.Bytes(a), c.Bytes(b))
	case batch.IntForm:
		if c.Type.Kind == batch.Uint64 {
			return cmp.Compare(uint64(c.Ints[a]), uint64(c.Ints[b]))
		}
		return cmp.Compare(c.Ints[a], c.Ints[b])
	case batch.FloatForm:
		return cmp.Compare(c.Floats[a], c.Floats[b])
	case batch.BoolForm:
		return cmp.Compare(boolByte(c.Bools[a]), boolByte(c.Bools[b]))
	}
	return cmp.Compare(a, b) // in no order: as they came
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}
