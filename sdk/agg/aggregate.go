package agg

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/field"
)

// Aggregate turns the rows of a group, values of V, into one R. It is made by
// Into or Custom.
type Aggregate[V, R any] interface {
	// Plan returns the resolved aggregate, or the mistakes in its description.
	Plan() (*Plan, error)

	// aggregate carries the type arguments for inference. It is never called.
	aggregate(V) R
}

// resolved is an Aggregate whose plan has been made.
type resolved[V, R any] struct {
	plan *Plan
	err  error
}

func (a resolved[V, R]) Plan() (*Plan, error) { return a.plan, a.err }

func (resolved[V, R]) aggregate(V) (r R) { return r }

// Into describes an aggregate term by term. f is a description: it runs at
// construction, on probes of V and R, and says which field of the result is
// made from which field of the rows. Every field of R must be set, once.
//
// V is a struct or a single value; so is R, for example *int64 for
// agg.Into(func(e *Event, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }).
func Into[V, R any](f func(*V, *R) []Term) Aggregate[V, R] {
	if f == nil {
		return resolved[V, R]{err: errors.New("agg.Into needs a function, got nil")}
	}
	var plans [field.Variants]*Plan
	for variant := range plans {
		in, err := field.NewProbe(reflect.TypeFor[V](), variant)
		if err != nil {
			return resolved[V, R]{err: fmt.Errorf("the rows of agg.Into: %w", err)}
		}
		out, err := field.NewProbe(reflect.TypeFor[R](), variant)
		if err != nil {
			return resolved[V, R]{err: fmt.Errorf("the result of agg.Into: %w", err)}
		}
		var terms []Term
		err = field.Guard(func() { terms = f(in.Value().Interface().(*V), out.Value().Interface().(*R)) })
		if err != nil {
			return resolved[V, R]{err: err}
		}
		if plans[variant], err = Resolve(in, out, terms, Scope{}); err != nil {
			return resolved[V, R]{err: err}
		}
	}
	for _, p := range plans[1:] {
		if !plans[0].Equal(p) {
			return resolved[V, R]{err: fmt.Errorf("the description gave (%s) on one sample value and (%s) on another; it runs once, at construction, and must not depend on values", plans[0], p)}
		}
	}
	return resolved[V, R]{plan: plans[0]}
}
