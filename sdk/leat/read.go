package leat

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// ReadOption is an option of Read for rows of type T.
type ReadOption[T any] struct {
	apply func(*reading[T]) error
}

// reading is what the options of one Read add up to.
type reading[T any] struct {
	op  *graph.Read
	bad *PCollection[BadRecord]
}

// BadRecord is a record that a source could not decode, as a row of a
// dead-letter output.
type BadRecord struct {
	Place string `leat:"place"` // where it was: events.json:17
	Error string `leat:"error"` // what is wrong with it
	Raw   []byte `leat:"raw"`   // the record as read, cut after 64 KiB
}

// Read reads rows of T from a source. Columns are bound to the exported fields
// of T by name (tag `leat:"name"`); a scalar T takes the source's single value.
// Without EventTime, rows have no event time, and only global windows make sense.
func Read[T any](p *Pipeline, name string, source connector.Source, options ...ReadOption[T]) PCollection[T] {
	op := &graph.Read{Source: source}
	rows, err := codec.For[T]()
	if err != nil {
		p.fail(name, err)
		return failed[T](p)
	}
	if source == nil {
		p.fail(name, errors.New("the source is nil"))
		return failed[T](p)
	}
	if err := source.Validate(rows.Type()); err != nil {
		p.fail(name, err)
		return failed[T](p)
	}
	r := &reading[T]{op: op}
	var errs []error
	for _, o := range options {
		errs = append(errs, o.apply(r))
	}
	if err := errors.Join(errs...); err != nil {
		p.fail(name, err)
		return failed[T](p)
	}
	return r.build(p, name, rows)
}

func (r *reading[T]) build(p *Pipeline, name string, rows *codec.Codec[T]) PCollection[T] {
	outputs := []graph.Output{{Type: rows.Type()}}
	var badRows *codec.Codec[BadRecord]
	if r.bad != nil {
		badRows = mustCodec[BadRecord]()
		r.op.Policy = graph.BadGoes
		r.op.Bad = badBatch(badRows)
		outputs = append(outputs, graph.Output{Name: "bad", Type: badRows.Type()})
	}
	n := p.add(name, r.op, nil, outputs...)
	if n == nil {
		return failed[T](p)
	}
	if r.bad != nil {
		*r.bad = PCollection[BadRecord]{p, graph.Edge{Node: n, Output: 1}, badRows}
	}
	return PCollection[T]{p, graph.Edge{Node: n}, rows}
}

// mustCodec returns the codec of a type of this package.
func mustCodec[T any]() *codec.Codec[T] {
	c, err := codec.For[T]()
	if err != nil {
		panic(err) // a type of ours that the codec refuses is a bug
	}
	return c
}

func badBatch(rows *codec.Codec[BadRecord]) func(connector.BadRecord) (*batch.Batch, error) {
	return func(b connector.BadRecord) (*batch.Batch, error) {
		e := rows.NewEncoder()
		if err := e.Append([]BadRecord{{Place: b.Place, Error: b.Err.Error(), Raw: b.Raw}}); err != nil {
			return nil, err
		}
		return &batch.Batch{Root: e.Finish()}, nil
	}
}

// EventTime computes the event time of each row with a function, which reads
// every column of T; a time with nanoseconds is floored to microseconds.
func EventTime[T any](f func(T) time.Time, g watermark.Generator) ReadOption[T] {
	return ReadOption[T]{func(r *reading[T]) error {
		if f == nil {
			return errors.New("leat.EventTime got a nil function")
		}
		rows, err := codec.For[T]()
		if err != nil {
			return err
		}
		return r.setTime(graph.EventTime{
			Name: "func", Generator: g,
			New: func() graph.TimeFn { return newTimeFn(rows, f) },
		})
	}}
}

// EventTimeField takes the event time of each row from a time column.
func EventTimeField[T any](f func(*T) *time.Time, g watermark.Generator) ReadOption[T] {
	return ReadOption[T]{func(r *reading[T]) error {
		copies, _, err := field.Of(f).Resolve()
		if err != nil {
			return fmt.Errorf("leat.EventTimeField: %w", err)
		}
		from := copies[0].From
		if from.Type.Nullable {
			return fmt.Errorf("leat.EventTimeField: column %s is nullable; every row needs an event time", from.Name)
		}
		if len(from.Path) == 0 {
			return fmt.Errorf("leat.EventTimeField: rows of %s are the time itself; use leat.EventTime", reflect.TypeFor[T]())
		}
		return r.setTime(graph.EventTime{Path: from.Path, Name: from.Name, Generator: g})
	}}
}

