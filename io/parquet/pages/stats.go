package pages

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// Stats is what a file says about one column of a row group or of a page.
type Stats struct {
	// MinMax holds two rows, a lower and an upper bound of the values that are
	// not null; nil when not known or when there are no such values. Bounds of
	// strings may be shortened: they are never inside of the values.
	MinMax *batch.Column
	Nulls  int64 // -1 when not known
	Rows   int64
}

// Stats returns the statistics of a leaf outside of lists. A column that may be
// null because a struct around it is reports nulls as -1 unless the file counts
// them: it counts both alike.
func (g *RowGroup) Stats(n *Node) Stats {
	if !n.hasStats() {
		return Stats{Nulls: -1, Rows: g.meta.rows}
	}
	c := &g.meta.chunks[n.leaf.index]
	low, high := c.low, c.high
	if low == nil && high == nil && n.leaf.signed() {
		low, high = c.oldLow, c.oldHigh
	}
	return n.stats(g.meta.rows, c.nulls, low, high)
}

// hasStats reports whether statistics of n are statistics of rows.
func (n *Node) hasStats() bool {
	return n.leaf != nil && n.rep == 0 && n.Type.Kind != batch.Invalid
}

// stats makes sense of what a file says about some rows of leaf n.
func (n *Node) stats(rows, nulls int64, low, high []byte) Stats {
	s := Stats{Nulls: -1, Rows: rows}
	if nulls >= 0 && nulls <= rows {
		s.Nulls = nulls
	}
	if n.leaf.maxDef == 0 {
		s.Nulls = 0
	}
	if low != nil && high != nil {
		s.MinMax = n.leaf.bounds(n.Type, low, high)
	}
	return s
}

// signed reports whether the deprecated statistics, which compared everything as
// signed numbers, are right for the leaf.
func (l *leaf) signed() bool {
	switch l.physical {
	case physicalInt32, physicalInt64:
		return !l.kind.Unsigned()
	case physicalFloat, physicalDouble:
		return true
	}
	return false
}

// bounds decodes a pair of statistics; nil when they are of no use: of the wrong
// size, NaN, out of order.
func (l *leaf) bounds(t *batch.Type, low, high []byte) *batch.Column {
	if l.physical == physicalInt96 || l.convert == fromHalf {
		return nil
	}
	var c *batch.Column
	switch t.Kind.Form() {
	case batch.IntForm:
		c = l.intBounds(t, low, high)
	case batch.FloatForm:
		c = l.floatBounds(t, low, high)
	case batch.BoolForm:
		if len(low) == 1 && len(high) == 1 && low[0] <= high[0] {
			c = batch.NewBools(t, []bool{low[0] != 0, high[0] != 0})
		}
	case batch.StringForm:
		if bytes.Compare(low, high) <= 0 {
			s := batch.Strings{Offsets: []int32{0, int32(len(low)), int32(len(low) + len(high))}}
			s.Data = append(append(s.Data, low...), high...)
			c = batch.NewStrings(t, s)
		}
	}
	return c
}

func (l *leaf) intBounds(t *batch.Type, low, high []byte) *batch.Column {
	v := make([]int64, 2)
	for i, b := range [][]byte{low, high} {
		switch {
		case l.physical == physicalInt32 && len(b) == 4:
			v[i] = int64(int32(binary.LittleEndian.Uint32(b)))
		case l.physical == physicalInt64 && len(b) == 8:
			v[i] = int64(binary.LittleEndian.Uint64(b))
		default:
			return nil
		}
	}
	if l.convertInts(v) != nil {
		return nil
	}
	if l.kind == batch.Uint64 && uint64(v[0]) > uint64(v[1]) || l.kind != batch.Uint64 && v[0] > v[1] {
		return nil
	}
	return batch.NewInts(t, v)
}

// floatBounds widens zeros to both signs: writers differ on which they store.
func (l *leaf) floatBounds(t *batch.Type, low, high []byte) *batch.Column {
	v := make([]float64, 2)
	for i, b := range [][]byte{low, high} {
		switch {
		case l.physical == physicalFloat && len(b) == 4:
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case l.physical == physicalDouble && len(b) == 8:
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		default:
			return nil
		}
	}
	if !(v[0] <= v[1]) {
		return nil
	}
	if v[0] == 0 {
		v[0] = math.Copysign(0, -1)
	}
	if v[1] == 0 {
		v[1] = 0
	}
	return batch.NewFloats(t, v)
}
