package leat

import (
	"iter"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// GroupByKey collects the values of each key and window, ordered by event time
// and then by the canonical bytes of the value, whatever the order of arrival.
// A sequence may be ranged over several times. It may be kept, unless a batch
// plan has a memory budget that its values do not fit: then it reads them from
// disk, and ends with the call it was an argument of. Prefer Combine, which does
// not hold the values.
//
// As columns a group is struct{key K, value list<V>}, so that a sink writes it
// and KV[K, []V] reads it.
func GroupByKey[K comparable, V any](in PCollection[KV[K, V]], name string) PCollection[KV[K, iter.Seq[V]]] {
	s := in.begin(name)
	plan := planOf(s, agg.Into(func(v *V, list *[]V) []agg.Term { return []agg.Term{agg.CollectList(list, v)} }))
	if plan != nil && in.valid() {
		s.check(fits(plan, in.edge))
	}
	if !s.ok(in.valid()) {
		return failed[KV[K, iter.Seq[V]]](s.p)
	}
	kv := halves(in)
	return grouped(s, "group", in.edge, plan, kv.key, decoder[iter.Seq[V]](&seqDecoder[V]{element: kv.value}))
}

// seqDecoder decodes a list column as sequences that decode their rows when
// they are ranged over.
type seqDecoder[V any] struct {
	element decoder[V]
	// side, when not 0, says that elements are struct{left …, right …}, of which
	// the sequence has the values of the first or second, where they are not null.
	side int
}

// Type implements decoder.
func (d *seqDecoder[V]) Type() *batch.Type {
	return &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: d.element.Type()}}}
}

// Decode implements decoder.
func (d *seqDecoder[V]) Decode(root *batch.Column, rows []int32, dst []iter.Seq[V]) error {
	for i := range dst {
		if root == nil { // not read, as nobody needs it
			dst[i] = func(func(V) bool) {}
			continue
		}
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if root.Stream != nil {
			dst[i] = d.stream(root.Stream)
			continue
		}
		from, to := root.Range(row)
		dst[i] = d.rows(root.Children[0], from, to)
	}
	return nil
}

// rows returns elements [from, to) of a column that never changes.
func (d *seqDecoder[V]) rows(c *batch.Column, from, to int) iter.Seq[V] {
	var valid batch.Bitmap
	if d.side > 0 {
		c = c.Children[d.side-1]
		c, valid = c.Children[0], c.Valid
	}
	return func(yield func(V) bool) {
		size := min(chunkRows, to-from) // most groups are small
		at, values := make([]int32, 0, size), make([]V, size)
		for next := from; next < to; {
			for at = at[:0]; next < to && len(at) < size; next++ {
				if valid == nil || valid.Get(next) {
					at = append(at, int32(next))
				}
			}
			if err := d.element.Decode(c, at, values[:len(at)]); err != nil {
				panic(brokenColumn{err})
			}
			for i := range at {
				if !yield(values[i]) {
					return
				}
			}
		}
	}
}

// stream returns the elements of a list that is read from disk.
func (d *seqDecoder[V]) stream(s batch.Stream) iter.Seq[V] {
	return func(yield func(V) bool) {
		for piece, err := range s.Pieces() {
			if err != nil {
				panic(brokenColumn{err})
			}
			for v := range d.rows(piece, 0, piece.Len) {
				if !yield(v) {
					return
				}
			}
		}
	}
}
