package operator

import (
	"context"
	"errors"
	"slices"

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
	atOnce  []int // of each probe: rows to look up at once
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
	if b.Len() == 0 {
		return nil
	}
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
		keys := make([][]int, len(probes[i].keys)) // where they lie in dealtRows
		for k := range keys {
			keys[k] = []int{k}
		}
		probes[i].keys = keys
		o.atOnce = append(o.atOnce, lookLeast)
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
	if u.built != nil || need <= p.share() || u.whole {
		o.working = newPartRows(u.index)
		o.working.room = u.rows.rows
		built, err := p.part(u, o.working)
		if err == nil {
			err = o.probe(u, built, probes)
			o.working.holding.drop()
			return err
		}
		o.working.holding.drop()
		switch {
		case u.whole && exceeds(err):
			return p.tooLarge(u, err)
		case !exceeds(err) || u.rows.rows < 2 || need < p.share()/16:
			return err
		}
	}
	smaller, err := p.divide(u)
	if err != nil {
		return err
	}
	if smaller == nil { // then all that is left of the budget has to do
		u.whole = true
		return o.answer(ctx, u, probes)
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
				for from := 0; from < b.Len(); {
					to := min(from+o.atOnce[s.probe], b.Len())
					if err := o.look(s.probe, probe, b.Slice(from, to), &o.passes.spines[task]); err != nil {
						return err
					}
					from = to
				}
			}
		}
	}
	return nil
}

// How many rows of the spine are looked up at once.
const (
	lookLeast = 16
	lookMost  = 1024
)

// look deals the answers of a probe for some rows to the buckets of their spine.
func (o *passing) look(number int, probe *probe, b *batch.Batch, s *spine) error {
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
	if err := o.hold(number, probe, b.Len()); err != nil {
		return err
	}
	buckets, at := make([]int32, b.Len()), 0
	for i, row := range numbers.Ints { // ascending
		for s.starts[at+1] <= row {
			at++
		}
		buckets[i] = int32(s.first + at)
	}
	return o.answers[number].add(dealtRows(columns, numbers, nil), buckets)
}

// hold accounts for the tables of a probe after so many rows, which says how many
// to look up next. Tables that have become too large, as those of a key with long
// lists, are made anew for fewer rows.
func (o *passing) hold(number int, probe *probe, rows int) error {
	size, share, n := probe.tableBytes(), o.passes.share(), &o.atOnce[number]
	switch {
	case size > share/8 && *n > lookLeast:
		*n = max(*n/4, lookLeast)
		probe.renew()
		return nil
	case size < share/16 && rows == *n:
		*n = min(2**n, lookMost)
	}
	if err := o.holding.reserve(size); err != nil {
		return err
	}
	o.holding.release(size)
	return nil
}

// stretch is batches of the spine and their answers for each probe.
type stretch struct {
	blocks   []spill.Block
	from, to int64 // rows
	answers  []pile
}

// emit passes on the spine of this task with its answers, bucket by bucket.
func (o *passing) emit(ctx context.Context, s *spine, emit graph.Emit) error {
	at, row := 0, int64(0)
	for i := range len(s.starts) - 1 {
		first := at
		for ; row < s.starts[i+1]; at++ {
			row += int64(s.blocks[at].Rows)
		}
		st := stretch{blocks: s.blocks[first:at], from: s.starts[i], to: row}
		for _, q := range o.passes.probes {
			var all pile
			for _, piles := range q.answers {
				for _, k := range piles[s.first+i].blocks {
					all.append(k)
				}
			}
			st.answers = append(st.answers, all)
		}
		if err := o.emitStretch(ctx, st, emit); err != nil {
			return err
		}
	}
	return nil
}

// emitStretch passes on some batches. Where their answers turn out to be larger
// than was guessed, they are dealt again, batch by batch.
func (o *passing) emitStretch(ctx context.Context, st stretch, emit graph.Emit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var size int64
	for _, a := range st.answers {
		size += a.bytes
	}
	if len(st.blocks) > 1 && 2*size > o.passes.share() {
		return o.emitSingly(ctx, st, emit)
	}
	// One batch and its answers will be in memory whatever is left of the budget,
	// as any batch that is passed on.
	if err := o.holding.reserve(2 * size); err != nil && (len(st.blocks) > 1 || !exceeds(err)) {
		return err
	}
	defer o.holding.drop()
	var columns []filled
	for i, q := range o.passes.probes {
		found, err := o.collect(q, st.answers[i], st.from, st.to)
		if err != nil {
			return err
		}
		columns = append(columns, found...)
	}
	at := 0
	for _, k := range st.blocks {
		b, err := o.passes.read(k)
		if err != nil {
			return err
		}
		all := copies(o.passes.Step, o.output, b)
		for _, f := range columns {
			all = append(all, filled{f.path, f.column.Slice(at, at+b.Len())})
		}
		if err := emit(0, b.WithRoot(assemble(o.output, nil, b.Len(), all))); err != nil {
			return err
		}
		at += b.Len()
	}
	return nil
}

func (o *passing) emitSingly(ctx context.Context, st stretch, emit graph.Emit) error {
	starts := buckets(st.blocks, 0)
	singles := make([]stretch, len(st.blocks))
	for _, a := range st.answers {
		dealt, err := o.passes.redeal(a, len(singles), func(d *dealing, b *batch.Batch) error {
			to := make([]int32, b.Len())
			for i, row := range b.Root.Children[len(b.Root.Children)-1].Ints {
				at, found := slices.BinarySearch(starts, row-st.from)
				if !found {
					at--
				}
				to[i] = int32(at)
			}
			return d.add(b, to)
		})
		if err != nil {
			return err
		}
		for i := range singles {
			singles[i].answers = append(singles[i].answers, dealt[i])
		}
	}
	for i := range singles {
		singles[i].blocks = st.blocks[i : i+1]
		singles[i].from, singles[i].to = st.from+starts[i], st.from+starts[i+1]
		if err := o.emitStretch(ctx, singles[i], emit); err != nil {
			return err
		}
	}
	return nil
}

// collect returns the answers for rows [from, to) of the spine, in their order.
func (o *passing) collect(q *probed, answers pile, from, to int64) ([]filled, error) {
	var pieces []*batch.Batch
	for _, k := range answers.blocks {
		b, err := o.passes.read(k)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, b)
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
