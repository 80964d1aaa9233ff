package leat

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/window"
)

// Context is what a ParDo function knows about the row it is called with. It is
// valid during the call only.
type Context struct {
	context.Context
	time, start, end int64
	windowed         bool
	engine           state.Engine // of a stateful function
	pane             batch.Pane
	retracts         bool
}

// Time returns the event time of the row, in UTC; the zero time when it has none.
func (c *Context) Time() time.Time {
	if c.time == batch.MinTime {
		return time.Time{}
	}
	return time.UnixMicro(c.time).UTC()
}

// Window returns the window of the row, [start, end) in UTC, when a grouping
// step has put it in one.
func (c *Context) Window() (start, end time.Time, ok bool) {
	if !c.windowed {
		return time.Time{}, time.Time{}, false
	}
	return time.UnixMicro(c.start).UTC(), time.UnixMicro(c.end).UTC(), true
}

// Watermark returns the event time that a stateful function has reached, in UTC:
// rows that are earlier are late. It is the zero time where nothing is known yet,
// as on the batch plan until the end of the input, and in a function without state.
func (c *Context) Watermark() time.Time {
	if c.engine == nil || c.engine.Watermark() == batch.MinTime {
		return time.Time{}
	}
	return time.UnixMicro(min(c.engine.Watermark(), batch.MaxTime)).UTC()
}

// Pane says which firing of its window the row comes from. Windows fire once, on
// time, unless leat.Window was given a trigger or allowed lateness. The timing is
// batch.Unknown for rows that no grouping step has made.
func (c *Context) Pane() batch.Pane { return c.pane }

// Retracts reports whether the row takes back one that was emitted before, with
// the same value, time, window and pane: see leat.Accumulation.
func (c *Context) Retracts() bool { return c.retracts }

// ProcessingTime returns what the clock says, in UTC, to a stateful function, and
// the zero time to any other. On the batch plan the clock stands still. Results that
// depend on it are not the same when the program runs again.
func (c *Context) ProcessingTime() time.Time {
	if c.engine == nil {
		return time.Time{}
	}
	return time.UnixMicro(c.engine.ProcessingTime()).UTC()
}

// Emit passes a row to the main output, with the time and window of the row
// being processed. It may be called any number of times until Process returns,
// by the goroutine that runs Process; later it panics.
type Emit[B any] func(B)

// DoFn is user code with everything at hand: a context, an error, any number of
// output rows. Side outputs are fields of type Output in the struct that
// implements it. Each task works on a shallow copy of what the DoFn points to,
// so plain fields are a task's own and what pointers lead to is shared.
//
// Optional methods: Setup(context.Context) error before the first row of a task,
// and Teardown() error at its end, however it ends, if Setup went well. Rows come
// in batches, which have hooks too: StartBatch(*Context) error and
// FinishBatch(*Context, Emit[B]) error, for work that is cheaper done once for many
// rows, such as a request to a service; see BatchFinisher.
//
// A struct with fields of package state is a stateful function: its input is keyed,
// and the fields stand for the key and the window of the row. Then there may be
//
//	OnTimer(c *leat.Context, emit leat.Emit[B]) error
//	OnExpiry(c *leat.Context, emit leat.Emit[B]) error
//
// which run when one of its timers fires, and when what is in the cells of a key is
// about to go because its window, or in the global window the input, is over. What
// OnExpiry emits has the last moment of the window as event time.
type DoFn[A, B any] interface {
	Process(c *Context, in A, emit Emit[B]) error
}

// Do makes a DoFn of a function. It may be called from several goroutines at once.
func Do[A, B any](f func(c *Context, in A, emit Emit[B]) error) DoFn[A, B] { return doFunc[A, B](f) }

type doFunc[A, B any] func(c *Context, in A, emit Emit[B]) error

// Process implements DoFn.
func (f doFunc[A, B]) Process(c *Context, in A, emit Emit[B]) error { return f(c, in, emit) }

type (
	setter   interface{ Setup(context.Context) error }
	teardown interface{ Teardown() error }
)

