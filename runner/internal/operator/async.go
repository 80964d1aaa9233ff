package operator

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// async calls the user's function for many rows at once. The calls run in
// goroutines of their own; their results are taken, put into order and emitted in
// the task's.
//
//	came in     r1 r2 │5  r3 │9  r4        │w: a watermark, which is a fence: no
//	ended          r2     r3               result passes it in either direction
//	left        nothing; when unordered, r2
//
// Rows between two watermarks are a part. Its results leave in the order of the
// rows, or in that in which they come; when all have left the fence does, and the
// watermark behind the step rises to it (Hold).
type async struct {
	op    *graph.Async
	fn    graph.AsyncFn
	hooks AsyncHooks

	ctx    context.Context // of the calls
	cancel context.CancelFunc
	parts  []*fenced // the last one is open
	queued int       // rows and fences
	passed int64     // the last fence that has left
	pinned map[*batch.Batch]int
	size   int64

	running  sync.WaitGroup
	mu       sync.Mutex
	finished []*underWay // in the order in which they ended
	// A call that ends says so twice: to the task, and to the operator that waits in
	// the middle of a call of its own, when the task has no ear.
	woken, any chan struct{}
}

// Waking is implemented by operators for which something happens between calls. In
// a streaming run the task then calls Wake; in a batch plan nobody waits, and the
// operator looks at the next call.
type Waking interface {
	// Woken gives a value when Wake has something to do. It is always the same
	// channel, and the operator takes no values from it itself.
	Woken() <-chan struct{}
	Wake(ctx context.Context, emit graph.Emit) error
}

// AsyncHooks are what an async operator asks of its surroundings.
type AsyncHooks struct {
	// Settle is called in the middle of other calls, when Hold has changed.
	Settle func() error
	// Begin and Done are called for each row, when its call begins and when its
	// result has been emitted.
	Begin, Done func()
}

// fenced is a part: what lies between two watermarks.
type fenced struct {
	rows    []*underWay // that have not left, in their order; ordered only
	ready   []*underWay // that may leave
	waiting int         // rows that may not leave yet
	fence   int64       // which ends it; the open one has none
}

// underWay is a row on its way.
type underWay struct {
	call  graph.AsyncCall
	batch *batch.Batch
	row   int32
	in    *fenced
	done  bool
	err   error
}

// NewAsync returns the operator of a graph.Async.
func NewAsync(op *graph.Async, hooks AsyncHooks) Operator {
	return &async{op: op, fn: op.New(), hooks: hooks, parts: []*fenced{{}}, passed: batch.MinTime,
		pinned: make(map[*batch.Batch]int), woken: make(chan struct{}, 1), any: make(chan struct{}, 1)}
}

// Process implements Operator. When there is no room it waits.
func (o *async) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if o.ctx == nil {
		o.ctx, o.cancel = context.WithCancel(ctx)
	}
	for i := range b.Len() {
		for o.queued >= o.op.Capacity {
			if err := o.await(ctx, emit); err != nil {
				return err
			}
		}
		if err := o.start(b, int32(b.Row(i))); err != nil {
			return err
		}
	}
	return o.collect(emit)
}

// start begins the call for a row.
func (o *async) start(b *batch.Batch, row int32) error {
	call, err := o.fn.Call(b, row)
	if err != nil {
		return err
	}
	open := o.parts[len(o.parts)-1]
	p := &underWay{call: call, batch: b, row: row, in: open}
	if !o.op.Unordered {
		open.rows = append(open.rows, p)
	}
	open.waiting++
	o.queued++
	if o.pinned[b]++; o.pinned[b] == 1 {
		o.size += b.SizeBytes()
	}
	o.hooks.Begin()
	o.running.Add(1)
	go func() {
		defer o.running.Done()
		o.ended(p, o.run(call))
	}()
	return nil
}

// run makes a call. One that does not return although its time is up is given up.
func (o *async) run(call graph.AsyncCall) error {
	if o.op.Timeout == 0 {
		return call.Run(o.ctx)
	}
	answer := make(chan error, 1)
	go func() { answer <- call.Run(o.ctx) }()
	late := time.NewTimer(2 * o.op.Timeout)
	defer late.Stop()
	select {
	case err := <-answer:
		return err
	case <-late.C:
		return call.GivenUp(fmt.Errorf("the function has not returned within %s, though its context was done after the timeout of %s; it must heed its context", 2*o.op.Timeout, o.op.Timeout))
	}
}

// ended hands the end of a call to the task.
func (o *async) ended(p *underWay, err error) {
	o.mu.Lock()
	p.err = err
	o.finished = append(o.finished, p)
	o.mu.Unlock()
	for _, signal := range []chan struct{}{o.woken, o.any} {
		select {
		case signal <- struct{}{}:
		default: // it was given already
		}
	}
}

