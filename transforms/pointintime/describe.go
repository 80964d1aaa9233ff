package pointintime

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/leat"
)

// sampled is a lookup as it was described on one probe of the rows.
type sampled struct {
	probe  *field.Probe
	lookup Lookup
}

// join is a description resolved to columns.
type join struct {
	inputs  []leat.Input // the spine, then what is looked up, each once
	copies  []graph.Copied
	lookups []graph.Lookup
	output  *codec.Plan
}

func (j *join) op() graph.Op { return &graph.PointInTime{Copies: j.copies, Lookups: j.lookups} }

// describe runs the description on two probes that are filled differently. What
// it names must not depend on the values.
func describe[S, O any](spine leat.Input, f func(*S, *O) []Term) (*join, error) {
	if f == nil {
		return nil, errors.New("pointintime.Join needs a function, got nil")
	}
	var runs [field.Variants]*join
	for variant := range runs {
		in, err := field.NewProbe(reflect.TypeFor[S](), variant)
		if err != nil {
			return nil, fmt.Errorf("the rows of the spine: %w", err)
		}
		out, err := field.NewProbe(reflect.TypeFor[O](), variant)
		if err != nil {
			return nil, fmt.Errorf("the rows of pointintime.Join: %w", err)
		}
		r := &resolver{spine: in, out: out, join: &join{inputs: []leat.Input{spine}}}
		var terms []Term
		if err := field.Guard(func() {
			terms = f(in.Value().Interface().(*S), out.Value().Interface().(*O))
			r.sample(terms, variant)
		}); err != nil {
			return nil, err
		}
		if runs[variant], err = r.resolve(terms); err != nil {
			return nil, err
		}
	}
	for _, other := range runs[1:] {
		if a, b := runs[0].outline(), other.outline(); a != b {
			return nil, fmt.Errorf("the description gave (%s) on one sample row and (%s) on another; it runs once, at construction, and must not depend on values", a, b)
		}
	}
	return runs[0], nil
}

// outline is all that two runs of a description must agree on.
func (j *join) outline() string {
	parts := make([]string, 0, len(j.copies)+len(j.lookups))
	for _, c := range j.copies {
		parts = append(parts, fmt.Sprintf("%s = column %v", c.Name, c.From))
	}
	for i := range j.lookups {
		l := &j.lookups[i]
		names := field.Names(l.Aggregate.Targets())
		parts = append(parts, fmt.Sprintf("%s = input %d by %s %s", names, l.Input, l.Key, l.String()))
	}
	return strings.Join(parts, ", ")
}

// resolver resolves one run of a description and collects its mistakes.
type resolver struct {
	spine, out *field.Probe
	samples    []*sampled // by term; nil for a Copy
	join       *join
	errs       []error
}

