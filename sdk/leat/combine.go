package leat

import (
	"context"
	"errors"
	"iter"
	"reflect"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// KeyBy gives each row a key. With field.Of and field.Into the key is a column
// of the row and costs nothing; field.Func runs a function for each row. Null
// is a key of its own.
func KeyBy[A any, K comparable](in PCollection[A], name string, key field.Key[A, K]) PCollection[KV[K, A]] {
	if !in.valid() {
		return failed[KV[K, A]](in.pipeline)
	}
	p := in.pipeline
	copies, function, err := key.Resolve()
	keys, kerr := codec.For[K]()
	if err := errors.Join(err, kerr); err != nil {
		p.fail(name, err)
		return failed[KV[K, A]](p)
	}
	var op graph.Op
	keyType := keys.Type()
	if function != nil {
		op = &graph.Rows{Name: "keyby", Note: "func", New: func() (graph.RowFn, error) {
			return &keyFn[A, K]{in: newRowsIn(in.rows), encode: keys.NewEncoder(), f: function, kv: kvType(keys.Type(), in.edge.Type())}, nil
		}}
	} else {
		expr := keyExpr(copies, keys.Type())
		keyType = expr.Type
		op = &graph.Project{Name: "keyby", Expr: graph.Expr{Type: kvType(keyType, in.edge.Type()), Fields: []graph.Expr{expr, {Type: in.edge.Type()}}}}
	}
	rows := newKV[K, A](keys, keyType, in.rows, in.edge.Type())
	n := p.add(name, op, []graph.Edge{in.edge}, graph.Output{Type: rows.Type(), Windowing: in.edge.Windowing()})
	if n == nil {
		return failed[KV[K, A]](p)
	}
	return PCollection[KV[K, A]]{p, graph.Edge{Node: n}, rows}
}

// keyExpr builds the key column of field.Of (one copy to the root) or
// field.Into (one copy for each field of the key). A nullable column makes the
// key nullable.
func keyExpr(copies []field.Projected, key *batch.Type) graph.Expr {
	if len(copies) == 1 && len(copies[0].To.Path) == 0 {
		return graph.Expr{Path: copies[0].From.Path, Type: copies[0].From.Type}
	}
	t := &batch.Type{Kind: batch.Struct, Fields: append([]batch.Field(nil), key.Fields...)}
	fields := make([]graph.Expr, len(t.Fields))
	for _, c := range copies {
		i := c.To.Path[0]
		fields[i] = graph.Expr{Path: c.From.Path, Type: c.From.Type}
		t.Fields[i].Type = c.From.Type
	}
	return graph.Expr{Fields: fields, Type: t}
}

// keyFn computes keys with a function and puts them beside the row's columns.
type keyFn[A any, K comparable] struct {
	stateless
	in     *rowsIn[A]
	encode *codec.Encoder[K]
	keys   [chunkRows]K
	f      func(A) K
	kv     *batch.Type
}

// Process implements graph.RowFn.
func (k *keyFn[A, K]) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	b = b.Compact()
	err := k.in.each(b, func(chunk []A, _ []int32) error {
		for i := range chunk {
			k.in.at = i
			k.keys[i] = k.f(chunk[i])
		}
		return k.encode.Append(k.keys[:len(chunk)])
	})
	if err != nil {
		return err
	}
	return emit(0, b.WithRoot(batch.NewStruct(k.kv, b.Physical(), k.encode.Finish(), b.Root)))
}

// Keys drops the values of keyed rows.
func Keys[K, V any](in PCollection[KV[K, V]]) PCollection[K] { return half[K](in, 0, "keys") }

// Values drops the keys of keyed rows.
func Values[K, V any](in PCollection[KV[K, V]]) PCollection[V] { return half[V](in, 1, "values") }

func half[T, K, V any](in PCollection[KV[K, V]], side int, name string) PCollection[T] {
	if !in.valid() {
		return failed[T](in.pipeline)
	}
	t := in.edge.Type().Fields[side].Type
	op := &graph.Project{Name: name, Expr: graph.Expr{Path: []int{side}, Type: t}}
	n := in.pipeline.addUnnamed(op, []graph.Edge{in.edge}, graph.Output{Type: t, Windowing: in.edge.Windowing()})
	kv := in.rows.(*kvDecoder[K, V])
	rows, ok := any(kv.key).(decoder[T])
	if side == 1 {
		rows, ok = any(kv.value).(decoder[T])
	}
	if !ok {
		panic("leat: the halves of a KV have lost their type") // T is K or V by the two callers above
	}
	return PCollection[T]{in.pipeline, graph.Edge{Node: n}, rows}
}

// Combine aggregates the values of each key and window. A result has the last
// moment of its window as event time and stays in that window.
func Combine[K comparable, V, R any](in PCollection[KV[K, V]], name string, a agg.Aggregate[V, R]) PCollection[KV[K, R]] {
	results, err := codec.For[R]()
	if err != nil && in.valid() {
		in.pipeline.fail(name, err)
		return failed[KV[K, R]](in.pipeline)
	}
	return combine(in, name, "combine", a, decoder[R](results))
}

