package command

import (
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/runner/local"
)

// The progress of a stream says how far event time has come behind the slowest step,
// and nothing as long as one knows nothing.
func TestProgressSaysWatermark(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := local.Progress{Elapsed: time.Second, Stage: -1, RowsRead: 10, Watermarks: []local.StepWatermark{{Step: "a", Time: noon.Add(time.Hour)}, {Step: "b", Time: noon}}}
	if got := describe(p); !strings.HasSuffix(got, ", watermark 2026-03-01 12:00:00") {
		t.Errorf("%s", got)
	}
	p.Watermarks[1].Time = time.Time{}
	if got := describe(p); strings.Contains(got, "watermark") {
		t.Errorf("%s", got)
	}
}
