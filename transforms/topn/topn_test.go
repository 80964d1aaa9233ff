package topn_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
	"github.com/leatflow/leat/transforms/topn"
)

type order struct {
	Customer string    `leat:"customer"`
	Item     string    `leat:"item"`
	Price    float64   `leat:"price"`
	At       time.Time `leat:"at"`
}

func price(o *order) *float64   { return &o.Price }
func customer(o *order) *string { return &o.Customer }

func byCustomer(p *leat.Pipeline, rows []order) leat.PCollection[leat.KV[string, order]] {
	in := leat.Read(p, "orders", memory.Source[order]{Rows: rows, Splits: 4},
		leat.EventTimeField(func(o *order) *time.Time { return &o.At }, watermark.Disorder(time.Hour)))
	return leat.KeyBy(in, "by-customer", field.Of(customer))
}

func random(n int) []order {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]order, n)
	for i := range rows {
		rows[i] = order{string(rune('a' + r.IntN(3))), fmt.Sprint(i), float64(r.IntN(20)), time.Unix(r.Int64N(100), 0).UTC()}
	}
	return rows
}

// naive sorts all rows of a group by value, then event time, then the row's
// columns, and takes n from the end.
func naive(rows []order, n int, largest bool) []order {
	slices.SortFunc(rows, func(a, b order) int {
		c := cmp.Or(cmp.Compare(a.Price, b.Price), a.At.Compare(b.At), strings.Compare(a.Item, b.Item))
		if largest {
			c = -c
		}
		return c
	})
	return rows[:min(n, len(rows))]
}

func TestAgainstSorting(t *testing.T) {
	// The rows kept of each customer and window are those that sorting finds, in
	// that order, on both plans, with more tasks and batches than one.
	rows := random(1000)
	const size = 30
	groups := map[string][]order{}
	for _, o := range rows {
		key := fmt.Sprint(o.Customer, o.At.Unix()/size*size)
		groups[key] = append(groups[key], o)
	}
	for _, largest := range []bool{true, false} {
		keep := topn.Smallest[string, order, float64]
		if largest {
			keep = topn.Largest[string, order, float64]
		}
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			p := &leat.Pipeline{}
			var got memory.Collector[leat.KV[string, []order]]
			windows := leat.Window(byCustomer(p, rows), window.Fixed(size*time.Second))
			leat.Write(keep(windows, "top", 5, price), "out", &got)
			if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2, BatchRows: 50}); err != nil {
				t.Fatal(err)
			}
			if got.Len() != len(groups) {
				t.Errorf("%s plan: got %d groups, want %d", plan, got.Len(), len(groups))
			}
			for _, row := range got.Windowed() {
				want := naive(groups[fmt.Sprint(row.Value.Key, row.Start.Unix())], 5, largest)
				if diff := gocmp.Diff(want, row.Value.Value); diff != "" {
					t.Fatalf("largest %t, %s plan, %s at %s: %s", largest, plan, row.Value.Key, row.Start, diff)
				}
			}
		}
	}
}

func TestMistakes(t *testing.T) {
	// Mistakes carry the line of the caller of topn, not one inside of it.
	other := order{}
	p := &leat.Pipeline{}
	in := byCustomer(p, nil)
	topn.Largest(in, "none", 0, price)
	topn.Largest(in, "outside", 1, func(*order) *float64 { return &other.Price })
	_, err := p.Graph()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	for _, want := range []string{"none: agg.TopK: the number of values to keep is 0", "outside: a field of agg.By of agg.TopK does not point into"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if n := strings.Count(err.Error(), "topn/topn_test.go:"); n < 2 || strings.Contains(err.Error(), "topn.go") {
		t.Errorf("places: %v", err)
	}
}

func ExampleLargest() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := &leat.Pipeline{}
	orders := leat.Read[order](p, "orders", memory.Of(
		order{"ann", "pen", 2, noon}, order{"ann", "ink", 7, noon}, order{"ann", "pad", 4, noon}, order{"bob", "ink", 7, noon},
	))
	byCustomer := leat.KeyBy(orders, "by-customer", field.Of(customer))
	dearest := topn.Largest(byCustomer, "dearest", 2, price)
	lines := leat.Map(dearest, "line", func(kv leat.KV[string, []order]) string {
		line := kv.Key + ":"
		for _, o := range kv.Value {
			line += fmt.Sprintf(" %s %g", o.Item, o.Price)
		}
		return line
	})
	var out memory.Collector[string]
	leat.Write(lines, "out", &out)
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
	}
	for _, line := range slices.Sorted(slices.Values(out.Rows())) {
		fmt.Println(line)
	}
	// Output:
	// ann: ink 7 pad 4
	// bob: ink 7
}
