package local_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestConformanceCompares shows that a wrong result cannot pass: the comparison of
// panes wants each expected one, once, and no other.
func TestConformanceCompares(t *testing.T) {
	one, two := actualPane{Key: "k", Start: 0, End: 10_000, Values: []int64{2, 1}, Time: 9_999, Timing: "on_time", First: true, Last: true},
		actualPane{Key: "k", Start: 0, End: 10_000, Values: []int64{1, 2}, Time: 9_999, Timing: "late", Index: 1, NonSp: 1, Last: true}
	for _, c := range []struct {
		want string
		got  []actualPane
		meet bool
	}{
		{`[]`, nil, true},
		{`[]`, []actualPane{one}, false},
		{`[{"key": "k"}]`, nil, false},
		{`[{"key": "k", "window": [0, 10], "values": [1, 2], "ts": 9, "timing": "on_time", "index": 0, "nonspeculative_index": 0, "first": true, "last": true}]`, []actualPane{one}, true},
		{`[{"key": "k", "values": [1, 2]}]`, []actualPane{one, one}, false},
		// Both expected ones fit the first pane, only one the second.
		{`[{"key": "k"}, {"timing": "on_time"}]`, []actualPane{one, two}, true},
		{`[{"timing": "on_time"}, {"timing": "on_time"}]`, []actualPane{one, two}, false},
		{`[{"key": "l"}]`, []actualPane{one}, false},
		{`[{"window": [0, 11]}]`, []actualPane{one}, false},
		{`[{"window": "global"}]`, []actualPane{one}, false},
		{`[{"values": [1, 2, 2]}]`, []actualPane{one}, false},
		{`[{"values": []}]`, []actualPane{one}, false},
		{`[{"sum": 3}]`, []actualPane{one}, false},
		{`[{"ts": 10}]`, []actualPane{one}, false},
		{`[{"timing": "late"}]`, []actualPane{one}, false},
		{`[{"index": 1}]`, []actualPane{one}, false},
		{`[{"nonspeculative_index": -1}]`, []actualPane{one}, false},
		{`[{"first": false}]`, []actualPane{one}, false},
		{`[{"last": false}]`, []actualPane{one}, false},
		{`[{"window": [0, 10]}]`, []actualPane{{Start: 1, End: 10_000}}, false},
	} {
		var want []expectedPane
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if matching(want, c.got) != c.meet {
			t.Errorf("%s and %v: matching is %t", c.want, c.got, !c.meet)
		}
	}
}

// modelDifferences are where Leat does on purpose what Beam or Flink does not, with a
// case that shows it. Those of single operators of Flink stand beside the operators.
var modelDifferences = []struct{ from, does, why, shown string }{
	{"Beam", "event time counts microseconds, so the last moment of [0 ms, 10 ms) is 9.999 ms and not 9 ms", "the unit of Parquet, Iceberg and Arrow; cases are compared after flooring", "timestamp_combiner_end_of_window"},
	{"Beam", "the beginning of Beam's time is the beginning of Leat's, which is later", "a quarter of the range of an int64 leaves room for windows around any row", "state_and_timer_multi_stage"},
	{"Beam Go", "a trigger that may finish while rows still come is refused, unless it is in window.Lossy", "the rows that come then are lost, and whoever writes the trigger seldom means it; Java refuses it too", "count_once_finishes_then_drops"},
	{"Beam Go", "a global aggregate of nothing is a result, once", "Java and Python do so, and a count of 0 is an answer", "combine_globally_empty_input"},
	{"Beam", "a row that is in several windows sees no side input of windows before a grouping step", "it would have to be processed once for each of them, unseen; a grouping step puts it into each", "side_input_window_mapping_sliding_fixed"},
	{"Beam", "a bundle is a batch, and how rows are cut into batches is up to the engine", "results must not depend on it", "dofn_lifecycle_order"},
	{"Beam", "results before the end of the input come on the streaming plan only", "in a batch plan the watermark goes to the end at once, which is what makes it fast", "watermark_estimator_manual_releases_window"},
	{"Flink", "a watermark of T means that no rows before T will come, not none at T", "that of the Beam model; the cases of Flink are moved by one", "tumbling_fires_when_watermark_reaches_end_minus_1"},
	{"Flink", "sessions exactly a gap apart are two", "those of the Beam model: windows that touch have no moment in common", "sessions_consecutive"},
	{"Flink", "idleness waits behind calls that are under way", "overtaking them, it lets others go on without rows that are still to come", "async_idle_status_overtakes_in_flight"},
}

// TestConformanceDifferences shows that each difference has a reason and a case.
func TestConformanceDifferences(t *testing.T) {
	var texts []string
	for _, file := range []string{"beam.json", "flink.json"} {
		text, err := os.ReadFile("testdata/conformance/" + file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	all := strings.Join(texts, "\n")
	for _, d := range modelDifferences {
		if d.why == "" || d.does == "" {
			t.Errorf("%s: %q has no reason", d.from, d.does)
		}
		if !strings.Contains(all, `"name": "`+d.shown+`"`) {
			t.Errorf("%s: %q is shown by case %q, which there is not", d.from, d.does, d.shown)
		}
	}
}
