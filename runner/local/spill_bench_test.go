package local_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
)

// large is the variable that makes tests and benchmarks of spilling take minutes.
const large = "LEAT_LARGE"

// adding is a sink that costs nearly nothing: it adds up keys and sums.
type adding struct{ rows, sum atomic.Int64 }

func (a *adding) String() string             { return "adding" }
func (a *adding) Validate(*batch.Type) error { return nil }

func (a *adding) Open(context.Context, connector.SinkRequest) (connector.Output, error) {
	return a, nil
}

func (a *adding) Writer(context.Context, int) (connector.Writer, error) { return addingTo{a}, nil }
func (a *adding) Commit(context.Context, []connector.Staged) error      { return nil }
func (a *adding) Abort() error                                          { return nil }

type addingTo struct{ to *adding }

func (w addingTo) Write(_ context.Context, b *batch.Batch) error {
	var sum int64
	for i, key := range b.Root.Children[0].Ints {
		sum += key * (b.Root.Children[1].Children[1].Ints[i] + 1)
	}
	w.to.rows.Add(int64(b.Len()))
	w.to.sum.Add(sum)
	return nil
}

func (w addingTo) Close(context.Context) (connector.Staged, error) { return connector.Staged{}, nil }
func (w addingTo) Abort() error                                    { return nil }

// BenchmarkGroupBeyondMemory groups rows by a key, with all the memory there is
// and with a budget of a fraction of what it takes. With LEAT_LARGE=1 it goes on
// to 100 million rows, which take minutes and, without a budget, some 6 GB.
func BenchmarkGroupBeyondMemory(b *testing.B) {
	for _, size := range []struct {
		name   string
		rows   int64
		keys   uint64
		budget int64
	}{
		{"5M rows, 2M keys", 5_000_000, 2_000_000, 32 << 20},
		{"100M rows, 30M keys", 100_000_000, 30_000_000, 512 << 20},
		{"100M rows, 1M keys", 100_000_000, 1_000_000, 64 << 20},
	} {
		if size.rows > 10_000_000 && os.Getenv(large) == "" {
			continue
		}
		want := int64(0)
		for _, budget := range []int64{0, size.budget} {
			b.Run(fmt.Sprintf("%s/budget %d MiB", size.name, budget>>20), func(b *testing.B) {
				for b.Loop() {
					p := &leat.Pipeline{}
					var out adding
					type sums struct{ Rows, Sum int64 }
					leat.Write(leat.Combine(byKey(readVisits(p, visits{rows: size.rows, keys: size.keys, splits: 16})), "total", agg.Into(func(v *visit, s *sums) []agg.Term {
						return []agg.Term{agg.Count(&s.Rows), agg.Sum(&s.Sum, &v.N)}
					})), "out", &out)
					r, err := local.Run(b.Context(), p, local.Options{Memory: budget, SpillDir: b.TempDir()})
					if err != nil {
						b.Fatal(err)
					}
					if want == 0 {
						want = out.sum.Load()
					}
					if out.sum.Load() != want || (r.Spilled > 0) != (budget > 0) {
						b.Fatalf("the sum is %d, want %d; %d bytes spilled", out.sum.Load(), want, r.Spilled)
					}
					b.ReportMetric(float64(size.rows)/r.Elapsed.Seconds()/1e6, "Mrows/s")
					b.ReportMetric(float64(r.Spilled)/1e6, "MB-spilled")
					b.ReportMetric(float64(r.PeakMemory)/1e6, "MB-peak")
				}
			})
		}
	}
}
