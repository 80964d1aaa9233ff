package diff

import (
	"hash/maphash"
	"math"
	"math/bits"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// sum is a hash of 128 bits.
type sum struct{ high, low uint64 }

func (s sum) compare(o sum) int {
	switch {
	case s.high < o.high, s.high == o.high && s.low < o.low:
		return -1
	case s == o:
		return 0
	}
	return 1
}

// seeds are drawn once a run and shared by all that must hash alike.
type seeds struct {
	text        [2]maphash.Seed
	start, null sum
	multiply    [2]uint64
}

func newSeeds() seeds {
	s := seeds{text: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	s.start, s.null = s.bytes([]byte("start")), s.bytes([]byte("null"))
	s.multiply = [2]uint64{s.start.high ^ s.null.low | 1, s.start.low ^ s.null.high | 1}
	return s
}

func (s *seeds) bytes(b []byte) sum {
	return sum{maphash.Bytes(s.text[0], b), maphash.Bytes(s.text[1], b)}
}

// hasher hashes rows, column by column. It is for one goroutine and remembers the
// hashes of the dictionaries it saw last.
type hasher struct {
	seeds
	values []sum // of one column of one batch
	key    []byte
	dicts  map[int]*dictHashes
}

// dictHashes holds the hash of each entry of a dictionary that occurred so far; a
// zero is not computed yet.
type dictHashes struct {
	dict *batch.Dictionary
	all  []sum
}

func newHasher(s seeds) *hasher { return &hasher{seeds: s, dicts: map[int]*dictHashes{}} }

// rows sets out[i] to the hash of the columns at of row i.
func (h *hasher) rows(root *batch.Column, at []int, out []sum) {
	for i := range out {
		out[i] = h.start
	}
	h.values = slices.Grow(h.values[:0], root.Len)[:root.Len]
	for _, k := range at {
		h.column(root.Children[k], k)
		mix(out, h.values, h.multiply)
	}
}

// mix adds a column to the hashes of rows. For given hashes so far it maps each
// value to another hash, so that rows that differ in one number never collide.
func mix(out, values []sum, multiply [2]uint64) {
	values = values[:len(out)]
	m1, m2 := multiply[0], multiply[1]
	for i := range out {
		a := (out[i].high ^ values[i].high) * m1
		b := (out[i].low ^ values[i].low) * m2
		a ^= a >> 31
		b ^= b >> 29
		out[i] = sum{bits.RotateLeft64(a*0x9e3779b97f4a7c15, 27), bits.RotateLeft64(b*0xd6e8feb86659fd93, 33)}
	}
}

// column fills h.values with the hashes of a column, the k-th.
func (h *hasher) column(c *batch.Column, k int) {
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		h.ints(c)
	case batch.FloatForm:
		for i, v := range c.Floats {
			b := floatBits(v)
			h.values[i] = sum{b, b}
		}
	case batch.BoolForm:
		for i, v := range c.Bools {
			h.values[i] = sum{}
			if v {
				h.values[i] = sum{1, 1}
			}
		}
	case batch.StringForm:
		if c.Dict != nil {
			h.codes(c, k)
			break
		}
		for i := range c.Len {
			h.values[i] = h.bytes(c.Strings.Bytes(i))
		}
	default:
		for i := range c.Len {
			h.key = codec.AppendKey(h.key[:0], c, i)
			h.values[i] = h.bytes(h.key)
		}
		return
	}
	if c.Valid != nil {
		for i := range c.Len {
			if !c.Valid.Get(i) {
				h.values[i] = h.null
			}
		}
	}
}

// ints tells a uint64 above the largest int64 from the negative number with the
// same bits.
func (h *hasher) ints(c *batch.Column) {
	for i, v := range c.Ints {
		h.values[i] = sum{uint64(v), uint64(v)}
	}
	if c.Type.Kind != batch.Uint64 {
		return
	}
	for i, v := range c.Ints {
		if v < 0 {
			h.values[i] = sum{uint64(v), ^uint64(v)}
		}
	}
}

// floatBits returns the same bits for values that are equal: one NaN, one zero.
func floatBits(v float64) uint64 {
	if v != v {
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(v + 0)
}

func (h *hasher) codes(c *batch.Column, k int) {
	d := h.dicts[k]
	if d == nil || d.dict != c.Dict {
		d = &dictHashes{dict: c.Dict, all: make([]sum, c.Dict.Len())}
		h.dicts[k] = d
	}
	for i, code := range c.Codes {
		if c.Null(i) {
			continue
		}
		s := d.all[code]
		if s == (sum{}) {
			s = h.bytes(c.Dict.Bytes(int(code)))
			d.all[code] = s
		}
		h.values[i] = s
	}
}