// ParDo calls fn for each row: the general transform, of which Map, Filter and
// FlatMap are the simple cases.
func ParDo[A, B any](in PCollection[A], name string, fn DoFn[A, B]) PCollection[B] {
	s := in.begin(name)
	out, err := codec.For[B]()
	s.check(err)
	var sides sideFields
	var inputs []sideInputField
	var declared *state.Declaration
	edges, known := []graph.Edge{in.edge}, in.valid()
	if isNil(fn) {
		s.check(errNilFunction)
	} else {
		s.check(checkMethods(fn))
		s.check(checkBatchMethods(fn))
		declared, err = declareState(in, fn)
		s.check(err)
		sides, err = findOutputs(fn)
		s.check(err)
		inputs, err = sideFieldsOf(fn)
		s.check(err)
	}
	var outputs []graph.Output
	for _, f := range sides {
		o, err := f.of(fn).declare(s.p, f.name)
		s.check(err)
		outputs = append(outputs, o)
	}
	for _, f := range inputs {
		e, ok, err := f.of(fn).check(s.p, in.edge)
		if err != nil {
			s.check(fmt.Errorf("side input %s: %w", f.name, err))
		}
		edges, known = append(edges, e), known && ok
	}
	if !s.ok(known) {
		return failed[B](s.p)
	}
	outputs = append([]graph.Output{{Type: out.Type()}}, outputs...)
	for i := range outputs {
		outputs[i].Windowing = in.edge.Windowing()
		if declared.Stateful() && outputs[i].Windowing.Fn.Kind() != window.KindGlobal {
			outputs[i].Windowing.Grouped = true // state is in one window
		}
	}
	make := func() *parDoFn[A, B] {
		f := newParDo(in.rows, out, fn, sides)
		f.main = in.edge.Windowing()
		f.bindSides(inputs, outputs[0].Windowing)
		return f
	}
	var op graph.Op = &graph.Rows{Name: "pardo", Note: noted(edges), New: func() (graph.RowFn, error) { return make(), nil }}
	if declared.Stateful() {
		op = statefulOp(in, fn, declared, noted(edges), make)
	}
	n := s.add(op, edges, outputs...)
	for i, f := range sides {
		f.of(fn).connect(s.p, graph.Edge{Node: n, Output: i + 1})
	}
	if declared.Stateful() {
		s.connectLate(n, in.edge, func(e graph.Edge) graph.Edge { return e })
	}
	return PCollection[B]{s.p, graph.Edge{Node: n}, out}
}

