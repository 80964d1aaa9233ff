package protobuf_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr/srfake"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/leatflow/leat/io/protobuf"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// everyRows are rows of everyType, of whose oneof at most one field is set.
func everyRows(n int, seed uint64) *batch.Column {
	rows := connectortest.Sample(everyType(), n, seed)
	one, two := rows.Children[rows.Type.Index("one")], rows.Children[rows.Type.Index("two")]
	for i := range n {
		if !one.Null(i) {
			two.Valid.Clear(i)
		}
	}
	return rows
}

func TestRowsAndLibrary(t *testing.T) {
	// Rows with every kind of field, from the middle of a column, are written as
	// what the library reads as the same message, and what the library writes of
	// it, and we wrote, is read as the same rows.
	every := describe(t, everyFile, "Every")
	f := protobuf.Format{Message: every}
	for seed := range uint64(6) {
		rows := everyRows(60, seed).Slice(3, 60)
		d := messagetest.Decoder(t, f, rows.Type)
		for i, payload := range messagetest.Encode(t, f, rows) {
			want := dynamicpb.NewMessage(every)
			fill(want, rows, i)
			got := dynamicpb.NewMessage(every)
			if err := proto.Unmarshal(payload, got); err != nil || !proto.Equal(got, want) {
				t.Fatalf("row %d is written as %v\nwant %v\n%v", i, got, want, err)
			}
			for _, p := range [][]byte{payload, marshal(t, want)} {
				if row, err := messagetest.Row(t, d, p); err != nil || row != rows.Format(i) {
					t.Fatalf("row %d is read as\n%s\nwant\n%s\n%v", i, row, rows.Format(i), err)
				}
			}
		}
	}
}

func TestWire(t *testing.T) {
	// What the format allows and no writer of ours makes is read as the library
	// reads it: the last of a field counts, messages merge, a oneof has one member,
	// packed and not, unknown fields and other wire types, entries without a key.
	every := describe(t, everyFile, "Every")
	typ := batchtest.StructOf(batch.Field{Name: "i32", Type: batchtest.Scalar(batch.Int64)}, batch.Field{Name: "in", Type: batchtest.Nullable(innerType())},
		batch.Field{Name: "two", Type: batchtest.Nullable(innerType())}, batch.Field{Name: "packed", Type: batchtest.ListOf(batchtest.Scalar(batch.Int64))},
		batch.Field{Name: "loose", Type: batchtest.ListOf(batchtest.Scalar(batch.Int64))}, batch.Field{Name: "by_name", Type: batchtest.MapOf(batchtest.Scalar(batch.String), innerType())},
		batch.Field{Name: "gate", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "wrapped", Type: batchtest.Nullable(batchtest.Scalar(batch.Int64))},
		batch.Field{Name: "at", Type: batchtest.Nullable(batchtest.Scalar(batch.Time))})
	d := messagetest.Decoder(t, protobuf.Format{Message: every}, typ)
	field := func(number protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), v)
	}
	varint := func(number protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	inner := func(id uint64, note string) []byte { return join(varint(1, id), field(2, []byte(note))) }
	row := func(i32, in, two, packed, loose, byName, gate, wrapped, at string) string {
		return "{i32: " + i32 + ", in: " + in + ", two: " + two + ", packed: " + packed + ", loose: " + loose + ", by_name: " + byName +
			", gate: " + gate + ", wrapped: " + wrapped + ", at: " + at + "}"
	}
	empty := func(i32 string) string { return row(i32, "null", "null", "[]", "[]", "{}", `"NONE"`, "null", "null") }
	group := join(protowire.AppendTag(nil, 99, protowire.StartGroupType), varint(1, 3), protowire.AppendTag(nil, 99, protowire.EndGroupType))
	for _, c := range []struct {
		payload []byte
		want    string
	}{
		{nil, empty("0")},
		{join(varint(2, 1), varint(2, 300)), empty("300")},
		{varint(2, 1<<40+7), empty("7")},
		{join(varint(99, 1), group, field(2, []byte("x")), varint(2, 5)), empty("5")},
		{join(field(19, inner(1, "a")), field(19, varint(1, 2)), field(19, nil)), row("0", `{note: "a", id: 2}`, "null", "[]", "[]", "{}", `"NONE"`, "null", "null")},
		{join(field(19, nil), field(19, nil)), row("0", `{note: null, id: 0}`, "null", "[]", "[]", "{}", `"NONE"`, "null", "null")},
		{join(field(27, inner(1, "a")), field(26, []byte("x"))), empty("0")},
		{join(field(27, inner(1, "a")), field(27, inner(3, "")), field(26, []byte("x")), field(27, varint(1, 9))), row("0", "null", "{note: null, id: 9}", "[]", "[]", "{}", `"NONE"`, "null", "null")},
		{join(varint(20, 1), field(20, []byte{2, 3}), varint(2, 1), field(20, nil), varint(20, 4), field(29, []byte{1, 2}), varint(29, 3)),
			row("1", "null", "null", "[1, 2, 3, 4]", "[-1, 1, -2]", "{}", `"NONE"`, "null", "null")},
		{join(field(23, join(field(2, varint(1, 7)), field(1, []byte("b")), field(2, field(2, []byte("m"))))), field(23, nil), field(23, field(1, []byte("b")))),
			row("0", "null", "null", "[]", "[]", `{"": {note: null, id: 0}, "b": {note: null, id: 0}}`, `"NONE"`, "null", "null")},
		{join(varint(16, 1), field(18, nil), field(17, varint(2, 999_999_999))), row("0", "null", "null", "[]", "[]", "{}", `"A"`, "0", "1970-01-01T00:00:00.999999Z")},
		{join(varint(16, 42), field(18, varint(1, 3)), field(18, varint(1, 4)), field(17, varint(1, 1)), field(17, varint(2, 2000))),
			row("0", "null", "null", "[]", "[]", "{}", `"42"`, "4", "1970-01-01T00:00:01.000002Z")},
	} {
		got, err := messagetest.Row(t, d, c.payload)
		if err != nil || got != c.want {
			t.Errorf("%x\nis read as %s, %v\nwant       %s", c.payload, got, err, c.want)
		}
		m := dynamicpb.NewMessage(every)
		if err := proto.Unmarshal(c.payload, m); err != nil {
			t.Fatal(err)
		}
		if again, err := messagetest.Row(t, d, marshal(t, m)); again != c.want || err != nil {
			t.Errorf("%x\nis for the library %v, %v", c.payload, m, err)
		}
	}
}

