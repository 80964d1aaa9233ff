package batch_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

// equalColumns fails unless a and b have the same rows.
func equalColumns(t *rapid.T, what string, a, b *batch.Column) {
	if a.Len != b.Len {
		t.Fatalf("%s: %d rows, want %d", what, a.Len, b.Len)
	}
	for i := range a.Len {
		if !a.Equal(i, b, i) {
			t.Fatalf("%s: row %d is %s, want %s (type %s)", what, i, a.Format(i), b.Format(i), b.Type)
		}
	}
}

func valid(t *rapid.T, what string, c *batch.Column) {
	if err := batch.Validate(c); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// Concatenating the pieces of a column gives the column, however it is cut, and
// all that is made on the way is valid.
func TestConcatPutsSlicesTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := batchtest.Column(t, batchtest.Type(t, 2), rapid.IntRange(0, 20).Draw(t, "rows"))
		valid(t, "column", c)
		var parts []*batch.Column
		for from := 0; from < c.Len; {
			to := rapid.IntRange(from, c.Len).Draw(t, "cut")
			parts = append(parts, c.Slice(from, to))
			valid(t, "slice", parts[len(parts)-1])
			from = to
		}
		if len(parts) == 0 {
			return
		}
		// A gathered copy has no dictionary in common with a plain one.
		parts = append(parts, c.Slice(0, 0))
		whole := batch.Concat(parts)
		valid(t, "concat", whole)
		equalColumns(t, "concat", whole, c)
		if c.Dict != nil && whole.Dict != c.Dict {
			t.Fatalf("a dictionary shared by all was not kept")
		}
		mixed := batch.Concat([]*batch.Column{c.Plain(), c})
		valid(t, "mixed", mixed)
		equalColumns(t, "first half", mixed.Slice(0, c.Len), c)
		equalColumns(t, "second half", mixed.Slice(c.Len, 2*c.Len), c)
	})
}

// Columns that were not read stay so, and mixing them with others is noticed.
func TestConcatOfUnreadColumns(t *testing.T) {
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "a", Type: &batch.Type{Kind: batch.Int64}}, {Name: "b", Type: &batch.Type{Kind: batch.String}}}}
	half := func(v int64) *batch.Column {
		return batch.NewStruct(typ, 1, batch.NewInts(typ.Fields[0].Type, []int64{v}), nil)
	}
	c := batch.Concat([]*batch.Column{half(1), half(2)})
	if c.Children[1] != nil || c.Format(1) != "{a: 2, b: unread}" {
		t.Fatalf("got %s", c.Format(1))
	}
	full := half(3)
	full.Children[1] = batch.NewStrings(typ.Fields[1].Type, batchtest.Strings([]byte("x")))
	defer func() {
		if r := recover(); r == nil {
			t.Fatal("a read and an unread column were concatenated")
		}
	}()
	batch.Concat([]*batch.Column{half(1), full})
}

// Batches are concatenated by the rows that count; times absent from one batch
// become MinTime.
func TestConcatBatchesCompacts(t *testing.T) {
	ints := &batch.Type{Kind: batch.Int64}
	a := &batch.Batch{Root: batch.NewInts(ints, []int64{1, 2, 3}), Time: []int64{10, 20, 30}, Sel: []int32{0, 2}}
	b := &batch.Batch{Root: batch.NewInts(ints, []int64{4}), Retract: []bool{true}}
	got := batch.ConcatBatches([]*batch.Batch{a, b})
	var line strings.Builder
	for i := range got.Len() {
		if got.TimeAt(i) != batch.MinTime {
			line.WriteString("t")
		}
		if got.Retract[i] {
			line.WriteString("-")
		}
		line.WriteString(got.Root.Format(i) + " ")
	}
	if line.String() != "t1 t3 -4 " || got.Sel != nil || got.Start != nil {
		t.Fatalf("got %q, sel %v", line.String(), got.Sel)
	}
	if batch.ConcatBatches(nil) != nil {
		t.Fatal("no batches gave a batch")
	}
}

