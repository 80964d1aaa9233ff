package avro_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	library "github.com/twmb/avro"

	"github.com/leatflow/leat/io/avro"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
)

const fuzzSchema = `{"type":"record","name":"R","fields":[
	{"name":"id","type":["null","long"]},{"name":"f","type":"float"},{"name":"s","type":"string"},{"name":"b","type":"bytes"},
	{"name":"l","type":{"type":"array","items":["null","int","long"]}},
	{"name":"m","type":{"type":"map","values":{"type":"record","name":"I","fields":[{"name":"x","type":"double"},{"name":"y","type":"boolean"}]}}},
	{"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},
	{"name":"skip","type":["null",{"type":"record","name":"N","fields":[{"name":"n","type":["null","N"]},{"name":"a","type":{"type":"array","items":"N"}}]}]}]}`

func fuzzType() *batch.Type {
	return batchtest.StructOf(batch.Field{Name: "s", Type: batchtest.Scalar(batch.String)}, batch.Field{Name: "b", Type: batchtest.Scalar(batch.Bytes)},
		batch.Field{Name: "id", Type: batchtest.Nullable(batchtest.Scalar(batch.Int64))}, batch.Field{Name: "f", Type: batchtest.Scalar(batch.Float32)},
		batch.Field{Name: "l", Type: batchtest.ListOf(batchtest.Nullable(batchtest.Scalar(batch.Int64)))}, batch.Field{Name: "at", Type: batchtest.Scalar(batch.Time)},
		batch.Field{Name: "m", Type: batchtest.MapOf(batchtest.Scalar(batch.String), batchtest.StructOf(batch.Field{Name: "x", Type: batchtest.Scalar(batch.Float64)}, batch.Field{Name: "y", Type: batchtest.Scalar(batch.Bool)}))})
}

func FuzzDecode(f *testing.F) {
	// Whatever the bytes, the decoder neither panics nor breaks its columns nor
	// touches other rows; what it accepts the library accepts, and writes as a
	// payload that is the same row.
	schema := library.MustParse(fuzzSchema)
	seed, err := schema.Encode(map[string]any{"id": 5, "f": 1.5, "s": "é", "b": []byte{1}, "l": []any{nil, 3}, "at": 7,
		"m": map[string]any{"k": map[string]any{"x": 2.5, "y": true}}, "skip": nil})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x06\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x02\x05\x00\x00\x00\x00\x02a\x00\x00\x00\x01\x02\x02\x00\x00\x00"))
	f.Add([]byte("\x0200000\x020\x00\x00\x000\x02\x001\x00\x00")) // 25 elements in no bytes, in a field nobody reads
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := messagetest.Decoder(t, avro.Format{Schema: fuzzSchema}, fuzzType())
		rows, bad := messagetest.Between(t, d, seed, payload)
		if bad != nil {
			return
		}
		var v any
		if left, err := schema.Decode(payload, &v); err != nil || len(left) > 0 {
			t.Fatalf("%x is read as %s, and the library says %v", payload, rows.Format(1), err)
		}
		again, err := schema.Encode(v)
		if err != nil {
			return // a value that the library reads and does not write, such as a far time
		}
		if row, err := messagetest.Row(t, d, again); err != nil || row != rows.Format(1) {
			t.Fatalf("%x is read as %s, as the library writes it %s, %v", payload, rows.Format(1), row, err)
		}
	})
}

func FuzzSchema(f *testing.F) {
	// Whatever the writer's schema, binding it and reading with it does not panic,
	// and what is read is a valid row.
	f.Add(fuzzSchema, []byte("\x00\x00\x00\x00\x00\x02a\x00\x00\x00\x00\x00"))
	f.Add(`["null",{"type":"record","name":"a.B","fields":[{"name":"id","type":["B","null"]}]}]`, []byte{2, 0, 2})
	f.Add(`{"type":"array","items":{"type":"fixed","name":"F","size":0}}`, []byte{4, 0})
	typ := fuzzType()
	for i := range typ.Fields {
		typ.Fields[i].Type = batchtest.Nullable(typ.Fields[i].Type)
	}
	f.Fuzz(func(t *testing.T, schema string, payload []byte) {
		if !utf8.ValidString(schema) || strings.Count(schema, "{") > 50 {
			return
		}
		for _, typ := range []*batch.Type{batchtest.Nullable(typ), batchtest.ListOf(batchtest.Nullable(batchtest.Scalar(batch.Bytes)))} {
			d, err := avro.Format{Schema: schema}.Decoder(t.Context(), message.DecodeRequest{Type: typ})
			if err != nil {
				continue
			}
			err = d.Decode(t.Context(), payload)
			if rows := d.Take(); batch.Validate(rows) != nil || (rows.Len == 1) != (err == nil) {
				t.Fatalf("%s, %x: %d rows, %v, %v", schema, payload, rows.Len, err, batch.Validate(rows))
			}
		}
	})
}
