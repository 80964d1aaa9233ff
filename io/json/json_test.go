package json_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/staging"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns the rows of a source, nil for none, and its bad records.
func read(t testing.TB, s json.Source, typ *batch.Type) (*batch.Column, []connector.BadRecord, error) {
	t.Helper()
	var bad []connector.BadRecord
	in, err := s.Open(t.Context(), connector.Request{Type: typ, Bad: func(b connector.BadRecord) error {
		bad = append(bad, b)
		return nil
	}})
	if err != nil {
		return nil, nil, err
	}
	var all []*batch.Column
	for _, split := range in.Splits() {
		r, err := in.Reader(t.Context(), split)
		if err != nil {
			return nil, nil, err
		}
		for {
			b, err := r.Read(t.Context())
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, nil, err
			}
			if err := batch.Validate(b.Root); err != nil {
				t.Fatal(err)
			}
			all = append(all, b.Root)
		}
		if err := r.Close(); err != nil {
			return nil, nil, err
		}
	}
	return batch.Concat(all), bad, in.Close()
}

// rowsOf reads a text and renders its rows.
func rowsOf(t testing.TB, s json.Source, typ *batch.Type, text string) (rows []string, bad []connector.BadRecord) {
	t.Helper()
	s.Path = filepath.Join(t.TempDir(), "rows.json")
	write(t, s.Path, text)
	c, bad, err := read(t, s, typ)
	if err != nil {
		t.Fatal(err)
	}
	for i := range length(c) {
		rows = append(rows, c.Format(i))
	}
	return rows, bad
}

func TestSourceConformance(t *testing.T) {
	// Several files, one cut into small splits, with unknown fields in any
	// order, blank lines and bad records, keep the contract.
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.json"), "\ufeff{\"user\":\"ann\",\"delay\":4}\r\n\n  \n{\"delay\":null, \"x\":[{}], \"user\":\"bob\"}")
	write(t, filepath.Join(dir, "b.ndjson"), strings.Repeat(`{"user":"eve"}`+"\n", 9)+"{\"user\":1}\nrubbish\n"+`{"user":"mo","delay":-7}`)
	write(t, filepath.Join(dir, "c.csv"), "no")
	typ := batchtest.StructOf(batch.Field{Name: "user", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "delay", Type: batchtest.Nullable(batchtest.Scalar(batch.Int32))})
	users := batch.Strings{}
	for _, u := range strings.Fields("ann bob eve eve eve eve eve eve eve eve eve mo") {
		users.Append(u)
	}
	delays := batch.NewInts(typ.Fields[1].Type, []int64{4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -7})
	delays.Valid = batch.NewBitmap(12)
	delays.Valid.Set(0)
	delays.Valid.Set(11)
	b := filepath.Join(dir, "b.ndjson")
	c := connectortest.SourceCase{
		New:        func(*testing.T) connector.Source { return json.Source{Path: dir, SplitBytes: 20} },
		Type:       typ,
		Want:       batch.NewStruct(typ, 12, batch.NewStrings(typ.Fields[0].Type, users), delays),
		Bad:        []string{b + ":10", b + ":11"},
		CloseTwice: true,
	}
	t.Run("bad records", func(t *testing.T) { connectortest.TestSource(t, c) })
	write(t, b, strings.Repeat(`{"user":"eve"}`+"\n", 9)+`{"user":"mo","delay":-7}`)
	c.Bad = nil
	t.Run("good records", func(t *testing.T) { connectortest.TestSource(t, c) })
}

