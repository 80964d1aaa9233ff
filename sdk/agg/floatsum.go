package agg

import (
	"math"
	"math/bits"

	"github.com/leatflow/leat/sdk/batch"
)

// floatSums adds floats exactly, so that neither order nor grouping of the
// additions can change a bit, and rounds once, when asked for the total.
//
// A float is ±m·2^(p−1074) with m < 2^53 and 0 ≤ p ≤ 2045. A slot keeps the sum
// of such numbers in 192 bits around the first value it saw:
//
//	bit 191   190                151                       49         0
//	   ├ sign ─┼─ room to add up ─┼── values with           ┼─────────┤ · 2^(base−1074)
//	           │  2^39 of them    │   0 ≤ p−base ≤ 98       └ the first value starts here
//
// so the values of a group may differ by a factor of 2^49 in both directions.
// The few groups that see more go on as an exact with limbs growing on demand.
type floatSums struct {
	slots []narrow
	wide  []exact // groups that have left their 192 bits; entry 0 is unused
	free  []int32 // unused entries of wide
	// special counts NaN, +∞ and −∞, which no finite sum holds. nil: none yet.
	special []specials
	// read are sums that were read off a series and are floats: a quarter of the
	// memory to go through. NaN where a sum is elsewhere; nil: all are.
	read []float64
}

// narrow is the 192-bit sum of one slot. It is empty, or elsewhere, while base
// is unset.
type narrow struct {
	l0, l1, l2 uint64 // two's complement, little end first
	base       int32  // exponent of bit 0
	wide       int32  // index into wide where the sum is; 0: it is here
}

type specials struct{ nan, plus, minus int64 }

const (
	unset     = math.MinInt32
	firstBit  = 49               // where the first value of a slot starts
	shiftMax  = 98               // highest p−base that is added in place
	exponent0 = -1074            // of a float with p = 0
	wideUnit  = exponent0 - 64   // of bit 0 of an exact; base may be below 0
	specialP  = int32(0x7ff - 1) // p of NaN and infinities
	hiddenBit = uint64(1) << 52  // of a float that is not subnormal
	fraction  = hiddenBit - 1    // mask of the stored bits of m
	crowdedAt = uint64(1) << 62  // magnitude of l2 from which a slot widens
)

var emptySum = narrow{base: unset}

func (r *resolver) floatSum(t *bound) int {
	name := "sum(" + t.in.Name + ")"
	return r.state(stateSpec{
		name: name, where: t.where, paths: [][]int{t.in.Path},
		fields: []batch.Field{{Name: name, Type: bytesType}},
		make:   func() state { return new(floatSums) },
	})
}

func (f *floatSums) grow(n int) {
	f.slots = extend(f.slots, n, emptySum)
	if f.special != nil {
		f.special = extend(f.special, n, specials{})
	}
	if f.read != nil {
		f.read = extend(f.read, n, math.NaN())
	}
}

func (f *floatSums) reset(slots []int32) {
	for _, s := range slots {
		f.clear(s)
	}
}

func (f *floatSums) clear(slot int32) {
	if w := f.slots[slot].wide; w != 0 {
		f.wide[w] = exact{}
		f.free = append(f.free, w)
	}
	f.slots[slot] = emptySum
	if f.special != nil {
		f.special[slot] = specials{}
	}
	if f.read != nil {
		f.read[slot] = math.NaN()
	}
}

// settle moves a sum that was read off a series to where sums are added up.
func (f *floatSums) settle(slot int32) {
	if f.read == nil {
		return
	}
	if sum := f.read[slot]; sum == sum {
		f.clear(slot)
		f.addSlow(slot, sum)
	}
}

func (f *floatSums) add(v *view) error {
	values := v.cols[0].Floats
	for at := 0; at < v.n; at++ {
		switch {
		case v.slots == nil:
			at = f.slots[v.slot].addRun(values, v.rows, at, v.n)
		case v.rows == nil:
			at = f.addDense(v.slots, values, at)
		default:
			at = f.addRows(v.slots, values, v.rows, at)
		}
		if at < v.n {
			f.addSlow(v.slotAt(at), values[v.row(at)])
		}
	}
	return nil
}

