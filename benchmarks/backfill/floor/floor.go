// Package floor is the windows job written by hand for this one question: what
// the machine can do when nothing is general. It is what Leat's time is held
// against, not an example of how to write pipelines.
//
// The one central idea: a window of 24 h every hour is 24 hours of an hourly
// grid, so that each flight is added once, and each window costs a handful of
// additions. The grid is hour by hour, airport by airport:
//
//	          ATL ORD LAX …
//	hour 0   [ 3   5   2    ]  ┐
//	hour 1   [ 4   1   0    ]  │ window 0 = sum of 24 rows; maximum in
//	  …                        │ four steps: 2, 4, 8, then 8+8+8
//	hour 23  [ 2   2   6    ]  ┘
//	hour 24  [ …            ]    window 1 = window 0 − hour 0 + hour 24
//
// Row groups of the input are read in parallel, each into a small grid of its
// own hours; row groups of the output are ranges of windows, swept and encoded
// in parallel.
package floor

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/parquet-go/parquet-go"
)

const (
	windowHours = 24
	hourMicros  = 3_600_000_000
)

// Windows reads the flights file in and writes the windows to out, with the
// given number of goroutines.
func Windows(in, out string, threads int) error {
	f, err := os.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	groups := file.RowGroups()
	parts := make([]*grid, len(groups))
	err = parallel(threads, len(groups), func(i int) (err error) {
		parts[i], err = readGroup(file, groups[i])
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	return write(out, merge(parts), threads)
}

// parallel calls do(0) … do(n-1) from some goroutines and joins the errors.
func parallel(threads, n int, do func(i int) error) error {
	errs := make([]error, n)
	next := make(chan int, n)
	for i := range n {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range threads {
		wg.Go(func() {
			for i := range next {
				errs[i] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
