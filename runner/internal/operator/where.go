package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// where keeps the rows that satisfy a predicate, as a selection.
type where struct {
	pass
	evaluator *field.Evaluator
}

// NewWhere returns an operator that filters by a predicate.
func NewWhere(p *field.Predicate) Operator { return &where{evaluator: p.NewEvaluator()} }

// Process implements Operator.
func (o *where) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	if b.Len() == 0 {
		return nil
	}
	kept := o.evaluator.Rows(b.Root, b.Sel, make([]int32, 0, b.Len()))
	if len(kept) == 0 {
		return nil
	}
	if len(kept) == b.Physical() {
		return emit(0, b)
	}
	return emit(0, b.WithSel(kept))
}
