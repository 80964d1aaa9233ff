package avro_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	library "github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leatflow/leat/io/avro"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
	"github.com/leatflow/leat/sdk/connector/message/registry"
)

// everyKind is connectortest's, without the map that Avro has none of.
func everyKind() *batch.Type {
	t := connectortest.EveryKind()
	t.Fields = slices.DeleteFunc(t.Fields, func(f batch.Field) bool { return f.Name == "map_of_lists" })
	return t
}

func sample(n int, seed uint64) *batch.Column {
	rows := connectortest.Sample(everyKind(), n, seed)
	for i, f := range rows.Type.Fields {
		if f.Type.Kind == batch.Uint64 {
			for k := range rows.Children[i].Ints {
				rows.Children[i].Ints[k] &= math.MaxInt64
			}
		}
	}
	return rows
}

func TestRowsAndLibrary(t *testing.T) {
	// Rows of every kind, from the middle of a column, are written as what the
	// library reads as the same values; what the library writes of them, and what we
	// wrote, is read as the same rows.
	fake := srfake.New()
	defer fake.Close()
	f := avro.Format{Registry: &registry.Registry{URLs: []string{fake.URL()}}}
	for seed := range uint64(4) {
		rows := sample(50, seed).Slice(5, 50)
		payloads := messagetest.Encode(t, f, rows)
		stored, ok := fake.GetSchema("events-value", 1)
		if !ok {
			t.Fatal("nothing was registered")
		}
		schema := library.MustParse(stored.Schema.Schema)
		d := messagetest.Decoder(t, f, rows.Type)
		for i, payload := range payloads {
			id, rest, err := registry.Header(payload)
			if err != nil || id != stored.ID {
				t.Fatalf("id %d, want %d, %v", id, stored.ID, err)
			}
			var got any
			if left, err := schema.Decode(rest, &got); err != nil || len(left) > 0 {
				t.Fatalf("the library reads row %d with %d bytes left, %v", i, len(left), err)
			}
			want := value(rows, i)
			if !same(got, want) {
				t.Fatalf("the library reads row %d as\n%v\nwant\n%v", i, got, want)
			}
			theirs, err := schema.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range [][]byte{payload, append(registry.AppendHeader(nil, id), theirs...)} {
				if row, err := messagetest.Row(t, d, p); err != nil || row != rows.Format(i) {
					t.Fatalf("row %d is read as\n%s\nwant\n%s\n%v", i, row, rows.Format(i), err)
				}
			}
		}
	}
}

const reportSchema = `{"type":"record","name":"Report","namespace":"air","fields":[
	{"name":"origin","type":"string"},
	{"name":"note","type":["null",{"type":"map","values":{"type":"array","items":"Report"}}]},
	{"name":"late","aliases":["delay"],"type":["null","int","string"]},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"gate","type":{"type":"enum","name":"Gate","symbols":["A","B"]}},
	{"name":"hash","type":{"type":"fixed","name":"Two","size":2}},
	{"name":"day","type":{"type":"int","logicalType":"date"}},
	{"name":"distance","type":"int"}]}`

func report(late any) map[string]any {
	inner := map[string]any{"origin": "x", "note": nil, "late": nil, "at": time.UnixMilli(0), "gate": "A", "hash": []byte{0, 0}, "day": time.UnixMilli(0), "distance": 1}
	return map[string]any{"origin": "JFK", "note": map[string]any{"a": []any{inner, inner}, "b": []any{}}, "late": late,
		"at": time.UnixMilli(-1500), "gate": "B", "hash": []byte{1, 255}, "day": time.Date(1970, 1, 3, 0, 0, 0, 0, time.UTC), "distance": 2475}
}

