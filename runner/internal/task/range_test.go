package task

import (
	"math/rand/v2"
	"testing"

	"github.com/leatflow/leat/sdk/connector"
)

// Ranges cover all splits once and in order, whatever the number of tasks, and
// with splits of like size no task has two more than another.
func TestRange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		s := &Source{Counters: &SourceCounters{}}
		kind := r.IntN(4)
		for i := range r.IntN(30) {
			split := connector.Split{Rows: int64(r.IntN(1000)), Bytes: int64(r.IntN(1000)), Data: i}
			switch kind {
			case 0:
				split.Rows = 100
			case 1: // only bytes are known
				split.Rows = -1
			case 2: // nothing is known
				split.Rows, split.Bytes = -1, -1
			}
			s.splits = append(s.splits, split)
		}
		if kind == 2 {
			s.Counters.SizeTotal.Store(-1)
		}
		tasks := 1 + r.IntN(8)
		var all []connector.Split
		for i := range tasks {
			mine := s.Range(i, tasks)
			all = append(all, mine...)
			if even := len(s.splits) / tasks; (kind == 0 || kind == 2) && (len(mine) < even || len(mine) > even+1) {
				t.Errorf("task %d of %d has %d of %d splits", i, tasks, len(mine), len(s.splits))
			}
		}
		if len(all) != len(s.splits) {
			t.Fatalf("%d splits of %d", len(all), len(s.splits))
		}
		for i, split := range all {
			if split.Data != i {
				t.Fatalf("split %v is at %d", split.Data, i)
			}
		}
	}
}
