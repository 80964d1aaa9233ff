// Package local runs a pipeline in this process.
//
//	result, err := local.Run(ctx, p, local.Options{})
//
// Sinks are opened first, then sources; stages run one after the other (batch
// plan) or together (streaming plan); when all have ended well, what the sinks
// staged is committed. On any error, and when ctx is done, everything staged is
// removed, every goroutine has ended and every file is closed before Run returns.
package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/leat"
)

// Plan says how stages exchange data and when they run.
type Plan = plan.Mode

// The plans. Auto, the default, is Batch when every source is bounded.
const (
	Auto      = plan.Auto
	Batch     = plan.Batch
	Streaming = plan.Streaming
)

// ParsePlan reads "auto", "batch" or "streaming".
func ParsePlan(s string) (Plan, error) { return plan.ParseMode(s) }

// Options of a run. The zero value is ready to use.
type Options struct {
	Plan        Plan  // how to run; zero: Auto
	Parallelism int   // tasks of each stage; zero: one per processor
	BatchRows   int   // rows to aim at for one batch; zero: batch.TargetRows
	Memory      int64 // budget in bytes for state and exchanges; zero: none

	// SpillDir is the directory for what a batch plan has no room for in Memory;
	// empty: the system's directory for temporary files. Nothing is left in it.
	SpillDir string
	spillFS  spill.FS // nil: the machine's; a test has another

	// Clock is the processing time of a streaming plan; nil: time.Now. A batch plan
	// looks at it once, at the beginning. It may be called from any goroutine. Where
	// a source is a script (package leattest) the clock is the script's.
	Clock func() time.Time

	// Stop, when it is closed, ends a run of a streaming plan early and in good
	// order: sources read no more, what is under way is worked off, sinks are
	// flushed and committed, and Run returns a result that says so. Windows that are
	// open do not fire, since they are not complete, unless Drain is set: then the
	// input counts as complete where it was stopped. A batch plan does not look at
	// either; to end any run at once cancel its context.
	Stop  <-chan struct{}
	Drain bool

	// Progress, when not nil, is called from another goroutine every Every
	// (zero: 200 ms) while the job runs, and not after Run has returned.
	Progress func(Progress)
	Every    time.Duration

	// Running, when not nil, is called once when sources and sinks are open. The
	// function it gets may be called from any goroutine from then on, also when Run has
	// returned: for metrics and health checks of a service.
	Running func(look func() Progress)
}

func (o Options) filled() (Options, error) {
	if o.Parallelism == 0 {
		o.Parallelism = runtime.GOMAXPROCS(0)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Every == 0 {
		o.Every = 200 * time.Millisecond
	}
	var errs []error
	if o.Parallelism < 0 {
		errs = append(errs, fmt.Errorf("parallelism is %d; it must be at least 1", o.Parallelism))
	}
	if o.BatchRows < 0 {
		errs = append(errs, fmt.Errorf("batch rows is %d; it must be positive", o.BatchRows))
	}
	if o.Memory < 0 {
		errs = append(errs, fmt.Errorf("the memory budget is %d bytes; it must be positive", o.Memory))
	}
	if o.SpillDir != "" {
		if info, err := os.Stat(o.SpillDir); err != nil {
			errs = append(errs, fmt.Errorf("the spill directory: %w", err))
		} else if !info.IsDir() {
			errs = append(errs, fmt.Errorf("the spill directory %s is not a directory", o.SpillDir))
		}
	}
	return o, errors.Join(errs...)
}

// Explain returns the plan that Run would execute, as text.
func Explain(p *leat.Pipeline, o Options) (string, error) {
	o, err := o.filled()
	if err != nil {
		return "", err
	}
	g, err := p.Graph()
	if err != nil {
		return "", err
	}
	physical, err := plan.New(g, o.Plan, o.Parallelism)
	if err != nil {
		return "", err
	}
	return physical.String(), nil
}

// Endless reports whether a source of the pipeline never ends.
func Endless(p *leat.Pipeline) (bool, error) {
	g, err := p.Graph()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool {
		read, ok := n.Op.(*graph.Read)
		return ok && !read.Source.Bounded()
	}), nil
}

// Run runs the pipeline to its end and returns what it did. On an unbounded
// input that is when it is stopped (see Options.Stop) or ctx is done; then the error
// is ctx's.
func Run(ctx context.Context, p *leat.Pipeline, o Options) (*Result, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	g, err := p.Graph()
	if err != nil {
		return nil, err
	}
	physical, err := plan.New(g, o.Plan, o.Parallelism)
	if err != nil {
		return nil, err
	}
	j := newJob(physical, o)
	return j.run(ctx)
}
