package local_test

import (
	"iter"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// total is what the tests of spilling aggregate.
type total struct {
	Rows int64
	Sum  int64
	Mean *float64
	Most int64
}

func totals(v *visit, t *total) []agg.Term {
	return []agg.Term{agg.Count(&t.Rows), agg.Sum(&t.Sum, &v.N), agg.Mean(t.Mean, &v.N), agg.Max(&t.Most, &v.N)}
}

// spilling are pipelines that need far more memory than they get.
var spilling = []struct {
	name  string
	data  visits
	build func(in leat.PCollection[visit], out *digest)
}{
	{"combine, many keys", visits{rows: 300_000, keys: 200_000, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(byKey(in), "total", agg.Into(totals)), "out", out)
	}},
	{"combine, one key with nine of ten rows", visits{rows: 300_000, keys: 1 << 40, skewed: true, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(byKey(in), "total", agg.Into(totals)), "out", out)
	}},
	{"combine, few keys in many windows", visits{rows: 300_000, keys: 3000, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(leat.Window(byKey(in), window.Fixed(10*time.Millisecond)), "total", agg.Into(totals)), "out", out)
	}},
	{"combine, sliding windows", visits{rows: 120_000, keys: 20_000, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(leat.Window(byKey(in), window.Sliding(90*time.Millisecond, 30*time.Millisecond)), "total", agg.Into(totals)), "out", out)
	}},
	{"combine, sliding windows, very many keys", visits{rows: 120_000, keys: 1 << 40, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(leat.Window(byKey(in), window.Sliding(100*time.Millisecond, 50*time.Millisecond)), "total", agg.Into(totals)), "out", out)
	}},
	{"combine, sessions", visits{rows: 120_000, keys: 5_000, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(leat.Window(byKey(in), window.Session(5*time.Millisecond)), "total", agg.Into(totals)), "out", out)
	}},
	{"combine, sessions, very many keys", visits{rows: 300_000, keys: 1 << 40, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(leat.Window(byKey(in), window.Session(5*time.Millisecond)), "total", agg.Into(totals)), "out", out)
	}},
	{"sort", visits{rows: 300_000, keys: 1000}, func(in leat.PCollection[visit], out *digest) {
		out.order = []connector.SortKey{{Column: "n", Descending: true}, {Column: "user"}}
		leat.Write(in, "out", out)
	}},
	{"sort behind combine", visits{rows: 300_000, keys: 1 << 40, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		out.order = []connector.SortKey{{Column: "value.Sum"}, {Column: "value.Most", Descending: true}}
		leat.Write(leat.Combine(byKey(in), "total", agg.Into(totals)), "out", out)
	}},
	{"group, many keys", visits{rows: 120_000, keys: 100_000, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Map(leat.GroupByKey(byKey(in), "group"), "fold", fold), "out", out)
	}},
	{"distinct", visits{rows: 120_000, keys: 100_000, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Distinct(leat.Keys(byKey(in)), "keys"), "out", out)
	}},
	{"group, one key with nine of ten rows", visits{rows: 120_000, keys: 1 << 40, skewed: true, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Map(leat.GroupByKey(byKey(in), "group"), "fold", fold), "out", out)
	}},
	{"group, one key with nine of ten rows in many windows", visits{rows: 120_000, keys: 1 << 40, skewed: true, splits: 7}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Map(leat.GroupByKey(leat.Window(byKey(in), window.Fixed(100*time.Millisecond)), "group"), "fold", fold), "out", out)
	}},
}

// fold makes one number of a group that depends on the order of its values.
func fold(kv leat.KV[int64, iter.Seq[visit]]) leat.KV[int64, int64] {
	out := leat.KV[int64, int64]{Key: kv.Key}
	for range 2 { // a group may be ranged over again
		for v := range kv.Value {
			out.Value = out.Value*31 + v.N + v.At.UnixMicro()
		}
	}
	return out
}

// spillingTasks are the numbers of tasks that tests of spilling run with. A short
// run, that of the race detector, has no use for one alone.
func spillingTasks() []int {
	if testing.Short() {
		return []int{3}
	}
	return []int{1, 3}
}

// The answer does not depend on the budget: neither the rows nor their order in
// each task, for any number of tasks; the budget is kept, and nothing is left in
// the spill directory.
func TestSpillEqualsMemory(t *testing.T) {
	for _, s := range spilling {
		for _, parallelism := range spillingTasks() {
			run := func(memory int64) (*digest, *local.Result) {
				p := &leat.Pipeline{}
				var out digest
				s.build(readVisits(p, s.data), &out)
				dir := t.TempDir()
				r, err := local.Run(t.Context(), p, local.Options{Parallelism: parallelism, Memory: memory, SpillDir: dir})
				if err != nil {
					t.Fatalf("%s, budget %d: %v", s.name, memory, err)
				}
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("%s: %v is left: %v", s.name, left, err)
				}
				return &out, r
			}
			want, free := run(0)
			for _, memory := range []int64{2 << 20} {
				got, r := run(memory)
				if r.Spilled == 0 || free.Spilled != 0 || r.PeakMemory > memory {
					t.Errorf("%s: with %d bytes %d were spilled, the peak was %d", s.name, memory, r.Spilled, r.PeakMemory)
				}
				if got.rows != want.rows || got.set != want.set || !maps.Equal(got.ordered, want.ordered) {
					t.Errorf("%s, %d tasks, budget %d: %d rows %x %x, want %d rows %x %x", s.name, parallelism, memory,
						got.rows, got.set, got.ordered, want.rows, want.set, want.ordered)
				}
				t.Logf("%s, %d tasks, %d MiB: peak %d KiB, spilled %d KiB, %v (in memory %d MiB, %v)", s.name, parallelism, memory>>20, r.PeakMemory>>10, r.Spilled>>10, r.Elapsed, free.PeakMemory>>20, free.Elapsed)
			}
		}
	}
}
