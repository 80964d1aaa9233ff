package operator

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// cursor is a place in a run.
type cursor struct {
	blocks []spill.Block
	next   int // block to read next
	b      *batch.Batch
	row    int
	hashes []uint64      // of the keys of b, when by hash
	keys   batch.Strings // key bytes of b, when by key
	held   int64         // bytes of b
	source int32         // of a gathering, or -1
	rows   []int32       // of b, waiting to be loaded
	slots  []int32       // where to
	group  int           // the last group that a row here was of
	begun  place         // where it begins
}

// place is a row of a run: of the first of blocks.
type place struct {
	blocks []spill.Block
	row    int
}

func (c *cursor) place() place { return place{c.blocks[c.next-1:], c.row} }

// order computes what rows of the block are compared by.
func (c *cursor) order(h *codec.Hasher, byHash bool) {
	keys := c.b.Root.Children[0]
	if byHash {
		c.hashes = slices.Grow(c.hashes[:0], keys.Len)[:keys.Len]
		h.Hashes(keys, nil, c.hashes)
		return
	}
	c.keys = batch.Strings{Offsets: c.keys.Offsets[:0], Data: c.keys.Data[:0]}
	codec.AppendKeys(&c.keys, keys, nil)
}

// heads is a heap of cursors: the first is at the row that comes next. Rows are
// in the order of windows, and of keys in them, or of keys alone, or in that of a
// sort.
type heads struct {
	file    *spill.File
	byHash  bool // the order of keys
	keyOnly bool
	by      *sortColumns // what a sort compares instead; nil otherwise
	cursors []*cursor
	hasher  codec.Hasher
	a, b    []byte // scratch for key bytes

	// leave is called before a cursor gives up its block, and enter when it has
	// another. Each may be nil.
	leave func(c *cursor, last bool) error
	enter func() error
}

// open reads the first block of every run and makes the heap.
func (h *heads) open(file *spill.File, of []run) error {
	h.file = file
	for _, one := range of {
		h.cursors = append(h.cursors, &cursor{blocks: one.blocks, source: -1})
	}
	for _, c := range h.cursors {
		if err := h.read(c); err != nil {
			return err
		}
	}
	for i := len(h.cursors)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
	return nil
}

// held returns the bytes of the blocks.
func (h *heads) held() (n int64) {
	for _, c := range h.cursors {
		n += c.held
	}
	return n
}

// read moves a cursor to its next block.
func (h *heads) read(c *cursor) (err error) {
	k := c.blocks[c.next]
	if c.b, err = h.file.Read(k); err != nil {
		return err
	}
	c.held, c.row, c.source, c.next = k.SizeBytes(), 0, -1, c.next+1
	if h.by != nil {
		c.keys = batch.Strings{Offsets: c.keys.Offsets[:0], Data: c.keys.Data[:0]}
		h.by.append(&c.keys, c.b.Root)
	} else {
		c.order(&h.hasher, h.byHash)
	}
	if h.enter == nil {
		return nil
	}
	return h.enter()
}

// advance moves the first cursor to its next row and the heap into order.
func (h *heads) advance() error {
	c := h.cursors[0]
	if c.row+1 < c.b.Len() {
		c.row++
		h.sink(0)
		return nil
	}
	more := c.next < len(c.blocks)
	if h.leave != nil {
		if err := h.leave(c, !more); err != nil {
			return err
		}
	}
	if more {
		if err := h.read(c); err != nil {
			return err
		}
		h.sink(0)
		return nil
	}
	last := len(h.cursors) - 1
	h.cursors[0], h.cursors[last] = h.cursors[last], nil
	if h.cursors = h.cursors[:last]; last > 0 {
		h.sink(0)
	}
	return nil
}

func (h *heads) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.cursors); child++ {
			if h.less(h.cursors[child], h.cursors[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.cursors[i], h.cursors[least] = h.cursors[least], h.cursors[i]
		i = least
	}
}

func (h *heads) less(x, y *cursor) bool {
	if h.by != nil {
		if c := bytes.Compare(x.keys.Bytes(x.row), y.keys.Bytes(y.row)); c != 0 {
			return c < 0
		}
		return h.by.ties(x.b, x.row, y.b, y.row) < 0
	}
	if !h.keyOnly {
		if a, b := x.b.End[x.row], y.b.End[y.row]; a != b {
			return a < b
		}
		if a, b := x.b.Start[x.row], y.b.Start[y.row]; a != b {
			return a < b
		}
	}
	if !h.byHash {
		return bytes.Compare(x.keys.Bytes(x.row), y.keys.Bytes(y.row)) < 0
	}
	if a, b := x.hashes[x.row], y.hashes[y.row]; a != b {
		return a < b
	}
	return h.compare(x.b.Root.Children[0], x.row, y.b.Root.Children[0], y.row) < 0
}

func (h *heads) compare(x *batch.Column, i int, y *batch.Column, j int) int {
	if x.Valid == nil && y.Valid == nil && x.Type.Kind.Form() == batch.IntForm {
		return cmp.Compare(x.Ints[i], y.Ints[j]) // of equal hash: any order will do
	}
	h.a, h.b = codec.AppendKey(h.a[:0], x, i), codec.AppendKey(h.b[:0], y, j)
	return bytes.Compare(h.a, h.b)
}

// rows merges all rows and hands over batches of at most so many.
func (h *heads) rows(most int, put func(*batch.Batch) error) error {
	var out collecting
	flush := func() error {
		if out.len() == 0 {
			return nil
		}
		for _, c := range h.cursors {
			c.source = -1
		}
		return put(out.take())
	}
	for len(h.cursors) > 0 {
		c := h.cursors[0]
		if c.source < 0 {
			c.source = out.source(c.b)
		}
		out.add(c.source, c.b, c.row)
		if err := h.advance(); err != nil {
			return err
		}
		if out.len() >= most {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
