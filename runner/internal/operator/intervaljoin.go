package operator

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// intervalJoin is an interval join on the streaming plan. A row that comes is matched
// with what the other side has had, and kept for what it will have:
//
//	key ──Keys──▶ id ──▶ t3 #7 │ t5 #12 │ t9 #40      by side, ascending in time
//	                          └──┬───┘
//	row at t ─────▶ [t+Lower, t+Upper]                #12 ─▶ chunk with rows 8 … 4103
//
// A row that is behind the watermark is late: it is dropped and counted, as the rows
// that it belongs to may be gone.
type intervalJoin struct {
	Joining
	counters *Counters
	passed   int64
	keys     *state.Keys
	sides    [2]intervalSide
	gone     int // rows of chunks that were dropped since lists were cut

	ids     []int32 // scratch
	pairs   intervalPairs
	sources []int32 // of a chunk, in a gathering
}

// intervalSide is the rows of one side.
type intervalSide struct {
	chunks  []intervalChunk
	next    int64 // number of the next row
	lists   [][]intervalRow
	rows    int
	bytes   int64 // of chunks
	behind  int64 // how far rows of the other side that match are behind, at most
	forward int64 // and how far ahead
}

// intervalRow is a row in the list of its key.
type intervalRow struct{ time, number int64 }

// intervalChunk is rows with numbers from base on.
type intervalChunk struct {
	base int64
	root *batch.Column
	last int64 // time
	size int64
}

// intervalPairs are rows of a batch beside rows of the other side.
type intervalPairs struct {
	mine    []int32
	numbers []int64
	times   []int64
}

// NewIntervalJoin returns the operator of an interval join on the streaming plan. Its
// input 1 is the right side.
func NewIntervalJoin(j Joining, counters *Counters) Operator {
	o := &intervalJoin{Joining: j, counters: counters, passed: batch.MinTime, keys: state.NewKeys(j.Op.Key)}
	o.sides[0].behind, o.sides[0].forward = -j.Op.Lower, j.Op.Upper
	o.sides[1].behind, o.sides[1].forward = j.Op.Upper, -j.Op.Lower
	return o
}

// Process implements Operator: it takes the left side.
func (o *intervalJoin) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	return o.take(0, b, emit)
}

// ProcessSide implements Sided: it takes the right side.
func (o *intervalJoin) ProcessSide(_ context.Context, _ int, b *batch.Batch, emit graph.Emit) error {
	return o.take(1, b, emit)
}

func (o *intervalJoin) take(side int, b *batch.Batch, emit graph.Emit) error {
	b = onTime(b, o.passed, o.counters).Compact()
	if b.Len() == 0 {
		return nil
	}
	times := timesOf(b)
	o.ids = resize(o.ids, b.Len())
	o.keys.Lookup(b.Root.Children[0], nil, o.ids)
	mine, other := &o.sides[side], &o.sides[1-side]
	for s := range o.sides {
		for len(o.sides[s].lists) < o.keys.Len() {
			o.sides[s].lists = append(o.sides[s].lists, nil)
		}
	}
	number := mine.next
	for i, id := range o.ids {
		t := times[i]
		if rows := other.lists[id]; len(rows) > 0 && rows[len(rows)-1].time >= t-mine.behind {
			from := firstFrom(rows, t-mine.behind)
			for _, r := range rows[from:] {
				if r.time > t+mine.forward {
					break
				}
				o.pairs.add(int32(i), r.number, max(r.time, t))
			}
			if len(o.pairs.mine) >= batch.TargetRows {
				if err := o.flush(side, b, emit); err != nil {
					return err
				}
			}
		}
		mine.lists[id] = placed(mine.lists[id], intervalRow{t, number + int64(i)})
	}
	mine.rows += b.Len()
	mine.keep(b, times)
	return o.flush(side, b, emit)
}

