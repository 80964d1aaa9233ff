package pages_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/leatflow/leat/io/parquet/pages"
)

// arrowRows reads a file with arrow-go and returns each column as text.
func arrowRows(t *testing.T, b []byte) map[string][]string {
	t.Helper()
	table, err := pqarrow.ReadTable(context.Background(), bytes.NewReader(b), parquet.NewReaderProperties(memory.DefaultAllocator),
		pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for c := range int(table.NumCols()) {
		name := table.Column(c).Name()
		for _, part := range table.Column(c).Data().Chunks() {
			for i := range part.Len() {
				out[name] = append(out[name], showArrow(part, i))
			}
		}
	}
	return out
}

// showArrow renders a value as show does.
func showArrow(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	list := func(from, to int64, children ...arrow.Array) string {
		s := "["
		for e := from; e < to; e++ {
			for k, c := range children {
				if s += showArrow(c, int(e)); len(children) == 2 && k == 0 {
					s += ":"
				}
			}
			s += " "
		}
		return s + "]"
	}
	switch a := a.(type) {
	case *array.String:
		return fmt.Sprintf("%q", a.Value(i))
	case *array.LargeString:
		return fmt.Sprintf("%q", a.Value(i))
	case *array.Binary:
		return fmt.Sprintf("%q", a.Value(i))
	case *array.FixedSizeBinary:
		return fmt.Sprintf("%q", a.Value(i))
	case *array.Timestamp:
		v := int64(a.Value(i))
		switch a.DataType().(*arrow.TimestampType).Unit {
		case arrow.Millisecond:
			v *= 1000
		case arrow.Nanosecond:
			v = (v - ((v%1000)+1000)%1000) / 1000
		}
		return fmt.Sprint(v)
	case *array.Date32:
		return fmt.Sprint(int64(a.Value(i)) * 86_400_000_000)
	case *array.Float32:
		return fmt.Sprint(float64(a.Value(i)))
	case *array.Float16:
		return fmt.Sprint(float64(a.Value(i).Float32()))
	case *array.Map:
		from, to := a.ValueOffsets(i)
		return list(from, to, a.Keys(), a.Items())
	case *array.List:
		from, to := a.ValueOffsets(i)
		return list(from, to, a.ListValues())
	case *array.Struct:
		s := "{"
		for k := range a.NumField() {
			s += showArrow(a.Field(k), i) + " "
		}
		return s + "}"
	}
	return a.ValueStr(i)
}

func TestArrowReadsOurFiles(t *testing.T) {
	// arrow-go reads from our files what was written, for every type.
	typ := everything()
	for i, o := range []pages.WriterOptions{{}, {Compression: pages.Zstd, PageRows: 50, RowGroupRows: 700}, {Compression: pages.Uncompressed, PageRows: 3}} {
		g := generator{rand.New(rand.NewPCG(7, uint64(i))), 90 + 9000*(i%2), i == 2}
		c := g.column(typ, 1500)
		got := arrowRows(t, write(t, typ, o, c))
		for k, f := range typ.Fields {
			var want []string
			for r := range c.Len {
				want = append(want, show(c.Children[k], r))
			}
			if !slices.Equal(got[f.Name], want) {
				at := mismatch(got[f.Name], want)
				t.Errorf("options %d: %s: row %d of %d differs", i, f.Name, at, len(got[f.Name]))
			}
		}
	}
}

// arrowSchema has every type that Parquet files of other writers may bring.
func arrowSchema() *arrow.Schema {
	var fields []arrow.Field
	add := func(name string, t arrow.DataType) {
		fields = append(fields, arrow.Field{Name: name, Type: t}, arrow.Field{Name: name + "_null", Type: t, Nullable: true})
	}
	p := arrow.PrimitiveTypes
	for _, t := range []arrow.DataType{p.Int8, p.Int16, p.Int32, p.Int64, p.Uint8, p.Uint16, p.Uint32, p.Uint64, p.Float32, p.Float64,
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.Binary, arrow.FixedWidthTypes.Boolean, p.Date32, arrow.FixedWidthTypes.Float16} {
		add(t.Name(), t)
	}
	add("ms", arrow.FixedWidthTypes.Timestamp_ms)
	add("us", arrow.FixedWidthTypes.Timestamp_us)
	add("ns", arrow.FixedWidthTypes.Timestamp_ns)
	add("fixed", &arrow.FixedSizeBinaryType{ByteWidth: 5})
	add("list", arrow.ListOf(p.Int32))
	add("lists", arrow.ListOf(arrow.ListOf(arrow.BinaryTypes.String)))
	add("map", arrow.MapOf(arrow.BinaryTypes.String, p.Int64))
	add("struct", arrow.StructOf(arrow.Field{Name: "a", Type: p.Int64}, arrow.Field{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "c", Type: arrow.ListOf(p.Int16), Nullable: true}))
	return arrow.NewSchema(fields, nil)
}

// fillArrow appends one random value to a builder.
func fillArrow(r *rand.Rand, b array.Builder, nullable bool) {
	if nullable && r.IntN(3) == 0 {
		b.AppendNull()
		return
	}
	text := fmt.Sprintf("text-%d", r.IntN(400))
	switch b := b.(type) {
	case *array.BinaryBuilder:
		b.Append([]byte(text))
	case *array.LargeStringBuilder:
		b.Append(text)
	case *array.StringBuilder:
		b.Append(text)
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(text[:5]))
	case *array.BooleanBuilder:
		b.Append(r.IntN(5) == 0)
	case *array.Date32Builder:
		b.Append(arrow.Date32(r.IntN(40000) - 20000))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.Int64N(1<<50) - 1<<49))
	case *array.MapBuilder:
		b.Append(true)
		for k := range r.IntN(4) {
			b.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprint("key", k))
			fillArrow(r, b.ItemBuilder(), true)
		}
	case *array.ListBuilder:
		b.Append(true)
		for range r.IntN(4) {
			fillArrow(r, b.ValueBuilder(), true)
		}
	case *array.StructBuilder:
		b.Append(true)
		for k := range b.NumField() {
			fillArrow(r, b.FieldBuilder(k), k > 0)
		}
	case *array.Float32Builder:
		b.Append(float32(r.NormFloat64()))
	case *array.Float64Builder:
		b.Append(r.NormFloat64())
	default:
		if err := b.AppendValueFromString(fmt.Sprint(r.IntN(120))); err != nil {
			panic(err)
		}
	}
}

