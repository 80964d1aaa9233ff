package floor

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/klauspost/compress/s2"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// kind is what a column of the output holds.
type kind int

const (
	integer kind = iota
	moment       // µs since the epoch, no zone
	float
	text
)

// column is one column of the output.
type column struct {
	name     string
	kind     kind
	nullable bool
}

func schema(columns []column) []format.SchemaElement {
	all := []format.SchemaElement{{Name: "rows", NumChildren: thrift.New(int32(len(columns)))}}
	for _, c := range columns {
		e := format.SchemaElement{Name: c.name, Type: thrift.New(format.Int64), RepetitionType: thrift.New(format.Required)}
		if c.nullable {
			e.RepetitionType = thrift.New(format.Optional)
		}
		switch c.kind {
		case text:
			e.Type = thrift.New(format.ByteArray)
			e.ConvertedType = thrift.New(deprecated.UTF8)
		case float:
			e.Type = thrift.New(format.Double)
		case moment:
			e.LogicalType = format.LogicalType{Value: &format.TimestampType{Unit: format.TimeUnit{Value: new(format.MicroSeconds)}}}
		}
		all = append(all, e)
	}
	return all
}

// group is an encoded row group: a chunk of one data page for each column, in
// the order of the columns. Offsets in meta count from its first byte.
type group struct {
	meta    format.RowGroup
	bytes   []byte
	page    []byte // of the column at hand, reused
	scratch []byte
	levels  []uint8
}

// begin starts a row group in the memory of the one before.
func (g *group) begin(rows int) {
	g.meta = format.RowGroup{NumRows: int64(rows)}
	g.bytes = g.bytes[:0]
}

// finished is the row group in memory of its own.
func (g *group) finished() *group {
	return &group{meta: g.meta, bytes: bytes.Clone(g.bytes)}
}

// dictionary is a dictionary page before compression and how many it holds.
type dictionary struct {
	plain []byte
	size  int
}

func newDictionary(entries []string) dictionary {
	d := dictionary{size: len(entries)}
	for _, e := range entries {
		d.plain = plain.AppendByteArrayString(d.plain, e)
	}
	return d
}

// texts adds a column of codes into a dictionary.
func (g *group) texts(name string, d dictionary, codes []int32) error {
	start := len(g.bytes)
	err := g.append(format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
		NumValues: int32(d.size), Encoding: format.Plain})}, d.plain)
	if err != nil {
		return err
	}
	width := bits(d.size)
	packed, err := (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, codes)
	if err != nil {
		return err
	}
	g.page = append(append(g.page[:0], byte(width)), packed...)
	if err := g.chunk(start, name, format.ByteArray, format.RLEDictionary, g.page); err != nil {
		return err
	}
	m := &g.meta.Columns[len(g.meta.Columns)-1].MetaData
	m.DictionaryPageOffset = int64(start)
	m.TotalUncompressedSize += int64(len(d.plain))
	return nil
}

// integers adds a column without nulls.
func (g *group) integers(name string, values []int64) (err error) {
	if g.page, err = new(delta.BinaryPackedEncoding).EncodeInt64(g.page, values); err != nil {
		return err
	}
	return g.chunk(len(g.bytes), name, format.Int64, format.DeltaBinaryPacked, g.page)
}

// floats adds a column without nulls.
func (g *group) floats(name string, values []float64) error {
	return g.chunk(len(g.bytes), name, format.Double, format.Plain, floatBytes(values))
}

// nullableIntegers adds a column of the values where present is 1.
func (g *group) nullableIntegers(name string, values []int64, present []uint8) error {
	packed, err := new(delta.BinaryPackedEncoding).EncodeInt64(nil, values)
	if err != nil {
		return err
	}
	return g.nullable(name, format.Int64, format.DeltaBinaryPacked, packed, present)
}

// nullableFloats adds a column of the values where present is 1.
func (g *group) nullableFloats(name string, values []float64, present []uint8) error {
	return g.nullable(name, format.Double, format.Plain, floatBytes(values), present)
}

// nullable puts the definition levels before the values.
func (g *group) nullable(name string, t format.Type, e format.Encoding, values []byte, present []uint8) (err error) {
	if g.levels, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(g.levels, present); err != nil {
		return err
	}
	g.page = binary.LittleEndian.AppendUint32(g.page[:0], uint32(len(g.levels)))
	g.page = append(append(g.page, g.levels...), values...)
	err = g.chunk(len(g.bytes), name, t, e, g.page)
	// The footer says how many nulls there are in any case, and readers believe it.
	g.meta.Columns[len(g.meta.Columns)-1].MetaData.Statistics.NullCount = int64(bytes.Count(present, []byte{0}))
	return err
}

// chunk appends a data page and the description of its column chunk, which
// begins at start: before the dictionary, if there is one.
func (g *group) chunk(start int, name string, t format.Type, e format.Encoding, values []byte) error {
	page := len(g.bytes)
	err := g.append(format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(g.meta.NumRows), Encoding: e, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE})}, values)
	g.meta.Columns = append(g.meta.Columns, format.ColumnChunk{MetaData: format.ColumnMetaData{
		Type: t, Encoding: []format.Encoding{format.Plain, e}, PathInSchema: []string{name}, Codec: format.Snappy,
		NumValues: g.meta.NumRows, TotalUncompressedSize: int64(len(values)), TotalCompressedSize: int64(len(g.bytes) - start),
		DataPageOffset: int64(page),
	}})
	g.meta.TotalByteSize += int64(len(values))
	return err
}

// append compresses a page and appends it.
func (g *group) append(h format.PageHeader, values []byte) error {
	if size := s2.MaxEncodedLen(len(values)); size > len(g.scratch) {
		g.scratch = make([]byte, size)
	}
	compressed := s2.EncodeSnappy(g.scratch, values)
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(values)), int32(len(compressed))
	header, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	g.bytes = append(append(g.bytes, header...), compressed...)
	return err
}

func floatBytes(values []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), 8*len(values))
}

// bits is the width of codes below n.
func bits(n int) int {
	width := 1
	for n > 1<<width {
		width++
	}
	return width
}
