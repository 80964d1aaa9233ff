package floor

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

const minuteMicros = 60_000_000

// flights is the whole input in columns, by row. Times are minutes.
type flights struct {
	airports            []string // dictionary of origin and destination
	origin, destination []int32
	date                []int64 // µs
	delay, distance     []int64
	departed, reported  []int32 // minutes since base
	base                int64   // minutes since the epoch; before every departure and report
	lastTime            int32
}

// readFlights reads row groups in parallel, each with a dictionary of its own,
// and brings the codes to one dictionary.
func readFlights(path string, threads int) (*flights, error) {
	file, closeInput, err := open(path)
	if err != nil {
		return nil, err
	}
	defer closeInput()
	n := int(file.NumRows())
	f := &flights{
		origin: make([]int32, n), destination: make([]int32, n), date: make([]int64, n), delay: make([]int64, n),
		distance: make([]int64, n), departed: make([]int32, n), reported: make([]int32, n),
	}
	groups := file.RowGroups()
	starts := make([]int, len(groups)+1)
	for i, g := range groups {
		starts[i+1] = starts[i] + int(g.NumRows())
	}
	origins, destinations := make([][]string, len(groups)), make([][]string, len(groups))
	err = parallel(threads, len(groups), func(i int) (err error) {
		origins[i], destinations[i], err = f.readGroup(file, groups[i], starts[i])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	codes := map[string]int32{}
	for i := range groups {
		f.recode(f.origin[starts[i]:starts[i+1]], origins[i], codes)
		f.recode(f.destination[starts[i]:starts[i+1]], destinations[i], codes)
	}
	if err := f.minutes(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *flights) readGroup(file *parquet.File, g parquet.RowGroup, start int) (origins, destinations []string, err error) {
	end := start + int(g.NumRows())
	_, origins, errOrigin := readStrings(file, g, "origin", f.origin[start:start:end])
	_, destinations, errDestination := readStrings(file, g, "destination", f.destination[start:start:end])
	err = errors.Join(errOrigin, errDestination)
	for name, column := range map[string][]int64{"date": f.date, "delay": f.delay, "distance": f.distance} {
		_, e := readInts(file, g, name, column[start:start:end])
		err = errors.Join(err, e)
	}
	return origins, destinations, err
}

// recode replaces a row group's codes by those of the one dictionary.
func (f *flights) recode(column []int32, entries []string, codes map[string]int32) {
	to := make([]int32, len(entries))
	for i, e := range entries {
		code, known := codes[e]
		if !known {
			code = int32(len(f.airports))
			codes[e] = code
			f.airports = append(f.airports, e)
		}
		to[i] = code
	}
	for i, c := range column {
		column[i] = to[c]
	}
}

// minutes computes when each flight departed and was reported.
func (f *flights) minutes() error {
	if len(f.date) == 0 {
		return nil
	}
	first, last := f.date[0]/minuteMicros, int64(0)
	for i, date := range f.date {
		if date%minuteMicros != 0 || i > 0 && date < f.date[i-1] {
			return errors.New("dates are not whole minutes in order, which this program wants")
		}
		reported := date/minuteMicros + f.delay[i] + 20 + f.distance[i]/8
		first, last = min(first, reported), max(last, reported, date/minuteMicros)
	}
	f.base = first - 1
	f.lastTime = int32(last - f.base)
	for i, date := range f.date {
		q := date / minuteMicros
		f.departed[i] = int32(q - f.base)
		f.reported[i] = int32(q + f.delay[i] + 20 + f.distance[i]/8 - f.base)
	}
	return nil
}
