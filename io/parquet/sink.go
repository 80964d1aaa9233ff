package parquet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/staging"
)

// Compression is how pages are compressed.
type Compression = pages.Compression

// The compressions. Snappy, the zero, is the fastest to read; Zstd is smaller.
const (
	Snappy       = pages.Snappy
	Zstd         = pages.Zstd
	Uncompressed = pages.Uncompressed
)

// Overwrite says what may happen to files that are in the directory already.
type Overwrite uint8

const (
	// OverwriteNone refuses a directory that is not empty.
	OverwriteNone Overwrite = iota
	// OverwriteMatchingPartitions replaces the files of the partitions that get
	// new ones and leaves the other partitions alone.
	OverwriteMatchingPartitions
	// OverwriteAll replaces everything an earlier run wrote. A directory that
	// holds anything else but part-*.parquet is refused.
	OverwriteAll
)

// Layout is the length of a time partition.
type Layout uint8

// The layouts, with the directories they make for a column called at.
const (
	Day   Layout = iota // at_day=2001-07-01
	Hour                // at_hour=2001-07-01-17
	Month               // at_month=2001-07
)

// TimePartition puts rows into directories by a time column, in UTC. The column
// stays in the files.
type TimePartition struct {
	Column string
	Layout Layout
}

// Sink writes Parquet files into a directory, one for each task, or for each task
// and partition:
//
//	out/part-00000.parquet
//	out/origin=ATL/at_day=2001-07-01/part-00003.parquet
//
// Everything is staged in a hidden directory inside Dir and gets its final name
// by Commit, when all of it is on disk. An empty result is one file without rows,
// so that readers find the columns.
type Sink struct {
	// Dir is made when it does not exist.
	Dir string
	// PartitionBy names columns (strings, booleans, integers) whose values become
	// directories, in that order. As in Hive they are not in the files; Source,
	// and other readers of such directories, take them from the path. A null is
	// __HIVE_DEFAULT_PARTITION__.
	PartitionBy []string
	// TimePartition adds directories by time behind those of PartitionBy.
	TimePartition TimePartition
	// SortBy orders the rows of each task by columns, the first the most
	// significant: "origin", "at desc". Files of a batch plan only; each is sorted,
	// not all of them together.
	SortBy []string
	// Overwrite says what may be replaced.
	Overwrite Overwrite
	// Compression of the pages.
	Compression Compression
	// RowGroupRows is the number of rows of a row group; zero means 262,144. Each
	// task holds up to two row groups in memory; with partitions one for each of
	// the 256 that last got rows. With a memory budget they have fewer rows.
	RowGroupRows int
	// LocalTime writes timestamps without a zone instead of as UTC.
	LocalTime bool
	// FS is the file system written to; nil means the machine's.
	FS staging.FS
}

// String names the sink: parquet out.
func (s Sink) String() string { return "parquet " + s.Dir }

// Validate reports every mistake that can be seen without looking at the disk.
func (s Sink) Validate(t *batch.Type) error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("parquet: "+format, args...)) }
	if s.Dir == "" {
		fail("Dir is empty; name the directory to write to")
	}
	if s.RowGroupRows < 0 {
		fail("RowGroupRows is %d; it must be positive, or zero for the default", s.RowGroupRows)
	}
	if s.Compression > Uncompressed {
		fail("there is no %s", s.Compression)
	}
	if s.Overwrite > OverwriteAll || s.TimePartition.Layout > Month {
		fail("Overwrite %d or TimePartition.Layout %d is not one of the constants", s.Overwrite, s.TimePartition.Layout)
	}
	if s.Overwrite == OverwriteMatchingPartitions && !s.partitioned() {
		fail("OverwriteMatchingPartitions needs PartitionBy or TimePartition; without them use OverwriteAll")
	}
	if t == nil || t.Kind != batch.Struct {
		fail("the rows must be structs whose fields are columns, not %s", t)
		return errors.Join(errs...)
	}
	errs = append(errs, s.validatePartitions(t)...)
	errs = append(errs, s.validateSort(t)...)
	if len(errs) == 0 {
		if err := pages.CheckType(s.fileType(t)); err != nil {
			fail("%w", err)
		}
	}
	return errors.Join(errs...)
}

func (s Sink) partitioned() bool { return len(s.PartitionBy) > 0 || s.TimePartition.Column != "" }

func (s Sink) validatePartitions(t *batch.Type) (errs []error) {
	seen := map[string]bool{}
	for _, name := range s.PartitionBy {
		i := t.Index(name)
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("parquet: PartitionBy names %q, which the rows do not have%s", name, connector.Closest(name, fieldNames(t))))
		case seen[name]:
			errs = append(errs, fmt.Errorf("parquet: PartitionBy names %q twice", name))
		case !partitionable(t.Fields[i].Type.Kind):
			errs = append(errs, fmt.Errorf("parquet: PartitionBy %q is of type %s; strings, booleans and integers can name directories, and times in TimePartition", name, t.Fields[i].Type))
		}
		seen[name] = true
	}
	if len(seen) > 0 && len(errs) == 0 && len(seen) == len(t.Fields) {
		errs = append(errs, fmt.Errorf("parquet: PartitionBy names every column, so that none is left for the files"))
	}
	if name := s.TimePartition.Column; name != "" {
		switch i := t.Index(name); {
		case i < 0:
			errs = append(errs, fmt.Errorf("parquet: TimePartition names %q, which the rows do not have%s", name, connector.Closest(name, fieldNames(t))))
		case t.Fields[i].Type.Kind != batch.Time:
			errs = append(errs, fmt.Errorf("parquet: TimePartition %q is of type %s; it must be a time", name, t.Fields[i].Type))
		}
	}
	return errs
}

