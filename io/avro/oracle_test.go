package avro_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	library "github.com/twmb/avro"

	"github.com/leatflow/leat/sdk/batch"
)

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
