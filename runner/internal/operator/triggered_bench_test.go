package operator

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// BenchmarkTriggered groups rows of 10,000 keys after Zipf, event time going on by
// 1 s in 1 M rows, with a watermark behind each batch.
func BenchmarkTriggered(b *testing.B) {
	second, late := window.Fixed(time.Second), 10*time.Second
	cases := []struct {
		name string
		w    graph.Windowing
	}{
		{"lateness", graph.Windowing{Fn: second, Strategy: window.Strategy{Lateness: late}}},
		{"early-count", graph.Windowing{Fn: second, Strategy: window.Strategy{Lateness: late, Mode: window.Accumulating,
			Trigger: window.AfterWatermark(window.Early(window.AfterCount(100)), window.Late(window.AfterCount(1)))}}},
		{"early-clock", graph.Windowing{Fn: second, Strategy: window.Strategy{Lateness: late, Mode: window.Accumulating,
			Trigger: window.AfterWatermark(window.Early(window.AfterProcessingTime(100*time.Millisecond)), window.Late(window.AfterCount(1)))}}},
		{"always-discarding", graph.Windowing{Fn: second, Strategy: window.Strategy{Trigger: window.Repeat(window.AfterCount(1))}}},
		{"always-accumulating", graph.Windowing{Fn: second, Strategy: window.Strategy{Mode: window.Accumulating, Trigger: window.Repeat(window.AfterCount(1))}}},
		{"always-retracting", graph.Windowing{Fn: second, Strategy: window.Strategy{Mode: window.Retracting, Trigger: window.Repeat(window.AfterCount(1))}}},
		{"count-windows", graph.Windowing{Fn: window.Global(), Strategy: window.Strategy{Trigger: window.Repeat(window.AfterCount(100))}}},
		{"earliest", graph.Windowing{Fn: second, Strategy: window.Strategy{Combiner: window.Earliest}}},
		{"session-lateness", graph.Windowing{Fn: window.Session(100 * time.Millisecond), Strategy: window.Strategy{Lateness: late}}},
		{"sliding-lateness", graph.Windowing{Fn: window.Sliding(10*time.Second, time.Second), Strategy: window.Strategy{Lateness: late}}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) { benchmarkTriggered(b, c.w) })
	}
}

func benchmarkTriggered(b *testing.B, w graph.Windowing) {
	plan, err := agg.Into(func(v *int64, sum *int64) []agg.Term { return []agg.Term{agg.Sum(sum, v)} }).Plan()
	if err != nil {
		b.Fatal(err)
	}
	ints := &batch.Type{Kind: batch.Int64}
	var counters Counters
	o := NewTriggered(Grouping{Aggregate: plan, Key: ints, Windowing: w}, &counters).(*triggered)
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.1, 1, 9999)
	kv := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: ints}, {Name: "value", Type: ints}}}
	keys := make([][]int64, 64)
	for i := range keys {
		keys[i] = make([]int64, batch.TargetRows)
		for j := range keys[i] {
			keys[i][j] = int64(zipf.Uint64())
		}
	}
	rows, out := 0, 0
	emit := func(_ int, b *batch.Batch) error { out += b.Len(); return nil }
	b.ReportAllocs()
	for b.Loop() {
		times := make([]int64, batch.TargetRows)
		for j := range times {
			times[j] = int64(rows + j)
		}
		k := keys[rows/batch.TargetRows%len(keys)]
		in := &batch.Batch{Time: times, Root: batch.NewStruct(kv, batch.TargetRows, batch.NewInts(ints, k), batch.NewInts(ints, k))}
		if err := o.ProcessingTime(b.Context(), int64(rows), emit); err != nil {
			b.Fatal(err)
		}
		if err := o.Process(b.Context(), in, emit); err != nil {
			b.Fatal(err)
		}
		rows += batch.TargetRows
		if err := o.Watermark(b.Context(), int64(rows), emit); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	b.ReportMetric(float64(out)/float64(rows), "out/row")
}
