package operator

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// flinkDifferences are the cases in which windows are meant to differ from Flink's
// operator, with what comes out instead; nil where the case cannot be asked at all.
var flinkDifferences = map[string]struct {
	why  string
	want []string
}{
	"count_window_tumbling": {"what a trigger has not given comes out when the window closes, and is not lost",
		[]string{"1: k global [1 2]", "3: k global [3 4]", "5: k global [5]"}},
	"custom_trigger_replaces_default": {"what a trigger has not given comes out when the window closes, and is not lost",
		[]string{"1: k [0,10) [1] at 9", "3: k [10,20) [2 3] at 19"}},
	"sliding_gap_element_in_no_window_is_silently_ignored": {"a row in no window has nothing to be late for (Beam), whatever the watermark", []string{}},
	"element_without_timestamp_is_error":                   {"rows without event time are refused when the pipeline is built (sdk/leat/testdata/mistakes.txt)", nil},
	"continuous_event_time_trigger":                        {"there is no trigger at moments of event time before the end: windows of the interval say the same, and do not fire where nothing has come", nil},
	"continuous_event_time_trigger_watermark_jump":         {"as above; a jump of the watermark over five intervals would give the same result five times", nil},
	"time_evictor":                  {"there are no evictors: an aggregate is of all rows of a pane; windows say how far back a result looks", nil},
	"window_checkpoint_restore":     {"there are no checkpoints yet", nil},
	"watermark_is_not_checkpointed": {"a defect that must not exist: a watermark will be part of a checkpoint", nil},
}

// flinkWindowCase is a case of kind window in flink.json, in ms.
type flinkWindowCase struct {
	Name, Kind string
	Config     struct {
		Assigner, Trigger, Evictor string
		Size, Slide, Gap, Offset   int64
		Lateness                   int64 `json:"allowed_lateness"`
		Side                       bool  `json:"late_side_output"`
	}
	Events []struct {
		Op, Key string
		V       int64
		TS      any
	}
	Expected []struct {
		After int
		Type  string
		TS    any
		Value struct {
			Key, Window   string
			Start, End, V int64
			Elements      *[]int64
			Sum           int64
		}
		Dropped *int64 `json:"late_dropped"`
		Entries *int   `json:"keyed_state_entries"`
	}
	CountLate bool `json:"count_late"`
}

func (c *flinkWindowCase) windowing(t *testing.T) graph.Windowing {
	t.Helper()
	w := graph.Windowing{Fn: window.Global(), Strategy: window.Strategy{Mode: window.Accumulating, Lateness: ms(c.Config.Lateness), OnTime: window.FireIfNonEmpty}}
	switch c.Config.Assigner {
	case "tumbling":
		w.Fn = window.Fixed(ms(c.Config.Size)).Offset(ms(c.Config.Offset))
	case "sliding":
		w.Fn = window.Sliding(ms(c.Config.Size), ms(c.Config.Slide)).Offset(ms(c.Config.Offset))
	case "session":
		w.Fn = window.Session(ms(c.Config.Gap))
	case "global", "global_end_of_stream":
	default:
		t.Fatalf("unknown assigner %q", c.Config.Assigner)
	}
	kind, n, _ := strings.Cut(c.Config.Trigger, ":")
	if rest, purging := strings.CutPrefix(kind, "purging_"); purging {
		kind, w.Strategy.Mode = rest, window.Discarding
	}
	switch kind {
	case "count":
		count, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		w.Strategy.Trigger = window.Repeat(window.AfterCount(count))
	case "", "event":
	default:
		t.Fatalf("unknown trigger %q", c.Config.Trigger)
	}
	return w
}

// Windows do what Flink's window operator does, where the Beam model is silent or
// agrees: on the operators of both, the one for windows that fire once and the one
// for all others. Flink's watermark T is T+1 here.
func TestFlinkWindows(t *testing.T) {
	text, err := os.ReadFile("../../local/testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []json.RawMessage // of many kinds
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	ran, different := 0, 0
	for _, raw := range cases {
		var is struct{ Kind string }
		if err := json.Unmarshal(raw, &is); err != nil {
			t.Fatal(err)
		}
		if is.Kind != "window" {
			continue
		}
		var c flinkWindowCase
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		d, differs := flinkDifferences[c.Name]
		if differs {
			different++
		}
		if differs && d.want == nil {
			continue
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			want := d.want
			if !differs {
				want = c.wanted(t)
			}
			c.run(t, want, true)
			if c.windowing(t).Strategy.Simple() && !c.Config.Side && c.Config.Evictor == "" {
				c.run(t, want, false)
			}
		})
	}
	if different != len(flinkDifferences) || ran < 26 {
		t.Errorf("%d cases ran, %d of the %d deliberate differences were met", ran, different, len(flinkDifferences))
	}
}

