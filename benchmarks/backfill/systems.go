package main

import (
	"context"
	"fmt"
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
}

// systems lists every system: DuckDB once for each formulation of a job that
// is checked in under sql/, the hand-written floor, and Leat.
func systems() []system {
	var all []system
	files, _ := sqlFiles.ReadDir("sql")
	for _, f := range files {
		job, formulation, ok := strings.Cut(strings.TrimSuffix(f.Name(), ".sql"), "_")
		if !ok {
			continue // settings.sql
		}
		all = append(all, system{
			name:    "duckdb/" + formulation,
			does:    func(j, variant string) bool { return j == job && (formulation != "packed" || variant != "floats") },
			prepare: func(t Task) (func(context.Context) error, error) { return prepareDuckDB(t, path.Join("sql", f.Name())) },
		})
	}
	all = append(all, system{name: "floor", does: func(job, variant string) bool { return job == "windows" && variant == "plain" }, prepare: prepareFloor})
	return append(all, leatSystems()...)
}

// choose returns the systems that do the job and were asked for.
func choose(c Config, job, variant string) []system {
	return slices.DeleteFunc(systems(), func(s system) bool {
		asked := len(c.Systems) == 0 || slices.ContainsFunc(c.Systems, func(p string) bool { return strings.HasPrefix(s.name, p) })
		return !asked || !s.does(job, variant)
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
		return floor.Windows(t.Input, path.Join(t.Output, "windows.parquet"), t.Threads)
	}, nil
}
