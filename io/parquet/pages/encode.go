package pages

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	packed "github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/leatflow/leat/sdk/batch"
)

// encoder encodes row groups, one after the other, in memory that it keeps.
type encoder struct {
	compression Compression
	zstd        *zstd.Encoder
	pageRows    int

	out    []byte // the row group so far
	raw    []byte // the page at hand, not compressed
	packed []byte
	values []byte
	short  []int32
	marks  []uint64 // a bit for every code of a dictionary
	pages  []pageMark
	leaf   shredded
}

func newEncoder(o *WriterOptions) (*encoder, error) {
	e := &encoder{compression: o.Compression, pageRows: o.PageRows}
	if o.Compression == Zstd {
		var err error
		e.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (c Compression) codec() format.CompressionCodec {
	return [...]format.CompressionCodec{format.Snappy, format.Zstd, format.Uncompressed}[c]
}

// rowGroup encodes the struct columns of one row group. Offsets in the result
// count from the beginning of e.out.
func (e *encoder) rowGroup(columns []*column, parts []*batch.Column) (format.RowGroup, []chunkIndex, error) {
	e.out = e.out[:0]
	var g format.RowGroup
	var indexes []chunkIndex
	for _, p := range parts {
		g.NumRows += int64(p.Len)
	}
	for _, c := range columns {
		meta, err := e.chunk(c, parts)
		if err != nil {
			return g, nil, fmt.Errorf("column %q: %w", c.path, err)
		}
		indexes = append(indexes, indexOf(c, e.pages))
		g.TotalByteSize += meta.TotalUncompressedSize
		g.TotalCompressedSize += meta.TotalCompressedSize
		g.Columns = append(g.Columns, format.ColumnChunk{FileOffset: meta.DataPageOffset, MetaData: *meta})
	}
	e.leaf.reset() // lets go of the columns
	clear(e.pages[:cap(e.pages)])
	return g, indexes, nil
}

func (e *encoder) chunk(c *column, parts []*batch.Column) (*format.ColumnMetaData, error) {
	l := &e.leaf
	l.reset()
	for _, p := range parts {
		l.add(c, p)
	}
	if err := l.checkRange(c.typ.Kind); err != nil {
		return nil, err
	}
	start := len(e.out)
	m := &format.ColumnMetaData{Type: c.physical, PathInSchema: c.path, Codec: e.compression.codec(), NumValues: int64(l.slots)}
	coded := c.typ.Kind.Form() == batch.StringForm && l.strings.coded()
	if coded {
		e.raw = e.raw[:0]
		for _, v := range l.strings.values {
			e.raw = appendPlain(e.raw, v)
		}
		m.DictionaryPageOffset = int64(len(e.out))
		if err := e.page(m, format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(
			format.DictionaryPageHeader{NumValues: int32(len(l.strings.values)), Encoding: format.Plain})}); err != nil {
			return nil, err
		}
	}
	m.DataPageOffset = int64(len(e.out))
	if err := e.dataPages(c, m, coded); err != nil {
		return nil, err
	}
	m.Encoding = []format.Encoding{encodingOf(c, coded), format.RLE}
	if coded {
		m.Encoding = append(m.Encoding, format.Plain)
	}
	m.TotalCompressedSize = int64(len(e.out) - start)
	m.Statistics = statistics(c, e.pages)
	return m, nil
}

func encodingOf(c *column, coded bool) format.Encoding {
	switch {
	case coded:
		return format.RLEDictionary
	case c.physical == format.Int32, c.physical == format.Int64:
		return format.DeltaBinaryPacked
	}
	return format.Plain
}

// dataPages cuts the chunk into pages, at beginnings of rows.
func (e *encoder) dataPages(c *column, m *format.ColumnMetaData, coded bool) error {
	l := &e.leaf
	text := textCursor{column: &l.strings}
	value, row := 0, 0
	e.pages = e.pages[:0]
	for from := 0; from < l.slots || l.slots == 0; {
		to := min(from+e.pageRows, l.slots)
		for c.maxRep > 0 && to < l.slots && l.reps[to] != 0 {
			to++
		}
		e.raw = e.raw[:0]
		count := to - from
		if c.maxRep > 0 {
			e.levels(l.reps[from:to], c.maxRep)
		}
		if c.maxDef > 0 {
			count = e.levels(l.defs[from:to], c.maxDef)
		}
		seen := text
		n, err := e.body(c, value, count, to-from, &text, coded)
		if err != nil {
			return err
		}
		if n < count { // strings filled the page early: only without levels
			to = from + n
		}
		mark := pageMark{offset: int64(len(e.out)), row: int64(row), nulls: int64(to - from - n), extremes: e.extremes(c, value, n, &seen, coded)}
		value, row = value+n, row+l.rows(from, to)
		if err := e.page(m, format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues: int32(to - from), Encoding: encodingOf(c, coded), DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE})}); err != nil {
			return err
		}
		mark.size = int64(len(e.out)) - mark.offset
		e.pages = append(e.pages, mark)
		if from = to; l.slots == 0 {
			break
		}
	}
	return nil
}

