// What a process has in memory says nothing where the race detector doubles it.
//go:build !race

package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// rssChild says which pipeline a child process runs. The budget is 16 MiB, and 64
// MiB over four times the data with LEAT_LARGE=1.
const rssChild = "LEAT_TEST_RSS"

func rssScale() int64 {
	if os.Getenv(large) != "" {
		return 4
	}
	return 1
}

// tenfold are pipelines over ten times as much as the budget.
var tenfold = map[string]struct {
	data  visits
	build func(in leat.PCollection[visit], out *digest)
}{
	"combine": {visits{rows: 1_200_000, keys: 1 << 40, splits: 8}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(byKey(in), "total", agg.Into(totals)), "out", out)
	}},
	"group": {visits{rows: 1_500_000, keys: 1 << 40, skewed: true, splits: 8}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Map(leat.GroupByKey(byKey(in), "group"), "fold", fold), "out", out)
	}},
	"exchange": {visits{rows: 2_000_000, keys: 500_000, splits: 8}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(leat.Combine(leat.Window(byKey(in), window.Session(time.Microsecond)), "total", agg.Into(totals)), "out", out)
	}},
	"pointintime": {visits{rows: 2_000_000, keys: 50_000, skewed: true, splits: 8}, func(in leat.PCollection[visit], out *digest) {
		leat.Write(summed(in, in, 3*time.Millisecond), "out", out)
	}},
	"sort": {visits{rows: 2_000_000, keys: 1 << 40, splits: 8}, func(in leat.PCollection[visit], out *digest) {
		out.order = []connector.SortKey{{Column: "n"}, {Column: "key"}}
		leat.Write(in, "out", out)
	}},
}

// said is what a child process says of its run.
type said struct {
	Rows          int64
	Resident      int64 // the most there was
	Set           uint64
	Spilled, Peak int64
	Elapsed       time.Duration
}

// Over ten times as much data as the budget has bytes, a process that is limited
// as runner/command limits it stays within one and a half times the budget and 64
// MiB, and gives the answer of a process that has all the memory it wants.
func TestSpillKeepsResidentMemory(t *testing.T) {
	if name := os.Getenv(rssChild); name != "" {
		inChild(t, name)
		return
	}
	budget := rssScale() * 16 << 20
	most := budget + budget/2 + 64<<20
	for name := range tenfold {
		free, got := child(t, name, 0), child(t, name, budget)
		// A collector that comes late on a busy machine only ever adds to the peak. Other
		// packages' tests make it busy, so it is worth waiting for them.
		for tries := 1; got.Resident > most && tries < 5; tries++ {
			t.Logf("%s: %d KiB resident, %d too many", name, got.Resident>>10, (got.Resident-most)>>10)
			time.Sleep(time.Duration(tries) * 2 * time.Second)
			got = child(t, name, budget)
		}
		rss := got.Resident
		t.Logf("%s: %d MiB resident, %d MiB spilled, %v; in memory %d MiB of state, %v", name, rss>>20, got.Spilled>>20, got.Elapsed.Round(time.Millisecond), free.Peak>>20, free.Elapsed.Round(time.Millisecond))
		if got.Rows != free.Rows || got.Set != free.Set {
			t.Errorf("%s: %d rows %x, want %d rows %x", name, got.Rows, got.Set, free.Rows, free.Set)
		}
		if rss > most || got.Spilled == 0 || got.Peak > budget || free.Peak < 8*budget {
			t.Errorf("%s: %d MiB resident of %d, %d bytes spilled, a peak of %d; %d in memory", name, rss>>20, most>>20, got.Spilled, got.Peak, free.Peak)
		}
	}
}

// child runs a pipeline in a process of its own.
func child(t *testing.T, name string, budget int64) (s said) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestSpillKeepsResidentMemory$")
	command.Env = append(os.Environ(), rssChild+"="+name, fmt.Sprint("LEAT_TEST_BUDGET=", budget), "LEAT_TEST_SPILL="+t.TempDir(), "GOGC=400")
	if budget > 0 {
		command.Env = append(command.Env, fmt.Sprint("GOMEMLIMIT=", budget+budget/2+40<<20))
	}
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	_, result, found := bytes.Cut(out, []byte("RESULT "))
	if err := json.NewDecoder(bytes.NewReader(result)).Decode(&s); err != nil || !found {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return s
}

// resident returns the most bytes this process ever had in memory. Its resource
// usage would begin with those of the process that started it.
func resident(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func inChild(t *testing.T, name string) {
	var budget int64
	if _, err := fmt.Sscan(os.Getenv("LEAT_TEST_BUDGET"), &budget); err != nil {
		t.Fatal(err)
	}
	p := &leat.Pipeline{}
	var out digest
	data := tenfold[name].data
	data.rows *= rssScale()
	tenfold[name].build(readVisits(p, data), &out)
	r, err := local.Run(t.Context(), p, local.Options{Memory: budget, Parallelism: 2, SpillDir: os.Getenv("LEAT_TEST_SPILL")})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(said{out.rows, resident(t), out.set, r.Spilled, r.PeakMemory, r.Elapsed})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\nRESULT %s\n", text)
}
