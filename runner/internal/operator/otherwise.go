package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// otherwise passes results on and gives that of no rows when there were none.
type otherwise struct {
	pass
	op   *graph.Otherwise
	mine bool // the results, if any, come to this task
	any  bool
}

// NewOtherwise returns the operator of task i of n behind a Combine whose only key
// is null.
func NewOtherwise(op *graph.Otherwise, i, n int) Operator {
	var hash [1]uint64
	codec.KeyHashes(batch.Nulls(op.Key, 1), nil, hash[:])
	return &otherwise{op: op, mine: codec.KeyGroup(hash[0], codec.KeyGroups)*n/codec.KeyGroups == i}
}

// Process implements Operator.
func (o *otherwise) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	o.any = o.any || b.Len() > 0
	return emit(0, b)
}

// End implements Operator.
func (o *otherwise) End(_ context.Context, emit graph.Emit) error {
	if o.any || !o.mine {
		return nil
	}
	table := o.op.Aggregate.NewTable()
	table.Grow(1)
	keys := batch.Nulls(o.op.Key, 1)
	start, end := []int64{batch.MinTime}, []int64{batch.MaxTime}
	value, err := table.Results([]int32{0}, keys, start, end)
	if err != nil {
		return err
	}
	kind := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: o.op.Key}, {Name: "value", Type: o.op.Aggregate.Output()}}}
	return emit(0, &batch.Batch{Root: batch.NewStruct(kind, 1, keys, value), Time: []int64{batch.MaxTime - 1}, Start: start, End: end})
}
