package local_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// hashes returns the hash of every file below dir.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[filepath.Base(path)] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Files are the same, byte for byte, from run to run and whether or not the
// state behind them was on disk. Row groups are as small as they get, as a budget
// makes them.
func TestSpillEqualFiles(t *testing.T) {
	type flat struct {
		User  string
		Start time.Time
		Rows  int64
		Sum   int64
	}
	for name, build := range map[string]func(in leat.PCollection[visit], out parquet.Sink){
		"combine": func(in leat.PCollection[visit], out parquet.Sink) {
			byUser := leat.KeyBy(in, "by-user", field.Of(func(v *visit) *string { return &v.User }))
			leat.Write(leat.Values(leat.Combine(leat.Window(byUser, window.Fixed(40*time.Millisecond)), "total", agg.Into(func(v *visit, f *flat) []agg.Term {
				return []agg.Term{agg.Key(&f.User), agg.WindowStart(&f.Start), agg.Count(&f.Rows), agg.Sum(&f.Sum, &v.N)}
			}))), "out", out)
		},
		"group": func(in leat.PCollection[visit], out parquet.Sink) {
			leat.Write(leat.Map(leat.GroupByKey(byKey(in), "group"), "fold", fold), "out", out)
		},
		"sort": func(in leat.PCollection[visit], out parquet.Sink) {
			out.SortBy = []string{"N", "User desc"}
			byUser := leat.KeyBy(in, "by-user", field.Of(func(v *visit) *string { return &v.User }))
			type n struct {
				User string
				N    int64
			}
			leat.Write(leat.Values(leat.Combine(byUser, "total", agg.Into(func(v *visit, n *n) []agg.Term {
				return []agg.Term{agg.Key(&n.User), agg.Max(&n.N, &v.N)}
			}))), "out", out)
		},
	} {
		var want map[string]string
		for run := range 5 {
			p := &leat.Pipeline{}
			dir := filepath.Join(t.TempDir(), "out")
			build(readVisits(p, visits{rows: 60_000, keys: 50_000, skewed: true, splits: 9}), parquet.Sink{Dir: dir, RowGroupRows: 1 << 10})
			memory := []int64{0, 1 << 20, 1 << 20, 1 << 19, 1 << 19}[run]
			r, err := local.Run(t.Context(), p, local.Options{Parallelism: 2, Memory: memory, SpillDir: t.TempDir()})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := hashes(t, dir)
			if run == 0 {
				want = got
			}
			if (r.Spilled > 0) != (memory > 0) || len(got) != 2 || !maps.Equal(got, want) {
				t.Errorf("%s: run %d, %d bytes spilled, gave %v, not %v", name, run, r.Spilled, got, want)
			}
		}
	}
}
