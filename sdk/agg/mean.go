package agg

import (
	"github.com/leatflow/leat/sdk/batch"
)

// Mean is the exact sum of a field divided by the number of its values, rounded
// once. Without any value it is null.
func Mean[I Number](out *float64, in *I) Term {
	return Term{function: "mean", out: out, in: in, empty: emptyNull, build: buildMean}
}

func buildMean(r *resolver, t *bound) (finish, error) {
	present := r.present(t)
	valid := func(*Table, *request) batch.Bitmap { return nil }
	if t.outType.Nullable {
		valid = r.seen(t)
	}
	if t.in.Type.Kind.Float() {
		sum := r.floatSum(t)
		return func(t *Table, q *request) (output, error) {
			n := t.states[present].(*counts).n
			return output{floats: t.states[sum].(*floatSums).means(q.slots, n), valid: valid(t, q)}, nil
		}, nil
	}
	sum := r.intSum(t)
	return func(t *Table, q *request) (output, error) {
		n := t.states[present].(*counts).n
		return output{floats: t.states[sum].(*intSums).means(q.slots, n), valid: valid(t, q)}, nil
	}, nil
}

// means divides the sums of slots by n.
func (s *intSums) means(slots []int32, n []int64) []float64 {
	out := make([]float64, len(slots))
	for i, slot := range slots {
		count := n[slot]
		switch {
		case count == 0:
		case s.highAt(slot) == 0 && exactFloat(s.low[slot]) && exactFloat(count):
			// Both are floats: the processor's division rounds the true quotient.
			out[i] = float64(s.low[slot]) / float64(count)
		default:
			negative, low, high := s.magnitude(slot)
			out[i] = roundQuotient(negative, []uint64{low, high}, 0, uint64(count))
		}
	}
	return out
}

// means divides the sums of slots by n.
func (f *floatSums) means(slots []int32, n []int64) []float64 {
	out := make([]float64, len(slots))
	var room [3]uint64
	for i, slot := range slots {
		count := n[slot]
		if count == 0 {
			continue
		}
		if f.read != nil && exactFloat(count) {
			if sum := f.read[slot]; sum == sum {
				out[i] = sum / float64(count)
				continue
			}
		}
		if special, ok := f.specialAt(slot).float(); ok {
			out[i] = special
			continue
		}
		negative, limbs, exp := f.total(slot, &room)
		if sum, exact := roundLimbs(negative, limbs, exp, false); exact && exactFloat(count) {
			out[i] = sum / float64(count)
			continue
		}
		out[i] = roundQuotient(negative, limbs, exp, uint64(count))
	}
	return out
}
