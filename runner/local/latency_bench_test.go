package local_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// pushed is a source of partitions whose batches are made beforehand and pushed one
// at a time.
type pushed struct{ parts []chan *batch.Batch }

// String implements connector.Source.
func (p *pushed) String() string { return "pushed" }

// Bounded implements connector.Source.
func (p *pushed) Bounded() bool { return false }

// Validate implements connector.Source.
func (p *pushed) Validate(*batch.Type) error { return nil }

// Open implements connector.Source.
func (p *pushed) Open(context.Context, connector.Request) (connector.Input, error) { return p, nil }

// Splits implements connector.Input.
func (p *pushed) Splits() (splits []connector.Split) {
	for i, part := range p.parts {
		splits = append(splits, connector.Split{Name: fmt.Sprint("part ", i), Rows: -1, Bytes: -1, Data: part})
	}
	return splits
}

// Reader implements connector.Input.
func (p *pushed) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	return pushReader{s.Data.(chan *batch.Batch)}, nil
}

// Close implements connector.Input.
func (p *pushed) Close() error { return nil }

type pushReader struct{ from chan *batch.Batch }

// Read implements connector.Reader.
func (r pushReader) Read(ctx context.Context) (*batch.Batch, error) {
	select {
	case b := <-r.from:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements connector.Reader.
func (r pushReader) Close() error { return nil }

// rowsCame is a sink that says when rows have come, and how many.
type rowsCame struct{ rows chan int }

// String implements connector.Sink.
func (a rowsCame) String() string { return "rowsCame" }

// Validate implements connector.Sink.
func (a rowsCame) Validate(*batch.Type) error { return nil }

// Open implements connector.Sink.
func (a rowsCame) Open(context.Context, connector.SinkRequest) (connector.Output, error) {
	return a, nil
}

// Writer implements connector.Output.
func (a rowsCame) Writer(context.Context, int) (connector.Writer, error) { return a, nil }

// Commit implements connector.Output.
func (a rowsCame) Commit(context.Context, []connector.Staged) error { return nil }

// Abort implements connector.Output and connector.Writer.
func (a rowsCame) Abort() error { return nil }

// Write implements connector.Writer.
func (a rowsCame) Write(_ context.Context, b *batch.Batch) error {
	a.rows <- b.Len()
	return nil
}

// Close implements connector.Writer.
func (a rowsCame) Close(context.Context) (connector.Staged, error) { return connector.Staged{}, nil }

// The time from a batch that closes a window, pushed into an otherwise idle
// pipeline, to the last row of the result.
func BenchmarkLatency(b *testing.B) {
	const users = 50
	for _, c := range []struct {
		name        string
		parts       int
		parallelism int
		generator   watermark.Generator
	}{
		{"1 partition, 1 task", 1, 1, watermark.Monotone()},
		{"1 partition, 2 tasks", 1, 2, watermark.Monotone()},
		{"4 partitions, 2 tasks", 4, 2, watermark.Monotone()},
		{"4 partitions, 2 tasks, idle after 1 min", 4, 2, watermark.Monotone().IdleAfter(time.Minute)},
	} {
		b.Run(c.name, func(b *testing.B) {
			rows, err := codec.For[event]()
			if err != nil {
				b.Fatal(err)
			}
			batchAt := func(second int64) *batch.Batch {
				e := rows.NewEncoder()
				for i := range users {
					if err := e.Append([]event{ev(fmt.Sprint("user", i), second)}); err != nil {
						b.Fatal(err)
					}
				}
				return &batch.Batch{Root: e.Finish()}
			}
			from, out := &pushed{}, rowsCame{make(chan int, 100)}
			for range c.parts {
				from.parts = append(from.parts, make(chan *batch.Batch))
			}
			p := &leat.Pipeline{}
			in := leat.Read(p, "in", connector.Source(from), leat.EventTimeField(at, c.generator))
			leat.Write(sumOf(leat.Window(keyed(in), window.Fixed(time.Second))), "out", connector.Sink(out))
			stop := make(chan struct{})
			wait := start(b.Context(), p, local.Options{Parallelism: c.parallelism, Stop: stop})
			var took []time.Duration
			second := int64(0)
			for b.Loop() {
				b.StopTimer()
				second++
				last := batchAt(second)
				for _, part := range from.parts[1:] {
					part <- batchAt(second)
				}
				time.Sleep(200 * time.Microsecond) // until that is worked off
				began := time.Now()
				b.StartTimer()
				from.parts[0] <- last
				for left := users; left > 0 && second > 1; {
					left -= <-out.rows
				}
				took = append(took, time.Since(began))
			}
			close(stop)
			if _, err := wait(); err != nil {
				b.Fatal(err)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// Rows a second when they come in batches of so many, as fast as they are taken.
func BenchmarkSmallBatches(b *testing.B) {
	for _, size := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(size, " rows"), func(b *testing.B) {
			rows, err := codec.For[event]()
			if err != nil {
				b.Fatal(err)
			}
			e := rows.NewEncoder()
			for i := range size {
				if err := e.Append([]event{ev(fmt.Sprint("user", i%50), 1)}); err != nil {
					b.Fatal(err)
				}
			}
			same := &batch.Batch{Root: e.Finish()}
			from := &pushed{parts: []chan *batch.Batch{make(chan *batch.Batch, 8), make(chan *batch.Batch, 8)}}
			p := &leat.Pipeline{}
			in := leat.Read(p, "in", connector.Source(from), leat.EventTimeField(at, watermark.Monotone()))
			moved := leat.Map(leat.Reshuffle(in), "count", func(e event) int64 { return e.N })
			leat.Write(leat.Filter(moved, "none", func(n int64) bool { return n < 0 }), "out", connector.Sink(rowsCame{}))
			stop := make(chan struct{})
			wait := start(b.Context(), p, local.Options{Parallelism: 2, Stop: stop})
			for i := 0; b.Loop(); i++ {
				from.parts[i%2] <- same
			}
			close(stop)
			if _, err := wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/row")
		})
	}
}
