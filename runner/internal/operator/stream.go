package operator

import (
	"errors"
	"iter"
	"slices"
	"sort"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// A list that is too large for memory, the values of one key of a GroupByKey, is
// cut into pieces when it is written to a run:
//
//	run 0   (k [1 4]) (k [5 9])          sorted, each piece about a block
//	run 1   (k [2 3]) (k [7 8])
//
// and merged piece by piece: of the first pieces of all runs, what is not above
// the least last element is complete, here [1 4] and [2 3].

// appendCut writes saved groups, lists of a plan that collects cut into pieces
// and blocks of about the size the room has for them.
func (r *runs) appendCut(to *run, b *batch.Batch, plan *agg.Plan) error {
	saved := b.Root.Children[2]
	if !plan.Collects() || b.Len() == 0 || saved.SizeBytes() <= 2*r.room.block() {
		return r.append(to, b)
	}
	lists := agg.Collected(saved)
	first, end := lists.Offsets[0], lists.Offsets[lists.Len]
	most := int32(max(1, r.room.block()*int64(end-first)/saved.SizeBytes())) // elements a block
	var rows []int32
	offsets := []int32{first}
	put := func() error {
		cut := b.Gather(rows)
		root := *cut.Root
		root.Children = []*batch.Column{root.Children[0], root.Children[1], plan.Pieces(lists, offsets)}
		cut.Root = &root
		last := offsets[len(offsets)-1]
		rows, offsets = rows[:0], []int32{last}
		return r.append(to, cut)
	}
	keys := *b.Root
	keys.Children = []*batch.Column{keys.Children[0], keys.Children[1], nil} // the lists need not be gathered
	b = b.WithRoot(&keys)
	for row := range int32(lists.Len) {
		for from, to := lists.Offsets[row], lists.Offsets[row+1]; ; {
			piece := min(to-from, offsets[0]+most-from)
			rows, offsets = append(rows, row), append(offsets, from+piece)
			if from += piece; from-offsets[0] >= most {
				if err := put(); err != nil {
					return err
				}
			}
			if from == to {
				break
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return put()
}

// groupStream is one group of a merge, read from the beginning as often as it is
// asked for.
type groupStream struct {
	merging *merging
	places  []place
	before  before // a row of the group
	held    int64  // bytes of blocks
}

// strand is one run's part of a group.
type strand struct {
	cursor
	lists    *batch.Column
	from, to int32 // elements of the piece that are left
	done     bool
}

// each merges the elements of the group and hands them over in a table whose slot
// 0 has the next of them; the table is emptied behind it.
func (s *groupStream) each(f func(t *agg.Table) error) error {
	m := s.merging
	before := m.runs.held
	defer func() { m.runs.held = before }()
	table := m.Aggregate.NewTable()
	table.Grow(1)
	var strands []*strand
	s.held = 0
	for _, p := range s.places {
		t := &strand{cursor: cursor{blocks: p.blocks}}
		if err := s.open(t, p.row); err != nil {
			return err
		}
		strands = append(strands, t)
	}
	for {
		strands = slices.DeleteFunc(strands, func(t *strand) bool { return t.done })
		m.runs.held = before + s.held + table.SizeBytes()
		if err := m.runs.room.account(); err != nil {
			return err
		}
		if len(strands) == 0 {
			return nil
		}
		least := strands[0]
		for _, t := range strands[1:] {
			if agg.CompareCollected(t.lists, int(t.to-1), least.lists, int(least.to-1)) < 0 {
				least = t
			}
		}
		bound, last := least.lists, int(least.to-1)
		for _, t := range strands {
			if err := t.load(m, table, bound, last); err != nil {
				return err
			}
		}
		if err := f(table); err != nil {
			return err
		}
		table.Reset([]int32{0})
		for _, t := range strands {
			if t.from == t.to {
				if err := s.next(t); err != nil {
					return err
				}
			}
		}
	}
}

// load folds the elements that are not above the bound into the table.
func (t *strand) load(m *merging, table *agg.Table, bound *batch.Column, last int) error {
	n := sort.Search(int(t.to-t.from), func(i int) bool {
		return agg.CompareCollected(t.lists, int(t.from)+i, bound, last) > 0
	})
	if n == 0 {
		return nil
	}
	offsets := []int32{t.from, t.from + int32(n)}
	t.from += int32(n)
	return table.Load([]int32{0}, m.Aggregate.Pieces(t.lists, offsets), nil)
}

// open reads the block a strand is at and moves to its first elements.
func (s *groupStream) open(t *strand, row int) (err error) {
	m := s.merging
	s.held += t.blocks[t.next].SizeBytes() - t.held
	t.held = t.blocks[t.next].SizeBytes()
	if t.b, err = m.runs.file.Read(t.blocks[t.next]); err != nil {
		return err
	}
	t.next, t.row = t.next+1, row
	t.order(&m.hasher, m.byHash)
	t.lists = agg.Collected(t.b.Root.Children[2])
	return s.here(t)
}

// here takes the piece at the strand's row, if it belongs to the group.
func (s *groupStream) here(t *strand) error {
	if !s.merging.same(&s.before, &t.cursor) {
		s.close(t)
		return nil
	}
	if t.from, t.to = t.lists.Offsets[t.row], t.lists.Offsets[t.row+1]; t.from == t.to {
		return s.next(t)
	}
	return nil
}

// next moves a strand to its next piece.
func (s *groupStream) next(t *strand) error {
	switch {
	case t.row+1 < t.b.Len():
		t.row++
		return s.here(t)
	case t.next < len(t.blocks):
		return s.open(t, 0)
	}
	s.close(t)
	return nil
}

func (s *groupStream) close(t *strand) {
	t.done = true
	s.held -= t.held
	t.held = 0
}

// key returns the key of the group as a column of one row.
func (s *groupStream) key() *batch.Column { return s.before.keys.Slice(s.before.row, s.before.row+1) }

// Pieces implements batch.Stream.
func (s *groupStream) Pieces() iter.Seq2[*batch.Column, error] {
	return func(yield func(*batch.Column, error) bool) {
		stop := errors.New("enough")
		if s.merging.runs.file == nil {
			yield(nil, errors.New("the sequence of a group that does not fit memory was kept after the call it was given to; copy what is needed, or raise the budget (-memory)"))
			return
		}
		start, end := []int64{s.before.start}, []int64{s.before.end}
		err := s.each(func(t *agg.Table) error {
			lists, err := t.Results([]int32{0}, s.key(), start, end)
			if err == nil && !yield(lists.Children[0], nil) {
				err = stop
			}
			return err
		})
		if err != nil && !errors.Is(err, stop) {
			yield(nil, err)
		}
	}
}

// stream hands over the group the merge is in, which does not fit memory, and
// moves on behind it.
func (m *merging) stream() error {
	current := m.before
	s := &groupStream{merging: m, before: current, places: m.ended}
	for _, c := range m.cursors {
		if c.group != m.group {
			c.begun = c.place()
		}
		s.places = append(s.places, c.begun)
		c.rows, c.slots = c.rows[:0], c.slots[:0]
	}
	m.forget()
	if err := m.huge(s); err != nil {
		return err
	}
	for len(m.cursors) > 0 && m.same(&current, m.cursors[0]) {
		if err := m.advance(); err != nil {
			return err
		}
	}
	return nil
}
