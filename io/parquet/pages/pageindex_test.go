package pages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/io/parquet/pages"
	"github.com/leatflow/leat/sdk/batch"
)

// indexed are files with page indexes: of all encodings and page versions, of
// three writers.
func indexed(t testing.TB) map[string][]byte {
	out := map[string][]byte{}
	typ := everything()
	for i, rows := range []int{1, 40, 400} {
		g := generator{rand.New(rand.NewPCG(11, uint64(i))), 60, i == 1}
		out[fmt.Sprint("ours, pages of ", rows)] = write(t, typ, pages.WriterOptions{PageRows: rows, RowGroupRows: 700}, g.column(typ, 1000))
	}
	schema := arrowSchema()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	r := rand.New(rand.NewPCG(4, 4))
	for range 900 {
		for k, f := range schema.Fields() {
			fillArrow(r, b.Field(k), f.Nullable)
		}
	}
	record := b.NewRecordBatch()
	small := []arrowparquet.WriterProperty{arrowparquet.WithDataPageSize(300), arrowparquet.WithBatchSize(16), arrowparquet.WithMaxRowGroupLength(600), arrowparquet.WithPageIndexEnabled(true)}
	for name, extra := range map[string][]arrowparquet.WriterProperty{
		"arrow, dictionary, v1": {arrowparquet.WithDictionaryDefault(true)},
		"arrow, overflows, v2":  {arrowparquet.WithDictionaryPageSizeLimit(1200), arrowparquet.WithDataPageVersion(arrowparquet.DataPageV2)},
		"arrow, plain, v2":      {arrowparquet.WithDictionaryDefault(false), arrowparquet.WithDataPageVersion(arrowparquet.DataPageV2)},
		"arrow, delta, v1":      encodings(schema),
	} {
		var file bytes.Buffer
		w, err := pqarrow.NewFileWriter(schema, &file, arrowparquet.NewWriterProperties(append(small, extra...)...), pqarrow.DefaultWriterProps())
		if err == nil {
			err = errors.Join(w.Write(record), w.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		out[name] = file.Bytes()
	}
	for version := 1; version <= 2; version++ {
		var file bytes.Buffer
		w := parquet.NewGenericWriter[goRow](&file, parquet.DataPageVersion(version), parquet.PageBufferSize(700), parquet.MaxRowsPerRowGroup(800))
		if _, err := w.Write(goRows(1000)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprint("parquet-go, v", version)] = file.Bytes()
	}
	return out
}

// texts reads what is left of a column, n rows at a time.
func texts(c *pages.ColumnReader, n int) (out []string, err error) {
	for {
		col, err := c.Next(n)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if err := batch.Validate(col); err != nil {
			return out, err
		}
		for i := range col.Len {
			out = append(out, show(col, i))
		}
	}
}

// someRows returns ascending ranges of n rows: few or many, long or short.
func someRows(r *rand.Rand, n int64) (out []pages.Range) {
	most := 1 + r.Int64N(n)
	for at := r.Int64N(most); at < n; {
		end := min(n, at+1+r.Int64N(most))
		out = append(out, pages.Range{From: at, To: end})
		at = end + r.Int64N(most)
	}
	return out
}

func TestReadsSomeRows(t *testing.T) {
	// Any rows of a column, found by the page index, are what reading all of it
	// gives at their places: for every type, encoding, page version and writer.
	r := rand.New(rand.NewPCG(6, 6))
	for name, b := range indexed(t) {
		f := open(t, b)
		for _, g := range f.RowGroups() {
			for _, n := range f.Schema().Children {
				whole, err := g.Column(n)
				if err != nil {
					t.Fatal(err)
				}
				all, err := texts(whole, 500)
				if err != nil {
					t.Fatal(err)
				}
				for range 12 {
					rows := someRows(r, g.Rows())
					var want []string
					for _, part := range rows {
						want = append(want, all[part.From:part.To]...)
					}
					c, err := g.PageIndex(bytes.NewReader(b)).Column(n, rows)
					if err != nil {
						t.Fatal(err)
					}
					got, err := texts(c, 1+r.IntN(200))
					if err != nil || !slices.Equal(got, want) {
						t.Fatalf("%s: %s, rows %v: differs at %d of %d, error %v", name, n.Name, rows, mismatch(got, want), len(want), err)
					}
				}
			}
		}
	}
}

func TestPageStatistics(t *testing.T) {
	// The bounds and null counts of a page hold for its rows, whoever wrote the
	// file; every column of ours that may have bounds has them.
	for name, b := range indexed(t) {
		f := open(t, b)
		found := 0
		for _, g := range f.RowGroups() {
			for _, n := range f.Schema().Children {
				parts, err := g.PageIndex(bytes.NewReader(b)).Pages(n)
				if err != nil {
					t.Fatal(err)
				}
				if parts == nil {
					if strings.HasPrefix(name, "ours") && n.Children == nil {
						t.Errorf("%s: %s has no page index", name, n.Name)
					}
					continue
				}
				found++
				c, err := g.Column(n)
				if err != nil {
					t.Fatal(err)
				}
				for i, s := range parts {
					col, err := c.Next(int(s.Rows))
					if err != nil {
						t.Fatal(err)
					}
					if why := contradicts(col, s); why != "" || int64(col.Len) != s.Rows {
						t.Errorf("%s: %s, page %d of %d rows: %s", name, n.Name, i, s.Rows, why)
					}
				}
				if _, err := c.Next(1); err != io.EOF {
					t.Errorf("%s: %s: its pages do not have all rows", name, n.Name)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: no page index was read", name)
		}
	}
}

// contradicts says what is wrong about the statistics of a column.
func contradicts(c *batch.Column, s pages.Stats) string {
	nulls := int64(0)
	for i := range c.Len {
		if c.Null(i) {
			nulls++
			continue
		}
		if s.MinMax == nil {
			continue
		}
		low, high := compare(s.MinMax, 0, c, i), compare(c, i, s.MinMax, 1)
		if low > 0 || high > 0 {
			return fmt.Sprintf("row %d is %s, bounds are %s and %s", i, show(c, i), show(s.MinMax, 0), show(s.MinMax, 1))
		}
	}
	if s.Nulls >= 0 && s.Nulls != nulls {
		return fmt.Sprintf("has %d nulls, the index says %d", nulls, s.Nulls)
	}
	return ""
}

func compare(a *batch.Column, i int, b *batch.Column, k int) int {
	switch a.Type.Kind.Form() {
	case batch.IntForm:
		if a.Type.Kind == batch.Uint64 {
			return cmpOf(uint64(a.Ints[i]), uint64(b.Ints[k]))
		}
		return cmpOf(a.Ints[i], b.Ints[k])
	case batch.FloatForm:
		return cmpOf(a.Floats[i], b.Floats[k])
	case batch.BoolForm:
		return cmpOf(fmt.Sprint(a.Bools[i]), fmt.Sprint(b.Bools[k]))
	}
	return strings.Compare(a.Text(i), b.Text(k))
}

func cmpOf[T int64 | uint64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestParquetGoReadsOurIndex(t *testing.T) {
	// parquet-go finds the pages of our files by their indexes, and the bounds it
	// reads for them are those we read; their declared order is true.
	typ := plain(batch.Struct, named("up", plain(batch.Int64)), named("down", nullable(batch.Float64)), named("none", plain(batch.Uint64)),
		named("text", nullable(batch.String)), named("nulls", nullable(batch.Int32)), named("list", plain(batch.List, named("element", plain(batch.Int32)))))
	g := generator{rand.New(rand.NewPCG(8, 8)), 1000, false}
	c := g.column(typ, 1000)
	for i := range c.Len {
		c.Children[0].Ints[i], c.Children[1].Floats[i] = int64(i/3), float64(-i)
	}
	c.Children[4].Valid = batch.NewBitmap(c.Len)
	b := write(t, typ, pages.WriterOptions{PageRows: 64}, c)
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]format.BoundaryOrder{0: format.Ascending, 1: format.Descending, 2: format.Unordered, 3: format.Unordered, 4: format.Ascending}
	for i, chunk := range f.RowGroups()[0].ColumnChunks() {
		at, err := chunk.OffsetIndex()
		if err != nil {
			t.Fatal(err)
		}
		order, flat := want[i]
		if flat && (at.NumPages() != 16 || at.FirstRowIndex(15) != 15*64) {
			t.Errorf("column %d: %d pages, the last from row %d", i, at.NumPages(), at.FirstRowIndex(at.NumPages()-1))
		}
		bounds, err := chunk.ColumnIndex()
		if !flat {
			if err == nil && bounds.NumPages() > 0 {
				t.Error("a column in a list has bounds of pages")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if bounds.IsAscending() != (order == format.Ascending) || bounds.IsDescending() != (order == format.Descending) {
			t.Errorf("column %d: ascending %t, descending %t", i, bounds.IsAscending(), bounds.IsDescending())
		}
		ours := open(t, b)
		n := ours.Schema().Children[i]
		parts, err := ours.RowGroups()[0].PageIndex(bytes.NewReader(b)).Pages(n)
		if err != nil {
			t.Fatal(err)
		}
		for p, s := range parts {
			if bounds.NullPage(p) != (s.Nulls == s.Rows) || bounds.NullCount(p) != s.Nulls {
				t.Errorf("column %d, page %d: nulls %d and %d", i, p, bounds.NullCount(p), s.Nulls)
			}
			for k, v := range []parquet.Value{bounds.MinValue(p), bounds.MaxValue(p)} {
				text := v.String()
				if i == 2 {
					text = fmt.Sprint(v.Uint64()) // parquet-go's String takes it for signed
				}
				if s.MinMax != nil && text != strings.Trim(show(s.MinMax, k), `"`) {
					t.Errorf("column %d, page %d: bound %d is %s, ours %s", i, p, k, text, show(s.MinMax, k))
				}
			}
		}
	}
}

// counter counts the bytes that are read.
type counter struct {
	io.ReaderAt
	bytes int
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	c.bytes += len(b)
	return c.ReaderAt.ReadAt(b, off)
}

func TestSkipsPages(t *testing.T) {
	// A few rows from the end of a row group cost few bytes: the dictionary, the
	// pages they are in, and the index.
	typ, cols := trips(200_000)
	b := write(t, typ, pages.WriterOptions{PageRows: 5000, RowGroupRows: 200_000}, cols...)
	f := open(t, b)
	g := f.RowGroups()[0]
	rows := []pages.Range{{From: 151_000, To: 152_000}, {From: 198_000, To: 199_500}}
	read := func(some bool) (bytesRead int) {
		r := &counter{ReaderAt: bytes.NewReader(b)}
		x := g.PageIndex(r)
		for _, n := range f.Schema().Children {
			c, err := g.ColumnFrom(r, n)
			if some {
				c, err = x.Column(n, rows)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := texts(c, 5000); err != nil {
				t.Fatal(err)
			}
		}
		return r.bytes
	}
	some, all := read(true), read(false)
	t.Logf("%d of %d bytes were read", some, all)
	if some*8 > all || some < all/40 {
		t.Errorf("%d of %d bytes were read for 2 of 40 pages", some, all)
	}
}

// reindex replaces the page indexes of a file. change gets those of every column
// chunk, and the chunk; bounds are nil where it has none.
func reindex(t testing.TB, b []byte, change func(c *format.ColumnChunk, at *format.OffsetIndex, bounds *format.ColumnIndex)) []byte {
	t.Helper()
	length := int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	var meta format.FileMetaData
	compact := new(thrift.CompactProtocol)
	if err := thrift.Unmarshal(compact, b[len(b)-8-length:len(b)-8], &meta); err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(b[:len(b)-8-length])
	put := func(v any) (int64, int32) {
		enc, err := thrift.Marshal(compact, v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, enc...)
		return int64(len(out) - len(enc)), int32(len(enc))
	}
	for _, g := range meta.RowGroups {
		for i := range g.Columns {
			c := &g.Columns[i]
			var at format.OffsetIndex
			var bounds *format.ColumnIndex
			if err := thrift.Unmarshal(compact, b[c.OffsetIndexOffset:][:c.OffsetIndexLength], &at); err != nil {
				t.Fatal(err)
			}
			if c.ColumnIndexLength > 0 {
				bounds = &format.ColumnIndex{}
				if err := thrift.Unmarshal(compact, b[c.ColumnIndexOffset:][:c.ColumnIndexLength], bounds); err != nil {
					t.Fatal(err)
				}
			}
			old := *c
			change(c, &at, bounds)
			if c.OffsetIndexOffset == old.OffsetIndexOffset && c.OffsetIndexLength == old.OffsetIndexLength {
				c.OffsetIndexOffset, c.OffsetIndexLength = put(&at)
			}
			if bounds != nil && c.ColumnIndexOffset == old.ColumnIndexOffset {
				c.ColumnIndexOffset, c.ColumnIndexLength = put(bounds)
			}
		}
	}
	footer, err := thrift.Marshal(compact, &meta)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.LittleEndian.AppendUint32(append(out, footer...), uint32(len(footer))), "PAR1"...)
}

func TestImpossibleIndex(t *testing.T) {
	// An index that cannot be right is as if it were not there; the rows are read
	// all the same. One that contradicts a page is an error that says so.
	typ := plain(batch.Struct, named("n", plain(batch.Int64)), named("l", plain(batch.List, named("element", plain(batch.Int32)))))
	g := generator{rand.New(rand.NewPCG(2, 2)), 10, false}
	col := g.column(typ, 100)
	list := col.Children[1] // of one element each, so that pages have ten rows, but for row 57
	for i := range list.Offsets {
		list.Offsets[i] = int32(i)
		if i > 57 {
			list.Offsets[i]++
		}
	}
	list.Children[0] = g.column(typ.Fields[1].Type.Fields[0].Type, 101)
	good := write(t, typ, pages.WriterOptions{PageRows: 10, Compression: pages.Uncompressed}, col)
	type (
		chunk     = *format.ColumnChunk
		locations = *format.OffsetIndex
		bounds    = *format.ColumnIndex
	)
	const ignored, found = "", "contradicts its pages"
	for name, c := range map[string]struct {
		change func(chunk, locations, bounds)
		want   string
	}{
		"unchanged":                {func(chunk, locations, bounds) {}, ignored},
		"none":                     {func(c chunk, _ locations, _ bounds) { c.OffsetIndexLength = 0 }, ignored},
		"behind the file":          {func(c chunk, _ locations, _ bounds) { c.OffsetIndexOffset = 1 << 62 }, ignored},
		"before the file":          {func(c chunk, _ locations, _ bounds) { c.OffsetIndexOffset = -1 << 62 }, ignored},
		"of negative length":       {func(c chunk, _ locations, _ bounds) { c.OffsetIndexLength = -5 }, ignored},
		"huge":                     {func(c chunk, _ locations, _ bounds) { c.OffsetIndexLength = 1<<31 - 1 }, ignored},
		"no thrift":                {func(c chunk, _ locations, _ bounds) { c.OffsetIndexOffset = 5 }, ignored},
		"no pages":                 {func(_ chunk, at locations, _ bounds) { at.PageLocations = nil }, ignored},
		"last page missing":        {func(_ chunk, at locations, _ bounds) { at.PageLocations = at.PageLocations[:9] }, ignored},
		"first page missing":       {func(_ chunk, at locations, _ bounds) { at.PageLocations = at.PageLocations[1:] }, ignored},
		"offset behind the chunk":  {func(_ chunk, at locations, _ bounds) { at.PageLocations[3].Offset = 1 << 61 }, ignored},
		"offset before the file":   {func(_ chunk, at locations, _ bounds) { at.PageLocations[0].Offset = -8 }, ignored},
		"sizes that overflow":      {func(_ chunk, at locations, _ bounds) { at.PageLocations[9].CompressedPageSize = 1<<31 - 1 }, ignored},
		"size zero":                {func(_ chunk, at locations, _ bounds) { at.PageLocations[2].CompressedPageSize = 0 }, ignored},
		"rows that do not ascend":  {func(_ chunk, at locations, _ bounds) { at.PageLocations[4].FirstRowIndex = 30 }, ignored},
		"rows that go back":        {func(_ chunk, at locations, _ bounds) { at.PageLocations[2].FirstRowIndex = 95 }, ignored},
		"more rows than there are": {func(_ chunk, at locations, _ bounds) { at.PageLocations[9].FirstRowIndex = 100 }, ignored},
		"negative rows":            {func(_ chunk, at locations, _ bounds) { at.PageLocations[0].FirstRowIndex = -1 }, ignored},
		"other rows":               {func(_ chunk, at locations, _ bounds) { at.PageLocations[6].FirstRowIndex++ }, found},
		"other border": {func(_ chunk, at locations, _ bounds) {
			at.PageLocations[5].CompressedPageSize++
			at.PageLocations[6].Offset++
			at.PageLocations[6].CompressedPageSize--
		}, "page"},
		"two pages as one": {func(_ chunk, at locations, _ bounds) {
			at.PageLocations[5].CompressedPageSize += at.PageLocations[6].CompressedPageSize
			at.PageLocations = slices.Delete(at.PageLocations, 6, 7)
		}, found},
	} {
		b := reindex(t, good, c.change)
		f := open(t, b)
		for k, n := range f.Schema().Children {
			cr, err := f.RowGroups()[0].PageIndex(bytes.NewReader(b)).Column(n, []pages.Range{{From: 15, To: 25}, {From: 55, To: 65}})
			var got []string
			if err == nil {
				got, err = texts(cr, 7)
			}
			switch {
			case c.want == ignored && err != nil:
				t.Errorf("%s: %s: error %v", name, n.Name, err)
			case c.want == ignored:
				for i, s := range got {
					row := []int{15, 45}[i/10] + i
					if s != show(col.Children[k], row) {
						t.Errorf("%s: %s: row %d is wrong", name, n.Name, row)
					}
				}
				if len(got) != 20 {
					t.Errorf("%s: %s: %d rows", name, n.Name, len(got))
				}
			case err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "test.parquet"):
				t.Errorf("%s: %s: error %v, want %q", name, n.Name, err, c.want)
			}
		}
	}
}

func TestImpossibleBounds(t *testing.T) {
	// Bounds that do not fit the pages are as if they were not there.
	typ := plain(batch.Struct, named("n", nullable(batch.Int64)))
	g := generator{rand.New(rand.NewPCG(2, 2)), 10, false}
	good := write(t, typ, pages.WriterOptions{PageRows: 10}, g.column(typ, 100))
	for name, c := range map[string]struct {
		change func(*format.ColumnIndex)
		index  bool // there is an index
		bounds bool // page 3 has bounds
	}{
		"unchanged":      {func(*format.ColumnIndex) {}, true, true},
		"a page less":    {func(x *format.ColumnIndex) { x.MinValues = x.MinValues[1:] }, false, false},
		"no null pages":  {func(x *format.ColumnIndex) { x.NullPages = nil }, false, false},
		"no null counts": {func(x *format.ColumnIndex) { x.NullCounts = nil }, true, true},
		"short counts":   {func(x *format.ColumnIndex) { x.NullCounts = x.NullCounts[:4] }, false, false},
		"short bound":    {func(x *format.ColumnIndex) { x.MinValues[3] = []byte{1} }, true, false},
		"order":          {func(x *format.ColumnIndex) { x.MinValues[3], x.MaxValues[3] = x.MaxValues[3], x.MinValues[3] }, true, false},
		"null count":     {func(x *format.ColumnIndex) { x.NullCounts[3] = 1 << 60 }, true, true},
		"nulls and not":  {func(x *format.ColumnIndex) { x.NullCounts[3] = 10 }, true, false},
	} {
		b := reindex(t, good, func(_ *format.ColumnChunk, _ *format.OffsetIndex, x *format.ColumnIndex) { c.change(x) })
		f := open(t, b)
		parts, err := f.RowGroups()[0].PageIndex(bytes.NewReader(b)).Pages(f.Schema().Children[0])
		if err != nil || (parts != nil) != c.index {
			t.Errorf("%s: %d pages, error %v", name, len(parts), err)
			continue
		}
		if parts != nil && (parts[3].MinMax != nil) != c.bounds {
			t.Errorf("%s: bounds %v", name, parts[3].MinMax)
		}
		if parts != nil && (parts[3].Nulls > 10 || parts[3].Nulls == 10) {
			t.Errorf("%s: %d nulls", name, parts[3].Nulls)
		}
	}
}

func TestLongBounds(t *testing.T) {
	// Bounds of long strings are short, still bounds, and still text where the
	// strings are.
	r := rand.New(rand.NewPCG(12, 12))
	alphabets := []string{"a", "az", "aä", "€\U0010ffff", "\U0010ffff", "\ud7ff", "\xff", "\xff\x00", "\xc3a"}
	for _, k := range []batch.Kind{batch.String, batch.Bytes} {
		typ := plain(batch.Struct, named("s", plain(k)))
		for range 300 {
			alphabet := alphabets[r.IntN(len(alphabets))]
			letters := []rune(alphabet)
			raw := !strings.Contains(alphabet, "€") && strings.ToValidUTF8(alphabet, "") != alphabet
			c := &batch.Column{Type: typ.Fields[0].Type, Len: 3}
			for range 3 {
				s := ""
				for n := 50 + r.IntN(40); len(s) < n; {
					if raw {
						s += string(alphabet[r.IntN(len(alphabet))])
					} else {
						s += string(letters[r.IntN(len(letters))])
					}
				}
				c.Strings.Append(s)
			}
			b := write(t, typ, pages.WriterOptions{}, batch.NewStruct(typ, 3, c))
			f := open(t, b)
			parts, err := f.RowGroups()[0].PageIndex(bytes.NewReader(b)).Pages(f.Schema().Children[0])
			if err != nil {
				t.Fatal(err)
			}
			if parts == nil {
				if !strings.Contains(alphabet, "\xff") && !strings.Contains(alphabet, "\U0010ffff") {
					t.Fatalf("no bounds for %q", c.Strings.Data)
				}
				continue
			}
			if why := contradicts(c, parts[0]); why != "" {
				t.Fatal(why)
			}
			for i := range 2 {
				bound := parts[0].MinMax.Text(i)
				if len(bound) > 64 || strings.ToValidUTF8(string(c.Strings.Data), "") == string(c.Strings.Data) && k == batch.String && strings.ToValidUTF8(bound, "") != bound {
					t.Fatalf("bound %q", bound)
				}
			}
		}
	}
}
