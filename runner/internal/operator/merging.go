package operator

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// merging merges runs. It is a heap of cursors; rows of one group come one after
// the other, from different runs, and are folded into one slot of a small table.
type merging struct {
	Grouping
	runs   *runs
	heap   []*cursor
	hasher codec.Hasher
	a, b   []byte // scratch for key bytes

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
	m := &merging{Grouping: g, runs: r, table: g.Aggregate.NewTable()}
	for _, one := range of {
		m.heap = append(m.heap, &cursor{blocks: one.blocks, source: -1})
	}
	const some = 256
	m.table.Grow(some)
	m.empty = m.table.SizeBytes()
	m.most = int(min(max(m.share()*some/max(1, m.empty), some), batch.TargetRows))
	return m
}

// share is what the table may take, beside the blocks.
func (m *merging) share() int64 { return m.runs.room.Share / 4 }

// account reserves what blocks and table hold by now.
func (m *merging) account() error {
	m.runs.held = m.table.SizeBytes()
	m.crowded = m.runs.held > m.share()+m.empty
	for _, c := range m.heap {
		m.runs.held += c.held
	}
	err := m.runs.room.account()
	if err != nil && m.before.keys != nil {
		return fmt.Errorf("at key %s: %w", m.before.keys.Format(m.before.row), err)
	}
	return err
}

// open reads the first block of every run and makes the heap.
func (m *merging) open() error {
	for _, c := range m.heap {
		if err := m.read(c); err != nil {
			return err
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
	return nil
}

// read moves a cursor to its next block.
func (m *merging) read(c *cursor) (err error) {
	k := c.blocks[c.next]
	if c.b, err = m.runs.file.Read(k); err != nil {
		return err
	}
	c.held, c.row, c.source, c.next = k.SizeBytes(), 0, -1, c.next+1
	c.order(&m.hasher, m.runs.many)
	return m.account()
}

// advance moves the first cursor to its next row and the heap into order.
func (m *merging) advance() error {
	c := m.heap[0]
	if c.row+1 < c.b.Len() {
		c.row++
		m.sink(0)
		return nil
	}
	if err := m.load(c); err != nil {
		return err
	}
	if c.next < len(c.blocks) {
		if err := m.read(c); err != nil {
			return err
		}
		m.sink(0)
		return nil
	}
	if c.group == m.group {
		m.ended = append(m.ended, c.begun)
	}
	last := len(m.heap) - 1
	m.heap[0], m.heap[last] = m.heap[last], nil
	if m.heap = m.heap[:last]; last > 0 {
		m.sink(0)
	}
	return nil
}

func (m *merging) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(m.heap); child++ {
			if m.less(m.heap[child], m.heap[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}

// less orders rows as results are ordered.
func (m *merging) less(x, y *cursor) bool {
	if a, b := x.b.End[x.row], y.b.End[y.row]; a != b {
		return a < b
	}
	if a, b := x.b.Start[x.row], y.b.Start[y.row]; a != b {
		return a < b
	}
	if !m.runs.many {
		return bytes.Compare(x.keys.Bytes(x.row), y.keys.Bytes(y.row)) < 0
	}
	if a, b := x.hashes[x.row], y.hashes[y.row]; a != b {
		return a < b
	}
	return m.compare(x.b.Root.Children[0], x.row, y.b.Root.Children[0], y.row) < 0
}

func (m *merging) compare(x *batch.Column, i int, y *batch.Column, j int) int {
	if x.Valid == nil && y.Valid == nil && x.Type.Kind.Form() == batch.IntForm {
		return cmp.Compare(x.Ints[i], y.Ints[j]) // of equal hash: any order will do
	}
	m.a, m.b = codec.AppendKey(m.a[:0], x, i), codec.AppendKey(m.b[:0], y, j)
	return bytes.Compare(m.a, m.b)
}

// same reports whether the row of a cursor belongs to the group of a row.
func (m *merging) same(p *before, c *cursor) bool {
	if p.keys == nil || p.end != c.b.End[c.row] || p.start != c.b.Start[c.row] {
		return false
	}
	if m.runs.many && p.hash != c.hashes[c.row] {
		return false
	}
	return m.compare(p.keys, p.row, c.b.Root.Children[0], c.row) == 0
}

// each merges all rows and hands over groups, some at a time.
func (m *merging) each(f flushed) error {
	if err := m.open(); err != nil {
		return err
	}
	for len(m.heap) > 0 {
		c := m.heap[0]
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
	if m.runs.many {
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
	for _, c := range m.heap {
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
	for _, c := range m.heap {
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
