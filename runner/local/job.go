package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/runner/internal/task"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// job is one run of a plan.
type job struct {
	plan      *plan.Plan
	options   Options
	budget    *memory.Budget
	spill     *spill.Area
	started   time.Time
	start     int64 // processing time of a batch plan
	sources   map[*plan.Op]*task.Source
	inputs    []openedInput
	outputs   map[*plan.Op]*output
	sinks     []*output // in the order of the graph
	exchanges []*exchange.Exchange
	indexes   map[*plan.Index]*operator.Index
	passes    map[*plan.Op]*operator.Passes // of lookups whose indexes may be larger than memory
	counters  map[*plan.Op]*task.Counters
	reads     map[*plan.Op]*task.SourceCounters
	script    *task.Script   // nil: no source is a script
	stopping  *task.Stopping // nil: the job runs to its end
	stage     stageClock
	running   running
	closed    bool
}

// openedInput is an opened source with the Read it is for.
type openedInput struct {
	op    *plan.Op
	input connector.Input
}

// output is an opened sink with what its writers have staged.
type output struct {
	op     *plan.Op
	sink   connector.Sink
	output connector.Output
	mu     sync.Mutex
	staged []connector.Staged
}

func (o *output) add(s connector.Staged) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.staged = append(o.staged, s)
}

func newJob(p *plan.Plan, o Options) *job {
	j := &job{plan: p, options: o, budget: memory.NewBudget(o.Memory), spill: spill.NewArea(o.SpillDir, o.spillFS), started: time.Now(), start: o.Clock().UnixMicro(),
		sources: make(map[*plan.Op]*task.Source), outputs: make(map[*plan.Op]*output),
		counters: make(map[*plan.Op]*task.Counters), reads: make(map[*plan.Op]*task.SourceCounters)}
	if o.Stop != nil && p.Mode == plan.Streaming {
		j.stopping = &task.Stopping{Requested: o.Stop, Complete: o.Drain}
	}
	for _, s := range p.Stages {
		for _, op := range s.Ops {
			j.counters[op] = task.NewCounters(p.Parallelism)
			if op.Kind == plan.Read {
				j.reads[op] = &task.SourceCounters{}
				if p.Mode == plan.Streaming && connector.IsScripted(op.Node.Op.(*graph.Read).Source) {
					j.script = task.NewScript()
				}
			}
		}
	}
	return j
}

func (j *job) run(ctx context.Context) (result *Result, err error) {
	defer func() {
		err = errors.Join(err, j.close())
		if err != nil {
			result, err = nil, errors.Join(err, j.abort())
		}
	}()
	if err := j.scriptFits(); err != nil {
		return nil, err
	}
	if err := j.openUntilStopped(ctx); err != nil {
		return nil, err
	}
	j.makeExchanges()
	if j.options.Running != nil {
		j.options.Running(j.progress)
	}
	stop := j.watch()
	err = j.runStages(ctx)
	j.running.set(false)
	stop()
	if err != nil {
		return nil, plain(ctx, err)
	}
	// What can still go wrong must do so before anything is visible.
	if err := j.close(); err != nil {
		return nil, err
	}
	if err := j.commit(ctx); err != nil {
		return nil, err
	}
	return j.result(), nil
}

// scriptFits refuses a source that never falls quiet beside one that waits for it.
func (j *job) scriptFits() error {
	var errs []error
	for op := range j.reads {
		source := op.Node.Op.(*graph.Read).Source
		if j.script != nil && !source.Bounded() && !connector.IsScripted(source) {
			errs = append(errs, &task.StepError{Step: op.Node.Name, Place: op.Node.Place,
				Err: fmt.Errorf("%s never ends, and the next event of a leattest.Stream happens when all other sources are quiet; use streams for all of them", source)})
		}
	}
	return errors.Join(errs...)
}

// plain says that a run was cancelled in one line instead of once a task.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("the job was stopped before its end: %w", context.Cause(ctx))
	}
	return err
}

// openUntilStopped opens sinks and sources. Where one does not answer, a request to
// stop must not have to wait for it.
func (j *job) openUntilStopped(ctx context.Context) error {
	if j.stopping == nil {
		return j.open(ctx)
	}
	opening, cancel := context.WithCancel(ctx)
	defer cancel()
	opened := make(chan struct{})
	defer close(opened)
	go func() {
		select {
		case <-j.stopping.Requested:
			cancel()
		case <-opened:
		}
	}()
	err := j.open(opening)
	if err != nil && opening.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("the job was stopped before its sources and sinks were open: %w", err)
	}
	return err
}

// open opens sinks, which may refuse, before sources, which may be slow.
func (j *job) open(ctx context.Context) error {
	var errs []error
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind == plan.Write {
				errs = append(errs, j.openSink(ctx, op))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind == plan.Read {
				errs = append(errs, j.openSource(ctx, op))
			}
		}
	}
	return errors.Join(errs...)
}

func (j *job) openSink(ctx context.Context, op *plan.Op) error {
	sink := op.Node.Op.(*graph.Write).Sink
	out, err := sink.Open(ctx, connector.SinkRequest{Step: op.Node.Name, Type: op.Node.Inputs[0].Type(), Parallelism: j.plan.Parallelism, Memory: j.sinkShare(op)})
	if err != nil {
		return &task.StepError{Step: op.Node.Name, Place: op.Node.Place, Err: err}
	}
	o := &output{op: op, sink: sink, output: out}
	j.outputs[op] = o
	j.sinks = append(j.sinks, o)
	return nil
}

