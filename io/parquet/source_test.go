package parquet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/field"
)

func kind(k batch.Kind) *batch.Type     { return &batch.Type{Kind: k} }
func nullable(k batch.Kind) *batch.Type { return &batch.Type{Kind: k, Nullable: true} }

// row returns a struct type: row("a", kind(batch.Int64), …).
func row(fields ...any) *batch.Type {
	t := kind(batch.Struct)
	for i := 0; i < len(fields); i += 2 {
		t.Fields = append(t.Fields, batch.Field{Name: fields[i].(string), Type: fields[i+1].(*batch.Type)})
	}
	return t
}

// file writes one file of n sample rows and returns its path.
func file(t testing.TB, path string, typ *batch.Type, n int) string {
	t.Helper()
	dir := t.TempDir() + "/out"
	writeDir(t, parquet.Sink{Dir: dir, RowGroupRows: 10}, connectortest.Sample(typ, n, 1))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"/part-00000.parquet", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(s parquet.Source, t *batch.Type) error {
	in, err := s.Open(context.Background(), connector.Request{Type: t})
	if err == nil {
		err = in.Close()
	}
	return err
}

func TestPathMistakes(t *testing.T) {
	// Every path and file that cannot be read is an error that names it.
	dir := t.TempDir()
	typ := row("a", kind(batch.Int64))
	good := file(t, dir+"/good.parquet", typ, 25)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"truncated.parquet": raw[:len(raw)/2], "magic.parquet": []byte("PAR1PAR1"), "text.parquet": []byte("hello, this is a text"),
		"hostile.parquet": []byte("PAR1\xff\xff\xff\x7fPAR1"), "zero.parquet": nil, "broken.parquet": append(slices.Clone(raw[:len(raw)-20]), raw[len(raw)-8:]...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"truncated.parquet": "truncated", "magic.parquet": "has 8 bytes", "text.parquet": "not a Parquet file",
		"hostile.parquet": "declares a footer of 2147483647 bytes", "zero.parquet": "is empty", "broken.parquet": "parquet",
		"empty": "holds no files", "*.nothing": "no file matches", "missing.parquet": "no such file", "missing/deep": "no such file",
	} {
		err := open(parquet.Source{Path: filepath.Join(dir, path)}, typ)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
	err = open(parquet.Source{Path: dir}, typ)
	if err == nil || strings.Count(err.Error(), ".parquet ") != 6 {
		t.Errorf("a directory with six bad files: error %v, want all of them", err)
	}
}

func TestColumns(t *testing.T) {
	// Columns are the names of the first file's columns, a struct's as one; a path
	// without files and a file that is none are errors that name it.
	dir := t.TempDir()
	file(t, dir+"/1.parquet", row("b", kind(batch.Int64), "a", row("x", kind(batch.Int64), "y", kind(batch.Int64))), 5)
	file(t, dir+"/2.parquet", row("c", kind(batch.String)), 5)
	got, err := parquet.Source{Path: dir}.Columns(t.Context())
	if err != nil || !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := os.WriteFile(dir+"/0.parquet", []byte("hello, this is a text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "0.parquet", dir + "/missing": "no such file", "": "Path is empty"} {
		if _, err := (parquet.Source{Path: path}).Columns(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", path, err, want)
		}
	}
}

func TestColumnMistakes(t *testing.T) {
	// Missing and mismatched columns are reported together, with what was meant,
	// and with both files where files disagree.
	dir := t.TempDir()
	file(t, dir+"/1.parquet", row("delay", kind(batch.Int64), "origin", kind(batch.String), "at", kind(batch.Time), "part", kind(batch.Float64)), 5)
	file(t, dir+"/2.parquet", row("delay", kind(batch.String), "origin", kind(batch.String), "at", kind(batch.Time), "part", kind(batch.Float64)), 5)
	want := row("orgin", kind(batch.String), "delay", kind(batch.Int64), "at", kind(batch.Int64), "part", kind(batch.Int32))
	err := open(parquet.Source{Path: dir}, want)
	if err == nil {
		t.Fatal("it was opened")
	}
	for _, text := range []string{
		`1.parquet: has no column "orgin"; did you mean "origin"?`,
		`2.parquet: has column "delay" of type string, which cannot fill a field of type int64; ` + dir + `/1.parquet has int64 there`,
		`has column "at" of type time, which cannot fill a field of type int64`,
		`has column "part" of type float64, which cannot fill a field of type int32: fractions would be lost`,
	} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error\n%v\nlacks %q", err, text)
		}
	}
	narrow := open(parquet.Source{Path: dir + "/1.parquet"}, row("delay", kind(batch.Int32)))
	if narrow == nil || !strings.Contains(narrow.Error(), "widen the field") {
		t.Errorf("narrowing: error %v", narrow)
	}
}

func TestNullInPlainField(t *testing.T) {
	// A null where the field is no pointer is an error with file, row group and
	// row; with a pointer it is read, and a pointer takes a column without nulls.
	dir := t.TempDir()
	typ := row("a", nullable(batch.Int64), "b", kind(batch.Int64))
	rows := connectortest.Sample(typ, 40, 1)
	rows.Children[0].Valid.SetAll(40)
	rows.Children[0].Valid.Clear(33)
	writeDir(t, parquet.Sink{Dir: dir + "/x", RowGroupRows: 10}, rows)
	src := parquet.Source{Path: dir + "/x"}
	_, err := readAll(src, connector.Request{Type: row("a", kind(batch.Int64)), BatchRows: 2})
	if err == nil || !strings.Contains(err.Error(), "part-00000.parquet: row group 3: row 33 of the file: column \"a\" is null") {
		t.Errorf("error %v", err)
	}
	if _, err := readAll(src, connector.Request{Type: row("b", nullable(batch.Int64))}); err != nil {
		t.Error(err)
	}
}

func TestWidening(t *testing.T) {
	// Narrow columns fill wider fields with the same values.
	dir := t.TempDir()
	typ := row("i", kind(batch.Int32), "u", kind(batch.Uint32), "f", kind(batch.Float32), "n", kind(batch.Int64), "s", kind(batch.String))
	rows := connectortest.Sample(typ, 20, 4)
	rows.Children[2] = batch.NewFloats(typ.Fields[2].Type, []float64{19: 0.5})
	writeDir(t, parquet.Sink{Dir: dir + "/x"}, rows)
	want := row("i", kind(batch.Int64), "u", kind(batch.Int64), "f", kind(batch.Float64), "n", kind(batch.Float64), "s", kind(batch.Bytes))
	cols, err := readAll(parquet.Source{Path: dir + "/x"}, connector.Request{Type: want})
	if err != nil {
		t.Fatal(err)
	}
	got := cols[0]
	if err := batch.Validate(got); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if got.Children[0].Ints[i] != rows.Children[0].Ints[i] || got.Children[1].Ints[i] != rows.Children[1].Ints[i] ||
			got.Children[2].Floats[i] != rows.Children[2].Floats[i] || got.Children[3].Floats[i] != float64(rows.Children[3].Ints[i]) ||
			got.Children[4].Text(i) != rows.Children[4].Text(i) {
			t.Errorf("row %d differs", i)
		}
	}
}

