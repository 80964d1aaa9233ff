package operator

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// scatter sends keyed rows to the partition of their key group. The columns are
// shared; each partition gets a selection.
type scatter struct {
	pass
	target Target
	drop   bool // rows with a null in the key
	groups bool // each key group by itself
	hashes []uint64
	parts  [][]int32
}

// NewScatter returns an operator that partitions keyed rows.
func NewScatter(target Target) Operator {
	return &scatter{target: target, parts: make([][]int32, target.Partitions())}
}

// NewScatterKeys returns an operator that partitions keyed rows and drops those with
// a null in the key, which in a join are equal to nothing.
func NewScatterKeys(target Target) Operator {
	return &scatter{target: target, parts: make([][]int32, target.Partitions()), drop: true}
}

// NewScatterGroups returns an operator that partitions keyed rows by key group, so
// that a consumer behind a blocked exchange sees one group after the other.
func NewScatterGroups(target Target) Operator {
	return &scatter{target: target, parts: make([][]int32, codec.KeyGroups), groups: true}
}

// Process implements Operator.
func (o *scatter) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	if valid := keyValid(b.Root.Children[0]); o.drop && valid != nil {
		b = b.WithSel(selected(b, valid))
	}
	n := b.Len()
	if cap(o.hashes) < n {
		o.hashes = make([]uint64, n)
	}
	hashes := o.hashes[:n]
	codec.KeyHashes(b.Root.Children[0], b.Sel, hashes)
	for i := range o.parts {
		o.parts[i] = make([]int32, 0, n/len(o.parts)+16)
	}
	for i, h := range hashes {
		p := codec.KeyGroup(h, codec.KeyGroups) * len(o.parts) / codec.KeyGroups
		o.parts[p] = append(o.parts[p], int32(b.Row(i)))
	}
	for p, rows := range o.parts {
		if len(rows) == 0 {
			continue
		}
		send := o.target.Send
		if o.groups {
			send = o.target.SendGroup
		}
		if err := send(ctx, p, b.WithSel(rows)); err != nil {
			return err
		}
	}
	return nil
}

// keyValid returns which keys have no null in them; nil: all.
func keyValid(key *batch.Column) batch.Bitmap {
	valid := key.Valid
	if key.Type.Kind != batch.Struct {
		return valid
	}
	for _, c := range key.Children {
		valid = batch.And(valid, keyValid(c), key.Len)
	}
	return valid
}

// selected returns the rows that count and are valid.
func selected(b *batch.Batch, valid batch.Bitmap) []int32 {
	rows := make([]int32, 0, b.Len())
	for i := range b.Len() {
		if row := b.Row(i); valid.Get(row) {
			rows = append(rows, int32(row))
		}
	}
	return rows
}
