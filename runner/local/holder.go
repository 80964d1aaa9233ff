package local

import (
	"fmt"
	"strings"
	"time"

	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/runner/internal/task"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Holder says why no more comes out of a step: who keeps its watermark where it is.
type Holder struct {
	Step      string    // whose watermark it is
	Watermark time.Time // zero: nothing is known yet
	Since     time.Time // when it came there

	// By is the step that holds it: a Read, or one that has work under way which
	// must come out before.
	By string
	// Source says that By is a Read. Split is the one that is furthest behind; empty
	// when the source has none that are read.
	Source    bool
	Split     string
	LastRows  time.Time     // when the split gave rows last; zero: never
	IdleAfter time.Duration // as declared; 0: it is not
	Declared  bool          // the Read says how event time advances
	Idle      bool          // all splits are idle
	Ends      bool          // the source is bounded
}

// String answers why nothing comes out, at a time: in one line.
func (h *Holder) String() string { return h.At(time.Now()) }

// At is String as of a moment.
func (h *Holder) At(now time.Time) string {
	var b strings.Builder
	if h.Watermark.IsZero() {
		fmt.Fprintf(&b, "step %q has no watermark, for %s", h.Step, ago(now, h.Since))
	} else {
		fmt.Fprintf(&b, "watermark of step %q stands at %s for %s", h.Step, clock(h.Watermark, now), ago(now, h.Since))
	}
	if !h.Source {
		fmt.Fprintf(&b, ": held by step %q, which has rows under way", h.By)
		return b.String()
	}
	fmt.Fprintf(&b, ": held by source %q", h.By)
	if h.Split != "" {
		fmt.Fprintf(&b, " %s", h.Split)
	}
	switch {
	case !h.Declared && h.Ends:
		b.WriteString(", which declares no order of its rows, so that results come at its end")
	case !h.Declared:
		b.WriteString(", which declares no order of its rows: give leat.EventTime a watermark such as watermark.Disorder")
	case h.Idle:
		b.WriteString(", all splits of which are idle")
	case h.Split == "":
		b.WriteString(", of which no split is read")
	case h.LastRows.IsZero():
		b.WriteString(", which has given no rows yet")
		h.idleAfter(&b)
	case now.Sub(h.LastRows) < time.Second:
		b.WriteString(", which is the furthest behind and gives rows")
	default:
		fmt.Fprintf(&b, ", which has given no rows since %s", clock(h.LastRows, now))
		h.idleAfter(&b)
	}
	return b.String()
}

// idleAfter says whether the others go on without the split after a while.
func (h *Holder) idleAfter(b *strings.Builder) {
	if h.IdleAfter == 0 {
		b.WriteString("; IdleAfter is not set")
		return
	}
	fmt.Fprintf(b, "; it is idle after %s of waiting", h.IdleAfter)
}

func ago(now, since time.Time) string { return max(0, now.Sub(since)).Round(time.Second).String() }

// clock renders a time, with its day when that is not today.
func clock(at, now time.Time) string {
	at, now = at.UTC(), now.UTC()
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}

// held returns who holds the step that is furthest behind, one that is idle only
// where all are, nil when none has anything to wait for.
func (j *job) held() *Holder {
	var slowest *plan.Op
	var least task.Standing
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind == plan.Read || op.Kind == plan.Receive || op.Exchange != nil {
				continue
			}
			at := j.counters[op].Standing()
			if at.Ended {
				continue
			}
			// Of steps that stand at the same place, the first that waits for time says
			// most to the user.
			if slowest == nil || least.Idle && !at.Idle || least.Idle == at.Idle &&
				(at.Watermark < least.Watermark || at.Watermark == least.Watermark && waits(op) && !waits(slowest)) {
				slowest, least = op, at
			}
		}
	}
	if slowest == nil {
		return nil
	}
	h := &Holder{Step: slowest.Node.Name, Watermark: timeOf(least.Watermark), Since: least.Since}
	j.blame(h, slowest)
	return h
}

// waits reports whether a step emits when event time has come somewhere.
func waits(op *plan.Op) bool {
	switch op.Node.Op.(type) {
	case *graph.Combine, *graph.Join, *graph.PointInTime, *graph.Stateful:
		return true
	}
	return false
}

// blame looks upstream for what holds a step back.
func (j *job) blame(h *Holder, op *plan.Op) {
	for {
		own := j.counters[op].Standing()
		from, at := j.behindMost(op)
		switch {
		case from == nil || at > own.Watermark && !own.Idle:
			h.By = op.Node.Name
			return
		case from.Kind == plan.Read:
			j.blameSource(h, from)
			return
		}
		op = from
	}
}

// behindMost returns the input of a step that is furthest behind, with its watermark.
func (j *job) behindMost(op *plan.Op) (from *plan.Op, least int64) {
	least = batch.MaxTime
	idle := true
	for _, in := range op.Inputs {
		up := in.Op
		if up.Kind == plan.Receive {
			up = up.Exchange.From
		}
		at, resting, ended := j.standing(up)
		if ended {
			continue
		}
		// One that is idle is waited for only when all are.
		if from == nil || idle && !resting || idle == resting && at < least {
			from, least, idle = up, at, resting
		}
	}
	return from, least
}

// standing returns where a step or a source stands.
func (j *job) standing(op *plan.Op) (at int64, idle, ended bool) {
	if op.Kind != plan.Read {
		s := j.counters[op].Standing()
		return s.Watermark, s.Idle, s.Ended
	}
	splits := j.sources[op].Standings()
	slowest := furthestBehind(splits)
	if slowest == nil {
		return batch.MinTime, true, false
	}
	return slowest.Watermark, slowest.Idle, false
}

// furthestBehind returns the split that the others wait for: one that is idle only
// where all are.
func furthestBehind(splits []task.SplitStanding) (slowest *task.SplitStanding) {
	for i := range splits {
		s := &splits[i]
		if slowest == nil || slowest.Idle && !s.Idle || slowest.Idle == s.Idle &&
			(s.Watermark < slowest.Watermark || s.Watermark == slowest.Watermark && s.Name < slowest.Name) {
			slowest = s
		}
	}
	return slowest
}

func (j *job) blameSource(h *Holder, op *plan.Op) {
	read := op.Node.Op.(*graph.Read)
	g := read.EventTime.Generator
	h.By, h.Source, h.IdleAfter, h.Ends = op.Node.Name, true, g.Idle(), read.Source.Bounded()
	splits := j.sources[op].Standings()
	slowest := furthestBehind(splits)
	h.Declared = g.Declared()
	if slowest == nil {
		return
	}
	h.Declared = h.Declared || slowest.Watermark > batch.MinTime // its connector says watermarks
	h.Split, h.LastRows, h.Idle = slowest.Name, slowest.Last, slowest.Idle
}