func TestRowPosition(t *testing.T) {
	// Rows are numbered over all files in the order of their names, whatever was
	// skipped before them; hidden files and directories are not read.
	dir := t.TempDir()
	typ := row("a", kind(batch.Int64))
	for _, name := range []string{"b/2.parquet", "a/1.parquet", "c.parquet", ".hidden.parquet", "_tmp/x.parquet", ".leat-staging-X/0.parquet"} {
		file(t, filepath.Join(dir, name), typ, 25)
	}
	want := row("a", kind(batch.Int64), "at", kind(batch.Int64))
	src := parquet.Source{Path: dir, RowPosition: "at"}
	cols, err := readAll(src, connector.Request{Type: want, BatchRows: 7, Needed: []bool{false, true}})
	if err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	for _, c := range cols {
		if c.Children[0] != nil {
			t.Fatal("a column that is not needed was read")
		}
		for _, v := range c.Children[1].Ints {
			if v != next {
				t.Fatalf("position %d, want %d", v, next)
			}
			next++
		}
	}
	if next != 75 {
		t.Errorf("%d rows, want 75", next)
	}
	if err := src.Validate(typ); err == nil {
		t.Error("a position without a field was accepted")
	}
}

func TestSkipsRowGroups(t *testing.T) {
	// Row groups that the filter excludes by statistics, by path or by position
	// make no split; none that has matching rows is left out.
	dir := t.TempDir()
	typ := row("n", kind(batch.Int64), "s", nullable(batch.String), "d", kind(batch.Float64), "day", kind(batch.Int64))
	var cols []*batch.Column
	for day := range 3 {
		c := connectortest.Sample(typ, 40, uint64(day))
		for i := range 40 {
			c.Children[0].Ints[i] = int64(day*40 + i)
			c.Children[3].Ints[i] = int64(day)
		}
		c.Children[1] = &batch.Column{Type: typ.Fields[1].Type, Len: 40, Strings: constant(fmt.Sprint("s", day), 40)}
		c.Children[2] = batch.NewFloats(typ.Fields[2].Type, slices.Repeat([]float64{float64(day)}, 40))
		cols = append(cols, c)
	}
	writeDir(t, parquet.Sink{Dir: dir + "/x", RowGroupRows: 10, PartitionBy: []string{"day"}}, cols...)
	type event struct {
		N   int64   `leat:"n"`
		S   *string `leat:"s"`
		D   float64 `leat:"d"`
		Day int64   `leat:"day"`
		At  int64   `leat:"at"`
	}
	t2 := row("n", kind(batch.Int64), "s", nullable(batch.String), "d", kind(batch.Float64), "day", kind(batch.Int64), "at", kind(batch.Int64))
	for name, c := range map[string]struct {
		cond   func(e *event) field.Cond
		splits int
	}{
		"range":    {func(e *event) field.Cond { return field.Between(&e.N, 35, 44) }, 2},
		"string":   {func(e *event) field.Cond { return field.Equal(e.S, "s1") }, 4},
		"float":    {func(e *event) field.Cond { return field.AtLeast(&e.D, 1.5) }, 4},
		"path":     {func(e *event) field.Cond { return field.Equal(&e.Day, 0) }, 4},
		"position": {func(e *event) field.Cond { return field.Less(&e.At, 15) }, 2},
		"null":     {func(e *event) field.Cond { return field.IsNull(e.S) }, 0},
		"all":      {func(e *event) field.Cond { return field.Not(field.Equal(&e.N, 7)) }, 12},
	} {
		p, err := field.Describe(c.cond)
		if err != nil {
			t.Fatal(err)
		}
		in, err := parquet.Source{Path: dir + "/x", RowPosition: "at"}.Open(t.Context(), connector.Request{Type: t2, Filter: p})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(in.Splits()); got != c.splits {
			t.Errorf("%s: %d row groups, want %d", name, got, c.splits)
		}
	}
}

func TestChangedFile(t *testing.T) {
	// A file that is replaced between its footer and its columns is an error.
	dir := t.TempDir()
	typ := row("a", kind(batch.Int64))
	path := file(t, dir+"/a.parquet", typ, 25)
	in, err := parquet.Source{Path: path}.Open(t.Context(), connector.Request{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	file(t, path, typ, 500)
	if _, err := in.Reader(t.Context(), in.Splits()[0]); err == nil || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("error %v", err)
	}
}
