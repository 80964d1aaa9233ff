package agg

import (
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
)

// Accumulator is what a user writes to compute what no term of this package
// does. Its results must not depend on the order of Add and Merge, and merging
// a fresh accumulator must change nothing; otherwise batch and streaming runs
// differ. Merge must not keep or change anything of its argument, which lives
// on, and Result must not change the accumulator.
//
// The values given to Add may be kept, except that their slices and pointers
// are shared with other values of the batch and must not be written to.
type Accumulator[S, V, R any] interface {
	*S
	Add(V)
	Merge(*S)
	Result() R
}

// Custom aggregates with an accumulator of the user's own, a *S that zero makes
// empty. All columns of V are read. S is saved in checkpoints field by field, so
// it can have no unexported fields.
func Custom[S, V, R any, P Accumulator[S, V, R]](zero func() P) Aggregate[V, R] {
	plan, err := customPlan[S, V, R](zero)
	return resolved[V, R]{plan: plan, err: err}
}

func customPlan[S, V, R any, P Accumulator[S, V, R]](zero func() P) (*Plan, error) {
	if zero == nil {
		return nil, errors.New("agg.Custom needs a function that makes an empty accumulator, got nil")
	}
	goType := reflect.TypeFor[S]()
	if err := checkZero(zero, goType); err != nil {
		return nil, err
	}
	if hidden := hiddenFields(goType, goType.String(), nil); len(hidden) > 0 {
		return nil, fmt.Errorf("accumulator %s has unexported fields (%s), which a checkpoint would lose; export them", goType, strings.Join(hidden, ", "))
	}
	rows, rowErr := codec.For[V]()
	results, resultErr := codec.For[R]()
	saved, savedErr := codec.For[S]()
	err := errors.Join(rowErr, resultErr, savedErr)
	if err != nil {
		return nil, fmt.Errorf("agg.Custom of %s: %w", goType, err)
	}
	p := &Plan{
		input: rows.Type(), output: results.Type(), result: results.Plan(), custom: goType.String(), wheres: []*field.Predicate{nil},
	}
	p.states = []stateSpec{{
		name: p.custom, whole: true, fields: []batch.Field{{Name: p.custom, Type: nullable(saved.Type())}},
		make: func() state {
			return &customs[S, V, R, P]{zero: zero, rows: rows, results: results, saved: saved, plan: p}
		},
	}}
	p.finish()
	return p, nil
}

func nullable(t *batch.Type) *batch.Type {
	c := *t
	c.Nullable = true
	return &c
}

// checkZero calls zero twice: it must give a new accumulator each time.
func checkZero[S any, P interface{ *S }](zero func() P, goType reflect.Type) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the function given to agg.Custom for %s panicked: %v", goType, r)
		}
	}()
	a, b := zero(), zero()
	if a == nil || b == nil {
		return fmt.Errorf("the function given to agg.Custom for %s returned nil; return a new accumulator", goType)
	}
	if a == b && goType.Size() > 0 {
		return fmt.Errorf("the function given to agg.Custom for %s returned the same accumulator twice; groups would share it, return a new one", goType)
	}
	return nil
}

// hiddenFields lists the unexported fields of t and of the structs within it.
func hiddenFields(t reflect.Type, name string, within []reflect.Type) []string {
	for _, outer := range within {
		if outer == t {
			return nil
		}
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return hiddenFields(t.Elem(), name, within)
	case reflect.Map:
		return append(hiddenFields(t.Key(), name, within), hiddenFields(t.Elem(), name, within)...)
	case reflect.Struct:
	default:
		return nil
	}
	if t == reflect.TypeFor[time.Time]() {
		return nil
	}
	var hidden []string
	for i := range t.NumField() {
		f := t.Field(i)
		switch full := name + "." + f.Name; {
		case f.Tag.Get("leat") == "-":
		case !f.IsExported() && !f.Anonymous:
			hidden = append(hidden, full)
		default:
			hidden = append(hidden, hiddenFields(f.Type, full, within)...)
		}
	}
	return hidden
}

// guard runs what may call a user's accumulator and turns a panic in it into an
// error. Terms run no user code.
func guard(p *Plan, run func() error) (err error) {
	if p.custom == "" {
		return run()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("accumulator %s panicked: %v\n%s", p.custom, r, debug.Stack())
		}
	}()
	return run()
}
