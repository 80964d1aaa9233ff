package profile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/axiomhq/hyperloglog"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// What a table of counts may hold before it becomes approximate.
const (
	valuesMost = 1 << 16
	bytesMost  = 32 << 20
)

// texts counts the values of a string column: exactly, until there are more than
// fit; from then on as Misra and Gries do it, many at a time: the median of all
// counts is taken off each of them and those that reach zero are dropped. So a
// count is too low by at most the sum of what was taken off, and a value more
// frequent than that is never lost.
type texts struct {
	counts   map[string]*int64
	most     int // values
	mostSize int // bytes of values
	size     int
	off      int64 // the sum of what was taken off

	sketch *hyperloglog.Sketch
	any    bool
	low    []byte
	high   []byte

	kind    batch.Kind
	dict    *batch.Dictionary
	perCode []int64 // rows of each entry of dict, not in counts yet
}

func newTexts(values, size int) *texts {
	return &texts{counts: map[string]*int64{}, most: values, mostSize: size, sketch: hyperloglog.NewNoSparse()}
}

// add counts codes where it can and values where it must.
func (t *texts) add(c *batch.Column) {
	t.kind = c.Type.Kind
	if c.Dict != t.dict {
		t.flush()
		if t.dict = c.Dict; t.dict != nil {
			t.perCode = slices.Grow(t.perCode[:0], t.dict.Len())[:t.dict.Len()]
			clear(t.perCode)
		}
	}
	for i := range c.Len {
		switch {
		case c.Valid != nil && !c.Valid.Get(i):
		case t.dict != nil:
			t.perCode[c.Codes[i]]++
		default:
			t.count(c.Strings.Bytes(i), 1)
		}
	}
}

// flush moves the counts of the dictionary into the table.
func (t *texts) flush() {
	if t.dict == nil {
		return
	}
	for code, n := range t.perCode {
		if n > 0 {
			t.count(t.dict.Bytes(code), n)
		}
	}
	t.dict = nil
}

func (t *texts) count(v []byte, n int64) {
	if have := t.counts[string(v)]; have != nil {
		*have += n
		return
	}
	// A value that is in the table was seen by sketch and bounds before.
	t.sketch.InsertHash(codec.Hash(v))
	switch {
	case !t.any:
		t.any, t.low, t.high = true, bytes.Clone(v), bytes.Clone(v)
	case bytes.Compare(v, t.low) < 0:
		t.low = bytes.Clone(v)
	case bytes.Compare(v, t.high) > 0:
		t.high = bytes.Clone(v)
	}
	for len(t.counts) > 0 && (len(t.counts) >= t.most || t.size+len(v) > t.mostSize) {
		t.shrink()
	}
	first := n // not n itself, which would be on the heap in every call
	t.counts[string(v)] = &first
	t.size += len(v)
}

// shrink takes the median off every count: half of the values go.
func (t *texts) shrink() {
	all := make([]int64, 0, len(t.counts))
	for _, n := range t.counts {
		all = append(all, *n)
	}
	slices.Sort(all)
	median := all[len(all)/2]
	for v, n := range t.counts {
		if *n -= median; *n <= 0 {
			t.size -= len(v)
			delete(t.counts, v)
		}
	}
	t.off += median
}

func (t *texts) finish(c *Column, most int) {
	t.flush()
	c.Distinct, c.DistinctExact = t.sketch.Estimate(), t.off == 0
	if c.DistinctExact {
		c.Distinct = uint64(len(t.counts))
	}
	if !t.any {
		return
	}
	c.Min, c.Max = t.render(t.low), t.render(t.high)
	top := &Top{Exact: t.off == 0, Error: t.off, Values: []Frequent{}}
	for v, n := range t.counts {
		top.Values = append(top.Values, Frequent{v, *n})
	}
	slices.SortFunc(top.Values, func(a, b Frequent) int {
		switch {
		case a.Count > b.Count:
			return -1
		case a.Count < b.Count:
			return 1
		}
		return strings.Compare(a.Value, b.Value)
	})
	top.Values = slices.Clone(top.Values[:min(most, len(top.Values))])
	for i := range top.Values {
		top.Values[i].Value = t.render([]byte(top.Values[i].Value))
	}
	c.Top = top
}

// render shows a value as a column does.
func (t *texts) render(v []byte) string {
	s := batch.Strings{Offsets: []int32{0, int32(len(v))}, Data: v}
	return batch.NewStrings(&batch.Type{Kind: t.kind}, s).Format(0)
}
