package local_test

import (
	"fmt"

	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// trigger returns the trigger that a case describes.
func (t *beamTrigger) trigger() (window.Trigger, error) {
	switch t.Type {
	case "default":
		return window.Default(), nil
	case "always":
		return window.Repeat(window.AfterCount(1)), nil
	case "never":
		return window.Never(), nil
	case "after_count":
		return window.AfterCount(t.N), nil
	case "after_processing_time":
		return window.AfterProcessingTime(millis(t.Delay)), nil
	case "after_watermark":
		return t.afterWatermark()
	case "repeat":
		return with1(t.Sub, window.Repeat)
	case "after_each":
		return withAll(t.Subs, window.AfterEach)
	case "after_any":
		return withAll(t.Subs, window.AfterAny)
	case "after_all":
		return withAll(t.Subs, window.AfterAll)
	case "or_finally":
		return withAll([]*beamTrigger{t.Main, t.Until}, func(t ...window.Trigger) window.Trigger { return window.OrFinally(t[0], t[1]) })
	}
	return window.Trigger{}, fmt.Errorf("there is no trigger of type %q", t.Type)
}

func (t *beamTrigger) afterWatermark() (window.Trigger, error) {
	var phases []window.Phase
	for i, sub := range []*beamTrigger{t.Early, t.Late} {
		if sub == nil {
			continue
		}
		part, err := sub.trigger()
		if err != nil {
			return part, err
		}
		if i == 0 {
			phases = append(phases, window.Early(part))
		} else {
			phases = append(phases, window.Late(part))
		}
	}
	return window.AfterWatermark(phases...), nil
}

func with1(sub *beamTrigger, make func(window.Trigger) window.Trigger) (window.Trigger, error) {
	return withAll([]*beamTrigger{sub}, func(t ...window.Trigger) window.Trigger { return make(t[0]) })
}

// withAll makes a trigger of others.
func withAll(subs []*beamTrigger, make func(...window.Trigger) window.Trigger) (window.Trigger, error) {
	var parts []window.Trigger
	for _, sub := range subs {
		if sub == nil {
			return window.Trigger{}, fmt.Errorf("a trigger lacks one of its parts")
		}
		part, err := sub.trigger()
		if err != nil {
			return part, err
		}
		parts = append(parts, part)
	}
	return make(parts...), nil
}

// options returns what a case says of its windows.
func (b *beamRun) options() (options []leat.WindowOption, err error) {
	pick := func(what, name string, known map[string]leat.WindowOption) {
		o, there := known[name]
		switch {
		case there:
			options = append(options, o)
		case name != "":
			err = fmt.Errorf("there is no %s %q", what, name)
		}
	}
	if b.Trigger != nil && b.Trigger.Type != "default" {
		t, err := b.Trigger.trigger()
		if err != nil {
			return nil, err
		}
		if t.Finishes() { // cases show what is lost then
			t = window.Lossy(t)
		}
		options = append(options, leat.Trigger(t))
	}
	pick("accumulation", b.Mode, map[string]leat.WindowOption{
		"discarding": leat.Accumulation(window.Discarding), "accumulating": leat.Accumulation(window.Accumulating), "retracting": leat.Accumulation(window.Retracting)})
	pick("timestamp combiner", b.Combiner, map[string]leat.WindowOption{
		"end_of_window": leat.TimestampCombiner(window.EndOfWindow), "earliest": leat.TimestampCombiner(window.Earliest), "latest": leat.TimestampCombiner(window.Latest)})
	pick("on-time behavior", b.OnTime, map[string]leat.WindowOption{
		"fire_always": leat.OnTimeBehavior(window.FireAlways), "fire_if_non_empty": leat.OnTimeBehavior(window.FireIfNonEmpty)})
	pick("closing behavior", b.Closing, map[string]leat.WindowOption{
		"fire_always": leat.ClosingBehavior(window.FireAlways), "fire_if_non_empty": leat.ClosingBehavior(window.FireIfNonEmpty)})
	if b.Lateness != 0 {
		options = append(options, leat.AllowedLateness(millis(b.Lateness)))
	}
	return options, err
}
