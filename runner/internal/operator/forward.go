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
}

// NewForward returns the sending side of a forward exchange.
func NewForward(target Target, task int) Operator { return &forward{target: target, task: task} }

// Process implements Operator.
func (o *forward) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	return o.target.Send(ctx, o.task, b)
}
