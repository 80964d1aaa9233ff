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
)

// Context is what a ParDo function knows about the row it is called with. It is
// valid during the call only.
type Context struct {
	context.Context
	time, start, end int64
	windowed         bool
}

// Time returns the event time of the row.
func (c *Context) Time() time.Time { return time.UnixMicro(c.time).UTC() }

// Window returns the window of the row, when a grouping step has put it in one.
func (c *Context) Window() (start, end time.Time, ok bool) {
	return time.UnixMicro(c.start).UTC(), time.UnixMicro(c.end).UTC(), c.windowed
}

// Emit passes a row to the main output, with the time and window of the row
// being processed.
type Emit[B any] func(B)

// DoFn is user code with everything at hand: a context, an error, any number of
// output rows. Side outputs are fields of type Output in the struct that
// implements it. Each task works on a shallow copy of the struct, so plain
// fields are a task's own and what pointers lead to is shared.
//
// Optional methods: Setup(context.Context) error before the first row of a task
// and Teardown() error after its last.
type DoFn[A, B any] interface {
	Process(c *Context, in A, emit Emit[B]) error
}

// Do makes a DoFn of a function. It may be called from several goroutines at once.
func Do[A, B any](f func(c *Context, in A, emit Emit[B]) error) DoFn[A, B] { return doFunc[A, B](f) }

type doFunc[A, B any] func(c *Context, in A, emit Emit[B]) error

// Process implements DoFn.
func (f doFunc[A, B]) Process(c *Context, in A, emit Emit[B]) error { return f(c, in, emit) }

// Output is a side output: a field of a DoFn struct. After ParDo its Collection
// can be used like any other.
type Output[T any] struct {
	collection PCollection[T]
	emit       func(T)
}

// Emit passes a row to the side output. Only Process may call it.
func (o *Output[T]) Emit(row T) { o.emit(row) }

// Collection returns the rows of the side output. It is empty before ParDo.
func (o *Output[T]) Collection() PCollection[T] { return o.collection }

// sideOutput is an *Output[T] of any T.
type sideOutput interface {
	declare(name string) (graph.Output, error)
	connect(p *Pipeline, n *graph.Node, output int)
	bind(output int) sideRows
}

// sideRows collects the rows of one side output in one task.
type sideRows interface {
	flush(emit graph.Emit) error
	settle(emit graph.Emit) error
}

func (o *Output[T]) declare(name string) (graph.Output, error) {
	rows, err := codec.For[T]()
	if err != nil {
		return graph.Output{}, fmt.Errorf("side output %s: %w", name, err)
	}
	return graph.Output{Name: name, Type: rows.Type()}, nil
}

func (o *Output[T]) connect(p *Pipeline, n *graph.Node, output int) {
	o.collection = PCollection[T]{p, graph.Edge{Node: n, Output: output}, mustCodec[T]()}
}

