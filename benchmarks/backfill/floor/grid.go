package floor

import (
	"math"
	"slices"
)

// cell is what one airport reported in one hour.
type cell struct {
	count, sum int64
	max        int64 // none when count is 0
}

const none = math.MinInt64

// grid has a row of cells, one an airport, for each hour from first on.
type grid struct {
	origins []string
	first   int64 // hours since the epoch
	hours   int
	cells   []cell // hours × len(origins)
}

func newGrid(origins []string, first int64, hours int) *grid {
	g := &grid{origins: origins, first: first, hours: hours, cells: make([]cell, hours*len(origins))}
	for i := range g.cells {
		g.cells[i].max = none
	}
	return g
}

// add adds rows: the airport's index, the hour and the delay of each.
func (g *grid) add(codes []int32, hours []int64, delays []int64) {
	width := int64(len(g.origins))
	for i, code := range codes {
		c := &g.cells[(hours[i]-g.first)*width+int64(code)]
		c.count++
		c.sum += delays[i]
		c.max = max(c.max, delays[i])
	}
}

// merge adds up grids into one that begins and ends with 23 empty hours, so
// that every window with a report lies within.
func merge(parts []*grid) *grid {
	index := map[string]int{}
	var origins []string
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	parts = slices.DeleteFunc(parts, func(p *grid) bool { return p.hours == 0 })
	for _, p := range parts {
		for _, o := range p.origins {
			if _, known := index[o]; !known {
				index[o] = len(origins)
				origins = append(origins, o)
			}
		}
		first, last = min(first, p.first), max(last, p.first+int64(p.hours))
	}
	if len(origins) == 0 {
		return newGrid(nil, 0, 0)
	}
	const margin = windowHours - 1
	all := newGrid(origins, first-margin, int(last-first)+2*margin)
	for _, p := range parts {
		to := make([]int, len(p.origins))
		for i, o := range p.origins {
			to[i] = index[o]
		}
		for h := range p.hours {
			target := all.row(int(p.first-all.first) + h)
			for i, c := range p.row(h) {
				t := &target[to[i]]
				t.count += c.count
				t.sum += c.sum
				t.max = max(t.max, c.max)
			}
		}
	}
	return all
}

func (g *grid) row(hour int) []cell {
	return g.cells[hour*len(g.origins) : (hour+1)*len(g.origins)]
}
