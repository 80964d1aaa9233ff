package leat

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// KeyBy gives each row a key. With field.Of and field.Into the key is a column
// of the row and costs nothing; field.Func runs a function for each row, which
// may be called from several goroutines at once. Null is a key of its own.
func KeyBy[A any, K comparable](in PCollection[A], name string, key field.Key[A, K]) PCollection[KV[K, A]] {
	s := in.begin(name)
	k := keyOf(s, in, key)
	if !s.ok(in.valid()) {
		return failed[KV[K, A]](s.p)
	}
	return k.add(s, in)
}

// keying is a key that has been resolved to columns or a function.
type keying[A any, K comparable] struct {
	codec    *codec.Codec[K]
	function func(A) K
	expr     graph.Expr // when there is no function
}

// keyOf checks a key for the rows of in.
func keyOf[A any, K comparable](s *step, in PCollection[A], key field.Key[A, K]) *keying[A, K] {
	copies, function, err := key.Resolve()
	k := &keying[A, K]{function: function}
	if err != nil { // for a K without columns it says so too
		s.check(err)
		return k
	}
	if k.codec, err = codec.For[K](); err != nil {
		s.check(err)
		return k
	}
	if function == nil && in.valid() {
		k.expr, err = keyExpr(copies, k.codec.Type(), in.edge.Type())
		s.check(err)
	}
	return k
}

// keyExpr builds the key column of field.Of (one copy to the root) or
// field.Into (one copy for each field of the key). A nullable column makes the
// key nullable.
func keyExpr(copies []field.Projected, key, row *batch.Type) (graph.Expr, error) {
	t := &batch.Type{Kind: batch.Struct, Fields: append([]batch.Field(nil), key.Fields...)}
	fields := make([]graph.Expr, len(t.Fields))
	for _, c := range copies {
		from, err := bind(c.From, row)
		if err != nil {
			return graph.Expr{}, err
		}
		column := graph.Expr{Path: from.Path, Type: from.Type}
		if len(c.To.Path) == 0 {
			return column, nil
		}
		i := c.To.Path[0]
		fields[i], t.Fields[i].Type = column, from.Type
	}
	return graph.Expr{Fields: fields, Type: t}, nil
}

// add appends the step that makes keyed rows.
func (k *keying[A, K]) add(s *step, in PCollection[A]) PCollection[KV[K, A]] {
	row := in.edge.Type()
	var op graph.Op
	keyType := k.codec.Type()
	if k.function == nil {
		keyType = k.expr.Type
		op = &graph.Project{Name: "keyby", Expr: graph.Expr{Type: kvType(keyType, row), Fields: []graph.Expr{k.expr, {Type: row}}}}
	} else {
		op = &graph.Rows{Name: "keyby", Note: "func", New: func() (graph.RowFn, error) {
			return &keyFn[A, K]{in: newRowsIn(in.rows), encode: k.codec.NewEncoder(), f: k.function, kv: kvType(keyType, row)}, nil
		}}
	}
	rows := newKV(decoder[K](k.codec), keyType, in.rows, row)
	n := s.add(op, []graph.Edge{in.edge}, graph.Output{Type: rows.Type(), Windowing: in.edge.Windowing()})
	return PCollection[KV[K, A]]{s.p, graph.Edge{Node: n}, rows}
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
		return k.in.ours(func() error { return encode(k.encode, k.keys[:len(chunk)]) })
	})
	if err != nil {
		return err
	}
	return emit(0, b.WithRoot(batch.NewStruct(k.kv, b.Physical(), k.encode.Finish(), b.Root)))
}

// Keys drops the values of keyed rows. It costs nothing per row.
func Keys[K, V any](in PCollection[KV[K, V]]) PCollection[K] {
	s := in.rewire("keys")
	if !s.ok(in.valid()) {
		return failed[K](s.p)
	}
	return PCollection[K]{s.p, half(s, in.edge, 0), halves(in).key}
}

// Values drops the keys of keyed rows. It costs nothing per row.
func Values[K, V any](in PCollection[KV[K, V]]) PCollection[V] {
	s := in.rewire("values")
	if !s.ok(in.valid()) {
		return failed[V](s.p)
	}
	return PCollection[V]{s.p, half(s, in.edge, 1), halves(in).value}
}

// half adds a step that keeps one column of keyed rows.
func half(s *step, in graph.Edge, side int) graph.Edge {
	t := in.Type().Fields[side].Type
	op := &graph.Project{Name: [...]string{"keys", "values"}[side], Expr: graph.Expr{Path: []int{side}, Type: t}}
	return graph.Edge{Node: s.add(op, []graph.Edge{in}, graph.Output{Type: t, Windowing: in.Windowing()})}
}

// halves returns the decoders of keys and values: those the rows were keyed
// with, or, for KV rows that a function or a source made, new ones.
func halves[K, V any](in PCollection[KV[K, V]]) *kvDecoder[K, V] {
	if kv, ok := in.rows.(*kvDecoder[K, V]); ok {
		return kv
	}
	t := in.edge.Type()
	return newKV(decoder[K](mustCodec[K]()), t.Fields[0].Type, decoder[V](mustCodec[V]()), t.Fields[1].Type)
}
