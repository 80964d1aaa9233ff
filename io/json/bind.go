package json

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// node builds one column. A tree of them, bound to the row type once a reader,
// takes the records; the vectors are handed over with every batch.
type node struct {
	typ  *batch.Type
	rows int // so far in this batch

	nulls   []int32 // rows that are null, ascending
	ints    []int64
	floats  []float64
	bools   []bool
	strings batch.Strings
	offsets []int32 // lists and maps: where each row ends in the children

	children []*node
	labels   [][]byte       // struct: "name": of each child, as most writers put it
	names    map[string]int // struct: position of each child
	seen     []uint64       // struct: the object in which each child last occurred
	object   uint64         // struct: objects so far
	unread   bool           // the pipeline does not read it: skip, leave the column nil
	refuse   bool           // struct: unknown fields are mistakes

	order    []int32 // map: the entries in key order
	shuffled bool    // map: that order is not the one they came in
}

// bind makes the nodes for a row type that validate accepted. needed is as in
// connector.Request.
func bind(t *batch.Type, needed []bool, refuse bool) *node {
	n := &node{typ: t, refuse: refuse}
	for i, f := range t.Fields {
		child := bind(f.Type, nil, refuse)
		child.unread = needed != nil && t.Kind == batch.Struct && !needed[i]
		n.children = append(n.children, child)
	}
	if t.Kind == batch.Struct {
		n.seen = make([]uint64, len(t.Fields))
		n.names = make(map[string]int, len(t.Fields))
		for i, f := range t.Fields {
			n.names[f.Name] = i
			n.labels = append(n.labels, append(appendString(nil, []byte(f.Name)), ':'))
		}
	}
	n.clear()
	return n
}

// clear begins a new batch with vectors as large as the last ones had become.
func (n *node) clear() {
	size := n.rows
	n.rows, n.nulls, n.order, n.shuffled = 0, nil, nil, false
	switch n.typ.Kind.Form() {
	case batch.IntForm:
		n.ints = make([]int64, 0, size)
	case batch.FloatForm:
		n.floats = make([]float64, 0, size)
	case batch.BoolForm:
		n.bools = make([]bool, 0, size)
	case batch.StringForm:
		bytes := len(n.strings.Data)
		n.strings = batch.Strings{Offsets: make([]int32, 1, size+1), Data: make([]byte, 0, bytes+bytes/8)}
	case batch.ListForm:
		n.offsets = make([]int32, 1, size+1)
	}
}

// column hands over the rows so far.
func (n *node) column() *batch.Column {
	if n.unread {
		return nil
	}
	c := &batch.Column{Type: n.typ, Len: n.rows, Ints: n.ints, Floats: n.floats, Bools: n.bools,
		Strings: n.strings, Offsets: n.offsets}
	if len(n.nulls) > 0 {
		c.Valid = batch.NewBitmap(n.rows)
		c.Valid.SetAll(n.rows)
		for _, row := range n.nulls {
			c.Valid.Clear(int(row))
		}
	}
	for _, child := range n.children {
		column := child.column()
		if n.shuffled {
			column = column.Gather(n.order)
		}
		c.Children = append(c.Children, column)
	}
	n.clear()
	return c
}

// truncate cuts the column back to its first rows: what a bad record had
// appended before it turned out bad. Columns that it had not reached yet are as
// long already.
func (n *node) truncate(rows int) {
	if n.unread {
		return
	}
	n.rows = rows
	for len(n.nulls) > 0 && int(n.nulls[len(n.nulls)-1]) >= rows {
		n.nulls = n.nulls[:len(n.nulls)-1]
	}
	inner := rows
	switch n.typ.Kind.Form() {
	case batch.IntForm:
		n.ints = n.ints[:rows]
	case batch.FloatForm:
		n.floats = n.floats[:rows]
	case batch.BoolForm:
		n.bools = n.bools[:rows]
	case batch.StringForm:
		n.strings.Offsets = n.strings.Offsets[:rows+1]
		n.strings.Data = n.strings.Data[:n.strings.Offsets[rows]]
	case batch.ListForm:
		n.offsets = n.offsets[:rows+1]
		inner = int(n.offsets[rows])
		n.order = n.order[:min(len(n.order), inner)]
	}
	for _, child := range n.children {
		child.truncate(inner)
	}
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
