// Package command makes a program of a pipeline: flags, progress, signals and a
// report of what was done.
//
//	func main() { command.Main(build) }
//
// A program with flags or subcommands of its own registers Flags beside them
// and calls Flags.Run.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// Flags are the options every pipeline program has.
type Flags struct {
	Explain     bool
	Progress    string // auto, bar, log or none
	Memory      Size
	Spill       string
	Parallelism int
	Plan        string
	BatchRows   int
	Drain       bool
	Listen      string // address of metrics and health checks; empty: none
	Anywhere    bool   // it may be one that others can reach
	Profile     string // address of profiles; empty: none

	tuned bool
}

// Register adds the flags to a set.
func (f *Flags) Register(fs *flag.FlagSet) {
	fs.BoolVar(&f.Explain, "explain", false, "print the plan and run nothing")
	fs.StringVar(&f.Progress, "progress", "auto", "progress: bar, log, none, or auto: a bar on a terminal, log lines elsewhere")
	fs.Var(&f.Memory, "memory", "memory budget for state and exchanges, such as 512MB or 4GiB (default none)")
	fs.StringVar(&f.Spill, "spill", "", "directory for what a batch plan has no room for in -memory (default the system's for temporary files)")
	fs.IntVar(&f.Parallelism, "parallelism", 0, "tasks of each stage (default one per processor)")
	fs.StringVar(&f.Plan, "plan", "auto", "plan: batch, streaming, or auto: batch when every source ends")
	fs.IntVar(&f.BatchRows, "batch-rows", 0, "rows to aim at for one batch (default 8192)")
	fs.StringVar(&f.Listen, "listen", "", "address for /metrics, /healthz and /readyz, such as 127.0.0.1:9464 (default none)")
	fs.BoolVar(&f.Anywhere, "listen-anywhere", false, "let -listen and -pprof have an address that other machines can reach; there is no password")
	fs.StringVar(&f.Profile, "pprof", "", "address for profiles of the process, such as 127.0.0.1:6060 (default none)")
	fs.BoolVar(&f.Drain, "drain", false, "when a pipeline that never ends is interrupted, let open windows fire: the input counts as complete")
}

// Main parses the command line, builds the pipeline, runs it and exits: 0 when
// it went well or was stopped in good order, 1 when it failed, 2 when the flags were
// wrong, 130 when it was interrupted: see Signals.
func Main(build func(*leat.Pipeline) error) {
	var f Flags
	f.Register(flag.CommandLine)
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "%s: unknown argument %q; all options are flags, see -help\n", flag.CommandLine.Name(), flag.Arg(0))
		os.Exit(2)
	}
	os.Exit(f.Exit(build))
}

// Exit runs the pipeline under the process's signals, prints errors and returns
// the exit code of Main.
func (f *Flags) Exit(build func(*leat.Pipeline) error) int {
	ctx, stop := Signals(context.Background())
	defer stop()
	return Code(f.Run(ctx, os.Stdout, os.Stderr, build))
}

// Code prints an error, if there is one, and returns the exit code for it.
func Code(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "error:", err)
	var usage *UsageError
	switch {
	case errors.As(err, &usage):
		return 2
	case errors.Is(err, context.Canceled):
		return 130
	}
	return 1
}

// UsageError is a mistake in flags or arguments.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() + " (see -help)" }

// Unwrap returns the mistake.
func (e *UsageError) Unwrap() error { return e.Err }

// Run builds and runs a pipeline, or explains it. The report goes to stdout,
// progress to stderr. It tunes the process: see Tune.
func (f *Flags) Run(ctx context.Context, stdout, stderr io.Writer, build func(*leat.Pipeline) error) error {
	options, err := f.options()
	if err != nil {
		return &UsageError{err}
	}
	p := &leat.Pipeline{}
	if err := build(p); err != nil {
		return err
	}
	if f.Explain {
		text, err := local.Explain(p, options)
		fmt.Fprint(stdout, text)
		return err
	}
	result, err := f.execute(ctx, stderr, p, options)
	if err != nil {
		return err
	}
	report(stdout, result)
	return nil
}

// Job runs one pipeline of a program that needs several and reports on its own,
// such as one that passes over its input until something has converged. Flags
// hold and progress goes to stderr as with Run; Explain is the caller's to heed.
func (f *Flags) Job(ctx context.Context, stderr io.Writer, p *leat.Pipeline) (*local.Result, error) {
	options, err := f.options()
	if err != nil {
		return nil, &UsageError{err}
	}
	return f.execute(ctx, stderr, p, options)
}

func (f *Flags) execute(ctx context.Context, stderr io.Writer, p *leat.Pipeline, options local.Options) (*local.Result, error) {
	if !f.tuned { // once a process
		Tune(int64(f.Memory))
		f.tuned = true
	}
	watch, closed, err := f.serve(stderr)
	if err != nil {
		return nil, err
	}
	options.Running = watch
	show, finish := f.progress(stderr)
	options.Progress = show
	if s, ok := ctx.Value(signalsKey{}).(*signals); ok {
		endless, err := local.Endless(p)
		if err != nil {
			return nil, errors.Join(err, closed())
		}
		if endless {
			stop, ended := s.stoppable()
			defer ended()
			options.Stop, options.Drain = stop, f.Drain
		}
	}
	result, err := local.Run(ctx, p, options)
	finish()
	return result, errors.Join(err, closed())
}

func (f *Flags) options() (local.Options, error) {
	mode := f.Plan
	if mode == "" {
		mode = "auto"
	}
	plan, err := local.ParsePlan(mode)
	switch f.Progress {
	case "", "auto", "bar", "log", "none":
	default:
		err = errors.Join(err, fmt.Errorf("progress %q is unknown; use auto, bar, log or none", f.Progress))
	}
	return local.Options{Plan: plan, Parallelism: f.Parallelism, BatchRows: f.BatchRows, Memory: int64(f.Memory), SpillDir: f.Spill}, err
}

// Size is a number of bytes as a flag: 512MB, 4GiB, 65536.
type Size int64

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1}, {"", 1}}

// Set implements flag.Value.
func (s *Size) Set(text string) error {
	upper := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(upper, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || n <= 0 || n*float64(u.bytes) > 1<<60 {
			break
		}
		*s = Size(n * float64(u.bytes))
		return nil
	}
	return fmt.Errorf("%q is not a size; write for example 512MB or 4GiB", text)
}

// String implements flag.Value.
func (s *Size) String() string {
	if s == nil || *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}
