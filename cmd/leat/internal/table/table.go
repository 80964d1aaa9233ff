// Package table opens what a user of cmd/leat names, a file, a directory or a
// pattern, as one table of rows, whatever the format and number of files.
//
// The one central idea: a table is a row type and a source that fills it. The
// type is found by looking (footers of Parquet, all lines of JSON, names of
// directories); from then on the connectors read it, as they do for a pipeline:
//
//	out/                          columns of the files     n int64, at time
//	├── day=1/part-0.parquet  ──▶ columns of the path      day int64?
//	└── day=2/part-0.parquet      rows, in order of names
package table

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/files"
)

// Format is how the rows of a table are stored.
type Format string

// The formats. A file is JSON when its name says so, else Parquet.
const (
	Parquet Format = "parquet"
	JSON    Format = "json"
)

var jsonSuffixes = []string{
	".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz", ".json.zst", ".ndjson.zst", ".jsonl.zst",
}

// Table is rows that can be read any number of times.
type Table struct {
	Path     string
	Format   Format
	Type     *batch.Type // a struct of the columns that can be read
	FromPath []string    // columns that are named by directories, the last ones of Type
	AllNull  []string    // columns of JSON in which no line has a value
	Unread   []Unread    // columns that cannot be read
	Files    []File
	Rows     int64 // of all files; of JSON too, since all lines were looked at
	Bytes    int64
}

// Unread is a column of a type that cannot be read.
type Unread struct {
	Name, Why, File string
}

// File is one file of a table.
type File struct {
	Path   string
	Bytes  int64
	Footer *pages.File // nil for JSON. It holds no open file.
}

// Open finds the files behind path and their columns.
func Open(ctx context.Context, path string) (*Table, error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	t := &Table{Path: path, Format: format}
	suffixes := []string{".parquet"}
	if format == JSON {
		suffixes = jsonSuffixes
	}
	list, err := files.List(path, suffixes...)
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		t.Bytes += max(f.Size, 0)
		t.Files = append(t.Files, File{Path: f.Path, Bytes: f.Size})
	}
	if format == JSON {
		return t, t.inferJSON(ctx, list)
	}
	return t, t.openParquet(ctx)
}

// formatOf decides by the suffix of a file or pattern, and for a directory by
// what is in it.
func formatOf(path string) (Format, error) {
	for _, s := range jsonSuffixes {
		if strings.HasSuffix(path, s) {
			return JSON, nil
		}
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return Parquet, nil // that it does not exist is said where files are listed
	}
	found, err := suffixesIn(path)
	switch {
	case err != nil:
		return "", err
	case found[Parquet] && found[JSON]:
		return "", fmt.Errorf("%s: the directory holds both Parquet and JSON files; name one kind with a pattern such as %s", path, filepath.Join(path, "*.parquet"))
	case found[JSON]:
		return JSON, nil
	case found[Parquet]:
		return Parquet, nil
	}
	return "", fmt.Errorf("%s: the directory holds no .parquet, .json, .ndjson or .jsonl files", path)
}

func suffixesIn(dir string) (map[Format]bool, error) {
	found := map[Format]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")
		if d.IsDir() {
			if hidden && path != dir {
				return filepath.SkipDir
			}
			return nil
		}
		if hidden {
			return nil
		}
		if strings.HasSuffix(path, ".parquet") {
			found[Parquet] = true
		}
		for _, s := range jsonSuffixes {
			if strings.HasSuffix(path, s) {
				found[JSON] = true
			}
		}
		return nil
	})
	return found, err
}

func (t *Table) openParquet(ctx context.Context) error {
	var errs []error
	for i := range t.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &t.Files[i]
		var err error
		if f.Footer, err = openFooter(f.Path, f.Bytes); err != nil {
			errs = append(errs, err)
			continue
		}
		t.Rows += f.Footer.Rows()
	}
	if len(errs) > 5 {
		errs = append(errs[:5], fmt.Errorf("and %d more files like these", len(errs)-5))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	t.Type = t.columns()
	t.addPathColumns()
	return nil
}

func openFooter(path string, size int64) (*pages.File, error) {
	if size < 0 {
		return nil, fmt.Errorf("%s is not a regular file, which Parquet needs: its directory is at the end", path)
	}
	h, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f, err := pages.Open(h, size, pages.Options{Name: path})
	return f, errors.Join(err, h.Close())
}

// columns merges the columns of all files in the order of the first, and sets
// aside those that cannot be read.
func (t *Table) columns() *batch.Type {
	out := &batch.Type{Kind: batch.Struct}
	at, unread := map[string]int{}, map[string]bool{}
	for _, f := range t.Files {
		for _, n := range f.Footer.Schema().Children {
			if bad := n.Unsupported(); bad != nil {
				if !unread[n.Name] {
					t.Unread = append(t.Unread, Unread{Name: n.Name, Why: bad.Why, File: f.Path})
				}
				unread[n.Name] = true
				continue
			}
			i, seen := at[n.Name]
			if !seen {
				at[n.Name] = len(out.Fields)
				out.Fields = append(out.Fields, batch.Field{Name: n.Name, Type: n.Type})
				continue
			}
			out.Fields[i].Type = widen(out.Fields[i].Type, n.Type)
		}
	}
	kept := out.Fields[:0]
	for _, f := range out.Fields {
		if !unread[f.Name] {
			kept = append(kept, f)
		}
	}
	out.Fields = kept
	return out
}

// Source returns the connector that reads the table.
func (t *Table) Source() connector.Source {
	if t.Format == JSON {
		return json.Source{Path: t.Path}
	}
	return parquet.Source{Path: t.Path}
}

// Select returns the type with the named columns in that order; no names means
// all columns.
func (t *Table) Select(names []string) (*batch.Type, error) {
	if len(names) == 0 {
		return t.Type, nil
	}
	out := &batch.Type{Kind: batch.Struct}
	for _, name := range names {
		i := t.Type.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("%s has no column %q%s", t.Path, name, t.instead(name))
		}
		out.Fields = append(out.Fields, t.Type.Fields[i])
	}
	return out, nil
}

// instead says why a column cannot be had, or which ones can.
func (t *Table) instead(name string) string {
	for _, u := range t.Unread {
		if u.Name == name {
			return " that can be read: it is " + u.Why
		}
	}
	var names []string
	for _, f := range t.Type.Fields {
		names = append(names, f.Name)
	}
	return "; it has " + strings.Join(names, ", ")
}
