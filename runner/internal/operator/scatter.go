package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// scatter sends keyed rows to the partition of their key group. The columns are
// shared; each partition gets a selection.
type scatter struct {
	pass
	target Target
	hashes []uint64
	parts  [][]int32
}

// NewScatter returns an operator that partitions keyed rows.
func NewScatter(target Target) Operator {
	return &scatter{target: target, parts: make([][]int32, target.Partitions())}
}

// Process implements Operator.
func (o *scatter) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	n := b.Len()
	if cap(o.hashes) < n {
		o.hashes = make([]uint64, n)
	}
	hashes := o.hashes[:n]
	codec.KeyHashes(b.Root.Children[0], b.Sel, hashes)
	for i := range o.parts {
		o.parts[i] = make([]int32, 0, n/len(o.parts)+16)
	}
	for i, h := range hashes {
		p := codec.KeyGroup(h, codec.KeyGroups) * len(o.parts) / codec.KeyGroups
		o.parts[p] = append(o.parts[p], int32(b.Row(i)))
	}
	for p, rows := range o.parts {
		if len(rows) == 0 {
			continue
		}
		if err := o.target.Send(ctx, p, b.WithSel(rows)); err != nil {
			return err
		}
	}
	return nil
}
