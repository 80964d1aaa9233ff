package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/leatflow/leat/cmd/leat/internal/profile"
	"github.com/leatflow/leat/cmd/leat/internal/table"
	"github.com/leatflow/leat/sdk/batch"
)

// inspectFlags are the flags of inspect.
type inspectFlags struct {
	fast    bool
	json    bool
	top     int
	groups  int
	columns []string
}

func newInspect() *cobra.Command {
	var f inspectFlags
	c := &cobra.Command{
		Use:   "inspect [--fast] TABLE",
		Short: "Describes the columns, row groups and values of a table",
		Long: `inspect prints the columns of a table with their types (a question mark: may be
null), how its files store them, and from one scan over all rows: nulls, bounds and
distinct values; of time columns the range, and their disorder in file order, which
is the bound a watermark needs (watermark.Disorder); of string columns the most
frequent values.

Counts of distinct values marked with ~ are HyperLogLog estimates with a standard
error of 0.8 %. Counts of frequent values are exact for columns of up to 65,536
different strings (32 MB of them); beyond that they are lower bounds, and the
largest possible error is printed.

With --fast nothing but footers is read.`,
		Args: arguments(1, 1, "one file, directory or pattern"),
		RunE: func(c *cobra.Command, args []string) error {
			return f.inspect(c.Context(), args[0], c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().BoolVar(&f.fast, "fast", false, "read footers only, no rows")
	c.Flags().BoolVar(&f.fast, "footer-only", false, "the same as --fast")
	c.Flags().BoolVar(&f.json, "json", false, "print JSON")
	c.Flags().IntVar(&f.top, "top", 5, "how many frequent values of each string column")
	c.Flags().IntVar(&f.groups, "groups", 8, "how many row groups to list; -1: all")
	c.Flags().StringSliceVar(&f.columns, "columns", nil, "the columns to describe (default all)")
	return c
}

// inspection is everything inspect found.
type inspection struct {
	Path    string           `json:"path"`
	Format  table.Format     `json:"format"`
	Files   []inspectedFile  `json:"files"`
	Rows    int64            `json:"rows"`
	Bytes   int64            `json:"bytes"`
	Schema  []schemaColumn   `json:"schema"`
	Storage *table.Storage   `json:"storage,omitempty"` // of Parquet
	Scanned bool             `json:"scanned"`
	Columns []profile.Column `json:"columns,omitempty"` // when scanned
	Footers []footerColumn   `json:"footers,omitempty"` // else
}

type inspectedFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

type schemaColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // "" when it cannot be read
	Nullable bool   `json:"nullable"`
	FromPath bool   `json:"from_path,omitempty"`
	Why      string `json:"unreadable,omitempty"`
}

// footerColumn is table.FooterColumn for machines: what is not known is null.
type footerColumn struct {
	Name  string  `json:"name"`
	Type  string  `json:"type"`
	Nulls *int64  `json:"nulls"`
	Min   *string `json:"min"`
	Max   *string `json:"max"`
}

func (f *inspectFlags) inspect(ctx context.Context, path string, w, errOut io.Writer) error {
	t, err := table.Open(ctx, path)
	if err != nil {
		return err
	}
	if t.Type, err = t.Select(f.columns); err != nil {
		return err
	}
	found := &inspection{Path: path, Format: t.Format, Rows: t.Rows, Bytes: t.Bytes, Scanned: !f.fast, Files: []inspectedFile{}, Schema: schemaOf(t)}
	for _, file := range t.Files {
		found.Files = append(found.Files, inspectedFile{file.Path, file.Bytes})
	}
	if t.Format == table.Parquet {
		if found.Storage, err = t.Storage(); err != nil {
			return err
		}
	}
	if found.Storage != nil {
		found.Storage.Columns = slices.DeleteFunc(found.Storage.Columns, func(c table.StoredColumn) bool { return !found.shows(c.Name) })
	}
	if f.fast {
		found.Footers = footersOf(t)
	} else if found.Columns, err = scan(ctx, t, f.top, errOut); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if f.json {
		err = writeJSON(out, found)
	} else {
		writeInspection(out, found, f)
	}
	return errors.Join(err, out.Flush())
}

// shows reports whether a stored column belongs to one that is described.
func (in *inspection) shows(leaf string) bool {
	return slices.ContainsFunc(in.Schema, func(c schemaColumn) bool {
		return leaf == c.Name || strings.HasPrefix(leaf, c.Name+".")
	})
}

func schemaOf(t *table.Table) []schemaColumn {
	out := []schemaColumn{}
	for _, c := range t.Type.Fields {
		out = append(out, schemaColumn{Name: c.Name, Type: c.Type.String(), Nullable: c.Type.Nullable, FromPath: slices.Contains(t.FromPath, c.Name)})
	}
	for _, u := range t.Unread {
		out = append(out, schemaColumn{Name: u.Name, Nullable: true, Why: u.Why})
	}
	return out
}

// scan reads all rows in file order.
func scan(ctx context.Context, t *table.Table, top int, errOut io.Writer) ([]profile.Column, error) {
	show := newProgress(errOut, t.Rows)
	defer show.Stop()
	p := profile.Start(t.Type)
	err := t.Each(ctx, table.Scan{Rows: &show.Rows}, func(_ int, rows *batch.Column) error {
		p.Add(rows)
		return nil
	})
	return p.Finish(top), err
}

func footersOf(t *table.Table) []footerColumn {
	out := []footerColumn{}
	for _, c := range t.Footers() {
		f := footerColumn{Name: c.Name, Type: c.Type.String()}
		if c.Nulls >= 0 {
			f.Nulls = &c.Nulls
		}
		if c.Min != "" || c.Max != "" {
			f.Min, f.Max = &c.Min, &c.Max
		}
		out = append(out, f)
	}
	return out
}
