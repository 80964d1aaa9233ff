package agg

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/store"

	"github.com/leatflow/leat/sdk/batch"
)

// Quantile estimates the value below which a fraction q of the values lies, to
// within 1 % of that value: 0.5 is the median. It counts values in buckets of a
// geometric series (DDSketch), so the estimate depends on the values only and
// not on their order. NaN is above +∞. Without any value it is null.
func Quantile[I Number](out *float64, in *I, q float64) Term {
	t := quantiles("quantile", out, in, []float64{q})
	t.empty = emptyNull
	t.build = func(r *resolver, b *bound) (finish, error) {
		s := r.quantiles(b)
		valid := func(*Table, *request) batch.Bitmap { return nil }
		if b.outType.Nullable {
			valid = r.seen(b)
		}
		return func(t *Table, rq *request) (output, error) {
			out := make([]float64, len(rq.slots))
			for i, slot := range rq.slots {
				out[i] = t.states[s].(*quantileSketches).at(slot, q)
			}
			return output{floats: out, valid: valid(t, rq)}, nil
		}, nil
	}
	return t
}

// Quantiles is Quantile for several fractions, which share one sketch. Without
// any value the list is empty.
func Quantiles[I Number](out *[]float64, in *I, q ...float64) Term {
	t := quantiles("quantiles", out, in, q)
	t.build = func(r *resolver, b *bound) (finish, error) {
		s, outType := r.quantiles(b), b.outType
		return func(t *Table, rq *request) (output, error) {
			sketches, v := t.states[s].(*quantileSketches), newVector(outType)
			for _, slot := range rq.slots {
				if sketches.count(slot) > 0 {
					for _, fraction := range q {
						v.children[0].addBits(floatBits(sketches.at(slot, fraction)))
					}
				}
				v.endList()
			}
			c, err := v.column()
			return output{column: c}, err
		}, nil
	}
	return t
}

func quantiles(function string, out, in any, q []float64) Term {
	t := Term{function: function, out: out, in: in}
	parts := make([]string, len(q))
	for i, fraction := range q {
		parts[i] = fmt.Sprint(fraction)
		if !(fraction >= 0 && fraction <= 1) {
			t.err = fmt.Errorf("the fraction is %v; it must be between 0 and 1", fraction)
		}
	}
	if len(q) == 0 {
		t.err = fmt.Errorf("there are no fractions; name some, for example 0.5 for the median")
	}
	t.args = strings.Join(parts, " ")
	return t
}

func (r *resolver) quantiles(b *bound) int {
	name := "ddsketch(" + b.in.Name + ")"
	unsigned := b.in.Type.Kind == batch.Uint64
	return r.state(stateSpec{
		name: name, where: b.where, paths: [][]int{b.in.Path}, fields: []batch.Field{{Name: name, Type: bytesType}},
		make: func() state { return &quantileSketches{unsigned: unsigned} },
	})
}

// accuracy is the relative error of quantiles. It is part of saved sketches.
const accuracy = 0.01

// buckets maps values to buckets; it cannot fail for this accuracy.
var buckets, _ = mapping.NewLogarithmicMapping(accuracy)

// quantileSketches counts the values of each group in buckets. What has no
// bucket (NaN, infinities, the very largest floats) is counted apart.
type quantileSketches struct {
	slots    []quantileSketch
	unsigned bool
}

type quantileSketch struct {
	specials
	sketch *ddsketch.DDSketch // nil: nothing finite yet
}

func (s *quantileSketch) finite() *ddsketch.DDSketch {
	if s.sketch == nil {
		s.sketch = ddsketch.NewDDSketch(buckets, store.NewBufferedPaginatedStore(), store.NewBufferedPaginatedStore())
	}
	return s.sketch
}

func (s *quantileSketch) add(x float64) {
	switch {
	case x != x:
		s.nan++
	case x > buckets.MaxIndexableValue():
		s.plus++
	case x < -buckets.MaxIndexableValue():
		s.minus++
	default:
		_ = s.finite().Add(x) // fails only for what the cases above took
	}
}

