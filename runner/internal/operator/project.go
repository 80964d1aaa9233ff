package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// project rebuilds rows from columns of the input; no value is touched.
type project struct {
	pass
	expr graph.Expr
}

// NewProject returns an operator that evaluates a column expression.
func NewProject(e graph.Expr) Operator { return &project{expr: e} }

// Process implements Operator.
func (o *project) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	return emit(0, b.WithRoot(evaluate(o.expr, b.Root)))
}

func evaluate(e graph.Expr, root *batch.Column) *batch.Column {
	switch {
	case e.Null:
		return batch.Nulls(e.Type, root.Len)
	case e.Fields == nil:
		return root.Flatten(e.Path)
	}
	children := make([]*batch.Column, len(e.Fields))
	for i, f := range e.Fields {
		children[i] = evaluate(f, root)
	}
	return batch.NewStruct(e.Type, root.Len, children...)
}

// rewindow forgets the windows rows were grouped in: new ones follow from time.
type rewindow struct{ pass }

// NewRewindow returns the operator of a Window step.
func NewRewindow() Operator { return rewindow{} }

// Process implements Operator.
func (rewindow) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	if b.Start == nil {
		return emit(0, b)
	}
	c := *b
	c.Start, c.End = nil, nil
	return emit(0, &c)
}

// union merges inputs; the task combines their watermarks.
type union struct{ pass }

// NewUnion returns the operator of a Flatten step.
func NewUnion() Operator { return union{} }

// Process implements Operator.
func (union) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error { return emit(0, b) }