func combine[K comparable, V, R, O any](in PCollection[KV[K, V]], name, kind string, a agg.Aggregate[V, R], results decoder[O]) PCollection[KV[K, O]] {
	if !in.valid() {
		return failed[KV[K, O]](in.pipeline)
	}
	p := in.pipeline
	if isNil(a) {
		p.fail(name, errors.New("the aggregate is nil; make one with agg.Into or agg.Custom"))
		return failed[KV[K, O]](p)
	}
	plan, err := a.Plan()
	if err == nil {
		err = timeFits(in.edge)
	}
	if err != nil {
		p.fail(name, err)
		return failed[KV[K, O]](p)
	}
	key := in.edge.Type().Fields[0].Type
	kv := in.rows.(*kvDecoder[K, V])
	rows := newKV[K, O](kv.key, key, results, plan.Output())
	w := in.edge.Windowing()
	w.Grouped = true
	n := p.add(name, &graph.Combine{Name: kind, Aggregate: plan, Key: key}, []graph.Edge{in.edge}, graph.Output{Type: rows.Type(), Windowing: w})
	if n == nil {
		return failed[KV[K, O]](p)
	}
	return PCollection[KV[K, O]]{p, graph.Edge{Node: n}, rows}
}

// timeFits refuses windows over rows that have no event time.
func timeFits(e graph.Edge) error {
	w := e.Windowing()
	if w.Fn.Kind() == window.KindGlobal || w.Grouped || hasTime(e.Node, map[*graph.Node]bool{}) {
		return nil
	}
	return errors.New("the rows are in " + w.Fn.String() + " windows but have no event time; give leat.Read the option leat.EventTime")
}

// hasTime reports whether every source behind n declares event time.
func hasTime(n *graph.Node, seen map[*graph.Node]bool) bool {
	if seen[n] {
		return true
	}
	seen[n] = true
	if r, ok := n.Op.(*graph.Read); ok {
		return r.EventTime.Declared()
	}
	for _, in := range n.Inputs {
		if !hasTime(in.Node, seen) {
			return false
		}
	}
	return true
}

// GroupByKey collects the values of each key and window, ordered by event time
// and then by the canonical bytes of the value, whatever the order of arrival.
// Prefer Combine, which does not hold the values.
func GroupByKey[K comparable, V any](in PCollection[KV[K, V]], name string) PCollection[KV[K, iter.Seq[V]]] {
	if !in.valid() {
		return failed[KV[K, iter.Seq[V]]](in.pipeline)
	}
	all := agg.Into(func(v *V, list *[]V) []agg.Term { return []agg.Term{agg.CollectList(list, v)} })
	return combine(in, name, "group", all, decoder[iter.Seq[V]](&seqDecoder[V]{in.rows.(*kvDecoder[K, V]).value}))
}

// seqDecoder decodes a list column as sequences that decode their rows when
// they are ranged over.
type seqDecoder[V any] struct{ element decoder[V] }

// Type implements decoder.
func (d *seqDecoder[V]) Type() *batch.Type {
	return &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: d.element.Type()}}}
}

// Decode implements decoder.
func (d *seqDecoder[V]) Decode(root *batch.Column, rows []int32, dst []iter.Seq[V]) error {
	for i := range dst {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		from, to := root.Range(row)
		dst[i] = d.rows(root.Children[0], from, to)
	}
	return nil
}

func (d *seqDecoder[V]) rows(c *batch.Column, from, to int) iter.Seq[V] {
	return func(yield func(V) bool) {
		var at [chunkRows]int32
		var values [chunkRows]V
		for ; from < to; from += chunkRows {
			n := min(chunkRows, to-from)
			for i := range n {
				at[i] = int32(from + i)
			}
			if err := d.element.Decode(c, at[:n], values[:n]); err != nil {
				panic(err) // the values were encoded from a valid column; the step's guard reports it
			}
			for i := range n {
				if !yield(values[i]) {
					return
				}
			}
		}
	}
}

// presence is the aggregate of Distinct: that a row was there at all.
type presence struct {
	Rows int64
}

// Distinct keeps one row of each set of equal rows in each window.
func Distinct[T comparable](in PCollection[T], name string) PCollection[T] {
	if !in.valid() {
		return in
	}
	whole := KeyBy(in, name+"-key", field.Of(func(row *T) *T { return row }))
	if !whole.valid() {
		return failed[T](in.pipeline)
	}
	there := agg.Into(func(_ *T, p *presence) []agg.Term { return []agg.Term{agg.Count(&p.Rows)} })
	counted := combine(whole, name, "distinct", there, decoder[presence](mustCodec[presence]()))
	return Keys(counted)
}

// typeName is the Go type of T for messages.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
