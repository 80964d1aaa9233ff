package agg

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Saved form of an exact number ±odd·2^exp, the same for equal numbers however
// they came about:
//
//	(nothing)                                 zero
//	sign 00 or 01 │ exp zigzag varint │ odd big endian, without leading zero bytes

// appendExact appends ±limbs·2^exp to dst.
func appendExact(dst []byte, negative bool, limbs []uint64, exp int) []byte {
	length := bitLength(limbs)
	if length == 0 {
		return dst
	}
	zeros := 0
	for limbs[zeros/64] == 0 {
		zeros += 64
	}
	zeros += bits.TrailingZeros64(limbs[zeros/64])
	sign := byte(0)
	if negative {
		sign = 1
	}
	dst = binary.AppendVarint(append(dst, sign), int64(exp+zeros))
	for at := (length - zeros - 1) &^ 7; at >= 0; at -= 8 {
		dst = append(dst, byte(bitsAt(limbs, zeros+at)))
	}
	return dst
}

var errExact = errors.New("a saved sum is damaged; restore from another checkpoint")

// parseExact reads what appendExact wrote. minExp and maxBits bound what a
// sound sum can be, so that damage does not turn into a huge allocation.
func parseExact(b []byte, minExp, maxBits int) (negative bool, limbs []uint64, exp int, err error) {
	if len(b) == 0 {
		return false, nil, 0, nil
	}
	e, n := binary.Varint(b[1:])
	if b[0] > 1 || n <= 0 || len(b) == 1+n {
		return false, nil, 0, errExact
	}
	digits := b[1+n:]
	if e < int64(minExp) || e > int64(minExp+maxBits) || int(e)-minExp+8*len(digits) > maxBits {
		return false, nil, 0, errExact
	}
	limbs = make([]uint64, (len(digits)+7)/8)
	for i := range digits {
		limbs[i/8] |= uint64(digits[len(digits)-1-i]) << (8 * (i % 8))
	}
	return b[0] == 1, limbs, int(e), nil
}

// addMagnitude adds ±limbs·2^shift units, shift ≥ 0.
func (x *exact) addMagnitude(negative bool, limbs []uint64, shift int) {
	for i, v := range limbs {
		if v != 0 {
			x.add(negative, 0, v, shift+64*i)
		}
	}
}
