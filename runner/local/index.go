package local

import (
	"fmt"

	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/graph"
)

// share is what one index takes of the job's memory budget. Where what does not
// fit can go to disk, indexes leave some to others: that is their own budget.
type share struct {
	budget  *memory.Budget
	holder  string
	indexes *memory.Budget // nil: all of the budget
}

// Reserve implements operator.Memory.
func (s share) Reserve(bytes int64) error {
	if s.indexes == nil {
		return s.budget.Reserve(s.holder, bytes)
	}
	if err := s.indexes.Reserve(s.holder, bytes); err != nil {
		return err
	}
	err := s.budget.Reserve(s.holder, bytes)
	if err != nil {
		s.indexes.Release(bytes)
	}
	return err
}

// Release implements operator.Memory.
func (s share) Release(bytes int64) {
	s.budget.Release(bytes)
	if s.indexes != nil {
		s.indexes.Release(bytes)
	}
}

// indexPart is how much of the budget indexes may take together before they go to
// disk.
func indexPart(budget int64) int64 { return budget - budget/8 }

// makePasses makes what the indexes of a step need to be larger than memory: a
// budget and a disk.
func (j *job) makePasses(op *plan.Op) *operator.Passes {
	if j.options.Memory == 0 || j.plan.Mode != plan.Batch {
		return nil
	}
	holder := fmt.Sprintf("the lookups of step %q", op.Node.Name)
	p := &operator.Passes{Step: op.Node.Op.(*graph.PointInTime), Holder: holder, Area: j.spill, Memory: share{j.budget, holder, nil},
		Limit: j.options.Memory, Most: indexPart(j.options.Memory), Tasks: j.plan.Parallelism}
	j.passes[op] = p
	return p
}

// makeIndexes makes the indexes of all steps, empty. They live from the stage that
// builds them to the end of the one that reads them.
func (j *job) makeIndexes() {
	j.indexes, j.passes = make(map[*plan.Index]*operator.Index), make(map[*plan.Op]*operator.Passes)
	n := j.plan.Parallelism
	var all *memory.Budget
	if j.options.Memory > 0 {
		all = memory.NewBudget(indexPart(j.options.Memory))
	}
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind != plan.Lookup {
				continue
			}
			passes := j.makePasses(op)
			step := op.Node.Op.(*graph.PointInTime)
			for _, x := range op.Indexes {
				plans := make([]*agg.Plan, len(x.Lookups))
				for i, l := range x.Lookups {
					plans[i] = step.Lookups[l].Aggregate
				}
				held := share{j.budget, fmt.Sprintf("an index of step %q over %s", op.Node.Name, op.Node.Inputs[x.Input].Node.Name), all}
				j.indexes[x] = operator.NewIndex(op.Node.Inputs[x.Input].Type(), x.Keys, plans, n, n, held, passes)
				if passes != nil {
					passes.Indexes = append(passes.Indexes, operator.Probed{Index: j.indexes[x], Lookups: x.Lookups})
				}
			}
		}
	}
}

func (w *wiring) pointInTime(op *plan.Op, step *graph.PointInTime, dropped *operator.Counters) operator.Operator {
	switch op.Kind {
	case plan.Await:
		return w.await(op, step, dropped)
	case plan.Deal:
		if w.job.plan.Mode == plan.Streaming && op.Side == 0 {
			return operator.NewDealSpine(op.Spine(), w.sender(op))
		}
		given, _ := op.Indexes[0].Columns()
		return operator.NewDeal(op.Indexes[0].Keys, given, w.sender(op))
	case plan.Build:
		_, aggregated := op.Indexes[0].Columns()
		return operator.NewBuild(w.job.indexes[op.Indexes[0]], w.number, aggregated)
	}
	if p := w.job.passes[op]; p != nil && p.Needed() {
		return operator.NewPassing(p, w.number, op.Node.Outputs[0].Type)
	}
	var probed []operator.Probed
	for _, x := range op.Indexes {
		probed = append(probed, operator.Probed{Index: w.job.indexes[x], Lookups: x.Lookups})
	}
	return operator.NewLookup(step, op.Node.Outputs[0].Type, probed, w.job.passes[op])
}

// await makes a hop of a spine on the streaming plan.
func (w *wiring) await(op *plan.Op, step *graph.PointInTime, dropped *operator.Counters) operator.Operator {
	x := op.Indexes[0]
	_, aggregated := x.Columns()
	h := operator.Hop{Step: step, Output: op.Node.Outputs[0].Type, Rows: op.Node.Inputs[x.Input].Type(), Lookups: x.Lookups,
		Keep: aggregated, Earlier: op.Hop.Earlier, Last: op.Hop.Last}
	return operator.NewAwait(h, dropped)
}
