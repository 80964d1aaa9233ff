package json_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector"
)

// nested is a type with everything inside something.
func nested() *batch.Type {
	point := batchtest.StructOf(batch.Field{Name: "x", Type: batchtest.Scalar(batch.Int8)}, batch.Field{Name: "y", Type: batchtest.Nullable(batchtest.Scalar(batch.Float64))})
	return batchtest.StructOf(
		batch.Field{Name: "id", Type: batchtest.Scalar(batch.Int64)},
		batch.Field{Name: "path", Type: batchtest.ListOf(point)},
		batch.Field{Name: "tags", Type: batchtest.MapOf(batchtest.Scalar(batch.String), batchtest.Nullable(batchtest.Scalar(batch.Int64)))},
		batch.Field{Name: "at", Type: batchtest.Nullable(point)},
	)
}

func TestNested(t *testing.T) {
	// Fields in any order, map entries out of order, nulls at each level and
	// absent nullable fields give the rows one expects.
	rows, bad := rowsOf(t, json.Source{}, nested(), `
{"id":1,"path":[{"x":1,"y":1.5},{"y":null,"x":2},{"x":3}],"tags":{"b":2,"a":1,"c":null},"at":{"x":-128}}
{"tags":{},"path":[],"id":2,"at":null, "other":{"id":[1,{"id":"\u0041"}]} }
 { "path" : null , "id" : 3 , "tags" : null }
{"id":4,"path":[{"x":4}],"tags":{"\u007a":1,"y":2}}`)
	want := []string{
		`{id: 1, path: [{x: 1, y: 1.5}, {x: 2, y: null}, {x: 3, y: null}], tags: {"a": 1, "b": 2, "c": null}, at: {x: -128, y: null}}`,
		`{id: 2, path: [], tags: {}, at: null}`,
		`{id: 3, path: [], tags: {}, at: null}`,
		`{id: 4, path: [{x: 4, y: null}], tags: {"y": 2, "z": 1}, at: null}`,
	}
	if !slices.Equal(rows, want) || len(bad) > 0 {
		t.Errorf("rows\n%s\nwant\n%s\nbad %v", strings.Join(rows, "\n"), strings.Join(want, "\n"), bad)
	}
}

func TestBadRecordsAreCutOff(t *testing.T) {
	// A record that turns out bad at any depth leaves no trace in any column:
	// the good ones before and after it are whole.
	good := `{"id":1,"path":[{"x":1,"y":2}],"tags":{"b":2,"a":1},"at":{"x":1}}`
	clean, _ := rowsOf(t, json.Source{}, nested(), good+"\n"+good)
	for text, want := range map[string]string{
		`{"id":2,"path":[{"x":1},{"x":300}],"tags":{}}`:               "field path[].x: 300 does not fit int8 (column 30)",
		`{"path":[{"x":1},{"y":1}],"id":2,"tags":{}}`:                 "field path[].x: the field is missing",
		`{"id":2,"tags":{"b":1,"a":1.5},"path":[]}`:                   "field tags[]: 1.5 is not a whole number",
		`{"id":2,"tags":{"b":1,"a":1,"b":2},"path":[]}`:               "field tags: a key of the map occurs twice",
		`{"id":2,"tags":{"a":1},"path":[],"at":{"x":1,"x":2}}`:        "field at.x: the field occurs twice",
		`{"id":2,"tags":{"a":1},"path":[{"x":1}]`:                     "want ',' or '}', got the end of the line",
		`{"id":2,"tags":{"a":1},"path":[{"x":1} {}]}`:                 "want ',' or ']', got an object",
		`{"id":2,"tags":{"a" 1},"path":[]}`:                           "want ':' after a field name, got a number",
		`{"id":2,"tags":{"a":1},"path":[],}`:                          "want a field name, got \"'}'\"",
		`{"id":2,"tags":{"a":1},"path":[],"z":[1,tru]}`:               "want a value",
		`{"id":2,"tags":{"a":1},"path":[],"z":{"a":"\q"}}`:            "is no escape sequence",
		`{"id":2,"tags":{"a":1},"path":[],"z":01}`:                    "\"01}\" is no number",
		`{"id":2,"tags":{"a":1},"path":[]} {"id":3}`:                  "an object follows the record; want one record a line",
		`{"id":2,"tags":{"a":1}}`:                                     "field path: the field is missing",
		`{"id":null,"tags":{"a":1},"path":[]}`:                        "field id: null, but the row type has int64",
		`{"id":"2","tags":{"a":1},"path":[]}`:                         "field id: want a number, got a string (column 7)",
		`{"id":9223372036854775808,"tags":{},"path":[]}`:              "9223372036854775808 does not fit int64",
		`{"id":true,"tags":{},"path":[]}`:                             "want a number, got true",
		`{"id":2,"path":{},"tags":{}}`:                                "field path: want an array, got an object",
		`{"id":2,"path":[],"tags":[]}`:                                "field tags: want an object, got an array",
		`[` + good + `]`:                                              "want an object, got an array; write one object a line",
		`null`:                                                        "null, but the row type has struct",
		`{"id":2,"path":[],"tags":{},"z":` + strings.Repeat("[", 1e5): "nest deeper than 10000",
		"{\"id\":2,\"path\":[],\"tags\":{},\"z\":\"a\x00\"}":          "control character 0x00",
		`{"id":2,"path":[],"tags":{},"z":"abc`:                        "the string does not end",
		`{"id":2,"path":[],"tags":{},"at":{"x":1,"y":1e400}}`:         "field at.y: 1e400 does not fit float64",
		`{"id":2,"path":[],"tags":{},"at":{"x":1,"y":"Inf"}}`:         "got a string",
		`{"id":2,"path":[],"tags":{},"at":{"x":1,"y":.5}}`:            "want a number, got '.'",
		`{"id":2,"path":[],"tags":{},"at":{"x":-,"y":1}}`:             "is no number",
		`{"id":2,"path":[],"tags":{},"at":{"x":1,"y":1e}}`:            "is no number",
		`{"id":2,"path":[],"tags":{},"at":{"x":1,"y":1.}}`:            "is no number",
		`{`: "want a field name, got the end of the line",
		`x`: "want an object, got 'x'",
	} {
		want = strings.ReplaceAll(want, `"'}'"`, `'}'`)
		rows, bad := rowsOf(t, json.Source{}, nested(), good+"\n"+text+"\n"+good)
		if !slices.Equal(rows, clean) {
			t.Errorf("%.80s\nleaves rows %s", text, strings.Join(rows, "\n"))
		}
		if len(bad) != 1 {
			t.Errorf("%.80s\nis bad %d times", text, len(bad))
			continue
		}
		if !strings.Contains(bad[0].Error(), want) || !strings.HasSuffix(bad[0].Place, "rows.json:2") {
			t.Errorf("%.80s\ngives %v at %s, want %q", text, bad[0].Err, bad[0].Place, want)
		}
		if string(bad[0].Raw) != text[:min(len(text), connector.MaxRawBytes)] {
			t.Errorf("%.80s\nis reported as %.80q", text, bad[0].Raw)
		}
	}
}

