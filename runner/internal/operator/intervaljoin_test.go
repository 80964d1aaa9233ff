package operator

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// sharedCase is a case of kind interval_join of the shared conformance file.
type sharedCase struct {
	Name   string
	Kind   string
	Config struct {
		Lower, Upper   int64
		LowerInclusive *bool `json:"lower_inclusive"`
		UpperInclusive *bool `json:"upper_inclusive"`
	}
	Events []struct {
		Op    string
		Input int
		Key   string
		V, TS int64
	}
	Expected []struct {
		After   int
		Type    string
		Value   struct{ Left, Right int64 }
		TS      int64
		Entries int `json:"keyed_state_entries"`
	}
}

var intervalKV = &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
	{Name: "key", Type: &batch.Type{Kind: batch.String}}, {Name: "value", Type: &batch.Type{Kind: batch.Int64}},
}}

// keyedRows makes a batch of one row.
func keyedRow(key string, v, t int64) *batch.Batch {
	keys := batch.NewStrings(intervalKV.Fields[0].Type, batch.Strings{Offsets: []int32{0, int32(len(key))}, Data: []byte(key)})
	return &batch.Batch{Root: batch.NewStruct(intervalKV, 1, keys, batch.NewInts(intervalKV.Fields[1].Type, []int64{v})), Time: []int64{t}}
}

func newIntervalJoin(lower, upper int64, c *Counters) *intervalJoin {
	op := &graph.Join{Match: graph.Interval, Key: intervalKV.Fields[0].Type, Lower: lower, Upper: upper}
	return NewIntervalJoin(Joining{Op: op, Windows: window.Global(), Output: op.JoinType(intervalKV, intervalKV)}, c).(*intervalJoin)
}

// pairsOut renders what an interval join emits.
func pairsOut(out *[]string, at *int) graph.Emit {
	return func(_ int, b *batch.Batch) error {
		for i := range b.Len() {
			l, r := b.Root.Children[1].Children[0], b.Root.Children[2].Children[0]
			*out = append(*out, fmt.Sprint(*at, " ", l.Ints[i], " ", r.Ints[i], " ", b.Time[i]))
		}
		return nil
	}
}

// The cases of the shared file hold, with its watermarks a microsecond later: there
// one at t says that rows at t have come, here that those before t have. Exclusive
// bounds are inclusive ones a microsecond further in.
func TestSharedIntervalJoinCases(t *testing.T) {
	content, err := os.ReadFile("../../local/testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []json.RawMessage
	if err := json.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, raw := range cases {
		var kind struct{ Kind string }
		if err := json.Unmarshal(raw, &kind); err != nil {
			t.Fatal(err)
		}
		if kind.Kind != "interval_join" {
			continue
		}
		var c sharedCase
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		ran++
		t.Run(c.Name, func(t *testing.T) { runShared(t, &c) })
	}
	if ran != 4 {
		t.Errorf("%d cases, want 4", ran)
	}
}

func runShared(t *testing.T, c *sharedCase) {
	lower, upper := c.Config.Lower, c.Config.Upper
	if in := c.Config.LowerInclusive; in != nil && !*in {
		lower++
	}
	if in := c.Config.UpperInclusive; in != nil && !*in {
		upper--
	}
	var got, want []string
	at := 0
	counters := &Counters{}
	o, emit := newIntervalJoin(lower, upper, counters), pairsOut(&got, &at)
	for i, e := range c.Events {
		at = i
		var err error
		switch {
		case e.Op == "watermark":
			err = o.Watermark(context.Background(), e.TS+1, emit)
		case e.Input == 0:
			err = o.Process(context.Background(), keyedRow(e.Key, e.V, e.TS), emit)
		default:
			err = o.ProcessSide(context.Background(), 1, keyedRow(e.Key, e.V, e.TS), emit)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range c.Expected {
		switch e.Type {
		case "record":
			want = append(want, fmt.Sprint(e.After, " ", e.Value.Left, " ", e.Value.Right, " ", e.TS))
		case "left_in_state":
			if held := o.sides[0].rows + o.sides[1].rows; held != e.Entries || e.Entries == 0 && o.keys.Live() != 0 {
				t.Errorf("%d rows and %d keys are held, want %d", held, o.keys.Live(), e.Entries)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Late rows are dropped and counted, a row at the watermark is not late, and a row is
// there exactly as long as one that is not late may match it.
func TestIntervalJoinAtTheWatermark(t *testing.T) {
	var got []string
	at := 0
	c := &Counters{}
	o, emit := newIntervalJoin(-2, 1, c), pairsOut(&got, &at)
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	must(o.Process(ctx, keyedRow("k", 1, 10), emit))
	must(o.Watermark(ctx, 11, emit))
	must(o.ProcessSide(ctx, 1, keyedRow("k", 2, 10), emit)) // late
	must(o.ProcessSide(ctx, 1, keyedRow("k", 3, 11), emit)) // the last that matches
	must(o.ProcessSide(ctx, 1, keyedRow("other", 4, 11), emit))
	if want := []string{"0 1 3 11"}; !slices.Equal(got, want) || c.Dropped != 1 {
		t.Errorf("got %q and %d dropped, want %q and 1", got, c.Dropped, want)
	}
	must(o.Watermark(ctx, 13, emit))
	must(o.Process(ctx, keyedRow("k", 5, 13), emit)) // row 3 is at 13−2
	if want := []string{"0 1 3 11", "0 5 3 13"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// State stays as large as the rows that can still be matched, however long the stream.
func TestIntervalJoinForgets(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	o := newIntervalJoin(-50, 50, &Counters{})
	none := func(int, *batch.Batch) error { return nil }
	var most, early int64
	for i := range int64(20_000) {
		b := keyedRow(fmt.Sprint(r.IntN(20)+int(i/100)), i, i+r.Int64N(10)) // keys come and go
		var err error
		if i%2 == 0 {
			err = o.Process(context.Background(), b, none)
		} else {
			err = o.ProcessSide(context.Background(), 1, b, none)
		}
		if err == nil {
			err = o.Watermark(context.Background(), i, none)
		}
		if err != nil {
			t.Fatal(err)
		}
		if most = max(most, o.SizeBytes()); i == 2000 {
			early = most
		}
	}
	if most > 2*early {
		t.Errorf("state grew from %d bytes after 2,000 rows to %d after 20,000", early, most)
	}
	if err := o.Watermark(context.Background(), 30_000, none); err != nil {
		t.Fatal(err)
	}
	if o.sides[0].rows+o.sides[1].rows+o.keys.Live() != 0 || o.sides[0].bytes+o.sides[1].bytes != 0 {
		t.Errorf("%d and %d rows are held, and %d keys", o.sides[0].rows, o.sides[1].rows, o.keys.Live())
	}
}
