package local

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/internal/task"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Result says what a run has done.
type Result struct {
	Plan       Plan
	Elapsed    time.Duration
	Sources    []SourceResult
	Steps      []StepResult
	Sinks      []SinkResult
	PeakMemory int64 // most bytes of state and exchanges at one time
	Spilled    int64 // bytes written to the spill directory
	// Stopped says that Options.Stop ended the input of at least one source; what
	// was not complete then is in the steps, unless Options.Drain was set.
	Stopped bool
}

// SourceResult is what a Read step has read.
type SourceResult struct {
	Step       string
	Source     string
	Rows       int64
	BadRecords int64
	Ahead      int64 // rows, and watermarks of rows, too far ahead of the clock to count for the watermark
	WentBack   int64 // watermarks that went back and were ignored
	Splits     int64
	Bytes      int64 // as stored; -1 when the source does not know
}

// StepResult counts the rows of a step over all tasks.
type StepResult struct {
	Step    string
	Kind    string
	RowsIn  int64
	RowsOut int64 // of the main output
	Dropped int64 // rows too late for every window
	// Watermark is the latest behind the step before the end of its input; zero
	// when there was none, as in a batch plan.
	Watermark time.Time
	// Open is what the step had and did not emit, because the run was stopped before
	// event time had got there.
	Open Open
}

// Open is what a step holds until event time moves on.
type Open struct {
	Windows int // that have not fired
	Partial int // results that are not complete, by key and window, and by task before an exchange
	Rows    int // that wait as they came
}

func (o *Open) add(other operator.Open) {
	o.Windows = max(o.Windows, other.Windows) // both halves of a step have the same ones
	o.Partial += other.Partial
	o.Rows += other.Rows
}

// String renders it for people.
func (o Open) String() string {
	var parts []string
	for _, p := range []struct {
		n         int
		one, many string
	}{{o.Windows, "open window", "open windows"}, {o.Partial, "incomplete result", "incomplete results"}, {o.Rows, "row that waits", "rows that wait"}} {
		switch {
		case p.n == 1:
			parts = append(parts, "1 "+p.one)
		case p.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.many))
		}
	}
	return strings.Join(parts, ", ")
}

// SinkResult is what a Write step has written.
type SinkResult struct {
	Step  string
	Sink  string
	Rows  int64
	Bytes int64
	Files []string // final names, relative to the target, sorted
}

// Progress is a look at a running job.
type Progress struct {
	Elapsed   time.Duration
	Stage     int // the stage that runs, batch plan; -1 when all do
	Stages    int
	RowsRead  int64
	BytesRead int64
	Bytes     int64 // all there is to read; -1 when not known
	RowsOut   int64 // rows handed to sinks
	Memory    int64 // bytes of state and exchanges
	Spilled   int64 // bytes written to the spill directory
	// Watermarks are those behind the steps of a streaming plan by now, in the order
	// of the plan; nil in a batch plan.
	Watermarks []StepWatermark

	RowsPerSecond float64 // read lately; in what Options.Progress gets only
	Steps         []StepStatus
	Sources       []SourceStatus
	// Held says who keeps the watermark of the step that is furthest behind where it
	// is; nil in a batch plan, and when all have ended.
	Held     *Holder
	Ready    bool // every task runs, so sources and sinks are open; not while Stopping
	Stopping bool // Options.Stop was closed
	// Working is the longest that a task of a streaming plan has been at work on one
	// batch by now, waiting for those behind it included.
	Working time.Duration
}

// StepWatermark is how far event time has come behind a step: no more rows before
// Time come out of any of its tasks, unless they are late.
type StepWatermark struct {
	Step string
	Time time.Time // zero when nothing is known yet
}

// stageClock says which stage runs.
type stageClock struct {
	mu  sync.Mutex
	now int
}

func (c *stageClock) begin(id int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = id
}

func (c *stageClock) at() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// running is which tasks there are.
type running struct {
	mu    sync.Mutex
	tasks []*task.Task
	ready bool // all of them
}

func (r *running) add(tasks []*task.Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks = append(r.tasks, tasks...)
}

func (r *running) set(ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = ready
}

// watch calls Progress until the returned function is called, which waits for
// the last call to have returned.
func (j *job) watch() (stop func()) {
	if j.options.Progress == nil {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		ticker := time.NewTicker(j.options.Every)
		defer ticker.Stop()
		lately := rates{tasks: j.plan.Parallelism}
		for {
			select {
			case <-ticker.C:
				p := j.progress()
				lately.rate(&p)
				j.options.Progress(p)
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-gone
	}
}

func (j *job) progress() Progress {
	p := Progress{Elapsed: time.Since(j.started), Stage: -1, Stages: len(j.plan.Stages), Memory: j.budget.Used(), Spilled: j.spill.Written()}
	if j.plan.Mode == plan.Batch {
		p.Stage = j.stage.at()
	}
	for _, c := range j.reads {
		p.RowsRead += c.Rows.Load()
		p.BytesRead += c.BytesDone.Load()
		if c.SizeTotal.Load() < 0 {
			p.Bytes = -1
		} else if p.Bytes >= 0 {
			p.Bytes += c.SizeTotal.Load()
		}
	}
	for op, c := range j.counters {
		if op.Kind == plan.Write {
			p.RowsOut += c.RowsIn.Load()
		}
	}
	if j.plan.Mode == plan.Streaming {
		p.Watermarks = j.watermarks()
		p.Held = j.held()
	}
	p.Steps, p.Sources = j.steps(), j.readings()
	p.Stopping = j.stopping.Now()
	j.running.mu.Lock()
	defer j.running.mu.Unlock()
	p.Ready = j.running.ready && !p.Stopping
	for _, t := range j.running.tasks {
		p.Working = max(p.Working, t.Working())
	}
	return p
}

// watermarks returns the watermark behind each step. Of a step in several halves
// the last counts.
func (j *job) watermarks() (all []StepWatermark) {
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind == plan.Read || op.Kind == plan.Receive || op.Exchange != nil {
				continue
			}
			all = append(all, StepWatermark{op.Node.Name, timeOf(j.counters[op].Watermark())})
		}
	}
	return all
}

