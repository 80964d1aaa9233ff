package operator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// joinInput makes batches of rows struct{key string, value int64}, keys of which
// some are null and in codes in every other batch.
func joinInput(r *rand.Rand, batches int) []*batch.Batch {
	text, number := &batch.Type{Kind: batch.String, Nullable: true}, &batch.Type{Kind: batch.Int64}
	kv := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: text}, {Name: "value", Type: number}}}
	dict := &batch.Dictionary{}
	for i := range 9 {
		dict.Append(fmt.Sprint("k", i))
	}
	var out []*batch.Batch
	for i := range batches {
		n := 1 + r.IntN(20)
		values, times, codes := make([]int64, n), make([]int64, n), make([]int32, n)
		valid := batch.NewBitmap(n)
		for j := range n {
			values[j], times[j], codes[j] = r.Int64N(1000), r.Int64N(40), int32(r.IntN(9))
			if r.IntN(6) > 0 {
				valid.Set(j)
			}
		}
		keys := batch.NewDictionary(text, codes, dict)
		keys.Valid = valid
		if i%2 == 0 {
			keys = keys.Plain()
		}
		out = append(out, &batch.Batch{Root: batch.NewStruct(kv, n, keys, batch.NewInts(number, values)), Time: times})
	}
	return out
}

// What a join gives does not depend on whether the right side is one table or many,
// as it is when its texts or rows are too many for one.
func TestJoinOfManyTables(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 40 {
		left, right := joinInput(r, 1+r.IntN(4)), joinInput(r, r.IntN(8))
		for _, kind := range []graph.JoinKind{graph.Inner, graph.Left, graph.Full, graph.AsOf} {
			for _, fn := range []window.Fn{window.Global(), window.Fixed(10_000)} {
				one, many := joinAll(t, kind, fn, left, right, tableRowsMost), joinAll(t, kind, fn, left, right, 5)
				if !slices.Equal(one, many) {
					t.Fatalf("round %d, %s join in %s windows: one table gives\n%v\nmany give\n%v", round, kind, fn, one, many)
				}
			}
		}
	}
}

func joinAll(t *testing.T, kind graph.JoinKind, fn window.Fn, left, right []*batch.Batch, most int64) (rows []string) {
	t.Helper()
	kv := left[0].Root.Type
	op := &graph.Join{Match: kind, Key: kv.Fields[0].Type}
	o := NewJoin(Joining{Op: op, Windows: fn, Output: op.JoinType(kv, kv)}).(*join)
	o.most = most
	emit := func(_ int, b *batch.Batch) error {
		if err := batch.Validate(b.Root); err != nil {
			return err
		}
		for i := range b.Len() {
			rows = append(rows, fmt.Sprint(b.Root.Format(b.Row(i)), b.TimeAt(b.Row(i))))
		}
		return nil
	}
	for _, b := range right {
		if err := o.ProcessSide(t.Context(), 1, b, emit); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range left {
		if err := o.Process(t.Context(), b, emit); err != nil {
			t.Fatal(err)
		}
	}
	if most == 5 && len(right) > 3 && len(o.tables) < 2 {
		t.Fatalf("%d batches became %d tables", len(right), len(o.tables))
	}
	if err := o.End(t.Context(), emit); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}