func TestBadPayloads(t *testing.T) {
	// A bad payload is an error that says what is wrong, and leaves the rows around
	// it as they are, in time in proportion to its bytes.
	every := describe(t, everyFile, "Every")
	typ := batchtest.StructOf(batch.Field{Name: "text", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "i64", Type: batchtest.Scalar(batch.Int8)},
		batch.Field{Name: "in", Type: batchtest.Nullable(innerType())}, batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)},
		batch.Field{Name: "packed", Type: batchtest.ListOf(batchtest.Scalar(batch.Int8))}, batch.Field{Name: "u64", Type: batchtest.Scalar(batch.Int64)},
		batch.Field{Name: "inners", Type: batchtest.ListOf(innerType())})
	good := string(parse(t, every, `text: "x" i64: 1 in { id: 2 note: "n" } at { seconds: 5 } packed: [1,2] inners { id: 4 }`))
	messagetest.BadPayloads(t, protobuf.Format{Message: every}, typ, good, map[string]string{
		"":                         "field at: the field is missing, and time is never null",
		good[:len(good)-1]:         "the payload ends within the value",
		"\x72\xff\xff\xff\xff\x7f": "field text: the payload ends within the value",
		"\x72\x02\xff\xfe":         "field text: the string is not UTF-8",
		"\x38\x80\x01":             "field i64: 128 does not fit int8",
		"\x38\x80":                 "field i64: the payload ends within the value",
		"\x38" + strings.Repeat("\xff", 10) + "\x01":           "field i64: the value is malformed: variable length integer overflow",
		"\xa2\x01\x02\x01\x80":                                 "field packed: the payload ends within a packed value",
		"\xa2\x01\x02\xff\x01":                                 "field packed: 255 does not fit int8",
		"\x50" + strings.Repeat("\xff", 9) + "\x01":            "field u64: 18446744073709551615 does not fit int64",
		"\x9a\x01\x03\x12\x01\xff":                             "field in.note: the string is not UTF-8",
		"\x8a\x01\x06\x10\xff\xff\xff\xff\x0f":                 "field at: a Timestamp has -1 nanoseconds",
		"\x8a\x01\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f": "field at: a Timestamp of 9223372036854775807 seconds is out of range",
		"\x00\x01": "a field has the number 0",
		"\xf9\x92\xd8\xef\x2a\xff\x01\xd9\x4b\x75\xfe\x4b\xd0": "a field has the number",
		"\xfb\xff\x03":                      "which is not read",
		strings.Repeat("\x9b\x06", 100_000): "which is not read",
		`{"text":"x"}`:                      "the payload ends within field number 15, which is not read",
	})
	// A message cut into a million occurrences is put together once.
	d := messagetest.Decoder(t, protobuf.Format{Message: every}, typ)
	if row, err := messagetest.Row(t, d, []byte(good+strings.Repeat("\x9a\x01\x02\x08\x07", 1_000_000))); err != nil || !strings.Contains(row, `in: {note: "n", id: 7}`) {
		t.Errorf("a million occurrences: %.200s, %v", row, err)
	}
}

