package json_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/messagetest"
)

func TestFormatRoundTrip(t *testing.T) {
	// Rows of every kind, also from the middle of a longer column, are the same
	// rows when their payloads are decoded, whatever is taken between.
	typ := connectortest.EveryKind()
	all := connectortest.Sample(typ, 60, 3)
	rows := all.Slice(7, 60)
	d := messagetest.Decoder(t, json.Format{RefuseUnknown: true}, typ)
	var taken []*batch.Column
	for i, payload := range messagetest.Encode(t, json.Format{}, rows) {
		if err := d.Decode(t.Context(), payload); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		clear(payload) // it is not kept
		if i%20 == 19 {
			taken = append(taken, d.Take())
		}
	}
	if d.Rows() != rows.Len%20 {
		t.Errorf("%d rows are left, want %d", d.Rows(), rows.Len%20)
	}
	got := batch.Concat(append(taken, d.Take()))
	if err := batch.Validate(got); err != nil {
		t.Fatal(err)
	}
	for i := range rows.Len {
		if got.Format(i) != rows.Format(i) {
			t.Errorf("row %d is %s, want %s", i, got.Format(i), rows.Format(i))
		}
	}
}

func TestFormatBadPayloads(t *testing.T) {
	// A bad payload is an error that says what and where, and leaves the rows
	// before and behind it as they are.
	good := `{"id":1,"path":[{"x":1,"y":2}],"tags":{"b":2,"a":1},"at":{"x":1}}`
	messagetest.BadPayloads(t, json.Format{}, nested(), good, map[string]string{
		"":                           "the payload is empty; want one JSON value",
		" \n":                        "the payload is empty",
		`{"id":1,`:                   "want a field name, got the end of the payload (column 9)",
		`{"id":1`:                    "got the end of the payload",
		`{"id`:                       "the string does not end",
		good + good:                  "an object follows the record; want one record a payload",
		good + "\n" + good:           "an object follows the record",
		good + " x":                  "'x' follows the record",
		"[" + good + "]":             "write one object a payload, without an array around them",
		strings.Repeat("[", 100_000): "want an object, got an array",
		`{"z":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`: "values nest deeper than 10000",
		`{"z":` + strings.Repeat(`{"a":`, 100_000):                                  "values nest deeper than 10000",
		`{"id":1,"id":2}`:                          "field id: the field occurs twice (column 9)",
		`{"id":"1"}`:                               "field id: want a number, got a string (column 7)",
		`{"id":1.0}`:                               "field id: 1.0 is not a whole number, as int64 asks for",
		`{"id":9223372036854775808}`:               "field id: 9223372036854775808 does not fit int64",
		`{"id":1,"tags":{}}`:                       "field path: the field is missing",
		`{"id":1,"at":{"x":1,"y":1e400},"path":[]`: "field at.y: 1e400 does not fit float64",
		"\x00\x00\x00\x00\x01rest":                 "want an object, got '\\x00'; a payload that begins with the byte 0 was written with a schema registry",
	})
}

func TestFormatOptions(t *testing.T) {
	// Fields nobody needs are nil, unknown ones are refused on demand, bytes that
	// are no UTF-8 become U+FFFD, and a scalar type asks for the value itself.
	d := messagetest.Decoder(t, json.Format{RefuseUnknown: true}, nested(), true, false, false, false)
	if err := d.Decode(t.Context(), []byte(`{"path":"x","id":5}`)); err != nil {
		t.Fatal(err)
	}
	if err := d.Decode(t.Context(), []byte(`{"id":5,"other":1}`)); err == nil || !strings.Contains(err.Error(), "field other: the row type has no such field") {
		t.Errorf("an unknown field gives %v", err)
	}
	rows := d.Take()
	if !slices.Equal(rows.Children[0].Ints, []int64{5}) || rows.Children[1] != nil || rows.Children[3] != nil {
		t.Errorf("rows %+v", rows)
	}
	d = messagetest.Decoder(t, json.Format{}, batchtest.Scalar(batch.String))
	if err := d.Decode(t.Context(), []byte("\t\"a\xffb\"\r\n")); err != nil {
		t.Fatal(err)
	}
	if got := d.Take().Text(0); got != "a\ufffdb" {
		t.Errorf("got %q", got)
	}
}

func TestFormatMistakes(t *testing.T) {
	// A type JSON cannot hold is refused before anything is read; rows of another
	// type, or without a column, when they come.
	odd := batchtest.StructOf(batch.Field{Name: "m", Type: batchtest.MapOf(batchtest.Scalar(batch.Float64), batchtest.Scalar(batch.Bool))})
	_, decoding := json.Format{}.Decoder(t.Context(), message.DecodeRequest{Type: odd})
	_, encoding := json.Format{}.Encoder(t.Context(), message.EncodeRequest{Type: odd})
	for _, err := range []error{json.Format{}.Validate(odd), decoding, encoding} {
		if err == nil || !strings.Contains(err.Error(), "field m: the key of a JSON object") {
			t.Errorf("error %v", err)
		}
	}
	typ := batchtest.StructOf(batch.Field{Name: "a", Type: batchtest.Scalar(batch.Int64)})
	e, err := json.Format{}.Encoder(t.Context(), message.EncodeRequest{Type: typ})
	if err != nil {
		t.Fatal(err)
	}
	for want, rows := range map[string]*batch.Column{
		"column a was not read":    batch.NewStruct(typ, 1, nil),
		"the encoder was made for": batch.NewInts(typ.Fields[0].Type, []int64{1}),
	} {
		dst, ends, err := e.Encode(t.Context(), []byte("x"), []int{1}, rows)
		if err == nil || !strings.Contains(err.Error(), want) || string(dst) != "x" || len(ends) != 1 {
			t.Errorf("%q, %v, %v; want %q", dst, ends, err, want)
		}
	}
}

func FuzzFormat(f *testing.F) {
	// Whatever the payload, Decode neither panics nor breaks columns nor touches
	// other rows; what it accepts is the same row when encoded and decoded again.
	for _, seed := range []string{`{"id":1,"path":[{"x":1,"y":2}],"tags":{"b":2,"a":1},"at":{"x":1}}`, "", "{}{}",
		`{"id":1,"path":[],"tags":null,"at":{"x":1,"y":"NaN"}}`, `{"path":[{"x":1},{`, strings.Repeat("[", 20_000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := messagetest.Decoder(t, json.Format{}, nested())
		good := []byte(`{"id":7,"path":[{"x":1}],"tags":{"b":1,"a":2}}`)
		rows, _ := messagetest.Between(t, d, good, payload)
		for i, again := range messagetest.Encode(t, json.Format{}, rows) {
			if err := d.Decode(t.Context(), again); err != nil {
				t.Fatalf("%q is encoded as %q: %v", payload, again, err)
			}
			if got := d.Take().Format(0); got != rows.Format(i) {
				t.Fatalf("%q is encoded as %q, which is %s, want %s", payload, again, got, rows.Format(i))
			}
		}
	})
}
