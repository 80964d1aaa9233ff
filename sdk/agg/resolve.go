package agg

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// Scope tells Resolve what it cannot see from the terms.
type Scope struct {
	// Partial allows output fields that no term sets. Use Table.Columns for
	// the results of such a plan.
	Partial bool
	// MayBeEmpty says that results are asked for groups without any row, as a
	// lookup that finds nothing does.
	MayBeEmpty bool
}

// Resolve turns terms made on two probes, the row's and the result's, into a
// plan. It reports all mistakes together. Into calls it; a transform with a
// description of its own calls it for each variant of its probes and compares
// the plans with Equal.
func Resolve(in, out *field.Probe, terms []Term, s Scope) (*Plan, error) {
	input, err := in.Plan()
	if err != nil {
		return nil, err
	}
	output, err := out.Plan()
	if err != nil {
		return nil, err
	}
	r := &resolver{in: in, out: out, scope: s, plan: &Plan{
		input: input.Type(), output: output.Type(), result: output, wheres: []*field.Predicate{nil},
	}}
	r.terms(terms, nil)
	if len(r.plan.terms) == 0 && len(r.errs) == 0 {
		r.fail(errors.New("the description has no terms; return what the result is made of, for example agg.Count(&r.N)"))
	}
	r.errs = append(r.errs, checkOutputs(r.plan, s.Partial || len(terms) == 0)...)
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	r.plan.finish()
	return r.plan, nil
}

// resolver collects what the terms of one description need.
type resolver struct {
	in, out *field.Probe
	scope   Scope
	plan    *Plan
	errs    []error
}

// bound is a term whose pointers have been resolved to columns.
type bound struct {
	function string
	args     string
	out, in  field.Ref
	outType  *batch.Type // of the field itself, whatever it is nested in
	by       []field.Ref
	where    int
	empty    emptiness
	finish   finish
}

func (r *resolver) fail(err error) { r.errs = append(r.errs, err) }

func (r *resolver) terms(terms []Term, conds []*field.Predicate) {
	for i := range terms {
		t := &terms[i]
		switch {
		case t.cond != nil:
			p, err := t.cond.Resolve(r.in)
			if err != nil {
				r.fail(fmt.Errorf("agg.Where: %w", err))
			}
			if len(t.terms) == 0 {
				r.fail(errors.New("agg.Where has no terms; name after the condition what it applies to"))
			}
			r.terms(t.terms, append(slices.Clip(conds), p))
		case t.build == nil:
			r.fail(errors.New("a term is empty; make terms with agg.Count, agg.Sum, …"))
		default:
			r.term(t, conds)
		}
	}
}

func (r *resolver) term(t *Term, conds []*field.Predicate) {
	name := "agg." + strings.ReplaceAll(strings.ToUpper(t.function[:1])+t.function[1:], " ", "")
	b := &bound{function: t.function, args: t.args, empty: t.empty}
	known := len(r.errs)
	if t.err != nil {
		r.fail(fmt.Errorf("%s: %w", name, t.err))
	}
	resolve := func(p *field.Probe, pointer any, role string) (field.Ref, bool) {
		ref, err := p.Resolve(pointer, role+" of "+name)
		if err != nil {
			r.fail(err)
		}
		return ref, err == nil
	}
	var ok bool
	if b.out, ok = resolve(r.out, t.out, "the output"); ok {
		// Also when the term turns out to be wrong, so that its field is not
		// reported as never set on top.
		r.plan.terms = append(r.plan.terms, b)
	}
	if t.in != nil {
		b.in, _ = resolve(r.in, t.in, "the input")
	}
	for _, pointer := range t.by {
		ref, _ := resolve(r.in, pointer, "a field of agg.By")
		b.by = append(b.by, ref)
	}
	if len(r.errs) > known || slices.Contains(conds, nil) { // a nil condition has been reported
		return
	}
	b.outType = typeAt(r.plan.output, b.out.Path)
	b.where = r.where(conds)
	r.checkEmpty(t, b, name)
	var err error
	if b.finish, err = t.build(r, b); err != nil {
		r.fail(err)
	}
}

// checkEmpty refuses a term that can have no value for an output that cannot say so.
func (r *resolver) checkEmpty(t *Term, b *bound, name string) {
	if t.empty == emptyValue || b.outType.Nullable {
		return
	}
	var why string
	switch {
	case t.empty == singleNull:
		why = "a group of one row has none"
	case b.where != 0:
		why = "no row may satisfy the condition"
	case t.in != nil && b.in.Type.Nullable:
		why = b.in.Name + " may be null in all rows"
	case r.scope.MayBeEmpty:
		why = "there may be no row"
	default:
		return
	}
	r.fail(fmt.Errorf("%s of %s may have no value (%s) and field %s cannot be null; make the field a pointer", name, b.in.Name, why, b.out.Name))
}

// where returns the number of the conjunction of conditions, 0 for none.
func (r *resolver) where(conds []*field.Predicate) int {
	if len(conds) == 0 {
		return 0
	}
	p := conds[0]
	if len(conds) > 1 {
		p = &field.Predicate{Op: field.OpAnd, Children: slices.Clone(conds)}
	}
	for i, known := range r.plan.wheres {
		if known != nil && known.String() == p.String() {
			return i
		}
	}
	r.plan.wheres = append(r.plan.wheres, p)
	return len(r.plan.wheres) - 1
}

// stateSpec describes a state that terms need.
type stateSpec struct {
	name   string        // identity within a condition
	where  int           // which rows it sees
	paths  [][]int       // its input and the fields of By; none: it only sees that there are rows
	whole  bool          // its input is the whole row, nulls included
	timed  bool          // it reads event time
	fields []batch.Field // what it saves
	make   func() state
}

// state returns the number of the state described, registering it when no
// other term has asked for the same.
func (r *resolver) state(spec stateSpec) int {
	for i, known := range r.plan.states {
		if known.name == spec.name && known.where == spec.where {
			return i
		}
	}
	if spec.where != 0 {
		for i := range spec.fields {
			spec.fields[i].Name += " where " + r.plan.wheres[spec.where].String()
		}
	}
	r.plan.states = append(r.plan.states, spec)
	return len(r.plan.states) - 1
}

// seen registers the count of values of t's input and returns a function that
// gives the validity of results: a group is null where nothing was counted.
func (r *resolver) seen(t *bound) func(*Table, *request) batch.Bitmap {
	return r.atLeast(t, 1)
}

// atLeast is seen for results that need more than one value.
func (r *resolver) atLeast(t *bound, least int64) func(*Table, *request) batch.Bitmap {
	present := r.present(t)
	return func(t *Table, q *request) batch.Bitmap {
		n := t.states[present].(*counts).n
		var valid batch.Bitmap
		for i, s := range q.slots {
			if n[s] >= least {
				continue
			}
			if valid == nil {
				valid = batch.NewBitmap(len(q.slots))
				valid.SetAll(len(q.slots))
			}
			valid.Clear(i)
		}
		return valid
	}
}

// String renders the term as EXPLAIN shows it: max(delay where type = "buy").
func (b *bound) text(p *Plan) string {
	inner := b.in.Name
	if b.args != "" {
		inner += ", " + b.args
	}
	if len(b.by) > 0 {
		inner += " by " + field.Names(b.by)
	}
	if b.where != 0 {
		inner = strings.TrimSpace(inner + " where " + p.wheres[b.where].String())
	}
	if inner == "" {
		return b.function
	}
	return b.function + "(" + inner + ")"
}

func typeAt(t *batch.Type, path []int) *batch.Type {
	for _, i := range path {
		t = t.Fields[i].Type
	}
	return t
}
