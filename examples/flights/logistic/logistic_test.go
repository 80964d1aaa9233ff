package logistic

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const dense, marks = 4, 3 // of the rows below: weights 0..3 dense, 4..6 and 7..9 marks

// sampleRows draws rows whose labels follow known weights.
func sampleRows(n int) []Row {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]Row, n)
	for i := range rows {
		x := []float64{1, r.NormFloat64(), r.NormFloat64(), min(r.ExpFloat64(), Limit)}
		row := Row{Dense: x, First: dense + r.Int64N(marks), Second: dense + marks + r.Int64N(marks)}
		row.Positive = r.Float64() < Probability(-1+0.8*x[1]-0.5*x[2]+0.3*float64(row.First-dense))
		rows[i] = row
	}
	return rows
}

func fitted(t *testing.T, rows []Row, ridge float64) *Newton {
	t.Helper()
	newton := NewNewton(dense+2*marks, 0.3, ridge)
	for done := false; !done; {
		sums := NewSums(newton.Weights)
		for _, r := range rows {
			sums.Add(r)
		}
		var err error
		if done, err = newton.Next(sums); err != nil {
			t.Fatal(err)
		}
	}
	return newton
}

// At the weights that are found the gradient of the loss, computed here with
// floats and without the sums, is nothing; and it takes few passes.
func TestNewtonFindsTheMinimum(t *testing.T) {
	rows := sampleRows(5000)
	for _, ridge := range []float64{1, 100} {
		newton := fitted(t, rows, ridge)
		gradient := make([]float64, len(newton.Weights))
		for i, w := range newton.Weights[1:] {
			gradient[1+i] = -ridge * w
		}
		for _, r := range rows {
			x := make([]float64, len(gradient))
			copy(x, r.Dense)
			x[r.First], x[r.Second] = 1, 1
			margin, label := 0.0, 0.0
			for i := range x {
				margin += newton.Weights[i] * x[i]
			}
			if r.Positive {
				label = 1
			}
			for i := range x {
				gradient[i] += (label - 1/(1+math.Exp(-margin))) * x[i]
			}
		}
		for i, g := range gradient {
			if math.Abs(g) > 1e-4 {
				t.Errorf("ridge %v: the loss still falls along weight %d by %g", ridge, i, g)
			}
		}
		if newton.Passes > 8 {
			t.Errorf("ridge %v took %d passes", ridge, newton.Passes)
		}
	}
}

// Weights are found from a start so far away that whole steps go too far.
func TestNewtonComesBack(t *testing.T) {
	rows := sampleRows(2000)
	want := fitted(t, rows, 1)
	newton := NewNewton(dense+2*marks, 0.3, 1)
	newton.Weights = []float64{3, 4, -6, 5, 0, 0, 0, 0, 0, 0}
	halved := false
	for done := false; !done; {
		sums := NewSums(newton.Weights)
		for _, r := range rows {
			sums.Add(r)
		}
		var err error
		if done, err = newton.Next(sums); err != nil {
			t.Fatal(err)
		}
		halved = halved || newton.halvings > 0
	}
	if !halved {
		t.Error("no step went too far: the test shows nothing")
	}
	for i, w := range newton.Weights {
		if math.Abs(w-want.Weights[i]) > 1e-6 {
			t.Errorf("weight %d is %v, from elsewhere %v", i, w, want.Weights[i])
		}
	}
}

// Sums have the same bits in whatever order and parts rows are added.
func TestSumsInAnyOrder(t *testing.T) {
	rows := sampleRows(3000)
	weights := []float64{-1, 0.7, -0.4, 0.1, 0, 0.2, 0.4, 0, 0.1, -0.1}
	whole := NewSums(weights)
	for _, r := range rows {
		whole.Add(r)
	}
	random := rand.New(rand.NewPCG(3, 4))
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	merged := NewSums(weights)
	for part := range slices.Chunk(rows, 700) {
		s := NewSums(weights)
		for _, r := range part {
			s.Add(r)
		}
		merged.Merge(s)
	}
	if fmt.Sprint(whole.Result()) != fmt.Sprint(merged.Result()) {
		t.Error("the sums differ")
	}
	if got, want := whole.MeanLoss(), 0.0; got <= want || got > 1 {
		t.Errorf("the mean loss is %v", got)
	}
}

