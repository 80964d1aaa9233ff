package local_test

import (
	"fmt"
	"iter"

	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/window"
)

// Cases with two streams are in words alone: two scripts, whose events alternate.

func init() {
	pipelineOf["flatten_watermark_is_min_of_inputs"] = flattenWatermarks
	outputsOf["flatten_watermark_is_min_of_inputs"] = []string{"k [1 2] on_time 0 @9 [0,10]"}
	pipelineOf["side_input_blocks_main_until_window_ready"] = sideInputWaits
	outputsOf["side_input_blocks_main_until_window_ready"] = []string{"1 sees [100]"}
}

// flattenWatermarks has a pane that must not fire before both inputs allow it: then
// it would be without the row that comes in between, which would be late.
func flattenWatermarks(b *beamRun) {
	first := b.script("a", leattest.At(atMillis(1), element{"k", 1}), leattest.Watermark(atMillis(100)))
	second := b.script("b", leattest.Watermark(atMillis(5)), leattest.Pause(), leattest.At(atMillis(7), element{"k", 2}), leattest.Watermark(atMillis(10)))
	byKey := leat.KeyBy(leat.Flatten(first, second), "by-key", field.Of(keyOfElement))
	groups := leat.GroupByKey(leat.Window(byKey, window.Fixed(millis(10))), "group")
	panes := leat.ParDo(groups, "panes", leat.Do(func(c *leat.Context, kv leat.KV[string, iter.Seq[element]], emit leat.Emit[string]) error {
		emit(fmt.Sprintf("%s %v %s %d", kv.Key, valuesOf(kv.Value), c.Pane().Timing, c.Pane().Index))
		return nil
	}))
	b.write(located(panes, "located", window.Fixed(millis(10))))
}

// sideInputWaits has a row whose window of the side input is not complete when it
// comes, though that of the row itself is.
func sideInputWaits(b *beamRun) {
	fn := window.Fixed(millis(10))
	in := leat.Window(b.script("main", leattest.At(atMillis(1), element{"m", 1}), leattest.Watermark(atMillis(100))), fn)
	side := b.script("side", leattest.Watermark(atMillis(0)), leattest.Pause(), leattest.At(atMillis(2), element{"s", 100}), leattest.Watermark(atMillis(10)))
	values := leat.AsList(leat.Window(leat.Map(side, "value", func(e element) int64 { return e.V }), fn))
	b.write(leat.MapWith(in, values, "sees", func(e element, side []int64) string { return fmt.Sprintf("%d sees %v", e.V, side) }))
}