func (k *quantileSketches) grow(n int) {
	for len(k.slots) < n {
		k.slots = append(k.slots, quantileSketch{})
	}
}

func (k *quantileSketches) reset(slots []int32) {
	for _, s := range slots {
		k.slots[s] = quantileSketch{}
	}
}

func (k *quantileSketches) add(v *view) error {
	c := v.cols[0]
	for i := range v.n {
		row, s := v.row(i), &k.slots[v.slotAt(i)]
		switch {
		case c.Floats != nil:
			s.add(c.Floats[row])
		case k.unsigned:
			s.add(float64(uint64(c.Ints[row])))
		default:
			s.add(float64(c.Ints[row]))
		}
	}
	return nil
}

func (k *quantileSketches) copyFrom(dst, src []int32) {
	for i, d := range dst {
		to := k.slots[src[i]]
		if to.sketch != nil {
			to.sketch = to.sketch.Copy()
		}
		k.slots[d] = to
	}
}

func (k *quantileSketches) merge(dst, src []int32) {
	for i, d := range dst {
		to, from := &k.slots[d], &k.slots[src[i]]
		to.nan, to.plus, to.minus = to.nan+from.nan, to.plus+from.plus, to.minus+from.minus
		if from.sketch != nil {
			_ = to.finite().MergeWith(from.sketch) // fails only between different accuracies
		}
	}
}

// count returns the number of values of a slot.
func (k *quantileSketches) count(slot int32) float64 {
	s := &k.slots[slot]
	n := float64(s.nan + s.plus + s.minus)
	if s.sketch != nil {
		n += s.sketch.GetCount()
	}
	return n
}

// at returns the value at fraction q of a slot, 0 for an empty one.
func (k *quantileSketches) at(slot int32, q float64) float64 {
	s, finite := &k.slots[slot], 0.0
	n := k.count(slot)
	if n == 0 {
		return 0
	}
	if s.sketch != nil {
		finite = s.sketch.GetCount()
	}
	rank := math.Floor(q * (n - 1)) // the value wanted, counted from 0
	switch below := float64(s.minus); {
	case rank < below:
		return math.Inf(-1)
	case rank < below+finite:
		return valueAt(s.sketch, rank-below)
	case rank < below+finite+float64(s.plus):
		return math.Inf(1)
	}
	return math.NaN()
}

// valueAt returns the value of the given rank, counted from 0.
func valueAt(s *ddsketch.DDSketch, rank float64) float64 {
	negative, positive := s.GetNegativeValueStore(), s.GetPositiveValueStore()
	below := negative.TotalCount()
	switch {
	case rank < below:
		return -s.Value(negative.KeyAtRank(below - 1 - rank))
	case rank < below+s.GetZeroCount():
		return 0
	}
	return s.Value(positive.KeyAtRank(rank - below - s.GetZeroCount()))
}

func (k *quantileSketches) sizeBytes() int64 {
	n := int64(32 * cap(k.slots))
	for i := range k.slots {
		if k.slots[i].sketch != nil {
			n += 512 // a few buckets; the stores do not tell their size
		}
	}
	return n
}

// bin is a bucket and how many values are in it.
type bin struct {
	index int64
	count uint64
}

// bins returns the buckets of a store that are not empty, ascending.
func bins(s store.Store) []bin {
	var out []bin
	s.ForEach(func(index int, count float64) bool {
		out = append(out, bin{int64(index), uint64(count)})
		return false
	})
	slices.SortFunc(out, func(a, b bin) int { return int(a.index - b.index) })
	// A store may report a bucket twice, once for each place it counts in.
	merged := out[:0]
	for _, b := range out {
		if n := len(merged); n > 0 && merged[n-1].index == b.index {
			merged[n-1].count += b.count
		} else {
			merged = append(merged, b)
		}
	}
	return merged
}
