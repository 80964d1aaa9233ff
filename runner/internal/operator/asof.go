package operator

import (
	"bytes"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// latest is for each row of a batch of the left side the last row of the right
// side whose time is not after its own, of the tables looked at so far.
type latest struct {
	values *batch.Column // of the right side
	at     []int32       // row of values, or -1
	times  []int64
	a, b   []byte // scratch for canonical bytes
}

// look looks at one more table.
func (l *latest) look(b *batch.Batch, t *joinTable) {
	n := b.Len()
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(b.Row(i))
	}
	found := make([]int32, n)
	for i, slot := range t.find(b.Root.Children[0], rows, nil) {
		found[i] = -1
		if slot >= 0 {
			found[i] = t.latest(slot, b.TimeAt(int(rows[i])))
		}
	}
	values := t.root.Children[1]
	if l.at == nil {
		l.values, l.at, l.times = values, found, make([]int64, n)
		for i, row := range found {
			if row >= 0 {
				l.times[i] = t.timeAt(row)
			}
		}
		return
	}
	var both gathering
	before, now := both.source(l.values), both.source(values)
	for i, row := range found {
		from, at := before, l.at[i]
		if row >= 0 && (at < 0 || l.later(values, row, t.timeAt(row), i)) {
			from, at, l.times[i] = now, row, t.timeAt(row)
		}
		l.at[i] = -1
		if at >= 0 {
			l.at[i] = int32(both.len())
			both.add(from, int(at))
		}
	}
	if both.len() > 0 {
		l.values = both.column()
	}
}

// later reports whether a row comes after what has been found for row i.
func (l *latest) later(values *batch.Column, row int32, time int64, i int) bool {
	if time != l.times[i] {
		return time > l.times[i]
	}
	l.a, l.b = codec.AppendKey(l.a[:0], values, int(row)), codec.AppendKey(l.b[:0], l.values, int(l.at[i]))
	return bytes.Compare(l.a, l.b) > 0
}

// batch returns rows [from, to) of the left side with what was found.
func (l *latest) batch(j *Joining, b *batch.Batch, from, to int) *batch.Batch {
	b = b.Slice(from, to).Compact()
	var right sided
	if l.at != nil {
		right = valuesAt(l.values, l.at[from:to])
	}
	return b.WithRoot(j.root(b.Root.Children[0], sided{values: b.Root.Children[1]}, right))
}
