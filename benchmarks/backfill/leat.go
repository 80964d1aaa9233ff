package main

import (
	"context"
	"path/filepath"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// job builds a pipeline and runs it: both are in the time that is reported.
type job func(ctx context.Context, t Task) error

// leatJobs are the jobs in each variant.
var leatJobs = map[string]map[string]job{
	"windows": windowJobs, "scan": scanJobs, "groupby": groupByJobs, "training": trainingJobs, "features": featureJobs, "join": joinJobs,
	"external": {"plain": groupByJobs["plain"]},
}

// leatSystems is Leat, which does everything.
func leatSystems() []system {
	return []system{{
		name: "leat",
		does: func(job, variant string) bool { return leatJobs[job][variant] != nil },
		prepare: func(t Task) (func(context.Context) error, error) {
			return func(ctx context.Context) error { return leatJobs[t.Job][t.Variant](ctx, t) }, nil
		},
	}}
}

func source(t Task) parquet.Source { return parquet.Source{Path: t.Input} }

func sink(t Task) parquet.Sink { return parquet.Sink{Dir: filepath.Join(t.Output, "leat")} }

func run(ctx context.Context, p *leat.Pipeline, t Task) error {
	_, err := local.Run(ctx, p, local.Options{Parallelism: t.Threads, Memory: t.Memory})
	return err
}
