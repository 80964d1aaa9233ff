package operator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
)

// sorting puts the rows of a task into an order. It keeps batches until they
// outgrow its share, writes them to disk as a sorted run, and merges the runs at
// the end. Rows are compared by key bytes, of which the first eight lie beside
// the row's place; those equal in all keys by their other columns and their time,
// so that the order does not depend on how they came in.
type sorting struct {
	by      sortColumns
	batches []*batch.Batch
	keys    []batch.Strings // key bytes, of each batch
	rows    int
	bytes   int64
	runs    runs
}

// NewSort returns an operator that sorts rows of type t.
func NewSort(t *batch.Type, keys []connector.SortKey, room Room) (Operator, error) {
	o := &sorting{runs: runs{room: room}}
	for _, k := range keys {
		path, err := k.Path(t)
		if err != nil {
			return nil, err
		}
		o.by.paths, o.by.descending = append(o.by.paths, path), append(o.by.descending, k.Descending)
	}
	return o, nil
}

// sortColumns is what rows are sorted by.
type sortColumns struct {
	paths      [][]int
	descending []bool
	a, b       []byte // scratch
}

// append appends the key bytes of all rows of a column of rows. Those of a key
// that descends are turned over, which reverses their order, as none is the
// beginning of another.
func (s *sortColumns) append(to *batch.Strings, root *batch.Column) {
	columns := make([]*batch.Column, len(s.paths))
	for i, p := range s.paths {
		columns[i] = root.Flatten(p)
	}
	to.Offsets = append(to.Offsets, 0)
	for row := range root.Len {
		for i, c := range columns {
			from := len(to.Data)
			to.Data = codec.AppendKey(to.Data, c, row)
			if s.descending[i] {
				for j := range to.Data[from:] {
					to.Data[from+j] ^= 0xff
				}
			}
		}
		to.Offsets = append(to.Offsets, int32(len(to.Data)))
	}
}

// ties orders rows with equal keys.
func (s *sortColumns) ties(x *batch.Batch, i int, y *batch.Batch, j int) int {
	if c := cmp.Compare(x.TimeAt(i), y.TimeAt(j)); c != 0 {
		return c
	}
	s.a, s.b = codec.AppendKey(s.a[:0], x.Root, i), codec.AppendKey(s.b[:0], y.Root, j)
	if c := bytes.Compare(s.a, s.b); c != 0 || x.Start == nil || y.Start == nil {
		return c
	}
	return cmp.Or(cmp.Compare(x.End[i], y.End[j]), cmp.Compare(x.Start[i], y.Start[j]))
}

// sortedBytes is what a row takes while it is sorted, besides itself and its key.
const sortedBytes = 24

// Process implements Operator.
func (o *sorting) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	b = b.Compact()
	var keys batch.Strings
	o.by.append(&keys, b.Root)
	o.batches, o.keys = append(o.batches, b), append(o.keys, keys)
	o.rows += b.Len()
	o.bytes += b.SizeBytes() + int64(4*len(keys.Offsets)+cap(keys.Data)+sortedBytes*b.Len())
	if !o.runs.room.short(o.bytes) {
		return nil
	}
	return o.spill()
}

// spill writes what is in memory as a run.
func (o *sorting) spill() error {
	if o.rows == 0 {
		return nil
	}
	var out run
	err := o.sorted(o.runs.room.rows(o.bytes, int64(o.rows)), func(b *batch.Batch) error { return o.runs.append(&out, b) })
	o.runs.done = append(o.runs.done, out)
	o.batches, o.keys, o.rows, o.bytes = nil, nil, 0, 0
	return err
}

// sortedRow is a row with the beginning of its key.
type sortedRow struct {
	prefix     uint64
	batch, row int32
}

// sorted hands over the rows in memory in their order, so many at a time.
func (o *sorting) sorted(most int, put func(*batch.Batch) error) error {
	all := make([]sortedRow, 0, o.rows)
	for i := range o.keys {
		for row := range o.batches[i].Len() {
			all = append(all, sortedRow{prefix(o.keys[i].Bytes(row)), int32(i), int32(row)})
		}
	}
	slices.SortFunc(all, func(a, b sortedRow) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		if c := bytes.Compare(o.keys[a.batch].Bytes(int(a.row)), o.keys[b.batch].Bytes(int(b.row))); c != 0 {
			return c
		}
		return o.by.ties(o.batches[a.batch], int(a.row), o.batches[b.batch], int(b.row))
	})
	var out collecting
	sources := make([]int32, len(o.batches))
	for from := 0; from < len(all); from += most {
		for i := range sources {
			sources[i] = -1
		}
		for _, r := range all[from:min(from+most, len(all))] {
			if sources[r.batch] < 0 {
				sources[r.batch] = out.source(o.batches[r.batch])
			}
			out.add(sources[r.batch], o.batches[r.batch], int(r.row))
		}
		if err := put(out.take()); err != nil {
			return err
		}
	}
	return nil
}

// prefix is the first eight bytes of a key as a number of the same order.
func prefix(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var room [8]byte
	copy(room[:], key)
	return binary.BigEndian.Uint64(room[:])
}

// Watermark implements Operator: in a batch plan there is none before the end.
func (o *sorting) Watermark(context.Context, int64, graph.Emit) error { return nil }

// End implements Operator.
func (o *sorting) End(_ context.Context, emit graph.Emit) error {
	out := rebatch{emit: emit}
	if o.runs.done == nil {
		if err := o.sorted(batch.TargetRows, out.add); err != nil {
			return err
		}
		o.batches, o.keys, o.rows, o.bytes = nil, nil, 0, 0
		return out.flush()
	}
	if err := o.spill(); err != nil {
		return err
	}
	if err := o.runs.rows(heads{by: &o.by}, out.add); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	return o.runs.close()
}

// Close implements Operator.
func (o *sorting) Close() error { return o.runs.close() }

// SizeBytes implements Sized.
func (o *sorting) SizeBytes() int64 { return o.bytes + o.runs.held }
