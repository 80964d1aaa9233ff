package agg

import (
	"math"
	"math/big"
	"reflect"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// number is a rational, or NaN or an infinity.
type number struct {
	rat     *big.Rat
	special float64
}

func ofInt(x *big.Int) *number { return &number{rat: new(big.Rat).SetInt(x)} }

func ofFloat(x float64) *number {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return &number{special: x}
	}
	return &number{rat: new(big.Rat).SetFloat64(x)}
}

// totals sums numbers and their squares in the rationals.
type totals struct {
	n             int64
	total, total2 *big.Rat
	special       float64 // sum of what is not finite
	hasSpecial    bool
}

func numbers(rows []item, of func(item) *number) totals {
	t := totals{total: new(big.Rat), total2: new(big.Rat)}
	for _, e := range rows {
		x := of(e)
		t.n++
		if x.rat == nil {
			t.special, t.hasSpecial = canonicalFloat(t.special+x.special), true
			continue
		}
		t.total.Add(t.total, x.rat)
		t.total2.Add(t.total2, new(big.Rat).Mul(x.rat, x.rat))
	}
	return t
}

func (t totals) sum() *float64 {
	if t.hasSpecial {
		return &t.special
	}
	f, _ := t.total.Float64()
	return &f
}

func (t totals) mean() *float64 {
	if t.n == 0 {
		return nil
	}
	if t.hasSpecial {
		return &t.special
	}
	f, _ := new(big.Rat).Quo(t.total, new(big.Rat).SetInt64(t.n)).Float64()
	return &f
}

// varianceExact returns the variance with divisor n−less; nil when there is
// none, NaN as a number without rat.
func (t totals) varianceExact(less int64) *number {
	if t.n <= less {
		return nil
	}
	if t.hasSpecial {
		return &number{special: math.NaN()}
	}
	n := new(big.Rat).SetInt64(t.n)
	v := new(big.Rat).Mul(t.total, t.total)
	v.Sub(t.total2, v.Quo(v, n))
	return &number{rat: v.Quo(v, new(big.Rat).SetInt64(t.n-less))}
}

func (t totals) variance(less int64) *float64 {
	v := t.varianceExact(less)
	switch {
	case v == nil:
		return nil
	case v.rat == nil:
		return &v.special
	}
	f, _ := v.rat.Float64()
	return &f
}

// root returns the square root, by a floating-point number of 4,400 bits.
func root(v *number) *float64 {
	switch {
	case v == nil:
		return nil
	case v.rat == nil:
		return &v.special
	}
	f, _ := new(big.Float).SetPrec(4400).SetRat(v.rat).Float64()
	if v.rat.Sign() > 0 {
		f, _ = new(big.Float).Sqrt(new(big.Float).SetPrec(4400).SetRat(v.rat)).Float64()
	}
	return &f
}

func keep(rows []item, ok func(item) bool) []item {
	var out []item
	for _, e := range rows {
		if ok(e) {
			out = append(out, e)
		}
	}
	return out
}

func sorted(rows []item, key func(item) string) []item {
	keys := make([]string, len(rows))
	order := make([]int, len(rows))
	for i, e := range rows {
		keys[i], order[i] = key(e), i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case keys[a] < keys[b]:
			return -1
		case keys[a] > keys[b]:
			return 1
		}
		return 0
	})
	out := make([]item, len(rows))
	for i, o := range order {
		out[i] = rows[o]
	}
	return out
}

// keyOf returns the canonical key bytes of a Go value.
func keyOf(v any) string {
	var c *batch.Column
	switch v := v.(type) {
	case int:
		return ""
	case int32:
		c = column(v)
	case int64:
		c = column(v)
	case uint64:
		c = column(v)
	case float64:
		c = column(v)
	case string:
		c = column(v)
	case *int32:
		c = column(v)
	case nested:
		c = column(v)
	default:
		panic(reflect.TypeOf(v))
	}
	return string(codec.AppendKey(nil, c, 0))
}

// column encodes rows.
// columns is the input of a state.
func columns(values []float64) []*batch.Column { return []*batch.Column{column(values...)} }

func column[T any](rows ...T) *batch.Column {
	c, err := codec.For[T]()
	if err != nil {
		panic(err)
	}
	e := c.NewEncoder()
	if err := e.Append(rows); err != nil {
		panic(err)
	}
	return e.Finish()
}
