package command

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// A process that was tuned collects garbage rarely, has its heap in advised
// memory where the system takes advice, and no more memory than before.
func TestTune(t *testing.T) {
	if os.Getenv("LEAT_TUNE_CHILD") == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestTune$", "-test.v")
		child.Env = append(os.Environ(), "LEAT_TUNE_CHILD=1", "GOGC=", "GOMEMLIMIT=")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	Tune(1 << 30)
	if got := debug.SetMemoryLimit(-1); got != 1<<30+1<<29+64<<20 {
		t.Errorf("memory limit is %d", got)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc < floorMost || m.HeapAlloc > floorMost+8<<20 {
		t.Errorf("%d bytes of heap are in use, not the ballast alone", m.HeapAlloc)
	}
	if m.NextGC < 2*floorMost {
		t.Errorf("the next collection is due at %d bytes", m.NextGC)
	}
	data := make([]byte, 64<<20)
	for i := range data {
		data[i] = 1
	}
	rollup, err := os.ReadFile("/proc/self/smaps_rollup")
	if runtime.GOOS == "linux" && (err != nil || hugePagesOnRequest() && !addressSpaceRationed() && strings.Contains(string(rollup), "AnonHugePages:         0 kB")) {
		t.Errorf("%v: no huge pages behind %d used bytes:\n%s", err, len(data), rollup)
	}
}
