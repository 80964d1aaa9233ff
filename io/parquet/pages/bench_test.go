package pages_test

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

// trips are rows as the training set of the flights has them: a string from a
// dictionary, two times that mostly grow, three small integers, a float.
func trips(n int) (*batch.Type, []*batch.Column) {
	t := plain(batch.Struct, named("origin", plain(batch.String)), named("at", plain(batch.Time)), named("landed", plain(batch.Time)),
		named("delay", plain(batch.Int64)), named("distance", plain(batch.Int64)), named("count", plain(batch.Int64)), named("mean", plain(batch.Float64)))
	r := rand.New(rand.NewPCG(1, 1))
	d := &batch.Dictionary{}
	for range 300 {
		d.Append(string([]byte{byte('A' + r.IntN(26)), byte('A' + r.IntN(26)), byte('A' + r.IntN(26))}))
	}
	var out []*batch.Column
	at := int64(978_307_260_000_000)
	for from := 0; from < n; from += 8192 {
		rows := min(8192, n-from)
		codes, ints := make([]int32, rows), make([][]int64, 5)
		for k := range ints {
			ints[k] = make([]int64, rows)
		}
		mean := make([]float64, rows)
		for i := range rows {
			if r.IntN(14) == 0 {
				at += 60_000_000
			}
			codes[i] = int32(r.IntN(300))
			ints[0][i], ints[1][i] = at, at+int64(r.IntN(300))*60_000_000
			ints[2][i], ints[3][i], ints[4][i] = int64(r.IntN(120)-20), int64(r.IntN(2500)), int64(r.IntN(1000))
			mean[i] = float64(ints[2][i]) / float64(ints[4][i]+1)
		}
		cols := []*batch.Column{batch.NewDictionary(t.Fields[0].Type, codes, d)}
		for k, v := range ints {
			cols = append(cols, batch.NewInts(t.Fields[k+1].Type, v))
		}
		out = append(out, batch.NewStruct(t, rows, append(cols, batch.NewFloats(t.Fields[6].Type, mean))...))
	}
	return t, out
}

func BenchmarkWrite(b *testing.B) {
	t, cols := trips(1_000_000)
	for _, c := range []pages.Compression{pages.Snappy, pages.Zstd, pages.Uncompressed} {
		b.Run(c.String(), func(b *testing.B) {
			b.ReportAllocs()
			defer cpuTime(b)()
			var size int64
			for b.Loop() {
				w, err := pages.NewWriter(io.Discard, t, pages.WriterOptions{Compression: c})
				if err != nil {
					b.Fatal(err)
				}
				for _, c := range cols {
					if err := w.Write(c); err != nil {
						b.Fatal(err)
					}
				}
				if size, err = w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)/1e6, "MB")
		})
	}
}
