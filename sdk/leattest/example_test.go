package leattest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/window"
)

type Click struct{ User string }

type Count struct{ Clicks int64 }

// clicksPerMinute is the pipeline under test.
func clicksPerMinute(clicks leat.PCollection[Click]) leat.PCollection[leat.KV[string, Count]] {
	byUser := leat.KeyBy(clicks, "by-user", field.Of(func(c *Click) *string { return &c.User }))
	return leat.Combine(leat.Window(byUser, window.Fixed(time.Minute)), "count",
		agg.Into(func(c *Click, n *Count) []agg.Term { return []agg.Term{agg.Count(&n.Clicks)} }))
}

// A row behind the watermark counts while its window is open, and no longer.
func Example() {
	p, noon := &leat.Pipeline{}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clicks := leat.Read[Click](p, "clicks", leattest.Stream[Click](
		leattest.At(noon.Add(30*time.Second), Click{"ann"}, Click{"bob"}),
		leattest.Watermark(noon.Add(59*time.Second)),
		leattest.At(noon, Click{"ann"}), // behind the watermark, its minute is not over
		leattest.Watermark(noon.Add(time.Minute)),
		leattest.At(noon, Click{"ann"}), // too late
	))
	counts := leattest.Capture(clicksPerMinute(clicks), "counts")
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
	}
	for _, row := range counts.Sorted() {
		fmt.Println(row)
	}
	// Output:
	// {Key:ann Value:{Clicks:2}} @ 2026-03-01T12:00:59.999999Z [2026-03-01T12:00:00Z, 2026-03-01T12:01:00Z)
	// {Key:bob Value:{Clicks:1}} @ 2026-03-01T12:00:59.999999Z [2026-03-01T12:00:00Z, 2026-03-01T12:01:00Z)
}
