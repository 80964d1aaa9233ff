package avro

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// render writes one column as Avro, all rows in one loop; rows are put together
// from the pieces (see columns.Pieces). Its pieces begin with that of a null.
type render struct {
	columns.Pieces
	typ    *batch.Type
	fields []part // of a record, in the order of the schema
	inner  *render

	write  writer
	null   []byte // of a union: what stands for null
	prefix []byte // of a union: what stands before a value

	symbols map[string]int // enum
	size    int            // fixed
	scale   int64          // times: microseconds a unit
}

// writer is how values of a column are written.
type writer uint8

const (
	writeBoolean writer = iota
	writeLong
	writeUnsigned // as a long, if it fits
	writeTime
	writeFloat
	writeDouble
	writeSized
	writeFixed
	writeEnum
	writeArray
	writeMap
	writeRecord
)

// part is a field of a record: a column, or the same bytes in each row.
type part struct {
	name   string
	column int
	render *render
	value  []byte
}

// column renders every row.
func (r *render) column(c *batch.Column) error {
	r.Reset(string(r.null))
	if err := r.children(c); err != nil {
		return err
	}
	from := len(r.Data)
	switch r.write {
	case writeBoolean:
		for _, v := range c.Bools {
			r.begin()
			b := byte(0)
			if v {
				b = 1
			}
			r.Data = append(r.Data, b)
			from = r.End(from)
		}
	case writeLong, writeUnsigned, writeTime:
		r.longs(c)
	case writeFloat:
		for _, v := range c.Floats {
			r.begin()
			r.Data = binary.LittleEndian.AppendUint32(r.Data, math.Float32bits(float32(v)))
			from = r.End(from)
		}
	case writeDouble:
		for _, v := range c.Floats {
			r.begin()
			r.Data = binary.LittleEndian.AppendUint64(r.Data, math.Float64bits(v))
			from = r.End(from)
		}
	case writeSized:
		r.Strings(c, r.sized)
	case writeFixed, writeEnum:
		r.checked(c)
	case writeArray, writeMap:
		r.lists(c)
	case writeRecord:
		r.records(c)
	}
	r.Nulls(c, columns.Span{To: len(r.null)})
	return nil
}

func (r *render) begin() { r.Data = append(r.Data, r.prefix...) }

func (r *render) children(c *batch.Column) error {
	if r.inner != nil {
		return r.inner.column(columns.Elements(c, len(c.Children)-1))
	}
	for _, p := range r.fields {
		if p.render == nil {
			continue
		}
		if c.Children[p.column] == nil {
			return fmt.Errorf("column %s was not read, so it cannot be written", p.name)
		}
		if err := p.render.column(c.Children[p.column]); err != nil {
			return err
		}
	}
	return nil
}

func (r *render) longs(c *batch.Column) {
	from := len(r.Data)
	for _, v := range c.Ints {
		if r.write == writeUnsigned && v < 0 {
			r.Fail("%d does not fit the long of the schema", uint64(v))
			continue
		}
		if r.write == writeTime {
			v = floorDiv(v, r.scale)
		}
		r.begin()
		r.Data = binary.AppendVarint(r.Data, v)
		from = r.End(from)
	}
}

// sized writes a string or bytes. What is no UTF-8 in a string becomes U+FFFD.
func (r *render) sized(dst, v []byte) []byte {
	if r.typ.Kind == batch.String && !utf8.Valid(v) {
		v = bytes.ToValidUTF8(v, []byte("\uFFFD"))
	}
	dst = append(dst, r.prefix...)
	dst = binary.AppendVarint(dst, int64(len(v)))
	return append(dst, v...)
}

// checked writes strings of which a schema takes only some.
func (r *render) checked(c *batch.Column) {
	from := len(r.Data)
	for i := range c.Len {
		if c.Null(i) {
			r.Rows = append(r.Rows, columns.Span{})
			continue
		}
		v := c.Bytes(i)
		if r.write == writeFixed {
			if len(v) != r.size {
				r.Fail("a value has %d bytes, and the schema wants %d", len(v), r.size)
				continue
			}
			r.begin()
			r.Data = append(r.Data, v...)
		} else {
			symbol, ok := r.symbols[string(v)]
			if !ok {
				r.Fail("%.40q is none of the enum's symbols", v)
				continue
			}
			r.begin()
			r.Data = binary.AppendVarint(r.Data, int64(symbol))
		}
		from = r.End(from)
	}
}

func (r *render) records(c *batch.Column) {
	from := len(r.Data)
rows:
	for i := range c.Len {
		r.begin()
		for k := range r.fields {
			p := &r.fields[k]
			if p.render == nil {
				r.Data = append(r.Data, p.value...)
				continue
			}
			row := p.render.Rows[i]
			if row.Broken() {
				r.Data = r.Data[:from]
				r.Fail("field %s: %w", p.name, p.render.Wrong(row))
				continue rows
			}
			r.Data = append(r.Data, p.render.Data[row.From:row.To]...)
		}
		from = r.End(from)
	}
}

func (r *render) lists(c *batch.Column) {
	from := len(r.Data)
rows:
	for i := range c.Len {
		r.begin()
		first, behind := c.Range(i)
		if behind > first {
			r.Data = binary.AppendVarint(r.Data, int64(behind-first))
		}
		for j := first; j < behind; j++ {
			if r.write == writeMap {
				key := c.Children[0].Bytes(j)
				r.Data = binary.AppendVarint(r.Data, int64(len(key)))
				r.Data = append(r.Data, key...)
			}
			row := r.inner.Rows[j-int(c.Offsets[0])]
			if row.Broken() {
				r.Data = r.Data[:from]
				r.Fail("[]: %w", r.inner.Wrong(row))
				continue rows
			}
			r.Data = append(r.Data, r.inner.Data[row.From:row.To]...)
		}
		r.Data = append(r.Data, 0)
		from = r.End(from)
	}
}
