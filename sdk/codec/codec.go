package codec

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// Codec moves rows between Go values of T and columns. It is immutable and safe
// for concurrent use; an Encoder is not.
//
// Empty and absent: a nil pointer is null. A nil list, map or []byte is an empty
// one, and an empty one decodes as nil.
type Codec[T any] struct{ plan *Plan }

// For returns the codec of T, or the error of PlanOf.
func For[T any]() (*Codec[T], error) {
	p, err := PlanOf(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	return &Codec[T]{plan: p}, nil
}

// ForPlan returns the codec of T by a plan that was made of T, which is how a
// type with leat.Columns gets one.
func ForPlan[T any](p *Plan) (*Codec[T], error) {
	if t := reflect.TypeFor[T](); p.goType != t {
		return nil, fmt.Errorf("codec: a plan of %s cannot encode %s", p.goType, t)
	}
	return &Codec[T]{plan: p}, nil
}

// Type returns the type of the column that holds rows of T.
func (c *Codec[T]) Type() *batch.Type { return c.plan.root.typ }

// Plan returns the plan the codec works by.
func (c *Codec[T]) Plan() *Plan { return c.plan }

// Decode sets dst[i] to row rows[i] of root; rows nil means rows 0 to
// len(dst)-1. Every field is set, so that dst can be reused; a field whose
// column was not read (nil) gets its zero value.
//
// Strings are views into the column, which never changes: they may be kept, and
// keep the column alive. Lists, []byte and pointees are copies; those of one
// call share memory, which lives as long as one of them does.
//
// A null in a field that is no pointer and an integer that does not fit its
// field are errors that name column, row and field. dst is then unspecified.
func (c *Codec[T]) Decode(root *batch.Column, rows []int32, dst []T) error {
	if len(dst) == 0 {
		return nil
	}
	rows, first, missing, err := c.plan.ready(root, rows, len(dst))
	if err != nil {
		return err
	}
	if missing || c.plan.root.opaque {
		clear(dst)
	}
	to := memory{base: unsafe.Pointer(unsafe.SliceData(dst)), stride: unsafe.Sizeof(dst[0]), n: len(dst), first: first}
	return c.plan.root.decode(root, rows, to)
}

// ready checks what Decode is given: that n rows are there and that the column
// is of the plan's type. Rows that follow each other become nil and the first of
// them. missing says that some column was not read, so that the rows have to be
// cleared before.
func (p *Plan) ready(root *batch.Column, rows []int32, n int) (_ []int32, first int, missing bool, err error) {
	switch {
	case root == nil:
		return rows, 0, true, nil
	case rows == nil && n > root.Len:
		return nil, 0, false, fmt.Errorf("codec: %d rows asked of a batch of %d", n, root.Len)
	case rows != nil && len(rows) < n:
		return nil, 0, false, fmt.Errorf("codec: room for %d rows, but %d are listed", n, len(rows))
	case rows != nil:
		rows = rows[:n]
		run, err := inBounds(rows, root.Len)
		if err != nil {
			return nil, 0, false, err
		}
		if run {
			rows, first = nil, int(rows[0])
		}
	}
	missing, err = p.root.check(root)
	return rows, first, missing, err
}

// inBounds checks that rows are below n, and reports whether each follows the one
// before it.
func inBounds(rows []int32, n int) (run bool, err error) {
	if len(rows) == 0 {
		return false, nil
	}
	apart := int32(0)
	for i, r := range rows {
		if uint(r) >= uint(n) {
			return false, fmt.Errorf("codec: row %d asked of a batch of %d", r, n)
		}
		apart |= r - rows[0] - int32(i)
	}
	return apart == 0, nil
}

// check reports whether the column fits the node, and whether a column that the
// node needs was not read.
func (n *node) check(c *batch.Column) (missing bool, err error) {
	if c == nil {
		return true, nil
	}
	if !fits(c.Type.Kind, n.typ.Kind) {
		return false, fmt.Errorf("codec: column %s is %s, but %s is %s and needs %s", n.label(), c.Type, n.path, n.goType, n.typ)
	}
	if len(n.typ.Fields) != len(c.Children) {
		return false, fmt.Errorf("codec: column %s has %d children (%s), but %s needs %d (%s)", n.label(), len(c.Children), c.Type, n.path, len(n.typ.Fields), n.typ)
	}
	for i, child := range c.Children {
		m, err := n.children[i].check(child)
		if err != nil {
			return false, err
		}
		missing = missing || m
	}
	return missing, nil
}

// fits reports whether values of a column of kind have can be put into a field
// of kind want, perhaps with a check of their range.
func fits(have, want batch.Kind) bool {
	if have == want {
		return true
	}
	if have == batch.Uint64 || want == batch.Uint64 {
		return false
	}
	return have.Integer() && want.Integer() || have.Float() && want.Float() || have.Form() == batch.StringForm && want.Form() == batch.StringForm
}

// label names the column in messages.
func (n *node) label() string {
	if n.column == "" {
		return "value"
	}
	return n.column
}
