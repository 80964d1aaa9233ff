package leat

import (
	"errors"

	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// ReadOption is an option of Read for rows of type T: EventTime, EventTimeField,
// SkipBad or BadTo.
type ReadOption[T any] struct {
	apply func(*reading[T]) error
}

// reading is what the options of one Read add up to.
type reading[T any] struct {
	op  *graph.Read
	bad *PCollection[BadRecord]
}

// Read reads rows of T from a source. Columns are bound to the exported fields
// of T by name (tag `leat:"name"`); a scalar T takes the source's single value.
// Without EventTime, rows have no event time, and only global windows make sense.
func Read[T any](p *Pipeline, name string, source connector.Source, options ...ReadOption[T]) PCollection[T] {
	s := p.begin(name)
	rows, err := codec.For[T]()
	s.check(err)
	if isNil(source) {
		s.check(errors.New("the source is nil"))
	} else if err == nil {
		s.check(source.Validate(rows.Type()))
	}
	r := &reading[T]{op: &graph.Read{Source: source}}
	for _, o := range options {
		if o.apply == nil {
			s.check(errors.New("an option is empty; make one with leat.EventTime, leat.EventTimeField, leat.SkipBad or leat.BadTo"))
			continue
		}
		s.check(o.apply(r))
	}
	if r.bad != nil {
		*r.bad = failed[BadRecord](p)
	}
	if !s.ok(true) {
		return failed[T](p)
	}
	return r.build(s, rows)
}

func (r *reading[T]) build(s *step, rows *codec.Codec[T]) PCollection[T] {
	outputs := []graph.Output{{Type: rows.Type()}}
	badRows := mustCodec[BadRecord]()
	if r.bad != nil {
		r.op.Bad = badBatch(badRows)
		outputs = append(outputs, graph.Output{Name: "bad", Type: badRows.Type()})
	}
	n := s.add(r.op, nil, outputs...)
	if r.bad != nil {
		*r.bad = PCollection[BadRecord]{s.p, graph.Edge{Node: n, Output: 1}, badRows}
	}
	return PCollection[T]{s.p, graph.Edge{Node: n}, rows}
}

// mustCodec returns the codec of a type that is known to have one.
func mustCodec[T any]() *codec.Codec[T] {
	c, err := codec.For[T]()
	if err != nil {
		panic(err) // a type of ours that the codec refuses is a bug
	}
	return c
}
