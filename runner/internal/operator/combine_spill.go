package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// overflow writes the groups to disk when they outgrow their share. A group of a
// stream must be there when its window closes, so only a batch plan has room.
func (o *combine) overflow() error {
	if !o.Room.short(o.SizeBytes()) {
		return nil
	}
	return o.spill(&o.runs)
}

// SizeBytes implements Sized.
func (o *combine) SizeBytes() int64 { return o.groups.SizeBytes() + o.runs.held }

// finish emits the results of runs and of what is still in memory.
func (o *combine) finish(_ context.Context, emit graph.Emit) error {
	if err := o.spill(&o.runs); err != nil {
		return err
	}
	if err := o.agree(&o.runs); err != nil {
		return err
	}
	if err := o.narrow(&o.runs); err != nil {
		return err
	}
	out := rebatch{grouping: o.Grouping, emit: emit}
	m := newMerging(o.Grouping, &o.runs, o.runs.done)
	if o.Room.Streams && o.Aggregate.Collects() {
		m.huge = out.stream
	}
	err := m.each(func(keys *batch.Column, table *agg.Table, slots []int32, start, end []int64) error {
		values, err := table.Results(slots, keys, start, end)
		if err != nil {
			return err
		}
		return out.add(resultBatch(o.Grouping, keys, values, start, end))
	})
	if err == nil {
		err = out.flush()
	}
	if err != nil {
		return err
	}
	return o.runs.close()
}

// rebatch makes batches of the usual size of smaller ones, so that those behind
// it do not see in what pieces memory allowed them to be made.
type rebatch struct {
	grouping Grouping
	emit     graph.Emit
	pieces   []*batch.Batch
	rows     int
}

// stream passes on a group whose values do not fit memory.
func (r *rebatch) stream(s *groupStream) error {
	if err := r.flush(); err != nil {
		return err
	}
	none, err := r.grouping.Aggregate.NewTable().Results([]int32{}, s.key().Slice(0, 0), nil, nil)
	if err != nil {
		return err
	}
	values := &batch.Column{Type: none.Type, Len: 1, Offsets: []int32{0, 0}, Children: none.Children, Stream: s}
	return r.emit(0, resultBatch(r.grouping, s.key(), values, []int64{s.before.start}, []int64{s.before.end}))
}

func (r *rebatch) add(b *batch.Batch) error {
	for b.Len() > 0 {
		n := min(b.Len(), batch.TargetRows-r.rows)
		r.pieces = append(r.pieces, b.Slice(0, n))
		r.rows += n
		b = b.Slice(n, b.Len())
		if r.rows == batch.TargetRows {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush passes on what there is.
func (r *rebatch) flush() error {
	if r.rows == 0 {
		return nil
	}
	b := batch.ConcatBatches(r.pieces)
	clear(r.pieces)
	r.pieces, r.rows = r.pieces[:0], 0
	return r.emit(0, b)
}

// resultBatch is KV rows whose event time is the last microsecond of their window.
func resultBatch(g Grouping, keys, values *batch.Column, start, end []int64) *batch.Batch {
	times := make([]int64, len(end))
	for i, at := range end {
		times[i] = at - 1
	}
	return &batch.Batch{Root: batch.NewStruct(resultType(g), len(end), keys, values), Time: times, Start: start, End: end}
}
