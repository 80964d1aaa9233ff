package leat_test

import (
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// timedByUser starts a pipeline of keyed rows that have an event time.
func timedByUser(p *leat.Pipeline) leat.PCollection[keyed] {
	in := leat.Read[event](p, "events", memory.Of[event](), leat.EventTimeField(at, watermark.Monotone()))
	return leat.KeyBy(in, "by-user", field.Of(user))
}

func countHours(in leat.PCollection[keyed]) {
	leat.Write(leat.Combine(in, "count", agg.Into(count[event])), "counts", &memory.Collector[leat.KV[string, int64]]{})
}

func latest(e *event, n *int64) []agg.Term { return []agg.Term{agg.Max(n, &e.N)} }

var hour = window.Fixed(time.Hour)

var windowMistakes = []mistake{
	{"a trigger that finishes", func(p *leat.Pipeline) {
		countHours(leat.Window(timedByUser(p), hour, leat.Trigger(window.AfterCount(10))))
	}},
	{"a trigger that finishes though late rows are allowed", func(p *leat.Pipeline) {
		countHours(leat.Window(timedByUser(p), hour, leat.AllowedLateness(time.Minute), leat.Trigger(window.AfterWatermark(window.Early(window.AfterCount(10))))))
	}},
	{"counts, delays and lateness that cannot be", func(p *leat.Pipeline) {
		in := timedByUser(p)
		leat.Window(in, window.Count(0))
		leat.Window(in, hour, leat.Trigger(window.Repeat(window.AfterCount(-1))), leat.AllowedLateness(-time.Hour))
		leat.Window(in, hour, leat.Trigger(window.Repeat(window.AfterProcessingTimeAligned(time.Nanosecond, -time.Second))))
		leat.Window(in, hour, leat.Trigger(window.Repeat(window.AfterAny())), leat.Accumulation(7), leat.TimestampCombiner(9))
	}},
	{"two triggers", func(p *leat.Pipeline) {
		in := timedByUser(p)
		leat.Window(in, hour, leat.Trigger(window.Default()), leat.Trigger(window.Never()))
		leat.Window(in, window.Count(5), leat.Trigger(window.Default()))
	}},
	{"a trigger of very many parts", func(p *leat.Pipeline) {
		many := window.Default()
		for range 40 {
			many = window.Repeat(window.AfterAny(many))
		}
		leat.Window(timedByUser(p), hour, leat.Trigger(many))
	}},
	{"late rows: of another type, nowhere, twice", func(p *leat.Pipeline) {
		var other leat.PCollection[event]
		var late leat.PCollection[keyed]
		in := timedByUser(p)
		countHours(leat.Window(in, hour, leat.LateTo(&other)))
		leat.Window(in, hour, leat.LateTo[keyed](nil))
		leat.Window(in, hour, leat.LateTo(&late), leat.LateTo(&late))
	}},
	{"late rows: used before the step they are late for", func(p *leat.Pipeline) {
		var late leat.PCollection[keyed]
		windowed := leat.Window(timedByUser(p), hour, leat.LateTo(&late))
		leat.Write(late, "late", &memory.Collector[keyed]{})
		countHours(windowed)
	}},
	{"late rows: a copy of the variable", func(p *leat.Pipeline) {
		var late leat.PCollection[keyed]
		windowed := leat.Window(timedByUser(p), hour, leat.LateTo(&late))
		early := late
		countHours(windowed)
		leat.Write(early, "late", &memory.Collector[keyed]{})
	}},
	{"late rows: no step that groups", func(p *leat.Pipeline) {
		var late leat.PCollection[keyed]
		windowed := leat.Window(timedByUser(p), hour, leat.LateTo(&late))
		countHours(leat.Filter(windowed, "some", func(kv keyed) bool { return kv.Value.N > 0 }))
	}},
	{"late rows: two steps that group", func(p *leat.Pipeline) {
		var late leat.PCollection[keyed]
		windowed := leat.Window(timedByUser(p), hour, leat.LateTo(&late))
		countHours(windowed)
		leat.GroupByKey(windowed, "group")
	}},
	{"late rows: nothing follows from the mistake of the step", func(p *leat.Pipeline) {
		var late leat.PCollection[keyed]
		leat.Combine(leat.Window(timedByUser(p), hour, leat.LateTo(&late)), "count", agg.Into(func(*event, *int64) []agg.Term { return nil }))
		leat.Write(late, "late", &memory.Collector[keyed]{})
	}},
	{"panes that take others back, where that cannot be", func(p *leat.Pipeline) {
		in := leat.Window(timedByUser(p), hour, leat.Accumulation(window.Retracting), leat.AllowedLateness(time.Hour))
		counts := leat.Combine(in, "count", agg.Into(count[event]))
		again := leat.Filter(counts, "many", func(kv leat.KV[string, int64]) bool { return kv.Value > 10 })
		leat.Combine(again, "sum", agg.Into(count[int64]))
		leat.Distinct(leat.Window(again, window.Global()), "distinct")
	}},
	{"panes without rows, and a term without a value then", func(p *leat.Pipeline) {
		in := leat.Window(timedByUser(p), hour, leat.Trigger(window.AfterWatermark(window.Early(window.AfterCount(1)))), leat.OnTimeBehavior(window.FireAlways))
		leat.Combine(in, "latest", agg.Into(latest))
	}},
	{"flatten: windows that fire differently", func(p *leat.Pipeline) {
		in := timedByUser(p)
		leat.Flatten(leat.Window(in, hour), leat.Window(in, hour, leat.AllowedLateness(time.Hour)))
	}},
}

// What cannot be right about windows, triggers and late rows is said at
// construction, like every other mistake.
func TestWindowMistakes(t *testing.T) {
	golden(t, "window_mistakes.txt", reported(t, windowMistakes))
}
