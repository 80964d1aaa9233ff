package parquet

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// Source reads Parquet files. Fields of the row type are bound to columns by
// name; other columns of the files are not read.
//
// A column may be narrower than its field: int32 fills an int64, float32 a
// float64, and an integer fills a float64 too (above 2⁵³ it is rounded). Strings
// and byte arrays fill each other, unchecked. Everything else must agree: an
// int64 column is never cut down to an int32 field, nor a float to an integer.
// Timestamps of any unit become microseconds, nanoseconds rounded down; a date
// is its midnight, UTC. A null in a column whose field is no pointer is an error
// that names file, row group and row.
type Source struct {
	// Path is a file, a pattern (data/*.parquet), or a directory, of which every
	// *.parquet at any depth is read, except under names that begin with '.' or
	// '_'. Files are read in the order of their names. With a Bucket it is a key,
	// a prefix that ends in '/', or a pattern of keys.
	Path string
	// Bucket, when not nil, holds the files; see the package bucket for how to
	// make one. The caller opens and closes it.
	Bucket Bucket
	// RowPosition names a field of the row type, an int64, that is filled with
	// the position of the row: 0 for the first of the first file, counting on
	// over all files. It need not be, and is not looked up, in the files.
	RowPosition string
	// IgnorePageIndex reads row groups whole where a condition and the file's page
	// index would let pages be left out: for files whose index is wrong.
	IgnorePageIndex bool
}

// String names the source: parquet data/*.parquet.
func (s Source) String() string { return "parquet " + s.Path }

// Bounded reports true: files end.
func (Source) Bounded() bool { return true }

// Validate checks what can be said without looking at the files.
func (s Source) Validate(t *batch.Type) error {
	var errs []error
	if s.Path == "" {
		errs = append(errs, errors.New("parquet: Path is empty; name a file, a directory or a pattern"))
	}
	if t.Kind != batch.Struct {
		errs = append(errs, fmt.Errorf("parquet: the row type must be a struct whose fields are columns, not %s", t))
		return errors.Join(errs...)
	}
	if s.RowPosition != "" {
		switch i := t.Index(s.RowPosition); {
		case i < 0:
			errs = append(errs, fmt.Errorf("parquet: RowPosition names %q, which the row type does not have%s", s.RowPosition, connector.Closest(s.RowPosition, fieldNames(t))))
		case t.Fields[i].Type.Kind != batch.Int64:
			errs = append(errs, fmt.Errorf("parquet: RowPosition %q must be an int64 field, not %s", s.RowPosition, t.Fields[i].Type))
		}
	}
	return errors.Join(errs...)
}

func fieldNames(t *batch.Type) []string {
	names := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		names[i] = f.Name
	}
	return names
}

// Open lists the files, reads their footers, binds the fields of the row type to
// columns and decides which row groups are read. Which pages of them are is decided
// when a row group's turn comes, by its page index.
func (s Source) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	store := s.store()
	found, err := store.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	files, err := openAll(ctx, store, found)
	if err != nil {
		return nil, err
	}
	if err := bindAll(files, s.RowPosition, &r); err != nil {
		return nil, err
	}
	return newInput(s, store, files, r), nil
}

// Columns returns the names of the top-level columns of the first file, in its
// order: for programs that build a pipeline around what the files hold. Whether
// the other files have them too is checked when the pipeline is run.
func (s Source) Columns(ctx context.Context) ([]string, error) {
	if s.Path == "" {
		return nil, errors.New("parquet: Path is empty; name a file, a directory or a pattern")
	}
	store := s.store()
	found, err := store.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	first, err := openFooter(ctx, store, found[0])
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range first.footer.Schema().Children {
		names = append(names, c.Name)
	}
	return names, nil
}
