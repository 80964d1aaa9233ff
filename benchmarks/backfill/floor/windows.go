package floor

import (
	"errors"
	"fmt"
)

// groupHours is how many hours of windows make a row group: about 160,000 rows
// of the flights file.
const groupHours = 720

var windowColumns = []column{
	{"origin", text, false}, {"window_start", moment, false}, {"window_end", moment, false}, {"count", integer, false},
	{"delay_sum", integer, false}, {"delay_mean", float, false}, {"delay_max", integer, false},
}

// Windows reads the flights file in and writes the windows to out, with the
// given number of goroutines.
func Windows(in, out string, threads int) error {
	file, closeInput, err := open(in)
	if err != nil {
		return err
	}
	defer closeInput()
	groups := file.RowGroups()
	parts := make([]*grid, len(groups))
	err = parallel(threads, len(groups), func(i int) (err error) {
		parts[i], err = readGrid(file, groups[i])
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	g := merge(parts)
	windows := max(0, g.hours-(windowHours-1))
	names := newDictionary(g.origins)
	return write(out, windowColumns, (windows+groupHours-1)/groupHours, threads, func(i int) (*group, error) {
		return encodeWindows(sweep(g, i*groupHours, min(windows, (i+1)*groupHours)), names)
	})
}

func encodeWindows(c *columns, names dictionary) (*group, error) {
	g := new(group)
	g.begin(len(c.codes))
	err := errors.Join(
		g.texts("origin", names, c.codes),
		g.integers("window_start", c.starts),
		g.integers("window_end", c.ends),
		g.integers("count", c.counts),
		g.integers("delay_sum", c.sums),
		g.floats("delay_mean", c.means),
		g.integers("delay_max", c.tops),
	)
	if err != nil {
		return nil, err
	}
	return g, nil
}