func TestResolution(t *testing.T) {
	// Fields are found by name and alias, what nobody reads is stepped over though
	// it refers to itself, numbers are promoted, logical types become times, and a
	// field the schema lacks is null.
	typ := batchtest.StructOf(
		batch.Field{Name: "distance", Type: batchtest.Scalar(batch.Float64)}, batch.Field{Name: "delay", Type: batchtest.Nullable(batchtest.Scalar(batch.Int16))},
		batch.Field{Name: "gate", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)},
		batch.Field{Name: "day", Type: batchtest.Scalar(batch.Time)}, batch.Field{Name: "hash", Type: batchtest.Scalar(batch.Bytes)},
		batch.Field{Name: "gone", Type: batchtest.Nullable(batchtest.ListOf(batchtest.Scalar(batch.Bool)))})
	d := messagetest.Decoder(t, avro.Format{Schema: reportSchema}, typ)
	for late, want := range map[any]string{int32(-7): "-7", nil: "null"} {
		row, err := messagetest.Row(t, d, written(t, reportSchema, report(late)))
		if expected := "{distance: 2475, delay: " + want + `, gate: "B", at: 1969-12-31T23:59:58.500000Z, day: 1970-01-03T00:00:00.000000Z, hash: 0x01ff, gone: null}`; row != expected || err != nil {
			t.Errorf("got  %s, %v\nwant %s", row, err, expected)
		}
	}
	for late, want := range map[any]string{int32(40_000): "field late: 40000 does not fit int16 (byte", "x": "field late: the schema has string, which cannot be read into int16"} {
		if _, err := messagetest.Row(t, d, written(t, reportSchema, report(late))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("late %v gives %v, want %q", late, err, want)
		}
	}
}

func TestTimes(t *testing.T) {
	// Each unit of a time is read as microseconds, rounded down; what is out of the
	// range of times is an error; an integer column gets the number.
	for schema, c := range map[string]struct {
		value int64
		want  string // of a time, or the error
	}{
		"timestamp-millis":       {-1, "1969-12-31T23:59:59.999000Z"},
		"timestamp-micros":       {-1, "1969-12-31T23:59:59.999999Z"},
		"timestamp-nanos":        {-1, "1969-12-31T23:59:59.999999Z"},
		"local-timestamp-nanos":  {1999, "1970-01-01T00:00:00.000001Z"},
		"local-timestamp-millis": {math.MaxInt64 / 1000, "9223372036854775 does not fit time"},
		"local-timestamp-micros": {math.MinInt64, "-9223372036854775808 does not fit time"},
	} {
		f := avro.Format{Schema: `{"type":"long","logicalType":"` + schema + `"}`}
		payload := binary.AppendVarint(nil, c.value)
		if got, err := messagetest.Row(t, messagetest.Decoder(t, f, batchtest.Scalar(batch.Time)), payload); got != c.want && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%d as %s is %s, %v, want %s", c.value, schema, got, err, c.want)
		}
		if got, err := messagetest.Row(t, messagetest.Decoder(t, f, batchtest.Scalar(batch.Int64)), payload); got != fmt.Sprint(c.value) || err != nil {
			t.Errorf("%d as %s is %s, %v", c.value, schema, got, err)
		}
	}
}

