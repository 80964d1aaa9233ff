package columns_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// tagsType is struct{id int64?, tags map<string, list<bool>>, skipped string}.
func tagsType() *batch.Type {
	list := &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: &batch.Type{Kind: batch.Bool}}}}
	tags := &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: &batch.Type{Kind: batch.String}}, {Name: "value", Type: list}}}
	return &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "id", Type: &batch.Type{Kind: batch.Int64, Nullable: true}}, {Name: "tags", Type: tags},
		{Name: "skipped", Type: &batch.Type{Kind: batch.String}}}}
}

// entry appends an entry of tags with n elements.
func entry(b *columns.Builder, key string, n int) {
	keys, lists := b.Children[1].Children[0], b.Children[1].Children[1]
	keys.Bytes([]byte(key))
	for range n {
		lists.Children[0].Bool(true)
	}
	lists.EndList()
}

func TestBuilder(t *testing.T) {
	// Entries of a map leave in the order of keys, the last of those with one key;
	// what a bad row had appended is gone; a second Take begins anew.
	b := columns.New(tagsType(), []bool{true, true, false})
	for round := range 2 {
		b.Children[0].Int(1)
		entry(b, "b", 2)
		entry(b, "a", 1)
		if !b.Children[1].EndMap() {
			t.Error("keys are said to repeat")
		}
		b.EndStruct()

		b.Null()

		for range 2 { // a row that turns out bad behind its map
			b.Children[0].Null()
			entry(b, "z", 3)
			entry(b, "y", 3)
			b.Children[1].EndMap()
			b.Children[1].Children[0].Bytes([]byte("half"))
			b.Truncate(2)
		}
		entry(b, "x", 2) // and one within
		b.Truncate(2)

		b.Children[0].Null()
		entry(b, "c", 1)
		entry(b, "b", 0)
		entry(b, "c", 3)
		if b.Children[1].EndMap() {
			t.Error("a key twice is said to be there once")
		}
		b.EndStruct()

		rows := b.Take()
		if rows.Children[2] != nil {
			t.Error("a column nobody reads was made")
		}
		rows.Children[2] = batch.NewStrings(rows.Type.Fields[2].Type, batch.Strings{Offsets: []int32{0, 0, 0, 0}})
		if err := batch.Validate(rows); err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range rows.Len {
			got = append(got, rows.Format(i))
		}
		want := []string{
			`{id: 1, tags: {"a": [true], "b": [true, true]}, skipped: ""}`,
			`{id: null, tags: {}, skipped: ""}`,
			`{id: null, tags: {"b": [], "c": [true, true, true]}, skipped: ""}`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("round %d: rows\n%q\nwant\n%q", round, got, want)
		}
	}
}

func TestFull(t *testing.T) {
	// A string that a column cannot address any more makes its payload a bad one,
	// however small that is. The rows before it stay, and the next payload is read.
	b := columns.New(&batch.Type{Kind: batch.String}, nil)
	b.Strings.Data = make([]byte, math.MaxInt32, math.MaxInt32+9) // untouched, so it takes no memory
	b.EndString()
	if err := b.Settle(0, nil); err != nil || b.Rows != 1 {
		t.Fatalf("what just fits gives %d rows, %v", b.Rows, err)
	}
	for range 2 {
		b.Bytes([]byte("more"))
		b.Truncate(1) // as a field does that occurs twice
		b.Zero()
		if err := b.Settle(1, nil); err == nil || b.Rows != 1 || len(b.Strings.Data) != math.MaxInt32 {
			t.Fatalf("%d rows of %d bytes, %v", b.Rows, len(b.Strings.Data), err)
		}
	}
	b.Zero()
	if err := b.Settle(1, nil); err != nil || b.Rows != 2 {
		t.Fatalf("afterwards %d rows, %v", b.Rows, err)
	}
	mistake := errors.New("bad")
	if err := b.Settle(1, mistake); err != mistake || b.Rows != 1 {
		t.Fatalf("a mistake leaves %d rows, %v", b.Rows, err)
	}
	large := make([]byte, 512<<20+1)
	if err := columns.Oversized(large); err == nil || columns.Oversized(large[1:]) != nil {
		t.Errorf("%d bytes give %v", len(large), err)
	}
}
