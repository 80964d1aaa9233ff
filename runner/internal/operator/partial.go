package operator

import (
	"context"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// Target is the sending side of a hash exchange.
type Target interface {
	Partitions() int
	Send(ctx context.Context, partition int, b *batch.Batch) error
	// SendGroup sends rows of one key group to the partition that has it, which
	// sees its groups one after the other when the exchange is blocked.
	SendGroup(ctx context.Context, group int, b *batch.Batch) error
}

// Limits of a partial aggregation. It starts with few groups, which stay in
// cache, and sends them on when they are full. Where that has gathered too few
// rows a group, it tries with more; where even the most do not help, grouping
// early is given up as far as it goes.
const (
	partialSlotsFirst = 1 << 16
	partialSlotsMost  = 1 << 21
	partialSlotsPoor  = 1 << 15
	rowsAGroup        = 4   // from here on a table is sent when full instead of grown
	rowsAGroupPoor    = 1.5 // below, at the most, early grouping is not worth its table
)

// partial aggregates rows before the exchange, so that one row a key and pane
// and task travels instead of every row. What it sends:
//
//	Root   struct{key K, rows int64, state struct{…}}   rows: how many went in
//	Start, End                                          the pane
type partial struct {
	groups
	target  Target
	limit   int
	taken   int64 // rows since the last full flush
	sending []outgoing
}

// outgoing is what waits to be sent to one partition.
type outgoing struct {
	ids, slots []int32
	start, end []int64
}

// NewPartial returns the sending half of a Combine.
func NewPartial(g Grouping, target Target) Operator {
	return &partial{groups: newGroups(g), target: target, limit: partialSlotsFirst, sending: make([]outgoing, target.Partitions())}
}

// PartialType is the type of the rows between the halves of a Combine.
func PartialType(g Grouping) *batch.Type {
	return &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "key", Type: g.Key},
		{Name: "rows", Type: &batch.Type{Kind: batch.Int64}},
		{Name: "state", Type: g.Aggregate.Saved()},
	}}
}

// Process implements Operator.
func (o *partial) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	at, rows, err := o.locate(b)
	if err != nil {
		return err
	}
	if err := o.table.Add(at, b.Root.Children[1], b.Time, rows); err != nil {
		return o.named(err)
	}
	o.count(at)
	o.taken += int64(len(at))
	if o.Room.short(o.SizeBytes()) {
		err := o.flush(ctx, endOfInput)
		o.drop()
		return err
	}
	if o.slots.Len() >= o.limit {
		return o.overflow(ctx)
	}
	return nil
}

// overflow decides what to do with a full table: let it grow, or send it.
func (o *partial) overflow(ctx context.Context) error {
	ratio := float64(o.taken) / float64(o.slots.Len())
	switch {
	case ratio >= rowsAGroup:
	case o.limit < partialSlotsFirst: // given up before
	case o.limit < partialSlotsMost:
		o.limit *= 4
		return nil
	case ratio < rowsAGroupPoor:
		o.limit = partialSlotsPoor
	}
	o.taken = 0
	return o.flush(ctx, endOfInput)
}

// Watermark implements Operator: panes that end by w may belong to a window that
// closes downstream, so they must arrive before the watermark does.
func (o *partial) Watermark(ctx context.Context, w int64, _ graph.Emit) error {
	return o.flush(ctx, w)
}

// Idle implements Idling.
func (o *partial) Idle(ctx context.Context, _ graph.Emit) error { return o.flush(ctx, endOfInput) }

// End implements Operator.
func (o *partial) End(ctx context.Context, _ graph.Emit) error { return o.flush(ctx, endOfInput) }

// Close implements Operator.
func (o *partial) Close() error { return nil }

// flush sends the panes that end by w, in the order of time.
func (o *partial) flush(ctx context.Context, w int64) error {
	done := 0
	for _, p := range o.panes.Sorted() {
		if p.End > w {
			break
		}
		done++
		if err := o.collectPane(ctx, p); err != nil {
			return err
		}
	}
	if done == 0 {
		return nil
	}
	for partition := range o.sending {
		if err := o.send(ctx, partition); err != nil {
			return err
		}
	}
	o.forget(o.panes.Sorted()[:done])
	o.panes.Drop(done)
	return nil
}