// await waits until a call has ended, and emits what may leave.
func (o *async) await(ctx context.Context, emit graph.Emit) error {
	select {
	case <-o.any:
		return o.collect(emit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Woken implements Waking.
func (o *async) Woken() <-chan struct{} { return o.woken }

// Wake implements Waking.
func (o *async) Wake(_ context.Context, emit graph.Emit) error { return o.collect(emit) }

// collect takes the calls that have ended since the last time, and emits what may
// leave.
func (o *async) collect(emit graph.Emit) error {
	o.mu.Lock()
	finished := o.finished
	o.finished = nil
	o.mu.Unlock()
	for _, p := range finished {
		if p.err != nil {
			return p.err
		}
		if p.done = true; o.op.Unordered {
			p.in.ready = append(p.in.ready, p)
			p.in.waiting--
		}
	}
	return o.leave(emit)
}

// leave emits results and lets fences go, in turn, as far as they may.
func (o *async) leave(emit graph.Emit) error {
	for {
		head := o.parts[0]
		for len(head.rows) > 0 && head.rows[0].done {
			head.ready = append(head.ready, head.rows[0])
			head.rows = head.rows[1:]
			head.waiting--
		}
		ready := head.ready
		head.ready = nil
		if err := o.emit(ready, emit); err != nil {
			return err
		}
		if head.waiting > 0 || len(o.parts) == 1 {
			return nil
		}
		o.passed = head.fence
		o.parts = o.parts[1:]
		o.queued--
		if err := o.hooks.Settle(); err != nil {
			return err
		}
	}
}

// emit emits the results of rows, a batch for each run of rows that came in one.
func (o *async) emit(rows []*underWay, emit graph.Emit) error {
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].batch == rows[0].batch {
			n++
		}
		if err := o.emitRun(rows[:n], emit); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// emitRun emits the results of rows of one batch, whose times and windows they keep.
func (o *async) emitRun(rows []*underWay, emit graph.Emit) error {
	from := rows[0].batch
	calls, at := make([]graph.AsyncCall, len(rows)), make([]int32, len(rows))
	for i, p := range rows {
		calls[i], at[i] = p.call, p.row
	}
	results, err := o.fn.Results(calls)
	if err != nil {
		return err
	}
	shape := from.WithRoot(&batch.Column{Type: noColumns, Len: from.Physical()}).WithSel(at)
	o.queued -= len(rows)
	if o.pinned[from] -= len(rows); o.pinned[from] == 0 {
		delete(o.pinned, from)
		o.size -= from.SizeBytes()
	}
	err = emit(0, shape.Compact().WithRoot(results))
	for range rows {
		o.hooks.Done()
	}
	return err
}

// noColumns is the type of a batch that carries only times and windows.
var noColumns = &batch.Type{Kind: batch.Struct}

// Watermark implements Operator: it is a fence for what comes behind it.
func (o *async) Watermark(_ context.Context, w int64, emit graph.Emit) error {
	if err := o.collect(emit); err != nil {
		return err
	}
	open := o.parts[len(o.parts)-1]
	switch {
	case open.waiting+len(open.ready) > 0:
		open.fence = w
		o.parts = append(o.parts, &fenced{})
		o.queued++
	case len(o.parts) > 1: // nothing between this watermark and the one before
		o.parts[len(o.parts)-2].fence = w
	default:
		o.passed = w
	}
	return nil
}

// Hold implements Delaying: the watermark stays where it was when the earliest row
// that is under way came in.
func (o *async) Hold() int64 {
	if o.queued == 0 {
		return batch.MaxTime
	}
	return o.passed
}

// Stop implements Stopping.
func (o *async) Stop(ctx context.Context, emit graph.Emit) error { return o.End(ctx, emit) }

// End implements Operator: all calls are waited for.
func (o *async) End(ctx context.Context, emit graph.Emit) error {
	if err := o.collect(emit); err != nil {
		return err
	}
	for o.queued > 0 {
		if err := o.await(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}

// SizeBytes implements Sized: rows under way keep their batches.
func (o *async) SizeBytes() int64 { return o.size }

// asyncGrace is how long Close waits for calls whose context is done.
const asyncGrace = 10 * time.Second

// Close implements Operator. It waits for calls, which return soon when they heed
// their context; those that do not are left behind, since nothing can end them.
func (o *async) Close() error {
	if o.cancel == nil {
		return nil
	}
	o.cancel()
	gone := make(chan struct{})
	go func() { o.running.Wait(); close(gone) }()
	grace := time.NewTimer(asyncGrace)
	defer grace.Stop()
	select {
	case <-gone:
	case <-grace.C:
	}
	return nil
}
