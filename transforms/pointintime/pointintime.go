// Package pointintime makes training sets: for each row of a spine at its moment
// q it looks up what was known of other collections then, and no later.
//
//	rows of a key  ──●──●────●─┬──●───●●──●─┬──●──▶ event time
//	                          q−w           q
//	                           └── counted ─┘       q−w ≤ t < q
//
// The one central idea: an aggregate over a range of rows in the order of time is
// read off running totals at both ends of the range. So a row of the spine costs
// two searches a window, whatever its length, and windows of several lengths
// share the totals. The spine is never sorted or moved: its order is that of the
// output.
package pointintime

import (
	"errors"
	"reflect"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// Term is one line of the description of Join: a Copy, or lookups From another
// collection.
type Term struct {
	out, in any // of Copy

	from   bool
	rows   leat.Input
	sample func(variant int) (*sampled, error)
}

// Lookup says which rows of a collection count for a row of the spine, and what
// is made of them.
type Lookup struct {
	// On pairs columns of the spine with columns of the rows; all must be equal.
	// Null is equal to nothing.
	On []Pair
	// Within is how far back rows count: those with event time t for which
	// q−Within ≤ t < q. It must be positive.
	Within time.Duration
	// Get is made of these rows. Without any, a count is 0, a sum 0 (null in a
	// pointer field), and everything else null.
	Get []agg.Term
}

// Pair is a column of the spine and one of the rows that must be equal to it.
type Pair struct{ spine, row any }

// Equal pairs two columns: Equal(&departure.Origin, &report.Origin). A nullable
// one is written without &.
func Equal[K comparable](spine, row *K) Pair { return Pair{spine, row} }

// Copy copies a column of the spine to the output.
func Copy[T any](out, in *T) Term { return Term{out: out, in: in} }

// From looks up rows of another collection, or of the spine itself. f is a
// description: it pairs fields of its argument with fields of the spine, and
// names aggregates that go to fields of the output, both of them arguments of the
// description of Join around it.
//
// A collection may be looked up any number of times, with other keys, windows
// and conditions (agg.Where). Lookups with the same key share their index.
func From[R any](in leat.PCollection[R], f func(*R) Lookup) Term {
	return Term{from: true, rows: leat.InputOf(in), sample: func(variant int) (*sampled, error) {
		if f == nil {
			return nil, errors.New("pointintime.From needs a function, got nil")
		}
		probe, err := field.NewProbe(reflect.TypeFor[R](), variant)
		if err != nil {
			return nil, err
		}
		return &sampled{probe: probe, lookup: f(probe.Value().Interface().(*R))}, nil
	}}
}

// Join makes a row of O for each row of the spine, in the order of the spine. f
// is a description; it must set every field of O, each once.
//
//	pointintime.Join(departures, "training", func(d *Departure, o *Example) []pointintime.Term {
//		return []pointintime.Term{
//			pointintime.Copy(&o.Origin, &d.Origin),
//			pointintime.From(reports, func(r *Report) pointintime.Lookup {
//				return pointintime.Lookup{
//					On:     []pointintime.Pair{pointintime.Equal(&d.Origin, &r.Origin)},
//					Within: 6 * time.Hour,
//					Get:    []agg.Term{agg.Count(&o.Count), agg.Mean(o.Delay, &r.Delay)},
//				}
//			}),
//		}
//	})
//
// The spine and the collections looked up need event times, which decide alone
// what was known when; in which order rows come does not matter. Within a memory
// budget, what does not fit in a batch plan is looked up in passes over files; the rows
// of one key within the longest window must fit.
//
// On the streaming plan a row waits until the watermark of what is looked up has
// reached its time, and rows of the longest window are kept in memory. Rows come out
// in no particular order, and the same as in a batch plan; those behind their own
// watermark, on either side, are dropped and counted.
func Join[S, O any](spine leat.PCollection[S], name string, f func(*S, *O) []Term) leat.PCollection[O] {
	s := leat.Begin(spine, name)
	j, err := describe(leat.InputOf(spine), f)
	s.Check(err)
	if err != nil {
		j = &join{inputs: []leat.Input{leat.InputOf(spine)}}
	}
	return leat.Finish[O](s, j.op, j.inputs, j.output)
}
