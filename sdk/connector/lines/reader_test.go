package lines_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/connector/files"
	"github.com/leatflow/leat/sdk/connector/lines"
)

func write(t testing.TB, name string, data []byte) files.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return files.File{Path: path, Size: int64(len(data))}
}

func compress(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var z io.WriteCloser
	switch filepath.Ext(name) {
	case ".gz":
		z = gzip.NewWriter(&out)
	case ".zst":
		z, _ = zstd.NewWriter(&out)
	default:
		return data
	}
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// all reads every range; a line that is too long reads as !place.
func all(t testing.TB, ranges []lines.Range, limit int) (out []string) {
	t.Helper()
	for _, rng := range ranges {
		r, err := lines.Open(rng, limit)
		if err != nil {
			t.Fatal(err)
		}
		for {
			line, err := r.Next()
			var long *lines.TooLong
			if errors.As(err, &long) {
				out = append(out, "!"+filepath.Base(r.Place()))
				continue
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(line))
		}
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestLineEnds(t *testing.T) {
	// Unix and Windows ends, a last line without one, empty lines and bytes that
	// are not UTF-8 come out as lines of the same bytes, from every compression.
	text := "one\ntwo\r\n\n\r\nthr\ree\xff\nlast\r"
	want := []string{"one", "two", "", "", "thr\ree\xff", "last"}
	for _, name := range []string{"a.txt", "a.txt.gz", "a.txt.zst"} {
		f := write(t, name, compress(t, name, []byte(text)))
		if got := all(t, lines.Cut([]files.File{f}, 1, 0), 0); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		empty := write(t, name, nil)
		if got := all(t, lines.Cut([]files.File{empty}, 1, 0), 0); len(got) != 0 {
			t.Errorf("empty %s: %q", name, got)
		}
	}
}

func TestCutsLoseNothing(t *testing.T) {
	// However a file is cut, each line is read once and in order.
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"", "a", "\r", "long line", "\n", "\n", "\r\n"})).Draw(t, "parts")
		text := strings.Join(parts, "")
		path := filepath.Join(dir, "cut.txt")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		f := []files.File{{Path: path, Size: int64(len(text))}}
		readers := rapid.IntRange(1, 20).Draw(t, "readers")
		ranges := lines.Cut(f, readers, 1)
		var got []string
		for _, rng := range ranges {
			r, err := lines.Open(rng, 0)
			if err != nil {
				t.Fatal(err)
			}
			for {
				line, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(line))
				if want := fmt.Sprintf("%s:%d", path, len(got)); r.Place() != want {
					t.Fatalf("place %s, want %s", r.Place(), want)
				}
			}
			r.Close()
		}
		want := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if text == "" {
			want = nil
		}
		for i := range want {
			want[i] = strings.TrimSuffix(want[i], "\r")
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q cut into %v gives %q, want %q", text, ranges, got, want)
		}
	})
}

func TestCut(t *testing.T) {
	// Small, compressed and endless files stay whole, large ones are cut so that
	// each reader has several pieces; the pieces cover the file.
	const huge = 1 << 62
	list := []files.File{{Path: "small", Size: 10 << 20}, {Path: "big", Size: 1 << 30}, {Path: "big.gz", Size: 1 << 30},
		{Path: "pipe", Size: -1}, {Path: "empty", Size: 0}, {Path: "huge", Size: huge}}
	count := map[string]int{}
	end := map[string]int64{}
	for _, r := range lines.Cut(list, 4, 0) {
		if r.To >= 0 && r.From != end[r.File.Path] {
			t.Errorf("%s does not follow byte %d", r, end[r.File.Path])
		}
		count[r.File.Path]++
		end[r.File.Path] = r.To
	}
	for name, want := range map[string]int{"small": 1, "big": 16, "big.gz": 1, "pipe": 1, "empty": 1, "huge": 16} {
		if count[name] != want {
			t.Errorf("%s is cut in %d, want %d", name, count[name], want)
		}
	}
	if end["big"] != 1<<30 || end["huge"] != huge || end["big.gz"] != -1 {
		t.Errorf("ends: %v", end)
	}
}

func TestLongLines(t *testing.T) {
	// A line over the limit is reported with its place and skipped, also across
	// buffers and at the end of a file; one of exactly the limit is read.
	limit := 300 << 10
	fits, long := strings.Repeat("x", limit), strings.Repeat("y", 3*limit)
	text := "a\n" + long + "\r\n" + fits + "\r\n" + fits + "z\n" + "b\n" + fits + "z"
	f := write(t, "a.txt", []byte(text))
	want := []string{"a", "!a.txt:2", fits, "!a.txt:4", "b", "!a.txt:6"}
	for _, least := range []int64{1 << 20, 70 << 10} {
		if got := all(t, lines.Cut([]files.File{f}, 8, least), limit); !slices.Equal(got, want) {
			t.Errorf("cut at %d: %d lines, want %d", least, len(got), len(want))
		}
	}
	r, err := lines.Open(lines.Range{File: f, To: -1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Next()
	_, err = r.Next()
	var e *lines.TooLong
	if !errors.As(err, &e) || e.Limit != 3 || !strings.HasPrefix(long, string(e.Raw)) || len(e.Raw) == 0 {
		t.Fatalf("error %v", err)
	}
}

func TestBrokenFiles(t *testing.T) {
	// What is not the compression its name says, was cut off, has shrunk or has
	// gone is an error that names the file, never a short read.
	text := []byte(strings.Repeat("some line of text that differs 12345\n", 5000))
	cutOff := func(name string) files.File {
		z := compress(t, name, text)
		return write(t, name, z[:len(z)-20])
	}
	shrunk := write(t, "shrunk.txt", text)
	shrunk.Size *= 2
	for _, f := range []files.File{
		cutOff("cut.gz"), cutOff("cut.zst"), shrunk,
		write(t, "not.gz", text), write(t, "not.zst", text), {Path: "missing.txt", Size: 5},
	} {
		var err error
		for _, rng := range lines.Cut([]files.File{f}, 1, 0) {
			var r *lines.Reader
			if r, err = lines.Open(rng, 0); err != nil {
				break
			}
			for err == nil {
				_, err = r.Next()
			}
			r.Close()
		}
		if err == io.EOF || !strings.Contains(err.Error(), filepath.Base(f.Path)) {
			t.Errorf("%s: error %v", f.Path, err)
		}
	}
}

func TestDone(t *testing.T) {
	// Progress reaches one at the end, compressed or not.
	for _, name := range []string{"a.txt", "a.txt.gz"} {
		f := write(t, name, compress(t, name, []byte(strings.Repeat("line\n", 1000))))
		r, err := lines.Open(lines.Cut([]files.File{f}, 1, 0)[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		if r.Done() != 1 {
			t.Errorf("%s: done %v at the end", name, r.Done())
		}
		r.Close()
	}
}

func BenchmarkNext(b *testing.B) {
	text := []byte(strings.Repeat("2013-01-01T05:15:00Z,N14228,UA,1545,EWR,IAH,227,1400\n", 100000))
	f := write(b, "a.txt", text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := lines.Open(lines.Range{File: f, To: f.Size}, 0)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		r.Close()
	}
}