// oldFile is a file of proto2: declared defaults, what is required, groups.
const oldFile = `name: "old.proto" package: "o"
	enum_type { name: "Gate" value { name: "A" number: 1 } value { name: "B" number: 2 } }
	enum_type { name: "Zero" value { name: "NONE" number: 0 } value { name: "ONE" number: 1 } }
	message_type { name: "Old"
		field { name: "n" number: 1 type: TYPE_SINT32 label: LABEL_OPTIONAL default_value: "-7" }
		field { name: "s" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL default_value: "x" }
		field { name: "g" number: 3 type: TYPE_ENUM type_name: ".o.Gate" label: LABEL_OPTIONAL default_value: "B" }
		field { name: "u" number: 4 type: TYPE_UINT64 label: LABEL_OPTIONAL default_value: "18446744073709551615" }
		field { name: "b" number: 5 type: TYPE_BOOL label: LABEL_OPTIONAL default_value: "true" }
		field { name: "f" number: 6 type: TYPE_DOUBLE label: LABEL_OPTIONAL default_value: "1.5" }
		field { name: "r" number: 7 type: TYPE_BYTES label: LABEL_OPTIONAL default_value: "\\001" }
		field { name: "must" number: 8 type: TYPE_INT32 label: LABEL_REQUIRED }
		field { name: "grp" number: 9 type: TYPE_GROUP type_name: ".o.Old.Grp" label: LABEL_OPTIONAL }
		field { name: "m" number: 10 type: TYPE_MESSAGE type_name: ".o.Old.MEntry" label: LABEL_REPEATED }
		nested_type { name: "Grp" field { name: "n" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL } }
		nested_type { name: "MEntry" options { map_entry: true }
			field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
			field { name: "value" number: 2 type: TYPE_ENUM type_name: ".o.Zero" label: LABEL_OPTIONAL } } }`

