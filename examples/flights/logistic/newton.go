package logistic

import (
	"errors"
	"fmt"
	"math"
)

// Newton looks for the weights of least loss by Newton's method. The loss has a
// penalty of Ridge/2 · Σ weight², without the intercept, which keeps weights
// finite and the equations solvable when values depend on each other, as the
// columns that mark one of several cases always do.
type Newton struct {
	Ridge   float64
	Weights []float64 // where the next pass is to be made

	accepted []float64 // weights of the last pass whose loss was not worse
	least    float64   // its loss, with penalty
	Passes   int
	halvings int
}

const (
	passesMost   = 50
	halvingsMost = 20
	// enough is the gain a row at which it is over: Newton's method doubles the
	// digits with each step, so the step taken last leaves an error far smaller.
	enough = 1e-9
)

// NewNewton starts at weights that predict the share of positives for every row.
func NewNewton(n int, share, ridge float64) *Newton {
	w := make([]float64, n)
	w[0] = math.Log(share / (1 - share))
	return &Newton{Ridge: ridge, Weights: w}
}

// Next takes the sums of a pass at Weights and moves Weights on. It reports
// whether they are good enough, so that no pass is needed any more.
func (n *Newton) Next(s *Sums) (done bool, err error) {
	if s.Rows == 0 {
		return false, errors.New("logistic: no rows")
	}
	if n.Passes++; n.Passes > passesMost {
		return false, fmt.Errorf("logistic: the weights have not settled in %d passes", passesMost)
	}
	loss := n.penalised(s)
	if n.accepted != nil && loss > n.least*(1+1e-12) { // too far: half way back
		if n.halvings++; n.halvings > halvingsMost {
			return false, fmt.Errorf("logistic: the loss does not fall any more after %d passes, and the weights have not settled", n.Passes)
		}
		for i, a := range n.accepted {
			n.Weights[i] = (n.Weights[i] + a) / 2
		}
		return false, nil
	}
	n.accepted, n.least, n.halvings = n.Weights, loss, 0
	return n.step(s)
}

// penalised is the loss with the penalty for the weights.
func (n *Newton) penalised(s *Sums) float64 {
	sum := 0.0
	for _, w := range n.Weights[1:] {
		sum += w * w
	}
	return float64(s.Loss)/one + n.Ridge/2*sum
}

// step solves Hessian · step = gradient, both with penalty, and goes there. What
// it may gain is half of gradient · step.
func (n *Newton) step(s *Sums) (done bool, err error) {
	gradient, hessian := make([]float64, len(n.Weights)), make([]float64, len(s.Hessian))
	for i, v := range s.Hessian {
		hessian[i] = float64(v) / one
	}
	for i, v := range s.Gradient {
		gradient[i] = float64(v) / one
		if i > 0 {
			gradient[i] -= n.Ridge * n.Weights[i]
			hessian[i*(i+1)/2+i] += n.Ridge
		}
	}
	step, err := solve(hessian, gradient)
	if err != nil {
		return false, err
	}
	gain := 0.0
	next := make([]float64, len(step))
	for i, d := range step {
		gain += gradient[i] * d / 2
		next[i] = n.Weights[i] + d
	}
	n.Weights = next
	return gain <= enough*float64(s.Rows), nil
}

// solve returns x with A x = b for a symmetric positive definite A, given as its
// lower triangle row by row, which it overwrites with the Cholesky factor. A
// library of linear algebra would do this too; one method of thirty lines is less
// to keep than the dependency.
func solve(a, b []float64) ([]float64, error) {
	n := len(b)
	row := func(i int) []float64 { return a[i*(i+1)/2 : i*(i+1)/2+i+1] }
	for i := range n {
		ri := row(i)
		for j := range i {
			ri[j] = (ri[j] - dot(ri[:j], row(j)[:j])) / row(j)[j]
		}
		pivot := ri[i] - dot(ri[:i], ri[:i])
		if !(pivot > 0) { // also NaN
			return nil, fmt.Errorf("logistic: the equations for weight %d have no single solution; is a value the same in all rows, or is a penalty needed?", i)
		}
		ri[i] = math.Sqrt(pivot)
	}
	x := make([]float64, n)
	for i := range n {
		x[i] = (b[i] - dot(row(i)[:i], x[:i])) / row(i)[i]
	}
	for i := n - 1; i >= 0; i-- {
		x[i] /= row(i)[i]
		for j, v := range row(i)[:i] {
			x[j] -= v * x[i]
		}
	}
	return x, nil
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
