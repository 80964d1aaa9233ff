// Package logistic is the arithmetic of a logistic regression that is fitted in
// passes over rows: sums over rows that any engine can add up, the step of
// Newton's method from them to better weights, and how good the result is.
//
// The central idea: everything a pass adds up is an integer, in units of 2⁻²⁶.
// Sums of integers do not depend on order, so the weights have the same bits for
// any number of tasks, batch size and plan.
//
//	weights ──▶ Sums over all rows ──▶ Newton.Next ──▶ weights ──▶ … ──▶ done
//	            (a Leat Combine)       (Cholesky)
package logistic

import "math"

// Row is what a pass needs of a row of the training set.
type Row struct {
	Positive bool `leat:"positive"` // the label

	// Dense are the first values of the row, the constant 1 of the intercept
	// before all others. None may be beyond ±Limit.
	Dense []float64 `leat:"dense"`

	// First and Second are positions of two values behind the dense ones that
	// are 1, First before Second. All others are 0.
	First  int64 `leat:"first"`
	Second int64 `leat:"second"`
}

// Limit bounds the values of a row, and so what it adds to a sum.
const Limit = 8

const (
	// one is 1 in the units of Sums. A row adds at most Limit²/4 = 2⁴ to an entry
	// of the Hessian, so that 2³³ rows fit 64 bits; rounding at 2⁻²⁶ is far below
	// what else is uncertain about a weight.
	one = 1 << 26
	// lossMost bounds what a row adds to the loss: all the same below e⁻⁶⁴.
	lossMost = 64
)

// Sums is what a pass over the rows adds up at given weights: the accumulator of
// agg.Custom. Sums are in units of 2⁻²⁶, so exact and the same in any order.
type Sums struct {
	Rows     int64   `leat:"rows"`
	Loss     int64   `leat:"loss"`     // Σ −ln of the probability of the label
	Gradient []int64 `leat:"gradient"` // Σ (label − probability) · x: where the loss falls
	Hessian  []int64 `leat:"hessian"`  // Σ p (1 − p) · x xᵀ, lower triangle row by row

	// Weights are what the sums are made at. They are the same for a whole pass,
	// so whoever makes an empty Sums gives them, and they are not saved.
	Weights []float64 `leat:"-"`
}

// NewSums returns empty sums at weights, which they share.
func NewSums(weights []float64) *Sums {
	n := len(weights)
	return &Sums{Gradient: make([]int64, n), Hessian: make([]int64, n*(n+1)/2), Weights: weights}
}

// Add implements agg.Accumulator.
func (s *Sums) Add(r Row) {
	margin := Margin(s.Weights, r)
	p := Probability(margin)
	s.Rows++
	s.Loss += fixed(min(Loss(margin, r.Positive), lossMost))
	pull := -p
	if r.Positive {
		pull = 1 - p
	}
	for i, x := range r.Dense {
		s.Gradient[i] += fixed(pull * x)
	}
	s.Gradient[r.First] += fixed(pull)
	s.Gradient[r.Second] += fixed(pull)
	s.addHessian(p*(1-p)*one, r)
}

// addHessian adds a row of that weight, in the units of the sums. It cuts off
// below the unit where fixed would round, which is faster: an error of the
// Hessian makes a step worse, not the place where they end.
func (s *Sums) addHessian(weight float64, r Row) {
	dense := r.Dense
	at := 0
	for i, x := range dense {
		wx := weight * x
		row := s.Hessian[at : at+i+1]
		for j, y := range dense[:len(row)] {
			row[j] += int64(wx * y)
		}
		at += i + 1
	}
	for _, k := range [2]int{int(r.First), int(r.Second)} {
		row := s.Hessian[k*(k+1)/2:][:k+1]
		for j, y := range dense {
			row[j] += int64(weight * y)
		}
		row[k] += int64(weight)
	}
	s.Hessian[int(r.Second)*(int(r.Second)+1)/2+int(r.First)] += int64(weight)
}

// Merge implements agg.Accumulator.
func (s *Sums) Merge(o *Sums) {
	s.Rows += o.Rows
	s.Loss += o.Loss
	for i, v := range o.Gradient {
		s.Gradient[i] += v
	}
	for i, v := range o.Hessian {
		s.Hessian[i] += v
	}
}

// Result implements agg.Accumulator.
func (s *Sums) Result() Sums { return *s }

func fixed(v float64) int64 { return int64(math.RoundToEven(v * one)) }

// Margin is the weighted sum of a row, the logarithm of its odds.
func Margin(weights []float64, r Row) float64 {
	sum := 0.0
	for i, x := range r.Dense {
		sum += weights[i] * x
	}
	return sum + weights[r.First] + weights[r.Second]
}

// Probability is the probability of a margin.
func Probability(margin float64) float64 { return 1 / (1 + math.Exp(-margin)) }

// Loss is −ln of the probability that a margin gives to the label.
func Loss(margin float64, positive bool) float64 {
	if positive {
		margin = -margin
	}
	return max(margin, 0) + math.Log1p(math.Exp(-math.Abs(margin)))
}

// MeanLoss is the loss a row.
func (s *Sums) MeanLoss() float64 { return float64(s.Loss) / one / float64(s.Rows) }
