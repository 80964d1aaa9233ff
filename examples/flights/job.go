package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/command"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

const (
	defaultSize    = 24 * time.Hour
	defaultSlide   = time.Hour
	defaultLengths = "1h,6h,24h"
)

// job is what every command has: the flags of a pipeline, and how to run one with
// them.
type job struct{ command.Flags }

// paths adds the flags of a command that makes files from flights.
func (j *job) paths(fs *flag.FlagSet) (in, out *string) {
	return fs.String("in", "", "Parquet file, directory or pattern of flights (default the shipped sample of 600,000)"),
		fs.String("out", "", "directory for the output, new or empty (default a new temporary one)")
}

// parse adds the flags that all have and parses. Unless it is ok, the command ends
// with the code.
func (j *job) parse(fs *flag.FlagSet, args []string) (code int, ok bool) {
	j.Register(fs)
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, false
	case err != nil:
		return 2, false // the flag set has printed why
	case fs.NArg() > 0:
		return command.Code(&command.UsageError{Err: fmt.Errorf("unknown argument %q", fs.Arg(0))}), false
	}
	return 0, true
}

func (j *job) windows(ctx context.Context, in parquet.Source, dir string, size, slide time.Duration) error {
	return j.Run(ctx, os.Stdout, os.Stderr, func(p *leat.Pipeline) error {
		Windows(p, in, sink(dir), size, slide)
		return nil
	})
}

func (j *job) training(ctx context.Context, in parquet.Source, dir string, windows []Lookback) error {
	return j.Run(ctx, os.Stdout, os.Stderr, func(p *leat.Pipeline) error {
		Training(p, in, sink(dir), windows)
		return nil
	})
}

// sink writes times of day without a zone, as they are in the input.
func sink(dir string) parquet.Sink { return parquet.Sink{Dir: dir, LocalTime: true} }

// train fits a model to a training set, writes it and says how good it is. An
// empty path is a new file in a new temporary directory.
func (j *job) train(ctx context.Context, in parquet.Source, path string) error {
	t, err := newTrainer(ctx, in, os.Stdout, func(ctx context.Context, p *leat.Pipeline) (*local.Result, error) {
		return j.Job(ctx, os.Stderr, p)
	})
	if err != nil {
		return err
	}
	if j.Explain {
		return t.explain(func(step string, build func(*leat.Pipeline)) error {
			fmt.Printf("== %s\n", step)
			return j.Run(ctx, os.Stdout, os.Stderr, func(p *leat.Pipeline) error {
				build(p)
				return nil
			})
		})
	}
	if path != "" {
		if err := checkModelPath(path); err != nil {
			return err
		}
	}
	started := time.Now()
	m, err := t.train(ctx)
	if err != nil {
		return err
	}
	if path == "" {
		dir, err := outputDir("", "flights train", false)
		if err != nil {
			return err
		}
		path = filepath.Join(dir, "model.json")
	}
	if err := m.write(path); err != nil {
		return err
	}
	fmt.Printf("model  on %-9s AUC %.4f, log loss %.4f\n", m.Test, m.Model.AUC, m.Model.LogLoss)
	fmt.Printf("base   on %-9s AUC %.4f, log loss %.4f: %.2f %% for every row\n", m.Test, m.BaseRate.AUC, m.BaseRate.LogLoss, 100*m.Train.share())
	fmt.Printf("wrote  model        %12s weights to %s\n", command.Count(int64(1+len(m.Features))), path)
	fmt.Printf("done   in %s, %d passes over %s rows\n", time.Since(started).Round(time.Millisecond), m.Passes, command.Count(m.Train.Rows))
	return nil
}
