package window

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"
)

// assignCase is a case of kind assign_windows; times in ms.
type assignCase struct {
	Name   string
	Config struct {
		Assigner            string
		Size, Slide, Offset int64
	}
	Events   []struct{ TS int64 }
	Expected []struct{ Windows [][2]int64 }
}

// Windows are assigned as by Flink's assigners. Flink lists overlapping windows
// from the latest to the earliest; here they ascend, and nothing depends on it.
func TestFlinkAssignWindows(t *testing.T) {
	text, err := os.ReadFile("../../runner/local/testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []json.RawMessage // of many kinds
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, raw := range cases {
		var is struct{ Kind string }
		if err := json.Unmarshal(raw, &is); err != nil {
			t.Fatal(err)
		}
		if is.Kind != "assign_windows" {
			continue
		}
		ran++
		var c assignCase
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
		fn := Fixed(ms(c.Config.Size))
		if c.Config.Assigner == "sliding" {
			fn = Sliding(ms(c.Config.Size), ms(c.Config.Slide))
		}
		fn = fn.Offset(ms(c.Config.Offset))
		for i, e := range c.Events {
			got, err := fn.Assign(1000*e.TS, nil)
			if err != nil {
				t.Fatal(err)
			}
			var want []Interval
			for _, w := range slices.Backward(c.Expected[i].Windows) {
				want = append(want, Interval{1000 * w[0], 1000 * w[1]})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: windows of %d are %v, want %v", c.Name, e.TS, got, want)
			}
		}
	}
	if ran < 5 {
		t.Errorf("only %d cases were found", ran)
	}
}
