package field

import (
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// Ref is a resolved column: where it is in the type and what it holds.
type Ref struct {
	Path []int       // child indexes from the root of the type
	Name string      // dotted, for messages and EXPLAIN; "value" for a scalar root
	Type *batch.Type // with Nullable folded in from every struct on the way
}

// Probe is one sample value of a Go type on which a description runs. Use:
// NewProbe, hand Pointer to the description, then Resolve what it returned.
type Probe struct {
	value  reflect.Value // *T
	plan   *codec.Plan
	places map[place]Ref
	ends   []span // memory of the probe, to tell a foreign pointer
}

// place is an address and the type a pointer to it has: the first field of a
// struct has the address of the struct itself.
type place struct {
	address unsafe.Pointer
	goType  reflect.Type
}

type span struct{ from, to uintptr }

// Variants is how many differently filled probes a description runs on.
const Variants = 2

// NewProbe returns a filled sample of t. Probes of another variant have other
// values in every field.
func NewProbe(t reflect.Type, variant int) (*Probe, error) {
	value := reflect.New(t)
	if _, err := codec.PlanOfSample(value.Elem()); err != nil {
		return nil, err
	}
	codec.Fill(value.Elem(), variant)
	return &Probe{value: value}, nil
}

// Value returns the *T to hand to a description, as reflect.Value.
func (p *Probe) Value() reflect.Value { return p.value }

// Plan returns the plan of the type. Call it after the description has run: a
// description may declare the names of a leat.Columns field.
func (p *Probe) Plan() (*codec.Plan, error) {
	if p.plan != nil {
		return p.plan, nil
	}
	plan, err := codec.PlanOfSample(p.value.Elem())
	if err != nil {
		return nil, err
	}
	p.plan = plan
	p.places = make(map[place]Ref)
	plan.Walk(p.value.Elem(), func(ptr unsafe.Pointer, t reflect.Type, path []int, name string) {
		if name == "" {
			name = "value"
		}
		ref := Ref{Path: append([]int(nil), path...), Name: name, Type: typeAt(plan.Type(), path)}
		p.places[place{ptr, t}] = ref
		p.ends = append(p.ends, span{uintptr(ptr), uintptr(ptr) + t.Size()})
	})
	return plan, nil
}

// typeAt returns the type at path, nullable when anything on the way is.
func typeAt(t *batch.Type, path []int) *batch.Type {
	nullable := t.Nullable
	for _, i := range path {
		t = t.Fields[i].Type
		nullable = nullable || t.Nullable
	}
	if nullable == t.Nullable {
		return t
	}
	c := *t
	c.Nullable = true
	return &c
}

// Resolve tells which column a pointer returned by a description means. role
// names the argument in the error: "the first argument of agg.Sum".
func (p *Probe) Resolve(pointer any, role string) (Ref, error) {
	if _, err := p.Plan(); err != nil {
		return Ref{}, err
	}
	v := reflect.ValueOf(pointer)
	if v.Kind() != reflect.Pointer {
		return Ref{}, fmt.Errorf("%s is a %T, not a pointer into the row", role, pointer)
	}
	if v.IsNil() {
		return Ref{}, fmt.Errorf("%s is a nil pointer; name a field of the row, &r.Field (or r.Field where the field is itself a pointer)", role)
	}
	if ref, ok := p.places[place{v.UnsafePointer(), v.Type().Elem()}]; ok {
		return ref, nil
	}
	if v.Elem().Kind() == reflect.Pointer && p.inside(v.Pointer()) {
		return Ref{}, fmt.Errorf("%s points to a pointer field of %s; pass the field itself, without &", role, p.value.Type().Elem())
	}
	if p.inside(v.Pointer()) {
		return Ref{}, fmt.Errorf("%s points into %s, but not to a field that is a column", role, p.value.Type().Elem())
	}
	return Ref{}, fmt.Errorf("%s does not point into the %s the description was given; a description must name fields of its arguments", role, p.value.Type().Elem())
}

func (p *Probe) inside(address uintptr) bool {
	for _, s := range p.ends {
		if s.from <= address && address < s.to {
			return true
		}
	}
	return false
}

// Same reports whether two resolved lists name the same columns in the same
// order, which a description run on two probes must.
func Same(a, b []Ref) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name {
			return false
		}
	}
	return true
}

// Names joins the names of refs for a message.
func Names(refs []Ref) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// Guard calls a description and turns a panic in it into an error.
func Guard(run func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the description panicked: %v; it runs once at construction on sample values and may only name fields", r)
		}
	}()
	run()
	return nil
}
