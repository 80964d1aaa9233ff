package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leatflow/leat/benchmarks/backfill/figures"
)

// Result is one line of the report: a system on a job.
type Result struct {
	Task
	Wall, CPU, Process time.Duration // medians
	Min, Max           time.Duration // of Wall
	Peak               int64         // the largest
	Rows               int64
}

// Run does the jobs, compares the results, and then measures. It returns an
// error instead of times when two systems disagree.
func Run(ctx context.Context, c Config) ([]Result, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "leat-backfill-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	c = withPolars(ctx, c)
	var all []Result
	for _, job := range c.Jobs {
		for _, variant := range c.Variants {
			w, ok := lookUp(job, variant)
			if !ok {
				continue
			}
			t, err := w.task(c, variant)
			if err != nil {
				return all, err
			}
			for _, threads := range c.Threads {
				t.Threads, t.Python = threads, c.python
				results, err := runTask(ctx, c, t, work)
				if err != nil {
					return all, fmt.Errorf("%s, %s, %d threads: %w", job, variant, threads, err)
				}
				printReport(c.Out, results)
				if c.Record != "" && len(results) > 0 {
					if err := figures.Record(c.Record, recorded(results)); err != nil {
						return all, err
					}
				}
				all = append(all, results...)
			}
		}
	}
	return all, nil
}

// runTask warms up, compares and measures the systems on one job.
func runTask(ctx context.Context, c Config, t Task, work string) ([]Result, error) {
	chosen := choose(c, t.Job, t.Variant)
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no system among %s does this", strings.Join(c.Systems, ", "))
	}
	if c.Explain != "" {
		return nil, explainAll(c, t, chosen, work)
	}
	tasks := make([]Task, len(chosen))
	for i, s := range chosen {
		tasks[i] = t
		tasks[i].System = s.name
		tasks[i].Output = filepath.Join(work, strings.ReplaceAll(s.name, "/", "-"))
		warm := tasks[i]
		if c.Profile != "" && s.command == nil && !strings.HasPrefix(s.name, "duckdb") {
			warm.Profile = filepath.Join(c.Profile, fmt.Sprintf("%s_%s_%s_threads%d.pprof", s.name, t.Job, t.Variant, t.Threads))
		}
		if _, err := once(ctx, c, warm); err != nil {
			return nil, err
		}
	}
	rows, err := equal(tasks)
	if err != nil {
		return nil, err
	}
	runs := make([][]Measurement, len(tasks))
	for range c.Runs {
		for i, task := range tasks {
			m, err := once(ctx, c, task)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], m)
		}
	}
	results := make([]Result, len(tasks))
	for i := range tasks {
		results[i] = summarise(tasks[i], runs[i], rows)
	}
	return results, nil
}

// once runs a task into an empty folder.
func once(ctx context.Context, c Config, t Task) (Measurement, error) {
	if err := errors.Join(os.RemoveAll(t.Output), os.Mkdir(t.Output, 0o755)); err != nil {
		return Measurement{}, err
	}
	if err := back(c.Back); err != nil {
		return Measurement{}, err
	}
	return spawn(ctx, t)
}

// equal compares every result with the first one and returns its rows.
func equal(tasks []Task) (int64, error) {
	t := tasks[0]
	t.Threads, t.Memory = 2, 0
	db, err := openDuckDB(t)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	w, _ := lookUp(t.Job, t.Variant)
	if err := w.golden.check(db, t.Input, t.Output); err != nil {
		return 0, err
	}
	for _, other := range tasks[1:] {
		if err := compare(db, t.Output, other.Output); err != nil {
			return 0, err
		}
	}
	var rows int64
	return rows, db.QueryRow("select count(*) from " + scan(t.Output)).Scan(&rows)
}

func summarise(t Task, runs []Measurement, rows int64) Result {
	r := Result{Task: t, Rows: rows}
	walls := sorted(runs, func(m Measurement) time.Duration { return m.Wall })
	r.Wall, r.Min, r.Max = walls[len(walls)/2], walls[0], walls[len(walls)-1]
	r.CPU = sorted(runs, func(m Measurement) time.Duration { return m.CPU })[len(runs)/2]
	r.Process = sorted(runs, func(m Measurement) time.Duration { return m.Process })[len(runs)/2]
	for _, m := range runs {
		r.Peak = max(r.Peak, m.Peak)
	}
	return r
}

func sorted(runs []Measurement, of func(Measurement) time.Duration) []time.Duration {
	all := make([]time.Duration, len(runs))
	for i, m := range runs {
		all[i] = of(m)
	}
	slices.Sort(all)
	return all
}

// explainAll writes the executed plans of DuckDB's formulations of one job.
func explainAll(c Config, t Task, chosen []system, work string) error {
	if t.Variant != "plain" {
		return nil
	}
	for _, s := range chosen {
		formulation, ok := strings.CutPrefix(s.name, "duckdb/")
		if !ok || formulation == unbounded {
			continue
		}
		t.Output = work
		file := t.Job + "_" + formulation
		plan := filepath.Join(c.Explain, fmt.Sprintf("%s_threads%d.txt", file, t.Threads))
		if err := explain(t, "sql/"+file+".sql", plan); err != nil {
			return err
		}
		fmt.Fprintln(c.Out, "wrote", plan)
	}
	return nil
}