func TestSinkConformance(t *testing.T) {
	// Rows of every kind, with the values formats have trouble with, keep the
	// contract, plain and compressed.
	typ := connectortest.EveryKind()
	for seed := range uint64(2) {
		zip := seed%2 == 1
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			connectortest.TestSink(t, connectortest.SinkCase{
				New: func(_ *testing.T, dir string, fs staging.FS) connector.Sink {
					return json.Sink{Dir: dir, Gzip: zip, FS: fs}
				},
				Overwrite: func(_ *testing.T, dir string, fs staging.FS) connector.Sink {
					return json.Sink{Dir: dir, Gzip: zip, FS: fs, Overwrite: true}
				},
				Type: typ,
				Rows: connectortest.Sample(typ, 40, seed),
				ReadBack: func(t *testing.T, dir string) (*batch.Column, error) {
					rows, bad, err := read(t, json.Source{Path: dir}, typ)
					if len(bad) > 0 {
						return nil, fmt.Errorf("%d bad records, the first: %w", len(bad), bad[0])
					}
					return rows, err
				},
			})
		})
	}
}

func TestWritten(t *testing.T) {
	// What the sink writes, byte for byte: field order, nulls, times, escapes,
	// floats, map keys, base64.
	typ := batchtest.StructOf(
		batch.Field{Name: "a \"b\"", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)},
		batch.Field{Name: "f", Type: batchtest.Scalar(batch.Float64)},
		batch.Field{Name: "n", Type: batchtest.Nullable(batchtest.Scalar(batch.Uint64))},
		batch.Field{Name: "raw", Type: batchtest.Scalar(batch.Bytes)},
		batch.Field{Name: "m", Type: batchtest.MapOf(batchtest.Scalar(batch.Int64), batchtest.ListOf(batchtest.Scalar(batch.Bool)))},
	)
	text := `{"a \"b\"":"x\n\t\u0001\"\\é/","at":"2013-01-31T05:15:00.250000Z","f":1e-7,"n":null,"raw":"/wA=","m":{"-1":[true,false],"2":[]}}
{"a \"b\"":"\ufffd","at":253402300800000000,"f":"NaN","n":18446744073709551615,"raw":"","m":{}}
{"a \"b\"":"","at":"0000-01-01T00:00:00.000000Z","f":-0,"n":0,"raw":"AA==","m":{}}
`
	in := filepath.Join(t.TempDir(), "in.json")
	write(t, in, text)
	rows, bad, err := read(t, json.Source{Path: in}, typ)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	dir := t.TempDir()
	out, err := json.Sink{Dir: dir}.Open(t.Context(), connector.SinkRequest{Type: typ, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	w, err := out.Writer(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	// One row at a time from slices: offsets into lists that do not begin at zero.
	for i := range rows.Len {
		if err := w.Write(t.Context(), &batch.Batch{Root: rows.Slice(i, i+1)}); err != nil {
			t.Fatal(err)
		}
	}
	staged, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Commit(t.Context(), []connector.Staged{staged}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "part-00000.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(text, `\ufffd`, "\ufffd", 1)
	if string(got) != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
}

func TestSinkRefusals(t *testing.T) {
	// A type JSON cannot hold is refused before the run, a column that was not
	// read and a batch of another type when they come.
	err := json.Sink{}.Validate(batchtest.StructOf(batch.Field{Name: "m", Type: batchtest.MapOf(batchtest.Scalar(batch.Float64), batchtest.Scalar(batch.Bool))}))
	for _, want := range []string{"empty path", "field m", "key of a JSON object"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	typ := batchtest.StructOf(batch.Field{Name: "a", Type: batchtest.Scalar(batch.Int64)})
	out, err := json.Sink{Dir: t.TempDir()}.Open(t.Context(), connector.SinkRequest{Type: typ, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	for want, root := range map[string]*batch.Column{
		"column a was not read": batch.NewStruct(typ, 1, nil),
		"opened for":            batch.NewInts(typ.Fields[0].Type, []int64{1}),
	} {
		w, err := out.Writer(t.Context(), len(want))
		if err == nil {
			err = w.Write(t.Context(), &batch.Batch{Root: root})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := out.Abort(); err != nil {
		t.Error(err)
	}
}

func length(c *batch.Column) int {
	if c == nil {
		return 0
	}
	return c.Len
}
