package field

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/codec"
)

// Key tells how rows of A get a key of K: by one field (Of), by several (Into),
// or by a function (Func). The first two are columns and cost nothing per row.
type Key[A any, K comparable] struct {
	copies   []Projected
	function func(A) K
	err      error
}

// Projected says that column From of the input becomes column To of the output.
// An empty path is the whole row.
type Projected struct{ From, To Ref }

// Term is one line of a description made by Into: a field that is copied.
type Term struct{ out, in any }

// Of names the one field that is the key.
func Of[A any, K comparable](f func(*A) *K) Key[A, K] {
	if f == nil {
		return Key[A, K]{err: errors.New("field.Of needs a function, got nil")}
	}
	var runs [Variants][]Ref
	for v := range runs {
		probe, err := NewProbe(reflect.TypeFor[A](), v)
		if err != nil {
			return Key[A, K]{err: err}
		}
		var pointer *K
		if err := Guard(func() { pointer = f(probe.Value().Interface().(*A)) }); err != nil {
			return Key[A, K]{err: err}
		}
		ref, err := probe.Resolve(pointer, "the result of field.Of")
		if err != nil {
			return Key[A, K]{err: err}
		}
		runs[v] = []Ref{ref}
	}
	if !Same(runs[0], runs[1]) {
		return Key[A, K]{err: differ(runs[0], runs[1])}
	}
	whole, err := codec.PlanOf(reflect.TypeFor[K]())
	if err != nil {
		return Key[A, K]{err: err}
	}
	return Key[A, K]{copies: []Projected{{From: runs[0][0], To: Ref{Name: "key", Type: whole.Type()}}}}
}

// Into names several fields that together are the key: f lists which field of
// the row goes to which field of K, with Copy.
func Into[A any, K comparable](f func(*A, *K) []Term) Key[A, K] {
	if f == nil {
		return Key[A, K]{err: errors.New("field.Into needs a function, got nil")}
	}
	var runs [Variants][]Projected
	for v := range runs {
		copies, err := runInto(f, v)
		if err != nil {
			return Key[A, K]{err: err}
		}
		runs[v] = copies
	}
	for side := range 2 {
		a, b := side2(runs[0], side), side2(runs[1], side)
		if !Same(a, b) {
			return Key[A, K]{err: differ(a, b)}
		}
	}
	return Key[A, K]{copies: runs[0], err: covers[K](runs[0])}
}

func side2(copies []Projected, side int) []Ref {
	refs := make([]Ref, len(copies))
	for i, c := range copies {
		refs[i] = c.From
		if side == 1 {
			refs[i] = c.To
		}
	}
	return refs
}

func runInto[A any, K comparable](f func(*A, *K) []Term, variant int) ([]Projected, error) {
	in, err := NewProbe(reflect.TypeFor[A](), variant)
	if err != nil {
		return nil, err
	}
	out, err := NewProbe(reflect.TypeFor[K](), variant)
	if err != nil {
		return nil, err
	}
	var terms []Term
	err = Guard(func() { terms = f(in.Value().Interface().(*A), out.Value().Interface().(*K)) })
	if err != nil {
		return nil, err
	}
	var copies []Projected
	var errs []error
	for i, t := range terms {
		from, ferr := in.Resolve(t.in, fmt.Sprintf("the second argument of field.Copy, term %d,", i+1))
		to, terr := out.Resolve(t.out, fmt.Sprintf("the first argument of field.Copy, term %d,", i+1))
		if err := errors.Join(ferr, terr); err != nil {
			errs = append(errs, err)
			continue
		}
		copies = append(copies, Projected{From: from, To: to})
	}
	return copies, errors.Join(errs...)
}

// covers checks that a description fills each field of K exactly once.
func covers[K any](copies []Projected) error {
	plan, err := codec.PlanOf(reflect.TypeFor[K]())
	if err != nil {
		return err
	}
	seen := make(map[string]int)
	for _, c := range copies {
		seen[c.To.Name]++
		if len(c.To.Path) != 1 {
			return fmt.Errorf("field.Into fills %s; only top-level fields of the key can be filled, make the key struct flat", c.To.Name)
		}
	}
	var errs []error
	for _, f := range plan.Type().Fields {
		switch n := seen[f.Name]; {
		case n == 0:
			errs = append(errs, fmt.Errorf("field.Into leaves field %s of the key unset; two rows that differ only there would share a key; add a field.Copy or tag the field `leat:\"-\"`", f.Name))
		case n > 1:
			errs = append(errs, fmt.Errorf("field.Into sets field %s of the key %d times", f.Name, n))
		}
	}
	return errors.Join(errs...)
}

// Copy copies a field of the row into a field of the key.
func Copy[T any](out, in *T) Term { return Term{out: out, in: in} }

// Func computes the key from the row with a function that runs for each row. It
// reads every column of A; prefer Of or Into where the key is a field.
func Func[A any, K comparable](f func(A) K) Key[A, K] {
	if f == nil {
		return Key[A, K]{err: errors.New("field.Func needs a function, got nil")}
	}
	return Key[A, K]{function: f}
}

// Resolve returns what the description names, or the function of Func.
func (k Key[A, K]) Resolve() (copies []Projected, function func(A) K, err error) {
	if k.err == nil && k.copies == nil && k.function == nil {
		return nil, nil, errors.New("the key is empty; make one with field.Of, field.Into or field.Func")
	}
	return k.copies, k.function, k.err
}

func differ(a, b []Ref) error {
	return fmt.Errorf("the description named (%s) on one sample value and (%s) on another; it runs once, at construction, and must not depend on values", Names(a), Names(b))
}
