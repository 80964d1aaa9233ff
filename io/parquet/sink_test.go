package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/staging/stagingtest"
)

// visible lists the files under a directory, hidden ones included.
func visible(t testing.TB, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

var tripType = row("origin", nullable(batch.String), "ok", kind(batch.Bool), "n", kind(batch.Int64), "at", nullable(batch.Time))

// trips returns one row for each origin given, an hour and a half apart.
func trips(origins ...string) *batch.Column {
	c := batch.NewStruct(tripType, len(origins))
	origin := &batch.Column{Type: tripType.Fields[0].Type, Len: len(origins), Valid: batch.NewBitmap(len(origins))}
	var ok []bool
	var n, at []int64
	start := time.Date(2001, 6, 30, 22, 0, 0, 0, time.UTC)
	for i, o := range origins {
		origin.Strings.Append(o)
		if o != "null" {
			origin.Valid.Set(i)
		}
		ok, n = append(ok, i%2 == 0), append(n, int64(i))
		at = append(at, start.Add(time.Duration(i)*90*time.Minute).UnixMicro())
	}
	c.Children = []*batch.Column{origin, batch.NewBools(tripType.Fields[1].Type, ok), batch.NewInts(tripType.Fields[2].Type, n), batch.NewInts(tripType.Fields[3].Type, at)}
	return c
}

func TestPartitions(t *testing.T) {
	// Rows go to the directories of their values and times, odd characters
	// escaped, and come back with the values that are only in the path.
	dir := t.TempDir() + "/out"
	staged := writeDir(t, parquet.Sink{Dir: dir, PartitionBy: []string{"origin"}, TimePartition: parquet.TimePartition{Column: "at"}},
		trips("ATL", "a/b c", "null", "ATL"), trips("_x", "."))
	want := []string{
		"origin=%2E/at_day=2001-06-30/part-00001.parquet",
		"origin=%5Fx/at_day=2001-06-30/part-00001.parquet",
		"origin=ATL/at_day=2001-06-30/part-00000.parquet",
		"origin=ATL/at_day=2001-07-01/part-00000.parquet",
		"origin=__HIVE_DEFAULT_PARTITION__/at_day=2001-07-01/part-00000.parquet",
		"origin=a%2Fb%20c/at_day=2001-06-30/part-00000.parquet",
	}
	if got := visible(t, dir); !slices.Equal(got, want) {
		t.Errorf("files\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if reported := slices.Sorted(slices.Values(append(staged[0].Files, staged[1].Files...))); !slices.Equal(reported, want) {
		t.Errorf("reported were %q", reported)
	}
	got, err := readOne(parquet.Source{Path: dir}, tripType)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for i := range got.Len {
		o := "null"
		if !got.Children[0].Null(i) {
			o = got.Children[0].Text(i)
		}
		rows = append(rows, fmt.Sprint(o, " ", got.Children[2].Ints[i]))
	}
	if want := []string{". 1", "_x 0", "ATL 0", "ATL 3", "null 2", "a/b c 1"}; !slices.Equal(rows, want) {
		t.Errorf("rows %q, want %q", rows, want)
	}
}

func TestTimeLayouts(t *testing.T) {
	// Each layout names its directories by the hour, day or month, in UTC.
	for layout, want := range map[parquet.Layout]string{
		parquet.Hour:  "at_hour=2001-06-30-22 at_hour=2001-06-30-23 at_hour=2001-07-01-01",
		parquet.Day:   "at_day=2001-06-30 at_day=2001-07-01",
		parquet.Month: "at_month=2001-06 at_month=2001-07",
	} {
		dir := t.TempDir() + "/out"
		writeDir(t, parquet.Sink{Dir: dir, TimePartition: parquet.TimePartition{Column: "at", Layout: layout}}, trips("a", "b", "c"))
		var got []string
		for _, f := range visible(t, dir) {
			got = append(got, filepath.Dir(f))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", layout, got, want)
		}
	}
}

func TestManyPartitions(t *testing.T) {
	// More partitions than may be open at once get their rows all the same, some
	// in a second file.
	dir := t.TempDir() + "/out"
	const partitions, rows = 257, 300
	var origins []string
	for i := range rows {
		origins = append(origins, fmt.Sprint(i%partitions))
	}
	c := trips(origins...)
	s := parquet.Sink{Dir: dir, PartitionBy: []string{"origin"}, Compression: parquet.Zstd}
	out, err := s.Open(t.Context(), connector.SinkRequest{Type: tripType, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err := out.Writer(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if err := w.Write(t.Context(), (&batch.Batch{Root: c}).Slice(i, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	staged, err := w.Close(t.Context())
	if err == nil {
		err = out.Commit(t.Context(), []connector.Staged{staged})
	}
	if err != nil {
		t.Fatal(err)
	}
	if files := visible(t, dir); len(files) != rows || !slices.Contains(files, "origin=7/part-00000-1.parquet") {
		t.Errorf("%d files, want each row in one of its own", len(files))
	}
	if got, err := readOne(parquet.Source{Path: dir}, tripType); err != nil || got.Len != rows {
		t.Errorf("%d rows, %v", got.Len, err)
	}
}

func TestOverwriteMatching(t *testing.T) {
	// Only partitions that get new rows lose their old files.
	dir := t.TempDir() + "/out"
	with := parquet.Sink{Dir: dir, PartitionBy: []string{"origin"}, Overwrite: parquet.OverwriteMatchingPartitions}
	writeDir(t, with, trips("A", "B", "B"), trips("B"))
	writeDir(t, with, trips("B", "C"))
	want := []string{"origin=A/part-00000.parquet", "origin=B/part-00000.parquet", "origin=C/part-00000.parquet"}
	if got := visible(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if got, err := readOne(parquet.Source{Path: dir}, tripType); err != nil || got.Len != 3 {
		t.Errorf("%d rows, %v; want 3", got.Len, err)
	}
	all := with
	all.Overwrite = parquet.OverwriteAll
	writeDir(t, all, trips("D"))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "origin=D" {
		t.Errorf("after OverwriteAll: %v, %v", entries, err)
	}
	none := with
	none.Overwrite = parquet.OverwriteNone
	if _, err := none.Open(t.Context(), connector.SinkRequest{Type: tripType}); err == nil || !strings.Contains(err.Error(), "OverwriteMatchingPartitions") {
		t.Errorf("error %v, want one that names the option", err)
	}
	if err := os.WriteFile(dir+"/notes.txt", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := all.Open(t.Context(), connector.SinkRequest{Type: tripType}); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Errorf("error %v, want a foreign file to be refused", err)
	}
}

func TestPartitionFaults(t *testing.T) {
	// Whichever call on the disk fails, the partitions are as before: what was
	// there is there, nothing new is, nothing is left in staging.
	for at := 0; ; at++ {
		dir := t.TempDir() + "/out"
		s := parquet.Sink{Dir: dir, PartitionBy: []string{"origin"}, Overwrite: parquet.OverwriteMatchingPartitions}
		writeDir(t, s, trips("A", "B"))
		before := snapshot(t, dir)
		faults := &stagingtest.Faults{FailAt: at}
		s.FS = faults
		err := tryWrite(s, trips("B", "C", "C", "D"))
		if err == nil && !faults.Failed() {
			return
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("call %d: the error hides its cause: %v", at, err)
		}
		if after := snapshot(t, dir); err != nil && after != before && !strings.Contains(err.Error(), "is complete") {
			t.Errorf("call %d failed (%v): the directory holds\n%s\nbefore\n%s", at, err, after, before)
		}
	}
}

func snapshot(t *testing.T, dir string) string {
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			out = append(out, path)
		} else if err == nil {
			b, _ := os.ReadFile(path)
			out = append(out, fmt.Sprintf("%s %x", path, b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

// tryWrite writes one batch as one task does, and aborts on failure.
func tryWrite(s connector.Sink, c *batch.Column) error {
	ctx := context.Background()
	out, err := s.Open(ctx, connector.SinkRequest{Type: c.Type, Parallelism: 1})
	if err != nil {
		return err
	}
	w, err := out.Writer(ctx, 0)
	if err != nil {
		return errors.Join(err, out.Abort())
	}
	if err := w.Write(ctx, &batch.Batch{Root: c}); err != nil {
		return errors.Join(err, w.Abort(), out.Abort())
	}
	staged, err := w.Close(ctx)
	if err != nil {
		return errors.Join(err, w.Abort(), out.Abort())
	}
	if err := out.Commit(ctx, []connector.Staged{staged}); err != nil {
		return errors.Join(err, out.Abort())
	}
	return nil
}

func TestFullDisk(t *testing.T) {
	// A disk that fills up while row groups are encoded in the background is a
	// clear error; nothing is visible, nothing staged, no goroutine left.
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	s := parquet.Sink{Dir: dir + "/out", RowGroupRows: 50, FS: &stagingtest.Faults{FailAt: -1, Capacity: 9000}}
	err := tryWrite(s, connectortest.Sample(connectortest.EveryKind(), 5000, 1))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "part-00000.parquet") {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	goleak.VerifyNone(t, before)
}

func TestEmptyResult(t *testing.T) {
	// A result without rows is one file with the columns, partitioned or not.
	for _, by := range [][]string{nil, {"origin"}} {
		dir := t.TempDir() + "/out"
		writeDir(t, parquet.Sink{Dir: dir, PartitionBy: by}, trips(), trips())
		if got := visible(t, dir); !slices.Equal(got, []string{"part-00000.parquet"}) {
			t.Errorf("files %q", got)
		}
		if got, err := readOne(parquet.Source{Path: dir}, tripType); err != nil || got.Len != 0 {
			t.Errorf("%d rows, %v", got.Len, err)
		}
	}
}

func TestSinkMistakes(t *testing.T) {
	// Every mistake in the options is reported, all together.
	err := parquet.Sink{PartitionBy: []string{"orign", "at", "ok", "ok"}, TimePartition: parquet.TimePartition{Column: "n"}, RowGroupRows: -1, Compression: 9}.Validate(tripType)
	for _, want := range []string{"Dir is empty", `"orign"`, `did you mean "origin"`, `"at" is of type time`, `"ok" twice`, `"n" is of type int64`, "RowGroupRows is -1", "compression(9)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error\n%v\nlacks %q", err, want)
		}
	}
	retract := &batch.Batch{Root: trips("a"), Retract: []bool{true}}
	out, err := parquet.Sink{Dir: t.TempDir() + "/out"}.Open(t.Context(), connector.SinkRequest{Type: tripType})
	if err != nil {
		t.Fatal(err)
	}
	w, err := out.Writer(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), retract); err == nil {
		t.Error("a retraction was written")
	}
	if err := errors.Join(w.Abort(), out.Abort()); err != nil {
		t.Error(err)
	}
}
