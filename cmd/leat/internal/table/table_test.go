package table

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// The type of JSON is what all lines have in common.
func TestInferJSON(t *testing.T) {
	for _, test := range []struct{ lines, want string }{
		{`{"a":1}`, "struct{a int64}"},
		{`{"a":1} {"a":1.5}`, "struct{a float64}"},
		{`{"a":1} {"a":"NaN"}`, "struct{a float64}"},
		{`{"a":"NaN"}`, "struct{a string}"},
		{`{"a":1} {"a":null} {"b":true}`, "struct{a int64?, b bool?}"},
		{`{"a":null}`, "struct{a string?}"},
		{`{"a":"2001-01-01T00:00:00Z"} {"a":"2001-01-01T00:00:00.5+02:00"}`, "struct{a time}"},
		{`{"a":"2001-01-01T00:00:00Z"} {"a":"x"} {"a":"2001-01-01T00:00:00Z"}`, "struct{a string}"},
		{`{"a":[1,2]} {"a":[0.5,null]} {"a":[]}`, "struct{a list<float64?>}"},
		{`{"a":{"b":1,"c":"x"}} {"a":{"b":2}}`, "struct{a struct{b int64, c string?}}"},
		{``, "struct{}"},
	} {
		name := filepath.Join(t.TempDir(), "x.json")
		if err := os.WriteFile(name, []byte(strings.ReplaceAll(test.lines, "} {", "}\n{")), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := Open(t.Context(), name)
		if err != nil || got.Type.String() != test.want || got.Rows != int64(strings.Count(test.lines, "} {")+min(len(test.lines), 1)) {
			t.Errorf("%s: got %+v, %v; want %s", test.lines, got, err, test.want)
		}
	}
}

// Files of one table may differ in width and nullability; what no type holds is
// left to the source to refuse.
func TestWiden(t *testing.T) {
	for _, test := range []struct{ a, b, want batch.Kind }{
		{batch.Int8, batch.Int64, batch.Int64}, {batch.Uint8, batch.Int8, batch.Int16}, {batch.Int64, batch.Uint32, batch.Int64},
		{batch.Uint64, batch.Uint8, batch.Uint64}, {batch.Int8, batch.Uint64, batch.Int8}, {batch.Float32, batch.Float64, batch.Float64},
		{batch.String, batch.Int64, batch.String},
	} {
		got := widen(&batch.Type{Kind: test.a}, &batch.Type{Kind: test.b, Nullable: true})
		if got.Kind != test.want || !got.Nullable {
			t.Errorf("%s and %s: got %s, want %s?", test.a, test.b, got, test.want)
		}
	}
}

// Values of directories are integers only when all of them are written as such.
func TestKindOf(t *testing.T) {
	for values, want := range map[string]batch.Kind{
		"1,2,-3": batch.Int64, "1," + nullPartition: batch.Int64, "007,8": batch.String, "1,x": batch.String,
		nullPartition: batch.String, "99999999999999999999": batch.String,
	} {
		if got := kindOf(strings.Split(values, ",")); got != want {
			t.Errorf("%s: got %s, want %s", values, got, want)
		}
	}
}