func (o *partial) collectPane(ctx context.Context, p *state.Pane) error {
	if o.ByKeyGroup {
		return o.collectGroups(ctx, p)
	}
	return o.collect(ctx, p)
}

// collectGroups sends a pane in the order of key groups, each its own batch.
func (o *partial) collectGroups(ctx context.Context, p *state.Pane) error {
	var starts [codec.KeyGroups + 1]int32
	groups := make([]uint8, len(p.Keys))
	for i, id := range p.Keys {
		g := codec.KeyGroup(o.keys.Group(id), codec.KeyGroups)
		groups[i] = uint8(g)
		starts[g+1]++
	}
	for g := range codec.KeyGroups {
		starts[g+1] += starts[g]
	}
	ids, slots := make([]int32, len(p.Keys)), make([]int32, len(p.Keys))
	next := starts
	for i, g := range groups {
		ids[next[g]], slots[next[g]] = p.Keys[i], p.Slots[i]
		next[g]++
	}
	var start, end []int64
	first := 0
	for g := 1; g <= codec.KeyGroups; g++ {
		from, to := starts[first], starts[g]
		if to-from < batch.TargetRows && g < codec.KeyGroups || from == to {
			continue
		}
		b, err := o.saved(ids[from:to], slots[from:to])
		if err != nil {
			return err
		}
		if n := int(to - from); n > len(start) { // of a window that all groups have
			start, end = repeated(p.Start, n), repeated(p.End, n)
		}
		b.Start, b.End = start[:to-from:to-from], end[:to-from:to-from]
		if err := sendGroups(ctx, o.target, b, starts[first:g+1], first); err != nil {
			return err
		}
		first = g
	}
	return nil
}

// sendGroups sends rows that are in the order of their key groups: those from
// starts[g] to starts[g+1] are in group first+g.
func sendGroups(ctx context.Context, target Target, b *batch.Batch, starts []int32, first int) error {
	base := starts[0]
	for g := range len(starts) - 1 {
		from, to := int(starts[g]-base), int(starts[g+1]-base)
		if from == to {
			continue
		}
		if err := target.SendGroup(ctx, first+g, b.Slice(from, to)); err != nil {
			return err
		}
	}
	return nil
}

func repeated(v int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func (o *partial) collect(ctx context.Context, p *state.Pane) error {
	n := len(o.sending)
	for i, id := range p.Keys {
		partition := codec.KeyGroup(o.keys.Group(id), codec.KeyGroups) * n / codec.KeyGroups
		s := &o.sending[partition]
		s.ids, s.slots = append(s.ids, id), append(s.slots, p.Slots[i])
		s.start, s.end = append(s.start, p.Start), append(s.end, p.End)
		if len(s.ids) >= batch.TargetRows {
			if err := o.send(ctx, partition); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *partial) send(ctx context.Context, partition int) error {
	s := &o.sending[partition]
	if len(s.ids) == 0 {
		return nil
	}
	out, err := o.saved(s.ids, s.slots)
	if err != nil {
		return err
	}
	out.Start, out.End = s.start, s.end
	*s = outgoing{ids: s.ids[:0], slots: s.slots[:0]}
	return o.target.Send(ctx, partition, out)
}

// saved returns groups as the rows that travel, without their panes.
func (o *partial) saved(ids, slots []int32) (*batch.Batch, error) {
	saved, err := o.table.Save(slots)
	if err != nil {
		return nil, o.named(err)
	}
	counts := batch.Zeros(len(slots))
	if !o.NeverLate { // otherwise nobody asks
		counts = make([]int64, len(slots))
		for i, slot := range slots {
			counts[i] = o.counts[slot]
		}
	}
	return &batch.Batch{Root: batch.NewStruct(PartialType(o.Grouping), len(ids), o.keys.Column(ids), batch.NewInts(rowsType, counts), saved)}, nil
}

var rowsType = &batch.Type{Kind: batch.Int64}
