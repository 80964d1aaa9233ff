package agg

import (
	"math"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// Min is the smallest value of a field: by number, by time, or by bytes.
func Min[T field.Ordered](out, in *T) Term {
	return Term{function: "min", out: out, in: in, empty: emptyNull, build: buildExtreme(false)}
}

// Max is the largest value of a field. NaN is above every number.
func Max[T field.Ordered](out, in *T) Term {
	return Term{function: "max", out: out, in: in, empty: emptyNull, build: buildExtreme(true)}
}

func buildExtreme(largest bool) builder {
	return func(r *resolver, t *bound) (finish, error) {
		valid := func(*Table, *request) batch.Bitmap { return nil }
		if t.outType.Nullable {
			valid = r.seen(t)
		}
		switch t.in.Type.Kind.Form() {
		case batch.FloatForm:
			s := r.extreme(t, floatType, func() state { return &floatExtremes{largest: largest} })
			return func(t *Table, q *request) (output, error) {
				return output{floats: t.states[s].(*floatExtremes).values(q.slots), valid: valid(t, q)}, nil
			}, nil
		case batch.StringForm:
			s := r.extreme(t, nullableBytes, func() state { return &textExtremes{largest: largest} })
			outType := t.outType
			return func(t *Table, q *request) (output, error) {
				c, err := t.states[s].(*textExtremes).column(q.slots, outType)
				return output{column: c}, err
			}, nil
		}
		flip := extremeFlip(largest, t.in.Type.Kind == batch.Uint64)
		s := r.extreme(t, intType, func() state { return &intExtremes{flip: flip} })
		return func(t *Table, q *request) (output, error) {
			return output{ints: t.states[s].(*intExtremes).values(q.slots), valid: valid(t, q), same: true}, nil
		}, nil
	}
}

func (r *resolver) extreme(t *bound, saved *batch.Type, make func() state) int {
	name := t.function + "(" + t.in.Name + ")"
	return r.state(stateSpec{
		name: name, where: t.where, paths: [][]int{t.in.Path},
		fields: []batch.Field{{Name: name, Type: saved}}, make: make,
	})
}

// intExtremes keeps the largest of v XOR flip, a choice of flip making that
// the largest or smallest of signed or unsigned values: complementing reverses
// the order, the sign bit turns unsigned order into signed. A slot is empty
// while it holds the smallest int64; an equal real value does no harm, for
// whether there was any value is counted elsewhere.
type intExtremes struct {
	best []int64
	flip int64
}

func extremeFlip(largest, unsigned bool) int64 {
	var flip int64
	if !largest {
		flip = -1
	}
	if unsigned {
		flip ^= math.MinInt64
	}
	return flip
}

func (e *intExtremes) grow(n int) { e.best = extend(e.best, n, math.MinInt64) }

func (e *intExtremes) reset(slots []int32) {
	for _, s := range slots {
		e.best[s] = math.MinInt64
	}
}

func (e *intExtremes) add(v *view) error {
	best, values, flip := e.best, v.cols[0].Ints, e.flip
	switch {
	case v.slots == nil:
		e.addRun(v, values)
	case v.rows == nil:
		values = values[:len(v.slots)]
		for i, s := range v.slots {
			best[s] = max(best[s], values[i]^flip)
		}
	default:
		rows := v.rows[:len(v.slots)]
		for i, s := range v.slots {
			best[s] = max(best[s], values[rows[i]]^flip)
		}
	}
	return nil
}

func (e *intExtremes) addRun(v *view, values []int64) {
	best, flip := e.best[v.slot], e.flip
	if v.rows == nil {
		for _, x := range values[:v.n] {
			best = max(best, x^flip)
		}
	} else {
		for _, r := range v.rows[:v.n] {
			best = max(best, values[r]^flip)
		}
	}
	e.best[v.slot] = best
}

func (e *intExtremes) copyFrom(dst, src []int32) {
	for i, d := range dst {
		e.best[d] = e.best[src[i]]
	}
}

func (e *intExtremes) merge(dst, src []int32) {
	best := e.best
	for i, d := range dst {
		best[d] = max(best[d], best[src[i]])
	}
}

func (e *intExtremes) save(slots []int32) ([]*batch.Column, error) {
	return []*batch.Column{batch.NewInts(intType, pick(e.best, slots))}, nil
}

func (e *intExtremes) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, s := range slots {
		e.best[s] = max(e.best[s], saved[0].Ints[rowAt(rows, i)])
	}
	return nil
}

func (e *intExtremes) sizeBytes() int64 { return int64(8 * cap(e.best)) }

func (e *intExtremes) values(slots []int32) []int64 {
	out := pick(e.best, slots)
	for i := range out {
		out[i] ^= e.flip
	}
	return out
}
