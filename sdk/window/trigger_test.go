package window

import (
	"strings"
	"testing"
	"time"
)

// What a trigger says of itself, how EXPLAIN shows it, and what it becomes behind a
// grouping step.
func TestTriggers(t *testing.T) {
	clock := AfterProcessingTime(time.Minute)
	for _, c := range []struct {
		trigger               Trigger
		text                  string
		finishes, atEnd, once bool
		continued             string
	}{
		{Default(), "default", false, true, true, "default"},
		{Never(), "never", false, true, true, "never"},
		{AfterWatermark(), "after watermark", true, true, true, "after watermark"},
		{Repeat(AfterWatermark()), "repeat(after watermark)", false, true, true, "repeat(after watermark)"},
		{AfterWatermark(Early(AfterCount(9))), "after watermark early(after 9 rows)", true, true, false, "after watermark early(after 1 rows)"},
		{AfterWatermark(Late(AfterCount(9))), "after watermark late(after 9 rows)", false, true, true, "after watermark late(after 1 rows)"},
		{AfterWatermark(Early(clock), Late(AfterCount(2))), "after watermark early(after 1m0s of processing time) late(after 2 rows)", false, true, false,
			"after watermark early(after 1 rows) late(after 1 rows)"},
		{AfterCount(3), "after 3 rows", true, false, false, "after 1 rows"},
		{AfterProcessingTimeAligned(time.Second, time.Minute), "after 1s of processing time aligned to 1m0s", true, false, false, "after 1 rows"},
		{Repeat(AfterCount(3)), "repeat(after 3 rows)", false, false, false, "repeat(after 1 rows)"},
		{OrFinally(Repeat(clock), AfterWatermark()), "or finally(repeat(after 1m0s of processing time), after watermark)", true, false, false,
			"or finally(repeat(after 1 rows), after watermark)"},
		{AfterEach(AfterCount(1), Repeat(AfterCount(3))), "each(after 1 rows, repeat(after 3 rows))", false, false, false, "each(after 1 rows, repeat(after 1 rows))"},
		{AfterEach(AfterCount(1), AfterCount(3)), "each(after 1 rows, after 3 rows)", true, false, false, "each(after 1 rows, after 1 rows)"},
		{AfterAny(AfterCount(1), Never()), "any(after 1 rows, never)", true, false, false, "any(after 1 rows, never)"},
		{AfterAll(AfterCount(1), Default()), "all(after 1 rows, default)", true, false, false, "all(after 1 rows, default)"},
		{Lossy(AfterCount(1)), "lossy(after 1 rows)", true, false, false, "lossy(after 1 rows)"},
		{Lossy(AfterWatermark()), "lossy(after watermark)", true, true, true, "lossy(after watermark)"},
	} {
		if got := c.trigger.String(); got != c.text {
			t.Errorf("%s is shown as %s", c.text, got)
		}
		if c.trigger.Finishes() != c.finishes || c.trigger.AtEnd() != c.atEnd || c.trigger.Once() != c.once {
			t.Errorf("%s finishes %t, is at the end %t, fires once %t", c.text, c.trigger.Finishes(), c.trigger.AtEnd(), c.trigger.Once())
		}
		if got := c.trigger.Continuation().String(); got != c.continued {
			t.Errorf("behind %s comes %s, want %s", c.text, got, c.continued)
		}
	}
	if !Count(3).Trigger().Equal(Repeat(AfterCount(3))) || Count(3).Equal(Global()) || Count(3).Equal(Count(4)) {
		t.Error("count windows are not the global window with a trigger")
	}
}

// A strategy is simple exactly where windows fire once, at their end, and shows
// what differs from that.
func TestStrategies(t *testing.T) {
	for _, c := range []struct {
		strategy        Strategy
		text            string
		simple          bool
		onTime, closing bool
	}{
		{Strategy{}, "", true, false, false},
		{Strategy{Trigger: AfterWatermark(), Mode: Accumulating}, "trigger after watermark, accumulating", true, true, false},
		{Strategy{Mode: Retracting, OnTime: FireIfNonEmpty}, "retracting, on time fire if non-empty", true, false, false},
		{Strategy{Lateness: time.Hour}, "lateness 1h0m0s", false, false, false},
		{Strategy{Combiner: Earliest, Closing: FireAlways}, "time earliest, closing fire always", false, false, true},
		{Strategy{Combiner: Latest, OnTime: FireAlways}, "time latest, on time fire always", false, true, false},
		{Strategy{Trigger: AfterWatermark(Early(AfterCount(1)))}, "trigger after watermark early(after 1 rows)", false, false, false},
	} {
		if got := c.strategy.String(); got != c.text {
			t.Errorf("%q is shown as %q", c.text, got)
		}
		onTime, closing := c.strategy.Empty()
		if c.strategy.Simple() != c.simple || onTime != c.onTime || closing != c.closing {
			t.Errorf("%q is simple %t, fires empty on time %t and closing %t", c.text, c.strategy.Simple(), onTime, closing)
		}
		if err := c.strategy.Validate(); err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

// Triggers that could lose rows are refused, unless that is said to be meant.
func TestUnsafeTriggers(t *testing.T) {
	late := time.Minute
	for _, c := range []struct {
		strategy Strategy
		lost     string // in the error; "" for none
	}{
		{Strategy{Trigger: AfterCount(1)}, "wrap it in window.Repeat"},
		{Strategy{Trigger: AfterProcessingTime(late)}, "wrap it in window.Repeat"},
		{Strategy{Trigger: AfterAny(AfterCount(1), AfterWatermark())}, "wrap it in window.Repeat"},
		{Strategy{Trigger: AfterEach(AfterCount(1), Repeat(AfterCount(1)))}, ""},
		{Strategy{Trigger: AfterWatermark(Early(AfterCount(1)))}, ""},
		{Strategy{Trigger: AfterWatermark(Early(AfterCount(1))), Lateness: late}, "add window.Late"},
		{Strategy{Trigger: AfterWatermark(Late(AfterCount(1))), Lateness: late}, ""},
		{Strategy{Trigger: Lossy(AfterCount(1)), Lateness: late}, ""},
		{Strategy{Trigger: Never(), Lateness: late}, ""},
	} {
		err := c.strategy.Validate()
		if c.lost == "" && err != nil || c.lost != "" && (err == nil || !strings.Contains(err.Error(), c.lost)) {
			t.Errorf("%s: %v", c.strategy, err)
		}
	}
}
