package profile

import "github.com/leatflow/leat/sdk/batch"

// bounds are the smallest and largest value of a column of numbers, booleans or
// times, kept as a column of two rows so that they are rendered as any value.
type bounds struct {
	any       bool
	low, high int64
	lowFloat  float64
	highFloat float64
}

// ints takes integers. Those of uint64 are compared without sign.
func (b *bounds) ints(c *batch.Column) {
	flip := int64(0)
	if c.Type.Kind == batch.Uint64 {
		flip = -1 << 63
	}
	for i, v := range c.Ints {
		if c.Valid != nil && !c.Valid.Get(i) {
			continue
		}
		if !b.any {
			b.any, b.low, b.high = true, v, v
		}
		if v^flip < b.low^flip {
			b.low = v
		}
		if v^flip > b.high^flip {
			b.high = v
		}
	}
}

// floats takes floats and returns how many were NaN, which has no place in the order.
func (b *bounds) floats(c *batch.Column) int64 {
	var nans int64
	for i, v := range c.Floats {
		switch {
		case c.Valid != nil && !c.Valid.Get(i):
		case v != v:
			nans++
		case !b.any:
			b.any, b.lowFloat, b.highFloat = true, v, v
		default:
			b.lowFloat, b.highFloat = min(b.lowFloat, v), max(b.highFloat, v)
		}
	}
	return nans
}

func (b *bounds) bools(c *batch.Column) {
	for i, v := range c.Bools {
		if c.Null(i) {
			continue
		}
		n := int64(0)
		if v {
			n = 1
		}
		if !b.any {
			b.any, b.low, b.high = true, n, n
		}
		b.low, b.high = min(b.low, n), max(b.high, n)
	}
}

func (b *bounds) render(t *batch.Type) (low, high string) {
	if !b.any {
		return "", ""
	}
	c := &batch.Column{Type: t, Len: 2}
	switch t.Kind.Form() {
	case batch.IntForm:
		c.Ints = []int64{b.low, b.high}
	case batch.FloatForm:
		c.Floats = []float64{b.lowFloat, b.highFloat}
	case batch.BoolForm:
		c.Bools = []bool{b.low != 0, b.high != 0}
	}
	return c.Format(0), c.Format(1)
}

// clock follows a time column.
type clock struct {
	Times
	before int64
}

func (t *clock) add(c *batch.Column) {
	for i, v := range c.Ints {
		if c.Valid != nil && !c.Valid.Get(i) {
			continue
		}
		if t.Values == 0 {
			t.From, t.To, t.before = v, v, v
			t.Values = 1
			continue
		}
		t.Values++
		switch {
		case v < t.To:
			t.OutOfOrder++
			t.DisorderMicros = max(t.DisorderMicros, t.To-v)
			t.From = min(t.From, v)
		default:
			t.To = v
		}
		if v == t.before {
			t.Repeated++
		}
		t.before = v
	}
}