func TestReaderSchema(t *testing.T) {
	// With a registry the schema of the format is the reader's: its aliases and
	// defaults count, within records too.
	fake := srfake.New()
	defer fake.Close()
	written1 := `{"type":"record","name":"A","fields":[{"name":"old","type":"int"},{"name":"in","type":{"type":"record","name":"B","fields":[]}}]}`
	fake.SeedSchema("events-value", 1, 9, sr.Schema{Schema: written1})
	f := avro.Format{Registry: &registry.Registry{URLs: []string{fake.URL()}}, Schema: `{"type":"record","name":"A","fields":[
		{"name":"new","type":"long","aliases":["old"]},
		{"name":"tags","type":{"type":"map","values":"string"},"default":{"k":"v"}},
		{"name":"in","type":{"type":"record","name":"B","fields":[{"name":"x","type":"double","default":1.5}]}}]}`}
	typ := batchtest.StructOf(batch.Field{Name: "new", Type: batchtest.Scalar(batch.Int64)}, batch.Field{Name: "tags", Type: batchtest.MapOf(batchtest.Scalar(batch.String), batchtest.Scalar(batch.String))},
		batch.Field{Name: "in", Type: batchtest.StructOf(batch.Field{Name: "x", Type: batchtest.Scalar(batch.Float64)})})
	d := messagetest.Decoder(t, f, typ)
	for range 2 {
		row, err := messagetest.Row(t, d, append(registry.AppendHeader(nil, 9), 84))
		if want := `{new: 42, tags: {"k": "v"}, in: {x: 1.5}}`; row != want || err != nil {
			t.Errorf("got %s, %v, want %s", row, err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	// What a schema cannot give a row type is said when they are bound.
	for want, c := range map[string]struct {
		schema string
		typ    *batch.Type
	}{
		"the schema has bytes (decimal), which no column holds":                                                     {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, batchtest.Scalar(batch.Bytes)},
		"the schema has double, which cannot be read into float32; make the field a float64":                        {`"double"`, batchtest.Scalar(batch.Float32)},
		"the schema has long, which cannot be read into time, as it does not say its unit; make the field an int64": {`"long"`, batchtest.Scalar(batch.Time)},
		"the schema has string, which cannot be read into int64":                                                    {`["null","string"]`, batchtest.Nullable(batchtest.Scalar(batch.Int64))},
		"field a: the schema has no such field, and int64 is never null":                                            {`{"type":"record","name":"R","fields":[]}`, batchtest.StructOf(batch.Field{Name: "a", Type: batchtest.Scalar(batch.Int64)})},
		"field []: the schema has string, which cannot be read into bool":                                           {`{"type":"array","items":"string"}`, batchtest.ListOf(batchtest.Scalar(batch.Bool))},
		"the schema has array, which cannot be read into map<string, bool>":                                         {`{"type":"array","items":"boolean"}`, batchtest.MapOf(batchtest.Scalar(batch.String), batchtest.Scalar(batch.Bool))},
		"avro.Format.Schema is no Avro schema":                                                                      {`{"type":"recor"}`, batchtest.Scalar(batch.Bool)},
		"neither a Registry nor a Schema":                                                                           {``, batchtest.Scalar(batch.Bool)},
		"field m: the key of an Avro map is a string, not int64": {`"int"`, batchtest.StructOf(batch.Field{Name: "m", Type: &batch.Type{Kind: batch.Map,
			Fields: []batch.Field{{Name: "key", Type: batchtest.Scalar(batch.Int64)}, {Name: "value", Type: batchtest.Scalar(batch.Bool)}}}})},
	} {
		_, err := avro.Format{Schema: c.schema}.Decoder(t.Context(), message.DecodeRequest{Type: c.typ})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s into %s gives %v, want %q", c.schema, c.typ, err, want)
		}
	}
}

func TestBadPayloads(t *testing.T) {
	// A bad payload is an error that says what and where, asks for no memory that
	// it does not fill, and leaves the rows around it as they are.
	schema := `{"type":"record","name":"R","fields":[
		{"name":"id","type":"int"},{"name":"s","type":["null","string"]},
		{"name":"l","type":{"type":"array","items":"null"}},
		{"name":"m","type":{"type":"map","values":"boolean"}},
		{"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},
		{"name":"rest","type":["null",{"type":"record","name":"N","fields":[{"name":"n","type":["null","N"]}]}]}]}`
	typ := batchtest.StructOf(batch.Field{Name: "id", Type: batchtest.Scalar(batch.Int64)}, batch.Field{Name: "s", Type: batchtest.Scalar(batch.String)},
		batch.Field{Name: "l", Type: batchtest.ListOf(batchtest.Nullable(batchtest.Scalar(batch.Bool)))}, batch.Field{Name: "m", Type: batchtest.MapOf(batchtest.Scalar(batch.String), batchtest.Scalar(batch.Bool))},
		batch.Field{Name: "e", Type: batchtest.Scalar(batch.String)})
	good := "\x02\x02\x04ok\x04\x00\x02\x02k\x01\x00\x00\x00"
	huge := string(binary.AppendVarint(nil, math.MaxInt32))
	messagetest.BadPayloads(t, avro.Format{Schema: schema}, typ, good, map[string]string{
		"":                         "field id: the payload ends within an integer (byte 0)",
		good[:6]:                   "field l: the payload ends within an integer",
		good + "\x00":              "1 bytes follow the value (byte 14)",
		"\x80\x80\x80\x80\x20":     "field id: the int 4294967296 does not fit 32 bits",
		strings.Repeat("\xff", 11): "field id: an integer is longer than 64 bits",
		"\x02\x00":                 "field s: null, but the row type has string, which is never null",
		"\x02\x04":                 "field s: the union has 2 branches and none with the number 2",
		"\x02\x02" + huge + "abc":  "field s: a value claims to have 2147483647 bytes, and 3 are left",
		"\x02\x02\x01abc":          "field s: a value claims to have -1 bytes",
		"\x02\x02\x02\xff":         "field s: the string is not UTF-8",
		"\x02\x02\x00" + huge:      "field l: more than 1048576 elements and records take no bytes",
		"\x02\x02\x00\x01\x01":     "field l: a block claims to have -1 bytes",
		"\x02\x02\x00\x01" + huge:  "field l: a block claims to have 2147483647 bytes, and 0 are left",
		"\x02\x02\x00" + strings.Repeat("\xff", 9) + "\x01\x00":      "field l: a block claims to have",
		"\x02\x02\x00\x00\x04\x02k\x01\x02k\x01\x00":                 "field m: a key of the map occurs twice",
		"\x02\x02\x00\x00\x02\x02k\x07\x00":                          "field m[]: the byte 0x07 is no boolean",
		"\x02\x02\x00\x00\x02\x02\xff\x01\x00":                       "field m: a key of the map is not UTF-8",
		"\x02\x02\x00\x00\x00\x02":                                   "field e: the enum has 1 symbols and none with the number 1",
		"\x02\x02\x00\x00\x00\x00" + strings.Repeat("\x02", 100_000): "values nest deeper than 10000",
	})
}

func TestHollowSchema(t *testing.T) {
	// A schema of records that each hold another twice asks for 2^40 of them in no
	// bytes; that is refused, and soon.
	inner := `{"type":"record","name":"R0","fields":[]}`
	for i := range 40 {
		inner = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"R%d"}]}`, i+1, inner, i)
	}
	schema := `{"type":"record","name":"Top","fields":[{"name":"id","type":"int"},{"name":"rest","type":` + inner + `}]}`
	d := messagetest.Decoder(t, avro.Format{Schema: schema}, batchtest.StructOf(batch.Field{Name: "id", Type: batchtest.Scalar(batch.Int64)}))
	if _, err := messagetest.Row(t, d, []byte{2}); err == nil || !strings.Contains(err.Error(), "more than 1048576 elements and records take no bytes") || len(err.Error()) > 1000 {
		t.Errorf("got %.300v", err)
	}
}

func TestRegistryTrouble(t *testing.T) {
	// Of what may be wrong with the schema of a payload only a registry that does
	// not answer is not the payload's fault.
	fake := srfake.New()
	fake.SeedSchema("other", 1, 3, sr.Schema{Schema: `syntax = "proto3";`, Type: sr.TypeProtobuf})
	fake.SeedSchema("wrong", 1, 4, sr.Schema{Schema: `"string"`})
	f := avro.Format{Registry: &registry.Registry{URLs: []string{fake.URL()}}}
	d := messagetest.Decoder(t, f, batchtest.Scalar(batch.Int64))
	for id, want := range map[int]string{3: "schema 3 of the registry", 4: "the schema has string, which cannot be read into int64", 77: "knows no schema with id 77"} {
		for range 2 {
			err := d.Decode(t.Context(), registry.AppendHeader(nil, id))
			var u *message.Unavailable
			if err == nil || errors.As(err, &u) || !strings.Contains(err.Error(), want) {
				t.Errorf("id %d gives %v, want %q", id, err, want)
			}
		}
	}
	fake.Close()
	var u *message.Unavailable
	if err := d.Decode(t.Context(), registry.AppendHeader(nil, 5)); !errors.As(err, &u) || d.Rows() != 0 {
		t.Errorf("a registry that is away gives %v", err)
	}
}

func TestWrittenWithSchema(t *testing.T) {
	// Rows are written as a given schema wants them: order of fields, unions,
	// defaults, milliseconds, enum and fixed; what it cannot hold is an error, but
	// not within a struct that is null.
	schema := `{"type":"record","name":"R","fields":[
		{"name":"extra","type":["long","null"],"default":7},
		{"name":"in","type":["null",{"type":"record","name":"I","fields":[
			{"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}},
			{"name":"f","type":{"type":"fixed","name":"F","size":1}}]}]},
		{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"n","type":["string","null"]}]}`
	inner := batchtest.Nullable(batchtest.StructOf(batch.Field{Name: "f", Type: batchtest.Scalar(batch.Bytes)}, batch.Field{Name: "e", Type: batchtest.Scalar(batch.String)}))
	typ := batchtest.StructOf(batch.Field{Name: "n", Type: batchtest.Nullable(batchtest.Scalar(batch.String))}, batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)}, batch.Field{Name: "in", Type: inner})
	rows := func(symbols ...string) *batch.Column {
		n := len(symbols)
		names, files, at := batch.Strings{}, batch.Strings{}, make([]int64, n)
		valid := batch.NewBitmap(n)
		for i, s := range symbols {
			names.Append(s)
			files.Append("z"[:min(1, len(s))])
			at[i] = int64(i)*1_000_000 + 1999
			if s != "" {
				valid.Set(i)
			}
		}
		in := batch.NewStruct(inner, n, batch.NewStrings(inner.Fields[0].Type, files), batch.NewStrings(inner.Fields[1].Type, names))
		in.Valid = valid
		text := batch.NewStrings(typ.Fields[0].Type, names)
		text.Valid = valid
		return batch.NewStruct(typ, n, text, batch.NewInts(typ.Fields[1].Type, at), in)
	}
	f := avro.Format{Schema: schema}
	parsed := library.MustParse(schema)
	for i, payload := range messagetest.Encode(t, f, rows("Y", "", "X")) {
		var got any
		if left, err := parsed.Decode(payload, &got); err != nil || len(left) > 0 {
			t.Fatal(err, left)
		}
		want := []string{"map[at:1970-01-01 00:00:00.001 +0000 UTC extra:7 in:map[e:Y f:[122]] n:Y]",
			"map[at:1970-01-01 00:00:01.001 +0000 UTC extra:7 in:<nil> n:<nil>]", "map[at:1970-01-01 00:00:02.001 +0000 UTC extra:7 in:map[e:X f:[122]] n:X]"}[i]
		if fmt.Sprint(got) != want {
			t.Errorf("the library reads %v, want %s", got, want)
		}
	}
	e, err := f.Encoder(t.Context(), message.EncodeRequest{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	dst, ends, err := e.Encode(t.Context(), []byte("x"), nil, rows("X", "?", "Q"))
	if want := `row 2 of 3: field in: field e: "?" is none of the enum's symbols`; err == nil || err.Error() != want || string(dst) != "x" || len(ends) > 0 {
		t.Errorf("%q, %v, %v, want %s", dst, ends, err, want)
	}
	for want, other := range map[string]string{
		"field b: the rows have no such field, and the schema no default": `{"type":"record","name":"R","fields":[{"name":"b","type":"int"}]}`,
		"field at: the schema has no such field":                          `{"type":"record","name":"R","fields":[{"name":"n","type":["null","string"]}]}`,
		"field n: the schema has string without null":                     `{"type":"record","name":"R","fields":[{"name":"n","type":"string"}]}`,
		"the schema has int, which cannot hold struct":                    `"int"`,
	} {
		if _, err := (avro.Format{Schema: other}).Encoder(t.Context(), message.EncodeRequest{Type: typ}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %q", other, err, want)
		}
	}
}

func TestUnsigned(t *testing.T) {
	// A uint64 that no long holds is an error, not another number.
	fake := srfake.New()
	defer fake.Close()
	f := avro.Format{Registry: &registry.Registry{URLs: []string{fake.URL()}}, Name: "n.Row"}
	e, err := f.Encoder(t.Context(), message.EncodeRequest{Topic: "u", Key: true, Type: batchtest.Scalar(batch.Uint64)})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = e.Encode(t.Context(), nil, nil, batch.NewInts(batchtest.Scalar(batch.Uint64), []int64{1, -1}))
	if err == nil || !strings.Contains(err.Error(), "row 2 of 2: 18446744073709551615 does not fit") {
		t.Errorf("got %v", err)
	}
	if !fake.SubjectExists("u-key") {
		t.Error("the key's schema has another subject")
	}
	f.Registered = true
	if _, err := f.Encoder(t.Context(), message.EncodeRequest{Topic: "new", Type: batchtest.Scalar(batch.Bool)}); err == nil || !strings.Contains(err.Error(), "nothing is to be registered") {
		t.Errorf("a schema that is not registered: %v", err)
	}
}
