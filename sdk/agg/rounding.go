package agg

import (
	"math"
	"math/big"
	"math/bits"
)

// The functions here turn exact values into floats, rounding once, to nearest
// even. A magnitude is a little-endian list of 64-bit limbs.

// roundLimbs returns ±magnitude·2^exp as the nearest float64, and whether that
// is exact. sticky says that the true magnitude is a little more, by less than
// its lowest bit; then it must be at least 55 bits long.
func roundLimbs(negative bool, magnitude []uint64, exp int, sticky bool) (f float64, exact bool) {
	if f, exact, ok := roundTop(magnitude, exp, sticky); ok {
		if negative {
			f = -f
		}
		return f, exact
	}
	length := bitLength(magnitude)
	if length == 0 {
		return 0, !sticky
	}
	// A float has 53 bits, fewer where its last bit would be below 2^-1074.
	drop := max(length-53, -1074-exp)
	if drop <= 0 {
		f = math.Ldexp(float64(bitsAt(magnitude, 0)), exp)
		exact = !sticky
	} else {
		keep := bitsAt(magnitude, drop)
		half := drop <= length && bitsAt(magnitude, drop-1)&1 == 1
		rest := sticky || anyBelow(magnitude, drop-1)
		if half && (rest || keep&1 == 1) {
			keep++
		}
		f = math.Ldexp(float64(keep), exp+drop)
		exact = !half && !rest
	}
	if math.IsInf(f, 0) {
		exact = false
	}
	if negative {
		f = -f
	}
	return f, exact
}

// roundTop is roundLimbs for results that are neither zero nor near the ends of
// what a float can hold: the highest 64 bits, the last of them set when anything
// below is, are rounded by the processor, and a power of two does not round.
func roundTop(magnitude []uint64, exp int, sticky bool) (f float64, exact, ok bool) {
	i := len(magnitude) - 1
	for i >= 0 && magnitude[i] == 0 {
		i--
	}
	if i < 0 {
		return 0, false, false
	}
	k := uint(bits.LeadingZeros64(magnitude[i]))
	top := magnitude[i] << k
	var rest uint64
	if i > 0 {
		top |= magnitude[i-1] >> 1 >> (63 - k)
		rest = magnitude[i-1] << k
		for _, v := range magnitude[:i-1] {
			rest |= v
		}
	}
	if rest != 0 || sticky {
		top |= 1
	}
	e := exp + 64*i - int(k)
	if e < -1022 || e > 1023-64 {
		return 0, false, false
	}
	return float64(top) * math.Float64frombits(uint64(e+1023)<<52), top&(1<<11-1) == 0, true
}

// bitLength returns the number of bits of a magnitude without leading zeros.
func bitLength(magnitude []uint64) int {
	for i := len(magnitude) - 1; i >= 0; i-- {
		if magnitude[i] != 0 {
			return 64*i + bits.Len64(magnitude[i])
		}
	}
	return 0
}

// bitsAt returns the 64 bits of a magnitude from bit position at on.
func bitsAt(magnitude []uint64, at int) uint64 {
	limb, shift := at>>6, uint(at&63)
	if limb >= len(magnitude) {
		return 0
	}
	v := magnitude[limb] >> shift
	if shift > 0 && limb+1 < len(magnitude) {
		v |= magnitude[limb+1] << (64 - shift)
	}
	return v
}

// anyBelow reports whether any bit below position at is set.
func anyBelow(magnitude []uint64, at int) bool {
	for i, v := range magnitude {
		switch {
		case at <= 64*i:
			return false
		case at < 64*i+64:
			return v&(1<<(at-64*i)-1) != 0
		case v != 0:
			return true
		}
	}
	return false
}

// roundQuotient returns ±magnitude·2^exp / divisor as the nearest float64.
func roundQuotient(negative bool, magnitude []uint64, exp int, divisor uint64) float64 {
	// Two limbs below the point leave at least 64 bits of quotient, enough to
	// round by, whatever the divisor.
	var room [5]uint64 // enough for a sum of 192 bits
	quotient := append(room[:0], 0, 0)
	quotient = append(quotient, magnitude...)
	var rest uint64
	for i := len(quotient) - 1; i >= 0; i-- {
		quotient[i], rest = bits.Div64(rest, quotient[i], divisor)
	}
	f, _ := roundLimbs(negative, quotient, exp-128, rest != 0)
	return f
}

// text128 renders high·2^64 + low in decimal.
func text128(high, low int64) string {
	negative, l, h := magnitude128(high, low)
	v := new(big.Int).SetUint64(h)
	v.Lsh(v, 64).Add(v, new(big.Int).SetUint64(l))
	if negative {
		v.Neg(v)
	}
	return v.String()
}
