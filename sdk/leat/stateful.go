package leat

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/window"
)

type (
	onTimer[B any] interface {
		OnTimer(c *Context, emit Emit[B]) error
	}
	onExpiry[B any] interface {
		OnExpiry(c *Context, emit Emit[B]) error
	}
)

// keyedRow is a *KV of any types.
type keyedRow interface {
	// bindKey lets a state.Key give the key of the row; false when it is of
	// another type.
	bindKey(field any) bool
	keyType() reflect.Type
}

func (kv *KV[K, V]) bindKey(field any) bool {
	k, ok := field.(*state.Key[K])
	if ok {
		state.BindKey(k, &kv.Key)
	}
	return ok
}

func (*KV[K, V]) keyType() reflect.Type { return reflect.TypeFor[K]() }

// declareState finds the state of a DoFn and checks that the step can have it.
func declareState[A, B any](in PCollection[A], fn DoFn[A, B]) (*state.Declaration, error) {
	d, err := state.Declare(fn)
	errs := []error{err, checkCalls(fn, d)}
	if !d.Stateful() {
		return d, errors.Join(errs...)
	}
	row, keyed := any(new(A)).(keyedRow)
	if !keyed {
		errs = append(errs, fmt.Errorf("the function has state, which belongs to a key, but the rows are %s without one; put leat.KeyBy in front of the step", reflect.TypeFor[A]()))
		return d, errors.Join(errs...)
	}
	keys, names := d.Keys(reflect.New(reflect.TypeOf(fn).Elem()).Interface())
	for i := range keys {
		if !row.bindKey(keys[i]) {
			errs = append(errs, fmt.Errorf("field %s is for another type of key; the keys are %s, so it must be state.Key[%s]", names[i], row.keyType(), row.keyType()))
		}
	}
	if in.valid() {
		errs = append(errs, stateWindows(in.edge))
		if d.Sorted && !hasTime(in.edge, map[graph.Edge]bool{}) {
			errs = append(errs, errors.New("the function wants its rows in the order of time, but they have no event time; give leat.Read the option leat.EventTime or leat.EventTimeField"))
		}
	}
	return d, errors.Join(errs...)
}

// stateWindows refuses windows to which no state can belong.
func stateWindows(e graph.Edge) error {
	w := e.Windowing()
	if w.Fn.Kind() == window.KindSession && !w.Grouped {
		return fmt.Errorf("the rows are in %s windows, which grow with the rows and so have no state; group the rows first, or use fixed, sliding or global windows", w.Fn)
	}
	return timeFits(e)
}

// checkCalls refuses methods that would never be called, and timers that call none.
func checkCalls[A, B any](fn DoFn[A, B], d *state.Declaration) error {
	t, emit := reflect.TypeOf(fn), reflect.TypeFor[Emit[B]]()
	_, timed := fn.(onTimer[B])
	_, expires := fn.(onExpiry[B])
	err := errors.Join(
		checkMethod(t, timed, "OnTimer", fmt.Sprintf("OnTimer(*leat.Context, %s) error", emit), func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("OnTimer") }),
		checkMethod(t, expires, "OnExpiry", fmt.Sprintf("OnExpiry(*leat.Context, %s) error", emit), func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("OnExpiry") }),
	)
	switch {
	case err != nil:
		return err
	case len(d.Timers) > 0 && !timed:
		err = fmt.Errorf("timer %s has nothing to call; give %s a method OnTimer(*leat.Context, %s) error", d.Timers[0].Name, t, emit)
	case len(d.Timers) == 0 && timed:
		err = fmt.Errorf("method OnTimer of %s would never be called, as there is no timer; give the struct a field of type state.EventTimer or state.ProcessingTimer", t)
	}
	if h := batchHooksOf[B](fn); d.Stateful() && (h.start != nil || h.finish != nil) {
		err = errors.Join(err, fmt.Errorf("%s has state and hooks around batches, but rows of several keys are in a batch, and timers fire outside of one; keep rows in a cell and use a timer, or do the work in a step behind", t))
	}
	if expires && len(d.Cells) == 0 {
		err = errors.Join(err, fmt.Errorf("method OnExpiry of %s would never be called, as there is no cell whose value could go; give the struct one, a field of package state", t))
	}
	return err
}

// statefulOp is the operation of a ParDo with state.
func statefulOp[A, B any](in PCollection[A], fn DoFn[A, B], d *state.Declaration, note string, make func() *parDoFn[A, B]) *graph.Stateful {
	_, expires := fn.(onExpiry[B])
	return &graph.Stateful{Row: in.edge.Type(), Note: note, Cells: d.Cells, Timers: d.Timers, Sorted: d.Sorted, Expires: expires,
		New: func() (graph.StatefulFn, error) {
			f := &statefulFn[A, B]{parDoFn: make(), declared: d, fires: newRowsIn(in.rows)}
			f.timer, _ = f.fn.(onTimer[B])
			f.expiry, _ = f.fn.(onExpiry[B])
			return f, nil
		}}
}

// statefulFn is one task's instance of a ParDo with state.
type statefulFn[A, B any] struct {
	*parDoFn[A, B]
	declared *state.Declaration
	cells    *state.Cells
	engine   state.Engine
	keyed    bool // there are Key fields, which look at now
	now      A
	context  Context
	fires    *rowsIn[A] // rows with nothing but a key, for which timers fire
	timer    onTimer[B]
	expiry   onExpiry[B]

	panes, retract bool // what the rows that wait to be passed on carry
}

