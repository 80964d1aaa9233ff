package floor

import (
	"math/rand/v2"
	"testing"
)

// The sweep gives what adding up each window's cells one by one gives, for
// every airport, over any split of the windows.
func TestSweep(t *testing.T) {
	origins := []string{"ATL", "ORD", "LAX"}
	part := newGrid(origins, 100, 60)
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		part.add([]int32{r.Int32N(3)}, []int64{100 + r.Int64N(60)}, []int64{r.Int64N(100) - 50})
	}
	g := merge([]*grid{part, newGrid(nil, 0x7fffffff, 0)})
	for _, split := range []int{1, 7, 83} {
		seen := 0
		for from := 0; from < g.hours-23; from += split {
			c := sweep(g, from, min(g.hours-23, from+split))
			for i, code := range c.codes {
				want := cell{max: none}
				hour := c.starts[i]/hourMicros - 100
				for h := max(0, hour); h < min(60, hour+24); h++ {
					x := part.row(int(h))[code]
					want = cell{want.count + x.count, want.sum + x.sum, max(want.max, x.max)}
				}
				if got := (cell{c.counts[i], c.sums[i], c.tops[i]}); got != want {
					t.Fatalf("split %d: window %d of %s is %+v, must be %+v", split, hour, origins[code], got, want)
				}
				seen += int(c.counts[i])
			}
		}
		if seen != 200*24 {
			t.Errorf("split %d: %d reports in windows, must be %d", split, seen, 200*24)
		}
	}
}
