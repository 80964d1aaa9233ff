package operator

import (
	"cmp"
	"slices"
)

// moments is a heap of the moments at which cells want something, earliest first.
// A moment that no longer holds stays until it is on top: the stamp of its cell
// tells, or what the cell says itself.
type moments []moment

type moment struct {
	at    int64
	cell  int32
	stamp uint32
}

func (m moments) less(i, j int) bool {
	if m[i].at != m[j].at {
		return m[i].at < m[j].at
	}
	return m[i].cell < m[j].cell
}

func (m *moments) push(x moment) {
	h := append(*m, x)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
	*m = h
}

func (m *moments) pop() moment {
	h := *m
	top, n := h[0], len(h)-1
	h[0] = h[n]
	h = h[:n]
	for i := 0; ; {
		down := 2*i + 1
		if down >= n {
			break
		}
		if down+1 < n && h.less(down+1, down) {
			down++
		}
		if !h.less(down, i) {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	*m = h
	return top
}

// trim forgets moments that no longer hold when there are many more than the cells
// they are of: where cells change their minds often, those not on top would pile up.
func (m *moments) trim(cells int, holds func(moment) bool) {
	if len(*m) < 2*cells+trimFrom {
		return
	}
	kept := (*m)[:0]
	for _, x := range *m {
		if holds(x) {
			kept = append(kept, x)
		}
	}
	*m = kept
	slices.SortFunc(*m, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.cell, b.cell)) })
	*m = slices.Compact(*m)
}

// trimFrom is how many moments are not worth looking at.
const trimFrom = 256