// Every kind is printed as the documentation says.
func TestFormat(t *testing.T) {
	tick := &batch.Type{Kind: batch.Time}
	text := &batch.Type{Kind: batch.String}
	typ := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "at", Type: tick}, {Name: "name", Type: text}, {Name: "raw", Type: &batch.Type{Kind: batch.Bytes}},
		{Name: "big", Type: &batch.Type{Kind: batch.Uint64}}, {Name: "f", Type: &batch.Type{Kind: batch.Float32}},
		{Name: "tags", Type: &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: text}}}},
		{Name: "attrs", Type: &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: text}, {Name: "value", Type: &batch.Type{Kind: batch.Bool, Nullable: true}}}}},
	}}
	flag := batch.NewBools(typ.Fields[6].Type.Fields[1].Type, []bool{true, true})
	flag.Valid = batch.Bitmap{0b01}
	words := batch.NewStrings(text, batchtest.Strings([]byte("x"), []byte("y")))
	c := batch.NewStruct(typ, 1,
		batch.NewInts(tick, []int64{-1}),
		batch.NewDictionary(text, []int32{1}, &batch.Dictionary{Strings: batchtest.Strings([]byte("no"), []byte("ATL"))}),
		batch.NewStrings(typ.Fields[2].Type, batchtest.Strings([]byte{0, 255})),
		batch.NewInts(typ.Fields[3].Type, []int64{-1}),
		batch.NewFloats(typ.Fields[4].Type, []float64{float64(float32(0.1))}),
		&batch.Column{Type: typ.Fields[5].Type, Len: 1, Offsets: []int32{0, 2}, Children: []*batch.Column{words}},
		&batch.Column{Type: typ.Fields[6].Type, Len: 1, Offsets: []int32{0, 2}, Children: []*batch.Column{words, flag}})
	if err := batch.Validate(c); err != nil {
		t.Fatal(err)
	}
	want := `{at: 1969-12-31T23:59:59.999999Z, name: "ATL", raw: 0x00ff, big: 18446744073709551615, f: 0.1, tags: ["x", "y"], attrs: {"x": true, "y": null}}`
	if got := c.Format(0); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if got := c.Children[1].Format(0); got != "ATL" {
		t.Fatalf("a string on its own: %s", got)
	}
}

// Validate finds each way in which reading a column could go out of bounds, and
// says where.
func TestValidateNamesTheFault(t *testing.T) {
	ints, text := &batch.Type{Kind: batch.Int64}, &batch.Type{Kind: batch.String}
	list := &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: ints}}}
	row := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "n", Type: ints}}}
	attrs := &batch.Type{Kind: batch.Map, Fields: []batch.Field{{Name: "key", Type: ints}, {Name: "value", Type: ints}}}
	two := batch.NewInts(ints, []int64{2, 1})
	words := &batch.Dictionary{Strings: batchtest.Strings([]byte("a"))}
	for want, c := range map[string]*batch.Column{
		"no type":                            {},
		"1 values in Ints for 2 rows":        {Type: ints, Len: 2, Ints: []int64{1}},
		"1 validity bytes for 9 rows":        {Type: ints, Len: 9, Ints: make([]int64, 9), Valid: batch.Bitmap{1}},
		"Floats is used":                     {Type: ints, Len: 1, Ints: []int64{1}, Floats: []float64{1}},
		"offset 1 is 1, below 2":             {Type: text, Len: 1, Strings: batch.Strings{Offsets: []int32{2, 1}, Data: []byte("ab")}},
		"the last offset is 3":               {Type: text, Len: 1, Strings: batch.Strings{Offsets: []int32{0, 3}, Data: []byte("ab")}},
		"offset 0 is -1":                     {Type: text, Len: 1, Strings: batch.Strings{Offsets: []int32{-1, 3}, Data: []byte("abc")}},
		"row 1 has code 1":                   {Type: text, Len: 2, Codes: []int32{0, 1}, Dict: words},
		"row 0 has code -1":                  {Type: text, Len: 1, Codes: []int32{-1}, Dict: words},
		"3 offsets for 1 values":             {Type: list, Len: 1, Offsets: []int32{0, 1, 2}, Children: []*batch.Column{two}},
		"column.element: 2 elements":         {Type: list, Len: 1, Offsets: []int32{0, 3}, Children: []*batch.Column{two}},
		"column.n: 2 rows":                   {Type: row, Len: 1, Children: []*batch.Column{two}},
		"column.n: it is string":             {Type: row, Len: 1, Children: []*batch.Column{batch.NewStrings(text, words.Strings)}},
		"0 children, the type struct has 1":  {Type: row, Len: 1},
		"key 1 is not above the one before":  {Type: attrs, Len: 1, Offsets: []int32{0, 2}, Children: []*batch.Column{two, two}},
		"kind invalid":                       {Type: &batch.Type{}},
		"Dict is used by a column of int64":  {Type: ints, Dict: words},
		"Children is used by a column of in": {Type: ints, Children: []*batch.Column{two}},
	} {
		err := batch.Validate(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if batch.Validate(nil) == nil {
		t.Error("no column is not an error")
	}
}
