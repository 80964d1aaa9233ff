package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	data   = flag.String("data", sample, "the flights file of the benchmark")
	rows   = flag.Int64("events", 1_000_000, "generated events of the benchmark")
	cached = flag.String("cache", "", "folder of the benchmark's generated files")
)

// TestMain makes the test binary a child when it was started as one.
func TestMain(m *testing.M) {
	if isChild() {
		os.Exit(childMain())
	}
	flag.Parse()
	os.Exit(m.Run())
}

// BenchmarkBackfill is the command as a benchmark: b.N timed runs of every
// system on every job, medians as metrics. For the figures of the README:
//
//	go test -bench . -benchtime 5x -data ../../data/flights-3m.parquet -events 20000000
func BenchmarkBackfill(b *testing.B) {
	for _, job := range jobNames() {
		b.Run(job, func(b *testing.B) {
			results, err := Run(context.Background(), Config{Jobs: []string{job}, Data: *data, Events: *rows, Cache: *cached, Runs: b.N})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(0, "ns/op") // would be the sum over systems
			for _, r := range results {
				name := fmt.Sprintf("%s-%dt", r.System, r.Threads)
				b.ReportMetric(r.Wall.Seconds(), name+"-s")
				b.ReportMetric(float64(r.Peak>>20), name+"-MB")
			}
		})
	}
}

// sample is the flights file every checkout has.
const sample = "../../examples/flights/data/flights-sample.parquet"

