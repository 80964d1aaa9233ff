package pages

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/sdk/batch"
)

// boundBytes is how long a string may be to stand in statistics. Longer ones
// are left out: a footer is read whole.
const boundBytes = 256

// extremes are the least and the greatest of the values of a page or chunk, as
// its column orders them.
type extremes struct {
	seen   bool // there are values
	nan    bool // one of them is a NaN, which is in no order: there are no bounds
	ints   [2]int64
	floats [2]float64
	text   [2][]byte // views into the columns being written
}

// pageMark is what is kept of a page for statistics and indexes.
type pageMark struct {
	offset, size int64 // in the row group's bytes, header included
	row          int64 // the first, of the row group
	nulls        int64
	extremes
}

// extremes looks at the values of a page: count of them from value on, strings
// that are not coded from at on.
func (e *encoder) extremes(c *column, value, count int, at *textCursor, coded bool) (x extremes) {
	if x.seen = count > 0; !x.seen {
		return x
	}
	l := &e.leaf
	switch c.typ.Kind.Form() {
	case batch.IntForm:
		x.ints = intExtremes(l.ints[value:value+count], c.flip())
	case batch.FloatForm:
		v := l.floats[value : value+count]
		low, high := v[0], v[0]
		for _, f := range v {
			low, high = min(low, f), max(high, f) // NaN once, NaN for ever
		}
		x.floats, x.nan = [2]float64{low, high}, math.IsNaN(low)
	case batch.BoolForm:
		x.ints = [2]int64{1, 0}
		for _, b := range l.bools[value : value+count] {
			if b {
				x.ints[1] = 1
			} else {
				x.ints[0] = 0
			}
		}
	case batch.StringForm:
		x.seen = false
		if coded {
			e.mark(l.strings.codes[value:value+count], len(l.strings.values), func(code int) { x.see(l.strings.values[code]) })
		} else {
			at.each(count, x.see)
		}
	}
	return x
}

func intExtremes(v []int64, flip int64) [2]int64 {
	low, high := v[0]^flip, v[0]^flip
	for _, n := range v {
		low, high = min(low, n^flip), max(high, n^flip)
	}
	return [2]int64{low ^ flip, high ^ flip}
}

// flip turns the sign bit of unsigned numbers: then their order is signed order.
func (c *column) flip() int64 {
	if c.typ.Kind == batch.Uint64 {
		return math.MinInt64
	}
	return 0
}

// see takes in one string.
func (x *extremes) see(v []byte) {
	if !x.seen {
		x.seen, x.text = true, [2][]byte{v, v}
		return
	}
	if bytes.Compare(v, x.text[0]) < 0 {
		x.text[0] = v
	}
	if bytes.Compare(v, x.text[1]) > 0 {
		x.text[1] = v
	}
}

// mark calls f once for every code that occurs: there are far fewer of them than
// rows, and strings are slow to compare.
func (e *encoder) mark(codes []int32, size int, f func(code int)) {
	e.marks = e.marks[:0]
	clear(extend(&e.marks, (size+63)/64))
	for _, c := range codes {
		e.marks[c>>6] |= 1 << (c & 63)
	}
	for i, w := range e.marks {
		for ; w != 0; w &= w - 1 {
			f(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

// compare orders bound i of x and of y.
func (c *column) compare(x, y *extremes, i int) int {
	switch c.typ.Kind.Form() {
	case batch.FloatForm:
		return cmp.Compare(x.floats[i], y.floats[i])
	case batch.StringForm:
		return bytes.Compare(x.text[i], y.text[i])
	}
	return cmp.Compare(x.ints[i]^c.flip(), y.ints[i]^c.flip())
}

// merge widens x to the values of y.
func (c *column) merge(x, y *extremes) {
	if !x.seen || !y.seen {
		if y.seen {
			*x = *y
		}
		return
	}
	x.nan = x.nan || y.nan
	if c.compare(y, x, 0) < 0 {
		x.ints[0], x.floats[0], x.text[0] = y.ints[0], y.floats[0], y.text[0]
	}
	if c.compare(y, x, 1) > 0 {
		x.ints[1], x.floats[1], x.text[1] = y.ints[1], y.floats[1], y.text[1]
	}
}

// store returns bound i as the format keeps it. Zeros are widened to both signs,
// as the format asks.
func (c *column) store(x *extremes, i int) []byte {
	switch c.physical {
	case format.Boolean:
		return []byte{byte(x.ints[i])}
	case format.Int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(x.ints[i]))
	case format.Int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(x.ints[i]))
	case format.ByteArray:
		return bytes.Clone(x.text[i])
	}
	v := x.floats[i]
	if v == 0 {
		v = [2]float64{math.Copysign(0, -1), 0}[i]
	}
	if c.physical == format.Float {
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
	}
	return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
}

// statistics puts together what is known of the pages of a chunk.
func statistics(c *column, pages []pageMark) format.Statistics {
	var s format.Statistics
	var all extremes
	for i := range pages {
		s.NullCount += pages[i].nulls
		c.merge(&all, &pages[i].extremes)
	}
	if !all.seen || all.nan {
		return s
	}
	low, high := all.text[0], all.text[1]
	if c.physical == format.ByteArray && (len(low) == 0 || len(high) == 0 || len(low) > boundBytes || len(high) > boundBytes) {
		return s
	}
	s.MinValue, s.MaxValue = c.store(&all, 0), c.store(&all, 1)
	return s
}

// checkRange refuses integers that a narrow kind cannot hold: vectors are wider
// than what is stored.
func (l *shredded) checkRange(k batch.Kind) error {
	if low, high, ok := k.Range(); ok && k != batch.Int64 {
		return inRange(l.ints, low, high, k)
	}
	return nil
}
