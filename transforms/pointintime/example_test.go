package pointintime_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

// What a shop knew of its customers when each of them came back.
func ExampleJoin() {
	type order struct {
		Customer string
		At       time.Time
		Price    float64
	}
	type visit struct {
		Customer string
		At       time.Time
	}
	type example struct {
		Customer string
		Orders   int64
		Spent    float64
		Last     *float64
	}
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }

	p := &leat.Pipeline{}
	orders := leat.Read(p, "orders", memory.Of(order{"ann", day(1), 5}, order{"bob", day(2), 7.5}, order{"ann", day(9), 2.5}, order{"ann", day(20), 100}),
		leat.EventTimeField(func(o *order) *time.Time { return &o.At }, watermark.Disorder(0)))
	visits := leat.Read(p, "visits", memory.Of(visit{"bob", day(2)}, visit{"ann", day(10)}, visit{"bob", day(3)}),
		leat.EventTimeField(func(v *visit) *time.Time { return &v.At }, watermark.Disorder(0)))

	examples := pointintime.Join(visits, "examples", func(v *visit, e *example) []pointintime.Term {
		return []pointintime.Term{
			pointintime.Copy(&e.Customer, &v.Customer),
			pointintime.From(orders, func(o *order) pointintime.Lookup {
				return pointintime.Lookup{
					On:     []pointintime.Pair{pointintime.Equal(&v.Customer, &o.Customer)},
					Within: 30 * 24 * time.Hour,
					Get:    []agg.Term{agg.Count(&e.Orders), agg.Sum(&e.Spent, &o.Price), agg.Last(e.Last, &o.Price)},
				}
			}),
		}
	})
	var rows memory.Collector[example]
	leat.Write(examples, "rows", &rows)
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range rows.Rows() {
		last := "never"
		if e.Last != nil {
			last = fmt.Sprint(*e.Last)
		}
		fmt.Println(e.Customer, e.Orders, e.Spent, last)
	}
	// Output:
	// bob 0 0 never
	// ann 2 7.5 2.5
	// bob 1 7.5 7.5
}
