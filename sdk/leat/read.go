package leat

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// ReadOption is an option of Read for rows of type T: EventTime, EventTimeField,
// Watermark, WatermarkField, Declare, SkipBad or BadTo.
type ReadOption[T any] struct {
	apply   func(*reading[T]) error
	declare func(*T) // of Declare: decides what the rows are, before all others
}

// reading is what the options of one Read add up to.
type reading[T any] struct {
	op   *graph.Read
	rows *codec.Codec[T] // nil after a mistake, which Read reports
	bad  *PCollection[BadRecord]
}

// Read reads rows of T from a source. Columns are bound to the exported fields
// of T by name (tag `leat:"name"`); a scalar T takes the source's single value.
// Without EventTime, rows have no event time, and only global windows make sense.
// A T with leat.Columns needs Declare.
func Read[T any](p *Pipeline, name string, source connector.Source, options ...ReadOption[T]) PCollection[T] {
	s := p.begin(name)
	rows, err := declared(options)
	s.check(err)
	if isNil(source) {
		s.check(errors.New("the source is nil"))
	} else if err == nil {
		s.check(source.Validate(rows.Type()))
	}
	r := &reading[T]{op: &graph.Read{Source: source}, rows: rows}
	understood := 0
	for _, o := range options {
		if o.apply == nil {
			s.check(errors.New("an option is empty; make one with leat.EventTime, leat.EventTimeField, leat.Watermark, leat.WatermarkField, leat.Declare, leat.SkipBad or leat.BadTo"))
			continue
		}
		if err := o.apply(r); err != nil {
			s.check(err)
			continue
		}
		understood++
	}
	if understood == len(options) {
		s.check(marksFit(r.op.EventTime))
	}
	if r.bad != nil {
		*r.bad = failed[BadRecord](p)
	}
	if !s.ok(true) {
		return failed[T](p)
	}
	return r.build(s)
}

func (r *reading[T]) build(s *step) PCollection[T] {
	outputs := []graph.Output{{Type: r.rows.Type()}}
	badRows := mustCodec[BadRecord]()
	if r.bad != nil {
		r.op.Bad = badBatch(badRows)
		outputs = append(outputs, graph.Output{Name: "bad", Type: badRows.Type()})
	}
	n := s.add(r.op, nil, outputs...)
	if r.bad != nil {
		*r.bad = PCollection[BadRecord]{s.p, graph.Edge{Node: n, Output: 1}, badRows}
	}
	return PCollection[T]{s.p, graph.Edge{Node: n}, r.rows}
}

// Declare names the groups of the leat.Columns fields of T, which its type does
// not tell, so that a table with columns of such names can be read. f runs at
// construction on a sample value and calls At once for each name:
//
//	leat.Declare(func(r *Row) {
//		for _, window := range []string{"1h", "6h"} {
//			r.At(window) // columns count_1h, sum_1h, count_6h, sum_6h
//		}
//	})
func Declare[T any](f func(*T)) ReadOption[T] {
	return ReadOption[T]{declare: f, apply: func(*reading[T]) error {
		if f == nil {
			return errors.New("leat.Declare got a nil function")
		}
		return nil
	}}
}

// declared returns the codec of the rows, with the groups that Declare names.
func declared[T any](options []ReadOption[T]) (*codec.Codec[T], error) {
	var declare func(*T)
	for _, o := range options {
		switch {
		case o.declare == nil:
		case declare != nil:
			return nil, errors.New("leat.Declare is given twice; name all groups in one")
		default:
			declare = o.declare
		}
	}
	if declare == nil {
		return codec.For[T]()
	}
	var plans [field.Variants]*codec.Plan
	for v := range plans {
		probe, err := field.NewProbe(reflect.TypeFor[T](), v)
		if err != nil {
			return nil, err
		}
		if err := field.Guard(func() { declare(probe.Value().Interface().(*T)) }); err != nil {
			return nil, fmt.Errorf("leat.Declare: %w", err)
		}
		if plans[v], err = probe.Plan(); err != nil {
			return nil, err
		}
	}
	if !sameColumns(plans[0].Type(), plans[1].Type()) {
		return nil, errors.New("leat.Declare named other groups on one sample value than on another; it runs once, at construction, and must not depend on values")
	}
	return codec.ForPlan[T](plans[0])
}

// mustCodec returns the codec of a type that is known to have one.
func mustCodec[T any]() *codec.Codec[T] {
	c, err := codec.For[T]()
	if err != nil {
		panic(err) // a type of ours that the codec refuses is a bug
	}
	return c
}
