package json

import (
	"bytes"
	"encoding/base64"
	stdjson "encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// fuzzed is the Go twin of the row type the fuzz tests decode into.
type fuzzed struct {
	S string
	I int16
	U uint64
	F float64
	B bool
	R []byte
	L []string
	M map[string]int64
	P *float64
	N struct{ X int32 }
}

func fuzzType() *batch.Type {
	leaf := func(k batch.Kind, nullable bool) *batch.Type { return &batch.Type{Kind: k, Nullable: nullable} }
	field := func(name string, t *batch.Type) batch.Field { return batch.Field{Name: name, Type: t} }
	list := &batch.Type{Kind: batch.List, Fields: []batch.Field{field("element", leaf(batch.String, true))}}
	dict := &batch.Type{Kind: batch.Map, Fields: []batch.Field{field("key", leaf(batch.String, false)), field("value", leaf(batch.Int64, true))}}
	inner := &batch.Type{Kind: batch.Struct, Nullable: true, Fields: []batch.Field{field("X", leaf(batch.Int32, true))}}
	return &batch.Type{Kind: batch.Struct, Nullable: true, Fields: []batch.Field{
		field("S", leaf(batch.String, true)), field("I", leaf(batch.Int16, true)), field("U", leaf(batch.Uint64, true)),
		field("F", leaf(batch.Float64, true)), field("B", leaf(batch.Bool, true)), field("R", leaf(batch.Bytes, true)),
		field("L", list), field("M", dict), field("P", leaf(batch.Float64, true)), field("N", inner)}}
}

func FuzzDecode(f *testing.F) {
	// Whatever the bytes, the decoder neither panics nor breaks its columns. What
	// encoding/json decodes it decodes to the same values, except for what is
	// documented to differ, which the oracle leaves out; what it accepts is JSON.
	for _, seed := range []string{
		`{"S":"a\u00e9\ud83d\ude42\ud83d","I":-12,"U":18446744073709551615,"F":1.5e-3,"B":true,"R":"AP8=","L":["x",""],"M":{"b":1,"a":2},"P":null,"N":{"X":1}}`,
		`{"L":[null],"M":{"a":null},"N":null,"x":[{"y":[]},1e5,"\"",false]}`, `{"S":"` + "\xff\xc3" + `"}`, `{"F":123456789012345678901234567890.5}`,
		`{"I":1.0}`, `{"L":[],"M":{}}`, ` null `, `{}`, `[`, `{"a":tru}`, `{"F":-0}`, `{"F":1e-324,"L":[],"M":{}}`, "{\"\x00\":1}",
	} {
		f.Add([]byte(seed))
	}
	typ := fuzzType()
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\n") {
			return
		}
		n := bind(typ, nil, false)
		mustDecode(t, n, `{"L":["before"],"M":{"b":1,"a":2},"N":{"X":7}}`)
		c := cursor{text: line}
		c.space()
		err := n.value(&c)
		if err == nil {
			err = c.end()
		}
		if err != nil {
			n.Truncate(1)
			mustDecode(t, n, `{"L":["after"],"M":{}}`)
		}
		column := n.Take()
		if broken := batch.Validate(column); broken != nil {
			t.Fatalf("%q: %v", line, broken)
		}
		if got := column.Format(0); !strings.Contains(got, `L: ["before"], M: {"a": 1, "b": 2}`) && !strings.Contains(got, `L: ["before"], M: {"a": 2, "b": 1}`) {
			t.Fatalf("%q changed the row before: %s", line, got)
		}
		if err == nil && !stdjson.Valid(line) {
			t.Fatalf("%q is not JSON and was decoded", line)
		}
		judge(t, line, column, err)
	})
}

func mustDecode(t *testing.T, n *node, text string) {
	t.Helper()
	c := cursor{text: []byte(text)}
	if err := n.value(&c); err != nil {
		t.Fatal(err)
	}
}

// judge compares row 1 with what encoding/json makes of the line.
func judge(t *testing.T, line []byte, column *batch.Column, err error) {
	var want fuzzed
	if stdjson.Unmarshal(line, &want) != nil || differs(line) {
		return
	}
	if err != nil {
		t.Fatalf("%q is refused: %v", line, err)
	}
	if column.Null(1) {
		return
	}
	got := func(i int, zero string) string {
		if c := column.Children[i]; !c.Null(1) {
			return c.Format(1)
		}
		return zero
	}
	check := func(name, have string, want any) {
		if w := fmt.Sprint(want); have != w {
			t.Fatalf("%q: %s is %q, want %q", line, name, have, w)
		}
	}
	check("S", got(0, ""), want.S)
	check("I", got(1, "0"), want.I)
	check("U", got(2, "0"), want.U)
	if c := column.Children[3]; !c.Null(1) && math.Float64bits(c.Floats[1]) != math.Float64bits(want.F) {
		t.Fatalf("%q: F is %v, want %v", line, c.Floats[1], want.F)
	}
	check("B", got(4, "false"), want.B)
	check("R", got(5, "0x"), fmt.Sprintf("0x%x", want.R))
	from, to := column.Children[6].Range(1)
	check("L", fmt.Sprint(to-from), len(want.L))
	for i, v := range want.L {
		if c := column.Children[6].Children[0]; !c.Null(from + i) {
			check("L[]", c.Text(from+i), v)
		}
	}
	from, to = column.Children[7].Range(1)
	check("M", fmt.Sprint(to-from), len(want.M))
	for i := from; i < to; i++ {
		key, value := column.Children[7].Children[0], column.Children[7].Children[1]
		if !value.Null(i) {
			check("M[]", value.Format(i), want.M[key.Text(i)])
		}
	}
}

