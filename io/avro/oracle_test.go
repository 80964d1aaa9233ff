package avro_test

import (
	"context"
	"math"
	"reflect"
	"testing"
	"time"

	library "github.com/twmb/avro"

	"github.com/leatflow/leat/io/avro"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

func scalar(k batch.Kind) *batch.Type { return &batch.Type{Kind: k} }

func nullable(t *batch.Type) *batch.Type {
	n := *t
	n.Nullable = true
	return &n
}

func structOf(fields ...batch.Field) *batch.Type {
	return &batch.Type{Kind: batch.Struct, Fields: fields}
}

func listOf(element *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: element}}}
}

func mapOf(value *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: scalar(batch.String)}, {Name: "value", Type: value}}}
}

func decoder(t testing.TB, f avro.Format, typ *batch.Type) message.Decoder {
	t.Helper()
	d, err := f.Decoder(t.Context(), message.DecodeRequest{Topic: "events", Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rowOf decodes one payload and renders the row, or the error.
func rowOf(t testing.TB, d message.Decoder, payload []byte) (string, error) {
	t.Helper()
	if err := d.Decode(context.Background(), payload); err != nil {
		return "", err
	}
	rows := d.Take()
	if err := batch.Validate(rows); err != nil || rows.Len != 1 {
		t.Fatalf("%x: %d rows, %v", payload, rows.Len, err)
	}
	return rows.Format(0), nil
}

// encode returns the payloads of all rows of a column.
func encode(t testing.TB, f avro.Format, rows *batch.Column) [][]byte {
	t.Helper()
	e, err := f.Encoder(t.Context(), message.EncodeRequest{Topic: "events", Type: rows.Type})
	if err != nil {
		t.Fatal(err)
	}
	data, ends, err := e.Encode(t.Context(), []byte("kept"), []int{4}, rows)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for i := 1; i < len(ends); i++ {
		all = append(all, data[ends[i-1]:ends[i]])
	}
	if len(all) != rows.Len || string(data[:4]) != "kept" || ends[len(ends)-1] != len(data) {
		t.Fatalf("%d payloads of %d rows", len(all), rows.Len)
	}
	return all
}

// value returns a row as the library decodes it into an any.
func value(c *batch.Column, i int) any {
	if c.Null(i) {
		return nil
	}
	switch c.Type.Kind {
	case batch.Bool:
		return c.Bools[i]
	case batch.Int64, batch.Uint32, batch.Uint64:
		return c.Ints[i]
	case batch.Time:
		return time.UnixMicro(c.Ints[i]).UTC()
	case batch.Float32:
		return float32(c.Floats[i])
	case batch.Float64:
		return c.Floats[i]
	case batch.String:
		return string(c.Bytes(i))
	case batch.Bytes:
		return append([]byte{}, c.Bytes(i)...)
	case batch.Struct:
		fields := map[string]any{}
		for k, f := range c.Type.Fields {
			fields[f.Name] = value(c.Children[k], i)
		}
		return fields
	case batch.List:
		elements := []any{}
		from, to := c.Range(i)
		for j := from; j < to; j++ {
			elements = append(elements, value(c.Children[0], j))
		}
		return elements
	case batch.Map:
		entries := map[string]any{}
		from, to := c.Range(i)
		for j := from; j < to; j++ {
			entries[c.Children[0].Text(j)] = value(c.Children[1], j)
		}
		return entries
	}
	return int32(c.Ints[i])
}

// same compares values, NaN being the same as NaN.
func same(a, b any) bool {
	if x, ok := a.(map[string]any); ok {
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if !same(x[k], y[k]) {
				return false
			}
		}
		return true
	}
	if x, ok := a.([]any); ok {
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if !same(x[k], y[k]) {
				return false
			}
		}
		return true
	}
	if x, ok := a.(float64); ok && math.IsNaN(x) {
		y, ok := b.(float64)
		return ok && math.IsNaN(y)
	}
	if x, ok := a.(float32); ok && x != x {
		y, ok := b.(float32)
		return ok && y != y
	}
	return reflect.DeepEqual(a, b)
}

// written has the library encode a value.
func written(t testing.TB, schema string, v any) []byte {
	t.Helper()
	data, err := library.MustParse(schema).Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
