package operator

import (
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// segments are the rows of one side of lookups on the streaming plan, cut at
// moments into parts like those of an Index, each twice as large as the next:
//
//	──────────────── time ───────────────────▶ watermark
//	[      4096 rows      ][ 1500 rows ][ 300 ]│ fresh, and rows that wait
//
// Rows that the watermark has passed are fresh until somebody asks; then they become
// a segment, and segments that are not twice as large as the one behind them are
// built anew as one. So a row is built once for each time that the rows in the
// longest window double, and a question looks into as many segments: neither grows
// with the rows that are held. No two segments have rows of the same time.
type segments struct {
	keys  [][]int
	types []*batch.Type
	plans []*agg.Plan
	keep  []bool // columns that aggregates read

	waits waiting     // dealtRows
	fresh []freshRows // in about the order of time
	few   int64       // bytes of fresh
	parts []*segment
}

// freshRows is a batch with what is asked of it often.
type freshRows struct {
	*batch.Batch
	last, bytes int64
}

// segment is a part with the rows it was made of.
type segment struct {
	*part
	finder      *state.TupleFinder
	rows        *batch.Batch // dealtRows in the order of time
	bytes       int64
	first, last int64
}

// uncounted is memory that is counted when it is there, as state, not before.
type uncounted struct{ bytes int64 }

// Reserve implements Memory.
func (u *uncounted) Reserve(n int64) error {
	u.bytes += n
	return nil
}

// Release implements Memory.
func (u *uncounted) Release(n int64) { u.bytes -= n }

// add takes rows that the watermark has not passed.
func (s *segments) add(b *batch.Batch) {
	b = b.Compact()
	s.waits.add(dealtRows(columnsAt(b.Root, s.keys), keepColumns(b.Root, s.keep), timesOf(b)))
}

// timesOf returns the event time of each row of a dense batch.
func timesOf(b *batch.Batch) []int64 {
	if b.Time != nil {
		return b.Time
	}
	times := make([]int64, b.Len())
	for i := range times {
		times[i] = batch.MinTime
	}
	return times
}

// pass lets rows before a moment be asked for. Of those before another, which nobody
// will ask for, nothing is kept.
func (s *segments) pass(w, unasked int64) error {
	for _, b := range s.waits.take(w) {
		f := freshRows{b, slices.Max(b.Time), b.SizeBytes()}
		s.fresh, s.few = append(s.fresh, f), s.few+f.bytes
	}
	for len(s.fresh) > 0 && s.fresh[0].last < unasked {
		s.few -= s.fresh[0].bytes
		s.fresh[0] = freshRows{}
		s.fresh = s.fresh[1:]
	}
	s.parts = slices.DeleteFunc(s.parts, func(p *segment) bool { return p.last < unasked })
	if len(s.parts) == 0 {
		return nil
	}
	// Half of a segment's rows may be behind what is asked for.
	oldest := s.parts[0]
	if n, _ := slices.BinarySearch(oldest.rows.Time, unasked); n > oldest.rows.Len()/2 {
		made, err := s.build([]*batch.Batch{oldest.rows.Slice(n, oldest.rows.Len())})
		if err != nil {
			return err
		}
		s.parts[0] = made
	}
	return nil
}

// settle makes a segment of what is fresh.
func (s *segments) settle() error {
	if len(s.fresh) == 0 {
		return nil
	}
	var rows []*batch.Batch
	n := 0
	for _, f := range s.fresh {
		rows = append(rows, f.Batch)
		n += f.Len()
	}
	at, bytes := len(s.parts), s.few
	for at > 0 && s.parts[at-1].rows.Len() < 2*n && bytes+s.parts[at-1].bytes < tableBytesMost {
		at--
		bytes += s.parts[at].bytes
		n += s.parts[at].rows.Len()
		rows = append([]*batch.Batch{s.parts[at].rows}, rows...)
	}
	made, err := s.build(rows)
	if err != nil {
		return err
	}
	clear(s.parts[at:])
	s.parts = append(s.parts[:at], made)
	s.fresh, s.few = nil, 0
	return nil
}

// build makes one segment of batches.
func (s *segments) build(batches []*batch.Batch) (*segment, error) {
	rows := batch.ConcatBatches(batches)
	if len(batches) == 1 {
		rows = rows.Copy() // it may be a slice of many more
	}
	rows = inTime(rows)
	memory := &uncounted{}
	r := &partRows{types: s.types, plans: s.plans, holding: holding{memory: memory}, keys: state.NewTuples(s.types)}
	keys := len(s.keys)
	if err := r.add(rows, rows.Root.Children[:keys], rows.Root.Children[keys]); err != nil {
		return nil, err
	}
	p, err := r.build()
	if err != nil {
		return nil, err
	}
	return &segment{part: p, finder: p.keys.Finder(), rows: rows, bytes: rows.SizeBytes() + memory.bytes,
		first: rows.Time[0], last: rows.Time[rows.Len()-1]}, nil
}

func (s *segments) sizeBytes() int64 {
	n := s.waits.bytes + s.few
	for _, p := range s.parts {
		n += p.bytes
	}
	return n
}