func (r *reading[T]) setTime(t graph.EventTime) error {
	if r.op.EventTime.Declared() {
		return errors.New("event time is declared twice")
	}
	r.op.EventTime = t
	return t.Generator.Validate()
}

// SkipBad counts records that cannot be decoded and leaves them out, instead of
// failing the job.
func SkipBad[T any]() ReadOption[T] {
	return ReadOption[T]{func(r *reading[T]) error {
		r.op.Policy = graph.BadSkips
		return nil
	}}
}

// BadTo sends records that cannot be decoded to a dead-letter collection
// instead of failing the job. They have no event time.
func BadTo[T any](out *PCollection[BadRecord]) ReadOption[T] {
	return ReadOption[T]{func(r *reading[T]) error {
		if out == nil {
			return errors.New("leat.BadTo needs a variable to set, got nil")
		}
		r.bad = out
		return nil
	}}
}

// Flatten merges collections of one type into one. They must be in the same
// windows. The order of rows is not kept.
func Flatten[T any](in ...PCollection[T]) PCollection[T] {
	var p *Pipeline
	var edges []graph.Edge
	for _, c := range in {
		if c.pipeline != nil {
			p = c.pipeline
		}
		if c.valid() {
			edges = append(edges, c.edge)
		}
	}
	switch {
	case p == nil:
		return PCollection[T]{}
	case len(edges) < len(in):
		return failed[T](p)
	case len(in) == 1:
		return in[0]
	}
	first := in[0].edge
	for i, e := range edges {
		if err := sameWindows(first.Windowing(), e.Windowing()); err != nil {
			p.fail("flatten", fmt.Errorf("input %d: %w", i+1, err))
			return failed[T](p)
		}
		if !first.Type().Equal(e.Type()) {
			p.fail("flatten", fmt.Errorf("input %d has rows of %s, input 1 of %s", i+1, e.Type(), first.Type()))
			return failed[T](p)
		}
	}
	n := p.addUnnamed(&graph.Flatten{}, edges, graph.Output{Type: first.Type(), Windowing: first.Windowing()})
	return PCollection[T]{p, graph.Edge{Node: n}, in[0].rows}
}

func sameWindows(a, b graph.Windowing) error {
	if a.Grouped != b.Grouped || !a.Fn.Equal(b.Fn) {
		return fmt.Errorf("its windows are %s, those of the first input are %s; put leat.Window in front", b.Fn, a.Fn)
	}
	return nil
}

// Window puts the rows of a collection into windows for the next grouping step
// (Combine, GroupByKey, Distinct). It replaces the windows rows were in.
func Window[T any](in PCollection[T], w window.Fn) PCollection[T] {
	if !in.valid() {
		return in
	}
	if err := w.Validate(); err != nil {
		in.pipeline.fail("window", err)
		return failed[T](in.pipeline)
	}
	n := in.pipeline.addUnnamed(&graph.Window{Fn: w}, []graph.Edge{in.edge},
		graph.Output{Type: in.edge.Type(), Windowing: graph.Windowing{Fn: w}})
	return PCollection[T]{in.pipeline, graph.Edge{Node: n}, in.rows}
}

// Write writes every row of a collection to a sink. Nothing is visible under a
// final name until the job has ended well.
func Write[T any](in PCollection[T], name string, sink connector.Sink) {
	if !in.valid() {
		return
	}
	p := in.pipeline
	if sink == nil {
		p.fail(name, errors.New("the sink is nil"))
		return
	}
	if err := sink.Validate(in.edge.Type()); err != nil {
		p.fail(name, err)
		return
	}
	p.add(name, &graph.Write{Sink: sink}, []graph.Edge{in.edge}, graph.Output{Type: in.edge.Type(), Windowing: in.edge.Windowing()})
}
