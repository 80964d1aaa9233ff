package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// passing is lookup in passes, for one task. See Passes.
type passing struct {
	pass
	passes *Passes
	number int
	output *batch.Type

	deals  []passingDeal // of each probe
	blocks []spill.Block
	rows   int64

	working *partRows // what is reserved for a unit
	holding holding   // and for answers
	answers []*dealing
}

// passingDeal deals the spine for one probe.
type passingDeal struct {
	*probed
	keys  [][]int
	deals dealer // to the parts of the index
	first []int  // number of the first pile of each part
	to    *dealing
}

// NewPassing returns the operator that does what NewLookup's does when the indexes
// do not fit. All of them must be complete.
func NewPassing(p *Passes, number int, output *batch.Type) Operator {
	o := &passing{passes: p, number: number, output: output, holding: holding{memory: p.Memory}}
	probes := p.begin()
	for _, q := range probes {
		d := passingDeal{probed: q, keys: p.Step.Lookups[q.lookups[0]].Spine}
		d.deals = newDealer(len(q.index.parts), len(d.keys))
		piles := 0
		for part := range q.index.parts {
			d.first = append(d.first, piles)
			piles += q.index.pilesOf(part)
		}
		d.to = newDealing(p, p.Memory, piles, p.share()/2/int64(len(probes)))
		o.deals = append(o.deals, d)
	}
	return o
}

var rowNumber = &batch.Type{Kind: batch.Int64}

// Process implements Operator: the batch goes to disk, and by each key the number
// of every row.
func (o *passing) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	b = b.Compact()
	k, err := o.passes.append(b)
	if err != nil {
		return err
	}
	o.blocks = append(o.blocks, k)
	numbers := make([]int64, b.Len())
	for i := range numbers {
		numbers[i] = o.rows + int64(i)
	}
	o.rows += int64(b.Len())
	times := b.Time
	if times == nil {
		times = make([]int64, b.Len())
		for i := range times {
			times[i] = batch.MinTime
		}
	}
	for i := range o.deals {
		d := &o.deals[i]
		keys := columnsAt(b.Root, d.keys)
		if err := d.to.add(dealtRows(keys, batch.NewInts(rowNumber, numbers), times), d.pilesOf(keys, b.Len())); err != nil {
			return err
		}
	}
	return nil
}

// pilesOf returns the pile that each row of the spine belongs to.
func (d *passingDeal) pilesOf(keys []*batch.Column, n int) []int32 {
	to := make([]int32, n)
	for i, h := range d.deals.hash(keys, nil, n) {
		part := d.deals.part(h)
		to[i] = int32(d.first[part] + pileOf(h, 0, d.index.pilesOf(part)))
	}
	return to
}

// End implements Operator.
func (o *passing) End(ctx context.Context, emit graph.Emit) error {
	p := o.passes
	s := &p.spines[o.number]
	s.blocks, s.starts = o.blocks, buckets(o.blocks, p.share()/2/answerBytes(p.Step))
	for i := range o.deals {
		if err := o.deals[i].to.flush(); err != nil {
			return err
		}
		s.piles = append(s.piles, o.deals[i].to.piles)
	}
	if err := p.dealt.wait(ctx, p.Tasks, p.pair); err != nil {
		return err
	}
	if err := o.work(ctx); err != nil {
		return err
	}
	if err := p.answered.wait(ctx, p.Tasks, nil); err != nil {
		return err
	}
	return o.emit(ctx, s, emit)
}

// answerBytes guesses what the answers for a row take.
func answerBytes(step *graph.PointInTime) (n int64) {
	for _, l := range step.Lookups {
		n += int64(16 * len(l.Aggregate.Targets()))
	}
	return n
}

// buckets divides the spine into runs of whole batches of about so many rows.
func buckets(blocks []spill.Block, most int64) []int64 {
	starts, row := []int64{0}, int64(0)
	for _, k := range blocks {
		if row > starts[len(starts)-1] && row+int64(k.Rows)-starts[len(starts)-1] > most {
			starts = append(starts, row)
		}
		row += int64(k.Rows)
	}
	if row > starts[len(starts)-1] {
		starts = append(starts, row)
	}
	return starts
}

// work answers units until there are none.
func (o *passing) work(ctx context.Context) error {
	p := o.passes
	probes := make([]*probe, len(p.probes))
	for i, q := range p.probes {
		probes[i] = newProbe(p.Step, q.lookups)
		for k := range probes[i].keys { // where they lie in dealtRows
			probes[i].keys[k] = []int{k}
		}
		o.answers = append(o.answers, newDealing(p, p.Memory, p.buckets(), p.share()/2/int64(len(p.probes))))
	}
	for u := p.next(); u != nil; u = p.next() {
		if err := o.answer(ctx, u, probes); err != nil {
			return err
		}
	}
	for i, q := range p.probes {
		if err := o.answers[i].flush(); err != nil {
			return err
		}
		q.answers[o.number] = o.answers[i].piles
	}
	return nil
}

