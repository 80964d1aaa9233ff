package local

import (
	"fmt"

	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/plan"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/graph"
)

// share is what one index takes of the job's memory budget.
type share struct {
	budget *memory.Budget
	holder string
}

// Reserve implements operator.Memory.
func (s share) Reserve(bytes int64) error { return s.budget.Reserve(s.holder, bytes) }

// Release implements operator.Memory.
func (s share) Release(bytes int64) { s.budget.Release(bytes) }

// makeIndexes makes the indexes of all steps, empty. They live from the stage that
// builds them to the end of the one that reads them.
func (j *job) makeIndexes() {
	j.indexes = make(map[*plan.Index]*operator.Index)
	n := j.plan.Parallelism
	for _, s := range j.plan.Stages {
		for _, op := range s.Ops {
			if op.Kind != plan.Build {
				continue
			}
			x := op.Indexes[0]
			step := op.Node.Op.(*graph.PointInTime)
			plans := make([]*agg.Plan, len(x.Lookups))
			for i, l := range x.Lookups {
				plans[i] = step.Lookups[l].Aggregate
			}
			held := share{j.budget, fmt.Sprintf("an index of step %q over %s", op.Node.Name, op.Node.Inputs[x.Input].Node.Name)}
			j.indexes[x] = operator.NewIndex(op.Node.Inputs[x.Input].Type(), x.Keys, plans, n, n, held)
		}
	}
}

func (w *wiring) pointInTime(op *plan.Op, step *graph.PointInTime) operator.Operator {
	switch op.Kind {
	case plan.Deal:
		given, _ := op.Indexes[0].Columns()
		return operator.NewDeal(op.Indexes[0].Keys, given, w.sender(op))
	case plan.Build:
		_, aggregated := op.Indexes[0].Columns()
		return operator.NewBuild(w.job.indexes[op.Indexes[0]], w.number, aggregated)
	}
	var probed []operator.Probed
	for _, x := range op.Indexes {
		probed = append(probed, operator.Probed{Index: w.job.indexes[x], Lookups: x.Lookups})
	}
	return operator.NewLookup(step, op.Node.Outputs[0].Type, probed)
}
