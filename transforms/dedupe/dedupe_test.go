package dedupe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
	"github.com/leatflow/leat/transforms/dedupe"
)

type order struct {
	ID   string    `leat:"id"`
	Note string    `leat:"note"`
	At   time.Time `leat:"at"`
}

func byID(p *leat.Pipeline, rows []order) leat.PCollection[leat.KV[string, order]] {
	in := leat.Read(p, "orders", memory.Source[order]{Rows: rows, Splits: 4},
		leat.EventTimeField(func(o *order) *time.Time { return &o.At }, watermark.Disorder(time.Hour)))
	return leat.KeyBy(in, "by-id", field.Of(func(o *order) *string { return &o.ID }))
}

func random(n int) []order {
	r := rand.New(rand.NewPCG(5, 6))
	rows := make([]order, n)
	for i := range rows {
		rows[i] = order{fmt.Sprint("id", r.IntN(20)), fmt.Sprintf("%03d", r.IntN(n)), time.Unix(r.Int64N(200), 0).UTC()}
	}
	return rows
}

// sorted returns rows by time, and those of one time by what is in them.
func sorted(rows []order) []order {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b order) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.Note, b.Note)
	})
	return rows
}

func text(o order) string { return fmt.Sprintf("%s %s %d", o.ID, o.Note, o.At.Unix()) }

// check runs a transform on both plans, with one task and with several, and with
// the rows in two orders, and compares what is kept.
func check(t *testing.T, rows []order, want []string, keep func(leat.PCollection[leat.KV[string, order]]) leat.PCollection[leat.KV[string, order]]) {
	t.Helper()
	slices.Sort(want)
	backwards := slices.Clone(rows)
	slices.Reverse(backwards)
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		for _, tasks := range []int{1, 3} {
			for i, in := range [][]order{rows, backwards} {
				p := &leat.Pipeline{}
				var out memory.Collector[leat.KV[string, order]]
				leat.Write(keep(byID(p, in)), "out", &out)
				if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: tasks, BatchRows: 50}); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, kv := range out.Rows() {
					got = append(got, text(kv.Value))
				}
				if slices.Sort(got); !slices.Equal(got, want) {
					t.Errorf("%s plan, %d tasks, order %d: got %d rows %q, want %d %q", plan, tasks, i, len(got), got, len(want), want)
				}
			}
		}
	}
}

func TestFirst(t *testing.T) {
	// The earliest row of each key and window is kept, and of rows of one time always
	// the same.
	rows := random(500)
	var want []string
	seen := map[string]bool{}
	for _, o := range sorted(rows) {
		if group := fmt.Sprint(o.ID, o.At.Unix()/50); !seen[group] {
			seen[group] = true
			want = append(want, text(o))
		}
	}
	check(t, rows, want, func(in leat.PCollection[leat.KV[string, order]]) leat.PCollection[leat.KV[string, order]] {
		return dedupe.First(leat.Window(in, window.Fixed(50*time.Second)), "once")
	})
}

func ExampleFirst() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &leat.Pipeline{}
	orders := byID(p, []order{{"1", "pen", noon}, {"1", "pen, sent again", noon.Add(time.Second)}, {"2", "ink", noon}})
	var out memory.Collector[leat.KV[string, order]]
	leat.Write(dedupe.First(orders, "once"), "out", &out)
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
	}
	var lines []string
	for _, kv := range out.Rows() {
		lines = append(lines, kv.Key+" "+kv.Value.Note)
	}
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
	// Output:
	// 1 pen
	// 2 ink
}

func TestWithin(t *testing.T) {
	// A row is kept when the last one kept of its key is d older or more; and of rows of
	// one time always the same.
	rows := random(500)
	const d = 7 * time.Second
	var want []string
	last := map[string]time.Time{}
	for _, o := range sorted(rows) {
		if kept, there := last[o.ID]; !there || o.At.Sub(kept) >= d {
			last[o.ID] = o.At
			want = append(want, text(o))
		}
	}
	check(t, rows, want, func(in leat.PCollection[leat.KV[string, order]]) leat.PCollection[leat.KV[string, order]] {
		return dedupe.Within(in, "once", d)
	})
}

func TestWithinTime(t *testing.T) {
	// A row that is kept keeps its time, and comes as soon as the watermark allows it.
	p := &leat.Pipeline{}
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	in := leat.Read[order](p, "orders", leattest.Stream[order](
		leattest.At(at(5), order{"1", "later", at(5)}),
		leattest.At(at(3), order{"1", "first", at(3)}),
		leattest.Watermark(at(6)),
		leattest.At(at(13), order{"1", "again", at(13)}),
		leattest.At(at(12), order{"1", "too soon", at(12)}),
		leattest.Watermark(at(14)),
	))
	out := leattest.Capture(dedupe.Within(leat.KeyBy(in, "by-id", field.Of(func(o *order) *string { return &o.ID })), "once", 10*time.Second), "out")
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 2}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range out.Rows() {
		got = append(got, fmt.Sprint(r.Value.Value.Note, " at ", r.Time.Unix()))
	}
	if want := []string{"first at 3", "again at 13"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMistakes(t *testing.T) {
	// Mistakes carry the line of the caller, not one inside of the transform.
	p := &leat.Pipeline{}
	in := byID(p, nil)
	dedupe.Within(in, "never", 0)
	dedupe.Within(in, "short", time.Nanosecond)
	_, err := p.Graph()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	if n := strings.Count(err.Error(), "dedupe/dedupe_test.go:"); n != 2 || strings.Contains(err.Error(), "dedupe.go") || !strings.Contains(err.Error(), "it must be positive") {
		t.Errorf("got %v", err)
	}
}

func ExampleWithin() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &leat.Pipeline{}
	orders := byID(p, []order{{"1", "pen", noon}, {"1", "pen, sent again", noon.Add(time.Second)}, {"1", "pen, a new one", noon.Add(time.Hour)}})
	var out memory.Collector[leat.KV[string, order]]
	leat.Write(dedupe.Within(orders, "once", time.Minute), "out", &out)
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
	}
	for _, kv := range out.Rows() {
		fmt.Println(kv.Value.Note)
	}
	// Output:
	// pen
	// pen, a new one
}
