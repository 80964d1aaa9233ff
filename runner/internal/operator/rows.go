package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// rows drives the user's code, which sdk/leat has compiled for its types.
type rows struct {
	fn      graph.RowFn
	started bool
	sides   int64 // bytes of side inputs
}

// NewRows returns an operator around one instance of user code.
func NewRows(r *graph.Rows) (Operator, error) {
	fn, err := r.New()
	if err != nil {
		return nil, err
	}
	return &rows{fn: fn}, nil
}

func (o *rows) start(ctx context.Context) error {
	if o.started {
		return nil
	}
	o.started = true
	return o.fn.Start(ctx)
}

// Process implements Operator.
func (o *rows) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if err := o.start(ctx); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	return o.fn.Process(ctx, b, emit)
}

// ProcessSide implements Sided.
func (o *rows) ProcessSide(_ context.Context, input int, b *batch.Batch, _ graph.Emit) error {
	o.sides += sideFactor * b.SizeBytes()
	return o.fn.(graph.SideFn).Side(input, b)
}

// sideFactor is how many times the bytes of its columns a side input takes: it is
// held as columns and as values.
const sideFactor = 2

// SizeBytes implements Sized.
func (o *rows) SizeBytes() int64 { return o.sides }

// Watermark implements Operator.
func (o *rows) Watermark(context.Context, int64, graph.Emit) error { return nil }

// End implements Operator.
func (o *rows) End(ctx context.Context, emit graph.Emit) error {
	if err := o.start(ctx); err != nil {
		return err
	}
	return o.fn.Finish(ctx, emit)
}

// Close implements Operator.
func (o *rows) Close() error {
	if !o.started {
		return nil
	}
	return o.fn.Close()
}
