package operator

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Passes lets the indexes of a PointInTime step be larger than memory. When one
// does not fit, the step stops looking rows up where they come by; both sides are
// dealt by key to piles on disk, and one pair of piles is joined at a time:
//
//	right rows ─▶ deal by key ══▶ pile 0 │ pile 1 │ …      build, task by task
//	spine ─┬────▶ deal by key ══▶ pile 0 │ pile 1 │ …      key, time and number of the row
//	       └══▶ batches on disk, as they came
//	                        ── all tasks meet ──
//	pile k of both ─▶ part of an index ─▶ probe ══▶ answers, dealt by number of the row
//	                        ── all tasks meet ──
//	batches of the spine + their answers ─▶ output, as if nothing had happened
//
// A pair that is too large is dealt again: by key, and by time where most of it is
// one key (unit.go). A task does pairs whosever rows they have, so each part is
// built once; that is why tasks meet, which is safe because all tasks of a stage
// run at once, and one that fails cancels the others.
type Passes struct {
	Step   *graph.PointInTime
	Holder string // for messages: the indexes of step "known"
	Area   *spill.Area
	Memory Memory // what is held here is reserved from it
	Limit  int64  // bytes of the job
	Most   int64  // bytes that parts of indexes may have together
	Tasks  int
	// Indexes are those of the step.
	Indexes []Probed

	use atomic.Bool

	mu     sync.Mutex
	file   *spill.File
	open   int // tasks that have used the file and have yet to end
	spines []spine
	units  []*unit
	probes []*probed

	dealt    meeting
	answered meeting
}

// probed is a probe and who answers it.
type probed struct {
	index   *Index
	lookups []int
	answers [][]pile // of each task that worked, by bucket
}

// spine is what one task has read of the spine.
type spine struct {
	blocks []spill.Block // as it came
	piles  [][]pile      // of each probe, by pile of the index
	starts []int64       // buckets: their first rows, and the number of rows
	first  int           // number of its first bucket
}

// need says that an index does not fit.
func (p *Passes) need() { p.use.Store(true) }

// needed reports whether an index does not fit, as far as is known.
func (p *Passes) needed() bool { return p != nil && p.use.Load() }

// Needed reports, once all indexes are complete, whether the step has to be done
// in passes.
func (p *Passes) Needed() bool { return p.needed() }

// expect is told how many rows a part will have. When they cannot fit, whatever is
// in them, there is no use in trying.
func (p *Passes) expect(rows int64) {
	if rows*rowBytes+sortBytes(int(rows)) > p.Most {
		p.need()
	}
}

// share is how many bytes one part may take while it is built. A task needs about
// as much again for what it deals.
func (p *Passes) share() int64 {
	free := p.Limit
	for _, x := range p.Indexes {
		free -= x.Index.heldBytes()
	}
	return max(free/4/int64(p.Tasks), 4*blockLeast)
}

// buildBytes estimates the most that building a part of so many rows and bytes
// takes.
func (x *Index) buildBytes(rows, bytes int64) int64 {
	return 3*bytes + rows*(rowBytes+sortBytes(1)+8+agg.SeriesBytes(x.plans))
}

// create returns the file.
func (p *Passes) create() (*spill.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		file, err := p.Area.Create(p.Holder)
		if err != nil {
			return nil, err
		}
		p.file = file
	}
	return p.file, nil
}

// leave is called by each task of the lookup at its end. The last removes the file.
func (p *Passes) leave() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open++; p.open < p.Tasks || p.file == nil {
		return nil
	}
	return p.file.Close()
}

// meeting is where all tasks wait for each other.
type meeting struct {
	mu      sync.Mutex
	arrived int
	all     chan struct{}
}

// wait waits until it was called by so many; the last to come calls last, if not
// nil, before any goes on.
func (m *meeting) wait(ctx context.Context, tasks int, last func()) error {
	m.mu.Lock()
	if m.all == nil {
		m.all = make(chan struct{})
	}
	if m.arrived++; m.arrived == tasks {
		if last != nil {
			last()
		}
		close(m.all)
	}
	m.mu.Unlock()
	select {
	case <-m.all:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin makes the probes, at the first call.
func (p *Passes) begin() []*probed {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.probes == nil {
		p.spines = make([]spine, p.Tasks)
		for _, x := range p.Indexes {
			for _, same := range x.bySpine(p.Step) {
				p.probes = append(p.probes, &probed{index: x.Index, lookups: same, answers: make([][]pile, p.Tasks)})
			}
		}
	}
	return p.probes
}

// pilesOf returns how many piles each part of an index is dealt to.
func (x *Index) pilesOf(part int) int { return max(1, len(x.rows[part])) }

// pair makes a unit of each pile of an index and the rows of the spine that belong
// to it, the largest first, and numbers the buckets.
func (p *Passes) pair() {
	buckets := 0
	for i := range p.spines {
		p.spines[i].first = buckets
		buckets += len(p.spines[i].starts) - 1
	}
	for _, x := range p.Indexes {
		at := 0
		for part := range x.Index.parts {
			for h := range x.Index.pilesOf(part) {
				u := &unit{index: x.Index, built: x.Index.parts[part]}
				if u.built == nil {
					u.rows = x.Index.rows[part][h]
				}
				for n, q := range p.probes {
					if q.index != x.Index {
						continue
					}
					s := spineRows{probe: n}
					for i := range p.spines {
						s.piles = append(s.piles, p.spines[i].piles[n][at])
					}
					u.spine = append(u.spine, s)
				}
				if u.asked() {
					p.units = append(p.units, u)
				}
				at++
			}
		}
	}
	slices.SortStableFunc(p.units, func(a, b *unit) int { return int(min(max(a.rows.rows-b.rows.rows, -1), 1)) })
}

// next takes a unit; nil when there is none left.
func (p *Passes) next() *unit {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.units) == 0 {
		return nil
	}
	u := p.units[len(p.units)-1]
	p.units = p.units[:len(p.units)-1]
	return u
}

// buckets returns how many buckets of answers there are.
func (p *Passes) buckets() int {
	last := &p.spines[len(p.spines)-1]
	return last.first + len(last.starts) - 1
}

// append writes a batch to disk.
func (p *Passes) append(b *batch.Batch) (spill.Block, error) {
	file, err := p.create()
	if err != nil {
		return spill.Block{}, err
	}
	return file.Append(b)
}

// read reads it back.
func (p *Passes) read(k spill.Block) (*batch.Batch, error) { return p.file.Read(k) }
