package floor

// columns are the windows of one output row group.
type columns struct {
	codes              []int32 // into the grid's origins
	starts, ends       []int64 // µs
	counts, sums, tops []int64
	means              []float64
}

// sweep makes the windows that begin in rows from to below to of the grid. It
// reads windowHours-1 rows beyond them.
func sweep(g *grid, from, to int) *columns {
	width := len(g.origins)
	size := (to - from) * width
	c := &columns{
		codes:  make([]int32, 0, size),
		starts: make([]int64, 0, size), ends: make([]int64, 0, size),
		counts: make([]int64, 0, size), sums: make([]int64, 0, size), tops: make([]int64, 0, size),
		means: make([]float64, 0, size),
	}
	tops := slidingMax(g, from, to)
	counts, sums := make([]int64, width), make([]int64, width)
	for h := range windowHours - 1 {
		for i, cell := range g.row(from + h) {
			counts[i] += cell.count
			sums[i] += cell.sum
		}
	}
	for h := from; h < to; h++ {
		entering, leaving := g.row(h+windowHours-1), g.row(h)
		start := (g.first + int64(h)) * hourMicros
		top := tops[(h-from)*width:][:width]
		for i := range entering {
			count, sum := counts[i]+entering[i].count, sums[i]+entering[i].sum
			if count > 0 {
				c.codes = append(c.codes, int32(i))
				c.starts = append(c.starts, start)
				c.ends = append(c.ends, start+windowHours*hourMicros)
				c.counts = append(c.counts, count)
				c.sums = append(c.sums, sum)
				c.means = append(c.means, float64(sum)/float64(count))
				c.tops = append(c.tops, top[i])
			}
			counts[i], sums[i] = count-leaving[i].count, sum-leaving[i].sum
		}
	}
	return c
}

// slidingMax is the maximum over windowHours rows beginning with each of
// [from, to): over 2, 4 and 8 rows by doubling in place, then over three eights.
func slidingMax(g *grid, from, to int) []int64 {
	width := len(g.origins)
	all := make([]int64, (to-from+windowHours-1)*width)
	for i := range all {
		all[i] = g.cells[from*width+i].max
	}
	double := func(in []int64, rows int) []int64 {
		shift := rows * width
		out := in[:len(in)-shift]
		for i, v := range in[shift:] {
			out[i] = max(out[i], v)
		}
		return out
	}
	eight := double(double(double(all, 1), 2), 4)
	sixteenLater := eight[16*width:]
	out := make([]int64, (to-from)*width)
	for i := range out {
		out[i] = max(eight[i], eight[i+8*width], sixteenLater[i])
	}
	return out
}
