package json

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message/columns"
)

// node fills one column. A tree of them, bound to the row type once a reader,
// takes the records.
type node struct {
	*columns.Builder
	kind     batch.Kind // of the builder's type
	children []*node
	refuse   bool // struct: unknown fields are mistakes

	labels [][]byte       // struct: "name": of each child, as most writers put it
	commas [][]byte       // struct: ,"name": of each child
	names  map[string]int // struct: position of each child
	seen   []uint64       // struct: the object in which each child last occurred
	object uint64         // struct: objects so far
}

// bind makes the nodes for a row type that validate accepted. needed is as in
// connector.Request.
func bind(t *batch.Type, needed []bool, refuse bool) *node {
	return bindTo(columns.New(t, needed), refuse)
}

func bindTo(b *columns.Builder, refuse bool) *node {
	n := &node{Builder: b, kind: b.Type.Kind, refuse: refuse}
	for _, child := range b.Children {
		n.children = append(n.children, bindTo(child, refuse))
	}
	if b.Type.Kind == batch.Struct {
		n.seen = make([]uint64, len(b.Type.Fields))
		n.names = make(map[string]int, len(b.Type.Fields))
		for i, f := range b.Type.Fields {
			n.names[f.Name] = i
			comma := append(appendString([]byte{','}, []byte(f.Name)), ':')
			n.commas, n.labels = append(n.commas, comma), append(n.labels, comma[1:])
		}
	}
	return n
}

// validate reports every part of a type that JSON cannot hold.
func validate(t *batch.Type) error {
	if t == nil {
		return errors.New("there is no row type")
	}
	var errs []error
	switch {
	case t.Kind.Form() == batch.NoForm:
		errs = append(errs, fmt.Errorf("no JSON value is a %s", t))
	case t.Kind == batch.Map:
		if key := t.Fields[0].Type; key.Kind != batch.String && !key.Kind.Integer() || key.Nullable {
			errs = append(errs, fmt.Errorf("the key of a JSON object is a string or an integer, not %s", key))
		}
	}
	names := map[string]bool{}
	for _, f := range t.Fields {
		if names[f.Name] {
			errs = append(errs, fmt.Errorf("two fields are called %q", f.Name))
		}
		names[f.Name] = true
		if err := validate(f.Type); err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", f.Name, err))
		}
	}
	return errors.Join(errs...)
}
