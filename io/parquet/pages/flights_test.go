package pages_test

import (
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/leatflow/leat/io/parquet/pages"
)

// flights is a file of 3 million rows that is not part of the repository.
func flights(t testing.TB) *pages.File {
	path := os.Getenv("LEAT_FLIGHTS")
	if path == "" {
		t.Skip("LEAT_FLIGHTS does not name flights-3m.parquet")
	}
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	info, err := r.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := pages.Open(r, info.Size(), pages.Options{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// cpuTime reports the processor time of a benchmark, all threads together: on a
// busy machine it is steadier than the clock.
func cpuTime(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64((used()-start).Microseconds())/1000/float64(b.N), "cpu-ms/op") }
}

func BenchmarkReadFlights(b *testing.B) {
	f := flights(b)
	b.ReportAllocs()
	defer cpuTime(b)()
	for b.Loop() {
		rows := 0
		for _, g := range f.RowGroups() {
			for _, n := range f.Schema().Children {
				c, err := g.Column(n)
				if err != nil {
					b.Fatal(err)
				}
				for {
					col, err := c.Next(8192)
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					rows += col.Len
				}
			}
		}
		if rows != 15_000_000 {
			b.Fatal(rows)
		}
	}
}
