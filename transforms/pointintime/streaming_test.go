package pointintime_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

// disordered puts rows into the order of their time, but for so much disorder.
func disordered[T any](r *rand.Rand, rows []T, at func(T) time.Time, disorder time.Duration) []T {
	type placed struct {
		row T
		at  time.Time
	}
	all := make([]placed, len(rows))
	for i, row := range rows {
		all[i] = placed{row, at(row).Add(time.Duration(r.Int64N(int64(disorder) + 1)))}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return a.at.Compare(b.at) })
	for i := range all {
		rows[i] = all[i].row
	}
	return rows
}

// On the streaming plan a join gives the rows that a loop finds, to the last bit and
// none late, however far rows are out of order within what is declared, and whichever
// side is ahead.
func TestStreamingIsWhatALoopFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 17))
	for round := range 80 {
		queries, events := draw(r, r.IntN(150), r.IntN(400))
		d := time.Duration(r.IntN(30)) * time.Microsecond
		queries = disordered(r, queries, func(q query) time.Time { return q.At }, d)
		events = disordered(r, events, func(e event) time.Time { return e.At }, d)
		o := local.Options{Plan: local.Streaming, Parallelism: []int{1, 3}[round%2], BatchRows: []int{1, 7, 64, 4096}[r.IntN(4)]}
		p := &leat.Pipeline{}
		asked := leat.EventTimeField(func(q *query) *time.Time { return &q.At }, watermark.Disorder(d))
		known := leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(d))
		splits := 1 + r.IntN(5)
		var out memory.Collector[string]
		spine := leat.Read(p, "queries", memory.Source[query]{Rows: queries, Splits: splits}, asked)
		rows := leat.Read(p, "events", memory.Source[event]{Rows: events, Splits: splits}, known)
		leat.Write(leat.Map(join(spine, rows), "render", render), "out", &out)
		result, err := local.Run(t.Context(), p, o)
		if err != nil {
			t.Fatalf("round %d, %+v: %v", round, o, err)
		}
		for _, s := range result.Steps {
			if s.Dropped > 0 {
				t.Errorf("round %d, %+v: step %s dropped %d rows, and none is late", round, o, s.Step, s.Dropped)
			}
		}
		got, want := out.Rows(), naive(queries, events)
		slices.Sort(got)
		slices.Sort(want)
		if len(got) != len(want) {
			t.Fatalf("round %d, %+v: %d rows, want %d", round, o, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("round %d, disorder %s, %+v:\ngot  %s\nwant %s", round, d, o, got[i], want[i])
			}
		}
	}
}

// Rows behind what is declared are dropped on either side, and counted.
func TestStreamingCountsLateRows(t *testing.T) {
	at := func(us int64) time.Time { return time.UnixMicro(us).UTC() }
	p := &leat.Pipeline{}
	spine := leat.Read(p, "queries", memory.Source[query]{Rows: []query{{ID: 1, At: at(100)}, {ID: 2, At: at(20)}, {ID: 3, At: at(90)}}},
		leat.EventTimeField(func(q *query) *time.Time { return &q.At }, watermark.Disorder(10*time.Microsecond)))
	rows := leat.Read(p, "events", memory.Source[event]{Rows: []event{{At: at(80), N: 1}, {At: at(10), N: 2}, {At: at(85), N: 4}}},
		leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(time.Microsecond)))
	type known struct{ ID, Sum int64 }
	var out memory.Collector[known]
	leat.Write(leat.Map(join(spine, rows), "sum", func(a answer) known { return known{a.ID, a.User.At("1h").Sum} }), "out", &out)
	result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, BatchRows: 1, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	var dropped int64
	for _, s := range result.Steps {
		dropped += s.Dropped
	}
	got := out.Rows()
	slices.SortFunc(got, func(a, b known) int { return cmp.Compare(a.ID, b.ID) })
	if want := []known{{1, 5}, {3, 5}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if dropped < 2 {
		t.Errorf("%d rows were counted as dropped, and on each side at least one is late", dropped)
	}
}
