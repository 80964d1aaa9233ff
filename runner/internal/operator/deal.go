package operator

import (
	"context"
	"math/bits"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// dealer tells in which part of an index the rows of a key are. Both sides of a
// lookup must agree on it.
type dealer struct {
	parts   int
	hashers []codec.Hasher
	hashes  []uint64
	next    []uint64
}

func newDealer(parts, keys int) dealer {
	return dealer{parts: parts, hashers: make([]codec.Hasher, keys)}
}

// hash returns a hash of the keys in each of rows (of rows [0, n) when nil).
func (d *dealer) hash(keys []*batch.Column, rows []int32, n int) []uint64 {
	if cap(d.hashes) < n {
		d.hashes, d.next = make([]uint64, n), make([]uint64, n)
	}
	hashes := d.hashes[:n]
	d.hashers[0].Hashes(keys[0], rows, hashes)
	for k := 1; k < len(keys); k++ {
		next := d.next[:n]
		d.hashers[k].Hashes(keys[k], rows, next)
		for i, h := range next {
			hashes[i] = bits.RotateLeft64(hashes[i]*0x9e3779b97f4a7c15, 31) ^ h
		}
	}
	return hashes
}

// part returns the part of a hash: by its high bits, of which a table of keys
// makes no use.
func (d *dealer) part(hash uint64) int { return codec.KeyGroup(hash, d.parts) }

// columnsAt returns the columns at paths, with the nulls of structs on the way.
func columnsAt(root *batch.Column, paths [][]int) []*batch.Column {
	columns := make([]*batch.Column, len(paths))
	for i, p := range paths {
		columns[i] = root.Flatten(p)
	}
	return columns
}

// notNull returns those of rows (of rows [0, n) when nil) in which no column is
// null; nil for all of [0, n).
func notNull(columns []*batch.Column, rows []int32, n int) []int32 {
	var valid batch.Bitmap
	for _, c := range columns {
		valid = batch.And(valid, c.Valid, c.Len)
	}
	if valid == nil {
		return rows
	}
	kept := make([]int32, 0, n)
	for i := range n {
		row := int32(i)
		if rows != nil {
			row = rows[i]
		}
		if valid.Get(int(row)) {
			kept = append(kept, row)
		}
	}
	return kept
}

// deal sends rows to the part of an index that their key belongs to. Rows with a
// null key go nowhere: nothing is equal to null. Columns that the index does not
// read are left behind; the others are shared.
type deal struct {
	pass
	dealer
	target Target
	keys   [][]int
	keep   []bool // which top-level columns go along; nil: all
	spine  bool   // rows are those of the spine: one with a null key is not lost
}

// NewDealSpine returns an operator that sends the spine to where the rows of an
// index with its keys are.
func NewDealSpine(keys [][]int, target Target) Operator {
	return &deal{dealer: newDealer(target.Partitions(), len(keys)), target: target, keys: keys, spine: true}
}

// NewDeal returns the sending side of an index over rows with these keys.
func NewDeal(keys [][]int, keep []bool, target Target) Operator {
	return &deal{dealer: newDealer(target.Partitions(), len(keys)), target: target, keys: keys, keep: keep}
}

// Process implements Operator.
func (o *deal) Process(ctx context.Context, b *batch.Batch, _ graph.Emit) error {
	keys := columnsAt(b.Root, o.keys)
	rows := b.Sel
	if !o.spine {
		rows = notNull(keys, b.Sel, b.Len())
	}
	n := b.Physical()
	if rows != nil {
		n = len(rows)
	}
	if n == 0 {
		return nil
	}
	if o.spine {
		b = b.WithSel(rows)
	} else {
		b = &batch.Batch{Root: keepColumns(b.Root, o.keep), Time: b.Time, Sel: rows}
	}
	if o.parts == 1 {
		return o.target.Send(ctx, 0, b)
	}
	parts := make([][]int32, o.parts)
	for i := range parts {
		parts[i] = make([]int32, 0, n/o.parts+n/8+16)
	}
	for i, h := range o.hash(keys, rows, n) {
		row := int32(i)
		if rows != nil {
			row = rows[i]
		}
		p := o.part(h)
		parts[p] = append(parts[p], row)
	}
	for p, rows := range parts {
		if len(rows) == 0 {
			continue
		}
		if err := o.target.Send(ctx, p, b.WithSel(rows)); err != nil {
			return err
		}
	}
	return nil
}

// keepColumns drops the children that are not kept.
func keepColumns(root *batch.Column, keep []bool) *batch.Column {
	if keep == nil {
		return root
	}
	out := *root
	out.Children = make([]*batch.Column, len(root.Children))
	for i, c := range root.Children {
		if keep[i] {
			out.Children[i] = c
		}
	}
	return &out
}