// sinkShare is the part of the budget that each writer of a sink may fill: an
// eighth for those of a stage together.
func (j *job) sinkShare(op *plan.Op) int64 {
	sinks := 0
	for _, other := range op.Stage.Ops {
		if other.Kind == plan.Write {
			sinks++
		}
	}
	return j.options.Memory / int64(8*sinks*j.plan.Parallelism)
}

func (j *job) openSource(ctx context.Context, op *plan.Op) error {
	read := op.Node.Op.(*graph.Read)
	var source *task.Source
	input, err := read.Source.Open(ctx, connector.Request{
		Step: op.Node.Name, Type: op.Node.Outputs[0].Type, Needed: op.Needed, Filter: op.Filter,
		BatchRows: j.options.BatchRows, Parallelism: j.plan.Parallelism,
		Bad: func(b connector.BadRecord) error { return source.Bad(b) },
	})
	if err != nil {
		return &task.StepError{Step: op.Node.Name, Place: op.Node.Place, Err: err}
	}
	j.inputs = append(j.inputs, openedInput{op, input})
	source = task.NewSource(op.Node, input, j.plan.Mode == plan.Streaming, j.reads[op])
	source.Script, source.Now, source.Stopping = j.script, j.now, j.stopping
	if _, grows := input.(connector.Growing); j.plan.Mode == plan.Streaming && (grows || connector.IsPartitioned(read.Source)) {
		source.Deal(j.plan.Parallelism)
	}
	j.sources[op] = source
	return nil
}

func (j *job) makeExchanges() {
	for _, x := range j.plan.Exchanges {
		name := fmt.Sprintf("the exchange behind step %q", x.From.Node.Name)
		e := exchange.New(name, j.plan.Parallelism, j.plan.Parallelism, j.plan.Mode == plan.Streaming, j.budget)
		e.SpillTo(j.spill)
		if j.script != nil {
			e.Sent = j.script.Begin
		}
		j.exchanges = append(j.exchanges, e)
	}
	j.makeIndexes()
}

// runStages schedules the stages: each when those before it have ended, or all
// at once.
func (j *job) runStages(ctx context.Context) error {
	if j.plan.Mode == plan.Streaming {
		group, ctx := errgroup.WithContext(ctx)
		for _, source := range j.sources {
			if source.Grows() {
				group.Go(func() error { return source.Grow(ctx) })
			}
		}
		j.script.Begin() // until every task is wired
		for _, s := range j.plan.Stages {
			if err := j.startStage(ctx, group, s); err != nil {
				group.Go(func() error { return err })
				break
			}
		}
		j.script.Done()
		j.running.set(true)
		return group.Wait()
	}
	for _, s := range j.plan.Stages {
		j.stage.begin(s.ID)
		j.running.set(true)
		group, ctx := errgroup.WithContext(ctx)
		if err := j.startStage(ctx, group, s); err != nil {
			group.Go(func() error { return err })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) startStage(ctx context.Context, group *errgroup.Group, s *plan.Stage) error {
	tasks := make([]*task.Task, j.plan.Parallelism)
	for i := range tasks {
		t, err := j.wire(s, i)
		if err != nil {
			return err
		}
		if j.plan.Mode == plan.Streaming {
			t.Measure()
		}
		tasks[i] = t
	}
	j.running.add(tasks)
	for _, t := range tasks {
		group.Go(func() error { return t.Run(ctx) })
	}
	return nil
}

// clock is where the steps of the plan take processing time from.
func (j *job) clock() task.Clock {
	switch {
	case j.script != nil:
		return task.Clock{}
	case j.plan.Mode == plan.Streaming:
		return task.Clock{Now: func() int64 { return j.options.Clock().UnixMicro() }}
	}
	return task.Clock{Start: j.start}
}

// now is the processing time for sources.
func (j *job) now() int64 {
	switch {
	case j.script != nil:
		return j.script.Now()
	case j.plan.Mode == plan.Streaming:
		return j.options.Clock().UnixMicro()
	}
	return j.start
}

func (j *job) commit(ctx context.Context) error {
	for _, o := range j.sinks {
		if err := o.output.Commit(ctx, o.staged); err != nil {
			return &task.StepError{Step: o.op.Node.Name, Place: o.op.Node.Place, Err: err}
		}
	}
	return nil
}

// abort removes what was staged.
func (j *job) abort() error {
	var errs []error
	for _, o := range j.sinks {
		if err := o.output.Abort(); err != nil {
			errs = append(errs, &task.StepError{Step: o.op.Node.Name, Place: o.op.Node.Place, Err: err})
		}
	}
	return errors.Join(errs...)
}

// close releases inputs, exchanges and what is on disk, and checks that all memory came back. A
// second call does nothing.
func (j *job) close() error {
	if j.closed {
		return nil
	}
	j.closed = true
	var errs []error
	for _, in := range j.inputs {
		if err := in.input.Close(); err != nil {
			errs = append(errs, &task.StepError{Step: in.op.Node.Name, Place: in.op.Node.Place, Err: err})
		}
	}
	for _, x := range j.exchanges {
		errs = append(errs, x.Close())
	}
	for _, x := range j.indexes {
		x.Drop()
	}
	errs = append(errs, j.spill.Close())
	if used := j.budget.Used(); used != 0 {
		errs = append(errs, fmt.Errorf("internal error, please report it: %d bytes were reserved and not given back", used))
	}
	return errors.Join(errs...)
}