// wanted prints the records and late rows that a case expects.
func (c *flinkWindowCase) wanted(t *testing.T) []string {
	t.Helper()
	lines := []string{}
	for _, e := range c.Expected {
		v := e.Value
		switch e.Type {
		case "record":
			what := fmt.Sprint(v.Sum)
			if v.Elements != nil {
				slices.Sort(*v.Elements)
				what = fmt.Sprint(*v.Elements)
			}
			if v.Window == "global" {
				lines = append(lines, fmt.Sprintf("%d: %s global %s", e.After, v.Key, what))
				continue
			}
			lines = append(lines, fmt.Sprintf("%d: %s [%d,%d) %s at %v", e.After, v.Key, v.Start, v.End, what, e.TS))
		case "side":
			lines = append(lines, fmt.Sprintf("%d: late %d", e.After, v.V))
		}
	}
	return lines
}

func (c *flinkWindowCase) run(t *testing.T, want []string, general bool) {
	t.Helper()
	chain := newModelChain(t, c.windowing(t), false, 1)
	if general {
		chain = newTriggeredChain(t, c.windowing(t), 1)
	}
	if n, ok := strings.CutPrefix(c.Config.Evictor, "count:"); ok { // the last n of a pane are an aggregate
		count, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		o := chain.receivers[0].(*triggered)
		g := o.Grouping
		g.Aggregate = lastAndSum(t, count)
		*o = *NewTriggered(g, &chain.counters[0]).(*triggered)
	}
	lines := []string{}
	for i, e := range c.Events {
		switch e.Op {
		case "element":
			chain.elements([]element{{K: e.Key, V: e.V, TS: int64(e.TS.(float64))}})
		case "watermark":
			w := batch.MaxTime
			if at, ok := e.TS.(float64); ok {
				w = (int64(at) + 1) * 1000
			}
			chain.watermark(w)
		default:
			t.Fatalf("unknown event %q", e.Op)
		}
		if !c.Config.Side { // nobody asked
			chain.late = nil
		}
		lines = append(lines, chain.flinkLines(i, c.Name == "tumbling_reduce")...)
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the general operator %t:\ngot  %q\nwant %q", general, lines, want)
	}
	c.checkState(t, chain, general)
}

// flinkLines prints what came out since the last call.
func (c *modelChain) flinkLines(event int, sumOnly bool) (lines []string) {
	for _, p := range c.got {
		what := fmt.Sprint(p.values)
		if sumOnly {
			what = fmt.Sprint(p.sum)
		}
		if p.end == batch.MaxTime {
			lines = append(lines, fmt.Sprintf("%d: %s global %s", event, p.key, what))
			continue
		}
		lines = append(lines, fmt.Sprintf("%d: %s [%d,%d) %s at %d", event, p.key, p.start/1000, p.end/1000, what, floorMS(p.time)))
	}
	for _, v := range c.late {
		lines = append(lines, fmt.Sprintf("%d: late %d", event, v))
	}
	c.got, c.late = nil, nil
	return lines
}

// checkState compares counters and what is left in state. Late rows are counted
// here whether or not they are wanted.
func (c *flinkWindowCase) checkState(t *testing.T, chain *modelChain, general bool) {
	t.Helper()
	var side int64
	for _, e := range c.Expected {
		if e.Type == "side" {
			side++
		}
	}
	if _, differs := flinkDifferences[c.Name]; differs {
		side = 0
	}
	for _, e := range c.Expected {
		if o, ok := chain.receivers[0].(*triggered); e.Entries != nil && ok && general {
			if got := o.free.InUse(); got != *e.Entries || o.keys.Live() != *e.Entries {
				t.Errorf("%d cells and %d keys are left, want %d", got, o.keys.Live(), *e.Entries)
			}
		}
	}
	chain.end() // rows that are aggregated early are judged by then
	for _, e := range c.Expected {
		if e.Dropped != nil && chain.counters[0].Dropped != *e.Dropped+side {
			t.Errorf("%d rows were dropped, want %d", chain.counters[0].Dropped, *e.Dropped+side)
		}
	}
}

func lastAndSum(t *testing.T, n int) *agg.Plan {
	t.Helper()
	plan, err := agg.Into(func(v *int64, r *groupedValues) []agg.Term {
		return []agg.Term{agg.LastN(&r.List, v, n), agg.Sum(&r.Sum, v)}
	}).Plan()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
