package field

import (
	"fmt"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// Op is the operation of a predicate.
type Op uint8

// The operations. Negation has been pushed into them; see Cond.
const (
	OpEqual Op = iota + 1
	OpNotEqual
	OpLess
	OpAtMost
	OpGreater
	OpAtLeast
	OpIn
	OpNotIn
	OpIsNull
	OpNotNull
	OpAnd
	OpOr
	opNot
)

var opSigns = [...]string{"", "=", "≠", "<", "≤", ">", "≥", "in", "not in", "is null", "is not null", "and", "or", "not"}
var opFunctions = [...]string{"", "Equal", "NotEqual", "Less", "AtMost", "Greater", "AtLeast", "In", "In", "IsNull", "IsNull", "And", "Or", "Not"}
var opNegated = [...]Op{0, OpNotEqual, OpEqual, OpAtLeast, OpGreater, OpAtMost, OpLess, OpNotIn, OpIn, OpNotNull, OpIsNull, OpOr, OpAnd, 0}

// String returns the sign of the operation.
func (o Op) String() string { return opSigns[o] }

func (o Op) function() string { return opFunctions[o] }
func (o Op) negated() Op      { return opNegated[o] }

// Predicate is a resolved condition over the columns of one type. It is
// immutable.
type Predicate struct {
	Op       Op
	Ref      Ref          // the column; unset for And and Or
	Values   []Value      // one, or the list of In and NotIn
	Children []*Predicate // of And and Or
}

// Reads appends the paths of the columns that the predicate reads.
func (p *Predicate) Reads(paths [][]int) [][]int {
	if p == nil {
		return paths
	}
	if p.Op != OpAnd && p.Op != OpOr {
		return append(paths, p.Ref.Path)
	}
	for _, c := range p.Children {
		paths = c.Reads(paths)
	}
	return paths
}

// String renders the predicate as EXPLAIN shows it: delay ≥ 15 and origin = "ATL".
func (p *Predicate) String() string {
	switch p.Op {
	case OpAnd, OpOr:
		if len(p.Children) == 0 {
			return map[Op]string{OpAnd: "true", OpOr: "false"}[p.Op]
		}
		parts := make([]string, len(p.Children))
		for i, c := range p.Children {
			parts[i] = c.String()
			if len(c.Children) > 1 {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, " "+p.Op.String()+" ")
	case OpIsNull, OpNotNull:
		return p.Ref.Name + " " + p.Op.String()
	case OpIn, OpNotIn:
		parts := make([]string, len(p.Values))
		for i, v := range p.Values {
			parts[i] = v.String()
		}
		return fmt.Sprintf("%s %s (%s)", p.Ref.Name, p.Op, strings.Join(parts, ", "))
	}
	return fmt.Sprintf("%s %s %s", p.Ref.Name, p.Op, p.Values[0])
}

// Stats is what is known about a column of a row group or page.
type Stats struct {
	HasMinMax bool
	Min, Max  Value // bounds; may be wider than the values, never narrower
	Nulls     int64 // -1 when not known
	Rows      int64
}

// Prune reports whether, by the statistics, no row can satisfy p. stats returns
// false for a column without statistics.
func (p *Predicate) Prune(stats func(path []int) (Stats, bool)) bool {
	switch p.Op {
	case OpAnd:
		for _, c := range p.Children {
			if c.Prune(stats) {
				return true
			}
		}
		return false
	case OpOr:
		for _, c := range p.Children {
			if !c.Prune(stats) {
				return false
			}
		}
		return true
	}
	s, ok := stats(p.Ref.Path)
	if !ok {
		return false
	}
	return p.pruneLeaf(s)
}

func (p *Predicate) pruneLeaf(s Stats) bool {
	switch {
	case p.Op == OpIsNull:
		return s.Nulls == 0
	case p.Op == OpNotNull:
		return s.Nulls == s.Rows
	case s.Nulls == s.Rows: // every comparison with null is unknown
		return true
	case !s.HasMinMax:
		return false
	}
	below := func(v Value) bool { return v.Compare(s.Min) < 0 }
	above := func(v Value) bool { return v.Compare(s.Max) > 0 }
	switch p.Op {
	case OpEqual:
		return below(p.Values[0]) || above(p.Values[0])
	case OpLess:
		return !(s.Min.Compare(p.Values[0]) < 0)
	case OpAtMost:
		return below(p.Values[0])
	case OpGreater:
		return !(s.Max.Compare(p.Values[0]) > 0)
	case OpAtLeast:
		return above(p.Values[0])
	case OpIn:
		for _, v := range p.Values {
			if !below(v) && !above(v) {
				return false
			}
		}
		return true
	}
	return false // NotEqual, NotIn: bounds may be inexact
}

// Evaluator evaluates one predicate batch after batch. It caches the answer per
// dictionary entry, so it belongs to one task.
type Evaluator struct {
	predicate *Predicate
	children  []*Evaluator
	dict      *batch.Dictionary
	keep      []bool // per entry of dict
	scratch   []int32
	narrowed  [2][]int32
}

// NewEvaluator returns an evaluator of p.
func (p *Predicate) NewEvaluator() *Evaluator {
	e := &Evaluator{predicate: p}
	for _, c := range p.Children {
		e.children = append(e.children, c.NewEvaluator())
	}
	return e
}

// Rows appends to dst those of rows (nil: all rows of root) for which the
// predicate is true, ascending as rows are.
func (e *Evaluator) Rows(root *batch.Column, rows, dst []int32) []int32 {
	switch e.predicate.Op {
	case OpAnd:
		return e.all(root, rows, dst)
	case OpOr:
		return e.any(root, rows, dst)
	}
	return e.leaf(root.Flatten(e.predicate.Ref.Path), rows, dst)
}

// all narrows the rows child by child.
func (e *Evaluator) all(root *batch.Column, rows, dst []int32) []int32 {
	if len(e.children) == 0 {
		return appendRows(dst, rows, root.Len)
	}
	for i, c := range e.children {
		if i == len(e.children)-1 {
			return c.Rows(root, rows, dst)
		}
		next := &e.narrowed[i&1] // the rows being read are in the other one
		*next = c.Rows(root, rows, (*next)[:0])
		if len(*next) == 0 {
			return dst
		}
		rows = *next
	}
	return dst
}

// any merges the ascending answers of the children.
func (e *Evaluator) any(root *batch.Column, rows, dst []int32) []int32 {
	var union []int32
	for _, c := range e.children {
		e.scratch = c.Rows(root, rows, e.scratch[:0])
		union = mergeRows(union, e.scratch)
	}
	return append(dst, union...)
}

func mergeRows(a, b []int32) []int32 {
	out := make([]int32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func appendRows(dst, rows []int32, n int) []int32 {
	if rows != nil {
		return append(dst, rows...)
	}
	for i := range int32(n) {
		dst = append(dst, i)
	}
	return dst
}
