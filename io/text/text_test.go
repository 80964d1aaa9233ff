package text_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/leatflow/leat/io/text"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/staging"
)

var lineType = &batch.Type{Kind: batch.String}

func column(rows ...string) *batch.Column {
	var s batch.Strings
	for _, r := range rows {
		s.Append(r)
	}
	return batch.NewStrings(lineType, s)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSourceConformance(t *testing.T) {
	// A directory of several files, one compressed, one cut into small splits,
	// with empty, Windows, overlong and non-UTF-8 lines, keeps the contract.
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.txt"), "one\ntwo\r\n\nthr\xff\xfee")
	write(t, filepath.Join(dir, "b.txt"), strings.Repeat("0123456789\n", 20)+strings.Repeat("x", 101)+"\nafter")
	write(t, filepath.Join(dir, "_ignored.txt"), "no")
	f, err := os.Create(filepath.Join(dir, "c.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	fmt.Fprintf(z, "zipped\n%s\nlast\n", strings.Repeat("y", 200))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	rows := []string{"one", "two", "", "thr\xff\xfee"}
	for range 20 {
		rows = append(rows, "0123456789")
	}
	connectortest.TestSource(t, connectortest.SourceCase{
		New:        func(*testing.T) connector.Source { return text.Source{Path: dir, SplitBytes: 16, MaxLine: 100} },
		Type:       lineType,
		Want:       column(append(rows, "after", "zipped", "last")...),
		Bad:        []string{filepath.Join(dir, "b.txt") + ":21", filepath.Join(dir, "c.txt.gz") + ":2"},
		CloseTwice: true,
	})
}

// readBack reads a directory of lines.
func readBack(t *testing.T, dir string) (*batch.Column, error) {
	in, err := text.Source{Path: dir}.Open(t.Context(), connector.Request{Type: lineType})
	if err != nil {
		return nil, err
	}
	var all []*batch.Column
	for _, s := range in.Splits() {
		r, err := in.Reader(t.Context(), s)
		if err != nil {
			return nil, err
		}
		for {
			b, err := r.Read(t.Context())
			if err != nil {
				break
			}
			all = append(all, b.Root)
		}
		if err := r.Close(); err != nil {
			return nil, err
		}
	}
	return batch.Concat(all), in.Close()
}

func TestSinkConformance(t *testing.T) {
	// Plain and compressed sinks keep the contract whatever fails.
	for _, zip := range []bool{false, true} {
		t.Run(fmt.Sprintf("gzip=%v", zip), func(t *testing.T) {
			connectortest.TestSink(t, connectortest.SinkCase{
				New: func(_ *testing.T, dir string, fs staging.FS) connector.Sink {
					return text.Sink{Dir: dir, Gzip: zip, FS: fs}
				},
				Overwrite: func(_ *testing.T, dir string, fs staging.FS) connector.Sink {
					return text.Sink{Dir: dir, Gzip: zip, FS: fs, Overwrite: true}
				},
				Type:     lineType,
				Rows:     column("a", "", "ccc", "d\rd", "\xff", "f", "g", " h ", "i", "j", "k", "null"),
				ReadBack: readBack,
			})
		})
	}
}

func TestFileNames(t *testing.T) {
	// Files are called by task and suffix.
	for zip, want := range map[bool]string{false: "part-00007.txt", true: "part-00007.txt.gz"} {
		out, err := text.Sink{Dir: t.TempDir(), Gzip: zip}.Open(t.Context(), connector.SinkRequest{Type: lineType, Parallelism: 8})
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Writer(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(t.Context(), &batch.Batch{Root: column("x")}); err != nil {
			t.Fatal(err)
		}
		staged, err := w.Close(t.Context())
		if err != nil || len(staged.Files) != 1 || staged.Files[0] != want {
			t.Errorf("files %q, %v, want %s", staged.Files, err, want)
		}
		if err := out.Abort(); err != nil {
			t.Error(err)
		}
	}
}

func TestRowsThatAreNotLines(t *testing.T) {
	// A row that would come back as something else is refused with the reason.
	null := column("x")
	null.Type = &batch.Type{Kind: batch.String, Nullable: true}
	null.Valid = batch.NewBitmap(1)
	for want, b := range map[string]*batch.Batch{
		"row 1 of the batch, \"a\\nb\", contains a line break": {Root: column("ok", "a\nb")},
		"row 0 of the batch, \"a\\r\"":                         {Root: column("a\r")},
		"row 0 of the batch is null":                           {Root: null},
		"not int64":                                            {Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{1})},
		"takes back an earlier one":                            {Root: column("x"), Retract: []bool{true}},
	} {
		out, err := text.Sink{Dir: t.TempDir()}.Open(t.Context(), connector.SinkRequest{Type: b.Root.Type, Parallelism: 1})
		if err == nil {
			w, openErr := out.Writer(t.Context(), 0)
			if openErr != nil {
				t.Fatal(openErr)
			}
			err = w.Write(t.Context(), b)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	// Mistakes that need no look at the disk are all reported by Validate.
	number := &batch.Type{Kind: batch.Int64}
	err := text.Source{SplitBytes: -1, MaxLine: 1 << 40}.Validate(number)
	for _, want := range []string{"path is empty", "SplitBytes is -1", "MaxLine is", "not int64"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	err = text.Sink{}.Validate(number)
	for _, want := range []string{"empty path", "not int64"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := (text.Sink{Dir: dir}).Open(ctx, connector.SinkRequest{Type: lineType}); err == nil {
		t.Error("a cancelled run opened a sink")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a cancelled run made the target")
	}
	_, err = text.Source{Path: dir}.Open(t.Context(), connector.Request{Type: lineType})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("missing path: %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.txt")
	content := strings.Repeat("2013-01-01T05:15:00Z,N14228,UA,1545,EWR,IAH,227,1400\n", 200_000)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		b.Fatal(err)
	}
	in, err := text.Source{Path: path}.Open(b.Context(), connector.Request{Type: lineType})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := in.Reader(b.Context(), in.Splits()[0])
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Read(b.Context())
		}
		r.Close()
	}
}