func TestProto2(t *testing.T) {
	// Defaults that are declared stand for absent fields, unless the column is
	// nullable; entries of a map have those of their types; what is required is.
	old := describe(t, oldFile, "Old")
	field := func(name string, k batch.Kind) batch.Field { return batch.Field{Name: name, Type: batchtest.Scalar(k)} }
	typ := batchtest.StructOf(field("n", batch.Int32), field("s", batch.String), field("g", batch.String), field("u", batch.Uint64),
		field("b", batch.Bool), field("f", batch.Float64), field("r", batch.Bytes), field("must", batch.Int32),
		batch.Field{Name: "m", Type: batchtest.MapOf(batchtest.Scalar(batch.String), batchtest.Scalar(batch.String))})
	d := messagetest.Decoder(t, protobuf.Format{Message: old}, typ)
	for text, want := range map[string]string{
		`must: 1 grp { n: 3 }`: `{n: -7, s: "x", g: "B", u: 18446744073709551615, b: true, f: 1.5, r: 0x01, must: 1, m: {}}`,
		`must: 1 n: 0 s: "" g: A u: 0 b: false f: 0 r: "" m { key: "k" value: ONE }`: `{n: 0, s: "", g: "A", u: 0, b: false, f: 0, r: 0x, must: 1, m: {"k": "ONE"}}`,
	} {
		if got, err := messagetest.Row(t, d, parse(t, old, text)); got != want || err != nil {
			t.Errorf("%s is read as %s, %v\nwant %s", text, got, err, want)
		}
	}
	for payload, want := range map[string]string{
		"\x40\x01\x52\x00":                 `m: {"": "NONE"}`,  // an entry of nothing
		"\x40\x01\x08\xff\xff\xff\xff\x7f": "n: -2147483648, ", // more bits than an sint32 has
	} {
		if got, err := messagetest.Row(t, d, []byte(payload)); !strings.Contains(got, want) || err != nil {
			t.Errorf("%x is read as %s, %v, want %s", payload, got, err, want)
		}
	}
	if _, err := messagetest.Row(t, d, nil); err == nil || !strings.Contains(err.Error(), "field must: the field is missing") {
		t.Errorf("without what is required: %v", err)
	}
	some := batchtest.StructOf(batch.Field{Name: "n", Type: batchtest.Nullable(batchtest.Scalar(batch.Int32))})
	if got, err := messagetest.Row(t, messagetest.Decoder(t, protobuf.Format{Message: old}, some), nil); got != "{n: null}" || err != nil {
		t.Errorf("nullable: %s, %v", got, err)
	}
	if _, err := (protobuf.Format{Message: old}).Encoder(t.Context(), message.EncodeRequest{Type: some}); err == nil || !strings.Contains(err.Error(), "field must: it is required, and the rows have none") {
		t.Errorf("writing without what is required: %v", err)
	}
	_, err := protobuf.Format{Message: old}.Decoder(t.Context(), message.DecodeRequest{Type: batchtest.StructOf(batch.Field{Name: "grp", Type: some})})
	if err == nil || !strings.Contains(err.Error(), "field grp: the message has") {
		t.Errorf("a group: %v", err)
	}
}

