package protobuf_test

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

// everyFile declares a message with a field of every kind, and an enum.
const everyFile = `name: "every.proto" package: "t" syntax: "proto3"
dependency: "google/protobuf/timestamp.proto" dependency: "google/protobuf/wrappers.proto"
enum_type { name: "Gate" value { name: "NONE" number: 0 } value { name: "A" number: 1 } value { name: "LOW" number: -5 } }
message_type { name: "First" }
message_type { name: "Inner"
  field { name: "id" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "note" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
  oneof_decl { name: "_note" } }
message_type { name: "Every"
  field { name: "b" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "i32" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "s32" number: 3 type: TYPE_SINT32 label: LABEL_OPTIONAL }
  field { name: "x32" number: 4 type: TYPE_SFIXED32 label: LABEL_OPTIONAL }
  field { name: "u32" number: 5 type: TYPE_UINT32 label: LABEL_OPTIONAL }
  field { name: "f32" number: 6 type: TYPE_FIXED32 label: LABEL_OPTIONAL }
  field { name: "i64" number: 7 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "s64" number: 8 type: TYPE_SINT64 label: LABEL_OPTIONAL }
  field { name: "x64" number: 9 type: TYPE_SFIXED64 label: LABEL_OPTIONAL }
  field { name: "u64" number: 10 type: TYPE_UINT64 label: LABEL_OPTIONAL }
  field { name: "f64" number: 11 type: TYPE_FIXED64 label: LABEL_OPTIONAL }
  field { name: "fl" number: 12 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "db" number: 13 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "text" number: 14 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "raw" number: 15 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "gate" number: 16 type: TYPE_ENUM type_name: ".t.Gate" label: LABEL_OPTIONAL }
  field { name: "at" number: 17 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "wrapped" number: 18 type: TYPE_MESSAGE type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "in" number: 19 type: TYPE_MESSAGE type_name: ".t.Inner" label: LABEL_OPTIONAL }
  field { name: "packed" number: 20 type: TYPE_INT32 label: LABEL_REPEATED }
  field { name: "words" number: 21 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "inners" number: 22 type: TYPE_MESSAGE type_name: ".t.Inner" label: LABEL_REPEATED }
  field { name: "by_name" number: 23 type: TYPE_MESSAGE type_name: ".t.Every.ByNameEntry" label: LABEL_REPEATED json_name: "byName" }
  field { name: "by_id" number: 24 type: TYPE_MESSAGE type_name: ".t.Every.ByIdEntry" label: LABEL_REPEATED json_name: "byId" }
  field { name: "opt" number: 25 type: TYPE_INT32 label: LABEL_OPTIONAL proto3_optional: true oneof_index: 1 }
  field { name: "one" number: 26 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "two" number: 27 type: TYPE_MESSAGE type_name: ".t.Inner" label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "times" number: 28 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_REPEATED }
  field { name: "loose" number: 29 type: TYPE_SINT64 label: LABEL_REPEATED options { packed: false } }
  field { name: "far" number: 100000 type: TYPE_STRING label: LABEL_OPTIONAL }
  oneof_decl { name: "choice" } oneof_decl { name: "_opt" }
  nested_type { name: "ByNameEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".t.Inner" label: LABEL_OPTIONAL } }
  nested_type { name: "ByIdEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_SINT64 label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_DOUBLE label: LABEL_OPTIONAL } } }`

// describe returns a message of a file in text form.
func describe(t testing.TB, file string, name protoreflect.Name) protoreflect.MessageDescriptor {
	t.Helper()
	var p descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(file), &p); err != nil {
		t.Fatal(err)
	}
	d, err := protodesc.NewFile(&p, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return d.Messages().ByName(name)
}

func innerType() *batch.Type {
	return batchtest.StructOf(batch.Field{Name: "note", Type: batchtest.Nullable(batchtest.Scalar(batch.String))}, batch.Field{Name: "id", Type: batchtest.Scalar(batch.Int64)})
}

