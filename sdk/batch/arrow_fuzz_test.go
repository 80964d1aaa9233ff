package batch_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/leatflow/leat/sdk/batch"
)

// foreign reads fuzz input as array data that may contradict itself.
type foreign struct{ data []byte }

func (f *foreign) byte() byte {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return b
}

func (f *foreign) buffer() *memory.Buffer {
	n := min(len(f.data), int(f.byte()))
	n = min(n, len(f.data))
	b := memory.NewBufferBytes(f.data[:n:n])
	f.data = f.data[n:]
	return b
}

// array makes data of type dt without any of the checks of arrow-go.
func (f *foreign) array(dt arrow.DataType) *array.Data {
	n, offset := int(f.byte()&15), int(f.byte()&3)
	buffers := []*memory.Buffer{nil}
	if f.byte()&1 != 0 {
		buffers[0] = f.buffer()
	}
	for range 2 {
		buffers = append(buffers, f.buffer())
	}
	var children []arrow.ArrayData
	if nested, ok := dt.(arrow.NestedType); ok && f.byte() != 0 {
		for _, field := range nested.Fields() {
			children = append(children, f.array(field.Type))
		}
	}
	if d, ok := dt.(*arrow.DictionaryType); ok {
		return array.NewDataWithDictionary(dt, n, buffers[:2], array.UnknownNullCount, offset, f.array(d.ValueType))
	}
	return array.NewData(dt, n, buffers, children, array.UnknownNullCount, offset)
}

// Damaged arrays are an error, never a panic, and what is no error is valid.
func FuzzFromArrow(f *testing.F) {
	types := []arrow.DataType{
		arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint16, arrow.FixedWidthTypes.Boolean, arrow.FixedWidthTypes.Timestamp_ms,
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView, &arrow.FixedSizeBinaryType{ByteWidth: 3},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: arrow.PrimitiveTypes.Int64},
		arrow.ListOf(arrow.BinaryTypes.String), arrow.LargeListOf(arrow.PrimitiveTypes.Int8), arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int64),
		arrow.MapOf(arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String), arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Float32}),
	}
	for i := range types {
		f.Add(byte(i), []byte{2, 1, 1, 1, 3, 24, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'x', 1, 1, 0, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1, 'a'})
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		dt := types[int(which)%len(types)]
		typ, err := batch.TypeFromArrow(dt, true)
		if err != nil {
			t.Fatal(err)
		}
		c, err := batch.FromArrow(raw{d: (&foreign{data}).array(dt)}, typ)
		if err != nil {
			return
		}
		if err := batch.Validate(c); err != nil {
			t.Fatal(err)
		}
		for i := range c.Len {
			c.Format(i)
		}
	})
}
