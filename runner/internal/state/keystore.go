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
		s.values = append(s.values, 0)
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

func (s *intKeys) sizeBytes() int64 { return int64(8 * cap(s.values)) }

// stringKeys keeps strings in an arena, so that a key does not pin the batch it
// came in. Space of overwritten keys is won back when half of it is waste.
type stringKeys struct {
	keyType *batch.Type
	spans   []textSpan
	arena   []byte
	wasted  int

	// A column of many rows of few keys is given as a dictionary of all keys by
	// id. It is made anew when a key has been set since.
	dict *batch.Dictionary
}

type textSpan struct {
	from uint64
	size uint32
}

func (s *stringKeys) file(c *batch.Column, rows []int32, out []uint32) {
	for i := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		out[i] = hashText(c.Bytes(row))
	}
}

func (s *stringKeys) text(id int32) []byte {
	p := s.spans[id]
	return s.arena[p.from : p.from+uint64(p.size)]
}

func (s *stringKeys) match(c *batch.Column, rows, ids []int32) {
	for i, id := range ids {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if id >= 0 && string(s.text(id)) != string(c.Bytes(row)) {
			ids[i] = -1
		}
	}
}

func (s *stringKeys) equal(id int32, c *batch.Column, row int) bool {
	return string(s.text(id)) == string(c.Bytes(row))
}

func (s *stringKeys) set(id int32, c *batch.Column, row int) {
	for int(id) >= len(s.spans) {
		s.spans = append(s.spans, textSpan{})
	}
	s.wasted += int(s.spans[id].size)
	s.spans[id] = textSpan{}
	if s.wasted > len(s.arena)/2 && s.wasted > 1<<12 {
		s.compact()
	}
	s.dict = nil
	v := c.Bytes(row)
	s.spans[id] = textSpan{uint64(len(s.arena)), uint32(len(v))}
	s.arena = append(s.arena, v...)
}

// compact copies the texts in use to a new arena. Released ids keep theirs until
// they are overwritten, which set counts as waste.
func (s *stringKeys) compact() {
	fresh := make([]byte, 0, len(s.arena)-s.wasted+1<<12)
	for id := range s.spans {
		v := s.text(int32(id))
		s.spans[id].from = uint64(len(fresh))
		fresh = append(fresh, v...)
	}
	s.arena, s.wasted = fresh, 0
}

func (s *stringKeys) column(ids []int32) *batch.Column {
	if s.dict != nil || len(s.spans) <= len(ids) {
		return s.dictionary(ids)
	}
	texts := s.texts(ids)
	return batch.NewStrings(s.keyType, texts)
}

func (s *stringKeys) dictionary(ids []int32) *batch.Column {
	if s.dict == nil {
		all := make([]int32, len(s.spans))
		for id := range all {
			all[id] = int32(id)
		}
		s.dict = &batch.Dictionary{Strings: s.texts(all)}
	}
	return batch.NewDictionary(s.keyType, append([]int32(nil), ids...), s.dict)
}

// texts copies the texts of ids out of the arena.
func (s *stringKeys) texts(ids []int32) batch.Strings {
	size := 0
	for _, id := range ids {
		size += int(s.spans[id].size)
	}
	out := batch.Strings{Offsets: make([]int32, len(ids)+1), Data: make([]byte, 0, size)}
	for i, id := range ids {
		out.Data = append(out.Data, s.text(id)...)
		out.Offsets[i+1] = int32(len(out.Data))
	}
	return out
}

func (s *stringKeys) sizeBytes() int64 { return int64(cap(s.arena) + 16*cap(s.spans)) }

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

func (s *anyKeys) sizeBytes() int64 { return s.held }
