package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"github.com/leatflow/leat/cmd/leat/internal/diff"
	"github.com/leatflow/leat/cmd/leat/internal/table"
	"github.com/leatflow/leat/sdk/batch"
)

func newDiff() *cobra.Command {
	var o diff.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff A B [--by key1,key2] [--tolerance 1e-9] [--max 20]",
		Short: "Tells whether two tables hold the same rows",
		Long: `diff compares two tables as multisets of rows: the order of rows and how they are
spread over files do not matter. The exit code is 0 when they are the same, 1 when
they differ, and 2 when they could not be compared.

With --by, rows with the same key are compared with each other, and the values that
differ are named. Without it, all columns without floats are the key. Rows that
share a key are paired as multisets: first those that are equal, then those that
are equal within the tolerance, and the rest in the order of their values.

Columns that only one table has, and types that cannot be compared, are a
difference. Integers of all widths can be compared with each other, so can floats,
and strings with byte strings; whether a column may hold nulls does not count.
Columns of JSON, and of directories such as day=1, take the type of the other table
where their values allow it.

Floats a and b are equal when |a-b| <= t*max(1, |a|, |b|), with t the tolerance; 0
means the same bits. NaN equals NaN, -0 equals 0 at any tolerance, and an infinity
equals only itself. Floats in a key named by --by must be exactly equal.

Memory: 16 to 40 bytes a row of both tables, and up to about 1 GB more for rows that
differ; when there are more of these, the tables are read several times.`,
		Args: arguments(2, 2, "two tables to compare"),
		RunE: func(c *cobra.Command, args []string) error {
			return runDiff(c, args[0], args[1], o, asJSON)
		},
	}
	c.Flags().StringSliceVar(&o.By, "by", nil, "the columns that identify a row (default all columns without floats)")
	c.Flags().StringSliceVar(&o.Columns, "columns", nil, "the columns to compare beside the key (default all)")
	c.Flags().StringSliceVar(&o.Ignore, "ignore", nil, "columns to leave out")
	c.Flags().Float64Var(&o.Tolerance, "tolerance", 1e-9, "how far floats may be apart, relative above 1 and absolute below; 0: not at all")
	c.Flags().IntVar(&o.Max, "max", 20, "how many changed rows, and rows of one table only, to name")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func runDiff(c *cobra.Command, pathA, pathB string, o diff.Options, asJSON bool) error {
	ctx := c.Context()
	a, errA := table.Open(ctx, pathA)
	b, errB := table.Open(ctx, pathB)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if err := errors.Join(unreadable(a, &o), unreadable(b, &o)); err != nil {
		return err
	}
	// Unreadable columns are in neither type: nothing is left of them to ignore.
	o.Ignore = slices.DeleteFunc(o.Ignore, func(name string) bool {
		return (unread(a, name) || unread(b, name)) && a.Type.Index(name) < 0 && b.Type.Index(name) < 0
	})
	limitMemory(a.Rows + b.Rows)
	p := newProgress(c.ErrOrStderr(), a.Rows+b.Rows)
	o.Phase = p.Phase
	result, err := diff.Compare(ctx, input(a, p), input(b, p), o)
	p.Stop()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.OutOrStdout())
	if asJSON {
		err = writeJSON(out, struct {
			Same bool `json:"same"`
			*diff.Result
		}{result.Same(), result})
	} else {
		writeDiff(out, a, b, result, &o)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if !result.Same() {
		return errDifferent
	}
	return nil
}

// limitMemory makes the garbage collector run earlier once the heap is as large as
// the comparison of so many rows needs it, unless the user has set a limit.
func limitMemory(rows int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(1<<30 + 40*rows)
	}
}

// unreadable refuses tables with columns that cannot be read: to leave them out
// without being told to would be to call different results the same.
func unreadable(t *table.Table, o *diff.Options) error {
	var errs []error
	for _, u := range t.Unread {
		listed := len(o.Columns) == 0 || slices.Contains(o.Columns, u.Name) || slices.Contains(o.By, u.Name)
		if listed && !slices.Contains(o.Ignore, u.Name) {
			errs = append(errs, fmt.Errorf("%s: column %q cannot be compared: it is %s; leave it out with --ignore %s", u.File, u.Name, u.Why, u.Name))
		}
	}
	return errors.Join(errs...)
}

func unread(t *table.Table, column string) bool {
	return slices.ContainsFunc(t.Unread, func(u table.Unread) bool { return u.Name == column })
}

// input makes a side of the comparison of a table.
func input(t *table.Table, p *progress) diff.Input {
	return diff.Input{
		Type: t.Type,
		Guess: func(column string) diff.Guess {
			switch {
			case slices.Contains(t.FromPath, column):
				return diff.Path
			case slices.Contains(t.AllNull, column):
				return diff.Unknown
			case t.Format == table.JSON:
				return diff.Text
			}
			return diff.Certain
		},
		Each: func(ctx context.Context, typ *batch.Type, workers int, f func(int, *batch.Column) error) error {
			return t.Each(ctx, table.Scan{Type: typ, Workers: workers, Rows: &p.Rows}, f)
		},
	}
}

func writeJSON(out *bufio.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
