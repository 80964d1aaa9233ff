package leat_test

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

type click struct{ User string }

// Clicks an hour: a first count after a minute, the count when the hour is over, and
// a new one for each click that comes up to ten minutes late. What comes later still
// is kept apart.
func ExampleTrigger() {
	p, noon := &leat.Pipeline{}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ann := click{"ann"}
	clicks := leat.Read[click](p, "clicks", leattest.Stream[click](
		leattest.At(noon.Add(time.Minute), ann, ann),
		leattest.ProcessingTime(time.Minute),
		leattest.At(noon.Add(2*time.Minute), ann),
		leattest.Watermark(noon.Add(time.Hour)),
		leattest.At(noon.Add(3*time.Minute), ann),
		leattest.Watermark(noon.Add(70*time.Minute)),
		leattest.At(noon.Add(4*time.Minute), ann),
	))
	var late leat.PCollection[click]
	hours := leat.Window(clicks, window.Fixed(time.Hour),
		leat.Trigger(window.AfterWatermark(window.Early(window.AfterProcessingTime(time.Minute)), window.Late(window.AfterCount(1)))),
		leat.Accumulation(window.Accumulating), leat.AllowedLateness(10*time.Minute), leat.LateTo(&late))
	byUser := leat.KeyBy(hours, "by-user", field.Of(func(c *click) *string { return &c.User }))
	counts := leat.Combine(byUser, "count", agg.Into(func(_ *click, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
	lines := leat.ParDo(counts, "lines", leat.Do(func(c *leat.Context, kv leat.KV[string, int64], emit leat.Emit[string]) error {
		emit(fmt.Sprint(kv.Key, " ", kv.Value, " ", c.Pane().Timing))
		return nil
	}))
	out, rest := leattest.Capture(lines, "out"), leattest.Capture(late, "late")
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
	}
	for _, row := range out.Rows() {
		fmt.Println(row.Value)
	}
	fmt.Println("too late:", len(rest.Rows()))
	// Output:
	// ann 2 early
	// ann 3 on_time
	// ann 4 late
	// too late: 1
}
