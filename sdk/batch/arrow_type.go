package batch

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// ArrowType returns the Arrow type that ColumnToArrow gives columns of t without
// dictionaries: Time is timestamp[us, UTC], Bytes is binary, the others have
// their own name there.
func ArrowType(t *Type) (arrow.DataType, error) {
	if plain := plainArrowType(t.Kind); plain != nil {
		return plain, nil
	}
	fields := make([]arrow.Field, len(t.Fields))
	for i, f := range t.Fields {
		dt, err := ArrowType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		fields[i] = arrow.Field{Name: f.Name, Type: dt, Nullable: f.Type.Nullable}
	}
	switch t.Kind {
	case List:
		return arrow.ListOfField(fields[0]), nil
	case Map:
		return sortedMap(fields[0], fields[1]), nil
	case Struct:
		return arrow.StructOf(fields...), nil
	}
	return nil, fmt.Errorf("kind %s has no Arrow type", t.Kind)
}

func sortedMap(key, item arrow.Field) *arrow.MapType {
	m := arrow.MapOfFields(key, item)
	m.KeysSorted = true
	return m
}

func plainArrowType(k Kind) arrow.DataType {
	switch k {
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Int8:
		return arrow.PrimitiveTypes.Int8
	case Int16:
		return arrow.PrimitiveTypes.Int16
	case Int32:
		return arrow.PrimitiveTypes.Int32
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Uint8:
		return arrow.PrimitiveTypes.Uint8
	case Uint16:
		return arrow.PrimitiveTypes.Uint16
	case Uint32:
		return arrow.PrimitiveTypes.Uint32
	case Uint64:
		return arrow.PrimitiveTypes.Uint64
	case Float32:
		return arrow.PrimitiveTypes.Float32
	case Float64:
		return arrow.PrimitiveTypes.Float64
	case String:
		return arrow.BinaryTypes.String
	case Bytes:
		return arrow.BinaryTypes.Binary
	case Time:
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return nil
}

// ArrowSchema returns the schema of records that ToArrow makes of batches with a
// root of type t, without dictionaries. A root that is no struct is one field
// called value.
func ArrowSchema(t *Type) (*arrow.Schema, error) {
	if t.Kind != Struct {
		t = &Type{Kind: Struct, Fields: []Field{{Name: "value", Type: t}}}
	}
	dt, err := ArrowType(t)
	if err != nil {
		return nil, err
	}
	return arrow.NewSchema(dt.(*arrow.StructType).Fields(), nil), nil
}

// TypeFromArrow returns the type whose columns FromArrow makes of arrays of dt
// most naturally: the reverse of ArrowType, and the value type of a dictionary,
// Time for dates and for timestamps of any unit, String for large and view
// strings.
func TypeFromArrow(dt arrow.DataType, nullable bool) (*Type, error) {
	t := &Type{Kind: kindOfArrow(dt.ID()), Nullable: nullable}
	var err error
	switch dt := dt.(type) {
	case *arrow.DictionaryType:
		return TypeFromArrow(dt.ValueType, nullable)
	case arrow.ExtensionType:
		return TypeFromArrow(dt.StorageType(), nullable)
	case *arrow.MapType:
		t.Kind = Map
		t.Fields, err = fieldsOfArrow([]arrow.Field{dt.KeyField(), dt.ItemField()})
		if err == nil {
			t.Fields[0].Name, t.Fields[1].Name = "key", "value"
			t.Fields[0].Type.Nullable = false
		}
	case *arrow.StructType:
		t.Kind = Struct
		t.Fields, err = fieldsOfArrow(dt.Fields())
	case arrow.ListLikeType:
		t.Kind = List
		t.Fields, err = fieldsOfArrow([]arrow.Field{dt.ElemField()})
		if err == nil {
			t.Fields[0].Name = "element"
		}
	}
	if err != nil {
		return nil, err
	}
	if t.Kind == Invalid {
		return nil, fmt.Errorf("no column can hold Arrow %s; cast it to an integer, float64, utf8 or timestamp before", dt)
	}
	return t, nil
}

func fieldsOfArrow(fields []arrow.Field) ([]Field, error) {
	out := make([]Field, len(fields))
	for i, f := range fields {
		t, err := TypeFromArrow(f.Type, f.Nullable)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		out[i] = Field{Name: f.Name, Type: t}
	}
	return out, nil
}

func kindOfArrow(id arrow.Type) Kind {
	switch id {
	case arrow.BOOL:
		return Bool
	case arrow.INT8:
		return Int8
	case arrow.INT16:
		return Int16
	case arrow.INT32:
		return Int32
	case arrow.INT64:
		return Int64
	case arrow.UINT8:
		return Uint8
	case arrow.UINT16:
		return Uint16
	case arrow.UINT32:
		return Uint32
	case arrow.UINT64:
		return Uint64
	case arrow.FLOAT16, arrow.FLOAT32:
		return Float32
	case arrow.FLOAT64:
		return Float64
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW:
		return String
	case arrow.BINARY, arrow.LARGE_BINARY, arrow.BINARY_VIEW, arrow.FIXED_SIZE_BINARY:
		return Bytes
	case arrow.TIMESTAMP, arrow.DATE32, arrow.DATE64:
		return Time
	}
	return Invalid
}
