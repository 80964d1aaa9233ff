package operator

import (
	"cmp"
	"context"
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/window"
)

// emitter turns slots into result batches: KV rows whose event time is the last
// microsecond of their window.
type emitter struct {
	groups *groups
	ids    []int32
	slots  []int32
	start  []int64
	end    []int64
	ranks  []int32 // by id, when results are ordered
	order  []int32
}

// begin prepares a round of firings.
func (e *emitter) begin() {
	switch {
	case !e.groups.Ordered:
	case e.groups.Order == OrderByNumber:
		e.ranks = e.groups.keys.Ranks()
	default:
		e.ranks = e.groups.keys.RanksBy(e.groups.Order == OrderByHash)
	}
}

// pane emits all keys of a pane as one window.
func (e *emitter) pane(ctx context.Context, p *state.Pane, emit graph.Emit) error {
	order := e.sort(p)
	for _, i := range order {
		if err := e.add(ctx, p.Keys[i], p.Slots[i], p.Interval, emit); err != nil {
			return err
		}
	}
	return nil
}

// sort returns the positions of a pane's keys in the order of their ranks. Where
// the pane holds a good part of all keys, they are dealt out instead of sorted.
func (e *emitter) sort(p *state.Pane) []int32 {
	e.order = resize(e.order, len(p.Keys))
	for i := range e.order {
		e.order[i] = int32(i)
	}
	switch {
	case e.ranks == nil:
	case 8*len(p.Keys) < len(e.ranks):
		slices.SortFunc(e.order, func(a, b int32) int { return cmp.Compare(e.ranks[p.Keys[a]], e.ranks[p.Keys[b]]) })
	default:
		at := make([]int32, len(e.ranks)) // position + 1, by rank
		for i, id := range p.Keys {
			at[e.ranks[id]] = int32(i) + 1
		}
		e.order = e.order[:0]
		for _, i := range at {
			if i > 0 {
				e.order = append(e.order, i-1)
			}
		}
	}
	return e.order
}

// add emits one group. Its slot must stay as it is until the next flush.
func (e *emitter) add(ctx context.Context, id, slot int32, w window.Interval, emit graph.Emit) error {
	e.ids, e.slots = append(e.ids, id), append(e.slots, slot)
	e.start, e.end = append(e.start, w.Start), append(e.end, w.End)
	if len(e.ids) < batch.TargetRows {
		return nil
	}
	return e.flush(ctx, emit)
}

// flush emits what has been added, in batches of the usual size.
func (e *emitter) flush(_ context.Context, emit graph.Emit) error {
	for from := 0; from < len(e.ids); from += batch.TargetRows {
		to := min(from+batch.TargetRows, len(e.ids))
		if err := e.piece(e.ids[from:to], e.slots[from:to], e.start[from:to], e.end[from:to], emit); err != nil {
			return err
		}
	}
	e.ids, e.slots = e.ids[:0], e.slots[:0]
	e.start, e.end = make([]int64, 0, cap(e.start)), make([]int64, 0, cap(e.end)) // the batches keep the old ones
	return nil
}

func (e *emitter) piece(ids, slots []int32, start, end []int64, emit graph.Emit) error {
	g := e.groups
	keys := g.keys.Column(ids)
	values, err := g.table.Results(slots, keys, start, end)
	if err != nil {
		return e.named(err)
	}
	times := make([]int64, len(end))
	for i, at := range end {
		times[i] = at - 1
	}
	return emit(0, &batch.Batch{Root: batch.NewStruct(resultType(g.Grouping), len(ids), keys, values), Time: times, Start: start, End: end})
}

// named says which key a failing result is for.
func (e *emitter) named(err error) error {
	for i, slot := range e.slots {
		if atSlot(err, slot) {
			return e.groups.namedKey(err, e.ids[i])
		}
	}
	return err
}

func resultType(g Grouping) *batch.Type {
	return &batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "key", Type: g.Key}, {Name: "value", Type: g.Aggregate.Output()}}}
}

// holdAll takes the groups of a window for the next flush.
func (e *emitter) holdAll(ids, slots []int32, w window.Interval) {
	e.ids, e.slots = append(e.ids, ids...), append(e.slots, slots...)
	n := len(e.start)
	e.start, e.end = slices.Grow(e.start, len(ids))[:n+len(ids)], slices.Grow(e.end, len(ids))[:n+len(ids)]
	for i := range ids {
		e.start[n+i], e.end[n+i] = w.Start, w.End
	}
}

// hold takes a group for the next flush, however many there are already.
func (e *emitter) hold(id, slot int32, w window.Interval) {
	e.ids, e.slots = append(e.ids, id), append(e.slots, slot)
	e.start, e.end = append(e.start, w.Start), append(e.end, w.End)
}
