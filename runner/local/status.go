package local

import (
	"slices"
	"time"

	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/internal/task"
	"github.com/leatflow/leat/sdk/graph"
)

// StepStatus is a look at a step of a running job. Counts and times are those of
// all its tasks together, since the beginning.
type StepStatus struct {
	Step    string
	Kind    string
	RowsIn  int64
	RowsOut int64 // of the main output
	Batches int64 // that came in
	Dropped int64 // rows too late for every window
	State   int64 // bytes held
	// RowsPerSecond came in lately; in what Options.Progress gets only.
	RowsPerSecond float64
	// Busy is the time spent in the step itself, Blocked the time in which it could
	// not send because the tasks behind its exchange are full: back-pressure.
	Busy, Blocked time.Duration
	// Pressure is the share of the time lately in which its tasks were blocked, 0 to
	// 1; in what Options.Progress gets only.
	Pressure float64
	// BytesSent are those of the batches it has sent to other tasks, in memory.
	BytesSent int64
	// Watermark is the one behind the step, zero when nothing is known yet, and Since
	// when it came there.
	Watermark time.Time
	Since     time.Time
	Idle      bool // nothing comes out at the moment, and nobody waits for it
	Ended     bool // its input has ended in every task
}

// SourceStatus is a look at a Read step of a running job.
type SourceStatus struct {
	Step       string
	Source     string
	Rows       int64
	Bytes      int64 // as stored, of splits that have ended
	BadRecords int64
	Ahead      int64 // see SourceResult
	WentBack   int64
	// RowsPerSecond came lately; in what Options.Progress gets only.
	RowsPerSecond float64
	// Splits are those read at the moment, of a streaming plan.
	Splits []SplitStatus
}

// SplitStatus is a look at a split that is read.
type SplitStatus struct {
	Split     string
	Rows      int64
	LastRows  time.Time // when rows came last; zero: none have
	Watermark time.Time // zero: it has said nothing
	Since     time.Time // when it came there
	Idle      bool
}

// steps describes the steps in the order of the plan. Of a step in two halves the
// first counts what comes in and what is blocked, the second what goes out.
func (j *job) steps() (all []StepStatus) {
	at := make(map[string]int)
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind == plan.Read || op.Kind == plan.Receive {
				continue
			}
			name := op.Node.Name
			i, known := at[name]
			if !known {
				i = len(all)
				at[name] = i
				all = append(all, StepStatus{Step: name, Kind: op.Node.Op.Kind(), RowsIn: j.counters[op].RowsIn.Load(), Batches: j.counters[op].Batches.Load()})
			}
			j.add(&all[i], op)
		}
	}
	return all
}

// add adds what one half of a step has counted.
func (j *job) add(s *StepStatus, op *plan.Op) {
	c := j.counters[op]
	s.Busy += c.Busy()
	s.State += c.State.Load()
	s.Dropped += c.Dropped.Load()
	standing := c.Standing()
	s.RowsOut, s.Watermark, s.Since = c.RowsOut.Load(), timeOf(standing.Watermark), standing.Since
	s.Idle, s.Ended = standing.Idle, standing.Ended
	if op.Exchange != nil && op.Exchange.ID < len(j.exchanges) {
		x := j.exchanges[op.Exchange.ID]
		s.Blocked += x.Waited()
		s.BytesSent += x.SentBytes()
	}
}

// readings describes the sources in the order of the plan.
func (j *job) readings() (all []SourceStatus) {
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind != plan.Read {
				continue
			}
			c := j.reads[op]
			one := SourceStatus{Step: op.Node.Name, Source: op.Node.Op.(*graph.Read).Source.String(), Rows: c.Rows.Load(), Bytes: c.BytesDone.Load(),
				BadRecords: c.BadRecords.Load(), Ahead: c.Ahead.Load(), WentBack: c.Back.Load()}
			if source := j.sources[op]; source != nil {
				for _, split := range source.Standings() {
					one.Splits = append(one.Splits, splitStatus(split))
				}
			}
			all = append(all, one)
		}
	}
	return all
}

func splitStatus(s task.SplitStanding) SplitStatus {
	return SplitStatus{Split: s.Name, Rows: s.Rows, LastRows: s.Last, Watermark: timeOf(s.Watermark), Since: s.Since, Idle: s.Idle}
}

// rates keeps the rates of the last seconds, from look to look.
type rates struct {
	tasks    int      // of each step
	base     Progress // what they are counted from
	sources  []float64
	steps    []float64
	pressure []float64
	rowsRead float64
	known    bool
}

// rateEvery is the least time that a rate is taken over: what comes in bursts would
// jump.
const rateEvery = 2 * time.Second

// rate fills the rates of a look.
func (r *rates) rate(p *Progress) {
	over := p.Elapsed - r.base.Elapsed
	if !r.known || over >= rateEvery {
		per := func(n int64) float64 { return float64(n) / max(over.Seconds(), 1e-3) }
		r.rowsRead = per(p.RowsRead - r.base.RowsRead)
		r.sources, r.steps, r.pressure = r.sources[:0], r.steps[:0], r.pressure[:0]
		for i, s := range p.Sources {
			if len(r.base.Sources) > i {
				s.Rows -= r.base.Sources[i].Rows
			}
			r.sources = append(r.sources, per(s.Rows))
		}
		for i, s := range p.Steps {
			if len(r.base.Steps) > i {
				s.RowsIn -= r.base.Steps[i].RowsIn
				s.Blocked -= r.base.Steps[i].Blocked
			}
			r.steps = append(r.steps, per(s.RowsIn))
			r.pressure = append(r.pressure, min(1, per(int64(s.Blocked))/1e9/float64(r.tasks)))
		}
		if over >= rateEvery {
			r.base, r.known = *p, true
			r.base.Sources, r.base.Steps = slices.Clone(p.Sources), slices.Clone(p.Steps)
		}
	}
	p.RowsPerSecond = r.rowsRead
	for i := range p.Sources {
		p.Sources[i].RowsPerSecond = r.sources[i]
	}
	for i := range p.Steps {
		p.Steps[i].RowsPerSecond, p.Steps[i].Pressure = r.steps[i], r.pressure[i]
	}
}
