package floor

import (
	"bufio"
	"encoding/binary"
	"errors"
	"os"
	"unsafe"

	"github.com/klauspost/compress/s2"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// groupHours is how many hours of windows make a row group: about 160,000 rows
// of the flights file.
const groupHours = 720

// write sweeps and encodes ranges of windows in parallel and writes them in order.
func write(out string, g *grid, threads int) (err error) {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	windows := max(0, g.hours-(windowHours-1))
	n := (windows + groupHours - 1) / groupHours
	encoded := make([]chan *group, n)
	for i := range encoded {
		encoded[i] = make(chan *group, 1)
	}
	written := make(chan error, 1)
	go func() { written <- writeFile(f, encoded) }()
	err = parallel(threads, n, func(i int) error {
		c := sweep(g, i*groupHours, min(windows, (i+1)*groupHours))
		group, err := encode(c)
		encoded[i] <- group // nil after an error, which ends the file
		return err
	})
	return errors.Join(err, <-written)
}

// writeFile writes row groups in order, moves their offsets to where they came
// to lie, and ends with the footer.
func writeFile(f *os.File, encoded []chan *group) error {
	w := bufio.NewWriterSize(f, 1<<20)
	w.WriteString("PAR1")
	meta := format.FileMetaData{Version: 1, Schema: schema(), CreatedBy: "leat benchmarks/backfill/floor"}
	offset := int64(4)
	for _, c := range encoded {
		g := <-c
		if g == nil {
			return errors.New("a row group could not be encoded")
		}
		for i := range g.meta.Columns {
			m := &g.meta.Columns[i].MetaData
			m.DataPageOffset += offset
			if i == 0 {
				m.DictionaryPageOffset += offset
			}
		}
		w.Write(g.bytes)
		offset += int64(len(g.bytes))
		meta.NumRows += g.meta.NumRows
		meta.RowGroups = append(meta.RowGroups, g.meta)
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return err
	}
	w.Write(footer)
	w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(footer))))
	w.WriteString("PAR1")
	return w.Flush()
}

// group is an encoded row group. Offsets in meta count from its first byte.
type group struct {
	meta    format.RowGroup
	bytes   []byte
	scratch []byte
}

func encode(c *columns) (*group, error) {
	g := &group{meta: format.RowGroup{NumRows: int64(len(c.codes))}}
	var dictionary []byte
	for _, o := range c.origins {
		dictionary = plain.AppendByteArrayString(dictionary, o)
	}
	err := g.page(format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
		NumValues: int32(len(c.origins)), Encoding: format.Plain})}, dictionary)
	if err != nil {
		return nil, err
	}
	afterDictionary, uncompressed := int64(len(g.bytes)), len(dictionary)
	width := bits(len(c.origins))
	codes, err := (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, c.codes)
	if err == nil {
		err = g.column(0, "origin", format.ByteArray, format.RLEDictionary, append([]byte{byte(width)}, codes...))
	}
	if err != nil {
		return nil, err
	}
	m := &g.meta.Columns[0].MetaData
	m.DataPageOffset, m.DictionaryPageOffset = afterDictionary, 0
	m.TotalUncompressedSize += int64(uncompressed)
	for i, values := range [][]int64{c.starts, c.ends, c.counts, c.sums, nil, c.tops} {
		name := names[i+1]
		if name == "delay_mean" {
			bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c.means))), 8*len(c.means))
			err = g.column(len(g.bytes), name, format.Double, format.Plain, bytes)
		} else {
			var bytes []byte
			bytes, err = new(delta.BinaryPackedEncoding).EncodeInt64(nil, values)
			err = errors.Join(err, g.column(len(g.bytes), name, format.Int64, format.DeltaBinaryPacked, bytes))
		}
		if err != nil {
			return nil, err
		}
	}
	return g, nil
}

// column appends a chunk of one data page; start is where the chunk begins,
// which is before its dictionary.
func (g *group) column(start int, name string, t format.Type, e format.Encoding, values []byte) error {
	page := len(g.bytes)
	err := g.page(format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(g.meta.NumRows), Encoding: e, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE})}, values)
	g.meta.Columns = append(g.meta.Columns, format.ColumnChunk{MetaData: format.ColumnMetaData{
		Type: t, Encoding: []format.Encoding{format.Plain, e}, PathInSchema: []string{name}, Codec: format.Snappy,
		NumValues: g.meta.NumRows, TotalUncompressedSize: int64(len(values)), TotalCompressedSize: int64(len(g.bytes) - start),
		DataPageOffset: int64(page),
	}})
	g.meta.TotalByteSize += int64(len(values))
	return err
}

func (g *group) page(h format.PageHeader, values []byte) error {
	if size := s2.MaxEncodedLen(len(values)); size > len(g.scratch) {
		g.scratch = make([]byte, size)
	}
	compressed := s2.EncodeSnappy(g.scratch, values)
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(values)), int32(len(compressed))
	header, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	g.bytes = append(append(g.bytes, header...), compressed...)
	return err
}

var names = []string{"origin", "window_start", "window_end", "count", "delay_sum", "delay_mean", "delay_max"}

// schema is that of the output: every column required.
func schema() []format.SchemaElement {
	all := []format.SchemaElement{{Name: "windows", NumChildren: thrift.New(int32(len(names)))}}
	for _, name := range names {
		e := format.SchemaElement{Name: name, Type: thrift.New(format.Int64), RepetitionType: thrift.New(format.Required)}
		switch name {
		case "origin":
			e.Type = thrift.New(format.ByteArray)
			e.ConvertedType = thrift.New(deprecated.UTF8)
		case "delay_mean":
			e.Type = thrift.New(format.Double)
		case "window_start", "window_end":
			e.LogicalType = format.LogicalType{Value: &format.TimestampType{Unit: format.TimeUnit{Value: new(format.MicroSeconds)}}}
		}
		all = append(all, e)
	}
	return all
}

// bits is the width of codes below n.
func bits(n int) int {
	width := 1
	for n > 1<<width {
		width++
	}
	return width
}
