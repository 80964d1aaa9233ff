package state

import (
	"bytes"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// intKeys keeps integer and time keys.
type intKeys struct {
	keyType *batch.Type
	values  []int64
}

func (s *intKeys) file(c *batch.Column, rows []int32, out []uint32) {
	if rows == nil {
		for i, v := range c.Ints[:len(out)] {
			out[i] = mix(v)
		}
		return
	}
	for i, r := range rows {
		out[i] = mix(c.Ints[r])
	}
}

// mix spreads an integer over 32 bits: a multiplication by an odd constant,
// taking the high half, in which every input bit has a part.
func mix(v int64) uint32 {
	h := uint64(v) * 0x9e3779b97f4a7c15
	return uint32((h ^ h>>29) * 0xbf58476d1ce4e5b9 >> 32)
}

func (s *intKeys) match(c *batch.Column, rows, ids []int32) {
	for i, id := range ids {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if id >= 0 && s.values[id] != c.Ints[row] {
			ids[i] = -1
		}
	}
}

func (s *intKeys) equal(id int32, c *batch.Column, row int) bool { return s.values[id] == c.Ints[row] }

func (s *intKeys) set(id int32, c *batch.Column, row int) {
	for int(id) >= len(s.values) {
		s.values = push(s.values, 0)
	}
	s.values[id] = c.Ints[row]
}

func (s *intKeys) column(ids []int32) *batch.Column {
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = s.values[id]
	}
	return batch.NewInts(s.keyType, out)
}

func (s *intKeys) view() keyStore { return s }

func (s *intKeys) sizeBytes() int64 { return int64(8 * cap(s.values)) }

// anyKeys keeps keys that hold lists: their canonical bytes to compare, and
// a one-row column each to give them back.
type anyKeys struct {
	keyType *batch.Type
	bytes   [][]byte
	rows    []*batch.Column
	held    int64
	scratch []byte
}

func (s *anyKeys) file(c *batch.Column, rows []int32, out []uint32) {
	for i := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		s.scratch = codec.AppendKey(s.scratch[:0], c, row)
		out[i] = hashText(s.scratch)
	}
}

func (s *anyKeys) match(c *batch.Column, rows, ids []int32) { matchEach(s, c, rows, ids) }

// matchEach is match for stores whose keys are costly to compare anyway.
func matchEach(s keyStore, c *batch.Column, rows, ids []int32) {
	for i, id := range ids {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if id >= 0 && !s.equal(id, c, row) {
			ids[i] = -1
		}
	}
}

func (s *anyKeys) equal(id int32, c *batch.Column, row int) bool {
	s.scratch = codec.AppendKey(s.scratch[:0], c, row)
	return bytes.Equal(s.bytes[id], s.scratch)
}

func (s *anyKeys) set(id int32, c *batch.Column, row int) {
	for int(id) >= len(s.bytes) {
		s.bytes, s.rows = append(s.bytes, nil), append(s.rows, nil)
	}
	if old := s.rows[id]; old != nil {
		s.held -= old.SizeBytes() + int64(len(s.bytes[id]))
	}
	s.bytes[id] = codec.AppendKey(nil, c, row)
	s.rows[id] = c.Gather([]int32{int32(row)}).Plain()
	s.held += s.rows[id].SizeBytes() + int64(len(s.bytes[id]))
}

func (s *anyKeys) column(ids []int32) *batch.Column {
	parts := make([]*batch.Column, len(ids))
	for i, id := range ids {
		parts[i] = s.rows[id]
	}
	return batch.Concat(parts)
}

func (s *anyKeys) view() keyStore {
	v := *s
	v.scratch = nil
	return &v
}

func (s *anyKeys) sizeBytes() int64 { return s.held }
