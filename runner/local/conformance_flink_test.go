package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/window"
)

// flinkWindows is a case of kind window or assign_windows of flink.json. Times are in
// ms; a watermark T says that no more rows ≤ T will come, and "MAX" is the end.
type flinkWindows struct {
	Name, Kind string
	Config     struct {
		Assigner, Trigger, Evictor, Function string
		Size, Slide, Gap, Offset             int64
		Lateness                             int64 `json:"allowed_lateness"`
		Side                                 bool  `json:"late_side_output"`
	}
	Events []struct {
		Op, Key string
		V       int64
		TS      any
	}
	Expected []struct {
		After   *int
		Type    string
		TS      any
		Windows [][2]int64
		Dropped *int64 `json:"late_dropped"`
		Value   struct {
			Key        string
			Start, End int64
			Window     string
			Elements   []int64
			Sum, V     int64
		}
	}
}

// flinkDifferences are cases in which something else comes out here, on purpose.
var flinkDifferences = map[string]struct {
	why  string
	want []string
}{
	"custom_trigger_replaces_default": {"what a window has gathered comes out when it is forgotten, so that nothing is lost",
		[]string{"1 k [0 10] [1] @9", "3 k [10 20] [2 3] @19"}},
	"global_count_trigger_accumulates": {"the event time of what is in the global window is the last there is, which is not that of Java", nil},
	"sliding_gap_element_in_no_window_is_silently_ignored": {"a row that no window contains is never late: it vanishes, as in the Beam model, whatever the watermark is",
		[]string{}},
	"count_window_tumbling": {"the rows that are left at the end of the input come out then",
		[]string{"1 k global [1 2]", "3 k global [3 4]", "5 k global [5]"}},
}

// flinkMissing are cases about what Leat does not have.
var flinkMissing = map[string]string{
	"count_window_sliding":                         "evictors: use agg.LastN",
	"time_evictor":                                 "evictors: use agg.Where or a shorter window",
	"continuous_event_time_trigger":                "firings at each interval that the watermark crosses, whether or not anything is new: use sliding windows",
	"continuous_event_time_trigger_watermark_jump": "firings at each interval that the watermark crosses, whether or not anything is new: use sliding windows",
	"window_checkpoint_restore":                    "checkpoints, which are to come",
	"watermark_is_not_checkpointed":                "checkpoints, which are to come, and will have the watermark",
	"element_without_timestamp_is_error":           "rows without event time in windows: a mistake when the pipeline is built (sdk/leat, \"combine: no event time\")",
}

// TestFlinkWindows runs Flink's cases of windows through the public API: results, in
// their order, and the event with which they come.
func TestFlinkWindows(t *testing.T) {
	text, err := os.ReadFile("testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, raw := range all {
		var kind struct{ Kind string }
		if err := json.Unmarshal(raw, &kind); err != nil {
			t.Fatal(err)
		}
		if kind.Kind != "window" && kind.Kind != "assign_windows" {
			continue
		}
		var c flinkWindows
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		ran++
		if flinkMissing[c.Name] != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if c.Kind == "assign_windows" {
				c.assigns(t)
				return
			}
			for _, tasks := range []int{1, 3} {
				c.fires(t, tasks)
			}
		})
	}
	if ran != 38 {
		t.Errorf("there are %d cases of windows, want 38", ran)
	}
}

func (c *flinkWindows) fn() window.Fn {
	switch c.Config.Assigner {
	case "tumbling":
		return window.Fixed(millis(c.Config.Size)).Offset(millis(c.Config.Offset))
	case "sliding":
		return window.Sliding(millis(c.Config.Size), millis(c.Config.Slide)).Offset(millis(c.Config.Offset))
	case "session":
		return window.Session(millis(c.Config.Gap))
	}
	return window.Global()
}

// assigns checks which windows a time is in; Flink lists them from the last.
func (c *flinkWindows) assigns(t *testing.T) {
	for _, e := range c.Expected {
		got, err := c.fn().Assign(micros(int64(e.TS.(float64))), nil)
		if err != nil {
			t.Fatal(err)
		}
		var want []window.Interval
		for _, w := range slices.Backward(e.Windows) {
			want = append(want, window.Interval{Start: micros(w[0]), End: micros(w[1])})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", e.TS, got, want)
		}
	}
}

// options translates a trigger: those of Flink keep what they have fired unless they
// purge.
func (c *flinkWindows) options(t *testing.T) []leat.WindowOption {
	mode := window.Accumulating
	name, purges := strings.CutPrefix(c.Config.Trigger, "purging_")
	if purges {
		mode = window.Discarding
	}
	options := []leat.WindowOption{leat.Accumulation(mode), leat.AllowedLateness(millis(c.Config.Lateness)), leat.OnTimeBehavior(window.FireIfNonEmpty)}
	if count, counts := strings.CutPrefix(name, "count:"); counts {
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return append(options, leat.Trigger(window.Repeat(window.AfterCount(n))))
	}
	if name != "" && name != "event" {
		t.Fatalf("there is no trigger %q", c.Config.Trigger)
	}
	return options
}