// What cannot be fitted is an error: no rows, equations without a single
// solution, losses that only rise.
func TestNewtonRefuses(t *testing.T) {
	if _, err := NewNewton(3, 0.5, 1).Next(NewSums(make([]float64, 3))); err == nil {
		t.Error("no rows were accepted")
	}
	same := NewSums(make([]float64, 4))
	same.Add(Row{Dense: []float64{1, 2}, First: 2, Second: 3, Positive: true})
	if _, err := NewNewton(4, 0.5, 0).Next(same); err == nil {
		t.Error("one row and four weights without a penalty were accepted")
	}
	newton := NewNewton(dense+2*marks, 0.5, 1)
	var err error
	for loss := int64(1); err == nil && loss < 100; loss++ {
		sums := NewSums(newton.Weights)
		for _, r := range sampleRows(50) {
			sums.Add(r)
		}
		sums.Loss = loss * 1000 * one
		_, err = newton.Next(sums)
	}
	if err == nil {
		t.Error("losses that only rise were accepted")
	}
}

// The solution of random positive definite equations fulfils them.
func TestSolve(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := 1; n <= 30; n++ {
		full := make([][]float64, n)
		factor := make([][]float64, n)
		for i := range full {
			full[i], factor[i] = make([]float64, n), make([]float64, n)
			for j := range n {
				factor[i][j] = r.NormFloat64()
			}
		}
		var lower, b []float64
		for i := range n {
			b = append(b, r.NormFloat64())
			for j := range n {
				for k := range n {
					full[i][j] += factor[i][k] * factor[j][k]
				}
				if i == j {
					full[i][j]++
				}
				if j <= i {
					lower = append(lower, full[i][j])
				}
			}
		}
		x, err := solve(lower, slices.Clone(b))
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if got := dot(full[i], x); math.Abs(got-b[i]) > 1e-9 {
				t.Errorf("%d equations: number %d gives %v, want %v", n, i, got, b[i])
			}
		}
	}
}

// AUC and log loss of buckets are those of a loop over all pairs.
func TestJudge(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	type scored struct {
		at       int64
		positive bool
	}
	var rows []scored
	found := map[int64]*Bucket{}
	loss := 0.0
	for range 400 {
		p := r.Float64()
		s := scored{BucketOf(p) / 4096 * 4096, r.Float64() < p} // sixteen buckets, so that there are ties
		l := -math.Log(p)
		if !s.positive {
			l = -math.Log(1 - p)
		}
		b := found[s.at]
		if b == nil {
			b = &Bucket{At: s.at}
			found[s.at] = b
		}
		b.Rows++
		b.Loss += l
		loss += l
		if s.positive {
			b.Positives++
		}
		rows = append(rows, s)
	}
	right, pairs := 0.0, 0.0
	for _, a := range rows {
		for _, b := range rows {
			if !a.positive || b.positive {
				continue
			}
			pairs++
			switch {
			case a.at > b.at:
				right++
			case a.at == b.at:
				right += 0.5
			}
		}
	}
	var buckets []Bucket
	for _, b := range found {
		buckets = append(buckets, *b)
	}
	slices.SortFunc(buckets, func(a, b Bucket) int { return cmp.Compare(a.At, b.At) })
	got := Judge(buckets)
	if math.Abs(got.AUC-right/pairs) > 1e-12 || math.Abs(got.LogLoss-loss/400) > 1e-12 {
		t.Errorf("got %+v, want %v and %v", got, right/pairs, loss/400)
	}
	if !math.IsNaN(Judge([]Bucket{{Rows: 3, Positives: 3}}).AUC) {
		t.Error("positives alone have an AUC")
	}
	if BucketOf(1) != Buckets-1 || BucketOf(0) != 0 {
		t.Error("0 and 1 are in no bucket")
	}
	if got := BaseRate(0.25, 0.5).LogLoss; math.Abs(got+(math.Log(0.25)+math.Log(0.75))/2) > 1e-12 {
		t.Errorf("the base rate has log loss %v", got)
	}
}
