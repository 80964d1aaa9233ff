package local_test

import (
	"fmt"
	"testing"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// A hash join of 2 M visits with one row for each of their keys, in memory and with
// a budget that the right side is a multiple of. Bytes are rows of the left side.
func BenchmarkJoin(b *testing.B) {
	for _, keys := range []uint64{1000, 500_000} {
		for _, budget := range []int64{0, 16 << 20} {
			b.Run(fmt.Sprintf("keys %d, budget %d MiB", keys, budget>>20), func(b *testing.B) {
				const rows = 2_000_000
				b.ReportAllocs()
				b.SetBytes(rows)
				for b.Loop() {
					p, out := &leat.Pipeline{}, &digest{}
					left := byKey(readVisits(p, visits{rows: rows, keys: keys, splits: 8}))
					right := leat.Distinct(leat.Keys(left), "keys")
					byNumber := leat.KeyBy(right, "number", field.Of(func(n *int64) *int64 { return n }))
					leat.Write(leat.Join(left, byNumber, "join", func(k int64, v visit, n int64) leat.KV[int64, int64] {
						return leat.KV[int64, int64]{Key: k, Value: v.N + n}
					}), "out", out)
					r, err := local.Run(b.Context(), p, local.Options{Parallelism: 1, Memory: budget, SpillDir: b.TempDir()})
					if err != nil {
						b.Fatal(err)
					}
					if out.rows != rows || budget > 0 && keys > 1000 && r.Spilled == 0 {
						b.Fatalf("%d rows came out, %d bytes were spilled", out.rows, r.Spilled)
					}
				}
			})
		}
	}
}