func partitionable(k batch.Kind) bool { return k == batch.String || k == batch.Bool || k.Integer() }

// fileType returns the type of the rows in the files: without the columns that
// are directories.
func (s Sink) fileType(t *batch.Type) *batch.Type {
	if len(s.PartitionBy) == 0 {
		return t
	}
	out := &batch.Type{Kind: batch.Struct}
	for _, i := range s.fileFields(t) {
		out.Fields = append(out.Fields, t.Fields[i])
	}
	return out
}

func (s Sink) fileFields(t *batch.Type) []int {
	var out []int
	for i, f := range t.Fields {
		if !slices.Contains(s.PartitionBy, f.Name) {
			out = append(out, i)
		}
	}
	return out
}

// Open makes the directory and the staging area in it, and refuses a directory
// whose files must not be replaced.
func (s Sink) Open(_ context.Context, r connector.SinkRequest) (connector.Output, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	area, err := staging.Open(s.FS, s.Dir, s.stagingOptions())
	switch {
	case errors.Is(err, staging.ErrNotEmpty):
		return nil, fmt.Errorf("parquet: %w to OverwriteAll or, for a partitioned sink, to OverwriteMatchingPartitions", err)
	case err != nil:
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return &output{sink: s, area: area, typ: r.Type, fileType: s.fileType(r.Type), fields: s.fileFields(r.Type), memory: r.Memory}, nil
}

// stagingOptions say which files make way for new ones: all that a sink has
// written, or, in the partitions that get new ones, all that are Parquet.
func (s Sink) stagingOptions() staging.Options {
	o := staging.Options{Overwrite: s.Overwrite != OverwriteNone, Pattern: "part-*.parquet",
		Nested: func(name string) bool { return strings.Contains(name, "=") }}
	if s.Overwrite == OverwriteMatchingPartitions {
		o.Touched, o.Pattern = true, "*.parquet"
	}
	return o
}

// output is an opened sink.
type output struct {
	sink     Sink
	area     *staging.Area
	typ      *batch.Type
	fileType *batch.Type
	fields   []int // of typ, that are in the files
	memory   int64 // a writer may hold; 0: any
}

func (o *output) options(pool *pages.Pool) pages.WriterOptions {
	w := pages.WriterOptions{Compression: o.sink.Compression, RowGroupRows: o.rowGroupRows(), LocalTime: o.sink.LocalTime, Pool: pool}
	if !o.sink.partitioned() {
		w.Background = 1
	}
	return w
}

const rowGroupFloor = 1 << 10 // with fewer rows a group is mostly headers

// rowGroupRows is what the user asked for, or less where a writer could not hold
// that: one group is filled while another is encoded and the bytes of a third are
// written, or one is filled for each open partition. It depends on the type of the
// rows alone, not on what is in them.
func (o *output) rowGroupRows() int {
	rows := o.sink.RowGroupRows
	if rows == 0 {
		rows = pages.DefaultRowGroupRows
	}
	if o.memory == 0 {
		return rows
	}
	groups := int64(3)
	if o.sink.partitioned() {
		groups = openMax
	}
	return min(rows, max(rowGroupFloor, int(o.memory/groups/rowBytes(o.fileType))))
}

// rowBytes estimates the memory of a row.
func rowBytes(t *batch.Type) int64 {
	switch t.Kind {
	case batch.Bool:
		return 1
	case batch.String, batch.Bytes:
		return 24
	case batch.List, batch.Map, batch.Struct:
		n := int64(1)
		for _, f := range t.Fields {
			n += rowBytes(f.Type)
		}
		if t.Kind != batch.Struct {
			n *= listGuess
		}
		return n
	}
	return 8
}

const listGuess = 4 // elements of a list

// Writer implements connector.Output.
func (o *output) Writer(_ context.Context, task int) (connector.Writer, error) {
	return &writer{output: o, task: task, open: map[string]*part{}, parts: map[string]int{}, split: newSplitter(o.sink, o.typ)}, nil
}

// Commit implements connector.Output.
func (o *output) Commit(ctx context.Context, staged []connector.Staged) error {
	var names []string
	for _, s := range staged {
		names = append(names, s.Files...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(names) == 0 && o.sink.Overwrite != OverwriteMatchingPartitions {
		if err := o.empty(); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
		names = append(names, emptyName)
	}
	if err := o.area.Commit(names); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}

const emptyName = "part-00000.parquet"

// empty stages a file without rows. It has the partition columns too: there is no
// directory that could have them.
func (o *output) empty() error {
	f, err := o.area.Create(emptyName)
	if err != nil {
		return err
	}
	w, err := pages.NewWriter(f, o.typ, o.options(nil))
	if err == nil {
		_, err = w.Close()
	}
	return errors.Join(err, f.Close())
}

// Abort implements connector.Output.
func (o *output) Abort() error {
	if err := o.area.Abort(); err != nil {
		return fmt.Errorf("parquet: %w", err)
	}
	return nil
}
