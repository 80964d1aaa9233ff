package local_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

type event struct {
	User string    `leat:"user"`
	At   time.Time `leat:"at"`
	N    int64     `leat:"n"`
}

type stats struct {
	User  string    `leat:"user"`
	Start time.Time `leat:"start"`
	Count int64     `leat:"count"`
	Sum   int64     `leat:"sum"`
	Max   int64     `leat:"max"`
}

func second(s int64) time.Time { return time.Unix(s, 0).UTC() }

// Counting words gives each word once with its count, on both plans.
func TestWordCount(t *testing.T) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		p := &leat.Pipeline{}
		lines := leat.Read[string](p, "lines", memory.Source[string]{Rows: []string{"a b a", "", "c a"}})
		words := leat.FlatMap(lines, "words", strings.FieldsSeq)
		byWord := leat.KeyBy(words, "by-word", field.Of(func(w *string) *string { return w }))
		counts := leat.Combine(byWord, "count", agg.Into(func(_ *string, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
		var got memory.Collector[leat.KV[string, int64]]
		leat.Write(counts, "out", &got)
		if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2}); err != nil {
			t.Fatal(err)
		}
		rows := got.Rows()
		slices.SortFunc(rows, func(a, b leat.KV[string, int64]) int { return strings.Compare(a.Key, b.Key) })
		want := []leat.KV[string, int64]{{Key: "a", Value: 3}, {Key: "b", Value: 1}, {Key: "c", Value: 1}}
		if !slices.Equal(rows, want) {
			t.Errorf("%s plan: got %v, want %v", plan, rows, want)
		}
	}
}

// Sliding windows contain exactly the rows a naive count puts into them.
func TestSlidingWindows(t *testing.T) {
	var events []event
	for i := range int64(200) {
		events = append(events, event{User: string(rune('a' + i%3)), At: second(i*7%60 - 20), N: i})
	}
	for _, w := range []window.Fn{window.Sliding(10*time.Second, 3*time.Second), window.Sliding(12*time.Second, 4*time.Second), window.Fixed(5 * time.Second), window.Sliding(3*time.Second, 10*time.Second), window.Sliding(10*time.Second, 5*time.Second).Offset(2 * time.Second)} {
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			got := runStats(t, events, w, plan)
			want := naiveStats(events, w)
			if !slices.Equal(got, want) {
				t.Fatalf("%s, %s plan: got %d rows %v\nwant %d rows %v", w, plan, len(got), got, len(want), want)
			}
		}
	}
}

func runStats(t *testing.T, events []event, w window.Fn, plan local.Plan) []stats {
	t.Helper()
	p := &leat.Pipeline{}
	in := leat.Read(p, "events", memory.Source[event]{Rows: events, Splits: 3},
		leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(time.Minute)))
	byUser := leat.KeyBy(in, "by-user", field.Of(func(e *event) *string { return &e.User }))
	out := leat.Combine(leat.Window(byUser, w), "stats", agg.Into(func(e *event, s *stats) []agg.Term {
		return []agg.Term{agg.Key(&s.User), agg.WindowStart(&s.Start), agg.Count(&s.Count), agg.Sum(&s.Sum, &e.N), agg.Max(&s.Max, &e.N)}
	}))
	var got memory.Collector[stats]
	leat.Write(leat.Values(out), "out", &got)
	if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2, BatchRows: 7}); err != nil {
		t.Fatal(err)
	}
	rows := got.Rows()
	slices.SortFunc(rows, compareStats)
	return rows
}

func compareStats(a, b stats) int {
	if c := a.Start.Compare(b.Start); c != 0 {
		return c
	}
	return strings.Compare(a.User, b.User)
}

func naiveStats(events []event, w window.Fn) []stats {
	type key struct {
		user  string
		start int64
	}
	all := map[key]*stats{}
	for _, e := range events {
		windows, _ := w.Assign(e.At.UnixMicro(), nil)
		for _, x := range windows {
			k := key{e.User, x.Start}
			if all[k] == nil {
				all[k] = &stats{User: e.User, Start: time.UnixMicro(x.Start).UTC(), Max: -1 << 62}
			}
			all[k].Count++
			all[k].Sum += e.N
			all[k].Max = max(all[k].Max, e.N)
		}
	}
	var rows []stats
	for _, s := range all {
		rows = append(rows, *s)
	}
	slices.SortFunc(rows, compareStats)
	return rows
}
