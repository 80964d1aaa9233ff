package agg

import (
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// floatExtremes keeps the smallest or largest float, NaN being above all
// numbers. An empty slot holds the value every other one is better than: −∞ for
// the largest, NaN for the smallest. The sign of a zero is dropped when it
// leaves, as −0 and +0 are equal here and either may have come first.
type floatExtremes struct {
	best    []float64
	largest bool
}

func (e *floatExtremes) empty() float64 {
	if e.largest {
		return math.Inf(-1)
	}
	return math.NaN()
}

func (e *floatExtremes) grow(n int) { e.best = extend(e.best, n, e.empty()) }

func (e *floatExtremes) reset(slots []int32) {
	for _, s := range slots {
		e.best[s] = e.empty()
	}
}

func (e *floatExtremes) add(v *view) error {
	values := v.cols[0].Floats
	if v.slots == nil {
		best := e.best[v.slot]
		for i := range v.n {
			best = e.better(best, values[v.row(i)])
		}
		e.best[v.slot] = best
		return nil
	}
	best := e.best
	if e.largest {
		for i, s := range v.slots {
			if x := values[v.row(i)]; x > best[s] || x != x {
				best[s] = x
			}
		}
		return nil
	}
	for i, s := range v.slots {
		if x := values[v.row(i)]; x < best[s] || best[s] != best[s] {
			best[s] = x
		}
	}
	return nil
}

func (e *floatExtremes) better(best, x float64) float64 {
	if e.largest {
		if x > best || x != x {
			return x
		}
		return best
	}
	if x < best || best != best {
		return x
	}
	return best
}

func (e *floatExtremes) copyFrom(dst, src []int32) {
	for i, d := range dst {
		e.best[d] = e.best[src[i]]
	}
}

func (e *floatExtremes) merge(dst, src []int32) {
	for i, d := range dst {
		e.best[d] = e.better(e.best[d], e.best[src[i]])
	}
}

func (e *floatExtremes) save(slots []int32) ([]*batch.Column, error) {
	return []*batch.Column{batch.NewFloats(floatType, e.values(slots))}, nil
}

func (e *floatExtremes) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, s := range slots {
		e.best[s] = e.better(e.best[s], saved[0].Floats[rowAt(rows, i)])
	}
	return nil
}

func (e *floatExtremes) sizeBytes() int64 { return int64(8 * cap(e.best)) }

func (e *floatExtremes) values(slots []int32) []float64 {
	out := pick(e.best, slots)
	for i, v := range out {
		out[i] = canonicalFloat(v)
	}
	return out
}

// canonicalFloat turns −0 into +0 and any NaN into the one NaN.
func canonicalFloat(v float64) float64 {
	switch {
	case v == 0:
		return 0
	case v != v:
		return math.NaN()
	}
	return v
}
