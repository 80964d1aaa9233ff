package agg

import (
	"math"
	"math/bits"

	"github.com/leatflow/leat/sdk/batch"
)

// squareSums adds the squares of a field exactly. The square of a number with a
// 53-bit significand, or of a 64-bit integer, is an integer of at most 128 bits
// times a power of two, so it is formed without rounding and added as it is.
// NaN and infinities are left to the sum, which every user of this has too.
type squareSums struct {
	sums   []exact // in units of 2^squareUnit for floats, of 1 for integers
	floats bool
	signed bool
}

// squareUnit is the exponent of the lowest bit of the square of the smallest float.
const squareUnit = 2 * exponent0

func (r *resolver) squares(t *bound) int {
	name := "squares(" + t.in.Name + ")"
	kind := t.in.Type.Kind
	return r.state(stateSpec{
		name: name, where: t.where, paths: [][]int{t.in.Path},
		fields: []batch.Field{{Name: name, Type: bytesType}},
		make:   func() state { return &squareSums{floats: kind.Float(), signed: kind != batch.Uint64} },
	})
}

func (q *squareSums) grow(n int) {
	for len(q.sums) < n {
		q.sums = append(q.sums, exact{})
	}
}

func (q *squareSums) reset(slots []int32) {
	for _, s := range slots {
		q.sums[s] = exact{}
	}
}

func (q *squareSums) add(v *view) error {
	if q.floats {
		for i := range v.n {
			q.sums[v.slotAt(i)].addSquare(v.cols[0].Floats[v.row(i)])
		}
		return nil
	}
	for i := range v.n {
		x := v.cols[0].Ints[v.row(i)]
		m := uint64(x)
		if q.signed && x < 0 {
			m = -m
		}
		high, low := bits.Mul64(m, m)
		q.sums[v.slotAt(i)].add(false, high, low, 0)
	}
	return nil
}

func (x *exact) addSquare(f float64) {
	b := math.Float64bits(f)
	p, m := int(b>>52&0x7ff)-1, b&fraction
	switch {
	case p == int(specialP):
		return
	case p < 0:
		p = 0
	default:
		m |= hiddenBit
	}
	if high, low := bits.Mul64(m, m); low|high != 0 {
		x.add(false, high, low, 2*p)
	}
}

func (q *squareSums) copyFrom(dst, src []int32) {
	for i, d := range dst {
		q.sums[d] = q.sums[src[i]].clone()
	}
}

func (q *squareSums) merge(dst, src []int32) {
	for i, d := range dst {
		q.sums[d].merge(&q.sums[src[i]])
	}
}

func (q *squareSums) save(slots []int32) ([]*batch.Column, error) {
	b := newTexts(len(slots))
	var buffer []byte
	for _, s := range slots {
		negative, limbs, exp := q.sums[s].magnitude()
		buffer = appendExact(buffer[:0], negative, limbs, exp)
		b.addBytes(buffer)
	}
	return single(b.column(bytesType))
}

func (q *squareSums) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, s := range slots {
		negative, limbs, exp, err := parseExact(saved[0].Bytes(rowAt(rows, i)), 0, 2*maxBits)
		if err != nil {
			return err
		}
		if negative {
			return errExact
		}
		q.sums[s].addMagnitude(negative, limbs, exp)
	}
	return nil
}

func (q *squareSums) sizeBytes() int64 {
	n := int64(32 * cap(q.sums))
	for i := range q.sums {
		n += int64(8 * cap(q.sums[i].limbs))
	}
	return n
}
