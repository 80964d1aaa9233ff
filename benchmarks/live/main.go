// Command live measures pipelines from Kafka to Kafka: how long a result takes, in
// an open loop, and how much is read, beside a bare consumer.
//
// The one central idea: nothing is reported of a run before its results have been
// read back and found to be of every event. Events are a function of their number
// (events.go), so what must come out, and when the event that closes a window was
// due, is known apart from the engine.
//
//	generator ──paced──▶ broker ─▶ pipeline ─▶ broker ─▶ results: all there? ─▶ report
//	(own process)        (own process)         append time − due
//
//	go run ./benchmarks/live [latency|throughput|all] [-brokers host:port] -cores 1,2
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/leatflow/leat/runner/command"
)

// options are the command line.
type options struct {
	what                 string
	brokers              string
	cores                []int
	events               int64
	runs                 int
	from, most           int64
	seconds              float64
	partitions, keys     int64
	window, windowOfFull time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, report, log io.Writer) error {
	if len(args) > 0 && args[0] == "serve" {
		return serving()
	}
	if len(args) == 2 && args[0] == "send" {
		return sendingApart(ctx, args[1])
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	command.Tune(0)
	name, brokers := "kafka", strings.Split(o.brokers, ",")
	if o.brokers == "" {
		broker, err := serve(ctx)
		if err != nil {
			return err
		}
		defer broker.stop()
		name, brokers = "kfake", []string{broker.address}
	}
	return o.measure(ctx, name, brokers, report, log)
}

func (o options) measure(ctx context.Context, name string, brokers []string, report, log io.Writer) error {
	if o.what != "latency" {
		t := Throughput{Brokers: brokers, Events: o.events, Partitions: o.partitions, Keys: o.keys, Window: o.windowOfFull, Rate: 100_000, Runs: o.runs}
		fmt.Fprintln(report, "| broker | cores | Leat M/s | bare M/s | ratio | Leat M/CPU-s | bare M/CPU-s | ratio |\n|---|---|---|---|---|---|---|---|")
		if err := t.Measure(ctx, name, o.cores, report); err != nil {
			return err
		}
	}
	if o.what == "throughput" {
		return nil
	}
	fmt.Fprintln(report, "\n| broker | cores | highest/s | rate/s | results | append p50 ms | p99 | p99.9 | seen p50 ms | p99 | p99.9 | CPU |\n|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, n := range o.cores {
		l := Latency{Brokers: brokers, Partitions: o.partitions, Keys: o.keys, Window: o.window, For: time.Duration(o.seconds * float64(time.Second)), Cores: n}
		if err := l.Measure(ctx, name, o.from, o.most, report, log); err != nil {
			return err
		}
	}
	return nil
}

// parse reads what to measure and flags, in any order.
func parse(args []string) (options, error) {
	o := options{what: "all"}
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	flags.StringVar(&o.brokers, "brokers", "", "host:port of brokers, separated by commas (default a kfake broker in a process of its own); topics live-events and live-stats are deleted there")
	cores := flags.String("cores", "1,2", "numbers of processors and tasks of the pipeline, separated by commas")
	flags.Int64Var(&o.events, "events", 3_000_000, "events in the topic, for throughput")
	flags.IntVar(&o.runs, "runs", 3, "timed runs after a warm-up, for throughput")
	flags.Int64Var(&o.from, "from", 20_000, "the first rate to try, for latency")
	flags.Int64Var(&o.most, "most", 1<<40, "the highest rate to try, for latency")
	flags.Float64Var(&o.seconds, "seconds", 20, "length of the measurement of latency")
	flags.Int64Var(&o.partitions, "partitions", 4, "partitions of both topics")
	flags.Int64Var(&o.keys, "keys", 1000, "keys, a multiple of the partitions")
	flags.DurationVar(&o.window, "window", 100*time.Millisecond, "length of windows, for latency")
	flags.DurationVar(&o.windowOfFull, "throughput-window", time.Second, "length of windows of 100,000 events a second, for throughput")
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") {
			o.what, args = args[0], args[1:]
			continue
		}
		if err := flags.Parse(args); err != nil {
			return o, err
		}
		args = flags.Args()
	}
	for _, c := range strings.Split(*cores, ",") {
		n, err := strconv.Atoi(c)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-cores %s: %q is no number of processors", *cores, c)
		}
		o.cores = append(o.cores, n)
	}
	switch {
	case o.what != "all" && o.what != "latency" && o.what != "throughput":
		return o, fmt.Errorf("there is nothing called %q to measure; there are latency, throughput and all", o.what)
	case o.runs < 1 || o.events < 1 || o.from < 1 || !(o.seconds > 0) || o.window <= 0 || o.windowOfFull <= 0:
		return o, fmt.Errorf("-runs, -events, -from, -seconds and windows must be more than 0")
	case o.from < 4:
		return o, fmt.Errorf("-from %d: each rate is a quarter higher than the last, so the first is at least 4", o.from)
	case o.most < o.from:
		return o, fmt.Errorf("-from %d -most %d: the first rate is the highest", o.from, o.most)
	case o.partitions < 1 || o.keys < o.partitions || o.keys%o.partitions != 0:
		return o, fmt.Errorf("-partitions %d -keys %d: keys are a multiple of the partitions", o.partitions, o.keys)
	}
	return o, nil
}
