package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// joinRows collects rows of the output of a join as pairs of places and makes
// batches of them, column by column. A place of -1 is no row.
type joinRows struct {
	spec                *Joining
	windows             *windowing
	left, right, wins   []int32
	leftRoot, rightRoot *batch.Column // keyed rows; nil: none
	leftTime, rightTime []int64       // of pairs in an interval
}

// from says where the places added next are in. Those before must be out.
func (o *joinRows) from(left, right *batch.Column) { o.leftRoot, o.rightRoot = left, right }

// add adds a pair.
func (o *joinRows) add(ctx context.Context, left, right, win int32, emit graph.Emit) error {
	o.left, o.right, o.wins = append(o.left, left), append(o.right, right), append(o.wins, win)
	if len(o.left) < batch.TargetRows {
		return nil
	}
	return o.flush(ctx, emit)
}

// flush emits what there is.
func (o *joinRows) flush(ctx context.Context, emit graph.Emit) error {
	n := len(o.left)
	if n == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil { // a pair of huge groups takes long
		return err
	}
	b := o.timed(n)
	keys, at := o.leftRoot, o.left
	if o.leftRoot == nil {
		keys, at = o.rightRoot, o.right
	}
	b.Root = o.spec.root(keys.Children[0].Gather(at), side(o.leftRoot, o.left), side(o.rightRoot, o.right))
	o.left, o.right, o.wins = o.left[:0], o.right[:0], o.wins[:0]
	return emit(0, b)
}

// timed returns a batch of the times and windows of so many rows.
func (o *joinRows) timed(n int) *batch.Batch {
	b := &batch.Batch{Time: make([]int64, n)}
	if o.spec.Op.Match == graph.Interval {
		for i := range b.Time {
			b.Time[i] = max(o.leftTime[o.left[i]], o.rightTime[o.right[i]])
		}
		return b
	}
	b.Start, b.End = make([]int64, n), make([]int64, n)
	for i, w := range o.wins {
		in := o.windows.list[w]
		b.Start[i], b.End[i], b.Time[i] = in.Start, in.End, in.End-1
	}
	return b
}

// root puts keys and values beside each other.
func (j *Joining) root(keys *batch.Column, left, right sided) *batch.Column {
	t := j.Output
	return batch.NewStruct(t, keys.Len, keys, left.column(t.Fields[1].Type, keys.Len), right.column(t.Fields[2].Type, keys.Len))
}

// sided is the values of one side; nil where there are none at all.
type sided struct {
	values *batch.Column
	valid  batch.Bitmap
}

// side gathers the values of keyed rows; those at -1 are null.
func side(root *batch.Column, at []int32) sided {
	if root == nil {
		return sided{}
	}
	return valuesAt(root.Children[1], at)
}

func valuesAt(values *batch.Column, at []int32) sided {
	missing := 0
	for _, row := range at {
		if row < 0 {
			missing++
		}
	}
	if missing == 0 {
		return sided{values: values.Gather(at)}
	}
	if missing == len(at) {
		return sided{}
	}
	valid, some := batch.NewBitmap(len(at)), make([]int32, len(at))
	for i, row := range at {
		if row >= 0 {
			some[i] = row
			valid.Set(i)
		}
	}
	return sided{values.Gather(some), valid}
}

// column returns the side as struct{value V}.
func (s sided) column(t *batch.Type, n int) *batch.Column {
	if s.values == nil {
		return batch.Nulls(t, n)
	}
	return &batch.Column{Type: t, Len: n, Valid: s.valid, Children: []*batch.Column{s.values}}
}
