package codec

import (
	"encoding/binary"
	"sync"

	"github.com/cespare/xxhash/v2"

	"github.com/leatflow/leat/sdk/batch"
)

// KeyGroups is the number of key groups of a job that does not say otherwise.
// The number of a job is part of its checkpoints and cannot change.
const KeyGroups = 128

// Hash is the hash of key bytes: XXH64 with seed 0. Key groups take its high
// bits and tables its low bits, so that the keys of one group spread over a table.
func Hash(key []byte) uint64 { return xxhash.Sum64(key) }

// KeyGroup returns the key group of a hash, 0 ≤ g < groups. groups must be
// between 1 and 2^31.
func KeyGroup(hash uint64, groups int) int { return int(hash >> 32 * uint64(groups) >> 32) }

// KeyHashes sets out[i] to the hash of the key bytes of row rows[i] of c; rows
// nil means rows 0 to len(out)-1. It does not allocate in the long run. One that
// hashes batch after batch keeps a Hasher instead, which remembers dictionaries.
func KeyHashes(c *batch.Column, rows []int32, out []uint64) {
	h := hashers.Get().(*Hasher)
	h.Hashes(c, rows, out)
	h.dict = nil
	hashers.Put(h)
}

var hashers = sync.Pool{New: func() any { return new(Hasher) }}

// Hasher computes hashes of keys column by column. It remembers the hashes of
// the last dictionary it saw, which it keeps alive. It is for one goroutine.
type Hasher struct {
	key  []byte // room for one key
	dict *batch.Dictionary
	kind batch.Kind
	all  []uint64 // of each entry of dict
}

// Hashes is KeyHashes with the memory of h.
func (h *Hasher) Hashes(c *batch.Column, rows []int32, out []uint64) {
	if rows != nil {
		rows = rows[:len(out)]
	}
	if c != nil && c.Valid == nil {
		switch {
		case c.Type.Kind.Form() == batch.IntForm:
			hashInts(c, rows, out)
			return
		case c.Type.Kind.Form() == batch.FloatForm:
			hashFloats(c.Floats, rows, out)
			return
		}
	}
	if c != nil && c.Dict != nil && h.remember(c, len(out)) {
		h.hashCodes(c, rows, out)
		return
	}
	if c != nil && c.Type.Kind.Form() == batch.StringForm {
		h.hashTexts(c, rows, out)
		return
	}
	key := h.key
	for i := range out {
		key = AppendKey(key[:0], c, rowAt(rows, i))
		out[i] = xxhash.Sum64(key)
	}
	h.key = key
}

func hashInts(c *batch.Column, rows []int32, out []uint64) {
	var room [9]byte
	key := room[:]
	kind := c.Type.Kind
	for i := range out {
		v := c.Ints[rowAt(rows, i)]
		switch {
		case kind == batch.Uint64 && v < 0:
			key = appendIntKey(key[:0], kind, v)
		case kind == batch.Time:
			key[0] = tagTime
			binary.BigEndian.PutUint64(key[1:9], uint64(v)^1<<63)
		default:
			key[0] = tagInt
			binary.BigEndian.PutUint64(key[1:9], uint64(v)^1<<63)
		}
		out[i] = xxhash.Sum64(key)
	}
}

func hashFloats(values []float64, rows []int32, out []uint64) {
	key := [9]byte{tagFloat}
	for i := range out {
		binary.BigEndian.PutUint64(key[1:], floatKey(values[rowAt(rows, i)]))
		out[i] = xxhash.Sum64(key[:])
	}
}

func (h *Hasher) hashTexts(c *batch.Column, rows []int32, out []uint64) {
	texts, kind, key := &c.Strings, c.Type.Kind, h.key
	if c.Dict != nil {
		texts = &c.Dict.Strings
	}
	for i := range out {
		at := rowAt(rows, i)
		if c.Null(at) {
			out[i] = nullHash
			continue
		}
		if c.Dict != nil {
			at = int(c.Codes[at])
		}
		key = appendTextKey(key[:0], kind, texts.Data[texts.Offsets[at]:texts.Offsets[at+1]])
		out[i] = xxhash.Sum64(key)
	}
	h.key = key
}

// remember makes h hold the hashes of the column's dictionary, unless hashing
// all of it costs more than hashing the rows.
func (h *Hasher) remember(c *batch.Column, rows int) bool {
	if h.dict == c.Dict && h.kind == c.Type.Kind {
		return true
	}
	entries := c.Dict.Len()
	if entries > rows {
		return false
	}
	if cap(h.all) < entries {
		h.all = make([]uint64, entries)
	}
	h.dict, h.kind, h.all = c.Dict, c.Type.Kind, h.all[:entries]
	for e := range h.all {
		h.key = appendTextKey(h.key[:0], h.kind, c.Dict.Bytes(e))
		h.all[e] = xxhash.Sum64(h.key)
	}
	return true
}

// nullHash is the hash of a null of any type.
var nullHash = xxhash.Sum64([]byte{tagNull})

func (h *Hasher) hashCodes(c *batch.Column, rows []int32, out []uint64) {
	for i := range out {
		r := rowAt(rows, i)
		if c.Null(r) {
			out[i] = nullHash
			continue
		}
		out[i] = h.all[c.Codes[r]]
	}
}

// rowAt returns row i of those listed; nil lists all.
func rowAt(rows []int32, i int) int {
	if rows == nil {
		return i
	}
	return int(rows[i])
}
