// Package sessions finds the stretches of time in which a key was active: rows less
// than a gap apart are of one session.
//
//	rows       x x  x            x  x           gap = 5
//	sessions   ├────┤            ├──┤
//	           Start Last        …              after Last nothing came for a gap
//
// The one central idea: a session is a window that grows with its rows
// (window.Session), so that it is the same on both plans, whatever the order in
// which rows come.
package sessions

import (
	"fmt"
	"iter"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// Session is what there is to say about a session without looking into its rows.
type Session struct {
	Start time.Time `leat:"start"` // event time of the first row
	Last  time.Time `leat:"last"`  // event time of the last row
	Rows  int64     `leat:"rows"`
}

// Duration is the time from the first row to the last.
func (s Session) Duration() time.Duration { return s.Last.Sub(s.Start) }

// Find returns the sessions of each key. A session comes when the watermark has
// passed its last row by gap; its event time is the microsecond before that.
//
//	visits := sessions.Find(clicksByUser, "visits", 30*time.Minute)
//
// Rows exactly gap apart are of two sessions, as in the Beam model.
func Find[K comparable, V any](in leat.PCollection[leat.KV[K, V]], name string, gap time.Duration) leat.PCollection[leat.KV[K, Session]] {
	return leat.Scope(in, name, func(in leat.PCollection[leat.KV[K, V]]) leat.PCollection[leat.KV[K, Session]] {
		found := leat.Combine(leat.Window(in, window.Session(gap)), "find", agg.Into(func(_ *V, s *Session) []agg.Term {
			return []agg.Term{agg.WindowStart(&s.Start), agg.WindowEnd(&s.Last), agg.Count(&s.Rows)}
		}))
		return leat.Map(found, "last", func(kv leat.KV[K, Session]) leat.KV[K, Session] {
			kv.Value.Last = kv.Value.Last.Add(-gap) // the window ends a gap behind its last row
			return kv
		})
	})
}

// Row is a row with the session it belongs to.
type Row[V any] struct {
	Session Session   `leat:"session"`
	At      time.Time `leat:"at"` // event time of the row
	Value   V         `leat:"value"`
}

// Assign returns every row with its session, all rows of a session when it is over,
// in the order of their event times. Rows of one session are held until then, so
// sessions without end need Find instead.
func Assign[K comparable, V any](in leat.PCollection[leat.KV[K, V]], name string, gap time.Duration) leat.PCollection[leat.KV[K, Row[V]]] {
	return leat.Scope(in, name, func(in leat.PCollection[leat.KV[K, V]]) leat.PCollection[leat.KV[K, Row[V]]] {
		timed := leat.ParDo(in, "time", leat.Do(func(c *leat.Context, kv leat.KV[K, V], emit leat.Emit[leat.KV[K, Row[V]]]) error {
			emit(leat.KV[K, Row[V]]{Key: kv.Key, Value: Row[V]{At: c.Time(), Value: kv.Value}})
			return nil
		}))
		groups := leat.GroupByKey(leat.Window(timed, window.Session(gap)), "group")
		return leat.ParDo(groups, "assign", leat.Do(assign[K, V](gap)))
	})
}

func assign[K comparable, V any](gap time.Duration) func(*leat.Context, leat.KV[K, iter.Seq[Row[V]]], leat.Emit[leat.KV[K, Row[V]]]) error {
	return func(c *leat.Context, kv leat.KV[K, iter.Seq[Row[V]]], emit leat.Emit[leat.KV[K, Row[V]]]) error {
		start, end, ok := c.Window()
		if !ok {
			return fmt.Errorf("a group of key %v is in no window", kv.Key)
		}
		s := Session{Start: start, Last: end.Add(-gap)}
		for range kv.Value {
			s.Rows++
		}
		for row := range kv.Value {
			row.Session = s
			emit(leat.KV[K, Row[V]]{Key: kv.Key, Value: row})
		}
		return nil
	}
}
