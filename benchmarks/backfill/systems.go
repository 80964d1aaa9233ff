package main

import (
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/leatflow/leat/benchmarks/backfill/floor"
)

// system is one way to do jobs.
type system struct {
	name string
	does func(job, variant string) bool
	// prepare does what is not timed, opening a database, and returns what is.
	prepare func(t Task) (func(ctx context.Context) error, error)
	// command is the process of a run of a system that is not Go and measures
	// itself; nil: this program again.
	command func(ctx context.Context, t Task) *exec.Cmd
}

// systems lists every system: DuckDB once for each formulation that is checked
// in under sql/ as job_formulation.sql, the hand-written floor, Polars, and Leat.
func systems() []system {
	var all []system
	files, _ := sqlFiles.ReadDir("sql")
	known := map[string]bool{}
	for _, f := range files {
		_, formulation, ok := strings.Cut(strings.TrimSuffix(f.Name(), ".sql"), "_")
		if ok && !known[formulation] { // settings.sql has none
			known[formulation] = true
			all = append(all, duckDB(formulation))
		}
	}
	all = append(all, system{name: "floor", does: func(job, variant string) bool { return floors[job] != nil && variant == "plain" }, prepare: prepareFloor})
	all = append(all, polars())
	return append(all, leatSystems()...)
}

// duckDB is one formulation of the jobs that have it.
func duckDB(formulation string) system {
	file := func(job string) string { return "sql/" + job + "_" + formulation + ".sql" }
	return system{
		name: "duckdb/" + formulation,
		does: func(job, variant string) bool {
			_, err := fs.Stat(sqlFiles, file(job))
			return err == nil && (variant != "floats" || !packed[formulation])
		},
		prepare: func(t Task) (func(context.Context) error, error) {
			if formulation == unbounded {
				t.Memory = 0
			}
			return prepareDuckDB(t, file(t.Job))
		},
	}
}

// unbounded is the formulation of a job with a budget that does not keep to it:
// what spilling costs, and the answer it must give. It is not a competitor.
const unbounded = "unbounded"

// packed are the formulations that put two integers into one and so cannot do
// floats.
var packed = map[string]bool{"packed": true, "expiry": true}

// slow are formulations that take minutes where others take seconds: they run
// only when they are asked for, and on the small inputs of tests.
var slow = map[string]bool{"duckdb/merged training": true, "duckdb/range training": true, "duckdb/range features": true}

// floors are the jobs written by hand.
var floors = map[string]func(in, out string, threads int) error{"windows": floor.Windows, "training": floor.Training}

// choose returns the systems that do the job and were asked for; one that is
// slow must be asked for by its whole name.
func choose(c Config, job, variant string) []system {
	if _, ok := lookUp(job, variant); !ok {
		return nil
	}
	return slices.DeleteFunc(systems(), func(s system) bool {
		asked := len(c.Systems) == 0 && !slow[s.name+" "+job] || slices.ContainsFunc(c.Systems, func(p string) bool { return s.name == p || strings.HasPrefix(s.name, p) && !slow[s.name+" "+job] })
		return !asked || !s.does(job, variant) || s.name == "polars" && c.withoutPolars
	})
}

func find(t Task) (system, error) {
	for _, s := range systems() {
		if s.name == t.System && s.does(t.Job, t.Variant) {
			return s, nil
		}
	}
	return system{}, fmt.Errorf("no system %q does %s, %s", t.System, t.Job, t.Variant)
}

func prepareFloor(t Task) (func(context.Context) error, error) {
	return func(context.Context) error {
		return floors[t.Job](t.Input, path.Join(t.Output, "floor.parquet"), t.Threads)
	}, nil
}
