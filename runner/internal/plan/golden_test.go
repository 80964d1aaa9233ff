package plan_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/sdk/leat"
)

var rewrite = flag.Bool("rewrite", false, "write what EXPLAIN prints now into testdata, to be reviewed as a diff")

// Every pipeline of pipelines_test.go is planned as the file of its name in
// testdata says, on both plans: which columns a source reads, which condition it
// may skip by, where exchanges lie and what is aggregated before them.
func TestGolden(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(pipelines)) {
		t.Run(name, func(t *testing.T) {
			p := &leat.Pipeline{}
			pipelines[name](p)
			g, err := p.Graph()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, mode := range []plan.Mode{plan.Batch, plan.Streaming} {
				physical, err := plan.New(g, mode, 2)
				if err != nil { // what a plan cannot do is as much part of it
					got = append(got, fmt.Sprintf("%s plan: %v\n", mode, err))
					continue
				}
				got = append(got, physical.String())
			}
			compare(t, filepath.Join("testdata", name+".txt"), strings.Join(got, "\n"))
		})
	}
}

// There is no golden file whose pipeline is gone.
func TestGoldenFilesAreUsed(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".txt"); pipelines[name] == nil {
			t.Errorf("%s belongs to no pipeline of pipelines_test.go", f)
		}
	}
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -rewrite to make it", err)
	}
	if got != string(want) {
		t.Errorf("the plan is not that of %s (run with -rewrite to accept it)\n--- want\n%s\n--- got\n%s", file, want, got)
	}
}
