package leat

import (
	"errors"
	"fmt"
	"iter"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// CoGroup calls f for each key and window in which a row of a or b is, with the
// rows of both, and takes what it returns. Both must be in the same windows;
// sessions grow with the rows of both together. The rows of each side are ordered
// by event time and then by the canonical bytes of the value, and a sequence may
// be ranged over several times; what GroupByKey says of keeping one holds here too.
// A result has the last moment of its window as event time and stays in that
// window. f may be called from several goroutines at once.
func CoGroup[K comparable, A, B, R any](a PCollection[KV[K, A]], b PCollection[KV[K, B]], name string, f func(K, iter.Seq[A], iter.Seq[B]) R) PCollection[R] {
	s := a.begin(name)
	groups := coGroup(s, a, b)
	return rowsOf(s, groups, "map", f == nil, func(out *codec.Codec[R]) graph.RowFn {
		each := func(g KV[K, groupSides[A, B]]) R { return f(g.Key, g.Value.left, g.Value.right) }
		return &mapFn[KV[K, groupSides[A, B]], R]{in: newRowsIn(groups.rows), encode: out.NewEncoder(), f: each}
	})
}

// A CoGroup is a GroupByKey of rows that are of one side or the other:
//
//	a ─ side ─┐
//	          ├─ flatten ─ group ─ map
//	b ─ side ─┘
//
// so that it has the windows, both plans, and the spilling of a GroupByKey.

// coGroup appends the steps in front of the function, unless there is a mistake.
func coGroup[K comparable, A, B any](s *step, a PCollection[KV[K, A]], b PCollection[KV[K, B]]) PCollection[KV[K, groupSides[A, B]]] {
	plan := planOf(s, agg.Into(func(v *eitherSide[A, B], list *[]eitherSide[A, B]) []agg.Term {
		return []agg.Term{agg.CollectList(list, v)}
	}))
	if !bothSides(s, a, b) {
		return failed[KV[K, groupSides[A, B]]](s.p)
	}
	w, err := groupable(a.edge, b.edge)
	s.check(err)
	rows := sidesType(a.edge.Type(), b.edge.Type())
	if plan != nil && !sameColumns(plan.Input(), rows.Fields[1].Type) {
		s.check(errors.New("rows with leat.Columns cannot be grouped with others; map them to rows without"))
	}
	if len(s.errs) > 0 {
		return failed[KV[K, groupSides[A, B]]](s.p)
	}
	left, right := oneSide(s, "left", 0, a.edge, rows, w), oneSide(s, "right", 1, b.edge, rows, w)
	both := &step{p: s.p, name: s.name + ".both"}
	n := both.add(&graph.Flatten{}, []graph.Edge{left, right}, like(left))
	values := &sidesDecoder[A, B]{left: seqDecoder[A]{element: halves(a).value, side: 1}, right: seqDecoder[B]{element: halves(b).value, side: 2}}
	group := &step{p: s.p, name: s.name + ".group"}
	groups := grouped(group, "group", graph.Edge{Node: n}, plan, halves(a).key, decoder[groupSides[A, B]](values))
	group.connectLate(groups.edge.Node, a.edge, group.lateSide("left", 0, a.edge))
	group.connectLate(groups.edge.Node, b.edge, group.lateSide("right", 1, b.edge))
	return groups
}

// groupable checks that rows of two sides can be grouped together, and says in which
// windows they are then. Rows that are in fixed windows, or in the global one, may
// have been put there by a grouping step on one side only.
func groupable(a, b graph.Edge) (graph.Windowing, error) {
	w, other := a.Windowing(), b.Windowing()
	single := w.Fn.Kind() == window.KindGlobal || w.Fn.Kind() == window.KindAligned && w.Fn.Size() == w.Fn.Period()
	if single && w.Fn.Equal(other.Fn) && w.Strategy.Equal(other.Strategy) {
		w.Grouped = w.Grouped || other.Grouped
	} else if err := sameWindows(w, other); err != nil {
		return w, fmt.Errorf("input 2: %w", err)
	}
	return w, bothTimed(a, b)
}

// eitherSide is a row of one side or the other.
type eitherSide[A, B any] struct {
	Left  *sideValue[A] `leat:"left"`
	Right *sideValue[B] `leat:"right"`
}

// sideValue is a value that is there, though it may be null.
type sideValue[T any] struct {
	Value T `leat:"value"`
}

// sidesType is struct{key K, value struct{left struct{value A}, right struct{value
// B}}} for keyed rows of two sides.
func sidesType(a, b *batch.Type) *batch.Type {
	side := func(kv *batch.Type) *batch.Type {
		return &batch.Type{Kind: batch.Struct, Nullable: true, Fields: []batch.Field{{Name: "value", Type: kv.Fields[1].Type}}}
	}
	return kvType(eitherNull(a.Fields[0].Type, b.Fields[0].Type),
		&batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "left", Type: side(a)}, {Name: "right", Type: side(b)}}})
}

// oneSide appends a step that makes rows of sidesType from those of one side.
func oneSide(s *step, what string, side int, in graph.Edge, t *batch.Type, w graph.Windowing) graph.Edge {
	both := t.Fields[1].Type
	sides := []graph.Expr{{Null: true, Type: both.Fields[0].Type}, {Null: true, Type: both.Fields[1].Type}}
	value := graph.Expr{Path: []int{1}, Type: in.Type().Fields[1].Type}
	sides[side] = graph.Expr{Type: both.Fields[side].Type, Fields: []graph.Expr{value}}
	expr := graph.Expr{Type: t, Fields: []graph.Expr{{Path: []int{0}, Type: t.Fields[0].Type}, {Type: both, Fields: sides}}}
	one := &step{p: s.p, name: s.name + "." + what}
	n := one.add(&graph.Project{Name: "side", Expr: expr}, []graph.Edge{in}, graph.Output{Type: t, Windowing: w})
	return graph.Edge{Node: n}
}

// groupSides are the rows of a group.
type groupSides[A, B any] struct {
	left  iter.Seq[A]
	right iter.Seq[B]
}

// sidesDecoder decodes a list of eitherSide as two sequences.
type sidesDecoder[A, B any] struct {
	left  seqDecoder[A]
	right seqDecoder[B]
}

// Type implements decoder.
func (d *sidesDecoder[A, B]) Type() *batch.Type { return d.left.Type() }

// Decode implements decoder.
func (d *sidesDecoder[A, B]) Decode(root *batch.Column, rows []int32, dst []groupSides[A, B]) error {
	left, right := make([]iter.Seq[A], len(dst)), make([]iter.Seq[B], len(dst))
	if err := errors.Join(d.left.Decode(root, rows, left), d.right.Decode(root, rows, right)); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = groupSides[A, B]{left[i], right[i]}
	}
	return nil
}
