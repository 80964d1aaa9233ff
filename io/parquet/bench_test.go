package parquet_test

import (
	"context"
	"io"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

var flightType = row("date", kind(batch.Time), "delay", kind(batch.Int64), "distance", kind(batch.Int64), "origin", kind(batch.String))

// BenchmarkReadFlights reads four columns of 3 million rows, a row group a
// thread; LEAT_FLIGHTS names the file, which is not part of the repository.
func BenchmarkReadFlights(b *testing.B) {
	path := os.Getenv("LEAT_FLIGHTS")
	if path == "" {
		b.Skip("LEAT_FLIGHTS does not name flights-3m.parquet")
	}
	b.ReportAllocs()
	for b.Loop() {
		in, err := parquet.Source{Path: path}.Open(context.Background(), connector.Request{Type: flightType})
		if err != nil {
			b.Fatal(err)
		}
		var rows, next atomic.Int64
		var group errgroup.Group
		for range 2 {
			group.Go(func() error {
				for {
					i := int(next.Add(1)) - 1
					if i >= len(in.Splits()) {
						return nil
					}
					r, err := in.Reader(context.Background(), in.Splits()[i])
					if err != nil {
						return err
					}
					for {
						c, err := r.Read(context.Background())
						if err == io.EOF {
							break
						}
						if err != nil {
							return err
						}
						rows.Add(int64(c.Len()))
					}
					if err := r.Close(); err != nil {
						return err
					}
				}
			})
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
		if rows.Load() != 3_000_000 {
			b.Fatal(rows.Load())
		}
	}
}
