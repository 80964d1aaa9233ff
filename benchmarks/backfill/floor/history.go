package floor

import "sort"

// history is the reports of every key, sorted by key, time and row, with sums
// over all that come before: index i of sums and lates is over reports 0 … i-1.
type history struct {
	starts []int32 // of each key; one more at the end
	times  []int32 // minutes
	sums   []int64 // of delays
	lates  []int32 // of delays of 15 minutes and more
	delays []int32
}

// byTime lists the rows by report time, equal times by row: a counting sort.
func (f *flights) byTime() []int32 {
	counts := make([]int32, f.lastTime+2)
	for _, t := range f.reported {
		counts[t+1]++
	}
	for t := range counts[1:] {
		counts[t+1] += counts[t]
	}
	order := make([]int32, len(f.reported))
	for row, t := range f.reported {
		order[counts[t]] = int32(row)
		counts[t]++
	}
	return order
}

// newHistory distributes rows in the order of time to their keys.
func newHistory(f *flights, order, keys []int32, width int) *history {
	n := len(order)
	h := &history{starts: make([]int32, width+1), times: make([]int32, n), sums: make([]int64, n+1), lates: make([]int32, n+1), delays: make([]int32, n)}
	for _, k := range keys {
		h.starts[k+1]++
	}
	for k := range width {
		h.starts[k+1] += h.starts[k]
	}
	next := append([]int32(nil), h.starts[:width]...)
	for _, row := range order {
		k := keys[row]
		at := next[k]
		next[k]++
		h.times[at], h.delays[at] = f.reported[row], int32(f.delay[row])
	}
	for i, d := range h.delays {
		h.sums[i+1] = h.sums[i] + int64(d)
		late := int32(0)
		if d >= 15 {
			late = 1
		}
		h.lates[i+1] = h.lates[i] + late
	}
	return h
}

// first is the first report of a key at or after a time; or where the next key
// begins.
func (h *history) first(key int32, time int32) int32 {
	times := h.times[h.starts[key]:h.starts[key+1]]
	return h.starts[key] + int32(sort.Search(len(times), func(i int) bool { return times[i] >= time }))
}

// cursors hold for each key and each of some distances back from now where the
// first report at or after that time is.
type cursors struct {
	*history
	backs []int32 // minutes
	at    []int32 // key · len(backs) + index of the distance
}

func newCursors(h *history, now int32, backs ...int32) *cursors {
	c := &cursors{history: h, backs: backs}
	for key := range int32(len(h.starts) - 1) {
		for _, back := range backs {
			c.at = append(c.at, h.first(key, now-back))
		}
	}
	return c
}

// advance moves the cursors of a key to now, which never goes back, and
// returns them.
func (c *cursors) advance(key, now int32) []int32 {
	width := len(c.backs)
	at := c.at[int(key)*width:][:width]
	end := c.starts[key+1]
	for i, back := range c.backs {
		p, from := at[i], now-back
		for p < end && c.times[p] < from {
			p++
		}
		at[i] = p
	}
	return at
}
