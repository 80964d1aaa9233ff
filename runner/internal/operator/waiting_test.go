package operator

import (
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// Behind a Flatten a column may have been read from one source, for a step that needs
// it, and not from the other. Rows that wait are put together all the same, without
// it, and the batches themselves stay as they are.
func TestWaitingOfColumnsReadFromOneSource(t *testing.T) {
	number := &batch.Type{Kind: batch.Int64}
	inner := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "a", Type: number}, {Name: "b", Type: number}}}
	outer := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: number}, {Name: "value", Type: inner}}}
	rows := func(time int64, b *batch.Column) *batch.Batch {
		value := batch.NewStruct(inner, 1, batch.NewInts(number, []int64{10 * time}), b)
		return &batch.Batch{Root: batch.NewStruct(outer, 1, batch.NewInts(number, []int64{time}), value), Time: []int64{time}}
	}
	all, some := rows(1, batch.NewInts(number, []int64{7})), rows(2, nil)
	var w waiting
	w.add(all)
	w.add(some)
	got := w.take(3)
	if len(got) != 1 || got[0].Len() != 2 {
		t.Fatalf("got %d batches", len(got))
	}
	value := got[0].Root.Children[1]
	if a := value.Children[0].Ints; a[0] != 10 || a[1] != 20 || value.Children[1] != nil {
		t.Errorf("got a %v and b %v, want 10, 20 and none", a, value.Children[1])
	}
	if all.Root.Children[1].Children[1] == nil {
		t.Error("the batch that came in has lost a column")
	}
}
