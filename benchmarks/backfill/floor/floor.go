// Package floor is two of the jobs written by hand for those questions alone:
// what the machine can do when nothing is general. It is what Leat's time is
// held against, not an example of how to write pipelines.
//
// The one central idea of each is to do a thing once. Windows: a window of 24 h
// every hour is 24 hours of an hourly grid, so that each flight is added once,
// and each window costs a handful of additions. The grid is hour by hour,
// airport by airport:
//
//	          ATL ORD LAX …
//	hour 0   [ 3   5   2    ]  ┐
//	hour 1   [ 4   1   0    ]  │ window 0 = sum of 24 rows; maximum in
//	  …                        │ four steps: 2, 4, 8, then 8+8+8
//	hour 23  [ 2   2   6    ]  ┘
//	hour 24  [ …            ]    window 1 = window 0 − hour 0 + hour 24
//
// Training: reports lie sorted by key and time with running sums beside them,
// and what a key's window holds is the difference of two running sums. A row
// group of the output finds where its first row's windows begin by binary
// search; from there on a cursor a key and window only goes forward:
//
//	reports of ATL by time   r0 r1 r2 r3 r4 r5 r6 r7 …
//	running sums           s0 s1 s2 s3 s4 s5 s6 s7 s8 …
//	                            ▲        ▲
//	                 first t ≥ q−w      first t ≥ q     sum = s5 − s2
//
// Row groups of the input are read in parallel, row groups of the output made
// and encoded in parallel and written in order.
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

func open(path string) (*parquet.File, func(), error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return file, func() { f.Close() }, nil
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
