package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// Latency is an open-loop measurement: events are sent when they are due, whatever
// the pipeline does.
type Latency struct {
	Brokers    []string
	Partitions int64
	Keys       int64
	Window     time.Duration
	For        time.Duration // sending; the first fifth warms up
	Cores      int
}

// Delays are latencies of results, ascending: from the moment at which the event
// that closed their window was due.
type Delays struct {
	Appended []time.Duration // until the broker had the result, rounded up to its milliseconds
	Seen     []time.Duration // until a consumer had it
	Late     time.Duration   // how late the generator was with an event at the most
	Elapsed  cost
}

// quantile returns a quantile of ascending durations.
func quantile(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	return of[min(len(of)-1, int(q*float64(len(of))))]
}

// Run measures one rate.
func (l Latency) Run(ctx context.Context, rate int64) (Delays, error) {
	for topic, partitions := range map[string]int64{inTopic: l.Partitions, outTopic: l.Partitions} {
		if err := remake(ctx, l.Brokers, partitions, topic); err != nil {
			return Delays{}, err
		}
	}
	// Windows begin at whole multiples of their length: so do events.
	start := time.Now().Add(time.Second).Truncate(time.Second).Add(time.Second)
	s := stream{start: start.UnixMicro(), rate: rate, partitions: l.Partitions, keys: l.Keys}
	events := int64(l.For.Seconds() * float64(rate))
	ctx, cancel := context.WithTimeout(ctx, l.For+time.Minute)
	defer cancel()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(l.Cores))

	var d Delays
	cpu := cpuTime()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		d.Late, err = sendApart(ctx, sending{brokers: l.Brokers, topic: inTopic, stream: s, events: events, paced: true})
		return err
	})
	running, stop := context.WithCancel(ctx)
	group.Go(func() error {
		p := &leat.Pipeline{}
		build(p, l.Brokers, kafka.Never, l.Window)
		_, err := local.Run(running, p, local.Options{Parallelism: l.Cores})
		if running.Err() != nil && ctx.Err() == nil {
			return nil // all that can come has come
		}
		return err
	})
	group.Go(func() error {
		defer stop()
		return l.collect(ctx, s, events, &d)
	})
	if err := group.Wait(); err != nil {
		return d, err
	}
	d.Elapsed = cost{time.Since(start), cpuTime() - cpu}
	slices.Sort(d.Appended)
	slices.Sort(d.Seen)
	return d, nil
}

// collect reads the results of all windows that an event closes, checks that they
// are of all events before the end of the last of these, and takes their times.
func (l Latency) collect(ctx context.Context, s stream, events int64, d *Delays) error {
	warm := s.start + l.For.Microseconds()/5
	end := s.at(events) / l.Window.Microseconds() * l.Window.Microseconds()
	for s.closing(end) >= events {
		end -= l.Window.Microseconds()
	}
	counted := s.closing(end) - s.partitions + 1
	var got consumed
	err := results(ctx, l.Brokers, outTopic, func(r result) bool {
		got.rows += r.Count
		got.sum += r.Sum
		if r.End.UnixMicro() >= warm {
			due := time.UnixMicro(s.at(s.closing(r.End.UnixMicro())))
			d.Appended = append(d.Appended, r.appended.Sub(due)+time.Millisecond) // appended is cut off
			d.Seen = append(d.Seen, r.seen.Sub(due))
		}
		return got.rows < counted
	})
	if want := (consumed{counted, s.sum(counted)}); err == nil && got != want {
		err = fmt.Errorf("the results are of %+v events, want %+v", got, want)
	}
	return err
}

// sustained says whether the pipeline kept up with a rate: results were not later
// at the end than a window's worth of events takes to read, and the generator was
// not held up.
func (l Latency) sustained(d Delays) bool {
	return len(d.Appended) > 0 && quantile(d.Appended, 0.99) < l.Window && d.Late < l.Window
}

// Highest raises the rate by a quarter until it is not sustained twice, and returns
// the highest that was.
func (l Latency) Highest(ctx context.Context, from, most int64, log io.Writer) (int64, error) {
	var highest int64
	for rate := from; rate <= most; rate += rate / 4 {
		kept := false
		for range 2 {
			d, err := l.Run(ctx, rate)
			if err != nil {
				return 0, fmt.Errorf("at %d events a second: %w", rate, err)
			}
			kept = l.sustained(d)
			fmt.Fprintf(log, "%d events/s: p50 %s, p99 %s, the generator at most %s late, sustained: %v\n", rate, quantile(d.Appended, 0.5), quantile(d.Appended, 0.99), d.Late, kept)
			if kept {
				break
			}
		}
		if !kept {
			break
		}
		highest = rate
	}
	if highest == 0 {
		return 0, fmt.Errorf("not even %d events a second are sustained; begin with fewer", from)
	}
	return highest, nil
}

// Measure finds the highest rate and reports the latency at half of it.
func (l Latency) Measure(ctx context.Context, name string, from, most int64, report, log io.Writer) error {
	short := l
	short.For = max(l.For/4, 5*l.Window)
	highest, err := short.Highest(ctx, from, most, log)
	if err != nil {
		return err
	}
	d, err := l.Run(ctx, highest/2)
	if err != nil {
		return err
	}
	ms := func(of []time.Duration, q float64) float64 { return float64(quantile(of, q).Microseconds()) / 1000 }
	fmt.Fprintf(report, "| %s | %d | %d | %d | %d | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.0f %% |\n", name, l.Cores, highest, highest/2, len(d.Appended),
		ms(d.Appended, 0.5), ms(d.Appended, 0.99), ms(d.Appended, 0.999), ms(d.Seen, 0.5), ms(d.Seen, 0.99), ms(d.Seen, 0.999), 100*d.Elapsed.cpu.Seconds()/d.Elapsed.wall.Seconds())
	return nil
}