// addDense adds values from row at on and returns the first row that add refuses.
func (f *floatSums) addDense(slots []int32, values []float64, at int) int {
	sums, values := f.slots, values[:len(slots)]
	for ; at < len(slots); at++ {
		if !sums[slots[at]].add(values[at]) {
			return at
		}
	}
	return at
}

// addRows is addDense for the values at rows.
func (f *floatSums) addRows(slots []int32, values []float64, rows []int32, at int) int {
	sums, rows := f.slots, rows[:len(slots)]
	for ; at < len(slots); at++ {
		if !sums[slots[at]].add(values[rows[at]]) {
			return at
		}
	}
	return at
}

// addRun adds values [at, n), or those at rows, to one slot and returns the
// first that add refuses. It is add with the sum in registers: a call a row
// would write it to memory and wait for it each time (9 ns a row, not 4).
func (s *narrow) addRun(values []float64, rows []int32, at, n int) int {
	l0, l1, l2, base := s.l0, s.l1, s.l2, s.base
	for ; at < n; at++ {
		row := at
		if rows != nil {
			row = int(rows[at])
		}
		b := math.Float64bits(values[row])
		p := int32(b>>52&0x7ff) - 1
		shift := uint32(p - base)
		if uint32(p) >= uint32(specialP) || shift > shiftMax || l2+crowdedAt >= 2*crowdedAt {
			break
		}
		m, sign, k := b&fraction|hiddenBit, uint64(int64(b)>>63), shift&63
		low, high := m<<k, m>>1>>(^k&63)
		var c uint64
		if shift < 64 {
			l0, c = bits.Add64(l0, low^sign, sign&1)
			l1, c = bits.Add64(l1, high^sign, c)
			l2 += sign + c
		} else {
			l1, c = bits.Add64(l1, low^sign, sign&1)
			l2 += (high ^ sign) + c
		}
	}
	s.l0, s.l1, s.l2 = l0, l1, l2
	return at
}

// add adds x in place and reports true, or reports false and does nothing.
func (s *narrow) add(x float64) bool {
	b := math.Float64bits(x)
	p := int32(b>>52&0x7ff) - 1
	// An unset base gives a shift beyond any, zero and subnormals have p = −1.
	shift := uint32(p - s.base)
	if uint32(p) >= uint32(specialP) || shift > shiftMax || s.crowded() {
		return false
	}
	m, sign, k := b&fraction|hiddenBit, uint64(int64(b)>>63), shift&63
	low, high := m<<k, m>>1>>(^k&63)
	// −v is ^v + 1, carried through as many limbs as there are above.
	var c uint64
	if shift < 64 {
		s.l0, c = bits.Add64(s.l0, low^sign, sign&1)
		s.l1, c = bits.Add64(s.l1, high^sign, c)
		s.l2 += sign + c
	} else {
		s.l1, c = bits.Add64(s.l1, low^sign, sign&1)
		s.l2 += (high ^ sign) + c
	}
	return true
}

// crowded reports whether the sum is so near to the end of its 192 bits that
// nothing more may be added: from 2^190 on.
func (s *narrow) crowded() bool { return s.l2+crowdedAt >= 2*crowdedAt }

// addSlow adds what add could not.
func (f *floatSums) addSlow(slot int32, x float64) {
	b := math.Float64bits(x)
	p, m := int32(b>>52&0x7ff)-1, b&fraction
	s := &f.slots[slot]
	switch {
	case p == specialP:
		f.addSpecial(slot, x)
	case p < 0 && m == 0: // zero
	case p < 0: // subnormal
		f.widen(slot).add(int64(b) < 0, 0, m, -wideUnit+exponent0)
	case s.base == unset && s.wide == 0:
		s.base = p - firstBit
		s.add(x)
	default:
		f.widen(slot).add(int64(b) < 0, 0, m|hiddenBit, int(p)+exponent0-wideUnit)
	}
}

