package agg

import "math"

// highest is the source of the largest and smallest number of a range: the values
// in an order of integers, complemented for the smallest, and above them the
// largest of each block of 16, of 16 blocks, and so on. It is the tree of
// series_tree.go with plain integers as nodes: 0.2 µs a range of some hundred rows
// instead of 3.6. Rows that do not count hold the smallest integer.
type highest struct{ levels [][]int64 }

func newHighest(v *run, r *Reserve, encode func(row int) int64) (*highest, error) {
	if err := r.bytes(int64(8*v.all + 8*v.all/(fanOut-1) + 64)); err != nil {
		return nil, err
	}
	level := make([]int64, v.all)
	if v.rows != nil {
		for i := range level {
			level[i] = math.MinInt64
		}
	}
	v.spread(func(i int) { level[i] = encode(i) })
	h := &highest{levels: [][]int64{level}}
	for len(level) > fanOut {
		above := make([]int64, (len(level)+fanOut-1)>>fanBits)
		for i := range above {
			above[i] = largest(level[i<<fanBits : min(len(level), (i+1)<<fanBits)])
		}
		h.levels = append(h.levels, above)
		level = above
	}
	return h, nil
}

func largest(values []int64) int64 {
	best := int64(math.MinInt64)
	for _, v := range values {
		best = max(best, v)
	}
	return best
}

// between returns the largest value of rows [from, to).
func (h *highest) between(from, to int32) int64 {
	best := int64(math.MinInt64)
	for l, values := range h.levels {
		first, end := (from+fanOut-1)>>fanBits, to>>fanBits
		if first >= end || l == len(h.levels)-1 {
			return max(best, largest(values[from:to]))
		}
		best = max(best, largest(values[from:first<<fanBits]), largest(values[end<<fanBits:to]))
		from, to = first, end
	}
	return best
}

// source implements ranged.
func (e *intExtremes) source(v *run, r *Reserve) (source, error) {
	values := v.cols[0].Ints
	h, err := newHighest(v, r, func(row int) int64 { return values[row] ^ e.flip })
	if err != nil {
		return nil, err
	}
	return h, nil
}

// put implements ranged.
func (e *intExtremes) put(s source, slots, from, to []int32) {
	h := s.(*highest)
	for i, f := range from {
		e.best[slots[i]] = h.between(f, to[i])
	}
}

// flip complements for the smallest. Nothing at all becomes NaN then, which is
// what an empty slot holds.
func (e *floatExtremes) flip() int64 {
	if e.largest {
		return 0
	}
	return -1
}

// source implements ranged.
func (e *floatExtremes) source(v *run, r *Reserve) (source, error) {
	values, flip := v.cols[0].Floats, e.flip()
	h, err := newHighest(v, r, func(row int) int64 { return int64(floatBits(values[row])^1<<63) ^ flip })
	if err != nil {
		return nil, err
	}
	return h, nil
}

// put implements ranged.
func (e *floatExtremes) put(s source, slots, from, to []int32) {
	h, flip := s.(*highest), e.flip()
	for i, f := range from {
		best := h.between(f, to[i])
		if best == math.MinInt64 {
			e.best[slots[i]] = e.empty()
			continue
		}
		e.best[slots[i]] = floatOf(uint64(best^flip) ^ 1<<63)
	}
}
