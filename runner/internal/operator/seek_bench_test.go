package operator

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Searching a spine that ascends in time: 230 keys of unequal size, moments about
// as dense as rows.
func BenchmarkSeek(b *testing.B) {
	const keys, rows, batchRows = 230, 1 << 20, 8192
	r := rand.New(rand.NewPCG(1, 1))
	key := func() int32 { return int32(float64(keys) * r.Float64() * r.Float64()) }
	byKey := make([][]int64, keys)
	ids, spine := make([]int32, rows), make([]int64, rows)
	for i := range rows {
		k := key()
		byKey[k] = append(byKey[k], int64(i)*60)
		ids[i], spine[i] = key(), int64(i)*60+17
	}
	p := &partProbe{part: &part{starts: []int32{0}}}
	for _, list := range byKey {
		p.times = append(p.times, list...)
		p.starts = append(p.starts, int32(len(p.times)))
	}
	for _, disorder := range []int{0, 1000} {
		moments := slices.Clone(spine)
		for i := range moments {
			if disorder > 0 {
				moments[i] = spine[max(0, i-r.IntN(disorder))]
			}
		}
		b.Run([]string{"ascending", "disordered"}[min(disorder, 1)], func(b *testing.B) {
			b.SetBytes(rows)
			out := make([]int32, batchRows)
			for b.Loop() {
				cursors := slices.Clone(p.starts)
				for at := 0; at < rows; at += batchRows {
					p.seek(cursors, ids[at:at+batchRows], moments[at:at+batchRows], nil, 1000, out)
				}
			}
		})
	}
}
