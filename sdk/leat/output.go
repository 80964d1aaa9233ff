package leat

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// Output is a side output: an exported field of a DoFn struct, which is given to
// ParDo by pointer. After ParDo its Collection can be used like any other.
//
//	type parse struct{ Bad leat.Output[string] }     fn := &parse{}
//	                         │                       good := leat.ParDo(lines, "parse", fn)
//	                         └─ p.Bad.Emit(line)     bad := fn.Bad.Collection()
type Output[T any] struct {
	collection PCollection[T]
	emit       func(T)
}

// Emit passes a row to the side output, with the time and window of the row
// being processed. Only Process may call it.
func (o *Output[T]) Emit(row T) {
	if o.emit == nil {
		panic("a leat.Output was used outside of the leat.ParDo it belongs to; call Emit on the receiver's field, within Process")
	}
	o.emit(row)
}

// Collection returns the rows of the side output. Before ParDo it is the zero
// PCollection, which no step takes.
func (o *Output[T]) Collection() PCollection[T] { return o.collection }

// sideOutput is an *Output[T] of any T.
type sideOutput interface {
	// declare checks the output and says what it is in the graph. Until connect
	// its collection is that of a step with a mistake.
	declare(p *Pipeline, name string) (graph.Output, error)
	connect(p *Pipeline, e graph.Edge)
	// bind makes the output of a task's copy of the DoFn.
	bind(e *emitting, output int) flusher
}

func (o *Output[T]) declare(p *Pipeline, name string) (graph.Output, error) {
	if o.collection.pipeline != nil {
		return graph.Output{}, fmt.Errorf("side output %s already belongs to another step; give each leat.ParDo a DoFn of its own", name)
	}
	o.collection = failed[T](p)
	rows, err := codec.For[T]()
	if err != nil {
		return graph.Output{}, fmt.Errorf("side output %s: %w", name, err)
	}
	return graph.Output{Name: name, Type: rows.Type()}, nil
}

func (o *Output[T]) connect(p *Pipeline, e graph.Edge) {
	o.collection = PCollection[T]{p, e, mustCodec[T]()}
}

func (o *Output[T]) bind(e *emitting, output int) flusher {
	out := newRowsOut(mustCodec[T](), output)
	o.emit = func(row T) { emitRow(e, out, row) }
	return out
}

// sideFields are the Output fields of a DoFn.
type sideFields []sideField

type sideField struct {
	name  string
	index []int
}

// of returns the field of fn, a pointer to the struct it was found in.
func (f sideField) of(fn any) sideOutput {
	return reflect.ValueOf(fn).Elem().FieldByIndex(f.index).Addr().Interface().(sideOutput)
}

var sideType = reflect.TypeFor[sideOutput]()

// findOutputs lists the Output fields of a DoFn, and refuses those that could
// not be connected: their Emit would fail, with the first bad row of many.
func findOutputs(fn any) (sideFields, error) {
	t := reflect.TypeOf(fn)
	if t.Kind() != reflect.Pointer {
		if holdsOutput(t, nil) {
			return nil, fmt.Errorf("%s has side outputs, so leat.ParDo needs a pointer to it; give it &%s{…}, with Process on *%s", t, t, t)
		}
		return nil, nil
	}
	if t.Elem().Kind() != reflect.Struct {
		return nil, nil
	}
	var found sideFields
	err := outputsOf(t.Elem(), nil, &found)
	return found, err
}

// outputsOf adds the outputs of a struct and of those it embeds.
func outputsOf(t reflect.Type, at []int, found *sideFields) error {
	var errs []error
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), at...), i)
		switch {
		case reflect.PointerTo(f.Type).Implements(sideType):
			errs = append(errs, found.add(f, index))
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			errs = append(errs, outputsOf(f.Type, index, found))
		case holdsOutput(f.Type, nil):
			errs = append(errs, fmt.Errorf("field %s of %s holds a leat.Output that cannot be connected; side outputs are exported fields of type leat.Output[T] of the struct itself, or of one it embeds by value", f.Name, t))
		}
	}
	return errors.Join(errs...)
}

func (s *sideFields) add(f reflect.StructField, index []int) error {
	if !f.IsExported() {
		return fmt.Errorf("side output %s is unexported, so leat.ParDo cannot connect it; export the field", f.Name)
	}
	for _, other := range *s {
		if other.name == f.Name {
			return fmt.Errorf("there are two side outputs %s; rename the one in the embedded struct", f.Name)
		}
	}
	*s = append(*s, sideField{f.Name, index})
	return nil
}

// holdsOutput reports whether an Output is anywhere in a value of type t.
func holdsOutput(t reflect.Type, within []reflect.Type) bool {
	for _, outer := range within {
		if outer == t {
			return false
		}
	}
	within = append(within, t)
	if reflect.PointerTo(t).Implements(sideType) {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holdsOutput(t.Elem(), within)
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsOutput(t.Field(i).Type, within) {
				return true
			}
		}
	}
	return false
}
