package operator

import (
	"context"
	"testing"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// looked is a row on either side of a lookup.
type looked struct {
	K int64 `leat:"k"`
	V int64 `leat:"v"`
}

type lookedUp struct {
	N    int64
	Last *int64
}

func newLookup(t *testing.T, within int64) Operator {
	plan, err := agg.Into(func(r *looked, o *lookedUp) []agg.Term { return []agg.Term{agg.Count(&o.N), agg.Last(o.Last, &r.V)} }).Plan()
	if err != nil {
		t.Fatal(err)
	}
	step := &graph.PointInTime{Lookups: []graph.Lookup{{Input: 1, Spine: [][]int{{0}}, Rows: [][]int{{0}}, Within: within, Aggregate: plan}}}
	return NewAwait(Hop{Step: step, Output: plan.Output(), Rows: plan.Input(), Lookups: []int{0}, Last: true}, &Counters{})
}

// State of joins on the streaming plan stays as large as what can still be asked for,
// however long the stream, for rows of keys that come and go as of keys that stay.
func TestJoinsForget(t *testing.T) {
	kv := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "key", Type: &batch.Type{Kind: batch.Int64}}, {Name: "value", Type: &batch.Type{Kind: batch.Int64}},
	}}
	joining := func(kind graph.JoinKind) Joining {
		op := &graph.Join{Match: kind, Key: kv.Fields[0].Type}
		return Joining{Op: op, Windows: window.Fixed(100 * time.Microsecond), Output: op.JoinType(kv, kv)}
	}
	for _, c := range []struct {
		name string
		op   Operator
		keys int64 // 0: they come and go
	}{
		{"point in time", newLookup(t, 100), 0},
		{"point in time, few keys", newLookup(t, 100), 5},
		{"as of, few keys", NewAsOfAwait(joining(graph.AsOf), &Counters{}), 5},
		{"join", NewWindowJoin(joining(graph.Inner), &Counters{}), 0},
		{"full join, few keys", NewWindowJoin(joining(graph.Full), &Counters{}), 5},
	} {
		emitted := 0
		emit := func(_ int, b *batch.Batch) error {
			emitted += b.Len()
			return nil
		}
		var most, early int64
		for i := range int64(20_000) {
			key := i / 50
			if c.keys > 0 {
				key = i % c.keys
			}
			row := &batch.Batch{Root: batch.NewStruct(kv, 1, batch.NewInts(kv.Fields[0].Type, []int64{key}), batch.NewInts(kv.Fields[1].Type, []int64{i})), Time: []int64{i}}
			mustNot(t, c.op.(Sided).ProcessSide(t.Context(), 1, row, emit))
			if i%3 == 0 {
				mustNot(t, c.op.Process(t.Context(), row, emit))
			}
			watermarks(t, c.op, i-10, emit)
			if most = max(most, c.op.(Sized).SizeBytes()); i == 3000 {
				early = most
			}
		}
		if most > 2*early {
			t.Errorf("%s: state grew from %d bytes after 3,000 rows to %d after 20,000", c.name, early, most)
		}
		if emitted < 6000 {
			t.Errorf("%s: only %d rows came out", c.name, emitted)
		}
		mustNot(t, c.op.Close())
	}
}

// watermarks tells an operator that all its inputs are at w.
func watermarks(t *testing.T, o Operator, w int64, emit graph.Emit) {
	t.Helper()
	if apart, ok := o.(Apart); ok {
		for input := range 2 {
			mustNot(t, apart.WatermarkOf(t.Context(), input, w, emit))
		}
	}
	mustNot(t, o.Watermark(context.Background(), w, emit))
}

func mustNot(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
