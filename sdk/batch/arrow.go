package batch

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// ToArrow returns the rows of b that count as an Arrow record: the fields of a
// struct root, or one field called value. Event time and windows are not part of
// it. The record shares the memory of the batch wherever ColumnToArrow does.
func ToArrow(b *Batch) (arrow.RecordBatch, error) {
	root := b.Compact().Root
	columns, names := []*Column{root}, []Field{{Name: "value", Type: root.Type}}
	if root.Type.Kind == Struct {
		if n := root.Len - root.Valid.Count(root.Len); n > 0 {
			return nil, fmt.Errorf("arrow: %d of %d rows are null; a record has no null rows", n, root.Len)
		}
		columns, names = root.Children, root.Type.Fields
	}
	arrays, fields := make([]arrow.Array, len(columns)), make([]arrow.Field, len(columns))
	for i, c := range columns {
		d, err := arrowData(c)
		if err != nil {
			return nil, fmt.Errorf("arrow: %s: %w", names[i].Name, err)
		}
		arrays[i] = array.MakeFromData(d)
		fields[i] = arrow.Field{Name: names[i].Name, Type: d.DataType(), Nullable: names[i].Type.Nullable || c.Valid != nil}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(root.Len)), nil
}

// ColumnToArrow returns the column as an Arrow array. 64-bit integers, times,
// float64, strings, offsets, dictionary codes and validity share the column's
// memory, which the garbage collector keeps; bools and narrower numbers are
// copied, and an integer that its kind cannot hold is an error.
func ColumnToArrow(c *Column) (arrow.Array, error) {
	d, err := arrowData(c)
	if err != nil {
		return nil, fmt.Errorf("arrow: %w", err)
	}
	return array.MakeFromData(d), nil
}

func arrowData(c *Column) (arrow.ArrayData, error) {
	if c == nil {
		return nil, errors.New("the column was not read")
	}
	var buffers []*memory.Buffer
	switch c.Type.Kind.Form() {
	case IntForm:
		values, err := narrowed(c)
		if err != nil {
			return nil, err
		}
		buffers = []*memory.Buffer{values}
	case FloatForm:
		buffers = []*memory.Buffer{floatBuffer(c)}
	case BoolForm:
		bits := NewBitmap(c.Len)
		for i, v := range c.Bools {
			if v {
				bits.Set(i)
			}
		}
		buffers = []*memory.Buffer{memory.NewBufferBytes(bits)}
	case StringForm:
		if c.Dict != nil {
			return dictionaryData(c), nil
		}
		buffers = textBuffers(&c.Strings)
	case ListForm, StructForm:
		return nestedData(c)
	}
	return newData(c, plainArrowType(c.Type.Kind), buffers, nil), nil
}

// newData puts the validity of c in front of buffers.
func newData(c *Column, dt arrow.DataType, buffers []*memory.Buffer, inner []arrow.ArrayData) *array.Data {
	all := append([]*memory.Buffer{nil}, buffers...)
	nulls := 0
	if c.Valid != nil {
		all[0] = memory.NewBufferBytes(c.Valid)
		nulls = c.Len - c.Valid.Count(c.Len)
	}
	return array.NewData(dt, c.Len, all, inner, nulls, 0)
}

func dictionaryData(c *Column) arrow.ArrayData {
	dt := plainArrowType(c.Type.Kind)
	values := array.NewData(dt, c.Dict.Len(), append([]*memory.Buffer{nil}, textBuffers(&c.Dict.Strings)...), nil, 0, 0)
	d := newData(c, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: dt}, []*memory.Buffer{bufferOf(c.Codes)}, nil)
	d.SetDictionary(values)
	return d
}

func textBuffers(s *Strings) []*memory.Buffer {
	return []*memory.Buffer{bufferOf(borders(s.Offsets)), memory.NewBufferBytes(s.Data)}
}

// borders returns offsets, or those of no value at all: Arrow wants one even then.
func borders(offsets []int32) []int32 {
	if len(offsets) == 0 {
		return []int32{0}
	}
	return offsets
}

// nestedData takes the types of the children from their arrays, since a child
// may be a dictionary in one batch and plain in another.
func nestedData(c *Column) (arrow.ArrayData, error) {
	inner, fields := make([]arrow.ArrayData, len(c.Children)), make([]arrow.Field, len(c.Children))
	for i, child := range c.Children {
		f := c.Type.Fields[i]
		d, err := arrowData(child)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		inner[i] = d
		fields[i] = arrow.Field{Name: f.Name, Type: d.DataType(), Nullable: f.Type.Nullable || child.Valid != nil}
	}
	switch c.Type.Kind {
	case Struct:
		return newData(c, arrow.StructOf(fields...), nil, inner), nil
	case List:
		return newData(c, arrow.ListOfField(fields[0]), []*memory.Buffer{bufferOf(borders(c.Offsets))}, inner), nil
	}
	fields[0].Nullable = false
	dt := sortedMap(fields[0], fields[1])
	// Key and value may have spare elements of different number behind a slice.
	n := min(inner[0].Len(), inner[1].Len())
	entries := array.NewData(dt.Elem(), n, []*memory.Buffer{nil}, inner, 0, 0)
	return newData(c, dt, []*memory.Buffer{bufferOf(borders(c.Offsets))}, []arrow.ArrayData{entries}), nil
}

func bufferOf[T arrow.FixedWidthType](values []T) *memory.Buffer {
	return memory.NewBufferBytes(arrow.GetBytes(values))
}

func narrowed(c *Column) (*memory.Buffer, error) {
	switch c.Type.Kind {
	case Int8:
		return narrow[int8](c)
	case Int16:
		return narrow[int16](c)
	case Int32:
		return narrow[int32](c)
	case Uint8:
		return narrow[uint8](c)
	case Uint16:
		return narrow[uint16](c)
	case Uint32:
		return narrow[uint32](c)
	}
	return bufferOf(c.Ints), nil
}

func narrow[N int8 | int16 | int32 | uint8 | uint16 | uint32](c *Column) (*memory.Buffer, error) {
	out := make([]N, c.Len)
	for i, v := range c.Ints {
		out[i] = N(v)
		if int64(out[i]) != v && !c.Null(i) {
			return nil, fmt.Errorf("row %d: %d does not fit %s", i, v, c.Type.Kind)
		}
	}
	return bufferOf(out), nil
}

func floatBuffer(c *Column) *memory.Buffer {
	if c.Type.Kind == Float64 {
		return bufferOf(c.Floats)
	}
	out := make([]float32, c.Len)
	for i, v := range c.Floats {
		out[i] = float32(v)
	}
	return bufferOf(out)
}
