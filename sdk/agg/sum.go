package agg

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/leatflow/leat/sdk/batch"
)

// Sum adds up a field. Integers are added exactly and refused only when the
// final total does not fit the output; floats are added exactly and rounded
// once, to nearest even. Integers may go to a float output, floats not to an
// integer one. Without any value a plain output is 0 and a pointer null.
func Sum[O, I Number](out *O, in *I) Term {
	return Term{function: "sum", out: out, in: in, build: buildSum}
}

func buildSum(r *resolver, t *bound) (finish, error) {
	floats := t.in.Type.Kind.Float()
	if floats && !t.outType.Kind.Float() {
		return nil, fmt.Errorf("agg.Sum adds %s, which is %s, into field %s, which is %s; a sum of floats needs a float field", t.in.Name, t.in.Type.Kind, t.out.Name, t.outType.Kind)
	}
	valid := func(*Table, *request) batch.Bitmap { return nil }
	if t.outType.Nullable {
		valid = r.seen(t)
	}
	if floats {
		sum := r.floatSum(t)
		return func(t *Table, q *request) (output, error) {
			return output{floats: t.states[sum].(*floatSums).round(q.slots), valid: valid(t, q)}, nil
		}, nil
	}
	sum, wide := r.intSum(t), t.outType.Kind.Float()
	return func(t *Table, q *request) (output, error) {
		s := t.states[sum].(*intSums)
		if wide {
			return output{floats: s.round(q.slots), valid: valid(t, q)}, nil
		}
		return output{ints: pick(s.low, q.slots), high: s.highs(q.slots), valid: valid(t, q)}, nil
	}, nil
}

func (r *resolver) intSum(t *bound) int {
	name := "sum(" + t.in.Name + ")"
	unsigned := t.in.Type.Kind == batch.Uint64
	return r.state(stateSpec{
		name: name, where: t.where, paths: [][]int{t.in.Path},
		fields: []batch.Field{{Name: name, Type: intType}, {Name: name + ".high", Type: intType}},
		make:   func() state { return &intSums{unsigned: unsigned} },
	})
}

// intSums adds integers in 128 bits: the total is high·2^64 + low with low
// signed, a form that is the same in whatever order the values came. Nearly
// every total fits low, so high is allocated when the first one does not.
type intSums struct {
	low      []int64
	high     []int64 // nil: all zero
	unsigned bool    // the input is uint64
}

func (s *intSums) grow(n int) {
	s.low = extend(s.low, n, 0)
	if s.high != nil {
		s.high = extend(s.high, n, 0)
	}
}

func (s *intSums) reset(slots []int32) {
	for _, slot := range slots {
		s.low[slot] = 0
		if s.high != nil {
			s.high[slot] = 0
		}
	}
}

// carry adds to the high word of a slot.
func (s *intSums) carry(slot int32, by int64) {
	if s.high == nil {
		s.high = extend[int64](nil, len(s.low), 0)
	}
	s.high[slot] += by
}

// overflow returns what a signed addition a+b=sum that overflowed carries.
func overflow(a int64) int64 {
	if a < 0 {
		return -1
	}
	return 1
}

func (s *intSums) add(v *view) error {
	values := v.cols[0].Ints
	switch {
	case v.slots == nil:
		s.addRun(v.slot, values, v.rows, v.n)
	case v.rows == nil:
		low := s.low
		for i, slot := range v.slots {
			a, b := low[slot], values[i]
			sum := a + b
			if (a^sum)&(b^sum) < 0 {
				s.carry(slot, overflow(a))
			}
			low[slot] = sum
		}
	default:
		low, rows := s.low, v.rows[:len(v.slots)]
		for i, slot := range v.slots {
			a, b := low[slot], values[rows[i]]
			sum := a + b
			if (a^sum)&(b^sum) < 0 {
				s.carry(slot, overflow(a))
			}
			low[slot] = sum
		}
	}
	if s.unsigned {
		s.correct(v, values)
	}
	return nil
}

