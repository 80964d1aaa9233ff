package agg

import (
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// sequence is the source of states that keep rows by event time, the fields of By
// and the value (first, last, lists): the rows that count in exactly that order.
// The series is in the order of time already, so only rows of the same time and
// group have to be put in order. What a range keeps is at one of its ends.
type sequence struct {
	before []int32 // rows that count before each row; nil: all count
	rows   []int32 // the rows that count, in order; nil: they are where they are
	value  *batch.Column
	time   []int64
	cols   []*batch.Column // value and the fields of By
}

// orderOf prepares a sequence. compare orders two rows of the same time.
func orderOf(v *run, r *Reserve, compare func(a, b int32) int) (*sequence, error) {
	before, err := v.counted(r)
	if err != nil {
		return nil, err
	}
	o := &sequence{before: before, rows: v.rows, value: v.cols[0], time: v.time, cols: v.cols}
	rowAt := func(i int) int32 { return int32(v.row(i)) }
	for i := 0; i < v.n; {
		end := v.groupEnd(rowAt(i))
		for i < v.n && rowAt(i) < end {
			j := i + 1
			for j < v.n && rowAt(j) < end && v.timeAt(int(rowAt(j))) == v.timeAt(int(rowAt(i))) {
				j++
			}
			if j-i > 1 {
				if err := o.own(v, r); err != nil {
					return nil, err
				}
				slices.SortFunc(o.rows[i:j], compare)
			}
			i = j
		}
	}
	return o, nil
}

// own makes sure that there is a list of rows that may be put in order.
func (o *sequence) own(v *run, r *Reserve) error {
	if o.rows != nil {
		return nil
	}
	if err := r.bytes(int64(4 * v.n)); err != nil {
		return err
	}
	o.rows = make([]int32, v.n)
	for i := range o.rows {
		o.rows[i] = int32(i)
	}
	return nil
}

// between returns the numbers of the rows that count in [from, to).
func (o *sequence) between(from, to int32) (first, end int32) {
	if o.before == nil {
		return from, to
	}
	return o.before[from], o.before[to]
}

// at returns the row of that number.
func (o *sequence) at(i int32) int32 {
	if o.rows == nil {
		return i
	}
	return o.rows[i]
}

// source implements ranged.
func (e *edges) source(v *run, r *Reserve) (source, error) {
	c := v.cols[0]
	o, err := orderOf(v, r, func(a, b int32) int {
		switch x, y := e.encode(c, int(a))^e.flip, e.encode(c, int(b))^e.flip; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// encode returns the value of a row as it is kept.
func (e *edges) encode(c *batch.Column, row int) int64 {
	switch {
	case e.kind.Float():
		return int64(floatBits(c.Floats[row])^1<<63) ^ e.flip
	case e.kind == batch.Uint64:
		return c.Ints[row] ^ e.flip ^ math.MinInt64
	}
	return c.Ints[row] ^ e.flip
}

// put implements ranged.
func (e *edges) put(s source, slots, from, to []int32) {
	o := s.(*sequence)
	for i, f := range from {
		slot := slots[i]
		first, end := o.between(f, to[i])
		if first == end {
			e.times[slot], e.values[slot] = noTime, 0
			continue
		}
		row := o.at(first)
		if e.flip == 0 {
			row = o.at(end - 1)
		}
		at := int64(batch.MinTime)
		if o.time != nil {
			at = o.time[row]
		}
		e.times[slot], e.values[slot] = at^e.flip, e.encode(o.value, int(row))
	}
}

// source implements ranged, for lists in the order of time.
func (r *ranked) source(v *run, reserve *Reserve) (source, error) {
	if r.byFirst || !r.timed {
		return nil, nil
	}
	a, b := rankReader{r: r}, rankReader{r: r}
	o, err := orderOf(v, reserve, func(x, y int32) int { return r.compare(a.read(v.cols, int(x)), b.read(v.cols, int(y))) })
	if err != nil {
		return nil, err
	}
	return o, nil
}

// rankReader reads what rows of the same time are ordered by.
type rankReader struct {
	r      *ranked
	reader valueReader
	key    []byte
	entry  entry
}

func (k *rankReader) read(cols []*batch.Column, row int) *entry {
	k.key = appendBy(k.key[:0], cols, row)
	k.entry = entry{by: viewText(k.key), value: k.reader.read(cols[0], row)}
	return &k.entry
}

// put implements ranged. The entries of all slots share one array; their texts are
// views of the series, except for values that have to be written out.
func (r *ranked) put(s source, slots, from, to []int32) {
	o := s.(*sequence)
	composite := false
	switch o.value.Type.Kind.Form() {
	case batch.IntForm, batch.FloatForm, batch.BoolForm:
		if r.limit == 1 && !r.merges {
			r.putLone(o, slots, from, to)
			return
		}
	case batch.ListForm, batch.StructForm:
		composite = true
	}
	shared := make([]entry, 0, len(from))
	ends := make([]int32, len(from))
	for i, f := range from {
		first, end := o.between(f, to[i])
		if n := int32(r.limit); n > 0 && end-first > n {
			if r.highest {
				first = end - n
			} else {
				end = first + n
			}
		}
		for j := first; j < end; j++ {
			row := int(o.at(j))
			e := entry{value: r.reader.read(o.value, row)}
			if composite {
				e.text = string([]byte(e.text))
			}
			if o.time != nil {
				e.time = o.time[row]
			}
			if r.merges && len(o.cols) > 1 {
				r.key = appendBy(r.key[:0], o.cols, row)
				e.by = string(r.key)
			}
			shared = append(shared, e)
		}
		ends[i] = int32(len(shared))
	}
	start := int32(0)
	for i, end := range ends {
		r.lists[slots[i]] = list{buf: shared[start:end:end], sorted: borrowed}
		start = end
	}
}

// putLone is put for First and Last of numbers, which need no list.
func (r *ranked) putLone(o *sequence, slots, from, to []int32) {
	r.lone = extend(r.lone, len(r.lists), lone{})
	for i, f := range from {
		slot := slots[i]
		r.clear(slot)
		first, end := o.between(f, to[i])
		if first == end {
			continue
		}
		row := o.at(first)
		if r.highest {
			row = o.at(end - 1)
		}
		r.lone[slot] = lone{r.reader.read(o.value, int(row)).bits, true}
	}
}
