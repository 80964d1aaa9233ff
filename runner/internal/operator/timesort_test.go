package operator

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// Rows come in the order of key and time, those alike as they came, whether they
// are in order, nearly so, far apart, or all at one time.
func TestByKeyAndTime(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		n, keys := 1+r.IntN(500), 1+r.IntN(20)
		spread := []int64{1, 3, 1000, 1 << 30, 1 << 50, batch.MaxTime}[r.IntN(6)]
		unit := []int64{1, 60_000_000}[r.IntN(2)]
		ids, times := make([]int32, n), make([]int64, n)
		for i := range times {
			ids[i] = int32(r.IntN(keys))
			times[i] = (r.Int64N(spread) - spread/2) / unit * unit
		}
		if r.IntN(3) == 0 {
			slices.Sort(times)
		}
		place, starts := byKeyAndTime(ids, times, keys)
		order := make([]int32, n)
		for row, at := range place {
			order[at] = int32(row)
		}
		want := make([]int32, n)
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int { return cmp.Or(cmp.Compare(ids[a], ids[b]), cmp.Compare(times[a], times[b])) })
		if !slices.Equal(order, want) {
			t.Fatalf("%d rows, spread %d: got %v, want %v", n, spread, order, want)
		}
		for id := range int32(keys) {
			first, _ := slices.BinarySearchFunc(order, id, func(row, id int32) int { return cmp.Compare(ids[row], id) })
			if starts[id] != int32(first) {
				t.Fatalf("key %d begins at %d, want %d", id, starts[id], first)
			}
		}
		if starts[keys] != int32(n) {
			t.Fatalf("the last key ends at %d, want %d", starts[keys], n)
		}
	}
}
