package operator

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// merging merges runs. It is a heap of cursors; rows of one group come one after
// the other, from different runs, and are folded into one slot of a small table.
type merging struct {
	heads
	Grouping
	runs *runs
	of   []run

	table      *agg.Table
	most       int   // groups the table may have
	empty      int64 // bytes it takes without groups
	crowded    bool  // it has grown too large with fewer
	keys       gathering
	start, end []int64 // of the groups in the table
	slots      []int32
	before     before  // the row before
	group      int     // number of the group it is of
	ended      []place // runs that ended within the group: where it begins in them

	// huge takes a group that alone takes more than the share; nil: it must fit
	// the budget.
	huge func(*groupStream) error
}

// before is a row that may be gone from its cursor.
type before struct {
	keys       *batch.Column
	row        int
	hash       uint64
	start, end int64
}

// flushed takes groups whose rows have all been seen, in the order of results.
type flushed func(keys *batch.Column, table *agg.Table, slots []int32, start, end []int64) error

func newMerging(g Grouping, r *runs, of []run) *merging {
	m := &merging{Grouping: g, runs: r, of: of, table: g.Aggregate.NewTable()}
	m.byHash = r.many
	m.enter = m.account
	m.leave = func(c *cursor, last bool) error {
		if last && c.group == m.group {
			m.ended = append(m.ended, c.begun)
		}
		return m.load(c)
	}
	const some = 16
	m.table.Grow(some)
	m.empty = m.table.SizeBytes()
	m.most = int(min(max(m.share()*some/max(1, m.empty), some), batch.TargetRows))
	return m
}

// share is what the table may take, beside the blocks.
func (m *merging) share() int64 { return m.runs.room.Share / 4 }

// account reserves what blocks and table hold by now.
func (m *merging) account() error {
	m.runs.held = m.table.SizeBytes() + m.held()
	m.crowded = m.table.SizeBytes() > m.share()+m.empty
	err := m.runs.room.account()
	if err == nil {
		return nil
	}
	if m.before.keys != nil {
		return fmt.Errorf("at key %s: %w", m.before.keys.Format(m.before.row), err)
	}
	for _, c := range m.cursors { // a block is large only where one row is
		if c.held > 2*m.runs.room.block() {
			return fmt.Errorf("at key %s: %w", c.b.Root.Children[0].Format(c.row), err)
		}
	}
	return err
}

// same reports whether the row of a cursor belongs to the group of a row.
func (m *merging) same(p *before, c *cursor) bool {
	if p.keys == nil || p.end != c.b.End[c.row] || p.start != c.b.Start[c.row] {
		return false
	}
	if m.byHash && p.hash != c.hashes[c.row] {
		return false
	}
	return m.compare(p.keys, p.row, c.b.Root.Children[0], c.row) == 0
}

// each merges all rows and hands over groups, some at a time.
func (m *merging) each(f flushed) error {
	if err := m.open(m.runs.file, m.of); err != nil {
		return err
	}
	for len(m.cursors) > 0 {
		c := m.cursors[0]
		if !m.same(&m.before, c) {
			if len(m.slots) >= m.most || m.crowded {
				if err := m.flush(len(m.slots), f); err != nil {
					return err
				}
			}
			m.begin(c)
		} else if m.crowded && (len(m.slots) > 1 || m.huge != nil) {
			if err := m.flush(len(m.slots)-1, f); err != nil {
				return err
			}
			if m.crowded && m.huge != nil {
				if err := m.stream(); err != nil {
					return err
				}
				continue
			}
		}
		if c.group != m.group {
			c.group, c.begun = m.group, c.place()
		}
		c.rows, c.slots = append(c.rows, int32(c.row)), append(c.slots, m.slots[len(m.slots)-1])
		if err := m.advance(); err != nil {
			return err
		}
	}
	err := m.flush(len(m.slots), f)
	m.runs.held = 0
	return err
}

// begin makes a slot for the group of a cursor's row.
func (m *merging) begin(c *cursor) {
	keys := c.b.Root.Children[0]
	if c.source < 0 {
		c.source = m.keys.source(keys)
	}
	m.keys.add(c.source, c.row)
	m.slots = append(m.slots, int32(len(m.slots)))
	m.start, m.end = append(m.start, c.b.Start[c.row]), append(m.end, c.b.End[c.row])
	m.before = before{keys: keys, row: c.row, start: c.b.Start[c.row], end: c.b.End[c.row]}
	m.group++
	m.ended = nil // a stream may keep it
	if m.byHash {
		m.before.hash = c.hashes[c.row]
	}
}

// load folds the rows of a cursor that wait into the table.
func (m *merging) load(c *cursor) error {
	if len(c.rows) == 0 {
		return nil
	}
	m.table.Grow(len(m.slots))
	err := m.table.Load(c.slots, c.b.Root.Children[2], c.rows)
	c.rows, c.slots = c.rows[:0], c.slots[:0]
	return m.named(err)
}

// flush hands over the first n groups of the table and empties their slots. The
// one that may remain, whose rows go on, moves to the front.
func (m *merging) flush(n int, f flushed) error {
	for _, c := range m.cursors {
		if err := m.load(c); err != nil {
			return err
		}
	}
	if err := m.account(); err != nil || n == 0 {
		return err
	}
	if err := f(m.keys.column().Slice(0, n), m.table, m.slots[:n], m.start[:n:n], m.end[:n:n]); err != nil {
		return m.named(err)
	}
	rest, current := len(m.slots)-n, m.before
	m.table.Reset(m.slots[:n])
	if rest > 0 {
		if err := m.table.Copy([]int32{0}, []int32{int32(n)}); err != nil {
			return err
		}
		m.table.Reset(m.slots[n:])
	}
	m.slots = m.slots[:0]
	m.forget()
	if rest > 0 {
		m.keys.add(m.keys.source(current.keys), current.row)
		m.slots, m.before = append(m.slots, 0), current
		m.start, m.end = append(m.start, current.start), append(m.end, current.end)
	}
	return m.account()
}

// forget empties what is left in the table.
func (m *merging) forget() {
	for _, c := range m.cursors {
		c.source = -1
	}
	m.table.Reset(m.slots)
	m.keys.reset()
	m.before = before{}
	m.slots, m.start, m.end = m.slots[:0], nil, nil // the batches keep the windows
}

// named says which key an error of the accumulators is about.
func (m *merging) named(err error) error {
	var at *agg.SlotError
	if !errors.As(err, &at) || m.keys.len() <= int(at.Slot) {
		return err
	}
	return fmt.Errorf("key %s: %w", m.keys.column().Format(int(at.Slot)), err)
}
