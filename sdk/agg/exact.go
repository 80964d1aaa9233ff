package agg

import (
	"math/bits"
	"slices"
)

// exact is a binary number that holds any sum of floats without rounding: two's
// complement limbs of 64 bits, as many as the values so far need.
//
//	            limbs[2]        limbs[1]        limbs[0]
//	   …sign ├───────────────┼───────────────┼───────────────┤  zeros… │ unit
//	                                         └ bit 64·low              └ bit 0
//
//	value = limbs · 2^(64·low) units
//
// The top limb is always pure sign, all zeros or all ones: an addition that
// carries into it finds room and then adds a limb. Limbs that only repeat the
// sign are dropped again.
type exact struct {
	low   int
	limbs []uint64 // nil: zero
}

// extendTo makes room for a number with limbs in [from, to) and a sign above.
func (x *exact) extendTo(from, to int) {
	if x.limbs == nil {
		x.low = from
		x.limbs = make([]uint64, to-from+1, to-from+2)
		return
	}
	if from < x.low {
		x.limbs = slices.Concat(make([]uint64, x.low-from), x.limbs)
		x.low = from
	}
	sign := x.limbs[len(x.limbs)-1]
	for x.low+len(x.limbs) <= to {
		x.limbs = append(x.limbs, sign)
	}
}

// add adds ±(high·2^64 + low)·2^shift units, shift ≥ 0.
func (x *exact) add(negative bool, high, low uint64, shift int) {
	s := uint(shift & 63)
	v := [3]uint64{low << s, high<<s | low>>1>>(63-s), high >> 1 >> (63 - s)}
	if negative {
		borrow := uint64(0)
		for i, limb := range v {
			v[i], borrow = bits.Sub64(0, limb, borrow)
		}
		if v != [3]uint64{} {
			x.addLimbs(v[:], ^uint64(0), shift>>6)
		}
		return
	}
	x.addLimbs(v[:], 0, shift>>6)
}

// addLimbs adds limbs·2^(64·at) units, extended upward with sign.
func (x *exact) addLimbs(limbs []uint64, sign uint64, at int) {
	x.extendTo(at, at+len(limbs))
	i, carry := at-x.low, uint64(0)
	for _, limb := range limbs {
		x.limbs[i], carry = bits.Add64(x.limbs[i], limb, carry)
		i++
	}
	for ; i < len(x.limbs); i++ {
		x.limbs[i], carry = bits.Add64(x.limbs[i], sign, carry)
	}
	x.settle()
}

// settle makes the top limb pure sign, and the only one that is.
func (x *exact) settle() {
	n := len(x.limbs)
	top := x.limbs[n-1]
	if sign := uint64(int64(top) >> 63); top != sign {
		x.limbs = append(x.limbs, sign)
		return
	}
	for n > 2 && x.limbs[n-2] == top {
		n--
	}
	x.limbs = x.limbs[:n]
}

func (x *exact) merge(o *exact) {
	if o.limbs != nil {
		x.addLimbs(o.limbs, o.limbs[len(o.limbs)-1], o.low)
	}
}

func (x *exact) clone() exact { return exact{x.low, slices.Clone(x.limbs)} }

// magnitude returns sign and absolute value: ±limbs·2^exp units.
func (x *exact) magnitude() (negative bool, limbs []uint64, exp int) {
	limbs = slices.Clone(x.limbs)
	return negate(limbs), limbs, 64 * x.low
}

// negate turns a two's complement number into its absolute value and reports
// whether it was negative.
func negate(limbs []uint64) bool {
	if len(limbs) == 0 || int64(limbs[len(limbs)-1]) >= 0 {
		return false
	}
	borrow := uint64(0)
	for i, limb := range limbs {
		limbs[i], borrow = bits.Sub64(0, limb, borrow)
	}
	return true
}
