package message_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

func kind(k batch.Kind) *batch.Type { return &batch.Type{Kind: k} }

func fields(types ...*batch.Type) *batch.Type {
	t := kind(batch.Struct)
	for i, f := range types {
		t.Fields = append(t.Fields, batch.Field{Name: string(rune('a' + i)), Type: f})
	}
	return t
}

func TestRaw(t *testing.T) {
	// Payloads come out of a column as they went in, as a row of their own or as its
	// only field; what is not UTF-8 does not become a string.
	payloads := []string{"one", "", "\xff\x00", "dré"}
	for _, typ := range []*batch.Type{kind(batch.Bytes), fields(kind(batch.Bytes)), kind(batch.String), fields(kind(batch.String))} {
		text := typ
		if typ.Kind == batch.Struct {
			text = typ.Fields[0].Type
		}
		d, err := message.Raw{}.Decoder(t.Context(), message.DecodeRequest{Type: typ})
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 { // a decoder goes on after Take
			var want []string
			for _, p := range payloads {
				err := d.Decode(t.Context(), []byte(p))
				if text.Kind == batch.String && p == "\xff\x00" {
					if err == nil || !strings.Contains(err.Error(), "UTF-8") {
						t.Errorf("%s: %q: error %v", typ, p, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, p)
			}
			if d.Rows() != len(want) {
				t.Errorf("%d rows, want %d", d.Rows(), len(want))
			}
			column := d.Take()
			if err := batch.Validate(column); err != nil || !column.Type.Equal(typ) {
				t.Fatalf("round %d: %v, type %s", round, err, column.Type)
			}
			e, err := message.Raw{}.Encoder(t.Context(), message.EncodeRequest{Type: typ})
			if err != nil {
				t.Fatal(err)
			}
			bytes, ends, err := e.Encode(t.Context(), []byte("before"), nil, column)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			at := len("before")
			for _, end := range ends {
				got, at = append(got, string(bytes[at:end])), end
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", typ, got, want)
			}
		}
	}
}

func TestRawUnread(t *testing.T) {
	// Payloads that nobody reads are counted and leave no column.
	for _, r := range []message.DecodeRequest{{Type: fields()}, {Type: fields(kind(batch.String)), Needed: []bool{false}}} {
		d, err := message.Raw{}.Decoder(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := d.Decode(t.Context(), []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		c := d.Take()
		if c.Len != 3 || len(c.Children) != len(r.Type.Fields) || len(c.Children) == 1 && c.Children[0] != nil {
			t.Errorf("%s: %d rows, children %v", r.Type, c.Len, c.Children)
		}
	}
}

func TestRawRefuses(t *testing.T) {
	// Rows that are no bytes, and nulls, have no payload, and the error says so.
	for _, typ := range []*batch.Type{kind(batch.Int64), fields(kind(batch.String), kind(batch.String)), fields(kind(batch.Time))} {
		if err := (message.Raw{}).Validate(typ); err == nil || !strings.Contains(err.Error(), typ.String()) {
			t.Errorf("%s: error %v", typ, err)
		}
	}
	if _, err := (message.Raw{}).Encoder(t.Context(), message.EncodeRequest{Type: fields()}); err == nil {
		t.Error("a struct without fields can be written")
	}
	nullable := &batch.Type{Kind: batch.String, Nullable: true}
	e, err := message.Raw{}.Encoder(t.Context(), message.EncodeRequest{Type: nullable})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Encode(t.Context(), nil, nil, batch.Nulls(nullable, 1)); err == nil || !strings.Contains(err.Error(), "null") {
		t.Errorf("a null was written: %v", err)
	}
}
