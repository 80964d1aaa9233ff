package agg

import (
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// checkOutputs reports output fields that are set twice, also as a part of each
// other, and, unless partial, those that are never set.
func checkOutputs(p *Plan, partial bool) []error {
	var errs []error
	for i, a := range p.terms {
		for _, b := range p.terms[:i] {
			n := min(len(a.out.Path), len(b.out.Path))
			if slices.Equal(a.out.Path[:n], b.out.Path[:n]) {
				errs = append(errs, fmt.Errorf("%s and %s both set field %s of the result; give each a field of its own", b.text(p), a.text(p), longer(a, b)))
			}
		}
	}
	if !partial {
		errs = append(errs, missing(p, p.output, nil, "")...)
	}
	return errs
}

func longer(a, b *bound) string {
	if len(a.out.Path) > len(b.out.Path) {
		return a.out.Name
	}
	return b.out.Name
}

// missing reports the fields under path that no term sets.
func missing(p *Plan, t *batch.Type, path []int, name string) []error {
	inside := false
	for _, term := range p.terms {
		if slices.Equal(term.out.Path, path) {
			return nil
		}
		inside = inside || len(term.out.Path) > len(path) && slices.Equal(term.out.Path[:len(path)], path)
	}
	if t.Kind != batch.Struct || !inside && len(path) > 0 {
		if name == "" {
			name = "value"
		}
		return []error{fmt.Errorf("no term sets field %s of the result; add a term, or tag the field `leat:\"-\"` when it is not part of the result", name)}
	}
	var errs []error
	for i, f := range t.Fields {
		full := f.Name
		if name != "" {
			full = name + "." + f.Name
		}
		errs = append(errs, missing(p, f.Type, append(slices.Clip(path), i), full)...)
	}
	return errs
}
