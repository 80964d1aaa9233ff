package operator

import (
	"math/bits"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
)

// pile is rows on disk that will be needed together.
type pile struct {
	blocks []spill.Block
	rows   int64
	bytes  int64 // as they are in memory
}

func (h *pile) append(k spill.Block) {
	h.blocks = append(h.blocks, k)
	h.rows += int64(k.Rows)
	h.bytes += k.SizeBytes()
}

// dealing deals rows out to piles on disk. It gathers batches in the order of
// their piles, and writes them all, pile by pile, when they outgrow its share:
//
//	batch ─▶ 0 0 0 1 3 3 ┐
//	batch ─▶ 0 1 1 2 3   ├─ full ─▶ 0 0 0 0 │ 1 1 1 │ 2 │ 3 3 3
//	                     ┘
//
// Rows of a pile stay in the order in which they came.
type dealing struct {
	passes  *Passes
	holding holding
	most    int64 // bytes to gather
	piles   []pile
	pieces  []dealt
	next    []int32
}

// dealt is a batch in the order of its piles, and where those of each end.
type dealt struct {
	b    *batch.Batch
	ends []int32
}

func newDealing(p *Passes, m Memory, piles int, most int64) *dealing {
	return &dealing{passes: p, holding: holding{memory: m}, most: most, piles: make([]pile, piles), next: make([]int32, piles)}
}

// add adds row i of a dense batch to pile to[i], or to none when that is negative.
func (d *dealing) add(b *batch.Batch, to []int32) error {
	clear(d.next)
	for _, h := range to {
		if h >= 0 {
			d.next[h]++
		}
	}
	ends, sum := make([]int32, len(d.piles)), int32(0)
	for h, n := range d.next {
		d.next[h], sum = sum, sum+n
		ends[h] = sum
	}
	if sum == 0 {
		return nil
	}
	order := make([]int32, sum)
	for row, h := range to {
		if h >= 0 {
			order[d.next[h]] = int32(row)
			d.next[h]++
		}
	}
	piece := dealt{b.Gather(order), ends}
	size := piece.b.SizeBytes() + int64(4*len(ends))
	if d.holding.bytes+size > d.most {
		if err := d.flush(); err != nil {
			return err
		}
	}
	d.pieces = append(d.pieces, piece)
	if size <= d.most {
		err := d.holding.reserve(size)
		if err == nil || !exceeds(err) {
			return err
		}
	}
	return d.flush() // it is in memory anyway, but need not stay
}

// flush writes what is gathered.
func (d *dealing) flush() error {
	var parts []*batch.Batch
	for h := range d.piles {
		parts = parts[:0]
		for _, p := range d.pieces {
			from := int32(0)
			if h > 0 {
				from = p.ends[h-1]
			}
			if from < p.ends[h] {
				parts = append(parts, p.b.Slice(int(from), int(p.ends[h])))
			}
		}
		if len(parts) == 0 {
			continue
		}
		if err := d.write(&d.piles[h], batch.ConcatBatches(parts)); err != nil {
			return err
		}
	}
	d.pieces = nil
	d.holding.drop()
	return nil
}

// write appends a batch to a pile, in blocks of a bounded size.
func (d *dealing) write(to *pile, b *batch.Batch) error {
	pieces := int(min(int64(b.Len()), 1+b.SizeBytes()/max(blockLeast, min(d.most, blockMost))))
	for i := range pieces {
		k, err := d.passes.append(b.Slice(b.Len()*i/pieces, b.Len()*(i+1)/pieces))
		if err != nil {
			return err
		}
		to.append(k)
	}
	return nil
}

// drop forgets what is gathered.
func (d *dealing) drop() {
	d.pieces = nil
	d.holding.drop()
}

// fanMost is the most piles that rows are dealt to at once.
const fanMost = 64

// fanFor returns into how many piles to deal what needs so many bytes, so that a
// typical one needs half of the share.
func fanFor(need, share int64) int {
	n := min(max(1, 2*need/max(1, share)), fanMost)
	return 1 << bits.Len64(uint64(n-1))
}

// fan returns which of so many piles each row with these keys belongs to. Levels
// are independent of each other and of parts.
func (d *dealer) fan(keys []*batch.Column, rows, level, piles int) []int32 {
	to := make([]int32, rows)
	if piles == 1 {
		return to
	}
	for i, h := range d.hash(keys, nil, rows) {
		to[i] = int32(pileOf(h, level, piles))
	}
	return to
}

// pileOf mixes the bits of a hash anew for each level (the finalizer of
// splitmix64).
func pileOf(hash uint64, level, piles int) int {
	h := hash + uint64(level+1)*0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return int((h >> 32) * uint64(piles) >> 32)
}