// ParDo calls fn for each row: the general transform, of which Map, Filter and
// FlatMap are the simple cases.
func ParDo[A, B any](in PCollection[A], name string, fn DoFn[A, B]) PCollection[B] {
	if !in.valid() {
		return failed[B](in.pipeline)
	}
	p := in.pipeline
	out, err := codec.For[B]()
	if isNil(fn) {
		err = errNilFunction
	}
	if err != nil {
		p.fail(name, err)
		return failed[B](p)
	}
	outputs := []graph.Output{{Type: out.Type(), Windowing: in.edge.Windowing()}}
	var errs []error
	fields := sideFields(fn)
	for _, f := range fields {
		o, err := sideAt(fn, f).declare(f.Name)
		o.Windowing = in.edge.Windowing()
		outputs, errs = append(outputs, o), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		p.fail(name, err)
		return failed[B](p)
	}
	op := &graph.Rows{Name: "pardo", New: func() (graph.RowFn, error) {
		return newParDo(in.rows, out, fn, fields), nil
	}}
	n := p.add(name, op, []graph.Edge{in.edge}, outputs...)
	if n == nil {
		return failed[B](p)
	}
	for i, f := range fields {
		sideAt(fn, f).connect(p, n, i+1)
	}
	return PCollection[B]{p, graph.Edge{Node: n}, out}
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return !r.IsValid() || (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// sideFields lists the exported Output fields of a DoFn that is a pointer to a
// struct.
func sideFields(fn any) []reflect.StructField {
	t := reflect.TypeOf(fn)
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	var fields []reflect.StructField
	for _, f := range reflect.VisibleFields(t.Elem()) {
		if f.IsExported() && reflect.PointerTo(f.Type).Implements(reflect.TypeFor[sideOutput]()) {
			fields = append(fields, f)
		}
	}
	return fields
}

func sideAt(fn any, f reflect.StructField) sideOutput {
	return reflect.ValueOf(fn).Elem().FieldByIndex(f.Index).Addr().Interface().(sideOutput)
}

// parDoFn is one task's instance of a ParDo.
type parDoFn[A, B any] struct {
	in    *rowsIn[A]
	out   *rowsOut[B]
	fn    DoFn[A, B]
	sides []sideRows
	emit  Emit[B]
	now   *batch.Batch // the batch and row being processed
	row   int32
}

// position tells a side output of which row the emitted rows inherit the time.
type position interface{ at() (*batch.Batch, int32) }

func (f *parDoFn[A, B]) at() (*batch.Batch, int32) { return f.now, f.row }

func newParDo[A, B any](in decoder[A], out *codec.Codec[B], fn DoFn[A, B], fields []reflect.StructField) *parDoFn[A, B] {
	f := &parDoFn[A, B]{in: newRowsIn(in), out: newRowsOut(out, 0), fn: fn}
	if t := reflect.TypeOf(fn); t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		own := reflect.New(t.Elem())
		own.Elem().Set(reflect.ValueOf(fn).Elem())
		f.fn = own.Interface().(DoFn[A, B])
	}
	for i, field := range fields {
		side := sideAt(f.fn, field).bind(i + 1)
		side.(interface{ follow(position) }).follow(f)
		f.sides = append(f.sides, side)
	}
	f.emit = func(row B) { f.out.add(row, f.now, f.row) }
	return f
}

// outputRows is the rows of an Output[T] in one task.
type outputRows[T any] struct {
	*rowsOut[T]
	from position
}

func (r *outputRows[T]) follow(p position) { r.from = p }

func (o *Output[T]) bind(output int) sideRows {
	rows := &outputRows[T]{rowsOut: newRowsOut(mustCodec[T](), output)}
	o.emit = func(row T) {
		b, i := rows.from.at()
		rows.add(row, b, i)
	}
	return rows
}

// Start implements graph.RowFn.
func (f *parDoFn[A, B]) Start(ctx context.Context) error {
	if s, ok := f.fn.(interface{ Setup(context.Context) error }); ok {
		return s.Setup(ctx)
	}
	return nil
}

// Process implements graph.RowFn.
func (f *parDoFn[A, B]) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	c := &Context{Context: ctx, windowed: b.Start != nil}
	f.now = b
	err := f.in.each(b, func(chunk []A, physical []int32) error {
		for i := range chunk {
			f.in.at, f.row = i, physical[i]
			c.time = b.TimeAt(int(f.row))
			if c.windowed {
				c.start, c.end = b.Start[f.row], b.End[f.row]
			}
			if err := f.fn.Process(c, chunk[i], f.emit); err != nil {
				return &RowError{Row: printRow(chunk[i]), Err: err}
			}
			if err := f.settle(emit); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.flush(emit)
}

func (f *parDoFn[A, B]) settle(emit graph.Emit) error {
	for _, s := range f.sides {
		if err := s.settle(emit); err != nil {
			return err
		}
	}
	return f.out.settle(emit)
}

func (f *parDoFn[A, B]) flush(emit graph.Emit) error {
	for _, s := range f.sides {
		if err := s.flush(emit); err != nil {
			return err
		}
	}
	return f.out.flush(emit)
}

// Finish implements graph.RowFn.
func (f *parDoFn[A, B]) Finish(context.Context, graph.Emit) error { return nil }

// Close implements graph.RowFn.
func (f *parDoFn[A, B]) Close() error {
	if t, ok := f.fn.(interface{ Teardown() error }); ok {
		return t.Teardown()
	}
	return nil
}
