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
	most       int  // groups the table may have
	crowded    bool // it has grown too large with fewer
	keys       gathering
	start, end []int64 // of the groups in the table
	slots      []int32
	before     before // the row before
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
	m.most = int(min(max(m.share()*some/max(1, m.table.SizeBytes()), some), batch.TargetRows))
	return m
}

// share is what the table may take, beside the blocks.
func (m *merging) share() int64 { return m.runs.room.Share / 4 }

// account reserves what blocks and table hold by now.
func (m *merging) account() error {
	m.runs.held = m.table.SizeBytes()
	m.crowded = m.runs.held > m.share()
	for _, c := range m.heap {
		m.runs.held += c.held
	}
	if m.runs.room.Account == nil {
		return nil
	}
	err := m.runs.room.Account()
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
	if c.b, err = m.runs.file.Read(c.blocks[0]); err != nil {
		return err
	}
	c.held, c.row, c.source = c.blocks[0].SizeBytes(), 0, -1
	c.blocks = c.blocks[1:]
	c.order(&m.hasher, m.runs.many)
	return m.account()
}

// advance moves the first cursor to its next row and the heap into order.
func (m *merging) advance() error {
	c := m.heap[0]
	switch {
	case c.row+1 < c.b.Len():
		c.row++
	case len(c.blocks) > 0:
		if err := m.load(c); err != nil {
			return err
		}
		if err := m.read(c); err != nil {
			return err
		}
	default:
		if err := m.load(c); err != nil {
			return err
		}
		last := len(m.heap) - 1
		m.heap[0], m.heap[last] = m.heap[last], nil
		if m.heap = m.heap[:last]; last == 0 {
			return nil
		}
	}
	m.sink(0)
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

// same reports whether the row of a cursor belongs to the group of the row before.
func (m *merging) same(c *cursor) bool {
	p := &m.before
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
		if !m.same(c) {
			if len(m.slots) >= m.most || m.crowded && len(m.slots) > 0 {
				if err := m.flush(f); err != nil {
					return err
				}
			}
			m.begin(c)
		}
		c.rows, c.slots = append(c.rows, int32(c.row)), append(c.slots, m.slots[len(m.slots)-1])
		if err := m.advance(); err != nil {
			return err
		}
	}
	if err := m.flush(f); err != nil {
		return err
	}
	m.runs.held = 0
	return nil
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

// flush hands over the groups of the table and empties it.
func (m *merging) flush(f flushed) error {
	if len(m.slots) == 0 {
		return nil
	}
	for _, c := range m.heap {
		if err := m.load(c); err != nil {
			return err
		}
	}
	if err := m.account(); err != nil {
		return err
	}
	if err := f(m.keys.column(), m.table, m.slots, m.start, m.end); err != nil {
		return m.named(err)
	}
	for _, c := range m.heap {
		c.source = -1
	}
	m.table.Reset(m.slots)
	m.keys.reset()
	m.before, m.crowded = before{}, false
	m.slots, m.start, m.end = m.slots[:0], nil, nil // the batches keep the windows
	return nil
}

// named says which key an error of the accumulators is about.
func (m *merging) named(err error) error {
	var at *agg.SlotError
	if !errors.As(err, &at) || m.keys.len() <= int(at.Slot) {
		return err
	}
	return fmt.Errorf("key %s: %w", m.keys.column().Format(int(at.Slot)), err)
}