func TestEnumNames(t *testing.T) {
	// Names of an enum are written as numbers, as are numbers without a name; other
	// text is an error, but not in a struct that is null.
	file := `name: "e.proto" package: "e" syntax: "proto3"
		enum_type { name: "Gate" value { name: "NONE" number: 0 } value { name: "A" number: 1 } }
		message_type { name: "M" field { name: "in" number: 1 type: TYPE_MESSAGE type_name: ".e.In" label: LABEL_OPTIONAL } }
		message_type { name: "In" field { name: "gate" number: 1 type: TYPE_ENUM type_name: ".e.Gate" label: LABEL_OPTIONAL } }`
	inner := batchtest.Nullable(batchtest.StructOf(batch.Field{Name: "gate", Type: batchtest.Scalar(batch.String)}))
	typ := batchtest.StructOf(batch.Field{Name: "in", Type: inner})
	f := protobuf.Format{Message: describe(t, file, "M")}
	rows := func(names ...string) *batch.Column {
		text, valid := batch.Strings{}, batch.NewBitmap(len(names))
		for i, name := range names {
			text.Append(name)
			if name != "null" {
				valid.Set(i)
			}
		}
		in := batch.NewStruct(inner, len(names), batch.NewStrings(inner.Fields[0].Type, text))
		in.Valid = valid
		return batch.NewStruct(typ, len(names), in)
	}
	want := []string{"\x0a\x02\x08\x01", "", "\x0a\x00", "\x0a\x0b\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"}
	for i, payload := range messagetest.Encode(t, f, rows("A", "null", "NONE", "-2")) {
		if string(payload) != want[i] {
			t.Errorf("row %d is written %x, want %x", i, payload, want[i])
		}
	}
	e, err := f.Encoder(t.Context(), message.EncodeRequest{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	dst, _, err := e.Encode(t.Context(), []byte("x"), nil, rows("A", "null", "Q"))
	if want := `row 3 of 3: field in: field gate: "Q" is no value of the enum`; err == nil || err.Error() != want || string(dst) != "x" {
		t.Errorf("%q, %v, want %s", dst, err, want)
	}
}

func TestOneof(t *testing.T) {
	// A row with two fields of one oneof is an error, as a reader would lose one of
	// them, but not within a struct that is null.
	file := `name: "o.proto" package: "o" syntax: "proto3"
		message_type { name: "M" field { name: "in" number: 1 type: TYPE_MESSAGE type_name: ".o.In" label: LABEL_OPTIONAL } }
		message_type { name: "In"
			field { name: "a" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 0 }
			field { name: "b" number: 3 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 0 }
			field { name: "x" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL oneof_index: 1 }
			oneof_decl { name: "choice" } oneof_decl { name: "other" } }`
	one := batchtest.Nullable(batchtest.Scalar(batch.Int64))
	inner := batchtest.Nullable(batchtest.StructOf(batch.Field{Name: "a", Type: one}, batch.Field{Name: "x", Type: one}, batch.Field{Name: "b", Type: one}))
	typ := batchtest.StructOf(batch.Field{Name: "in", Type: inner})
	f := protobuf.Format{Message: describe(t, file, "M")}
	rows := func(set ...string) *batch.Column { // the fields that have a value, in each row
		in := batch.NewStruct(inner, len(set), nil, nil, nil)
		in.Valid = batch.NewBitmap(len(set))
		for k, name := range []string{"a", "x", "b"} {
			column := batch.NewInts(one, make([]int64, len(set)))
			column.Valid = batch.NewBitmap(len(set))
			for i := range set {
				column.Ints[i] = int64(i + 1)
				if strings.Contains(set[i], name) {
					column.Valid.Set(i)
				}
				if !strings.Contains(set[i], "null") {
					in.Valid.Set(i)
				}
			}
			in.Children[k] = column
		}
		return batch.NewStruct(typ, len(set), in)
	}
	d := messagetest.Decoder(t, f, typ)
	good := rows("ax", "null: ab", "xb", "")
	for i, payload := range messagetest.Encode(t, f, good) {
		if row, err := messagetest.Row(t, d, payload); row != good.Format(i) || err != nil {
			t.Errorf("row %d is read as %s, %v, want %s", i, row, err, good.Format(i))
		}
	}
	e, err := f.Encoder(t.Context(), message.EncodeRequest{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	dst, ends, err := e.Encode(t.Context(), []byte("x"), nil, rows("ax", "ab"))
	if want := "row 2 of 2: field in: field b: field a of the same oneof has a value too"; err == nil || !strings.Contains(err.Error(), want) || string(dst) != "x" || len(ends) > 0 {
		t.Errorf("%q, %v, %v, want %s", dst, ends, err, want)
	}
}

func TestRefusals(t *testing.T) {
	// What does not fit is said before anything is read or written.
	every := describe(t, everyFile, "Every")
	field := func(name string, typ *batch.Type) *batch.Type {
		return batchtest.StructOf(batch.Field{Name: name, Type: typ})
	}
	for want, c := range map[string]struct {
		typ     *batch.Type
		reading bool
		writing bool
	}{
		"field text: the message has string, which is not int64":                     {field("text", batchtest.Scalar(batch.Int64)), true, true},
		"field txet: message t.Every has none of this name":                          {field("txet", batchtest.Scalar(batch.String)), true, true},
		"field in: field id: the message has int64, which is not time":               {field("in", field("id", batchtest.Scalar(batch.Time))), true, true},
		"field packed: the message has repeated int32, which is not int32":           {field("packed", batchtest.Scalar(batch.Int32)), true, true},
		"field at: the message has google.protobuf.Timestamp, which is not int64":    {field("at", batchtest.Scalar(batch.Int64)), true, true},
		"field by_id: the message has map<sint64, double>, which is not list<bool>":  {field("by_id", batchtest.ListOf(batchtest.Scalar(batch.Bool))), true, true},
		"never null, and here are string?":                                           {field("words", batchtest.ListOf(batchtest.Nullable(batchtest.Scalar(batch.String)))), true, true},
		"field db: the message has double, which would lose digits as float32":       {field("db", batchtest.Scalar(batch.Float32)), true, false},
		"field fl: the message has float, which would lose digits as float64":        {field("fl", batchtest.Scalar(batch.Float64)), false, true},
		"field i32: the column may be null, and the message has int32, which cannot": {field("i32", batchtest.Nullable(batchtest.Scalar(batch.Int32))), false, true},
		"a payload of t.Every is a struct, not string":                               {batchtest.Scalar(batch.String), true, true},
		"field byName: it is the same as by_name":                                    {batchtest.StructOf(batch.Field{Name: "by_name", Type: batchtest.MapOf(batchtest.Scalar(batch.String), innerType())}, batch.Field{Name: "byName", Type: batchtest.MapOf(batchtest.Scalar(batch.String), innerType())}), true, true},
	} {
		_, reading := protobuf.Format{Message: every}.Decoder(t.Context(), message.DecodeRequest{Type: c.typ})
		_, writing := protobuf.Format{Message: every}.Encoder(t.Context(), message.EncodeRequest{Type: c.typ})
		if (reading != nil) != c.reading || (writing != nil) != c.writing {
			t.Errorf("%s: reading %v, writing %v", c.typ, reading, writing)
		}
		for _, err := range []error{reading, writing} {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s gives %v, want %q", c.typ, err, want)
			}
		}
	}
	if err := (protobuf.Format{}).Validate(batchtest.Scalar(batch.Bool)); err == nil || !strings.Contains(err.Error(), "has no Message") {
		t.Errorf("without a message: %v", err)
	}
}

func TestRegistry(t *testing.T) {
	// With a registry the file and what it imports are registered, payloads begin
	// with the id and the place of the message, and another message is refused.
	fake := srfake.New()
	defer fake.Close()
	every := describe(t, everyFile, "Every")
	f := protobuf.Format{Message: every, Registry: &registry.Registry{URLs: []string{fake.URL()}}}
	typ := batchtest.StructOf(batch.Field{Name: "text", Type: batchtest.Scalar(batch.String)})
	text := batch.Strings{}
	text.Append("hi")
	payload := messagetest.Encode(t, f, batch.NewStruct(typ, 1, batch.NewStrings(typ.Fields[0].Type, text)))[0]
	stored, ok := fake.GetSchema("events-value", 1)
	if !ok {
		t.Fatal("nothing was registered")
	}
	raw, err := base64.StdEncoding.DecodeString(stored.Schema.Schema)
	var file descriptorpb.FileDescriptorProto
	if err != nil || proto.Unmarshal(raw, &file) != nil || file.GetName() != "every.proto" || len(stored.Schema.References) != 0 {
		t.Errorf("registered %+v, %v", stored, err)
	}
	if want := string(registry.AppendHeader(nil, stored.ID)) + "\x02\x04" + "\x72\x02hi"; string(payload) != want {
		t.Errorf("the payload is %x, want %x", payload, want)
	}
	d := messagetest.Decoder(t, f, typ)
	if row, err := messagetest.Row(t, d, payload); row != `{text: "hi"}` || err != nil {
		t.Errorf("read as %s, %v", row, err)
	}
	head := string(registry.AppendHeader(nil, 1))
	for text, want := range map[string]string{
		head + "\x00":                 "message [0] of its schema, and t.Every is message [2] of its file",
		head:                          "ends within the place",
		head + "\x04\x04":             "ends within the place",
		head + "\xff\xff\xff\xff\x0f": "claims -2147483648 numbers",
		"\x72\x02hi":                  "0x72",
	} {
		if _, err := messagetest.Row(t, d, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x gives %v, want %q", text, err, want)
		}
	}
	f.AnyMessage = true
	if row, err := messagetest.Row(t, messagetest.Decoder(t, f, typ), []byte(head+"\x00\x72\x02ho")); row != `{text: "ho"}` || err != nil {
		t.Errorf("any message: %s, %v", row, err)
	}
}

func TestLoad(t *testing.T) {
	// A message is found in a file of descriptions; what is wrong with one is said.
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto)
	path := write("set", marshal(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}}))
	m, err := protobuf.Load(path, "google.protobuf.Timestamp")
	if err != nil || m.Fields().Len() != 2 {
		t.Fatal(m, err)
	}
	lacking := marshal(t, &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{{Name: proto.String("a.proto"), Dependency: []string{"b.proto"}}}})
	for want, c := range map[string][2]string{
		"no such file":                           {filepath.Join(dir, "none"), "x"},
		"is no FileDescriptorSet":                {write("text", []byte("syntax = \"proto3\";")), "x"},
		"was it written with --include_imports?": {write("lacking", lacking), "x"},
		"describes no message \"Report\"":        {path, "Report"},
	} {
		if _, err := protobuf.Load(c[0], c[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v gives %v, want %q", c, err, want)
		}
	}
}
