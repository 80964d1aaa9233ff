package floor

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
	chunks := make(chan *chunk, threads)
	for range threads {
		chunks <- newChunk(s)
	}
	n := (len(f.date) + trainingRows - 1) / trainingRows
	return write(out, trainingColumns, n, threads, func(i int) (*group, error) {
		c := <-chunks
		defer func() { chunks <- c }()
		c.fill(i*trainingRows, min(len(f.date), (i+1)*trainingRows))
		return c.encode()
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