func (r *resolver) fail(err error) {
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

// sample runs the descriptions inside of the terms. All have to run before any
// pointer is resolved: one may yet declare names of a leat.Columns.
func (r *resolver) sample(terms []Term, variant int) {
	r.samples = make([]*sampled, len(terms))
	for i := range terms {
		if terms[i].from {
			var err error
			r.samples[i], err = terms[i].sample(variant)
			r.fail(err)
		}
	}
}

func (r *resolver) resolve(terms []Term) (*join, error) {
	var err error
	if r.join.output, err = r.out.Plan(); err != nil {
		return nil, errors.Join(append(r.errs, err)...)
	}
	if spine := r.join.inputs[0]; spine.Known() && !spine.Timed() {
		r.fail(errors.New("the rows of the spine have no event time, so nobody can say what was known then; give their leat.Read the option leat.EventTime or leat.EventTimeField"))
	}
	if len(terms) == 0 {
		r.fail(errors.New("the description has no terms; return pointintime.Copy and pointintime.From for the fields of the output"))
	}
	for i := range terms {
		switch {
		case r.samples[i] != nil:
			r.from(&terms[i], r.samples[i])
		case terms[i].out != nil || terms[i].in != nil:
			r.copy(&terms[i])
		case !terms[i].from:
			r.fail(fmt.Errorf("term %d is empty; make terms with pointintime.Copy and pointintime.From", i+1))
		}
	}
	if len(r.errs) == 0 && r.join.inputs[0].Known() { // else no Copy is bound
		r.fail(r.join.covers())
	}
	return r.join, errors.Join(r.errs...)
}

func (r *resolver) copy(t *Term) {
	to, err := r.out.Resolve(t.out, "the first argument of pointintime.Copy")
	r.fail(err)
	from, ferr := r.spine.Resolve(t.in, "the second argument of pointintime.Copy")
	r.fail(ferr)
	if err != nil || ferr != nil || !r.join.inputs[0].Known() {
		return
	}
	if from, err = r.join.inputs[0].Bind(from); err != nil {
		r.fail(fmt.Errorf("pointintime.Copy: the spine: %w", err))
		return
	}
	if from.Type.Nullable && !to.Type.Nullable {
		r.fail(fmt.Errorf("pointintime.Copy of %s: it may be null and field %s cannot be; make the field a pointer", from.Name, to.Name))
	}
	r.join.copies = append(r.join.copies, graph.Copied{To: to.Path, From: from.Path, Name: to.Name})
}

// input returns the number of a collection among the inputs.
func (r *resolver) input(in leat.Input) int {
	for i, known := range r.join.inputs[1:] {
		if known.Same(in) {
			return i + 1
		}
	}
	r.join.inputs = append(r.join.inputs, in)
	return len(r.join.inputs) - 1
}

func (r *resolver) from(t *Term, s *sampled) {
	l := graph.Lookup{Input: r.input(t.rows)}
	label := fmt.Sprintf("lookup %d", len(r.join.lookups)+1)
	if t.rows.Known() {
		label = fmt.Sprintf("lookup %d, from %s", len(r.join.lookups)+1, t.rows.Name())
		if !t.rows.Timed() {
			r.fail(fmt.Errorf("%s: the rows have no event time, so nobody can say when they became known; give their leat.Read the option leat.EventTime or leat.EventTimeField", label))
		}
	}
	before := len(r.errs)
	r.within(&l, s.lookup.Within)
	r.on(&l, s, t.rows)
	r.get(&l, s, t.rows)
	for i, err := range r.errs[before:] {
		r.errs[before+i] = fmt.Errorf("%s: %w", label, err)
	}
	r.join.lookups = append(r.join.lookups, l)
}

func (r *resolver) within(l *graph.Lookup, w time.Duration) {
	switch {
	case w <= 0:
		r.fail(fmt.Errorf("the window Within is %s; it must be longer than 0, for example 24 * time.Hour", w))
	case w%time.Microsecond != 0:
		r.fail(fmt.Errorf("the window Within is %s; event times are in microseconds, so it must be a whole number of them", w))
	}
	l.Within = w.Microseconds()
}

// on resolves the key.
func (r *resolver) on(l *graph.Lookup, s *sampled, rows leat.Input) {
	if len(s.lookup.On) == 0 {
		r.fail(errors.New("On is empty, so no row would match; pair columns of both sides with pointintime.Equal"))
	}
	var names []string
	for _, p := range s.lookup.On {
		spine, err := r.spine.Resolve(p.spine, "the first argument of pointintime.Equal, a column of the spine,")
		r.fail(err)
		row, rerr := s.probe.Resolve(p.row, "the second argument of pointintime.Equal, a column of the rows,")
		r.fail(rerr)
		if err != nil || rerr != nil || !rows.Known() || !r.join.inputs[0].Known() {
			continue
		}
		if spine, err = r.join.inputs[0].Bind(spine); err != nil {
			r.fail(fmt.Errorf("the spine: %w", err))
			continue
		}
		if row, err = rows.Bind(row); err != nil {
			r.fail(err)
			continue
		}
		r.fail(mayBeEqual(spine, row))
		l.Spine, l.Rows = append(l.Spine, spine.Path), append(l.Rows, row.Path)
		names = append(names, spine.Name+" = "+row.Name)
	}
	l.Key = strings.Join(names, " and ")
}

// mayBeEqual refuses columns whose values cannot be equal.
func mayBeEqual(spine, row field.Ref) error {
	a, b := *spine.Type, *row.Type
	a.Nullable, b.Nullable = false, false
	if !a.Equal(&b) {
		return fmt.Errorf("%s of the spine is %s and %s of the rows is %s, which are never equal; give both the same type", spine.Name, &a, row.Name, &b)
	}
	return nil
}

// get resolves the aggregates.
func (r *resolver) get(l *graph.Lookup, s *sampled, rows leat.Input) {
	if len(s.lookup.Get) == 0 {
		r.fail(errors.New("Get is empty; name what to make of the rows, for example agg.Count(&o.Count)"))
		return
	}
	plan, err := agg.Resolve(s.probe, r.out, s.lookup.Get, agg.Scope{Partial: true, MayBeEmpty: true})
	if err != nil {
		r.fail(err)
		return
	}
	switch {
	case plan.NeedsKey():
		r.fail(errors.New("agg.Key has no meaning in a lookup; the key is a column of the spine: pointintime.Copy it"))
	case plan.NeedsWindow():
		r.fail(errors.New("agg.WindowStart and agg.WindowEnd have no meaning in a lookup, whose window ends at the event time of the spine"))
	case rows.Known():
		r.fail(rows.Fits(plan))
	}
	l.Aggregate = plan
}

// target is a field of the output and what sets it.
type target struct {
	path []int
	name string
}

// covers checks that each field of the output is set, and once.
func (j *join) covers() error {
	var targets []target
	for _, c := range j.copies {
		targets = append(targets, target{c.To, c.Name})
	}
	for i := range j.lookups {
		for _, ref := range j.lookups[i].Aggregate.Targets() {
			targets = append(targets, target{ref.Path, ref.Name})
		}
	}
	var errs []error
	for i, a := range targets {
		for _, b := range targets[:i] {
			if n := min(len(a.path), len(b.path)); slices.Equal(a.path[:n], b.path[:n]) {
				errs = append(errs, fmt.Errorf("field %s of the output is set twice; give each term a field of its own", a.name))
				break
			}
		}
	}
	return errors.Join(append(errs, missing(targets, j.output.Type(), nil, "")...)...)
}

// missing reports the fields under path that no term sets.
func missing(targets []target, t *batch.Type, path []int, name string) []error {
	inside := len(path) == 0
	for _, term := range targets {
		if slices.Equal(term.path, path) {
			return nil
		}
		inside = inside || len(term.path) > len(path) && slices.Equal(term.path[:len(path)], path)
	}
	if t.Kind != batch.Struct || !inside {
		return []error{fmt.Errorf("no term sets field %s of the output; add a term, or tag the field `leat:\"-\"` when it is not part of the output", strings.TrimPrefix(name, "."))}
	}
	var errs []error
	for i, f := range t.Fields {
		errs = append(errs, missing(targets, f.Type, append(slices.Clip(path), i), name+"."+f.Name)...)
	}
	return errs
}
