package agg

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
)

// Plan is a resolved aggregate: what it reads, what it makes, and how its
// accumulators are kept. It is immutable and safe for concurrent use.
type Plan struct {
	input, output *batch.Type
	result        *codec.Plan        // of the Go type of the results
	wheres        []*field.Predicate // by number; 0 is nil: all rows
	states        []stateSpec
	terms         []*bound
	feeds         [][]feed // by condition: which inputs go to which states
	saved         *batch.Type
	custom        string // name of the accumulator of Custom
}

// feed is an input column of a condition and the states that read it, so that
// conditions are evaluated and nulls skipped once for all of them.
type feed struct {
	rows   bool // only that there are rows, no column
	whole  bool // the row itself, nulls included
	path   []int
	name   string
	states []int
}

// finish derives what follows from the states.
func (p *Plan) finish() {
	p.feeds = make([][]feed, len(p.wheres))
	p.saved = &batch.Type{Kind: batch.Struct}
	for i := range p.states {
		s := &p.states[i]
		f := feed{rows: len(s.paths) == 0 && !s.whole, whole: s.whole}
		if len(s.paths) > 0 {
			f.path, f.name = s.paths[0], fieldName(p.input, s.paths[0])
		}
		list := p.feeds[s.where]
		at := slices.IndexFunc(list, func(o feed) bool {
			return o.rows == f.rows && o.whole == f.whole && slices.Equal(o.path, f.path)
		})
		if at < 0 {
			at, list = len(list), append(list, f)
		}
		list[at].states = append(list[at].states, i)
		p.feeds[s.where] = list
		p.saved.Fields = append(p.saved.Fields, s.fields...)
	}
}

// fieldName returns the dotted name of the field at path.
func fieldName(t *batch.Type, path []int) string {
	var parts []string
	for _, i := range path {
		parts = append(parts, t.Fields[i].Name)
		t = t.Fields[i].Type
	}
	if len(parts) == 0 {
		return "value"
	}
	return strings.Join(parts, ".")
}

// Input returns the type of the rows.
func (p *Plan) Input() *batch.Type { return p.input }

// Output returns the type of the results.
func (p *Plan) Output() *batch.Type { return p.output }

// Result returns how results become Go values. Only the description knows the
// names of leat.Columns fields, so a codec of the results is made from this.
func (p *Plan) Result() *codec.Plan { return p.result }

// Reads returns the paths of the columns of a row that are read, conditions
// included, each once. It is nil when All is true.
func (p *Plan) Reads() [][]int {
	if p.All() {
		return nil
	}
	var paths [][]int
	for _, w := range p.wheres {
		paths = w.Reads(paths)
	}
	for i := range p.states {
		paths = append(paths, p.states[i].paths...)
	}
	slices.SortFunc(paths, slices.Compare)
	return slices.CompactFunc(paths, slices.Equal)
}

// All reports whether every column is read, because a user's accumulator sees
// the rows.
func (p *Plan) All() bool { return p.custom != "" }

// UsesTime reports whether event time decides anything.
func (p *Plan) UsesTime() bool {
	return slices.ContainsFunc(p.states, func(s stateSpec) bool { return s.timed })
}

// NeedsKey reports whether results contain the key, so that Results needs keys.
func (p *Plan) NeedsKey() bool { return p.has("key") }

// NeedsWindow reports whether results contain the begin or end of the window,
// so that Results needs start and end.
func (p *Plan) NeedsWindow() bool { return p.has("window start") || p.has("window end") }

func (p *Plan) has(function string) bool {
	return slices.ContainsFunc(p.terms, func(b *bound) bool { return b.function == function })
}

// CheckEmpty says which terms have no value for a group without any row and no
// output that could be null then. A plan for which it returns nil may be asked for
// the results of such a group.
func (p *Plan) CheckEmpty() error {
	var errs []error
	for _, b := range p.terms {
		if b.empty != emptyValue && !b.outType.Nullable {
			errs = append(errs, fmt.Errorf("%s has no value when there is no row, and field %s cannot be null; make the field a pointer", b.text(p), b.out.Name))
		}
	}
	return errors.Join(errs...)
}

// Targets returns the output fields in the order of the terms, which is the
// order of Table.Columns. It is empty for Custom, which makes a result whole.
func (p *Plan) Targets() []field.Ref {
	refs := make([]field.Ref, len(p.terms))
	for i, t := range p.terms {
		refs[i] = t.out
	}
	return refs
}

// Saved returns the type of the column of saved accumulators.
func (p *Plan) Saved() *batch.Type { return p.saved }

// String renders the aggregate as EXPLAIN shows it:
// count, sum(delay), max(delay where type = "buy").
func (p *Plan) String() string {
	if p.custom != "" {
		return "custom " + p.custom
	}
	parts := make([]string, len(p.terms))
	for i, t := range p.terms {
		parts[i] = t.text(p)
	}
	return strings.Join(parts, ", ")
}

// Equal reports whether both plans compute the same fields in the same way
// from the same types. A user's accumulators are equal when their types are.
func (p *Plan) Equal(o *Plan) bool {
	return p.input.Equal(o.input) && p.output.Equal(o.output) && p.outline() == o.outline()
}

// outline is String with the name of each output.
func (p *Plan) outline() string {
	var b strings.Builder
	b.WriteString(p.custom)
	for _, t := range p.terms {
		b.WriteString(t.out.Name + " = " + t.text(p) + "\n")
	}
	return b.String()
}
