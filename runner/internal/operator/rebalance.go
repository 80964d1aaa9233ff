package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// rebalanceRows is how many rows of a batch go to one partition before it is the
// next one's turn: few enough that a single batch is shared out, enough that the
// pieces are worth a message.
const rebalanceRows = 1024

// rebalance deals rows out to all partitions in turn.
type rebalance struct {
	pass
	target Target
	next   int
}

// NewRebalance returns the sending side of a Reshuffle. Tasks begin with different
// partitions, so that the short last batches of all do not meet in one.
func NewRebalance(target Target, task int) Operator {
	return &rebalance{target: target, next: task % target.Partitions()}
}

// Process implements Operator.
func (o *rebalance) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	b = b.Compact()
	for from := 0; from < b.Len(); from += rebalanceRows {
		piece := b
		if b.Len() > rebalanceRows {
			rows := make([]int32, min(rebalanceRows, b.Len()-from))
			for i := range rows {
				rows[i] = int32(from + i)
			}
			piece = b.WithSel(rows)
		}
		if err := o.target.Send(ctx, o.next, piece); err != nil {
			return err
		}
		o.next = (o.next + 1) % o.target.Partitions()
	}
	return nil
}
