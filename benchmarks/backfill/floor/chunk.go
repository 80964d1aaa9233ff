package floor

import "errors"

// statistics are the columns of one window of one kind of key.
type statistics struct {
	counts, sums, lates []int64
	means               []float64 // of rows that have one
	present             []uint8
}

// routeStatistics are the columns of the route's window.
type routeStatistics struct {
	counts, sums []int64
	lasts        []int64 // of rows that have one
	present      []uint8
}

// chunk is the columns of one row group of the training set. A goroutine fills
// and encodes one after the other in the same memory.
type chunk struct {
	*trainingSet
	from, to              int // rows of the input
	rows                  []int64
	origins, destinations []statistics // by window
	routes                routeStatistics
	group                 group
}

func newChunk(s *trainingSet) *chunk {
	integers := func() []int64 { return make([]int64, trainingRows) }
	windows := func() []statistics {
		all := make([]statistics, len(trainingWindows))
		for i := range all {
			all[i] = statistics{integers(), integers(), integers(), make([]float64, 0, trainingRows), make([]uint8, trainingRows)}
		}
		return all
	}
	return &chunk{
		trainingSet: s, rows: integers(), origins: windows(), destinations: windows(),
		routes: routeStatistics{integers(), integers(), make([]int64, 0, trainingRows), make([]uint8, trainingRows)},
	}
}

// fill computes the rows from to below to of the output.
func (c *chunk) fill(from, to int) {
	c.from, c.to = from, to
	for i := range c.rows[:to-from] {
		c.rows[i] = int64(from + i)
	}
	c.lookUp(c.byOrigin, c.origin, c.origins)
	c.lookUp(c.byDestination, c.destination, c.destinations)
	c.lookUpRoutes()
}

// lookUp fills the windows of one kind of key.
func (c *chunk) lookUp(h *history, keys []int32, out []statistics) {
	backs := []int32{0}
	for i, w := range trainingWindows {
		backs = append(backs, w.minutes)
		out[i].means = out[i].means[:0]
	}
	cursors := newCursors(h, c.departed[c.from], backs...)
	keys = keys[c.from:c.to]
	for i, q := range c.departed[c.from:c.to] {
		at := cursors.advance(keys[i], q)
		end := at[0]
		for w := range out {
			begin, to := at[w+1], &out[w]
			count, sum := int64(end-begin), h.sums[end]-h.sums[begin]
			to.counts[i], to.sums[i], to.lates[i] = count, sum, int64(h.lates[end]-h.lates[begin])
			to.present[i] = 0
			if count > 0 {
				to.means = append(to.means, float64(sum)/float64(count))
				to.present[i] = 1
			}
		}
	}
}

func (c *chunk) lookUpRoutes() {
	r, h := &c.routes, c.byRoute
	r.lasts = r.lasts[:0]
	cursors := newCursors(h, c.departed[c.from], 0, weekMinutes)
	keys := c.route[c.from:c.to]
	for i, q := range c.departed[c.from:c.to] {
		at := cursors.advance(keys[i], q)
		end, begin := at[0], at[1]
		r.counts[i], r.sums[i] = int64(end-begin), h.sums[end]-h.sums[begin]
		r.present[i] = 0
		if end > begin {
			r.lasts = append(r.lasts, int64(h.delays[end-1]))
			r.present[i] = 1
		}
	}
}

// encode makes the row group, its columns in the order of trainingColumns.
func (c *chunk) encode() (*group, error) {
	from, to := c.from, c.to
	n := to - from
	g := &c.group
	g.begin(n)
	errs := []error{
		g.integers("row", c.rows[:n]), g.integers("date", c.date[from:to]),
		g.texts("origin", c.names, c.origin[from:to]), g.texts("destination", c.names, c.destination[from:to]),
		g.integers("distance", c.distance[from:to]), g.integers("delay", c.delay[from:to]),
	}
	for i, w := range trainingWindows {
		o, d := c.origins[i], c.destinations[i]
		errs = append(errs,
			g.integers("origin_count_"+w.name, o.counts[:n]), g.integers("origin_delay_sum_"+w.name, o.sums[:n]),
			g.nullableFloats("origin_delay_mean_"+w.name, o.means, o.present[:n]), g.integers("origin_late_count_"+w.name, o.lates[:n]),
			g.integers("destination_count_"+w.name, d.counts[:n]), g.integers("destination_delay_sum_"+w.name, d.sums[:n]),
			g.nullableFloats("destination_delay_mean_"+w.name, d.means, d.present[:n]))
	}
	r := c.routes
	errs = append(errs,
		g.integers("route_count_7d", r.counts[:n]), g.integers("route_delay_sum_7d", r.sums[:n]),
		g.nullableIntegers("route_delay_last_7d", r.lasts, r.present[:n]))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g.finished(), nil
}
