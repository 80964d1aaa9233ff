package pages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

// readAll reads a file of unknown content, some batches of every column: whole,
// and some rows of it by its page indexes.
func readAll(b []byte) error {
	f, err := pages.Open(bytes.NewReader(b), int64(len(b)), pages.Options{Name: "x.parquet", Window: 512})
	if err != nil {
		return err
	}
	for _, g := range f.RowGroups()[:min(4, len(f.RowGroups()))] {
		for _, n := range f.Schema().Children {
			g.Stats(n)
			x := g.PageIndex(bytes.NewReader(b))
			_, failed := x.Pages(n)
			some, err := x.Column(n, everyOther(g.Rows()))
			if err == nil {
				err = readSome(some)
			}
			whole, again := g.Column(n)
			if again == nil {
				again = readSome(whole)
			}
			if err := errors.Join(failed, err, again); err != nil {
				return err
			}
		}
	}
	return nil
}

func everyOther(rows int64) (out []pages.Range) {
	for from := int64(2); from < min(rows, 40); from += 4 {
		out = append(out, pages.Range{From: from, To: min(rows, from+2)})
	}
	return out
}

func readSome(c *pages.ColumnReader) error {
	for range 10 {
		col, err := c.Next(100)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := batch.Validate(col); err != nil {
			return fmt.Errorf("invalid: %w", err)
		}
	}
	return nil
}

// FuzzRead shows that no file makes the reader panic or give out a column that
// is not valid: mutated files are read, or are an error that names the file.
func FuzzRead(f *testing.F) {
	f.Add(smallFile(f))
	for _, b := range smallArrowFiles(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := readAll(b)
		if err != nil && (strings.Contains(err.Error(), "invalid:") || !strings.HasPrefix(err.Error(), "x.parquet")) {
			t.Error(err)
		}
		if err != nil && strings.Contains(err.Error(), "decoding it failed with") {
			t.Error(err)
		}
	})
}

// smallFile is a file of ours with page indexes.
func smallFile(t testing.TB) []byte {
	typ := everything()
	return write(t, typ, pages.WriterOptions{Compression: pages.Uncompressed, PageRows: 3}, generator{rand.New(rand.NewPCG(1, 1)), 10, true}.column(typ, 10))
}

// smallArrowFiles are files without checksums, whose pages a mutation gets into:
// with dictionaries, without, and with the second page version.
func smallArrowFiles(t testing.TB) (out [][]byte) {
	schema := arrowSchema()
	for i, options := range [][]arrowparquet.WriterProperty{
		{arrowparquet.WithDictionaryDefault(true)}, encodings(schema), {arrowparquet.WithDictionaryDefault(false), arrowparquet.WithDataPageVersion(arrowparquet.DataPageV2)},
	} {
		var some []arrow.Field
		for k, f := range schema.Fields() {
			if k%4 != i {
				some = append(some, f)
			}
		}
		s := arrow.NewSchema(some, nil)
		b := array.NewRecordBuilder(memory.DefaultAllocator, s)
		r := rand.New(rand.NewPCG(3, 3))
		for range 12 {
			for k, f := range s.Fields() {
				fillArrow(r, b.Field(k), f.Nullable)
			}
		}
		var file bytes.Buffer
		w, err := pqarrow.NewFileWriter(s, &file, arrowparquet.NewWriterProperties(append(options, arrowparquet.WithStats(i == 2), arrowparquet.WithPageIndexEnabled(i == 2), arrowparquet.WithDataPageSize(40), arrowparquet.WithBatchSize(4))...), pqarrow.DefaultWriterProps())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(b.NewRecordBatch()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out = append(out, file.Bytes())
	}
	return out
}

func TestHostileFiles(t *testing.T) {
	// A few hostile bytes are an error that says what is wrong, and cost little
	// memory.
	footer := func(b ...byte) string {
		return "PAR1" + string(b) + string(binary.LittleEndian.AppendUint32(nil, uint32(len(b)))) + "PAR1"
	}
	for text, want := range map[string]string{
		"":                         "is empty",
		"PAR1":                     "has 4 bytes",
		"PAR1PAR1":                 "has 8 bytes",
		"PAR1PAR1PAR1":             "declares a footer of 827474256 bytes",
		"PAR1\xff\xff\xff\x7fPAR1": "declares a footer of 2147483647 bytes",
		"PAR1\x64\x00\x00\x00PAR1": "a footer of 100 bytes, but has only 12",
		"PAR1....PARE":             "encrypted",
		"hello, world":             "not a Parquet file",
		"PAR1 was truncated":       "truncated",
		footer():                   "damaged footer",
		footer(0):                  "has no schema",
		footer(0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f): "damaged footer",
		footer(0x19, 0xf9, 0xff, 0xff, 0xff, 0xff, 0x0f): "damaged footer",
		footer([]byte(strings.Repeat("\x1c", 4000))...):  "nested more than",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readAll([]byte(text))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.parquet") {
			t.Errorf("%.20q: error %v, want %q", text, err, want)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%.20q: %d bytes were allocated", text, used)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	// A file that was cut short is an error; one with a byte changed is an error
	// or is read, without a panic and without much memory.
	for _, whole := range append(smallArrowFiles(t), smallFile(t)) {
		for n := 0; n < len(whole); n += 31 {
			if err := readAll(whole[:n]); err == nil {
				t.Fatalf("cut at %d of %d it was read", n, len(whole))
			}
		}
		var before, after runtime.MemStats
		for i := 0; i < len(whole); i += 11 {
			b := bytes.Clone(whole)
			b[i] ^= 0xff
			runtime.ReadMemStats(&before)
			err := readAll(b)
			runtime.ReadMemStats(&after)
			if err != nil && strings.Contains(err.Error(), "decoding it failed with") {
				t.Errorf("byte %d: %v", i, err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
				t.Errorf("byte %d: %d bytes were allocated, error %v", i, used, err)
			}
		}
	}
}