// Start implements graph.StatefulFn.
func (f *statefulFn[A, B]) Start(ctx context.Context, engine state.Engine) error {
	f.engine, f.cells = engine, f.declared.Open(f.fn, engine)
	keys, _ := f.declared.Keys(f.fn)
	for _, k := range keys {
		f.keyed = any(&f.now).(keyedRow).bindKey(k)
	}
	return f.parDoFn.Start(ctx)
}

// Grow implements graph.StatefulFn.
func (f *statefulFn[A, B]) Grow(n int) { f.cells.Grow(n) }

// Reset implements graph.StatefulFn.
func (f *statefulFn[A, B]) Reset(slots []int32) { f.cells.Reset(slots) }

// Empty implements graph.StatefulFn.
func (f *statefulFn[A, B]) Empty(slot int32) bool { return f.cells.Empty(slot) }

// SizeBytes implements graph.StatefulFn.
func (f *statefulFn[A, B]) SizeBytes() int64 { return f.cells.SizeBytes() }

// Age implements graph.StatefulFn.
func (f *statefulFn[A, B]) Age(watermark, processing int64) { f.cells.Age(watermark, processing) }

// Lives implements graph.StatefulFn.
func (f *statefulFn[A, B]) Lives() int64 { return f.cells.Mortal() }

// Process implements graph.StatefulFn.
func (f *statefulFn[A, B]) Process(ctx context.Context, b *batch.Batch, at []int32, emit graph.Emit) error {
	if err := f.shape(b, emit); err != nil {
		return err
	}
	f.context = Context{Context: ctx, windowed: b.Start != nil, engine: f.engine}
	f.batch, f.down = b, emit
	next := 0
	err := f.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			f.in.at, f.row = i, physical[i]
			if err := f.one(chunk[i], at[next]); err != nil {
				return err
			}
			next++
		}
		return nil
	})
	f.open, f.batch = false, nil
	f.cells.Leave()
	return err
}

// shape passes on what waits when the rows of b carry other things than those before:
// the rows of one batch all have panes, or say whether they are retractions, or none
// does.
func (f *statefulFn[A, B]) shape(b *batch.Batch, emit graph.Emit) error {
	panes, retract := b.Panes != nil, b.Retract != nil
	if panes == f.panes && retract == f.retract {
		return nil
	}
	f.panes, f.retract = panes, retract
	return f.Flush(emit)
}

// one calls the user's code for the row at f.row, and what timers it makes due.
func (f *statefulFn[A, B]) one(in A, slot int32) error {
	time := f.batch.TimeAt(int(f.row))
	if f.declared.Sorted {
		if err := f.ours(func() error { return f.engine.Advance(time) }); err != nil {
			return err
		}
	}
	f.cells.Row(slot, time)
	if f.keyed {
		f.now = in
	}
	if err := f.parDoFn.one(&f.context, in); err != nil {
		return err
	}
	if !f.cells.Due() {
		return nil
	}
	return f.ours(func() error { return f.engine.Advance(f.engine.Watermark()) })
}

// Fire implements graph.StatefulFn.
func (f *statefulFn[A, B]) Fire(ctx context.Context, firings *graph.Firings, emit graph.Emit) error {
	name := func(i int) string { return "timer " + f.declared.Timers[firings.Timer[i]].Name }
	return f.calls(ctx, firings, emit, name, func(c *Context, i int) error {
		f.cells.Firing(firings.Slots[i], int(firings.Timer[i]), firings.Tag[i], firings.At[i], firings.Rows.Time[i])
		return f.timer.OnTimer(c, f.emit)
	})
}

// Expire implements graph.StatefulFn.
func (f *statefulFn[A, B]) Expire(ctx context.Context, firings *graph.Firings, emit graph.Emit) error {
	name := func(int) string { return "expiry" }
	return f.calls(ctx, firings, emit, name, func(c *Context, _ int) error { return f.expiry.OnExpiry(c, f.emit) })
}

// calls calls user code for each firing. It may be called while Process runs.
func (f *statefulFn[A, B]) calls(ctx context.Context, firings *graph.Firings, emit graph.Emit, name func(int) string, call func(c *Context, i int) error) error {
	back, was, context := f.cells.Leave(), f.emitting, f.context
	defer func() {
		back()
		f.emitting, f.context = was, context
	}()
	b := firings.Rows
	if err := f.shape(b, emit); err != nil {
		return err
	}
	f.emitting = emitting{blame: &f.fires.blame, batch: b, down: emit}
	c := &Context{Context: ctx, windowed: b.Start != nil, engine: f.engine}
	at := 0
	err := f.fires.each(b, func(chunk []A, physical []int32) error {
		return f.fires.guard(func() error {
			for i := range chunk {
				at, f.row = int(physical[i]), physical[i]
				if f.keyed {
					f.now = chunk[i]
				}
				f.cells.Row(firings.Slots[at], b.TimeAt(at))
				if err := f.call(c, func() error { return call(c, at) }); err != nil {
					return err
				}
			}
			return nil
		}, nil)
	})
	f.cells.Due() // the operator looks at timers again in any case
	if err == nil && was.batch != nil {
		return f.shape(was.batch, emit)
	}
	if err != nil {
		return fmt.Errorf("%s of key %s: %w", name(at), b.Root.Children[0].Format(at), err)
	}
	return nil
}

// call runs OnTimer or OnExpiry with the context of the firing at f.row.
func (f *statefulFn[A, B]) call(c *Context, user func() error) error {
	f.place(c)
	f.open = true
	err := user()
	f.open = false
	if f.err != nil {
		return f.err
	}
	return err
}

// Flush implements graph.StatefulFn.
func (f *statefulFn[A, B]) Flush(emit graph.Emit) error {
	for _, o := range f.outs {
		if err := o.flush(emit); err != nil {
			return err
		}
	}
	return nil
}