// script is the events of the case.
func (c *flinkWindows) script() (script []leattest.Event) {
	for _, e := range c.Events {
		ms, _ := e.TS.(float64)
		switch {
		case e.Op == "element":
			script = append(script, leattest.At(atMillis(int64(ms)), element{e.Key, e.V}))
		case e.TS == "MAX":
			script = append(script, leattest.WatermarkToEnd())
		default:
			script = append(script, leattest.Watermark(atMillis(int64(ms)+1)))
		}
	}
	return script
}

// want is what the case expects.
func (c *flinkWindows) want() (want []string, dropped *int64) {
	for _, e := range c.Expected {
		switch e.Type {
		case "metric":
			dropped = e.Dropped
		case "side":
			want = append(want, fmt.Sprintf("%d late %s %d @%.0f", *e.After, e.Value.Key, e.Value.V, e.TS))
		case "record":
			where := fmt.Sprintf("[%d %d]", e.Value.Start, e.Value.End)
			if e.Value.Window != "" {
				where = e.Value.Window
			}
			values := fmt.Sprint(ascending(e.Value.Elements))
			if e.Value.Elements == nil {
				values = fmt.Sprint(e.Value.Sum)
			}
			line := fmt.Sprintf("%d %s %s %s", *e.After, e.Value.Key, where, values)
			if ms, ok := e.TS.(float64); ok {
				line += fmt.Sprintf(" @%.0f", ms)
			}
			want = append(want, line)
		}
	}
	if d := flinkDifferences[c.Name]; d.want != nil {
		want = d.want
	}
	return want, dropped
}

// fires runs the case.
func (c *flinkWindows) fires(t *testing.T, tasks int) {
	p := &leat.Pipeline{}
	at := new(atomic.Int64)
	at.Store(-1)
	in := leat.Read[element](p, "stream", numbered{leattest.Stream[element](c.script()...), at})
	options, log := c.options(t), &firings{at: at}
	var late leat.PCollection[keyedElement]
	if c.Config.Side {
		options = append(options, leat.LateTo(&late))
	}
	byKey := leat.Window(leat.KeyBy(in, "by-key", field.Of(keyOfElement)), c.fn(), options...)
	values := func(kv leat.KV[string, iter.Seq[element]]) string { return fmt.Sprint(valuesOf(kv.Value)) }
	if c.Config.Function == "reduce_sum" {
		values = func(kv leat.KV[string, iter.Seq[element]]) string { return fmt.Sprint(addedUp(valuesOf(kv.Value))) }
	}
	results := leat.ParDo(leat.GroupByKey(byKey, "group"), "note", leat.Do(func(c *leat.Context, kv leat.KV[string, iter.Seq[element]], emit leat.Emit[string]) error {
		start, end, _ := c.Window()
		where := windowText(start.UnixMicro(), end.UnixMicro())
		line := fmt.Sprintf("%s %s %s", kv.Key, where, values(kv))
		if where != "global" {
			line += fmt.Sprintf(" @%d", floorMillis(c.Time().UnixMicro()))
		}
		log.note(line)
		emit(line)
		return nil
	}))
	if c.Config.Side {
		results = leat.Flatten(leat.Window(results, window.Global()), leat.ParDo(late, "note-late", leat.Do(log.late)))
	}
	out := leattest.Capture(results, "out")
	result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: tasks})
	if err != nil {
		t.Fatal(err)
	}
	want, dropped := c.want()
	if !slices.Equal(log.lines, want) {
		t.Errorf("%d tasks: got\n  %s\nwant\n  %s", tasks, strings.Join(log.lines, "\n  "), strings.Join(want, "\n  "))
	}
	if len(out.Rows()) != len(log.lines) {
		t.Errorf("%d results, of which %d were noted", len(out.Rows()), len(log.lines))
	}
	if dropped != nil && !c.Config.Side {
		var got int64
		for _, s := range result.Steps {
			got += s.Dropped
		}
		if got != *dropped {
			t.Errorf("%d tasks: %d rows dropped, want %d", tasks, got, *dropped)
		}
	}
}

// firings are results with the number of the event that made them come.
type firings struct {
	at    *atomic.Int64
	mu    sync.Mutex
	lines []string
}

func (f *firings) note(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, fmt.Sprint(f.at.Load(), " ", line))
}

func (f *firings) late(c *leat.Context, kv keyedElement, emit leat.Emit[string]) error {
	line := fmt.Sprintf("late %s %d @%d", kv.Key, kv.Value.V, c.Time().UnixMilli())
	f.note(line)
	emit(line)
	return nil
}

// numbered is a script that counts its events: the next one is asked for when all
// before have been worked off.
type numbered struct {
	connector.Source
	at *atomic.Int64
}

func (n numbered) Timed() bool    { return connector.IsTimed(n.Source) }
func (n numbered) Scripted() bool { return connector.IsScripted(n.Source) }

func (n numbered) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	in, err := n.Source.Open(ctx, r)
	return numberedInput{in, n.at}, err
}

type numberedInput struct {
	connector.Input
	at *atomic.Int64
}

func (n numberedInput) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	r, err := n.Input.Reader(ctx, s)
	return numberedReader{r.(connector.EventReader), n.at}, err
}

type numberedReader struct {
	connector.EventReader
	at *atomic.Int64
}

func (n numberedReader) ReadEvent(ctx context.Context) (connector.Event, error) {
	n.at.Add(1)
	return n.EventReader.ReadEvent(ctx)
}