// correct adds the 2^64 by which the signed reading of a uint64 above 2^63 is short.
func (s *intSums) correct(v *view, values []int64) {
	for i := range v.n {
		if values[v.row(i)] < 0 {
			s.carry(v.slotAt(i), 1)
		}
	}
}

func (s *intSums) addRun(slot int32, values []int64, rows []int32, n int) {
	var low uint64
	var high int64
	if rows == nil {
		for _, x := range values[:n] {
			var c uint64
			low, c = bits.Add64(low, uint64(x), 0)
			high += x>>63 + int64(c)
		}
	} else {
		for _, r := range rows {
			x := values[r]
			var c uint64
			low, c = bits.Add64(low, uint64(x), 0)
			high += x>>63 + int64(c)
		}
	}
	if int64(low) < 0 { // from unsigned low to signed low
		high++
	}
	s.addWide(slot, high, int64(low))
}

// addWide adds high·2^64 + low to a slot.
func (s *intSums) addWide(slot int32, high, low int64) {
	a := s.low[slot]
	sum := a + low
	if (a^sum)&(low^sum) < 0 {
		high += overflow(a)
	}
	s.low[slot] = sum
	if high != 0 {
		s.carry(slot, high)
	}
}

func (s *intSums) highAt(slot int32) int64 {
	if s.high == nil {
		return 0
	}
	return s.high[slot]
}

// highs returns the high words of slots, nil when all are zero.
func (s *intSums) highs(slots []int32) []int64 {
	if s.high == nil {
		return nil
	}
	return pick(s.high, slots)
}

func (s *intSums) copyFrom(dst, src []int32) {
	for i, d := range dst {
		s.low[d] = s.low[src[i]]
		if s.high != nil {
			s.high[d] = s.high[src[i]]
		}
	}
}

func (s *intSums) merge(dst, src []int32) {
	if s.high != nil {
		for i, d := range dst {
			s.addWide(d, s.high[src[i]], s.low[src[i]])
		}
		return
	}
	low := s.low
	for i, d := range dst {
		a, b := low[d], low[src[i]]
		sum := a + b
		if (a^sum)&(b^sum) < 0 {
			s.carry(d, overflow(a))
			low[d] = sum
			s.merge(dst[i+1:], src[i+1:]) // from here on with high words
			return
		}
		low[d] = sum
	}
}

func (s *intSums) save(slots []int32) ([]*batch.Column, error) {
	high := s.highs(slots)
	if high == nil {
		high = batch.Zeros(len(slots))
	}
	return []*batch.Column{batch.NewInts(intType, pick(s.low, slots)), batch.NewInts(intType, high)}, nil
}

func (s *intSums) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, slot := range slots {
		r := rowAt(rows, i)
		s.addWide(slot, saved[1].Ints[r], saved[0].Ints[r])
	}
	return nil
}

func (s *intSums) sizeBytes() int64 { return int64(8 * (cap(s.low) + cap(s.high))) }

// magnitude returns the sign and the absolute value of a slot's total.
func (s *intSums) magnitude(slot int32) (negative bool, low, high uint64) {
	return magnitude128(s.highAt(slot), s.low[slot])
}

// magnitude128 returns the sign and the absolute value of high·2^64 + low.
func magnitude128(high, low int64) (negative bool, l, h uint64) {
	if low < 0 {
		high-- // from signed low to unsigned low
	}
	l, h = uint64(low), uint64(high)
	if high < 0 {
		var borrow uint64
		l, borrow = bits.Sub64(0, l, 0)
		h, _ = bits.Sub64(0, h, borrow)
		return true, l, h
	}
	return false, l, h
}

// round returns the totals as floats, each rounded once.
func (s *intSums) round(slots []int32) []float64 {
	out := make([]float64, len(slots))
	for i, slot := range slots {
		if s.highAt(slot) == 0 {
			out[i] = float64(s.low[slot])
			continue
		}
		negative, low, high := s.magnitude(slot)
		out[i], _ = roundLimbs(negative, []uint64{low, high}, 0, false)
	}
	return out
}

// exactFloat reports whether every integer up to |v| is a float64.
func exactFloat(v int64) bool { return v >= -(1<<53) && v <= 1<<53 && v != math.MinInt64 }
