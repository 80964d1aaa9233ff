package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

const (
	inTopic  = "live-events"
	outTopic = "live-stats"
)

// Throughput is a measurement of how fast a topic that is full already is read.
type Throughput struct {
	Brokers    []string
	Events     int64
	Partitions int64
	Keys       int64
	Window     time.Duration
	Rate       int64 // events a second of event time: how many share a window
	Runs       int
}

// cost is what a run took.
type cost struct{ wall, cpu time.Duration }

func (c cost) String() string {
	return fmt.Sprintf("%.2f s, %.2f CPU-s", c.wall.Seconds(), c.cpu.Seconds())
}

// Measure fills the topic and measures the pipeline and the bare consumer, one
// after the other, run by run, on each number of cores. Nothing is said of times
// before both have found what was sent.
func (t Throughput) Measure(ctx context.Context, name string, cores []int, report io.Writer) error {
	s := stream{start: 1_600_000_000_000_000, rate: t.Rate, partitions: t.Partitions, keys: t.Keys}
	if err := remake(ctx, t.Brokers, t.Partitions, inTopic); err != nil {
		return err
	}
	if _, err := sendApart(ctx, sending{brokers: t.Brokers, topic: inTopic, stream: s, events: t.Events}); err != nil {
		return err
	}
	want := consumed{t.Events, s.sum(t.Events)}
	for _, n := range cores {
		var pipeline, bare []cost
		for range t.Runs + 1 { // the first warms up
			c, err := measured(n, func() error { return t.bare(ctx, s, n, want) })
			if err != nil {
				return err
			}
			bare = append(bare, c)
			if err := remake(ctx, t.Brokers, t.Partitions, outTopic); err != nil {
				return err
			}
			if c, err = measured(n, func() error { return t.pipeline(ctx, n) }); err == nil {
				err = t.verify(ctx, want)
			}
			if err != nil {
				return err
			}
			pipeline = append(pipeline, c)
		}
		p, b := median(pipeline[1:]), median(bare[1:])
		rate := func(d time.Duration) float64 { return float64(t.Events) / 1e6 / d.Seconds() }
		fmt.Fprintf(report, "| %s | %d | %.2f | %.2f | %.0f %% | %.2f | %.2f | %.0f %% |\n", name, n,
			rate(p.wall), rate(b.wall), 100*b.wall.Seconds()/p.wall.Seconds(), rate(p.cpu), rate(b.cpu), 100*b.cpu.Seconds()/p.cpu.Seconds())
	}
	return nil
}

// measured runs f on so many processors.
func measured(cores int, f func() error) (cost, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	runtime.GC()
	cpu, started := cpuTime(), time.Now()
	err := f()
	return cost{time.Since(started), cpuTime() - cpu}, err
}

func median(costs []cost) cost {
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(a.wall, b.wall) })
	return costs[len(costs)/2]
}

func (t Throughput) bare(ctx context.Context, s stream, workers int, want consumed) error {
	got, err := consume(ctx, t.Brokers, inTopic, s, t.Events, workers)
	if err == nil && got != want {
		err = fmt.Errorf("the bare consumer found %+v, want %+v", got, want)
	}
	return err
}

func (t Throughput) pipeline(ctx context.Context, tasks int) error {
	p := &leat.Pipeline{}
	build(p, t.Brokers, kafka.End, t.Window)
	result, err := local.Run(ctx, p, local.Options{Plan: local.Streaming, Parallelism: tasks})
	if err != nil {
		return err
	}
	for _, step := range result.Steps {
		if step.Dropped > 0 {
			return fmt.Errorf("step %s dropped %d rows, and nothing was late", step.Step, step.Dropped)
		}
	}
	return nil
}

// verify reads what the pipeline has written until all events are in it.
func (t Throughput) verify(ctx context.Context, want consumed) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var got consumed
	err := results(ctx, t.Brokers, outTopic, func(r result) bool {
		got.rows += r.Count
		got.sum += r.Sum
		return got.rows < want.rows
	})
	if err == nil && got != want {
		err = fmt.Errorf("the pipeline's results are of %+v events, want %+v", got, want)
	}
	return err
}
