// Command leat is the companion tool of the library: it looks into the files that
// pipelines read and write, and tells whether two results are the same.
//
//	leat inspect flights.parquet            columns, row groups, statistics, disorder
//	leat head -n 5 out/                     the first rows
//	leat diff backfill/ live/ --by user,at  0: same rows, 1: different, 2: an error
//	leat version
//
// The one central idea: what it prints depends on the rows alone, not on the
// terminal, the order of files or the number of processors, so that its output
// can itself be compared.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitSame      = 0
	exitDifferent = 1
	exitError     = 2
)

// errDifferent ends diff with exit code 1; what differs was printed.
var errDifferent = errors.New("the inputs differ")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitSame
	case errors.Is(err, errDifferent):
		return exitDifferent
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "leat: interrupted")
	case errors.Is(err, syscall.EPIPE): // the reader of the output has seen enough
	default:
		fmt.Fprintf(errOut, "leat: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n      "))
	}
	return exitError
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "leat",
		Short: "Looks into the files of pipelines and compares results",
		Long: `leat looks into the files that pipelines read and write, and tells whether two
results are the same. A table is a file, a directory (all files in it, at any
depth) or a quoted pattern such as 'out/*.parquet', of Parquet or, by the name of
the file, newline-delimited JSON (.json, .ndjson, .jsonl, also .gz and .zst).`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, c.CommandPath())
	})
	root.AddCommand(newInspect(), newHead(), newDiff(), newVersion())
	return root
}

// arguments is cobra.RangeArgs with an error that says what is missing.
func arguments(low, high int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < low || high >= 0 && len(args) > high {
			return fmt.Errorf("%s wants %s, and got %d; see %s --help", c.Name(), what, len(args), c.CommandPath())
		}
		return nil
	}
}
