package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// forward sends every batch to the consumer with the task's own number: an edge
// between stages that needs no repartitioning.
type forward struct {
	pass
	target Target
	task   int
	keep   []bool // which top-level columns go along; nil: all
}

// NewForward returns the sending side of a forward exchange, which leaves columns
// behind that are not to be kept.
func NewForward(target Target, task int, keep []bool) Operator {
	return &forward{target: target, task: task, keep: keep}
}

// Process implements Operator.
func (o *forward) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	if o.keep != nil {
		b = b.WithRoot(keepColumns(b.Root, o.keep))
	}
	return o.target.Send(ctx, o.task, b)
}
