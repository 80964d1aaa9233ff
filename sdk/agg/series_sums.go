package agg

import (
	"math"
	"math/bits"
	"unsafe"
)

// The sources here are running totals: entry i is the total of the rows before
// row i, and a range is the difference at its ends. Differences in two's
// complement are exact even where the totals themselves have wrapped around.

func sizeOf[T any](v T) int64 { return int64(unsafe.Sizeof(v)) }

// positions is the source of a count of all rows: the rows are their numbers.
type positions struct{}

// addends implements summed.
func (c *counts) addends() addends { return new(ones) }

// putSums implements summed.
func (c *counts) putSums(_ addends, slots []int32, sums []int64) {
	for i, slot := range slots {
		c.n[slot] = sums[i]
	}
}

// putPositions counts the rows in [from[i], to[i]) in slots[i].
func (c *counts) putPositions(slots, from, to []int32) {
	for i, slot := range slots {
		c.n[slot] = int64(to[i] - from[i])
	}
}

// addends implements summed.
func (s *intSums) addends() addends { return &integers{unsigned: s.unsigned} }

// putSums implements summed.
func (s *intSums) putSums(_ addends, slots []int32, sums []int64) {
	for i, slot := range slots {
		s.low[slot] = sums[i]
		if s.high != nil {
			s.high[slot] = 0
		}
	}
}

// addends implements summed.
func (f *floatSums) addends() addends { return &floats{base: -exponent0, top: -exponent0} }

// putSums implements summed.
func (f *floatSums) putSums(a addends, slots []int32, sums []int64) {
	f.clearAll(slots)
	if f.read == nil {
		f.read = extend(nil, len(f.slots), math.NaN())
	}
	base := a.(*floats).base
	unit, ok := powerOfTwo(int(base) + exponent0)
	for i, slot := range slots {
		if n := sums[i]; ok && exactFloat(n) {
			f.read[slot] = float64(n) * unit
			continue
		}
		sign := uint64(sums[i] >> 63)
		f.read[slot] = math.NaN()
		f.slots[slot] = narrow{uint64(sums[i]), sign, sign, base, 0}
	}
}

// clearAll makes slots good to be set.
func (f *floatSums) clearAll(slots []int32) {
	if f.special == nil && len(f.wide) == 0 {
		return
	}
	for _, slot := range slots {
		f.clear(slot)
	}
}

// powerOfTwo returns 2^e when every product of it with a word, but zero, is a float
// that is not subnormal.
func powerOfTwo(e int) (float64, bool) {
	if e < -1022 || e > 1023-64 {
		return 0, false
	}
	return math.Float64frombits(uint64(e+1023) << 52), true
}

// wideTotals are totals of 128 bits, for integers whose sums may not fit 64.
type wideTotals struct{ low, high []uint64 }

// source implements ranged.
func (s *intSums) source(v *run, r *Reserve) (source, error) {
	values := v.cols[0].Ints
	low, err := newTotals[uint64](v.all, r)
	if err != nil {
		return nil, err
	}
	high, err := newTotals[uint64](v.all, r)
	if err != nil {
		return nil, err
	}
	v.spread(func(i int) {
		low[i+1] = uint64(values[i])
		if values[i] < 0 && !s.unsigned {
			high[i+1] = math.MaxUint64
		}
	})
	for i := range v.all {
		var c uint64
		low[i+1], c = bits.Add64(low[i+1], low[i], 0)
		high[i+1], _ = bits.Add64(high[i+1], high[i], c)
	}
	return &wideTotals{low, high}, nil
}

// spread calls f for each row that counts.
func (v *run) spread(f func(i int)) {
	if v.rows == nil {
		for i := range v.n {
			f(i)
		}
		return
	}
	for _, row := range v.rows[:v.n] {
		f(int(row))
	}
}

// put implements ranged.
func (s *intSums) put(src source, slots, from, to []int32) {
	wide := src.(*wideTotals)
	for i, f := range from {
		slot, t := slots[i], to[i]
		low, borrow := bits.Sub64(wide.low[t], wide.low[f], 0)
		high, _ := bits.Sub64(wide.high[t], wide.high[f], borrow)
		if int64(low) < 0 { // from unsigned low to signed low
			high++
		}
		s.low[slot] = int64(low)
		if s.high != nil {
			s.high[slot] = 0
		}
		if high != 0 {
			s.carry(slot, int64(high))
		}
	}
}

