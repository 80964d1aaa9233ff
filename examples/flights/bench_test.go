package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// The training set of the sample, or of the file that LEAT_FLIGHTS names, from Parquet
// to Parquet.
func BenchmarkTraining(b *testing.B) {
	in := input("")
	if path := os.Getenv("LEAT_FLIGHTS"); path != "" {
		in = parquet.Source{Path: path}
	}
	windows, err := lookbacks("1h,6h,24h")
	if err != nil {
		b.Fatal(err)
	}
	for _, tasks := range []int{1, 2} {
		b.Run(fmt.Sprintf("parallelism=%d", tasks), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p := &leat.Pipeline{}
				Training(p, in, parquet.Sink{Dir: filepath.Join(b.TempDir(), "out")}, windows)
				result, err := local.Run(b.Context(), p, local.Options{Parallelism: tasks})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(result.PeakMemory)/(1<<20), "peak-MiB")
			}
		})
	}
}
