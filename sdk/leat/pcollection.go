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

// kvDecoder decodes keyed rows from the decoders of their halves. The type is
// that of the columns: a nullable key differs from what its decoder says.
type kvDecoder[K, V any] struct {
	key   decoder[K]
	value decoder[V]
	kv    *batch.Type
}

func newKV[K, V any](key decoder[K], keyType *batch.Type, value decoder[V], valueType *batch.Type) *kvDecoder[K, V] {
	return &kvDecoder[K, V]{key: key, value: value, kv: kvType(keyType, valueType)}
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
	keys, values := make([]K, len(dst)), make([]V, len(dst))
	if err := d.key.Decode(root.Children[0], rows, keys); err != nil {
		return d.keyError(err)
	}
	if err := d.value.Decode(root.Children[1], rows, values); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = KV[K, V]{keys[i], values[i]}
	}
	return nil
}

func (d *kvDecoder[K, V]) keyError(err error) error {
	if d.kv.Fields[0].Type.Nullable && !d.key.Type().Nullable {
		return fmt.Errorf("a function is to see a null key as %s; drop such rows with leat.Where in front of leat.KeyBy, or put the key into a pointer field of the result with agg.Key and go on with leat.Values (%w)", reflect.TypeFor[K](), err)
	}
	return fmt.Errorf("key: %w", err)
}