// checkMethods refuses optional methods that would never be called.
func checkMethods(fn any) error {
	t := reflect.TypeOf(fn)
	_, sets := fn.(setter)
	_, tears := fn.(teardown)
	return errors.Join(
		checkMethod(t, sets, "Setup", "Setup(context.Context) error", func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Setup") }),
		checkMethod(t, tears, "Teardown", "Teardown() error", func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Teardown") }),
	)
}

// checkMethod takes a function to find the method because the linker keeps every
// method of a program in which one is looked up by a name it does not know.
func checkMethod(t reflect.Type, found bool, name, want string, find func(reflect.Type) (reflect.Method, bool)) error {
	if found {
		return nil
	}
	if _, there := find(t); there {
		return fmt.Errorf("method %s of %s is not %s, so it would never be called; give it that signature", name, t, want)
	}
	if _, there := find(reflect.PointerTo(t)); there {
		return fmt.Errorf("method %s is one of *%s, so it would never be called; give leat.ParDo a pointer, &%s{…}", name, t, t)
	}
	return nil
}

// emitting is what the outputs of one task of a ParDo share: whose time and
// window the rows inherit, and where batches go.
type emitting struct {
	*blame
	batch *batch.Batch
	row   int32
	open  bool // Process is running
	down  graph.Emit
	err   error // of passing a full batch on, which emit cannot return
}

// emitRow adds a row to an output.
func emitRow[T any](e *emitting, out *rowsOut[T], row T) {
	if !e.open {
		panic("emit was called outside of Process; rows can be emitted until Process returns, by the goroutine that runs it")
	}
	if e.err != nil {
		return
	}
	out.add(row, e.batch, e.row)
	if out.full() {
		e.err = e.ours(func() error { return out.settle(e.down) })
	}
}

// flusher is a *rowsOut of any type.
type flusher interface{ flush(graph.Emit) error }

// parDoFn is one task's instance of a ParDo.
type parDoFn[A, B any] struct {
	emitting
	in   *rowsIn[A]
	fn   DoFn[A, B]
	emit Emit[B]
	outs []flusher
	set  bool // Setup went well

	batches batchHooks[B]

	sidesOf
}

func newParDo[A, B any](in decoder[A], c *codec.Codec[B], fn DoFn[A, B], sides sideFields) *parDoFn[A, B] {
	f := &parDoFn[A, B]{in: newRowsIn(in), fn: fn}
	f.blame = &f.in.blame
	if t := reflect.TypeOf(fn); t.Kind() == reflect.Pointer {
		own := reflect.New(t.Elem())
		own.Elem().Set(reflect.ValueOf(fn).Elem())
		f.fn = own.Interface().(DoFn[A, B])
	}
	out := newRowsOut(c, 0)
	f.emit = func(row B) { emitRow(&f.emitting, out, row) }
	f.outs = append(f.outs, out)
	for i, side := range sides {
		f.outs = append(f.outs, side.of(f.fn).bind(&f.emitting, i+1))
	}
	f.batches = batchHooksOf[B](f.fn)
	return f
}

// bindSides lets side inputs of the task's DoFn give the value for the row at hand.
func (f *parDoFn[A, B]) bindSides(inputs []sideInputField, main graph.Windowing) {
	place := &sidePlace{main, func() (*batch.Batch, int32) { return f.batch, f.row }}
	for _, in := range inputs {
		f.sides = append(f.sides, in.of(f.fn).bind(place))
	}
}

// Start implements graph.RowFn.
func (f *parDoFn[A, B]) Start(ctx context.Context) error {
	if s, ok := f.fn.(setter); ok {
		if err := guarded(func() error { return s.Setup(ctx) }); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
	}
	f.set = true
	return nil
}

// Process implements graph.RowFn.
func (f *parDoFn[A, B]) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	c := &Context{Context: ctx, windowed: b.Start != nil}
	f.batch, f.down = b, emit
	if err := f.startBatch(c); err != nil {
		return err
	}
	err := f.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			f.in.at, f.row = i, physical[i]
			if err := f.one(c, chunk[i]); err != nil {
				return err
			}
		}
		return nil
	})
	f.open = false // also after a panic
	if err == nil {
		err = f.finishBatch(c)
	}
	for _, o := range f.outs {
		if err != nil {
			return err
		}
		err = o.flush(emit)
	}
	return err
}

// one calls the user's code for the row at f.row.
func (f *parDoFn[A, B]) one(c *Context, in A) error {
	f.place(c)
	f.open = true
	err := f.fn.Process(c, in, f.emit)
	f.open = false
	if f.err != nil {
		return f.err
	}
	if err != nil {
		return &RowError{Row: printRow(in), Err: err}
	}
	return nil
}

// place tells the context about the row at f.row.
func (f *parDoFn[A, B]) place(c *Context) {
	c.time = f.batch.TimeAt(int(f.row))
	if c.windowed {
		c.start, c.end = f.batch.Start[f.row], f.batch.End[f.row]
	}
	c.pane = f.batch.PaneAt(int(f.row))
	c.retracts = f.batch.Retract != nil && f.batch.Retract[f.row]
}

// Finish implements graph.RowFn.
func (f *parDoFn[A, B]) Finish(context.Context, graph.Emit) error { return nil }

// Close implements graph.RowFn.
func (f *parDoFn[A, B]) Close() error {
	t, ok := f.fn.(teardown)
	if !ok || !f.set {
		return nil
	}
	if err := guarded(t.Teardown); err != nil {
		return fmt.Errorf("teardown: %w", err)
	}
	return nil
}
