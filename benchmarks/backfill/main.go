// Command backfill compares batch jobs in Leat with the same jobs in DuckDB:
// results first, then times and memory.
//
// The one central idea: every run of every system is a process of its own, this
// program started again, so that peak memory is that of one run, no run warms
// another, and runs of the systems can take turns:
//
//	backfill ─┬─ child: duckdb/frame  windows, 2 threads ─▶ folder ─┐
//	          ├─ child: floor         windows, 2 threads ─▶ folder ─┼─ equal? ─▶ report
//	          └─ child: leat          windows, 2 threads ─▶ folder ─┘
//
//	warm-up A B C, compare, then A B C A B C … timed
//
// A child's time is that of the whole job, from opening the input to the closed
// output; the start of the process (and of DuckDB) is not in it but stands in a
// column of its own. No time is printed of a job whose results differ.
//
//	go run . [windows|scan|groupby|training|features|join|external|all] -threads 1,2 -runs 5 -data ../../data/flights-3m.parquet
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
)

func main() {
	if isChild() {
		os.Exit(childMain())
	}
	config, err := parse(os.Args[1:])
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		_, err = Run(ctx, config)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "backfill:", err)
		os.Exit(1)
	}
}

// parse reads jobs and flags in any order.
func parse(args []string) (Config, error) {
	c := Config{Out: os.Stdout}
	flags := flag.NewFlagSet("backfill", flag.ContinueOnError)
	threads := flags.String("threads", "1,2", "numbers of threads, separated by commas")
	variants := flags.String("variants", "plain", "plain, renamed, floats, closure or all, separated by commas")
	systems := flags.String("systems", "", "only systems whose name begins so, separated by commas: duckdb,floor,polars,leat")
	backing := flags.Int64("back", 0, "MiB of memory to touch before each run, for virtual machines whose host takes free memory away")
	flags.IntVar(&c.Runs, "runs", 5, "timed runs after a warm-up")
	flags.StringVar(&c.Data, "data", "../../data/flights-3m.parquet", "the flights file")
	flags.Int64Var(&c.Events, "events", 20_000_000, "generated events of the group-by")
	flags.StringVar(&c.Cache, "cache", "", "folder for generated files and results")
	flags.StringVar(&c.Explain, "explain", "", "write DuckDB's EXPLAIN ANALYZE into this folder instead of measuring")
	flags.StringVar(&c.Record, "record", "", "put the figures into this JSON file and draw it beside it")
	flags.StringVar(&c.Profile, "profile", "", "write CPU profiles of the warm-up runs into this folder")
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") {
			c.Jobs = append(c.Jobs, args[0])
			args = args[1:]
			continue
		}
		if err := flags.Parse(args); err != nil {
			return c, err
		}
		args = flags.Args()
	}
	c.Back = *backing << 20
	c.Variants, c.Systems = list(*variants), list(*systems)
	for _, t := range list(*threads) {
		n, err := strconv.Atoi(t)
		if err != nil {
			return c, fmt.Errorf("-threads %s: %q is not a number", *threads, t)
		}
		c.Threads = append(c.Threads, n)
	}
	return c, nil
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}
