package operator

import (
	"context"
	"sync/atomic"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// write hands rows to one writer of a sink and passes them on (nobody listens).
type write struct {
	output connector.Output
	task   int
	writer connector.Writer
	staged func(connector.Staged)
	closed bool
}

// NewWrite returns an operator that stages rows in writer task of output and
// reports what is staged at the end of input.
func NewWrite(output connector.Output, task int, staged func(connector.Staged)) Operator {
	w := write{output: output, task: task, staged: staged}
	failing, ok := output.(connector.Failing)
	if !ok {
		return &w
	}
	o := &failingWrite{write: w, woken: make(chan struct{}, 1)}
	failing.OnFailure(task, o.fail)
	return o
}

func (o *write) open(ctx context.Context) (err error) {
	if o.writer == nil {
		o.writer, err = o.output.Writer(ctx, o.task)
	}
	return err
}

// Process implements Operator.
func (o *write) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	return o.writer.Write(ctx, b)
}

// SizeBytes implements Sized.
func (o *write) SizeBytes() int64 {
	if w, ok := o.writer.(connector.Sized); ok && !o.closed {
		return w.SizeBytes()
	}
	return 0
}

// Watermark implements Operator.
func (o *write) Watermark(context.Context, int64, graph.Emit) error { return nil }

// Stop implements Stopping.
func (o *write) Stop(ctx context.Context, emit graph.Emit) error { return o.End(ctx, emit) }

// End implements Operator.
func (o *write) End(ctx context.Context, _ graph.Emit) error {
	if err := o.open(ctx); err != nil {
		return err
	}
	staged, err := o.writer.Close(ctx)
	if err != nil {
		return err
	}
	o.closed = true
	o.staged(staged)
	return nil
}

// Close implements Operator: a writer that did not reach the end is given up.
func (o *write) Close() error {
	if o.writer == nil || o.closed {
		return nil
	}
	return o.writer.Abort()
}

// failingWrite is the write of a sink that may fail while no rows come.
type failingWrite struct {
	write
	woken chan struct{}
	err   atomic.Pointer[error]
}

// fail is called by the sink, once.
func (o *failingWrite) fail(err error) {
	o.err.Store(&err)
	o.woken <- struct{}{}
}

// Woken implements Waking.
func (o *failingWrite) Woken() <-chan struct{} { return o.woken }

// Wake implements Waking.
func (o *failingWrite) Wake(context.Context, graph.Emit) error { return *o.err.Load() }