// firstFrom returns the first of rows whose time is not before a moment.
func firstFrom(rows []intervalRow, moment int64) int {
	from, to := 0, len(rows)
	for from < to {
		middle := int(uint(from+to) >> 1)
		if rows[middle].time < moment {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// placed adds a row to a list in the order of time.
func placed(rows []intervalRow, r intervalRow) []intervalRow {
	rows = append(rows, r)
	at := len(rows) - 1
	if at == 0 || rows[at-1].time <= r.time {
		return rows
	}
	to := firstFrom(rows[:at], r.time+1)
	copy(rows[to+1:], rows[to:at])
	rows[to] = r
	return rows
}

func (p *intervalPairs) add(mine int32, number, time int64) {
	p.mine, p.numbers, p.times = append(p.mine, mine), append(p.numbers, number), append(p.times, time)
}

// keep keeps the rows of a dense batch. Small chunks are put together.
func (s *intervalSide) keep(b *batch.Batch, times []int64) {
	c := intervalChunk{s.next, b.Root.Children[1], slices.Max(times), b.Root.Children[1].SizeBytes()}
	s.next += int64(b.Len())
	s.bytes += c.size
	for n := len(s.chunks); n > 0; n-- {
		before := s.chunks[n-1]
		if before.root.Len >= 2*c.root.Len || before.root.Len+c.root.Len > batch.TargetRows {
			break
		}
		s.chunks = s.chunks[:n-1]
		joined := batch.Concat([]*batch.Column{before.root, c.root})
		s.bytes -= before.size + c.size
		c = intervalChunk{before.base, joined, max(before.last, c.last), joined.SizeBytes()}
		s.bytes += c.size
	}
	s.chunks = append(s.chunks, c)
}

// flush emits the pairs of a batch so far.
func (o *intervalJoin) flush(side int, b *batch.Batch, emit graph.Emit) error {
	p := &o.pairs
	if len(p.mine) == 0 {
		return nil
	}
	mine, other := sided{values: b.Root.Children[1].Gather(p.mine)}, sided{values: o.sides[1-side].values(p.numbers, &o.sources)}
	if side == 1 {
		mine, other = other, mine
	}
	out := &batch.Batch{Root: o.root(b.Root.Children[0].Gather(p.mine), mine, other), Time: slices.Clone(p.times)}
	p.mine, p.numbers, p.times = p.mine[:0], p.numbers[:0], p.times[:0]
	return emit(0, out)
}

// values returns the values of rows by their numbers.
func (s *intervalSide) values(numbers []int64, sources *[]int32) *batch.Column {
	var all gathering
	*sources = (*sources)[:0]
	for range s.chunks {
		*sources = append(*sources, -1)
	}
	at := 0
	for _, n := range numbers {
		if c := &s.chunks[at]; n < c.base || n >= c.base+int64(c.root.Len) {
			at = sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].base > n }) - 1
		}
		if (*sources)[at] < 0 {
			(*sources)[at] = all.source(s.chunks[at].root)
		}
		all.add((*sources)[at], int(n-s.chunks[at].base))
	}
	return all.column()
}

// Watermark implements Operator.
func (o *intervalJoin) Watermark(_ context.Context, w int64, _ graph.Emit) error {
	o.passed = w
	for i := range o.sides {
		s := &o.sides[i]
		n := 0
		for n < len(s.chunks) && s.chunks[n].last < s.floor(w) {
			o.gone += s.chunks[n].root.Len
			s.bytes -= s.chunks[n].size
			n++
		}
		s.chunks = slices.Delete(s.chunks, 0, n)
	}
	if 2*o.gone >= o.sides[0].rows+o.sides[1].rows+o.keys.Live() && o.gone > 0 {
		o.cut(w)
	}
	return nil
}

// floor returns the time behind which no row matches one that is not late.
func (s *intervalSide) floor(w int64) int64 {
	if w > batch.MaxTime {
		return math.MaxInt64
	}
	return w - s.forward
}

// cut drops rows that nothing can match from the lists, and keys without any.
func (o *intervalJoin) cut(w int64) {
	used := make([]bool, o.keys.Len())
	for i := range o.sides {
		s := &o.sides[i]
		s.rows = 0
		for id, rows := range s.lists {
			n := firstFrom(rows, s.floor(w))
			if n == len(rows) {
				s.lists[id] = nil
				continue
			}
			if n > 0 {
				s.lists[id] = slices.Clone(rows[n:])
			}
			s.rows += len(rows) - n
			used[id] = true
		}
	}
	o.keys.ReleaseUnused(used)
	o.gone = 0
}

// End implements Operator.
func (o *intervalJoin) End(context.Context, graph.Emit) error {
	for i := range o.sides {
		s := &o.sides[i]
		s.chunks, s.lists, s.rows, s.bytes = nil, nil, 0, 0
	}
	return nil
}

// Close implements Operator.
func (o *intervalJoin) Close() error { return nil }

// SizeBytes implements Sized.
func (o *intervalJoin) SizeBytes() int64 {
	n := o.keys.SizeBytes()
	for i := range o.sides {
		s := &o.sides[i]
		n += s.bytes + int64(24*len(s.lists)+24*s.rows) // lists have room to grow
	}
	return n
}
