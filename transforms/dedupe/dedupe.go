// Package dedupe keeps one row of those with equal keys.
//
// The one central idea: which row is kept depends on event time and on what is in
// the rows, never on the order in which they arrive, so that a repeated delivery
// changes nothing and both plans keep the same rows.
//
//	First    in each window the earliest row of a key, at the window's end
//	Within   a row unless one just before it was kept, as time goes by
package dedupe

import (
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
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

// Within keeps a row unless one that was kept of the same key is less than d older.
// It comes when the watermark has passed its time, with that as event time, so that
// no earlier row can come any more.
//
//	rows   a₀   a₃      a₉ a₁₁          d = 5
//	kept   a₀           a₉              a₃ is 3 behind a₀, a₁₁ is 2 behind a₉
//
// Of rows of one key and one time the one whose columns come first is kept. Windows
// do not matter, except that each is looked at by itself.
//
//	orders := dedupe.Within(byOrderID, "once-a-day", 24*time.Hour)
func Within[K comparable, V any](in leat.PCollection[leat.KV[K, V]], name string, d time.Duration) leat.PCollection[leat.KV[K, V]] {
	if d <= 0 || d%time.Microsecond != 0 {
		s := leat.Begin(in, name)
		s.Check(fmt.Errorf("dedupe.Within is given %s; it must be positive and whole microseconds, as event time is", d))
		return leat.Finish[leat.KV[K, V]](s, nil, nil, nil)
	}
	return leat.ParDo(in, name, leat.DoFn[leat.KV[K, V], leat.KV[K, V]](&within[K, V]{After: d}))
}

// within remembers for each key when a row was last kept, until that no longer
// matters.
type within[K comparable, V any] struct {
	state.TimeSorted
	After time.Duration
	Kept  state.Value[int64] // in µs
	Over  state.EventTimer
}

// Process keeps a row when none was kept lately.
func (w *within[K, V]) Process(c *leat.Context, row leat.KV[K, V], emit leat.Emit[leat.KV[K, V]]) error {
	if _, recently := w.Kept.Read(); recently {
		return nil
	}
	w.Kept.Write(c.Time().UnixMicro())
	w.Over.Set(c.Time().Add(w.After))
	emit(row)
	return nil
}

// OnTimer fires before the rows of its time, so that one exactly d younger is kept.
func (w *within[K, V]) OnTimer(*leat.Context, leat.Emit[leat.KV[K, V]]) error {
	w.Kept.Clear()
	return nil
}
