package operator

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// joinTable holds rows of the right side of a join so that those of a key and
// window are found:
//
//	key ──Keys──▶ id ┐
//	                 ├─Pairs─▶ slot ──first──▶ rows[first[slot]:first[slot+1]]
//	window ──▶ number┘
//
// Entries of a slot are in the order in which their rows came.
type joinTable struct {
	root   *batch.Column // keyed rows
	time   []int64
	finder *state.Finder
	pairs  *state.Pairs // nil where there is one window
	first  []int32
	rows   []int32
	wins   []int32 // by entry in the order of arrival, as are the next two; Full only
	came   []int32 // its row
	slots  []int32 // its slot; -1 for a key with a null
	hit    []bool  // slots that a row of the left side has found; Full only
	bytes  int64

	ids []int32 // scratch
}

// newJoinTable makes a table of dense rows. all keeps what is needed to find those
// that nothing matched.
func newJoinTable(b *batch.Batch, w *windowing, all bool) (*joinTable, error) {
	t := &joinTable{root: b.Root, time: b.Time}
	rows, wins, err := w.entries(b)
	if err != nil {
		return nil, err
	}
	key := b.Root.Children[0]
	keys := state.NewKeys(key.Type)
	slots := make([]int32, len(rows))
	keys.Lookup(key, rows, slots)
	n := keys.Len()
	if !w.single {
		pairs := state.NewPairs()
		for i, id := range slots {
			slots[i] = pairs.Lookup(id, wins[i])
		}
		t.pairs, n = &pairs, pairs.Len()
	}
	forgetNulls(slots, rows, keyValid(key))
	t.deal(slots, rows, n)
	t.finder = keys.Finder()
	t.bytes = b.SizeBytes() + keys.SizeBytes() + int64(4*(len(t.first)+len(t.rows)))
	if t.pairs != nil {
		t.bytes += t.pairs.SizeBytes()
	}
	if all {
		t.slots, t.hit = slots, make([]bool, n)
		t.came, t.wins = slices.Clone(rows), slices.Clone(wins)
		t.bytes += int64(12*len(rows) + n)
	}
	return t, nil
}

// forgetNulls sets the slots of rows whose key has a null in it to -1.
func forgetNulls(slots, rows []int32, valid batch.Bitmap) {
	if valid == nil {
		return
	}
	for i, row := range rows {
		if !valid.Get(int(row)) {
			slots[i] = -1
		}
	}
}

// deal puts rows together by slot: a counting sort.
func (t *joinTable) deal(slots, rows []int32, n int) {
	t.first = make([]int32, n+1)
	valid := 0
	for _, s := range slots {
		if s >= 0 {
			t.first[s+1]++
			valid++
		}
	}
	for s := range n {
		t.first[s+1] += t.first[s]
	}
	t.rows = make([]int32, valid)
	next := slices.Clone(t.first[:n])
	for i, s := range slots {
		if s >= 0 {
			t.rows[next[s]] = rows[i]
			next[s]++
		}
	}
}

// find returns the slot of each entry of the left side, -1 where there is none. It
// is valid until the next call.
func (t *joinTable) find(key *batch.Column, rows, wins []int32) []int32 {
	t.ids = resize(t.ids, len(rows))
	t.finder.Find(key, rows, t.ids)
	forgetNulls(t.ids, rows, keyValid(key))
	if t.pairs != nil {
		for i, id := range t.ids {
			if id >= 0 {
				t.ids[i] = t.pairs.Find(id, wins[i])
			}
		}
	}
	return t.ids
}

// of returns the rows of a slot.
func (t *joinTable) of(slot int32) []int32 { return t.rows[t.first[slot]:t.first[slot+1]] }

// sortByTime puts the rows of each slot into the order of time, and of canonical
// bytes of the value where times are equal.
func (t *joinTable) sortByTime() {
	var a, b []byte
	value := t.root.Children[1]
	compare := func(x, y int32) int {
		if c := cmp.Compare(t.timeAt(x), t.timeAt(y)); c != 0 {
			return c
		}
		a, b = codec.AppendKey(a[:0], value, int(x)), codec.AppendKey(b[:0], value, int(y))
		return bytes.Compare(a, b)
	}
	for slot := range len(t.first) - 1 {
		if rows := t.of(int32(slot)); !slices.IsSortedFunc(rows, compare) {
			slices.SortFunc(rows, compare)
		}
	}
}

func (t *joinTable) timeAt(row int32) int64 {
	if t.time == nil {
		return batch.MinTime
	}
	return t.time[row]
}

// between returns the rows of a slot whose time is in [from, to].
func (t *joinTable) between(slot int32, from, to int64) []int32 {
	rows := t.of(slot)
	first, _ := slices.BinarySearchFunc(rows, from, func(row int32, at int64) int { return cmp.Compare(t.timeAt(row), at) })
	end := first
	for end < len(rows) && t.timeAt(rows[end]) <= to {
		end++
	}
	return rows[first:end]
}

// latest returns the last row of a slot whose time is not after at; -1 for none.
func (t *joinTable) latest(slot int32, at int64) int32 {
	rows := t.of(slot)
	n, _ := slices.BinarySearchFunc(rows, at, func(row int32, at int64) int {
		if t.timeAt(row) <= at {
			return -1
		}
		return 1
	})
	if n == 0 {
		return -1
	}
	return rows[n-1]
}
