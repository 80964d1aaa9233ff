package command

import "testing"

// A small heap may double, a large one grows by a quarter, and both double where
// collecting costs time.
func TestPacing(t *testing.T) {
	for _, c := range []struct {
		live    int64
		busy    float64 // of 100 CPU seconds
		percent int     // before
		want    int
	}{
		{1 << 20, 0.1, 100, 100},
		{256 << 20, 0.1, 100, 100},
		{512 << 20, 0.1, 100, 50},
		{512 << 20, 0.1, 50, 50},
		{4 << 30, 0.1, 100, 50}, // step by step
		{4 << 30, 0.1, 50, 25},
		{4 << 30, 0.1, 25, 25},
		{4 << 30, 5, 25, 50},
		{4 << 30, 5, 50, 100},
		{4 << 30, 5, 100, 100},
		{1 << 20, 0.1, 25, 100},
		{0, 0, 100, 100},
	} {
		p := &pacing{percent: c.percent}
		if got := p.next(c.live, c.busy, 100); got != c.want {
			t.Errorf("%d MiB live, collector %v %%, %d %% before: %d %%, want %d", c.live>>20, c.busy, c.percent, got, c.want)
		}
	}
}