// answer answers a unit, or those that it is divided into.
func (o *passing) answer(ctx context.Context, u *unit, probes []*probe) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := o.passes
	need := u.index.buildBytes(u.rows.rows, u.rows.bytes)
	if u.built != nil || need <= p.share() {
		o.working = newPartRows(u.index)
		o.working.room = u.rows.rows
		built, err := p.part(u, o.working)
		if err == nil {
			err = o.probe(u, built, probes)
			o.working.holding.drop()
			return err
		}
		o.working.holding.drop()
		if !exceeds(err) || u.rows.rows < 2 || need < p.share()/16 {
			return fmt.Errorf("%s: %w", p.Holder, err)
		}
	}
	smaller, err := p.divide(u)
	if err != nil {
		return err
	}
	for _, part := range smaller {
		if err := o.answer(ctx, part, probes); err != nil {
			return err
		}
	}
	return nil
}

// probe looks the spine of a unit up in its part.
func (o *passing) probe(u *unit, built *part, probes []*probe) error {
	for _, s := range u.spine {
		probe := probes[s.probe].in([]*part{built})
		for task := range s.piles {
			for _, k := range s.piles[task].blocks {
				b, err := o.passes.read(k)
				if err != nil {
					return err
				}
				if err := o.look(probe, b, o.answers[s.probe], &o.passes.spines[task]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// look deals the answers for some rows to the buckets of their spine.
func (o *passing) look(probe *probe, b *batch.Batch, to *dealing, s *spine) error {
	numbers := b.Root.Children[len(b.Root.Children)-1]
	slots := make([]int32, b.Len())
	for i := range slots {
		slots[i] = int32(i)
	}
	found, err := probe.answer(b, slots, nil)
	if err != nil {
		return err
	}
	columns := make([]*batch.Column, len(found))
	for i, f := range found {
		columns[i] = f.column
	}
	size := probe.sizeBytes()
	if err := o.holding.reserve(size); err != nil {
		return err
	}
	defer o.holding.release(size)
	buckets, at := make([]int32, b.Len()), 0
	for i, row := range numbers.Ints { // ascending
		for s.starts[at+1] <= row {
			at++
		}
		buckets[i] = int32(s.first + at)
	}
	return to.add(dealtRows(columns, numbers, nil), buckets)
}

// emit passes on the spine of this task with its answers, bucket by bucket.
func (o *passing) emit(ctx context.Context, s *spine, emit graph.Emit) error {
	at, row := 0, int64(0)
	for i := range len(s.starts) - 1 {
		var columns []filled
		for _, q := range o.passes.probes {
			found, err := o.collect(q, s.first+i, s.starts[i], s.starts[i+1])
			if err != nil {
				return err
			}
			columns = append(columns, found...)
		}
		for ; row < s.starts[i+1]; at++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			b, err := o.passes.read(s.blocks[at])
			if err != nil {
				return err
			}
			from := int(row - s.starts[i])
			all := copies(o.passes.Step, o.output, b)
			for _, f := range columns {
				all = append(all, filled{f.path, f.column.Slice(from, from+b.Len())})
			}
			if err := emit(0, b.WithRoot(assemble(o.output, nil, b.Len(), all))); err != nil {
				return err
			}
			row += int64(b.Len())
		}
		o.holding.drop()
	}
	return nil
}

// collect returns the answers for rows [from, to) of the spine, in their order.
func (o *passing) collect(q *probed, bucket int, from, to int64) ([]filled, error) {
	var size int64
	for _, piles := range q.answers {
		size += piles[bucket].bytes
	}
	if err := o.holding.reserve(2 * size); err != nil {
		return nil, err
	}
	var pieces []*batch.Batch
	for _, piles := range q.answers {
		for _, k := range piles[bucket].blocks {
			b, err := o.passes.read(k)
			if err != nil {
				return nil, err
			}
			pieces = append(pieces, b)
		}
	}
	all := batch.ConcatBatches(pieces)
	order := make([]int32, to-from)
	if all == nil || all.Len() != len(order) {
		return nil, errors.New("internal error, please report it: a row of the spine was not answered once")
	}
	last := len(all.Root.Children) - 1
	for i, row := range all.Root.Children[last].Ints {
		order[row-from] = int32(i)
	}
	var columns []filled
	for _, l := range q.lookups {
		for _, ref := range o.passes.Step.Lookups[l].Aggregate.Targets() {
			columns = append(columns, filled{ref.Path, all.Root.Children[len(columns)].Gather(order)})
		}
	}
	o.holding.release(size)
	return columns, nil
}

// Close implements Operator.
func (o *passing) Close() error {
	for i := range o.deals {
		o.deals[i].to.drop()
	}
	for _, d := range o.answers {
		d.drop()
	}
	if o.working != nil {
		o.working.holding.drop()
	}
	o.holding.drop()
	for _, x := range o.passes.Indexes {
		x.Index.done()
	}
	return o.passes.leave()
}
