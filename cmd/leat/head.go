package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/leatflow/leat/cmd/leat/internal/table"
	"github.com/leatflow/leat/cmd/leat/internal/text"
	"github.com/leatflow/leat/sdk/batch"
)

// headFlags are the flags of head.
type headFlags struct {
	rows    int64
	columns []string
	json    bool
	full    bool
}

func newHead() *cobra.Command {
	var f headFlags
	c := &cobra.Command{
		Use:   "head [-n 10] [--columns a,b] TABLE…",
		Short: "Prints the first rows",
		Long: `head prints the first rows of each table, in the order of the names of its files,
as an aligned table or, with --json, as one JSON object a line.`,
		Args: arguments(1, -1, "a file, directory or pattern"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.rows < 0 {
				return fmt.Errorf("-n is %d; it is a number of rows", f.rows)
			}
			out := bufio.NewWriter(c.OutOrStdout())
			for i, path := range args {
				if len(args) > 1 && !f.json {
					if i > 0 {
						fmt.Fprintln(out)
					}
					fmt.Fprintln(out, path)
				}
				if err := f.head(c.Context(), path, out, c.ErrOrStderr()); err != nil {
					return err
				}
			}
			return out.Flush()
		},
	}
	c.Flags().Int64VarP(&f.rows, "rows", "n", 10, "how many rows of each table")
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "the columns to print, in this order (default all)")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON, one object a line")
	c.Flags().BoolVar(&f.full, "full", false, fmt.Sprintf("do not cut values to %d characters", text.CellWidth))
	return c
}

func (f *headFlags) head(ctx context.Context, path string, out, notes io.Writer) error {
	t, err := table.Open(ctx, path)
	if err != nil {
		return err
	}
	typ, err := t.Select(f.columns)
	if err != nil {
		return err
	}
	if len(f.columns) == 0 {
		for _, u := range t.Unread {
			fmt.Fprintf(notes, "leat: column %q is left out: it is %s\n", u.Name, u.Why)
		}
	}
	grid := newRowGrid(typ, f.full)
	left := int(f.rows)
	err = t.Each(ctx, table.Scan{Type: typ}, func(_ int, rows *batch.Column) error {
		for i := 0; i < rows.Len && left > 0; i++ {
			left--
			if !f.json {
				grid.Row(formatRow(rows, i)...)
				continue
			}
			if _, err := out.Write(append(text.AppendJSON(nil, rows, i), '\n')); err != nil {
				return err
			}
		}
		if left == 0 {
			return table.ErrStop
		}
		return nil
	})
	if err == nil && !f.json {
		_, err = grid.WriteTo(out)
	}
	return err
}

// newRowGrid returns a grid with the names of the columns, numbers at the right.
func newRowGrid(t *batch.Type, full bool) *text.Grid {
	g := &text.Grid{}
	if full {
		g.Width = -1
	}
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
		g.Right = append(g.Right, f.Type.Kind.Integer() || f.Type.Kind.Float())
	}
	g.Row(names...)
	return g
}

func formatRow(rows *batch.Column, row int) []string {
	cells := make([]string, len(rows.Children))
	for i, c := range rows.Children {
		cells[i] = c.Format(row)
	}
	return cells
}
