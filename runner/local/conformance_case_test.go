package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

// beamCase is a case of testdata/conformance/beam.json. Times are in milliseconds.
type beamCase struct {
	Name      string         `json:"name"`
	Category  string         `json:"category"`
	Stream    []beamEvent    `json:"stream"`
	Bounded   bool           `json:"bounded"`
	Window    *beamWindow    `json:"window"`
	Trigger   *beamTrigger   `json:"trigger"`
	Mode      string         `json:"accumulation"`
	Lateness  int64          `json:"allowed_lateness_ms"`
	Combiner  string         `json:"timestamp_combiner"`
	OnTime    string         `json:"on_time_behavior"`
	Closing   string         `json:"closing_behavior"`
	Transform string         `json:"transform"`
	Pipeline  string         `json:"pipeline"`
	Panes     []expectedPane `json:"expect_panes"`
	Outputs   []string       `json:"expect_outputs"`
}

// beamEvent is one of elements, a watermark, or an advance of processing time.
type beamEvent struct {
	Elements  []beamElement `json:"elements"`
	Watermark any           `json:"watermark"` // a number or "+inf"
	Advance   *int64        `json:"advance_processing_time_ms"`
}

type beamElement struct {
	K  string `json:"k"`
	V  int64  `json:"v"`
	TS int64  `json:"ts"`
}

type beamWindow struct {
	Kind   string `json:"kind"`
	Size   int64  `json:"size_ms"`
	Period int64  `json:"period_ms"`
	Gap    int64  `json:"gap_ms"`
	Offset int64  `json:"offset_ms"`
}

type beamTrigger struct {
	Type  string         `json:"type"`
	N     int64          `json:"n"`
	Delay int64          `json:"delay_ms"`
	Early *beamTrigger   `json:"early"`
	Late  *beamTrigger   `json:"late"`
	Sub   *beamTrigger   `json:"sub"`
	Subs  []*beamTrigger `json:"subs"`
	Main  *beamTrigger   `json:"main"`
	Until *beamTrigger   `json:"until"`
}

// expectedPane asserts the fields that are there.
type expectedPane struct {
	Key    *string  `json:"key"`
	Window any      `json:"window"` // [start, end] or "global"
	Values *[]int64 `json:"values"`
	Sum    *int64   `json:"sum"`
	TS     *int64   `json:"ts"`
	Timing *string  `json:"timing"`
	Index  *int32   `json:"index"`
	NonSp  *int32   `json:"nonspeculative_index"`
	First  *bool    `json:"first"`
	Last   *bool    `json:"last"`
}

// loadBeam returns the cases of a file, or of the files of a folder that are named
// *.json and hold such cases.
func loadBeam(t *testing.T, path string) (cases []*beamCase) {
	t.Helper()
	if _, err := os.Stat(path); err != nil && !filepath.IsAbs(path) {
		path = filepath.Join("../..", path) // relative to the module, where the test was started
	}
	files := []string{path}
	if info, err := os.Stat(path); err != nil {
		t.Fatal(err)
	} else if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.json")); err != nil || len(files) == 0 {
			t.Fatalf("%s has no *.json files (%v)", path, err)
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`"flink_component"`)) {
			continue // flink.json: cases of operators, in another format
		}
		var more []*beamCase
		if err := json.Unmarshal(text, &more); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases = append(cases, more...)
	}
	if len(cases) == 0 {
		t.Fatalf("%s has no cases", path)
	}
	return cases
}

// String is how a pane that a case asks for is printed.
func (e expectedPane) String() string {
	var b strings.Builder
	field := func(name string, there bool, value func() any) {
		if there {
			fmt.Fprintf(&b, " %s=%v", name, value())
		}
	}
	field("key", e.Key != nil, func() any { return *e.Key })
	field("window", e.Window != nil, func() any { return e.Window })
	field("values", e.Values != nil, func() any { return ascending(*e.Values) })
	field("sum", e.Sum != nil, func() any { return *e.Sum })
	field("ts", e.TS != nil, func() any { return *e.TS })
	field("timing", e.Timing != nil, func() any { return *e.Timing })
	field("index", e.Index != nil, func() any { return *e.Index })
	field("nonspeculative", e.NonSp != nil, func() any { return *e.NonSp })
	field("first", e.First != nil, func() any { return *e.First })
	field("last", e.Last != nil, func() any { return *e.Last })
	return strings.TrimSpace(b.String())
}

