package operator

import (
	"context"
	"errors"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// Joining is what a join is made of.
type Joining struct {
	Op      *graph.Join
	Windows window.Fn // of both sides
	Output  *batch.Type
	Room    Room
}

// join is a hash join: all rows of the right side, which come first, go into
// tables, and those of the left side go by. The order of what comes out is that of
// the left side, for each of its rows that of the right side; rows of the right
// side that nothing matched are last.
type join struct {
	Joining
	windows *windowing
	held    []*batch.Batch // rows of the right side that are not in tables yet
	bytes   int64          // of them
	rows    int64
	tables  []*joinTable
	most    int64 // rows of a table
	out     joinRows

	parts   *splitting // nil: the right side is in memory
	files   []*spill.File
	hasher  codec.Hasher
	waiting int64 // bytes that wait to be written
	marks   int64 // bytes of the left side while parts are joined
}

// NewJoin returns the operator of a Join step. Its input 1 is the right side.
func NewJoin(j Joining) Operator {
	o := &join{Joining: j, windows: newWindowing(j.Windows, !j.Op.Paired()), most: tableRowsMost}
	o.out = joinRows{spec: &o.Joining, windows: o.windows}
	return o
}

// Bounds of what is put into one table: a column of text holds 2 GiB, and rows are
// counted in 32 bits.
const (
	tableBytesMost = 1 << 30
	tableRowsMost  = 1 << 28
)

// ProcessSide implements Sided: it takes the right side.
func (o *join) ProcessSide(_ context.Context, _ int, b *batch.Batch, _ graph.Emit) error {
	if o.parts != nil {
		return o.put(o.parts, 1, b)
	}
	o.hold(b.Compact())
	if o.Room.short(o.need(o.bytes, o.rows)) {
		return o.split()
	}
	return nil
}

func (o *join) hold(b *batch.Batch) {
	o.held = append(o.held, b)
	o.bytes, o.rows = o.bytes+b.SizeBytes(), o.rows+int64(b.Len())
}

// build makes tables of the rows held.
func (o *join) build() error {
	var text, rows int64
	from := 0
	for i, b := range o.held {
		n := textBytes(b.Root)
		if i > from && (text+n > tableBytesMost || rows+int64(b.Len()) > o.most) {
			if err := o.table(o.held[from:i]); err != nil {
				return err
			}
			from, text, rows = i, 0, 0
		}
		text, rows = text+n, rows+int64(b.Len())
	}
	if from < len(o.held) {
		if err := o.table(o.held[from:]); err != nil {
			return err
		}
	}
	o.held, o.bytes, o.rows = nil, 0, 0
	return nil
}

func (o *join) table(batches []*batch.Batch) error {
	t, err := newJoinTable(batch.ConcatBatches(batches), o.windows, o.Op.Match == graph.Full)
	if err != nil {
		return err
	}
	clear(batches) // the table has the rows
	if !o.Op.Paired() {
		t.sortByTime()
	}
	o.tables = append(o.tables, t)
	return nil
}

// Process implements Operator: it takes the left side.
func (o *join) Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error {
	if o.parts != nil {
		return o.put(o.parts, 0, b)
	}
	if o.held != nil {
		if err := o.build(); err != nil {
			return err
		}
	}
	if o.Op.Match == graph.AsOf {
		var found latest
		for _, t := range o.tables {
			found.look(b, t)
		}
		return emit(0, found.batch(&o.Joining, b, 0, b.Len()))
	}
	rows, wins, err := o.windows.entries(b)
	if err != nil {
		return err
	}
	return o.probeAll(ctx, b, rows, wins, make([]bool, len(rows)), true, emit)
}

// probeAll probes all tables with the entries of a batch of the left side. last says
// that there are no more tables to come for them; matched are those that tables had
// rows for, so far.
func (o *join) probeAll(ctx context.Context, b *batch.Batch, rows, wins []int32, matched []bool, last bool, emit graph.Emit) error {
	tables := o.tables
	if len(tables) == 0 {
		tables = []*joinTable{{}}
	}
	for i, t := range tables {
		if err := o.probe(ctx, b, t, rows, wins, matched, last && i == len(tables)-1, emit); err != nil {
			return err
		}
	}
	return nil
}

// probe emits the pairs of entries with rows of a table. With the last table also
// those that none had rows for, where the join keeps them.
func (o *join) probe(ctx context.Context, b *batch.Batch, t *joinTable, rows, wins []int32, matched []bool, last bool, emit graph.Emit) error {
	var slots []int32
	if t.root != nil {
		slots = t.find(b.Root.Children[0], rows, wins)
	}
	keep := last && o.Op.Match != graph.Inner && o.Op.Match != graph.Interval
	o.out.from(b.Root, t.root)
	o.out.leftTime, o.out.rightTime = b.Time, t.time
	for i, row := range rows {
		slot := int32(-1)
		if t.root != nil {
			slot = slots[i]
		}
		if slot < 0 {
			if keep && !matched[i] {
				if err := o.out.add(ctx, row, -1, wins[i], emit); err != nil {
					return err
				}
			}
			continue
		}
		matched[i] = true
		if t.hit != nil {
			t.hit[slot] = true
		}
		matching := t.of(slot)
		if o.Op.Match == graph.Interval {
			at := b.TimeAt(int(row))
			matching = t.between(slot, at+o.Op.Lower, at+o.Op.Upper)
		}
		for _, other := range matching {
			if err := o.out.add(ctx, row, other, wins[i], emit); err != nil {
				return err
			}
		}
	}
	return o.out.flush(ctx, emit)
}

// rest emits the rows of a table that nothing matched.
func (o *join) rest(ctx context.Context, t *joinTable, emit graph.Emit) error {
	o.out.from(nil, t.root)
	for i, slot := range t.slots {
		if slot >= 0 && t.hit[slot] {
			continue
		}
		if err := o.out.add(ctx, -1, t.came[i], t.wins[i], emit); err != nil {
			return err
		}
	}
	return o.out.flush(ctx, emit)
}

// Watermark implements Operator: in a batch plan there is none before the end.
func (o *join) Watermark(context.Context, int64, graph.Emit) error { return nil }

// End implements Operator.
func (o *join) End(ctx context.Context, emit graph.Emit) error {
	if o.parts != nil {
		return o.finish(ctx, o.parts, emit)
	}
	if err := o.build(); err != nil {
		return err
	}
	err := o.unmatched(ctx, emit)
	o.tables = nil
	return err
}

// unmatched emits the rows of the tables that nothing matched, where the join keeps
// them.
func (o *join) unmatched(ctx context.Context, emit graph.Emit) error {
	if o.Op.Match != graph.Full {
		return nil
	}
	for _, t := range o.tables {
		if err := o.rest(ctx, t, emit); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Operator.
func (o *join) Close() error {
	var errs []error
	for _, f := range o.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// SizeBytes implements Sized.
func (o *join) SizeBytes() int64 {
	n := o.bytes + o.waiting + o.marks + o.windows.sizeBytes()
	for _, t := range o.tables {
		n += t.bytes
	}
	return n
}
