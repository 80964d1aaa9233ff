package state

import (
	"encoding/binary"

	"github.com/leatflow/leat/sdk/batch"
)

// stringKeys keeps strings by id in words of 16 bytes: short ones as they are,
// so that comparing touches one place in memory, longer ones in an arena. No key
// pins the batch it came in. Arena space of overwritten keys is won back when
// half of it is waste.
type stringKeys struct {
	keyType *batch.Type
	words   []word // by id
	arena   []byte
	wasted  int
	rows    []word // of the rows of the last call of file

	// A column of many rows of few keys is given as a dictionary of all keys by
	// id. It is made anew when a key has been set since.
	dict *batch.Dictionary
}

// word is a string of at most shortText bytes, or where a longer one is:
//
//	short  byte 0 … 14  the text, then zeros   byte 15  its length
//	long   first   offset in the arena         second   length | longText
type word struct{ first, second uint64 }

const (
	shortText = 15
	longText  = 0xff << 56
)

func (w word) long() bool { return w.second >= longText }

// textMasks[n] keeps the first n of 8 bytes, little endian.
var textMasks = [9]uint64{0, 1<<8 - 1, 1<<16 - 1, 1<<24 - 1, 1<<32 - 1, 1<<40 - 1, 1<<48 - 1, 1<<56 - 1, 1<<64 - 1}

// pack returns the word of data[from:to], which must be short. Where 16 bytes
// may be read it reads them and masks what is too much, without a loop.
func pack(data []byte, from, to int32) word {
	n := to - from
	var w word
	if int(from)+16 <= len(data) {
		at := data[from : from+16]
		w.first = binary.LittleEndian.Uint64(at) & textMasks[min(n, 8)]
		w.second = binary.LittleEndian.Uint64(at[8:]) & textMasks[max(n-8, 0)]
	} else {
		var buffer [16]byte
		copy(buffer[:], data[from:to])
		w.first, w.second = binary.LittleEndian.Uint64(buffer[:]), binary.LittleEndian.Uint64(buffer[8:])
	}
	w.second |= uint64(n) << 56
	return w
}

func (w word) hash() uint32 {
	h := (w.first ^ w.second*0xff51afd7ed558ccd) * 0x9e3779b97f4a7c15
	return uint32((h ^ h>>29) * 0xbf58476d1ce4e5b9 >> 32)
}

// file packs the rows, for match, and hashes them. A long row is left as a word
// that is equal to none.
func (s *stringKeys) file(c *batch.Column, rows []int32, out []uint32) {
	if cap(s.rows) < len(out) {
		s.rows = make([]word, len(out))
	}
	s.rows = s.rows[:len(out)]
	texts := &c.Strings
	if c.Dict != nil {
		texts = &c.Dict.Strings
	}
	for i := range out {
		at := int32(i)
		if rows != nil {
			at = rows[i]
		}
		if c.Dict != nil {
			at = c.Codes[at]
		}
		from, to := texts.Offsets[at], texts.Offsets[at+1]
		if to-from > shortText {
			s.rows[i] = word{0, longText}
			out[i] = hashText(texts.Data[from:to])
			continue
		}
		s.rows[i] = pack(texts.Data, from, to)
		out[i] = s.rows[i].hash()
	}
}

func (s *stringKeys) match(c *batch.Column, rows, ids []int32) {
	for i, id := range ids {
		if id < 0 || s.words[id] == s.rows[i] {
			continue
		}
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if !s.rows[i].long() || !s.equal(id, c, row) {
			ids[i] = -1
		}
	}
}

// text returns a long text.
func (s *stringKeys) text(w word) []byte {
	return s.arena[w.first : w.first+w.second&^longText]
}

// appendText appends the text of a word to dst.
func (s *stringKeys) appendText(dst []byte, w word) []byte {
	if w.long() {
		return append(dst, s.text(w)...)
	}
	var buffer [16]byte
	binary.LittleEndian.PutUint64(buffer[:], w.first)
	binary.LittleEndian.PutUint64(buffer[8:], w.second)
	return append(dst, buffer[:w.second>>56]...)
}

func (s *stringKeys) equal(id int32, c *batch.Column, row int) bool {
	v, w := c.Bytes(row), s.words[id]
	if len(v) <= shortText {
		return pack(v, 0, int32(len(v))) == w
	}
	return w.long() && string(s.text(w)) == string(v)
}

func (s *stringKeys) set(id int32, c *batch.Column, row int) {
	for int(id) >= len(s.words) {
		s.words = push(s.words, word{})
	}
	s.dict = nil
	if old := s.words[id]; old.long() {
		s.wasted += int(old.second &^ longText)
	}
	s.words[id] = word{}
	v := c.Bytes(row)
	if len(v) <= shortText {
		s.words[id] = pack(v, 0, int32(len(v)))
		return
	}
	if s.wasted > len(s.arena)/2 && s.wasted > 1<<12 {
		s.compact()
	}
	s.words[id] = word{uint64(len(s.arena)), uint64(len(v)) | longText}
	s.arena = append(s.arena, v...)
}

// compact copies the long texts in use to a new arena. Released ids keep theirs
// until they are overwritten, which set counts as waste.
func (s *stringKeys) compact() {
	fresh := make([]byte, 0, len(s.arena)-s.wasted+1<<12)
	for id, w := range s.words {
		if w.long() {
			text := s.text(w)
			s.words[id].first = uint64(len(fresh))
			fresh = append(fresh, text...)
		}
	}
	s.arena, s.wasted = fresh, 0
}

func (s *stringKeys) column(ids []int32) *batch.Column {
	if s.dict != nil || len(s.words) <= len(ids) {
		return s.dictionary(ids)
	}
	return batch.NewStrings(s.keyType, s.texts(ids))
}

func (s *stringKeys) dictionary(ids []int32) *batch.Column {
	if s.dict == nil {
		all := make([]int32, len(s.words))
		for id := range all {
			all[id] = int32(id)
		}
		s.dict = &batch.Dictionary{Strings: s.texts(all)}
	}
	return batch.NewDictionary(s.keyType, append([]int32(nil), ids...), s.dict)
}

// texts copies the texts of ids.
func (s *stringKeys) texts(ids []int32) batch.Strings {
	size := 0
	for _, id := range ids {
		if w := s.words[id]; w.long() {
			size += int(w.second &^ longText)
		} else {
			size += int(w.second >> 56)
		}
	}
	out := batch.Strings{Offsets: make([]int32, len(ids)+1), Data: make([]byte, 0, size)}
	for i, id := range ids {
		out.Data = s.appendText(out.Data, s.words[id])
		out.Offsets[i+1] = int32(len(out.Data))
	}
	return out
}

func (s *stringKeys) view() keyStore {
	v := *s
	v.rows = nil
	return &v
}

func (s *stringKeys) sizeBytes() int64 { return int64(cap(s.arena) + 16*cap(s.words)) }
