package leat

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Side is a collection that each call of a function sees as one value: a side
// input. It is made by AsSingleton, AsList or AsMap, and given to MapWith or
// FilterWith, or to ParDo as an exported field of the DoFn's struct:
//
//	type convert struct{ Rates leat.Side[map[string]float64] }
//	                       │
//	                       └─ c.Rates.Get()["EUR"]      within Process
//
//	leat.ParDo(sales, "convert", &convert{Rates: leat.AsMap(rates)})
//
// A row is processed when what it sees of a side input is complete: on the streaming
// plan it waits until the side input's watermark has passed the end of the window, and
// for a side input in the global window until that has ended. Rows that come when the
// window they see is gone are dropped and counted. A side input is held by each task:
// it should be small. What does not fit is joined instead.
//
// Windows are those of the Beam model. A side input in the global window is the
// same for all rows. Otherwise a row sees the part that is in the window of the side
// input which the last moment of the row's own window falls into; where windows
// overlap, the earliest of them.
type Side[S any] struct {
	view *sideView[S]
	get  func() S // in a task
}

// Get returns the value for the row being processed, which nobody may change. Only
// Process may call it.
func (s *Side[S]) Get() S {
	if s.get == nil {
		panic("a leat.Side was used outside of the leat.ParDo it belongs to; call Get on the receiver's field, within Process")
	}
	return s.get()
}

// sideView is a collection seen as one value.
type sideView[S any] struct {
	pipeline *Pipeline
	edge     graph.Edge // none after a mistake
	open     func() sideStore[S]
}

// AsSingleton sees a collection as its only row. Where a window has none, or more
// than one, Get ends the job with an error.
func AsSingleton[T any](in PCollection[T]) Side[T] {
	return sideOf(in, "singleton", false, func(rows []T) (T, error) {
		if len(rows) == 1 {
			return rows[0], nil
		}
		var zero T
		return zero, fmt.Errorf("the side input from step %q has %d rows for this window, and leat.AsSingleton wants exactly one; use leat.AsList or combine the rows to one", in.edge.Node.Name, len(rows))
	})
}

// AsList sees a collection as the slice of its rows, ordered by event time and then
// by the canonical bytes of the row.
func AsList[T any](in PCollection[T]) Side[[]T] {
	return sideOf(in, "list", true, func(rows []T) ([]T, error) { return rows, nil })
}

// AsMap sees a keyed collection as a map. A key that comes twice in a window ends
// the job with an error.
func AsMap[K comparable, V any](in PCollection[KV[K, V]]) Side[map[K]V] {
	return sideOf(in, "map", false, func(rows []KV[K, V]) (map[K]V, error) {
		m := make(map[K]V, len(rows))
		for _, kv := range rows {
			m[kv.Key] = kv.Value
		}
		if len(m) == len(rows) {
			return m, nil
		}
		seen := make(map[K]bool, len(m))
		for _, kv := range rows {
			if seen[kv.Key] {
				return nil, fmt.Errorf("the side input from step %q has key %s twice in this window, and leat.AsMap wants it once; combine the values, or use leat.GroupByKey and leat.AsList", in.edge.Node.Name, printRow(kv.Key))
			}
			seen[kv.Key] = true
		}
		return m, nil
	})
}

func sideOf[T, S any](in PCollection[T], kind string, ordered bool, collect func([]T) (S, error)) Side[S] {
	return Side[S]{view: &sideView[S]{pipeline: in.owner("side input", kind), edge: in.edge, open: func() sideStore[S] {
		return &sideRows[T, S]{decode: in.rows, windowing: in.edge.Windowing(), ordered: ordered, collect: collect, done: batch.MinTime}
	}}}
}

// sideInput is a *Side[S] of any S.
type sideInput interface {
	// edge checks the side input of a step whose rows come from main; ok is false
	// when it comes from a step with a mistake.
	check(p *Pipeline, main graph.Edge) (e graph.Edge, ok bool, err error)
	// bind makes Get work in a task's copy of the DoFn.
	bind(at *sidePlace) sideAdder
}

func (s *Side[S]) check(p *Pipeline, main graph.Edge) (e graph.Edge, ok bool, err error) {
	switch {
	case s.view == nil:
		return e, false, errors.New("it is not set; give it leat.AsSingleton, leat.AsList or leat.AsMap of a collection")
	case s.view.pipeline != p:
		return e, false, errors.New("it belongs to another pipeline")
	case s.view.edge.Node == nil:
		return e, false, nil
	}
	if main.Node != nil {
		err = sideWindows(main, s.view.edge)
	}
	return s.view.edge, true, err
}

func (s *Side[S]) bind(at *sidePlace) sideAdder {
	store := s.view.open()
	s.get = func() S {
		w, ok, err := at.window(s.view.edge.Windowing())
		if err == nil {
			var value S
			if value, err = store.value(w, ok); err == nil {
				return value
			}
		}
		panic(brokenColumn{err})
	}
	return store
}

// sideFieldsOf lists the Side fields of a DoFn, and refuses those that could not be
// bound to a task.
func sideFieldsOf(fn any) (fields []sideInputField, err error) {
	t := reflect.TypeOf(fn)
	pointer := t.Kind() == reflect.Pointer
	if pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil, nil
	}
	var errs []error
	for _, f := range reflect.VisibleFields(t) {
		_, ours := reflect.New(f.Type).Interface().(sideInput)
		switch {
		case !ours:
		case !pointer:
			errs = append(errs, fmt.Errorf("%s has side inputs, so leat.ParDo needs a pointer to it; give it &%s{…}, with Process on *%s", t, t, t))
		case !f.IsExported():
			errs = append(errs, fmt.Errorf("side input %s is unexported, so leat.ParDo cannot bind it; export the field", f.Name))
		default:
			fields = append(fields, sideInputField{f.Name, f.Index})
		}
	}
	return fields, errors.Join(errs...)
}

type sideInputField struct {
	name  string
	index []int
}

// of returns the field of fn, a pointer to the struct it was found in.
func (f sideInputField) of(fn any) sideInput {
	return reflect.ValueOf(fn).Elem().FieldByIndex(f.index).Addr().Interface().(sideInput)
}