// actualPane is a result as a step behind the grouping sees it; times in µs.
type actualPane struct {
	Key        string
	Values     []int64 // of a GroupByKey
	Sum        int64   // of a Combine
	Start, End int64
	Time       int64
	Timing     string
	Index      int32
	NonSp      int32
	First      bool
	Last       bool
}

// String is how a pane that came out is printed.
func (a actualPane) String() string {
	return fmt.Sprintf("key=%s window=%s values=%v sum=%d ts=%d timing=%s index=%d nonspeculative=%d first=%t last=%t",
		a.Key, windowText(a.Start, a.End), ascending(a.Values), a.Sum, floorMillis(a.Time), a.Timing, a.Index, a.NonSp, a.First, a.Last)
}

func ascending(values []int64) []int64 {
	values = slices.Clone(values)
	slices.Sort(values)
	return values
}

// floorMillis is how cases see a time in µs: the end of [0, 10) is 9.
func floorMillis(micros int64) int64 {
	ms := micros / 1000
	if micros%1000 < 0 {
		ms--
	}
	return ms
}

// windowText is [start end) in ms; in µs where a bound is no whole millisecond,
// which no case asks for.
func windowText(start, end int64) string {
	switch {
	case start <= batch.MinTime && end >= batch.MaxTime:
		return "global"
	case start%1000 != 0 || end%1000 != 0:
		return fmt.Sprintf("[%dµs %dµs]", start, end)
	}
	return fmt.Sprintf("[%d %d]", start/1000, end/1000)
}

// meets reports whether a pane is as a case wants it.
func (e expectedPane) meets(a actualPane) bool {
	return (e.Key == nil || *e.Key == a.Key) &&
		(e.Window == nil || wantedWindow(e.Window) == windowText(a.Start, a.End)) &&
		(e.Values == nil || slices.Equal(ascending(*e.Values), ascending(a.Values))) &&
		(e.Sum == nil || *e.Sum == a.Sum) &&
		(e.TS == nil || *e.TS == floorMillis(a.Time)) &&
		(e.Timing == nil || *e.Timing == a.Timing) &&
		(e.Index == nil || *e.Index == a.Index) &&
		(e.NonSp == nil || *e.NonSp == a.NonSp) &&
		(e.First == nil || *e.First == a.First) &&
		(e.Last == nil || *e.Last == a.Last)
}

func wantedWindow(w any) string {
	if pair, ok := w.([]any); ok && len(pair) == 2 {
		return fmt.Sprintf("[%.0f %.0f]", pair[0], pair[1])
	}
	return fmt.Sprint(w)
}

// matching reports whether wanted and found panes can be paired off, each with one
// that meets it, none left: augmenting paths in a bipartite graph.
func matching(want []expectedPane, got []actualPane) bool {
	if len(want) != len(got) {
		return false
	}
	pairedWith := make([]int, len(got)) // 1 + the wanted one
	var pair func(w int, tried []bool) bool
	pair = func(w int, tried []bool) bool {
		for g := range got {
			if tried[g] || !want[w].meets(got[g]) {
				continue
			}
			tried[g] = true
			if pairedWith[g] == 0 || pair(pairedWith[g]-1, tried) {
				pairedWith[g] = w + 1
				return true
			}
		}
		return false
	}
	for w := range want {
		if !pair(w, make([]bool, len(got))) {
			return false
		}
	}
	return true
}

// micros returns a time of a case in µs. The ends of time of the Beam model, which
// are beyond those of Leat, become those of Leat.
func micros(ms int64) int64 {
	const second = 1_000_000
	first, last := (batch.MinTime/second+1)*second, (batch.MaxTime/second-1)*second
	if ms < math.MinInt64/1000 || ms > math.MaxInt64/1000 {
		return min(max(ms, first), last)
	}
	return min(max(ms*1000, first), last)
}

// watermark returns the watermark of an event in µs.
func (e beamEvent) watermark() (int64, error) {
	switch w := e.Watermark.(type) {
	case float64:
		return micros(int64(w)), nil
	case string:
		if w == "+inf" {
			return batch.MaxTime, nil
		}
	}
	return 0, fmt.Errorf("watermark %v is neither a number nor +inf", e.Watermark)
}
