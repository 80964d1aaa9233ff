package agg

import (
	"math"
	"math/big"

	"github.com/leatflow/leat/sdk/batch"
)

// Variance is the sample variance, Σ(x−mean)²/(n−1), exact and rounded once.
// It is null for fewer than two values.
func Variance[I Number](out *float64, in *I) Term {
	return spread("variance", out, in, true, false)
}

// StdDev is the square root of the exact sample variance, rounded once. It is
// null for fewer than two values.
func StdDev[I Number](out *float64, in *I) Term { return spread("stdDev", out, in, true, true) }

// PopulationVariance is Σ(x−mean)²/n, exact and rounded once, null without any
// value.
func PopulationVariance[I Number](out *float64, in *I) Term {
	return spread("populationVariance", out, in, false, false)
}

// PopulationStdDev is the square root of the exact population variance, rounded
// once, null without any value.
func PopulationStdDev[I Number](out *float64, in *I) Term {
	return spread("populationStdDev", out, in, false, true)
}

func spread(function string, out, in any, sample, root bool) Term {
	t := Term{function: function, out: out, in: in, empty: emptyNull}
	least := int64(1)
	if sample {
		t.empty, least = singleNull, 2
	}
	t.build = func(r *resolver, b *bound) (finish, error) {
		return buildSpread(r, b, least, root), nil
	}
	return t
}

// moments is the states a variance is made of: number, sum and sum of squares.
type moments struct {
	count, sum, squares int
	floats              bool
}

func buildSpread(r *resolver, b *bound, least int64, root bool) finish {
	m := moments{count: r.present(b), floats: b.in.Type.Kind.Float(), squares: r.squares(b)}
	if m.floats {
		m.sum = r.floatSum(b)
	} else {
		m.sum = r.intSum(b)
	}
	valid := func(*Table, *request) batch.Bitmap { return nil }
	if b.outType.Nullable {
		valid = r.atLeast(b, least)
	}
	return func(t *Table, q *request) (output, error) {
		n := t.states[m.count].(*counts).n
		out := make([]float64, len(q.slots))
		for i, s := range q.slots {
			if n[s] >= least {
				out[i] = m.spread(t, s, n[s], n[s]-least+1, root)
			}
		}
		return output{floats: out, valid: valid(t, q)}, nil
	}
}

// spread returns (n·Σx² − (Σx)²) / (n·divisor), or its root.
func (m *moments) spread(t *Table, slot int32, n, divisor int64, root bool) float64 {
	sum, square := new(big.Int), new(big.Int)
	exp := 0 // both sides are integers times 2^exp
	squares := t.states[m.squares].(*squareSums)
	if m.floats {
		floats := t.states[m.sum].(*floatSums)
		if floats.specialAt(slot) != (specials{}) {
			return math.NaN()
		}
		negative, limbs, low := floats.total(slot, new([3]uint64))
		setBig(sum, negative, limbs)
		_, limbs, lowSquare := squares.sums[slot].magnitude()
		lowSquare += squareUnit
		setBig(square, false, limbs)
		// Bring both to the lower of the two units, Σx to its root.
		if lowSquare < 2*low {
			shift := low - (lowSquare >> 1)
			sum.Lsh(sum, uint(shift))
			low -= shift
		}
		square.Lsh(square, uint(max(0, lowSquare-2*low)))
		exp = 2 * low
	} else {
		negative, low, high := t.states[m.sum].(*intSums).magnitude(slot)
		setBig(sum, negative, []uint64{low, high})
		_, limbs, at := squares.sums[slot].magnitude()
		setBig(square, false, limbs)
		square.Lsh(square, uint(at))
	}
	count := big.NewInt(n)
	numerator := square.Mul(square, count)
	numerator.Sub(numerator, sum.Mul(sum, sum))
	if numerator.Sign() < 0 { // only of a damaged checkpoint: the sums do not belong together
		return math.NaN()
	}
	denominator := count.Mul(count, big.NewInt(divisor))
	if root {
		return roundRoot(numerator, denominator, exp)
	}
	return roundRatio(numerator, denominator, exp)
}

// setBig sets x to ±limbs.
func setBig(x *big.Int, negative bool, limbs []uint64) {
	b := make([]byte, 8*len(limbs))
	for i, v := range limbs {
		for j := range 8 {
			b[len(b)-1-8*i-j] = byte(v >> (8 * j))
		}
	}
	x.SetBytes(b)
	if negative {
		x.Neg(x)
	}
}

// roundRatio returns a/b·2^exp for a ≥ 0, b > 0 as the nearest float64.
func roundRatio(a, b *big.Int, exp int) float64 {
	if a.Sign() == 0 {
		return 0
	}
	shift := max(0, 66-a.BitLen()+b.BitLen()) // a quotient of at least 65 bits
	q, rest := new(big.Int).QuoRem(new(big.Int).Lsh(a, uint(shift)), b, new(big.Int))
	f, _ := roundLimbs(false, limbsOf(q), exp-shift, rest.Sign() != 0)
	return f
}

// roundRoot returns √(a/b·2^exp) for a ≥ 0, b > 0 and an even exp as the nearest
// float64.
func roundRoot(a, b *big.Int, exp int) float64 {
	if a.Sign() == 0 {
		return 0
	}
	shift := (max(0, 132-a.BitLen()+b.BitLen()) + 1) &^ 1
	q, rest := new(big.Int).QuoRem(new(big.Int).Lsh(a, uint(shift)), b, new(big.Int))
	root := new(big.Int).Sqrt(q)
	exact := rest.Sign() == 0 && new(big.Int).Mul(root, root).Cmp(q) == 0
	f, _ := roundLimbs(false, limbsOf(root), (exp-shift)/2, !exact)
	return f
}

// limbsOf returns x ≥ 0 as 64-bit limbs, little end first.
func limbsOf(x *big.Int) []uint64 {
	b := x.Bytes()
	limbs := make([]uint64, (len(b)+7)/8)
	for i := range b {
		limbs[i/8] |= uint64(b[len(b)-1-i]) << (8 * (i % 8))
	}
	return limbs
}
