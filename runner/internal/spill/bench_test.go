package spill

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/leatflow/leat/sdk/batch"
)

// grouped is what a partial aggregation spills: a key, a count, a sum, a window.
func grouped() *batch.Batch {
	const n = batch.TargetRows
	integer := &batch.Type{Kind: batch.Int64}
	text := &batch.Type{Kind: batch.String}
	r := rand.New(rand.NewPCG(1, 2))
	keys := batch.Strings{Offsets: []int32{0}}
	counts, sums, start, end := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i := range n {
		keys.Append(fmt.Sprint("user-", r.IntN(1_000_000)))
		counts[i], sums[i] = 1+r.Int64N(5), r.Int64N(100_000)
		start[i] = 1_700_000_000_000_000 + r.Int64N(100)*3_600_000_000
		end[i] = start[i] + 3_600_000_000
	}
	root := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: text}, {Name: "rows", Type: integer}, {Name: "sum", Type: integer}}}
	return &batch.Batch{Root: batch.NewStruct(root, n, batch.NewStrings(text, keys), batch.NewInts(integer, counts), batch.NewInts(integer, sums)), Start: start, End: end}
}

// BenchmarkBlock writes and reads blocks, beside Arrow IPC of the same rows.
func BenchmarkBlock(b *testing.B) {
	in := grouped()
	area := NewArea(b.TempDir(), nil)
	defer area.Close()
	b.Run("write", func(b *testing.B) {
		file, err := area.Create("the benchmark")
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		b.SetBytes(in.SizeBytes())
		b.ReportAllocs()
		var k Block
		for b.Loop() {
			file.size.Store(0)
			if k, err = file.Append(in); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(k.raw)/float64(k.kept), "ratio")
	})
	b.Run("read", func(b *testing.B) {
		file, err := area.Create("the benchmark")
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		k, err := file.Append(in)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(in.SizeBytes())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := file.Read(k); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, option := range map[string]ipc.Option{"lz4": ipc.WithLZ4(), "zstd": ipc.WithZstd()} {
		b.Run("arrow-"+name, func(b *testing.B) { arrowIPC(b, in, option) })
	}
}

func arrowIPC(b *testing.B, in *batch.Batch, option ipc.Option) {
	b.SetBytes(in.SizeBytes())
	b.ReportAllocs()
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		record, err := batch.ToArrow(in)
		if err != nil {
			b.Fatal(err)
		}
		w := ipc.NewWriter(&out, ipc.WithSchema(record.Schema()), option)
		if err := w.Write(record); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(in.SizeBytes())/float64(out.Len()), "ratio")
}
