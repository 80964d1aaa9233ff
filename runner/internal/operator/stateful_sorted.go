package operator

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// keep lets the rows of a function with sorted input wait until event time has
// passed them. Those of a time that has been passed are late.
func (o *stateful) keep(b *batch.Batch) error {
	o.late = o.late[:0]
	onTime := make([]int32, 0, b.Len())
	for i := range b.Len() {
		if row := b.Row(i); b.TimeAt(row) >= o.watermark {
			onTime = append(onTime, int32(row))
		} else {
			o.late = append(o.late, int32(row))
		}
	}
	o.waiting.add(b.WithSel(onTime))
	return o.drop(b)
}

// release hands the rows of times before w to the function, in the order of time, of
// the hash of the key, and of canonical bytes.
func (o *stateful) release(w int64) error {
	batches := o.waiting.take(w)
	if len(batches) == 0 {
		return nil
	}
	rows := ordered(batches)
	var out collecting
	for from := 0; from < len(rows); from += batch.TargetRows {
		sources := make(map[int32]int32)
		for _, r := range rows[from:min(from+batch.TargetRows, len(rows))] {
			source, ok := sources[r.batch]
			if !ok {
				source = out.source(batches[r.batch])
				sources[r.batch] = source
			}
			out.add(source, batches[r.batch], int(r.row))
		}
		if err := o.process(out.take()); err != nil {
			return err
		}
	}
	return nil
}

// orderedRow is a row of one of several batches.
type orderedRow struct {
	t          int64
	key        uint64
	batch, row int32
}

// ordered returns the rows of dense keyed batches by time, hash of the key, and
// canonical bytes.
func ordered(batches []*batch.Batch) []orderedRow {
	var rows []orderedRow
	var hashes []uint64
	for at, b := range batches {
		n := b.Len()
		hashes = slices.Grow(hashes[:0], n)[:n]
		codec.KeyHashes(b.Root.Children[0], nil, hashes)
		for i, key := range hashes {
			rows = append(rows, orderedRow{b.TimeAt(i), key, int32(at), int32(i)})
		}
	}
	slices.SortFunc(rows, func(a, b orderedRow) int { return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.key, b.key)) })
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].t == rows[from].t && rows[to].key == rows[from].key {
			to++
		}
		if to > from+1 {
			byBytes(batches, rows[from:to])
		}
		from = to
	}
	return rows
}

// byBytes sorts rows by their canonical bytes.
func byBytes(batches []*batch.Batch, rows []orderedRow) {
	type keyed struct {
		bytes []byte
		orderedRow
	}
	all := make([]keyed, len(rows))
	for i, r := range rows {
		all[i] = keyed{codec.AppendKey(nil, batches[r.batch].Root, int(r.row)), r}
	}
	slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.bytes, b.bytes) })
	for i := range all {
		rows[i] = all[i].orderedRow
	}
}
