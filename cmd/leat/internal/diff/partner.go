package diff

import (
	"context"
	"math"
	"slices"
	"sort"
)

// augmentMost bounds the pairs of rows of one key among which the largest
// matching is looked for; above it each row takes the first partner that is free.
const augmentMost = 1 << 18

// partners returns for each row of A the position of a row of B that is equal
// within the tolerance, each used once, or -1.
func (p *pairing) partners(ctx context.Context, rowsA, rowsB []place) ([]int, error) {
	partner := make([]int, len(rowsA))
	for i := range partner {
		partner[i] = -1
	}
	switch {
	case len(rowsA) == 0 || len(rowsB) == 0 || p.options.Tolerance == 0:
		return partner, nil // what is equal to the bit was cancelled
	case len(rowsA)*len(rowsB) <= augmentMost:
		p.augment(rowsA, rowsB, partner)
		return partner, nil
	}
	return partner, p.sweep(ctx, rowsA, rowsB, partner)
}

func (p *pairing) equalValues(a, b place) bool {
	for _, v := range p.plan.value {
		if !equal(p.column(0, a, v), int(a.row), p.column(1, b, v), int(b.row), p.options.Tolerance) {
			return false
		}
	}
	return true
}

// augment finds a largest matching along augmenting paths: a row whose partners
// are all taken may take one whose present owner finds another.
func (p *pairing) augment(rowsA, rowsB []place, partner []int) {
	near := make([][]int, len(rowsA))
	for i, a := range rowsA {
		for k, b := range rowsB {
			if p.equalValues(a, b) {
				near[i] = append(near[i], k)
			}
		}
	}
	owner := make([]int, len(rowsB))
	for k := range owner {
		owner[k] = -1
	}
	tried := make([]int, len(rowsB))
	var try func(i, round int) bool
	try = func(i, round int) bool {
		for _, k := range near[i] {
			if tried[k] == round {
				continue
			}
			tried[k] = round
			if owner[k] < 0 || try(owner[k], round) {
				owner[k], partner[i] = i, k
				return true
			}
		}
		return false
	}
	for i := range rowsA {
		try(i, i+1)
	}
}

// sweep sorts both sides by one column of floats and gives each row of A the
// first free row of B within its window.
func (p *pairing) sweep(ctx context.Context, rowsA, rowsB []place, partner []int) error {
	column := p.widest(rowsA)
	b := p.points(1, rowsB, column)
	used := make([]bool, len(b))
	start := 0
	for n, a := range p.points(0, rowsA, column) {
		if n%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		// A little more than the tolerance: the bound is relative to the larger value.
		reach := p.options.Tolerance * max(1, math.Abs(a.value)) * 1.01
		switch {
		case math.IsInf(a.value, 0):
			reach = 0
		case p.options.Tolerance > 0.01:
			reach = math.MaxFloat64
		}
		low, high := a.value-reach, a.value+reach
		from := max(start, sort.Search(len(b), func(k int) bool { return b[k].value >= low }))
		for k := from; k < len(b) && b[k].value <= high; k++ {
			if !used[k] && p.equalValues(rowsA[a.row], rowsB[b[k].row]) {
				used[k], partner[a.row] = true, b[k].row
				break
			}
		}
		for start < len(used) && used[start] {
			start++
		}
	}
	return nil
}

// point is a row and its value in the column that is swept over.
type point struct {
	value float64
	row   int
}

// points sorts rows by a column; nulls come first, NaN last.
func (p *pairing) points(side int, rows []place, column int) []point {
	out := make([]point, len(rows))
	for i, r := range rows {
		out[i].row = i
		if column < 0 {
			continue
		}
		c := p.column(side, r, column)
		switch v := c.Floats[r.row]; {
		case c.Null(int(r.row)):
			out[i].value = math.Inf(-1)
		case v != v:
			out[i].value = math.Inf(1)
		default:
			out[i].value = v
		}
	}
	slices.SortStableFunc(out, func(a, b point) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return 0
	})
	return out
}

// widest returns the column of floats with the most values among rows, or -1.
func (p *pairing) widest(rows []place) int {
	best, most := -1, 0
	for _, v := range p.plan.value {
		if !p.plan.columns[v].types[0].Kind.Float() {
			continue
		}
		points := p.points(0, rows, v)
		n := 1
		for i := 1; i < len(points); i++ {
			if points[i].value != points[i-1].value {
				n++
			}
		}
		if n > most {
			best, most = v, n
		}
	}
	return best
}