func everyType() *batch.Type {
	t := batchtest.StructOf()
	add := func(name string, typ *batch.Type) { t.Fields = append(t.Fields, batch.Field{Name: name, Type: typ}) }
	kinds := map[string]batch.Kind{"b": batch.Bool, "i32": batch.Int32, "s32": batch.Int16, "x32": batch.Int32, "u32": batch.Uint32,
		"f32": batch.Uint16, "i64": batch.Int64, "s64": batch.Int64, "x64": batch.Int64, "u64": batch.Uint64, "f64": batch.Uint64,
		"fl": batch.Float32, "db": batch.Float64, "text": batch.String, "raw": batch.Bytes, "gate": batch.Int32, "far": batch.String}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		add(name, batchtest.Scalar(kinds[name]))
	}
	add("at", batchtest.Nullable(batchtest.Scalar(batch.Time)))
	add("wrapped", batchtest.Nullable(batchtest.Scalar(batch.Int64)))
	add("in", batchtest.Nullable(innerType()))
	add("packed", batchtest.ListOf(batchtest.Scalar(batch.Int32)))
	add("words", batchtest.ListOf(batchtest.Scalar(batch.String)))
	add("inners", batchtest.ListOf(innerType()))
	add("byName", batchtest.MapOf(batchtest.Scalar(batch.String), innerType()))
	add("by_id", batchtest.MapOf(batchtest.Scalar(batch.Int64), batchtest.Scalar(batch.Float64)))
	add("opt", batchtest.Nullable(batchtest.Scalar(batch.Int32)))
	add("one", batchtest.Nullable(batchtest.Scalar(batch.String)))
	add("two", batchtest.Nullable(innerType()))
	add("times", batchtest.ListOf(batchtest.Scalar(batch.Time)))
	add("loose", batchtest.ListOf(batchtest.Scalar(batch.Int64)))
	return t
}

// fill sets the fields of a message to a row.
func fill(m protoreflect.Message, c *batch.Column, i int) {
	for k, f := range c.Type.Fields {
		field := m.Descriptor().Fields().ByName(protoreflect.Name(f.Name))
		if field == nil {
			field = m.Descriptor().Fields().ByJSONName(f.Name)
		}
		column := c.Children[k]
		if column.Null(i) {
			continue
		}
		switch {
		case field.IsMap():
			from, to := column.Range(i)
			entries := m.Mutable(field).Map()
			for j := from; j < to; j++ {
				entries.Set(value(field.MapKey(), column.Children[0], j, nil).MapKey(), value(field.MapValue(), column.Children[1], j, entries.NewValue))
			}
		case field.IsList():
			from, to := column.Range(i)
			list := m.Mutable(field).List()
			for j := from; j < to; j++ {
				list.Append(value(field, column.Children[0], j, list.NewElement))
			}
		default:
			m.Set(field, value(field, column, i, func() protoreflect.Value { return m.NewField(field) }))
		}
	}
}

func value(field protoreflect.FieldDescriptor, c *batch.Column, i int, fresh func() protoreflect.Value) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(c.Bools[i])
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(c.Ints[i]))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(c.Ints[i]))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(c.Ints[i])
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(c.Ints[i]))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(c.Floats[i]))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(c.Floats[i])
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(string(c.Bytes(i)))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(append([]byte{}, c.Bytes(i)...))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(c.Ints[i]))
	}
	v := fresh()
	m := v.Message()
	fields := m.Descriptor().Fields()
	switch m.Descriptor().Name() {
	case "Timestamp":
		seconds := c.Ints[i] / 1_000_000
		if seconds*1_000_000 > c.Ints[i] {
			seconds--
		}
		m.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(seconds))
		m.Set(fields.ByNumber(2), protoreflect.ValueOfInt32(int32(c.Ints[i]-seconds*1_000_000)*1000))
	case "Int64Value":
		m.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(c.Ints[i]))
	default:
		fill(m, c, i)
	}
	return v
}

// marshal has the library write a message.
func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// parse has the library read a message in text form.
func parse(t testing.TB, d protoreflect.MessageDescriptor, text string) []byte {
	t.Helper()
	m := dynamicpb.NewMessage(d)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	return marshal(t, m)
}
