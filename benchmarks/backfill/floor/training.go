package floor

import (
	"errors"
)

// trainingRows is how many rows of the training set make a row group.
const trainingRows = 100_000

const weekMinutes = 7 * 24 * 60

// trainingWindows are the windows of origins and destinations.
var trainingWindows = []struct {
	name    string
	minutes int32
}{{"1h", 60}, {"6h", 6 * 60}, {"24h", 24 * 60}}

// trainingColumns are those of the output; encodeTraining writes them in this order.
var trainingColumns = func() []column {
	all := []column{
		{"row", integer, false}, {"date", moment, false}, {"origin", text, false}, {"destination", text, false},
		{"distance", integer, false}, {"delay", integer, false},
	}
	for _, w := range trainingWindows {
		all = append(all,
			column{"origin_count_" + w.name, integer, false}, column{"origin_delay_sum_" + w.name, integer, false},
			column{"origin_delay_mean_" + w.name, float, true}, column{"origin_late_count_" + w.name, integer, false},
			column{"destination_count_" + w.name, integer, false}, column{"destination_delay_sum_" + w.name, integer, false},
			column{"destination_delay_mean_" + w.name, float, true})
	}
	return append(all, column{"route_count_7d", integer, false}, column{"route_delay_sum_7d", integer, false}, column{"route_delay_last_7d", integer, true})
}()

// Training reads the flights file in, which must be sorted by date, and writes
// the training set to out: for each departure what was reported of its origin,
// its destination and its route in the time before.
func Training(in, out string, threads int) error {
	f, err := readFlights(in, threads)
	if err != nil {
		return err
	}
	s := &trainingSet{flights: f, names: newDictionary(f.airports)}
	if err := s.sort(threads); err != nil {
		return err
	}
	n := (len(f.date) + trainingRows - 1) / trainingRows
	return write(out, trainingColumns, n, threads, func(i int) (*group, error) {
		return s.encode(i*trainingRows, min(len(f.date), (i+1)*trainingRows))
	})
}

// trainingSet is all that the row groups of the output are made from; nothing
// of it changes while they are.
type trainingSet struct {
	*flights
	names                            dictionary
	route                            []int32
	byOrigin, byDestination, byRoute *history
}

func (s *trainingSet) sort(threads int) error {
	order := s.byTime()
	return parallel(threads, 3, func(i int) error {
		switch i {
		case 0:
			s.route = make([]int32, len(s.origin))
			width := routes(s.origin, s.destination, len(s.airports), s.route)
			s.byRoute = newHistory(s.flights, order, s.route, width)
		case 1:
			s.byOrigin = newHistory(s.flights, order, s.origin, len(s.airports))
		case 2:
			s.byDestination = newHistory(s.flights, order, s.destination, len(s.airports))
		}
		return nil
	})
}

// routes numbers the pairs of origin and destination that occur and returns how
// many there are.
func routes(origin, destination []int32, airports int, out []int32) int {
	numbers := make([]int32, airports*airports) // 0: not seen
	count := int32(0)
	for i, o := range origin {
		n := &numbers[int(o)*airports+int(destination[i])]
		if *n == 0 {
			count++
			*n = count
		}
		out[i] = *n - 1
	}
	return int(count)
}

// statistics are the columns of one window of one kind of key.
type statistics struct {
	counts, sums, lates []int64
	means               []float64 // of rows that have one
	present             []uint8
}

// lookUp fills the windows of one kind of key for rows from to below to.
func (s *trainingSet) lookUp(h *history, keys []int32, from, to int) []statistics {
	all := make([]statistics, len(trainingWindows))
	backs := []int32{0}
	n := to - from
	for i, w := range trainingWindows {
		backs = append(backs, w.minutes)
		all[i] = statistics{
			counts: make([]int64, n), sums: make([]int64, n), lates: make([]int64, n),
			means: make([]float64, 0, n), present: make([]uint8, n),
		}
	}
	c := newCursors(h, s.departed[from], backs...)
	for i := range n {
		at := c.advance(keys[from+i], s.departed[from+i])
		end := at[0]
		for w := range all {
			begin, to := at[w+1], &all[w]
			count, sum := int64(end-begin), h.sums[end]-h.sums[begin]
			to.counts[i], to.sums[i], to.lates[i] = count, sum, int64(h.lates[end]-h.lates[begin])
			if count > 0 {
				to.means = append(to.means, float64(sum)/float64(count))
				to.present[i] = 1
			}
		}
	}
	return all
}

// routeStatistics are the columns of the route's window.
type routeStatistics struct {
	counts, sums []int64
	lasts        []int64 // of rows that have one
	present      []uint8
}

func (s *trainingSet) lookUpRoute(from, to int) routeStatistics {
	n := to - from
	r := routeStatistics{counts: make([]int64, n), sums: make([]int64, n), lasts: make([]int64, 0, n), present: make([]uint8, n)}
	h := s.byRoute
	c := newCursors(h, s.departed[from], 0, weekMinutes)
	for i := range n {
		at := c.advance(s.route[from+i], s.departed[from+i])
		end, begin := at[0], at[1]
		r.counts[i], r.sums[i] = int64(end-begin), h.sums[end]-h.sums[begin]
		if end > begin {
			r.lasts = append(r.lasts, int64(h.delays[end-1]))
			r.present[i] = 1
		}
	}
	return r
}

// encode makes the row group of rows from to below to.
func (s *trainingSet) encode(from, to int) (*group, error) {
	g := newGroup(to - from)
	rows := make([]int64, to-from)
	for i := range rows {
		rows[i] = int64(from + i)
	}
	origins := s.lookUp(s.byOrigin, s.origin, from, to)
	destinations := s.lookUp(s.byDestination, s.destination, from, to)
	route := s.lookUpRoute(from, to)
	errs := []error{
		g.integers("row", rows), g.integers("date", s.date[from:to]),
		g.texts("origin", s.names, s.origin[from:to]), g.texts("destination", s.names, s.destination[from:to]),
		g.integers("distance", s.distance[from:to]), g.integers("delay", s.delay[from:to]),
	}
	for i, w := range trainingWindows {
		o, d := origins[i], destinations[i]
		errs = append(errs,
			g.integers("origin_count_"+w.name, o.counts), g.integers("origin_delay_sum_"+w.name, o.sums),
			g.nullableFloats("origin_delay_mean_"+w.name, o.means, o.present), g.integers("origin_late_count_"+w.name, o.lates),
			g.integers("destination_count_"+w.name, d.counts), g.integers("destination_delay_sum_"+w.name, d.sums),
			g.nullableFloats("destination_delay_mean_"+w.name, d.means, d.present))
	}
	errs = append(errs,
		g.integers("route_count_7d", route.counts), g.integers("route_delay_sum_7d", route.sums),
		g.nullableIntegers("route_delay_last_7d", route.lasts, route.present))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return g, nil
}
