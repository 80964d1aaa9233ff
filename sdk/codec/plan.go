package codec

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/batch"
)

// Plan says which column each part of a Go type is: made once by reflection,
// immutable, safe for concurrent use.
type Plan struct {
	goType reflect.Type
	root   *node
}

// node is one column of a plan: where its values lie in memory, seen from the
// value that contains them, and what they are.
type node struct {
	name   string       // of the column; "" at the root and for elements
	path   string       // Go path for messages: flights.Flight.Route.Origin
	column string       // dotted column name for messages: route.origin
	offset uintptr      // from the start of the containing struct
	goType reflect.Type // of the value itself: the pointee when pointer is set
	slice  reflect.Type // []goType, to make slabs of values
	size   uintptr
	typ    *batch.Type
	form   form

	// pointer marks a nullable column: at offset lies a *goType.
	pointer bool
	// opaque marks a type with memory that no column stands for (fields tagged
	// "-"), at any depth: it has to be cleared before a row is decoded into it.
	opaque bool

	fields []*node   // struct: its own fields, without those of groups; list: element; map: key, value
	index  []int     // struct: child index in typ of each of fields
	groups []*groups // struct: its Columns fields

	children []*node // one for each of typ.Fields: fields and those of groups
}

// groups is one Columns field of a struct: the same columns under several names.
// Child first+g*len(row.fields)+i of the struct is field i under names[g].
type groups struct {
	offset uintptr
	names  []string
	row    *node   // S itself
	fields []*node // fields of all groups in order, named and pathed; offsets are those in S
	first  int
	fixed  *fixedGroups // what decoded rows share
}

// form is the Go representation of a value, which decides the loop that moves it.
type form uint8

const (
	noForm form = iota
	boolForm
	intForm
	int8Form
	int16Form
	int32Form
	int64Form
	uintForm
	uint8Form
	uint16Form
	uint32Form
	uint64Form
	float32Form
	float64Form
	stringForm
	bytesForm
	timeForm
	listForm
	mapForm
	structForm
)

// PlanOf returns the plan of t. The error names every field that cannot be a
// column, with its Go path and what to use instead, all joined.
func PlanOf(t reflect.Type) (*Plan, error) {
	return planOf(t, reflect.Value{})
}

// PlanOfSample returns the plan of the type of sample, an addressable value. It
// is PlanOf, except that the names of Columns fields are those that At was
// called with on the sample.
func PlanOfSample(sample reflect.Value) (*Plan, error) {
	if !sample.CanAddr() {
		return nil, fmt.Errorf("codec: the sample of %s is not addressable; pass reflect.New(t).Elem()", sample.Type())
	}
	return planOf(sample.Type(), sample)
}

func planOf(t reflect.Type, sample reflect.Value) (*Plan, error) {
	if t == nil {
		return nil, errors.New("codec: no type: an interface cannot be a row; use a concrete type")
	}
	s := scanner{open: make(map[reflect.Type]bool), sampled: sample.IsValid()}
	root := s.value(place{path: t.String()}, t, sample)
	if len(s.errs) > 0 {
		return nil, fmt.Errorf("%s cannot be made into columns:\n%w", t, errors.Join(s.errs...))
	}
	root.link()
	return &Plan{goType: t, root: root}, nil
}

// link sets children, from the leaves up.
func (n *node) link() {
	n.children = make([]*node, len(n.typ.Fields))
	for i, f := range n.fields {
		at := i
		if n.form == structForm {
			at = n.index[i]
		}
		n.children[at] = f
	}
	for _, g := range n.groups {
		copy(n.children[g.first:], g.fields)
	}
	for _, child := range n.children {
		child.link()
	}
}

// Type returns the type of the column that holds rows of the Go type.
func (p *Plan) Type() *batch.Type { return p.root.typ }

// GoType returns the Go type the plan was made of.
func (p *Plan) GoType() reflect.Type { return p.goType }
