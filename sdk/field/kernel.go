package field

import (
	"cmp"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// leaf evaluates one comparison over a column. The operation and the form are
// decided here, once a batch; the loops below see plain slices.
func (e *Evaluator) leaf(c *batch.Column, rows, dst []int32) []int32 {
	p := e.predicate
	switch p.Op {
	case OpIsNull, OpNotNull:
		return nullRows(c, p.Op == OpIsNull, rows, dst)
	}
	if c.Valid != nil {
		rows = nullRows(c, false, rows, nil)
		if len(rows) == 0 {
			return dst
		}
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		if c.Type.Kind == batch.Uint64 {
			return unsignedRows(c.Ints, p, rows, dst)
		}
		return scalarRows(c.Ints, p.Op, literals(p, func(v Value) int64 { return v.Int }), rows, dst)
	case batch.FloatForm:
		return scalarRows(c.Floats, p.Op, literals(p, func(v Value) float64 { return v.Float }), rows, dst)
	case batch.BoolForm:
		return matchRows(c.Len, rows, dst, func(i int) bool { return p.matchValue(Value{Kind: batch.Bool, Bool: c.Bools[i]}) })
	}
	return e.stringRows(c, rows, dst)
}

func literals[T any](p *Predicate, of func(Value) T) []T {
	out := make([]T, len(p.Values))
	for i, v := range p.Values {
		out[i] = of(v)
	}
	return out
}

func nullRows(c *batch.Column, null bool, rows, dst []int32) []int32 {
	if c.Valid == nil {
		if null {
			return dst
		}
		return appendRows(dst, rows, c.Len)
	}
	return matchRows(c.Len, rows, dst, func(i int) bool { return c.Valid.Get(i) != null })
}

// matchRows is the slow path for forms where a call per row does not matter.
func matchRows(n int, rows, dst []int32, match func(i int) bool) []int32 {
	if rows == nil {
		for i := range n {
			if match(i) {
				dst = append(dst, int32(i))
			}
		}
		return dst
	}
	for _, r := range rows {
		if match(int(r)) {
			dst = append(dst, r)
		}
	}
	return dst
}

// unsignedRows compares uint64 values, which are kept as int64 bits: flipping
// the sign bit of both sides turns unsigned order into signed order.
func unsignedRows(values []int64, p *Predicate, rows, dst []int32) []int32 {
	flipped := make([]int64, len(values))
	for i, v := range values {
		flipped[i] = v ^ math.MinInt64
	}
	return scalarRows(flipped, p.Op, literals(p, func(v Value) int64 { return v.Int ^ math.MinInt64 }), rows, dst)
}

// scalarRows narrows rows to those whose value satisfies op. Each comparison
// writes the row unconditionally and advances by the outcome, so that an
// unpredictable condition costs no branch.
func scalarRows[T cmp.Ordered](values []T, op Op, v []T, rows, dst []int32) []int32 {
	n := len(values)
	if rows != nil {
		n = len(rows)
	}
	start := len(dst)
	dst = slices.Grow(dst, n)[:start+n]
	out := dst[start:]
	var kept int
	switch op {
	case OpEqual:
		kept = keep(values, rows, out, v[0], func(a, b T) bool { return a == b })
	case OpNotEqual:
		kept = keep(values, rows, out, v[0], func(a, b T) bool { return a != b })
	case OpLess:
		kept = keepLess(values, rows, out, v[0])
	case OpAtMost:
		kept = keepAtMost(values, rows, out, v[0])
	case OpGreater:
		kept = keepGreater(values, rows, out, v[0])
	case OpAtLeast:
		kept = keepAtLeast(values, rows, out, v[0])
	case OpIn, OpNotIn:
		want := op == OpIn
		kept = keep(values, rows, out, v[:0], func(a T, _ []T) bool { return slices.Contains(v, a) == want })
	}
	return dst[:start+kept]
}

func keep[T, V any](values []T, rows, out []int32, v V, match func(T, V) bool) int {
	k := 0
	if rows == nil {
		for i, x := range values {
			if match(x, v) {
				out[k] = int32(i)
				k++
			}
		}
		return k
	}
	for _, r := range rows {
		if match(values[r], v) {
			out[k] = r
			k++
		}
	}
	return k
}

func keepLess[T cmp.Ordered](values []T, rows, out []int32, v T) int {
	k := 0
	if rows == nil {
		for i, x := range values {
			out[k] = int32(i)
			if x < v {
				k++
			}
		}
		return k
	}
	for _, r := range rows {
		out[k] = r
		if values[r] < v {
			k++
		}
	}
	return k
}

func keepAtMost[T cmp.Ordered](values []T, rows, out []int32, v T) int {
	k := 0
	if rows == nil {
		for i, x := range values {
			out[k] = int32(i)
			if x <= v {
				k++
			}
		}
		return k
	}
	for _, r := range rows {
		out[k] = r
		if values[r] <= v {
			k++
		}
	}
	return k
}

func keepGreater[T cmp.Ordered](values []T, rows, out []int32, v T) int {
	k := 0
	if rows == nil {
		for i, x := range values {
			out[k] = int32(i)
			if x > v {
				k++
			}
		}
		return k
	}
	for _, r := range rows {
		out[k] = r
		if values[r] > v {
			k++
		}
	}
	return k
}

func keepAtLeast[T cmp.Ordered](values []T, rows, out []int32, v T) int {
	k := 0
	if rows == nil {
		for i, x := range values {
			out[k] = int32(i)
			if x >= v {
				k++
			}
		}
		return k
	}
	for _, r := range rows {
		out[k] = r
		if values[r] >= v {
			k++
		}
	}
	return k
}

// stringRows compares a string column: per dictionary entry where the
// dictionary is not larger than the batch or was seen before, per row else.
func (e *Evaluator) stringRows(c *batch.Column, rows, dst []int32) []int32 {
	p := e.predicate
	if c.Dict == nil || (c.Dict != e.dict && c.Dict.Len() > 2*c.Len) {
		return matchRows(c.Len, rows, dst, func(i int) bool { return p.matchText(c.Text(i)) })
	}
	if c.Dict != e.dict {
		e.dict = c.Dict
		e.keep = make([]bool, c.Dict.Len())
		for i := range e.keep {
			e.keep[i] = p.matchText(c.Dict.At(i))
		}
	}
	return matchRows(c.Len, rows, dst, func(i int) bool { return e.keep[c.Codes[i]] })
}

func (p *Predicate) matchText(s string) bool {
	return p.matchValue(Value{Kind: batch.String, Text: s})
}

func (p *Predicate) matchValue(v Value) bool {
	switch p.Op {
	case OpIn, OpNotIn:
		found := slices.ContainsFunc(p.Values, func(w Value) bool { return v.Compare(w) == 0 })
		return found == (p.Op == OpIn)
	}
	order := v.Compare(p.Values[0])
	switch p.Op {
	case OpEqual:
		return order == 0
	case OpNotEqual:
		return order != 0
	case OpLess:
		return order < 0
	case OpAtMost:
		return order <= 0
	case OpGreater:
		return order > 0
	}
	return order >= 0
}