func TestReadsArrowFiles(t *testing.T) {
	// What arrow-go writes, in both page versions, all its codecs and encodings,
	// with dictionaries that overflow half-way, is read as arrow-go reads it.
	schema := arrowSchema()
	r := rand.New(rand.NewPCG(3, 3))
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for range 1700 {
		for k, f := range schema.Fields() {
			fillArrow(r, b.Field(k), f.Nullable)
		}
	}
	record := b.NewRecordBatch()
	common := []parquet.WriterProperty{parquet.WithDataPageSize(900), parquet.WithBatchSize(64), parquet.WithMaxRowGroupLength(1000)}
	for name, extra := range map[string][]parquet.WriterProperty{
		"dictionary, snappy":        {parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryDefault(true)},
		"dictionary overflows, v2":  {parquet.WithDictionaryPageSizeLimit(1200), parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithCompression(compress.Codecs.Zstd)},
		"dictionary overflows, v1":  {parquet.WithDictionaryPageSizeLimit(1200), parquet.WithCompression(compress.Codecs.Gzip)},
		"plain, brotli, v2":         {parquet.WithDictionaryDefault(false), parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithCompression(compress.Codecs.Brotli)},
		"plain, lz4, checksums":     {parquet.WithDictionaryDefault(false), parquet.WithCompression(compress.Codecs.Lz4Raw), parquet.WithPageIndexEnabled(true)},
		"split and delta, unpacked": encodings(schema),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(append(common, extra...)...), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			compareWithArrow(t, out.Bytes())
		})
	}
}

// encodings chooses a delta or split encoding for every flat column.
func encodings(s *arrow.Schema) []parquet.WriterProperty {
	out := []parquet.WriterProperty{parquet.WithDictionaryDefault(false)}
	for i, f := range s.Fields() {
		switch f.Type.ID() {
		case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.TIMESTAMP, arrow.DATE32:
			e := parquet.Encodings.DeltaBinaryPacked
			if i%4 > 1 {
				e = parquet.Encodings.ByteStreamSplit
			}
			out = append(out, parquet.WithEncodingFor(f.Name, e))
		case arrow.FLOAT32, arrow.FLOAT64, arrow.FIXED_SIZE_BINARY, arrow.FLOAT16:
			out = append(out, parquet.WithEncodingFor(f.Name, parquet.Encodings.ByteStreamSplit))
		case arrow.STRING:
			out = append(out, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaByteArray))
		case arrow.BINARY:
			out = append(out, parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaLengthByteArray))
		case arrow.BOOL:
			out = append(out, parquet.WithEncodingFor(f.Name, parquet.Encodings.RLE))
		}
	}
	return out
}

func compareWithArrow(t *testing.T, b []byte) {
	t.Helper()
	if _, err := file.NewParquetReader(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	want := arrowRows(t, b)
	f := open(t, b)
	for _, n := range f.Schema().Children {
		for _, rows := range []int{37, 8192} {
			if got := read(t, f, n.Name, rows); !slices.Equal(got, want[n.Name]) {
				at := mismatch(got, want[n.Name])
				t.Errorf("%s, %d rows at a time: row %d of %d and %d differs", n.Name, rows, at, len(got), len(want[n.Name]))
				if at < len(got) {
					t.Logf("got %s want %s", got[at], want[n.Name][at])
				}
			}
		}
	}
}

func TestMapKeysTwice(t *testing.T) {
	// Of entries of a map with the same key the last counts, as the format says,
	// and keys ascend.
	schema := arrow.NewSchema([]arrow.Field{{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64)}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	m := b.Field(0).(*array.MapBuilder)
	for _, keys := range []string{"ab", "babbc", "", "zz"} {
		m.Append(true)
		for i, k := range keys {
			m.KeyBuilder().(*array.StringBuilder).Append(string(k))
			m.ItemBuilder().(*array.Int64Builder).Append(int64(i))
		}
	}
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{`["a":0 "b":1 ]`, `["a":1 "b":3 "c":4 ]`, `[]`, `["z":1 ]`}
	if got := read(t, open(t, out.Bytes()), "m", 10); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
