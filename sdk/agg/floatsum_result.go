package agg

import (
	"encoding/binary"
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// total returns the finite part of a slot's sum as ±limbs·2^exp. The limbs are in
// room where they fit.
func (f *floatSums) total(slot int32, room *[3]uint64) (negative bool, limbs []uint64, exp int) {
	f.settle(slot)
	s := &f.slots[slot]
	switch {
	case s.wide != 0:
		negative, limbs, exp = f.wide[s.wide].magnitude()
		return negative, limbs, exp + wideUnit
	case s.base == unset:
		return false, nil, 0
	}
	*room = [3]uint64{s.l0, s.l1, s.l2}
	return negate(room[:]), room[:], int(s.base) + exponent0
}

// specialAt returns what a slot has seen besides finite values.
func (f *floatSums) specialAt(slot int32) specials {
	if f.special == nil {
		return specials{}
	}
	return f.special[slot]
}

// float returns the sum of a slot that has seen NaN or infinities.
func (s specials) float() (sum float64, ok bool) {
	switch {
	case s.nan > 0 || s.plus > 0 && s.minus > 0:
		return math.NaN(), true
	case s.plus > 0:
		return math.Inf(1), true
	case s.minus > 0:
		return math.Inf(-1), true
	}
	return 0, false
}

// round returns the totals, each rounded once.
func (f *floatSums) round(slots []int32) []float64 {
	out := make([]float64, len(slots))
	var room [3]uint64
	for i, s := range slots {
		if f.read != nil {
			if out[i] = f.read[s]; out[i] == out[i] {
				continue
			}
		}
		var special bool
		if out[i], special = f.specialAt(s).float(); !special {
			negative, limbs, exp := f.total(s, &room)
			out[i], _ = roundLimbs(negative, limbs, exp, false)
		}
	}
	return out
}

// A sum is saved as three varints, how many NaN, +∞ and −∞ there were, and the
// exact finite part.
func (f *floatSums) save(slots []int32) ([]*batch.Column, error) {
	b := newTexts(len(slots))
	var buffer []byte
	var room [3]uint64
	for _, s := range slots {
		special := f.specialAt(s)
		buffer = binary.AppendUvarint(buffer[:0], uint64(special.nan))
		buffer = binary.AppendUvarint(buffer, uint64(special.plus))
		buffer = binary.AppendUvarint(buffer, uint64(special.minus))
		negative, limbs, exp := f.total(s, &room)
		b.addBytes(appendExact(buffer, negative, limbs, exp))
	}
	return single(b.column(bytesType))
}

// maxBits is what a sum of 2^63 floats can take, from the lowest bit of the
// smallest to the highest of the largest.
const maxBits = 2048 + 64 + 1100

func (f *floatSums) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, slot := range slots {
		b := saved[0].Bytes(rowAt(rows, i))
		var counts [3]int64
		for j := range counts {
			v, n := binary.Uvarint(b)
			if n <= 0 || v > math.MaxInt64 {
				return errExact
			}
			counts[j], b = int64(v), b[n:]
		}
		negative, limbs, exp, err := parseExact(b, wideUnit, maxBits)
		if err != nil {
			return err
		}
		f.mergeSpecial(slot, specials{counts[0], counts[1], counts[2]})
		f.loadFinite(slot, negative, limbs, exp)
	}
	return nil
}

// loadFinite adds ±limbs·2^exp, in 192 bits where it fits with room around it.
func (f *floatSums) loadFinite(slot int32, negative bool, limbs []uint64, exp int) {
	length := bitLength(limbs)
	if length == 0 {
		return
	}
	if length > shiftMax+53-firstBit {
		f.widen(slot).addMagnitude(negative, limbs, exp-wideUnit)
		return
	}
	var x exact
	x.add(negative, bitsAt(limbs, 64), bitsAt(limbs, 0), firstBit)
	x.extendTo(0, 3)
	f.mergeNarrow(slot, narrow{l0: x.limbs[0], l1: x.limbs[1], l2: x.limbs[2], base: int32(exp - exponent0 - firstBit)})
}

func (f *floatSums) sizeBytes() int64 {
	n := int64(32*cap(f.slots) + 32*cap(f.wide) + 24*cap(f.special) + 8*cap(f.read))
	for i := range f.wide {
		n += int64(8 * cap(f.wide[i].limbs))
	}
	return n
}
