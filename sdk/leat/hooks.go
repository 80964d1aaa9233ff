package leat

import (
	"errors"
	"fmt"
	"reflect"
)

// BatchStarter is implemented by a DoFn that wants to know when a batch begins.
type BatchStarter interface {
	// StartBatch is called before the first row of a batch, which has at least one.
	// The context is that of the first row.
	StartBatch(c *Context) error
}

// BatchFinisher is implemented by a DoFn that collects what Process is given and
// does the work once for many rows:
//
//	Setup  StartBatch Process Process … FinishBatch  StartBatch Process … FinishBatch  Teardown
//	                     └─ keeps the row ─┘ └─ asks a service for all of them, emits
//
// How rows are cut into batches depends on the plan and on what else the machine
// does, so results must not depend on it. Nothing may be kept beyond FinishBatch:
// no call comes after the last one in which a row could still be emitted.
type BatchFinisher[B any] interface {
	// FinishBatch is called after the last row of a batch, when none has failed.
	// emit, and Emit of side outputs, give rows the time and window of the last row
	// of the batch, which are those of c.
	FinishBatch(c *Context, emit Emit[B]) error
}

// batchHooks are the hooks of one task's DoFn; nil where it has none.
type batchHooks[B any] struct {
	start  BatchStarter
	finish BatchFinisher[B]
}

func batchHooksOf[B any](fn any) (h batchHooks[B]) {
	h.start, _ = fn.(BatchStarter)
	h.finish, _ = fn.(BatchFinisher[B])
	return h
}

// startBatch calls the user's hook with the first row of the batch at hand.
func (f *parDoFn[A, B]) startBatch(c *Context) error {
	if f.batches.start == nil {
		return nil
	}
	f.row = int32(f.batch.Row(0))
	f.place(c)
	err := f.guard(func() error { return f.batches.start.StartBatch(c) }, nil)
	if err != nil {
		return fmt.Errorf("start of a batch: %w", err)
	}
	return nil
}

// finishBatch calls the user's hook with the last row of the batch at hand, after
// the last call of Process.
func (f *parDoFn[A, B]) finishBatch(c *Context) error {
	if f.batches.finish == nil {
		return nil
	}
	f.row = int32(f.batch.Row(f.batch.Len() - 1))
	f.place(c)
	f.open = true
	err := f.guard(func() error { return f.batches.finish.FinishBatch(c, f.emit) }, nil)
	f.open = false
	if f.err != nil { // of what reads the rows, not of the hook
		return f.err
	}
	if err != nil {
		return fmt.Errorf("end of a batch: %w", err)
	}
	return nil
}

// checkBatchMethods refuses hooks that would never be called.
func checkBatchMethods[A, B any](fn DoFn[A, B]) error {
	t := reflect.TypeOf(fn)
	h := batchHooksOf[B](fn)
	return errors.Join(
		checkMethod(t, h.start != nil, "StartBatch", "StartBatch(*leat.Context) error", func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("StartBatch") }),
		checkMethod(t, h.finish != nil, "FinishBatch", fmt.Sprintf("FinishBatch(*leat.Context, leat.Emit[%s]) error", reflect.TypeFor[B]()), func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("FinishBatch") }),
	)
}
