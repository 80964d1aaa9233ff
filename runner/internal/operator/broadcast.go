package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// broadcast sends every row to every task: a side input.
type broadcast struct {
	pass
	target Target
}

// NewBroadcast returns an operator that sends rows to all partitions.
func NewBroadcast(target Target) Operator { return &broadcast{target: target} }

// Process implements Operator.
func (o *broadcast) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	b = b.Compact()
	for p := range o.target.Partitions() {
		if err := o.target.Send(ctx, p, b); err != nil {
			return err
		}
	}
	return nil
}