// Every system gives the same rows for every job in every variant: Run fails
// otherwise. None is left out, and each measurement measures something.
func TestSystemsAgree(t *testing.T) {
	results, err := Run(t.Context(), Config{
		Variants: allVariants, Systems: []string{"duckdb", "floor", "leat"}, Threads: []int{2}, Runs: 1, Events: 20_000, Cache: t.TempDir(), Data: few(t, 20_000),
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]bool{}
	for _, r := range results {
		ran[r.Job+r.Variant+r.System] = true
		if r.Rows == 0 || r.Wall <= 0 || r.Process < r.Wall || r.Peak < 1<<20 {
			t.Errorf("%s of %s: %d rows in %s and %d bytes: nothing was measured", r.System, r.Job, r.Rows, r.Wall, r.Peak)
		}
	}
	for _, s := range systems() {
		for _, job := range jobNames() {
			for _, variant := range allVariants {
				_, has := lookUp(job, variant)
				must := has && s.name != "polars" && s.does(job, variant) && !slow[s.name+" "+job] // those TestPointInTimeByDefinition runs
				if must != ran[job+variant+s.name] {
					t.Errorf("%s on %s, %s: does it: %v, was run: %v", s.name, job, variant, must, !must)
				}
			}
		}
	}
}

// The windows of the sample have the figures computed apart from this program.
func TestWindowsAreGolden(t *testing.T) {
	results, err := Run(t.Context(), Config{
		Jobs: []string{"windows"}, Systems: []string{"floor", "leat"}, Threads: []int{1}, Runs: 1, Data: sample, Cache: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := workloads[0].golden.want[600_000][0]; results[0].Rows != want {
		t.Errorf("%d windows, must be %d", results[0].Rows, want)
	}
}

// Point-in-time results are what their definition gives, a join of each row with
// those in its windows: for every formulation, those too slow to be measured
// among them, and the floor.
func TestPointInTimeByDefinition(t *testing.T) {
	systems := map[string][]string{
		"training": {"duckdb/range", "duckdb/merged", "duckdb/asof", "duckdb/narrow", "duckdb/expiry", "floor", "leat"},
		"features": {"duckdb/range", "duckdb/frame", "duckdb/asof", "leat"},
	}
	for job, names := range systems {
		results, err := Run(t.Context(), Config{
			Jobs: []string{job}, Systems: names, Threads: []int{2}, Runs: 1, Data: few(t, 20_000), Events: 40_000, Cache: t.TempDir(),
		})
		if err != nil {
			t.Error(err)
		}
		for _, want := range names {
			if !slices.ContainsFunc(results, func(r Result) bool { return r.System == want && r.Rows == 20_000 }) {
				t.Errorf("%s: %s did not give 20000 rows", job, want)
			}
		}
	}
}

// Polars gives what DuckDB gives. Where it cannot be had, the report says so and
// the others run all the same.
func TestPolars(t *testing.T) {
	venv, err := os.UserCacheDir() // so that it is downloaded once
	if err != nil {
		venv = t.TempDir()
	}
	var report strings.Builder
	results, err := Run(t.Context(), Config{
		Jobs: polarsJobs, Systems: []string{"duckdb/rollup", "duckdb/hash", "duckdb/asof", "polars"}, Threads: []int{2}, Runs: 1,
		Events: 20_000, Data: few(t, 20_000), Cache: t.TempDir(), Venv: filepath.Join(venv, "leat", "backfill"), Out: &report,
	})
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, r := range results {
		if r.System == "polars" {
			ran++
		}
	}
	leftOut := strings.Contains(report.String(), "polars is left out: ")
	if leftOut != (ran == 0) || !leftOut && ran != len(polarsJobs) || len(results)-ran != len(polarsJobs) {
		t.Errorf("polars ran %d jobs of %d, left out: %v\n%s", ran, len(polarsJobs), leftOut, report.String())
	}
}

// A machine without Python gets a sentence that says so.
func TestWithoutPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var report strings.Builder
	c := withPolars(t.Context(), Config{Jobs: []string{"windows"}, Venv: t.TempDir(), Out: &report})
	if !c.withoutPolars || !strings.Contains(report.String(), "polars is left out: python3 -m venv") {
		t.Errorf("without Python: %+v, %q", c.withoutPolars, report.String())
	}
	if slices.ContainsFunc(choose(c, "windows", "plain"), func(s system) bool { return s.name == "polars" }) {
		t.Error("polars is chosen where it cannot run")
	}
}

// few returns a file with the first n rows of the sample: a few days, so that
// even DuckDB's formulations that fill in every hour are quick.
func few(t *testing.T, n int) string {
	db, err := openDuckDB(Task{Threads: 1, Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	path := t.TempDir() + "/flights.parquet"
	query := fmt.Sprintf("copy (from read_parquet('%s') limit %d) to '%s'", sample, n, path)
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
	return path
}

// The comparison notices a changed value, a changed multiplicity, a missing
// row, another type and another name, and nothing else.
func TestCompare(t *testing.T) {
	db, err := openDuckDB(Task{Threads: 1, Output: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const same = "select 1::bigint as n, 0.1 + 0.2::double as x, timestamp '2001-01-01' as moment union all select 1, 2, null"
	cases := map[string]struct {
		query string
		equal bool
	}{
		"other order":        {"select 1::bigint as n, 2::double as x, null::timestamp as moment union all select 1, 0.1 + 0.2::double, timestamp '2001-01-01'", true},
		"other column order": {"select x, moment, n from (" + same + ")", true},
		"zone":               {"select n, x, moment::timestamptz as moment from (" + same + ")", true},
		"last bit":           {"select n, case when x < 1 then 0.3::double else x end as x, moment from (" + same + ")", false},
		"twice":              {same + " union all select 1, 2, null", false},
		"missing":            {same + " limit 1", false},
		"null for a value":   {"select n, nullif(x, 2) as x, moment from (" + same + ")", false},
		"type":               {"select n::int as n, x, moment from (" + same + ")", false},
		"name":               {"select n as m, x, moment from (" + same + ")", false},
	}
	folder := func(query string) string {
		dir := t.TempDir()
		if _, err := db.Exec("copy (" + query + ") to '" + dir + "/a.parquet'"); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	left := folder(same)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := compare(db, left, folder(c.query)); (err == nil) != c.equal {
				t.Errorf("equal should be %v, but: %v", c.equal, err)
			}
		})
	}
}

// Mistakes in what is asked for are said before anything runs, all of them.
func TestConfig(t *testing.T) {
	c, err := parse([]string{"scan", "-threads", "1", "windows", "-variants", "floats,renamed", "-runs", "7"})
	if err != nil || !slices.Equal(c.Jobs, []string{"scan", "windows"}) || !slices.Equal(c.Variants, []string{"floats", "renamed"}) || c.Runs != 7 {
		t.Errorf("parse gave %+v, %v", c, err)
	}
	_, err = Config{Jobs: []string{"sort"}, Threads: []int{0}, Data: "nowhere.parquet", Runs: -1, Cache: t.TempDir()}.withDefaults()
	for _, want := range []string{`unknown job "sort"`, "nowhere.parquet", "make data", "0 threads", "runs (-1)"} {
		if err == nil || !contains(err, want) {
			t.Errorf("the error must speak of %q: %v", want, err)
		}
	}
}

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }
