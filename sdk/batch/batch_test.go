package batch_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

// Gathering rows gives those rows in that order, for columns of any type, and a
// column that is valid and shares the dictionary.
func TestGather(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := batchtest.Column(t, batchtest.Type(t, 2), rapid.IntRange(1, 12).Draw(t, "rows"))
		rows := rapid.SliceOfN(rapid.Int32Range(0, int32(c.Len-1)), 0, 20).Draw(t, "selection")
		got := c.Gather(rows)
		valid(t, "gathered", got)
		if got.Len != len(rows) || got.Dict != c.Dict {
			t.Fatalf("%d rows, want %d; same dictionary: %v", got.Len, len(rows), got.Dict == c.Dict)
		}
		for i, r := range rows {
			if !got.Equal(i, c, int(r)) {
				t.Fatalf("row %d is %s, want %s", i, got.Format(i), c.Format(int(r)))
			}
		}
	})
}

// The rows of a batch that count are the same for a selection, its compacted
// copy and the two halves it is sliced into, each with its time and window.
func TestSelections(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "rows")
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(i)
		}
		b := &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, ids), Time: ids, Start: ids, End: ids, Retract: make([]bool, n)}
		want := ids
		if rapid.Bool().Draw(t, "selected") {
			sel := []int32{}
			want = nil
			for i := range n {
				if rapid.Bool().Draw(t, "counts") {
					sel, want = append(sel, int32(i)), append(want, int64(i))
				}
			}
			b = b.WithSel(sel)
		}
		cut := rapid.IntRange(0, len(want)).Draw(t, "cut")
		first, second := b.Slice(0, cut), b.Slice(cut, len(want))
		whole := batch.ConcatBatches([]*batch.Batch{first, second})
		for what, got := range map[string][]int64{
			"selection": counted(b), "compacted": counted(b.Compact()), "halves": slices.Concat(counted(first), counted(second)), "together": counted(whole),
		} {
			if !slices.Equal(got, want) {
				t.Fatalf("%s: rows %v, want %v", what, got, want)
			}
		}
	})
}

// counted returns the rows that count, which hold their number in each vector.
func counted(b *batch.Batch) []int64 {
	var out []int64
	for i := range b.Len() {
		r := b.Row(i)
		if v := b.Root.Ints[r]; b.TimeAt(r) == v && b.Start[r] == v && b.End[r] == v && !b.Retract[r] {
			out = append(out, v)
		}
	}
	return out
}

// A field of a nullable struct, flattened, is null where the struct or the field
// is, and not read where either was not.
func TestFlatten(t *testing.T) {
	leaf := &batch.Type{Kind: batch.Int64, Nullable: true}
	inner := &batch.Type{Kind: batch.Struct, Nullable: true, Fields: []batch.Field{{Name: "n", Type: leaf}, {Name: "unread", Type: leaf}}}
	outer := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "s", Type: inner}}}
	n := batch.NewInts(leaf, []int64{1, 2, 3})
	n.Valid = batch.Bitmap{0b011}
	s := batch.NewStruct(inner, 3, n, nil)
	s.Valid = batch.Bitmap{0b110}
	root := batch.NewStruct(outer, 3, s)
	got := root.Flatten([]int{0, 0})
	if line := got.Format(0) + " " + got.Format(1) + " " + got.Format(2); line != "null 2 null" {
		t.Fatalf("got %s", line)
	}
	if n.Valid[0] != 0b011 || root.Child([]int{0, 0}) != n || root.Flatten([]int{0, 1}) != nil {
		t.Fatal("Flatten changed the column, or made one that was not read")
	}
}
