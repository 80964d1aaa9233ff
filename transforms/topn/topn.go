// Package topn keeps, for each key and window, the rows that rank highest or
// lowest by one of their fields.
//
// The one central idea: the rows kept are an aggregate, so that of a million
// rows of a key at most n are held, in each task and behind the exchange:
//
//	task 0   9 2 7 4  ─▶ [9 7] ─┐
//	                            ├─▶ [9 8]        n = 2
//	task 1   8 1 5    ─▶ [8 5] ─┘
package topn

import (
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// Largest keeps the n rows with the largest values of a field, the largest
// first. by is a description: it returns the address of a field of its argument.
//
//	dearest := topn.Largest(byCustomer, "dearest", 3, func(o *Order) *float64 { return &o.Price })
//
// Rows with equal values are ordered by event time, the latest first, and then
// by what is in them, so that the result does not depend on the order of
// arrival. Null ranks lowest.
func Largest[K comparable, V any, F field.Ordered](in leat.PCollection[leat.KV[K, V]], name string, n int, by func(*V) *F) leat.PCollection[leat.KV[K, []V]] {
	return leat.Combine(in, name, agg.Into(func(row *V, kept *[]V) []agg.Term {
		return []agg.Term{agg.TopK(kept, row, n, agg.By(by(row)))}
	}))
}

// Smallest keeps the n rows with the smallest values of a field, the smallest
// first; among rows with equal values the earliest is first. See Largest.
func Smallest[K comparable, V any, F field.Ordered](in leat.PCollection[leat.KV[K, V]], name string, n int, by func(*V) *F) leat.PCollection[leat.KV[K, []V]] {
	return leat.Combine(in, name, agg.Into(func(row *V, kept *[]V) []agg.Term {
		return []agg.Term{agg.BottomK(kept, row, n, agg.By(by(row)))}
	}))
}