// timeOf returns a watermark as a time, zero when it says nothing.
func timeOf(w int64) time.Time {
	if w <= batch.MinTime {
		return time.Time{}
	}
	return time.UnixMicro(w).UTC()
}

func (j *job) result() *Result {
	r := &Result{Plan: j.plan.Mode, Elapsed: time.Since(j.started), PeakMemory: j.budget.Peak(), Spilled: j.spill.Written(), Stopped: j.stopping.Cut()}
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			j.describe(r, op)
		}
	}
	for _, o := range j.sinks {
		s := SinkResult{Step: o.op.Node.Name, Sink: o.sink.String()}
		for _, staged := range o.staged {
			s.Rows += staged.Rows
			s.Bytes += staged.Bytes
			s.Files = append(s.Files, staged.Files...)
		}
		slices.Sort(s.Files) // tasks end in any order
		r.Sinks = append(r.Sinks, s)
	}
	return r
}

func (j *job) describe(r *Result, op *plan.Op) {
	c := j.counters[op]
	switch op.Kind {
	case plan.Read:
		read := j.reads[op]
		r.Sources = append(r.Sources, SourceResult{Step: op.Node.Name, Source: op.Node.Op.(*graph.Read).Source.String(),
			Rows: read.Rows.Load(), BadRecords: read.BadRecords.Load(), Ahead: read.Ahead.Load(), WentBack: read.Back.Load(),
			Splits: read.SplitsTotal.Load(), Bytes: read.SizeTotal.Load()})
	case plan.Receive, plan.Forward, plan.Broadcast, plan.Rebalance, plan.Deal, plan.Build, plan.Sort:
	case plan.Combine:
		for i := range r.Steps { // its sending half has counted the rows that came in
			if r.Steps[i].Step == op.Node.Name {
				r.Steps[i].RowsOut, r.Steps[i].Dropped = c.RowsOut.Load(), c.Dropped.Load()
				r.Steps[i].Watermark = timeOf(c.Watermark())
				r.Steps[i].Open.add(c.Open())
			}
		}
	default:
		step := StepResult{Step: op.Node.Name, Kind: op.Node.Op.Kind(), RowsIn: c.RowsIn.Load(), RowsOut: c.RowsOut.Load(), Dropped: c.Dropped.Load(), Watermark: timeOf(c.Watermark())}
		step.Open.add(c.Open())
		r.Steps = append(r.Steps, step)
	}
}

// Notes says why nothing, or less than expected, may have come out: for each
// source that gave nothing, step that kept nothing, and records left out.
func (r *Result) Notes() []string {
	var notes []string
	empty := false
	for _, s := range r.Sources {
		if s.BadRecords > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d records could not be decoded", s.Step, s.BadRecords))
		}
		if s.Ahead > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d rows or their watermarks were too far ahead of the clock; they were kept and did not raise the watermark", s.Step, s.Ahead))
		}
		if s.WentBack > 0 {
			notes = append(notes, fmt.Sprintf("%s: the watermark went back %d times, which was ignored: does the generator say more than it knows?", s.Step, s.WentBack))
		}
		if s.Rows == 0 {
			empty = true
			notes = append(notes, fmt.Sprintf("%s: %s gave no rows: are the files empty, or does a condition exclude all of them?", s.Step, s.Source))
		}
	}
	for _, s := range r.Steps {
		if s.Open != (Open{}) {
			empty = true
			notes = append(notes, fmt.Sprintf("%s: the run was stopped with %s, of which nothing was written", s.Step, s.Open))
			continue
		}
		if s.Dropped > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d rows came too late for every window and were dropped: is the disorder declared in leat.EventTime large enough?", s.Step, s.Dropped))
		}
		if s.RowsIn > 0 && s.RowsOut == 0 && s.Kind != "write" && s.Dropped == 0 {
			empty = true
			notes = append(notes, fmt.Sprintf("%s: %d rows came in and none went out: %s", s.Step, s.RowsIn, reason(s.Kind)))
		}
	}
	for _, s := range r.Sinks {
		if s.Rows == 0 && !empty {
			notes = append(notes, fmt.Sprintf("%s: nothing was written to %s", s.Step, s.Sink))
		}
	}
	return notes
}

func reason(kind string) string {
	switch kind {
	case "where", "filter":
		return "no row meets the condition"
	case "combine", "group", "distinct":
		return "no window contains a row: do the windows and the event times fit?"
	}
	return "the function emitted nothing"
}
