package operator

import (
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// probe looks rows of the spine up in one index, for one task.
type probe struct {
	dealer
	keys    [][]int // columns of the spine
	windows []int64 // different lengths, in µs
	lookups []answers
	parts   []partProbe

	rows [][]int32 // of a batch, by part
	ids  []int32
	to   []int32
	from []int32
}

// partProbe is what a task remembers of a part: where the last search of each key
// ended, for the moment itself and for the begin of each window. The spine
// mostly ascends in time, so the next search begins where it ends. Keys of few
// rows are searched whole: a cursor would be one more place in memory.
type partProbe struct {
	*part
	finder  *state.TupleFinder
	cursors [][]int32 // [0] for the moment, [1+w] for window w; by key, or nil
}

// fewRows is the average number of rows of a key up to which there are no cursors.
const fewRows = 16

// newProbe returns a probe for lookups of one index that have the same key of the
// spine. It must be given parts.
func newProbe(step *graph.PointInTime, lookups []int) *probe {
	p := &probe{keys: step.Lookups[lookups[0]].Spine}
	for _, l := range lookups {
		spec := &step.Lookups[l]
		w := slices.Index(p.windows, spec.Within)
		if w < 0 {
			w = len(p.windows)
			p.windows = append(p.windows, spec.Within)
		}
		p.lookups = append(p.lookups, answers{spec.Aggregate, spec.Aggregate.NewTable(), spec.Aggregate.Targets(), w})
	}
	return p
}

// in lets the probe look up in these parts instead of those before.
func (p *probe) in(parts []*part) *probe {
	p.dealer = newDealer(len(parts), len(p.keys))
	p.rows = make([][]int32, len(parts))
	p.parts = nil
	for _, built := range parts {
		pp := partProbe{part: built, finder: built.keys.Finder()}
		for range len(p.windows) + 1 {
			var ends []int32
			if len(built.times) > fewRows*len(built.starts) {
				ends = slices.Clone(built.starts)
			}
			pp.cursors = append(pp.cursors, ends)
		}
		p.parts = append(p.parts, pp)
	}
	return p
}

// renew forgets the room that the tables have made.
func (p *probe) renew() {
	for i := range p.lookups {
		p.lookups[i].table = p.lookups[i].plan.NewTable()
	}
}

func (p *probe) sizeBytes() int64 {
	var n int64
	for i := range p.parts {
		for _, ends := range p.parts[i].cursors {
			n += int64(4 * len(ends))
		}
	}
	return n + p.tableBytes()
}

func (p *probe) tableBytes() (n int64) {
	for i := range p.lookups {
		n += p.lookups[i].table.SizeBytes()
	}
	return n
}

// answer appends the columns of the probe's lookups for a dense batch of the
// spine. slots are 0, 1, 2 … for its rows.
func (p *probe) answer(b *batch.Batch, slots []int32, columns []filled) ([]filled, error) {
	keys := columnsAt(b.Root, p.keys)
	for i := range p.lookups {
		p.lookups[i].table.Grow(len(slots))
	}
	times := b.Time
	if times == nil {
		times = make([]int64, len(slots))
		for i := range times {
			times[i] = batch.MinTime
		}
	}
	p.deal(keys, len(slots))
	for i := range p.parts {
		rows := p.rows[i]
		if rows == nil && p.dealer.parts > 1 {
			continue
		}
		if err := p.search(&p.parts[i], keys, times, rows, len(slots)); err != nil {
			return nil, named(err, b, keys)
		}
	}
	for _, l := range p.lookups {
		made, err := l.table.Columns(slots, nil, nil, nil)
		if err != nil {
			return nil, named(err, b, keys)
		}
		for i, ref := range l.targets {
			columns = append(columns, filled{ref.Path, made[i]})
		}
	}
	return columns, nil
}

// deal lists the rows of each part. Those with a null key go to the first part,
// which does not know it. With one part there is nothing to list.
func (p *probe) deal(keys []*batch.Column, n int) {
	if p.dealer.parts == 1 {
		return
	}
	for i := range p.rows {
		p.rows[i] = p.rows[i][:0]
	}
	for row, h := range p.hash(keys, nil, n) {
		at := p.part(h)
		p.rows[at] = append(p.rows[at], int32(row))
	}
	for i := range p.rows {
		if len(p.rows[i]) == 0 {
			p.rows[i] = nil
		}
	}
}

// search finds the rows of a part in the windows of rows of the spine (of rows
// [0, n) when nil), and sets the tables to them.
func (p *probe) search(part *partProbe, keys []*batch.Column, times []int64, rows []int32, n int) error {
	if rows != nil {
		n = len(rows)
	}
	if part.series == nil { // no rows at all
		for _, l := range p.lookups {
			l.table.Reset(p.slotsOf(rows, n))
		}
		return nil
	}
	p.ids, p.to, p.from = resize(p.ids, n), resize(p.to, n), resize(p.from, n)
	part.finder.Find(keys, rows, p.ids)
	part.find(0, p.ids, times, rows, 0, p.to)
	for w, within := range p.windows {
		part.find(1+w, p.ids, times, rows, within, p.from)
		for _, l := range p.lookups {
			if l.window != w {
				continue
			}
			if err := l.table.SetRanges(part.series, rows, p.from, p.to); err != nil {
				return err
			}
		}
	}
	return nil
}

// slotsOf is rows, or 0, 1, 2 … n-1 when that is nil.
func (p *probe) slotsOf(rows []int32, n int) []int32 {
	if rows != nil {
		return rows
	}
	p.ids = resize(p.ids, n)
	for i := range p.ids {
		p.ids[i] = int32(i)
	}
	return p.ids
}

// find sets out[i] to the first row of key ids[i] whose time is not before that
// of its row of the spine less back; to 0 where there is no such key.
func (p *partProbe) find(bound int, ids []int32, spine []int64, rows []int32, back int64, out []int32) {
	if cursors := p.cursors[bound]; cursors != nil {
		p.seek(cursors, ids, spine, rows, back, out)
		return
	}
	for i, id := range ids {
		if id < 0 {
			out[i] = 0
			continue
		}
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		out[i] = search(p.times, p.starts[id], p.starts[id+1], spine[row]-back)
	}
}

// seek is find from where the last searches have ended.
func (p *partProbe) seek(cursors, ids []int32, spine []int64, rows []int32, back int64, out []int32) {
	times, starts := p.times, p.starts
	for i, id := range ids {
		if id < 0 {
			out[i] = 0
			continue
		}
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		at, end := cursors[id], starts[id+1]
		moment := spine[row] - back
		switch {
		case at < end && times[at] < moment:
			near := min(at+4, end)
			for at++; at < near && times[at] < moment; at++ {
			}
			if at < end && times[at] < moment {
				at = gallop(times[:end], at, moment)
			}
		case at > starts[id] && times[at-1] >= moment:
			at = search(times, starts[id], at-1, moment)
		}
		cursors[id] = at
		out[i] = at
	}
}

// gallop returns the first position behind at whose time is not before moment,
// where times[at] is. It doubles its step, so that a near one is found soon.
func gallop(times []int64, at int32, moment int64) int32 {
	from, step := int(at), 1
	for from+step < len(times) && times[from+step] < moment {
		from += step
		step *= 2
	}
	return search(times, int32(from+1), int32(min(from+step, len(times))), moment)
}

// search returns the first position in [from, to) whose time is not before
// moment, or to.
func search(times []int64, from, to int32, moment int64) int32 {
	for from < to {
		middle := int32(uint32(from+to) >> 1)
		if times[middle] < moment {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}
