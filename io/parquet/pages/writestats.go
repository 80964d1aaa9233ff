package pages

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/sdk/batch"
)

// boundBytes is how long a string may be to stand in statistics. Longer ones
// are left out: a footer is read whole.
const boundBytes = 256

// statistics computes a chunk's null count and bounds.
func (l *shredded) statistics(c *column, coded bool) format.Statistics {
	s := format.Statistics{NullCount: int64(l.slots - l.count(c))}
	switch c.typ.Kind.Form() {
	case batch.IntForm:
		l.intStatistics(c, &s)
	case batch.FloatForm:
		l.floatStatistics(c, &s)
	case batch.BoolForm:
		if len(l.bools) > 0 {
			s.MinValue, s.MaxValue = []byte{1}, []byte{0}
			if slices.Contains(l.bools, false) {
				s.MinValue[0] = 0
			}
			if slices.Contains(l.bools, true) {
				s.MaxValue[0] = 1
			}
		}
	case batch.StringForm:
		l.textStatistics(&s, coded)
	}
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

// count returns how many values there are.
func (l *shredded) count(c *column) int {
	switch c.typ.Kind.Form() {
	case batch.IntForm:
		return len(l.ints)
	case batch.FloatForm:
		return len(l.floats)
	case batch.BoolForm:
		return len(l.bools)
	}
	return l.strings.count
}

func (l *shredded) intStatistics(c *column, s *format.Statistics) {
	if len(l.ints) == 0 {
		return
	}
	flip := int64(0)
	if c.typ.Kind == batch.Uint64 {
		flip = math.MinInt64 // unsigned order is signed order with the sign turned
	}
	low, high := l.ints[0]^flip, l.ints[0]^flip
	for _, v := range l.ints {
		low, high = min(low, v^flip), max(high, v^flip)
	}
	store := func(v int64) []byte {
		if c.physical == format.Int32 {
			return binary.LittleEndian.AppendUint32(nil, uint32(v))
		}
		return binary.LittleEndian.AppendUint64(nil, uint64(v))
	}
	s.MinValue, s.MaxValue = store(low^flip), store(high^flip)
}

// floatStatistics leaves bounds out when there is a NaN, which is in no order,
// and widens zeros to both signs, as the format asks.
func (l *shredded) floatStatistics(c *column, s *format.Statistics) {
	if len(l.floats) == 0 {
		return
	}
	low, high := l.floats[0], l.floats[0]
	for _, v := range l.floats {
		low, high = min(low, v), max(high, v) // NaN once, NaN for ever
	}
	if math.IsNaN(low) {
		return
	}
	if low == 0 {
		low = math.Copysign(0, -1)
	}
	if high == 0 {
		high = 0
	}
	store := func(v float64) []byte {
		if c.physical == format.Float {
			return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
		}
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))
	}
	s.MinValue, s.MaxValue = store(low), store(high)
}

func (l *shredded) textStatistics(s *format.Statistics, coded bool) {
	var low, high []byte
	see := func(v []byte) {
		if low == nil || bytes.Compare(v, low) < 0 {
			low = v
		}
		if high == nil || bytes.Compare(v, high) > 0 {
			high = v
		}
	}
	if coded {
		for _, v := range l.strings.values {
			see(v)
		}
	} else {
		l.strings.each(see)
	}
	if len(low) > 0 && len(high) > 0 && len(low) <= boundBytes && len(high) <= boundBytes {
		s.MinValue, s.MaxValue = bytes.Clone(low), bytes.Clone(high)
	}
}
