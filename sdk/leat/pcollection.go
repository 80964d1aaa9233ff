package leat

import (
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// PCollection is a collection of rows of type T, bounded or not: a handle on an
// edge of the graph. It holds no rows, may be copied and used by any number of
// steps. The zero value belongs to no pipeline; giving it to a step panics.
type PCollection[T any] struct {
	pipeline *Pipeline
	edge     graph.Edge
	rows     decoder[T]
}

// valid reports whether the collection comes from a step that was built without
// mistakes. What a step given an invalid one would check of its input is left
// out: the mistake is recorded already.
func (c PCollection[T]) valid() bool { return c.edge.Node != nil }

// failed is the output of a step with a mistake: it keeps the pipeline, so that
// independent mistakes of later steps are still found.
func failed[T any](p *Pipeline) PCollection[T] { return PCollection[T]{pipeline: p} }

// KV is a row with a key. As columns it is struct{key K, value V}. Where the key
// is a nullable column and a key is null, decoding it into a K that is no
// pointer is an error; agg.Key into a pointer field keeps it.
type KV[K, V any] struct {
	Key   K `leat:"key"`
	Value V `leat:"value"`
}

// Columns is a struct of columns repeated under names that are only known when
// the pipeline is built: a field Origin leat.Columns[Stats] for which a
// description calls At("1h") and At("6h") becomes the columns origin_count_1h,
// origin_sum_1h, origin_count_6h, …
type Columns[S any] = codec.Columns[S]

// decoder turns columns into rows of T: a *codec.Codec[T] or a composition. It is
// safe for concurrent use.
type decoder[T any] interface {
	Type() *batch.Type
	// Decode sets dst[i] to row rows[i] of root, or to row i when rows is nil.
	Decode(root *batch.Column, rows []int32, dst []T) error
}

// kvDecoder decodes keyed rows. The type is that of the columns: a nullable key
// differs from what its decoder says.
type kvDecoder[K, V any] struct {
	key   decoder[K]
	value decoder[V]
	kv    *batch.Type
	// whole decodes both halves at once, in place. It is nil for rows that only
	// their halves can decode: sequences, and those with leat.Columns.
	whole *codec.Codec[KV[K, V]]
}

func newKV[K, V any](key decoder[K], keyType *batch.Type, value decoder[V], valueType *batch.Type) *kvDecoder[K, V] {
	d := &kvDecoder[K, V]{key: key, value: value, kv: kvType(keyType, valueType)}
	if whole, err := codec.For[KV[K, V]](); err == nil && sameColumns(whole.Type(), d.kv) {
		d.whole = whole
	}
	return d
}

func kvType(key, value *batch.Type) *batch.Type {
	return &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: key}, {Name: "value", Type: value}}}
}

// Type implements decoder.
func (d *kvDecoder[K, V]) Type() *batch.Type { return d.kv }

// Decode implements decoder.
func (d *kvDecoder[K, V]) Decode(root *batch.Column, rows []int32, dst []KV[K, V]) error {
	if root == nil { // not read, as nobody needs it
		clear(dst)
		return nil
	}
	if d.whole != nil {
		if err := d.whole.Decode(root, rows, dst); err != nil {
			return d.nullKey(err, root.Children[0], rows, len(dst))
		}
		return nil
	}
	keys, values := make([]K, len(dst)), make([]V, len(dst))
	if err := d.key.Decode(root.Children[0], rows, keys); err != nil {
		return d.nullKey(err, root.Children[0], rows, len(dst))
	}
	if err := d.value.Decode(root.Children[1], rows, values); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = KV[K, V]{keys[i], values[i]}
	}
	return nil
}

// nullKey explains an error when it is that of a key that is null.
func (d *kvDecoder[K, V]) nullKey(err error, key *batch.Column, rows []int32, n int) error {
	if key == nil || key.Valid == nil || d.key.Type().Nullable {
		return err
	}
	for i := range n {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if !key.Valid.Get(row) {
			return fmt.Errorf("a key is null, and a function cannot see that in a %s; drop such rows with leat.Where in front of leat.KeyBy, or put the key into a pointer field of the result with agg.Key and go on with leat.Values", reflect.TypeFor[K]())
		}
	}
	return err
}
