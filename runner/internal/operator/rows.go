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
}

// NewRows returns an operator around one instance of user code, which has so many
// side inputs.
func NewRows(r *graph.Rows, sides int, counters *Counters) (Operator, error) {
	fn, err := r.New()
	if err != nil {
		return nil, err
	}
	if sides == 0 {
		return &rows{fn: fn}, nil
	}
	return newSides(&rows{fn: fn}, fn.(graph.SideFn), sides, counters), nil
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

// Watermark implements Operator.
func (o *rows) Watermark(context.Context, int64, graph.Emit) error { return nil }

// Stop implements Stopping.
func (o *rows) Stop(ctx context.Context, emit graph.Emit) error { return o.End(ctx, emit) }

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