// fixed is running totals of floats in fixed point, 128 or 192 bits around one
// exponent that suits all values. Limb l of the total of the rows before row i
// is limbs[size·i+l].
type fixed struct {
	limbs []uint64
	size  int
	base  int32 // exponent of bit 0, as in narrow
}

// source implements ranged. There is none for values too far apart, or with NaN
// or infinities among them.
func (f *floatSums) source(v *run, r *Reserve) (source, error) {
	values := v.cols[0].Floats
	low, high := int32(math.MaxInt32), int32(0)
	finite := true
	v.spread(func(i int) {
		m, p, _ := split(values[i])
		finite = finite && p < specialP
		if m != 0 {
			low = min(low, p+int32(bits.TrailingZeros64(m)))
			high = max(high, p+int32(bits.Len64(m)))
		}
	})
	if low > high { // only zeros
		low, high = 0, 0
	}
	need := int(high-low) + bits.Len(uint(v.n)) + 1 // with a sign
	if !finite || need > 192 {
		return nil, nil
	}
	out := &fixed{base: low, size: max(2, (need+63)/64)}
	if err := r.bytes(int64(8 * out.size * (v.all + 1))); err != nil {
		return nil, err
	}
	out.limbs = make([]uint64, out.size*(v.all+1))
	v.spread(func(i int) { out.set(i, values[i]) })
	for i := out.size; i < len(out.limbs); i += out.size {
		var c uint64
		for l := i; l < i+out.size; l++ {
			out.limbs[l], c = bits.Add64(out.limbs[l], out.limbs[l-out.size], c)
		}
	}
	return out, nil
}

// split returns the parts of ±m·2^(p−1074).
func split(x float64) (m uint64, p int32, negative bool) {
	b := math.Float64bits(x)
	p, m = int32(b>>52&0x7ff)-1, b&fraction
	if p < 0 {
		return m, 0, int64(b) < 0
	}
	return m | hiddenBit, p, int64(b) < 0
}

// set puts the value of row i where its total will be.
func (f *fixed) set(i int, x float64) {
	m, p, negative := split(x)
	if m == 0 {
		return
	}
	var v [4]uint64
	if shift := p - f.base; shift < 0 {
		v[0] = m >> -shift // trailing zeros
	} else {
		at, k := shift>>6, uint(shift&63)
		v[at], v[at+1] = m<<k, m>>1>>(63-k)
	}
	var borrow uint64
	for l := range f.size {
		if negative {
			v[l], borrow = bits.Sub64(0, v[l], borrow)
		}
		f.limbs[f.size*(i+1)+l] = v[l]
	}
}

// put implements ranged.
func (f *floatSums) put(s source, slots, from, to []int32) {
	x := s.(*fixed)
	f.clearAll(slots)
	if f.read != nil {
		for _, slot := range slots {
			f.read[slot] = math.NaN()
		}
	}
	sums, limbs := f.slots, x.limbs
	switch x.size {
	case 2:
		for i, a := range from {
			before, after := limbs[2*int(a):2*int(a)+2], limbs[2*int(to[i]):2*int(to[i])+2]
			l0, borrow := bits.Sub64(after[0], before[0], 0)
			l1, _ := bits.Sub64(after[1], before[1], borrow)
			sums[slots[i]] = narrow{l0, l1, uint64(int64(l1) >> 63), x.base, 0}
		}
	default:
		for i, a := range from {
			before, after := limbs[3*int(a):3*int(a)+3], limbs[3*int(to[i]):3*int(to[i])+3]
			l0, borrow := bits.Sub64(after[0], before[0], 0)
			l1, borrow := bits.Sub64(after[1], before[1], borrow)
			l2, _ := bits.Sub64(after[2], before[2], borrow)
			sums[slots[i]] = narrow{l0, l1, l2, x.base, 0}
		}
	}
}
