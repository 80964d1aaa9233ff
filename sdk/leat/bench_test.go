package leat

import (
	"fmt"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// visit is the row of the benchmarks.
type visit struct {
	User string
	N    int64
	Cost float64
	Opt  *int64
}

func visits(b *testing.B, c *codec.Codec[KV[string, visit]]) *batch.Batch {
	e := c.NewEncoder()
	for i := range batch.TargetRows {
		n := int64(i)
		if err := e.Append([]KV[string, visit]{{Key: fmt.Sprint(i % 100), Value: visit{User: "u", N: n, Cost: 1.5, Opt: &n}}}); err != nil {
			b.Fatal(err)
		}
	}
	return &batch.Batch{Root: e.Finish(), Time: make([]int64, batch.TargetRows)}
}

func report(b *testing.B, rows int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}

// BenchmarkRows measures the user-code steps over keyed rows of five columns,
// decoding and encoding included.
func BenchmarkRows(b *testing.B) {
	c := mustCodec[KV[string, visit]]()
	in := visits(b, c)
	kv := newKV(decoder[string](mustCodec[string]()), c.Type().Fields[0].Type, decoder[visit](mustCodec[visit]()), c.Type().Fields[1].Type)
	numbers := mustCodec[int64]()
	steps := []struct {
		name string
		fn   graph.RowFn
	}{
		{"map", &mapFn[KV[string, visit], int64]{in: newRowsIn[KV[string, visit]](kv), encode: numbers.NewEncoder(), f: func(kv KV[string, visit]) int64 { return kv.Value.N }}},
		{"filter", &filterFn[KV[string, visit]]{in: newRowsIn[KV[string, visit]](kv), f: func(kv KV[string, visit]) bool { return kv.Value.N&1 == 0 }}},
		{"pardo", newParDo(kv, numbers, Do(func(_ *Context, kv KV[string, visit], emit Emit[int64]) error { emit(kv.Value.N); return nil }), nil)},
	}
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.fn.Process(b.Context(), in, func(int, *batch.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
			report(b, in.Len())
		})
	}
}