func (f *floatSums) addSpecial(slot int32, x float64) {
	switch {
	case x != x:
		f.mergeSpecial(slot, specials{nan: 1})
	case x > 0:
		f.mergeSpecial(slot, specials{plus: 1})
	default:
		f.mergeSpecial(slot, specials{minus: 1})
	}
}

func (f *floatSums) mergeSpecial(slot int32, by specials) {
	if by == (specials{}) {
		return
	}
	if f.special == nil {
		f.special = extend[specials](nil, len(f.slots), specials{})
	}
	s := &f.special[slot]
	s.nan, s.plus, s.minus = s.nan+by.nan, s.plus+by.plus, s.minus+by.minus
}

// widen moves the sum of a slot to an exact, unless it is there, and returns it.
func (f *floatSums) widen(slot int32) *exact {
	s := &f.slots[slot]
	if s.wide != 0 {
		return &f.wide[s.wide]
	}
	w := int32(max(1, len(f.wide)))
	if n := len(f.free); n > 0 {
		w, f.free = f.free[n-1], f.free[:n-1]
	} else {
		f.wide = append(f.wide, make([]exact, int(w)+1-len(f.wide))...)
	}
	f.wide[w].addNarrow(s)
	*s = narrow{base: unset, wide: w}
	return &f.wide[w]
}

// addNarrow adds a sum that is in 192 bits.
func (x *exact) addNarrow(s *narrow) {
	if s.base == unset {
		return
	}
	at := int(s.base) + exponent0 - wideUnit
	k := uint(at & 63)
	sign := uint64(int64(s.l2) >> 63)
	x.addLimbs([]uint64{
		s.l0 << k, s.l1<<k | s.l0>>1>>(63-k), s.l2<<k | s.l1>>1>>(63-k), sign<<k | s.l2>>1>>(63-k),
	}, sign, at>>6)
}

func (f *floatSums) copyFrom(dst, src []int32) {
	for i, d := range dst {
		if s := src[i]; s != d {
			f.clear(d)
			f.mergeSlot(d, s)
		}
	}
}

func (f *floatSums) merge(dst, src []int32) {
	for i, d := range dst {
		f.mergeSlot(d, src[i])
	}
}

func (f *floatSums) mergeSlot(d, s int32) {
	f.settle(d)
	f.settle(s)
	f.mergeSpecial(d, f.specialAt(s))
	if w := f.slots[s].wide; w != 0 {
		into := f.widen(d) // first, for it may move f.wide
		into.merge(&f.wide[w])
		return
	}
	f.mergeNarrow(d, f.slots[s])
}

// mergeNarrow adds a sum of 192 bits, in 192 bits where both bases allow it.
func (f *floatSums) mergeNarrow(slot int32, b narrow) {
	a := &f.slots[slot]
	switch {
	case b.base == unset:
		return
	case a.wide == 0 && a.base == unset:
		*a = b
		return
	case a.wide == 0 && a.align(&b):
		var c uint64
		a.l0, c = bits.Add64(a.l0, b.l0, 0)
		a.l1, c = bits.Add64(a.l1, b.l1, c)
		a.l2 += b.l2 + c
		return
	}
	f.widen(slot).addNarrow(&b)
}

// align brings two sums to the lower of their bases and reports whether they
// can then be added in 192 bits.
func (s *narrow) align(o *narrow) bool {
	return s.lower(o.base) && o.lower(s.base) && !s.crowded() && !o.crowded()
}

// lower lowers the base to the given one, unless it is there or below. It
// reports false, having done nothing, when the sum would not fit.
func (s *narrow) lower(base int32) bool {
	by := uint(max(0, int(s.base)-int(base)))
	if by > 61 || by > 0 && int64(s.l2)>>(61-by) != int64(s.l2)>>63 {
		return false
	}
	if by > 0 {
		s.l2 = s.l2<<by | s.l1>>(64-by)
		s.l1 = s.l1<<by | s.l0>>(64-by)
		s.l0 <<= by
		s.base = base
	}
	return true
}
