// Package dedupe keeps one row of those with equal keys.
//
// The one central idea: which row is kept depends on event time and on what is in
// the rows, never on the order in which they arrive, so that a repeated delivery
// changes nothing and both plans keep the same rows.
//
//	First       within each window the earliest row of a key, at the window's end
package dedupe

import (
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
)

// First keeps, for each key and window, the row with the earliest event time; among
// those of one time, the one whose columns come first. It comes when the window
// ends, with the last moment of the window as event time, as with leat.Combine.
//
//	orders := dedupe.First(leat.Window(byOrderID, window.Fixed(24*time.Hour)), "once")
func First[K comparable, V any](in leat.PCollection[leat.KV[K, V]], name string) leat.PCollection[leat.KV[K, V]] {
	return leat.Combine(in, name, agg.Into(func(row *V, first *V) []agg.Term {
		return []agg.Term{agg.First(first, row)}
	}))
}