// differs reports whether a line uses something in which the decoder departs
// from encoding/json on purpose: fields that are found whatever their case, that
// occur twice or that are missing though never null.
func differs(line []byte) bool {
	d := stdjson.NewDecoder(bytes.NewReader(line))
	if repeats(d) {
		return true
	}
	var top map[string]stdjson.RawMessage
	if stdjson.Unmarshal(line, &top) != nil {
		return true
	}
	if top == nil {
		return false
	}
	if top["L"] == nil || top["M"] == nil {
		return true
	}
	for name, value := range top {
		if len(name) == 1 && strings.ToUpper(name) != name || strings.EqualFold(name, "s") && name != "S" {
			return true
		}
		if name == "N" {
			var inner map[string]stdjson.RawMessage
			if stdjson.Unmarshal(value, &inner) == nil && inner["x"] != nil {
				return true
			}
		}
		// A JSON array of numbers is a []byte for encoding/json; base64 is laxer there.
		if name == "R" && !bytes.HasPrefix(value, []byte(`"`)) && string(value) != "null" {
			return true
		}
	}
	return false
}

// repeats reports whether an object at any depth has a key twice.
func repeats(d *stdjson.Decoder) bool {
	token, err := d.Token()
	if err != nil {
		return true
	}
	seen := map[string]bool{}
	switch token {
	case stdjson.Delim('{'):
		for d.More() {
			key, err := d.Token()
			if name, ok := key.(string); err != nil || !ok || seen[name] {
				return true
			} else {
				seen[name] = true
			}
			if repeats(d) {
				return true
			}
		}
		_, err = d.Token()
	case stdjson.Delim('['):
		for d.More() {
			if repeats(d) {
				return true
			}
		}
		_, err = d.Token()
	}
	return err != nil
}

func FuzzTime(f *testing.F) {
	// parseTime agrees with package time on every RFC 3339 text, but for what it
	// takes beyond: a blank or small letters, and cut fractions.
	for _, seed := range []string{"2013-01-31T05:15:00.25+02:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59",
		"2000-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2013-01-31 05:15:00z", "2013-01-31T05:15:00,5Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTime([]byte(text))
		want, err := time.Parse(time.RFC3339Nano, text)
		if err == nil && !strings.Contains(text, ",") && len(text) >= 20 {
			if zone := text[len(text)-6:]; zone[0] != '+' && zone[0] != '-' || zone[1:3] < "24" && zone[4:] < "60" {
				if want.Nanosecond() >= 0 && text[13] == ':' && (!ok || got != want.UnixMicro()) {
					t.Fatalf("%q is %d, %v, want %d", text, got, ok, want.UnixMicro())
				}
			}
		}
		if err != nil && ok && !strings.ContainsAny(text, "tz ") {
			t.Fatalf("%q is accepted: %v", text, err)
		}
	})
}

func FuzzString(f *testing.F) {
	// Any bytes written as a JSON string are JSON, and are read back by both
	// decoders as the same text with U+FFFD for what is not UTF-8.
	for _, seed := range []string{"", "a\"\\\n\x00\x1f\u2028é🙂", "\xff\xfe", "\xed\xa0\x80"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		written := appendString(nil, text)
		c := cursor{text: written}
		back, err := c.string(nil)
		if err != nil || c.end() != nil {
			t.Fatalf("%q written as %q: %v", text, written, err)
		}
		var std string
		if err := stdjson.Unmarshal(written, &std); err != nil || std != string(back) {
			t.Fatalf("%q written as %q is read as %q, by encoding/json as %q, %v", text, written, back, std, err)
		}
		if want := strings.ToValidUTF8(string(text), ""); strings.ReplaceAll(std, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("%q is read back as %q", text, std)
		}
		raw := base64.StdEncoding.EncodeToString(text)
		if got := (&render{typ: &batch.Type{Kind: batch.Bytes}}).value(nil, text); string(got) != `"`+raw+`"` {
			t.Fatalf("bytes %q are written %q", text, got)
		}
	})
}
