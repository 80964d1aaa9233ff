package state

import (
	"errors"
	"fmt"
	"reflect"
)

// store holds a cell for all slots of a task.
type store interface {
	grow(n int)
	empty(slot int32) bool
	reset(slot int32)
	sizeBytes() int64
	life() *lifetime
}

// cellField is a cell of any kind.
type cellField interface {
	// check refuses types of which a cell cannot hold values.
	check() error
	// open makes the cell work in a task's copy of the struct.
	open(l lifetime) store
}

// Timer is a timer that a function has declared.
type Timer struct {
	Name       string
	Processing bool // it is one in processing time
}

// Declaration is the state that a function declares. It is for leat.ParDo.
type Declaration struct {
	cells  []field
	timers []field
	keys   []field
	Timers []Timer // in the order of the fields
	Cells  []string
	Sorted bool // the function wants its rows in the order of time
}

type field struct {
	tagged
	index []int
}

// of returns a pointer to the field of fn, a pointer to the struct it was found in.
func (f field) of(fn any) any {
	return reflect.ValueOf(fn).Elem().FieldByIndex(f.index).Addr().Interface()
}

// Declare finds the state in the fields of fn, and in those of structs it embeds.
// The error names every field that cannot be bound, or whose type a cell cannot
// hold.
func Declare(fn any) (*Declaration, error) {
	d := &Declaration{}
	t := reflect.TypeOf(fn)
	pointer := t.Kind() == reflect.Pointer
	if pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return d, nil
	}
	if !pointer {
		if holds(t, nil) {
			return d, fmt.Errorf("%s has state, so leat.ParDo needs a pointer to it; give it &%s{…}, with Process on *%s", t, t, t)
		}
		return d, nil
	}
	err := d.find(fn, t, nil)
	return d, err
}

// Stateful reports whether there is any state.
func (d *Declaration) Stateful() bool {
	return len(d.cells)+len(d.timers)+len(d.keys) > 0 || d.Sorted
}

// find adds the fields of a struct.
func (d *Declaration) find(fn any, t reflect.Type, at []int) error {
	var errs []error
	for i := range t.NumField() {
		f := t.Field(i)
		found := field{index: append(append([]int(nil), at...), i)}
		switch {
		case f.Type == sortedType:
			d.Sorted = true
		case ours(f.Type):
			errs = append(errs, d.add(fn, f, found))
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			errs = append(errs, d.find(fn, f.Type, found.index))
		case holds(f.Type, nil):
			errs = append(errs, fmt.Errorf("field %s of %s holds state that cannot be bound; cells and timers are exported fields of the struct itself, or of one it embeds by value", f.Name, t))
		}
	}
	return errors.Join(errs...)
}

func (d *Declaration) add(fn any, f reflect.StructField, found field) (err error) {
	if found.tagged, err = tagOf(f); err != nil {
		return err
	}
	if !f.IsExported() {
		return fmt.Errorf("state %s is unexported, so leat.ParDo cannot bind it; export the field", f.Name)
	}
	others := append(append([]field(nil), d.cells...), d.timers...)
	if err := d.place(fn, f, found); err != nil {
		return err
	}
	for _, other := range others {
		if other.name == found.name {
			return fmt.Errorf("there are two cells or timers %s; rename one, or give it another tag", found.name)
		}
	}
	return nil
}

// place adds a field to those of its kind.
func (d *Declaration) place(fn any, f reflect.StructField, found field) error {
	switch v := found.of(fn).(type) {
	case cellField:
		d.cells, d.Cells = append(d.cells, found), append(d.Cells, found.name)
		if err := v.check(); err != nil {
			return fmt.Errorf("cell %s: %w", f.Name, err)
		}
	case timeField:
		if found.ttl > 0 {
			return fmt.Errorf("timer %s has a ttl; only cells have one", f.Name)
		}
		_, one := v.(*ProcessingTimer)
		_, many := v.(*ProcessingTimers)
		d.timers, d.Timers = append(d.timers, found), append(d.Timers, Timer{found.name, one || many})
	case keyField:
		d.keys = append(d.keys, found)
	}
	return nil
}

// Keys returns the Key fields of fn.
func (d *Declaration) Keys(fn any) (keys []any, names []string) {
	for _, f := range d.keys {
		keys, names = append(keys, f.of(fn)), append(names, f.name)
	}
	return keys, names
}

var (
	cellType   = reflect.TypeFor[cellField]()
	timeType   = reflect.TypeFor[timeField]()
	keyType    = reflect.TypeFor[keyField]()
	sortedType = reflect.TypeFor[TimeSorted]()
)

// ours reports whether a field of the type is a cell, a timer or a key.
func ours(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(cellType) || p.Implements(timeType) || p.Implements(keyType)
}

// holds reports whether state is anywhere in a value of type t.
func holds(t reflect.Type, within []reflect.Type) bool {
	for _, outer := range within {
		if outer == t {
			return false
		}
	}
	within = append(within, t)
	if ours(t) || t == sortedType {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return holds(t.Elem(), within)
	case reflect.Struct:
		for i := range t.NumField() {
			if holds(t.Field(i).Type, within) {
				return true
			}
		}
	}
	return false
}
