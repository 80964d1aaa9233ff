// Command streaming measures pipelines on the streaming plan, with input from
// memory: rows a CPU second, so that figures of a busy machine can be compared.
//
// The one central idea: nothing but the engine is large. Keys and values of the
// input are views of tables made before, only event times are computed (events.go);
// the sink reads every value and adds up hashes (checksum.go). What both cost is
// the job null, which is reported beside the others and not subtracted.
//
//	events ─▶ job on one core ──▶ checksum ─┐
//	events ─▶ job on two cores ─▶ checksum ─┴─ equal? ─▶ report
//
//	go run ./benchmarks/streaming [null|map|tumbling|…|all] -cores 1,2 -events 30000000 -runs 3
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/leatflow/leat/runner/command"
)

// options are the command line.
type options struct {
	jobs    []string
	cores   []int
	events  int64
	runs    int
	minutes float64
	profile string
}

func main() {
	o, err := parse(os.Args[1:])
	if err == nil {
		command.Tune(0)
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if o.minutes > 0 {
			err = soak(ctx, o)
		} else {
			err = measureAll(ctx, o)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "streaming:", err)
		os.Exit(1)
	}
}

// parse reads jobs and flags in any order.
func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("streaming", flag.ContinueOnError)
	cores := flags.String("cores", "1,2", "numbers of processors and tasks, separated by commas")
	flags.Int64Var(&o.events, "events", 30_000_000, "events of each input")
	flags.IntVar(&o.runs, "runs", 3, "timed runs after a warm-up")
	flags.Float64Var(&o.minutes, "minutes", 0, "run each job for so long instead, and report resident memory over time")
	flags.StringVar(&o.profile, "profile", "", "write CPU profiles of the timed runs into this folder")
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") {
			o.jobs = append(o.jobs, args[0])
			args = args[1:]
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
	if o.runs < 1 || o.events < 1 {
		return o, fmt.Errorf("-runs %d -events %d: both must be at least 1", o.runs, o.events)
	}
	if len(o.jobs) == 0 || o.jobs[0] == "all" {
		o.jobs = nil
		for _, j := range jobs {
			o.jobs = append(o.jobs, j.name)
		}
	}
	for _, name := range o.jobs {
		if _, err := find(name); err != nil {
			return o, err
		}
	}
	return o, nil
}

// find returns the job of a name.
func find(name string) (job, error) {
	var names []string
	for _, j := range jobs {
		if j.name == name {
			return j, nil
		}
		names = append(names, j.name)
	}
	return job{}, fmt.Errorf("there is no job %q; there are %s and all", name, strings.Join(names, ", "))
}
