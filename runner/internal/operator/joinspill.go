package operator

import (
	"context"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// A join whose right side does not fit its share splits both sides by the next four
// bits of the hash of the key, behind those that make the key group, and joins part
// by part. A part that is too large again is split again. Where that puts all rows
// into one part, they have one key: then the right side is taken in chunks, and the
// left side is read once for each.
//
//	right ─┬─▶ r0 r1 r2 … r15      r3 too large ─┬─▶ r3.0 … r3.15
//	left  ─┴─▶ l0 l1 l2 … l15      l3           ─┴─▶ l3.0 … l3.15
//
// Rows keep their order within a part, so the order of what comes out depends on the
// data and on the sizes of budget and batches, never on timing.
type splitting struct {
	level int
	file  *spill.File
	parts [splitParts]struct{ left, right spool }
}

const (
	splitBits  = 4
	splitParts = 1 << splitBits
	groupBits  = 7 // of a hash, the same for all rows of a key group
	levelLast  = (64-groupBits)/splitBits - 1
)

// spool is rows of one side of a part.
type spool struct {
	blocks       []spill.Block
	rows, bytes  int64
	waiting      []*batch.Batch
	waitingBytes int64
}

// entryBytes is about what a row takes in a table besides its columns.
const entryBytes = 40

// need is about what a table of so many bytes and rows takes while it is made.
func (o *join) need(bytes, rows int64) int64 {
	windows := int64(1)
	if fn := o.Windows; !o.windows.single && fn.Kind() == window.KindAligned {
		windows += fn.Size() / fn.Period()
	}
	return 2*bytes + entryBytes*windows*rows
}

// split begins to split both sides, with the rows of the right side that are held.
func (o *join) split() error {
	o.parts = &splitting{}
	for i, b := range o.held {
		if err := o.put(o.parts, 1, b); err != nil {
			return err
		}
		o.held[i] = nil
	}
	o.held, o.bytes, o.rows = nil, 0, 0
	return nil
}

// put deals out rows of a side.
func (o *join) put(s *splitting, side int, b *batch.Batch) error {
	n := b.Len()
	hashes := make([]uint64, n)
	o.hasher.Hashes(b.Root.Children[0], b.Sel, hashes)
	var rows [splitParts][]int32
	for i, h := range hashes {
		p := h << (groupBits + splitBits*s.level) >> (64 - splitBits)
		if rows[p] == nil {
			rows[p] = make([]int32, 0, n/splitParts+n/64+8)
		}
		rows[p] = append(rows[p], int32(b.Row(i)))
	}
	for p := range rows {
		part := &s.parts[p]
		to := &part.left
		if side == 1 {
			to = &part.right
		}
		if len(rows[p]) == 0 || side == 0 && o.Op.Match == graph.Inner && part.right.rows == 0 {
			continue
		}
		if err := o.append(s, to, b.WithSel(rows[p]).Compact()); err != nil {
			return err
		}
	}
	return nil
}

// append adds rows to a spool, which writes a block when there is enough for one.
func (o *join) append(s *splitting, to *spool, b *batch.Batch) error {
	size := b.SizeBytes()
	to.waiting, to.waitingBytes = append(to.waiting, b), to.waitingBytes+size
	to.rows, to.bytes = to.rows+int64(b.Len()), to.bytes+size
	o.waiting += size
	if to.waitingBytes < o.Room.block() {
		return nil
	}
	return o.write(s, to)
}

// write writes what waits in a spool as a block.
func (o *join) write(s *splitting, to *spool) (err error) {
	if len(to.waiting) == 0 {
		return nil
	}
	if s.file == nil {
		if s.file, err = o.Room.Area.Create(o.Room.Holder); err != nil {
			return err
		}
		o.files = append(o.files, s.file)
	}
	k, err := s.file.Append(batch.ConcatBatches(to.waiting))
	if err != nil {
		return err
	}
	to.blocks = append(to.blocks, k)
	o.waiting -= to.waitingBytes
	to.waiting, to.waitingBytes = nil, 0
	return nil
}

// finish joins the parts, one after the other.
func (o *join) finish(ctx context.Context, s *splitting, emit graph.Emit) error {
	for p := range s.parts {
		part := &s.parts[p]
		for _, side := range []*spool{&part.right, &part.left} {
			if err := o.write(s, side); err != nil {
				return err
			}
		}
	}
	for p := range s.parts {
		part := &s.parts[p]
		if err := o.part(ctx, s, &part.left, &part.right, emit); err != nil {
			return err
		}
		part.left, part.right = spool{}, spool{}
	}
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

func (o *join) part(ctx context.Context, s *splitting, left, right *spool, emit graph.Emit) error {
	if left.rows == 0 && (right.rows == 0 || o.Op.Match != graph.Full) {
		return nil
	}
	if s.level < levelLast && o.Room.short(o.need(right.bytes, right.rows)) {
		again := &splitting{level: s.level + 1}
		if err := o.again(ctx, s.file, again, 1, right); err != nil {
			return err
		}
		if !again.useless(right.rows) {
			if err := o.again(ctx, s.file, again, 0, left); err != nil {
				return err
			}
			return o.finish(ctx, again, emit)
		}
		if err := o.forget(again); err != nil {
			return err
		}
	}
	chunks := o.chunks(right)
	if o.Op.Match == graph.AsOf {
		return o.latest(ctx, s.file, left, chunks, emit)
	}
	return o.pairs(ctx, s.file, left, chunks, emit)
}

// again deals out the rows of a spool once more.
func (o *join) again(ctx context.Context, file *spill.File, to *splitting, side int, from *spool) error {
	for _, k := range from.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := file.Read(k)
		if err != nil {
			return err
		}
		if err := o.put(to, side, b); err != nil {
			return err
		}
		if err := o.Room.account(); err != nil {
			return err
		}
	}
	return nil
}

// useless reports whether all rows of the right side are in one part.
func (s *splitting) useless(rows int64) bool {
	for p := range s.parts {
		if s.parts[p].right.rows == rows {
			return true
		}
	}
	return false
}

// forget drops what has been split.
func (o *join) forget(s *splitting) error {
	for p := range s.parts {
		o.waiting -= s.parts[p].right.waitingBytes
	}
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// chunks cuts the blocks of a side into as many at a time as a table may have.
func (o *join) chunks(s *spool) (chunks [][]spill.Block) {
	from, bytes, rows := 0, int64(0), int64(0)
	for i, k := range s.blocks {
		if i > from && o.Room.short(o.need(bytes+k.SizeBytes(), rows+int64(k.Rows))) {
			chunks = append(chunks, s.blocks[from:i])
			from, bytes, rows = i, 0, 0
		}
		bytes, rows = bytes+k.SizeBytes(), rows+int64(k.Rows)
	}
	if from < len(s.blocks) {
		chunks = append(chunks, s.blocks[from:])
	}
	return chunks
}

// load makes the tables of a chunk, instead of those there are.
func (o *join) load(file *spill.File, chunk []spill.Block) error {
	o.tables = nil
	for _, k := range chunk {
		b, err := file.Read(k)
		if err != nil {
			return err
		}
		o.hold(b)
	}
	if err := o.build(); err != nil {
		return err
	}
	return o.Room.account()
}

// pairs joins a part chunk by chunk.
func (o *join) pairs(ctx context.Context, file *spill.File, left *spool, chunks [][]spill.Block, emit graph.Emit) error {
	matched := make([][]bool, len(left.blocks))
	defer func() { o.tables, o.marks = nil, 0 }()
	for c := range max(1, len(chunks)) {
		o.tables = nil
		if len(chunks) > 0 {
			if err := o.load(file, chunks[c]); err != nil {
				return err
			}
		}
		for i, k := range left.blocks {
			b, err := file.Read(k)
			if err != nil {
				return err
			}
			rows, wins, err := o.windows.entries(b)
			if err != nil {
				return err
			}
			if matched[i] == nil {
				matched[i] = make([]bool, len(rows))
				o.marks += int64(len(rows))
			}
			if err := o.probeAll(ctx, b, rows, wins, matched[i], c+1 >= len(chunks), emit); err != nil {
				return err
			}
			if err := o.Room.account(); err != nil {
				return err
			}
		}
		if err := o.unmatched(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}

// latest joins a part as of the times of the left side, of which it takes some
// blocks at a time through all chunks.
func (o *join) latest(ctx context.Context, file *spill.File, left *spool, chunks [][]spill.Block, emit graph.Emit) error {
	defer func() { o.tables, o.marks = nil, 0 }()
	for from := 0; from < len(left.blocks); {
		var some []*batch.Batch
		o.marks = 0
		to := from
		for ; to < len(left.blocks) && (to == from || !o.Room.short(4*o.marks)); to++ {
			b, err := file.Read(left.blocks[to])
			if err != nil {
				return err
			}
			some, o.marks = append(some, b), o.marks+left.blocks[to].SizeBytes()
		}
		from = to
		b, found := batch.ConcatBatches(some), latest{}
		for _, chunk := range chunks {
			if len(chunks) > 1 || o.tables == nil {
				if err := o.load(file, chunk); err != nil {
					return err
				}
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, t := range o.tables {
				found.look(b, t)
			}
		}
		for from := 0; from < b.Len(); from += batch.TargetRows {
			to := min(from+batch.TargetRows, b.Len())
			if err := emit(0, found.batch(&o.Joining, b, from, to)); err != nil {
				return err
			}
		}
	}
	return nil
}