func TestUnreadFields(t *testing.T) {
	// Fields nobody reads are skipped whatever they hold, as long as it is JSON,
	// and do not get in the way of a bad record or a null one.
	typ := batchtest.Nullable(batchtest.StructOf(batch.Field{Name: "a", Type: batchtest.Scalar(batch.Int64)}, batch.Field{Name: "b", Type: batchtest.Scalar(batch.String)}))
	path := filepath.Join(t.TempDir(), "rows.json")
	write(t, path, `{"a":1,"b":7}`+"\nnull\n"+`{"a":"x","b":""}`+"\n"+`{"a":2}`+"\n"+`{"a":3,"b":tru}`)
	bad := 0
	in, err := json.Source{Path: path}.Open(t.Context(), connector.Request{Type: typ, Needed: []bool{true, false},
		Bad: func(connector.BadRecord) error { bad++; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := in.Reader(t.Context(), in.Splits()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Read(t.Context())
	if err != nil || bad != 2 || b.Root.Children[1] != nil || !slices.Equal(b.Root.Children[0].Ints, []int64{1, 0, 2}) || !b.Root.Null(1) {
		t.Errorf("%d bad records, batch %+v, %v", bad, b, err)
	}
}

func TestUnknownFields(t *testing.T) {
	// A field the row type lacks is ignored, or makes the record bad when that
	// is asked for, at any depth.
	typ := batchtest.StructOf(batch.Field{Name: "a", Type: batchtest.StructOf(batch.Field{Name: "b", Type: batchtest.Scalar(batch.Bool)})})
	text := `{"a":{"b":true,"c":1}}` + "\n" + `{"a":{"b":false}}` + "\n" + `{"a":{"b":true},"A":1}`
	rows, bad := rowsOf(t, json.Source{}, typ, text)
	if len(rows) != 3 || len(bad) != 0 {
		t.Errorf("ignoring: %d rows, %v", len(rows), bad)
	}
	rows, bad = rowsOf(t, json.Source{RefuseUnknown: true}, typ, text)
	if len(rows) != 1 || len(bad) != 2 || !strings.Contains(bad[0].Error(), "field a.c: the row type has no such field") {
		t.Errorf("refusing: %d rows, %v", len(rows), bad)
	}
}

func TestScalars(t *testing.T) {
	// Each kind takes its values, at the limits, and refuses those beyond.
	for _, c := range []struct {
		typ       *batch.Type
		good, bad string // separated by blanks
		want      string
	}{
		{batchtest.Scalar(batch.Bool), `true false`, `0 "true" tru`, `true false`},
		{batchtest.Scalar(batch.Int8), `127 -128 -0`, `128 -129 1e0 1.0`, `127 -128 0`},
		{batchtest.Scalar(batch.Uint8), `255 0 -0`, `256 -1`, `255 0 0`},
		{batchtest.Scalar(batch.Int64), `9223372036854775807 -9223372036854775808`, `9223372036854775808 -9223372036854775809 18446744073709551616 99999999999999999999999`, `9223372036854775807 -9223372036854775808`},
		{batchtest.Scalar(batch.Uint64), `18446744073709551615 0`, `18446744073709551616 -1 28446744073709551615`, `18446744073709551615 0`},
		{batchtest.Scalar(batch.Float64), `0.1 1e22 123456789012345678 1E-400 -1.5e+3 "-Infinity" 1.7976931348623157e308 9007199254740993`, `1e309 "x" true`,
			`0.1 1e+22 1.2345678901234568e+17 0 -1500 -Inf 1.7976931348623157e+308 9.007199254740992e+15`},
		{batchtest.Scalar(batch.Float32), `16777217 3.4028235e38 0.1`, `3.5e38`, `1.6777216e+07 3.4028235e+38 0.1`},
		{batchtest.Scalar(batch.String), `"" "é" "\ud83d\ude42" "\ud83dx" "\u00e9\/"`, `1 "`, ` é 🙂 ` + "\ufffdx é/"},
		{batchtest.Scalar(batch.Bytes), `"" "AP8="`, `"AP8" "*" 1`, `0x 0x00ff`},
		{batchtest.Nullable(batchtest.Scalar(batch.Int16)), `null 1`, `nul nulll`, `null 1`},
		{batchtest.Scalar(batch.Time), `"2013-01-31T05:15:00Z" "2013-01-31T05:15:00.1234567+02:00" "1969-12-31t23:59:59.999999z" "2000-02-29T00:00:00-00:30" 1 -1`,
			`"2013-02-29T00:00:00Z" "2013-1-31T05:15:00Z" "2013-01-31T24:00:00Z" "2013-01-31T05:15:60Z" "2013-01-31T05:15:00" "2013-01-31T05:15:00.Z" "2013-01-31T05:15:00+2:00" "1900-02-29T00:00:00Z" 1.5 9223372036854775807 true`,
			"2013-01-31T05:15:00.000000Z 2013-01-31T03:15:00.123456Z 1969-12-31T23:59:59.999999Z 2000-02-29T00:30:00.000000Z 1970-01-01T00:00:00.000001Z 1969-12-31T23:59:59.999999Z"},
		{batchtest.MapOf(batchtest.Scalar(batch.Uint8), batchtest.Scalar(batch.Bool)), `{"2":true,"10":false}`, `{"x":true} {"256":true} {"1":true,"01":true} {"1_":true}`, `{2: true, 10: false}`},
	} {
		rows, bad := rowsOf(t, json.Source{}, c.typ, strings.ReplaceAll(c.good, " ", "\n"))
		if got := strings.Join(rows, " "); got != c.want || len(bad) > 0 {
			t.Errorf("%s: %s\nwant %s\nbad %v", c.typ, got, c.want, bad)
		}
		rows, bad = rowsOf(t, json.Source{}, c.typ, strings.ReplaceAll(c.bad, " ", "\n"))
		if len(rows) > 0 || len(bad) != len(strings.Fields(c.bad)) {
			t.Errorf("%s: %q accepted of %s", c.typ, rows, c.bad)
		}
	}
}

func TestLongRecord(t *testing.T) {
	// A record over the limit is bad, with its place and beginning; the next is read.
	typ := batchtest.Scalar(batch.String)
	rows, bad := rowsOf(t, json.Source{MaxLine: 100}, typ, `"`+strings.Repeat("x", 200)+"\"\n\"ok\"")
	if !slices.Equal(rows, []string{"ok"}) || len(bad) != 1 || !strings.HasSuffix(bad[0].Place, ":1") || len(bad[0].Raw) < 100 {
		t.Errorf("rows %q, bad %v", rows, bad)
	}
}

func TestSourceMistakes(t *testing.T) {
	// Mistakes that need no look at the disk are all reported by Validate.
	typ := batchtest.StructOf(batch.Field{Name: "a", Type: batchtest.Scalar(batch.Int64)}, batch.Field{Name: "a", Type: batchtest.Scalar(batch.Invalid)})
	err := json.Source{MaxLine: -1}.Validate(typ)
	for _, want := range []string{"path is empty", "MaxLine is -1", "two fields are called \"a\"", "no JSON value is a invalid"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	if err := (json.Source{Path: "x"}).Validate(nil); err == nil {
		t.Error("no type was accepted")
	}
	_, _, err = read(t, json.Source{Path: t.TempDir()}, batchtest.Scalar(batch.Bool))
	if err == nil || !strings.Contains(err.Error(), "holds no files that end in .json") {
		t.Errorf("empty directory: %v", err)
	}
}
