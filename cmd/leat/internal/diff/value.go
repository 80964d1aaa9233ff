package diff

import (
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// near reports whether two floats are equal within tolerance t: by the formula of
// the package comment, NaN equal to NaN, infinities only to themselves.
func near(a, b, t float64) bool {
	if a == b {
		return true
	}
	if a != a || b != b {
		return a != a && b != b
	}
	if math.IsInf(a, 0) || math.IsInf(b, 0) {
		return false
	}
	return math.Abs(a-b) <= t*max(1, math.Abs(a), math.Abs(b))
}

// equal is batch.Column.Equal with a tolerance for floats at any depth. Both
// columns are of types that align.
func equal(a *batch.Column, row int, b *batch.Column, other int, t float64) bool {
	if n := a.Null(row); n || b.Null(other) {
		return n == b.Null(other)
	}
	switch a.Type.Kind.Form() {
	case batch.FloatForm:
		return near(a.Floats[row], b.Floats[other], t)
	case batch.ListForm:
		from, to := a.Range(row)
		ofrom, oto := b.Range(other)
		if to-from != oto-ofrom {
			return false
		}
		for i := range to - from {
			if !equalChildren(a, from+i, b, ofrom+i, t) {
				return false
			}
		}
		return true
	case batch.StructForm:
		return equalChildren(a, row, b, other, t)
	}
	return a.Equal(row, b, other)
}

func equalChildren(a *batch.Column, row int, b *batch.Column, other int, t float64) bool {
	for i, child := range a.Children {
		if !equal(child, row, b.Children[i], other, t) {
			return false
		}
	}
	return true
}

// apart returns |a−b| of two values of a column of floats; 0 for other columns,
// nulls and what is not a finite number.
func apart(a *batch.Column, row int, b *batch.Column, other int) float64 {
	if a.Type.Kind.Form() != batch.FloatForm || a.Null(row) || b.Null(other) {
		return 0
	}
	d := math.Abs(a.Floats[row] - b.Floats[other])
	if math.IsNaN(d) || math.IsInf(d, 0) {
		return 0
	}
	return d
}