// levels appends levels to the page behind their length and counts the highest.
func (e *encoder) levels(v []uint8, max int) (count int) {
	at := len(e.raw)
	e.raw = append(e.raw, 0, 0, 0, 0)
	enc := rle.Encoding{BitWidth: int(bitsFor(max))}
	e.values, _ = enc.EncodeLevels(e.values, v) // fails for bit widths above 8 only
	e.raw = append(e.raw, e.values...)
	binary.LittleEndian.PutUint32(e.raw[at:], uint32(len(e.raw)-at-4))
	for _, d := range v {
		if int(d) == max {
			count++
		}
	}
	return count
}

// body appends the values from value on, count of them, to the page, and returns
// how many it took.
func (e *encoder) body(c *column, value, count, slots int, text *textCursor, coded bool) (int, error) {
	l := &e.leaf
	var err error
	switch c.physical {
	case format.Boolean:
		e.bools(l.bools[value : value+count])
	case format.Int32:
		e.short = e.short[:0]
		for _, v := range l.ints[value : value+count] {
			e.short = append(e.short, int32(v))
		}
		e.values, err = new(packed.BinaryPackedEncoding).EncodeInt32(e.values, e.short)
		e.raw = append(e.raw, e.values...)
	case format.Int64:
		e.values, err = new(packed.BinaryPackedEncoding).EncodeInt64(e.values, l.ints[value:value+count])
		e.raw = append(e.raw, e.values...)
	case format.Float:
		for _, v := range l.floats[value : value+count] {
			e.raw = binary.LittleEndian.AppendUint32(e.raw, math.Float32bits(float32(v)))
		}
	case format.Double:
		e.raw = appendWords(e.raw, l.floats[value:value+count])
	case format.ByteArray:
		if !coded {
			var n int
			e.raw, n = text.append(e.raw, count, slots == count && c.maxRep == 0 && c.maxDef == 0)
			return n, nil
		}
		err = e.codes(l.strings.codes[value:value+count], len(l.strings.values))
	}
	return count, err
}

func (e *encoder) codes(codes []int32, size int) error {
	width := max(1, bits.Len(uint(max(size-1, 0))))
	e.raw = append(e.raw, byte(width))
	var err error
	e.values, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(e.values, codes)
	e.raw = append(e.raw, e.values...)
	return err
}

func (e *encoder) bools(v []bool) {
	to := extend(&e.raw, (len(v)+7)/8)
	clear(to)
	for i, b := range v {
		if b {
			to[i>>3] |= 1 << (i & 7)
		}
	}
}

// page compresses e.raw and appends it behind its header.
func (e *encoder) page(m *format.ColumnMetaData, h format.PageHeader) error {
	if len(e.raw) > math.MaxInt32 {
		return fmt.Errorf("a page of %d bytes is larger than the format allows: set a smaller RowGroupRows", len(e.raw))
	}
	body := e.raw
	switch e.compression {
	case Snappy:
		if need := s2.MaxEncodedLen(len(e.raw)); cap(e.packed) < need {
			e.packed = make([]byte, need)
		}
		body = s2.EncodeSnappy(e.packed[:cap(e.packed)], e.raw)
	case Zstd:
		e.packed = e.zstd.EncodeAll(e.raw, e.packed[:0])
		body = e.packed
	}
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(e.raw)), int32(len(body))
	h.CRC = int32(crc32.ChecksumIEEE(body))
	head, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		return err
	}
	m.TotalUncompressedSize += int64(len(head) + len(e.raw))
	e.out = append(append(e.out, head...), body...)
	return nil
}

// textCursor walks over plain strings page by page.
type textCursor struct {
	column *textColumn
	part   int
	row    int
}

// pageBytes is where a page of plain strings ends early.
const pageBytes = 1 << 20

// append appends count strings as PLAIN stores them, fewer when the page is full
// and cut is allowed.
func (t *textCursor) append(dst []byte, count int, cut bool) ([]byte, int) {
	n := 0
	for n < count {
		p := t.column.parts[t.part]
		size := p.column.Len
		if p.rows != nil {
			size = len(p.rows)
		}
		for ; t.row < size && n < count; t.row++ {
			r := t.row
			if p.rows != nil {
				r = int(p.rows[r])
			}
			dst = appendPlain(dst, p.column.Bytes(r))
			if n++; cut && len(dst) > pageBytes {
				t.row++
				return dst, n
			}
		}
		if t.row == size {
			t.part, t.row = t.part+1, 0
		}
	}
	return dst, n
}

// each calls f for the next count strings.
func (t *textCursor) each(count int, f func(v []byte)) {
	for count > 0 {
		p := t.column.parts[t.part]
		size := p.column.Len
		if p.rows != nil {
			size = len(p.rows)
		}
		for ; t.row < size && count > 0; t.row++ {
			r := t.row
			if p.rows != nil {
				r = int(p.rows[r])
			}
			f(p.column.Bytes(r))
			count--
		}
		if t.row == size {
			t.part, t.row = t.part+1, 0
		}
	}
}
