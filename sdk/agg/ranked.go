package agg

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// ranked keeps, of each group, the lowest or highest rows in an order of event
// time, the fields of By and the value, or all rows in that order. It is behind
// First, Last, lists and top-k.
//
//	LastN(item, 3)   buf  │ · │ · │ t3 │ t5 │ t9 │   │      ascending;
//	                              └ head            └ room
//
// New rows mostly come at the high end. Dropping the lowest moves head; the
// list is shifted down when the room is used up, a constant per row.
type ranked struct {
	rankSpec
	lists  []list
	bytes  int64 // of strings kept, more or less: merged slots share theirs
	reader valueReader
	key    []byte // scratch for the fields of By
	// lone is, by slot, the one number that First or Last has read off a series.
	// A slot with a list has none. nil: there never was any.
	lone []lone
	// merges says that what is read off a series is merged with other slots, and so
	// has to be whole.
	merges bool
}

type lone struct {
	bits uint64
	set  bool
}

type rankSpec struct {
	limit   int  // how many a group keeps; 0: all, sorted when asked for
	highest bool // keep the highest, not the lowest
	timed   bool // event time counts; else it is 0 for all
	byFirst bool // the fields of By count before event time
}

type list struct {
	buf    []entry
	head   int32
	sorted int32 // without a limit: how many at the front are in order; or borrowed
}

// entry is a row that is kept.
type entry struct {
	time int64
	by   string // key bytes of the fields of By
	value
}

func (l *list) live() []entry { return l.buf[l.head:] }

func (r *ranked) compare(a, b *entry) int {
	if r.byFirst {
		if c := cmp.Compare(a.by, b.by); c != 0 {
			return c
		}
	}
	if a.time != b.time {
		return cmp.Compare(a.time, b.time)
	}
	if c := cmp.Compare(a.by, b.by); c != 0 {
		return c
	}
	if a.bits != b.bits {
		return cmp.Compare(a.bits, b.bits)
	}
	return cmp.Compare(a.text, b.text)
}

func (r *ranked) grow(n int) {
	for len(r.lists) < n {
		r.lists = append(r.lists, list{})
	}
}

func (r *ranked) reset(slots []int32) {
	for _, s := range slots {
		r.clear(s)
	}
}

// borrowed marks a list whose entries were read off a series: they are in order,
// belong to all lists of a table together, and are not counted.
const borrowed = -1

func (r *ranked) clear(slot int32) {
	if int(slot) < len(r.lone) {
		r.lone[slot] = lone{}
	}
	if r.lists[slot].sorted == borrowed {
		r.lists[slot] = list{}
		return
	}
	for _, e := range r.lists[slot].live() {
		r.bytes -= e.size()
	}
	r.lists[slot] = list{}
}

func (e *entry) size() int64 { return int64(len(e.by) + len(e.text)) }

func (r *ranked) add(v *view) error {
	for i := range v.n {
		row, l := v.row(i), &r.lists[v.slotAt(i)]
		var e entry
		if r.timed {
			e.time = v.timeAt(row)
		}
		full := r.limit > 0 && len(l.buf)-int(l.head) == r.limit
		if full && !r.byFirst {
			// Most rows of a full list are decided by time alone.
			if r.highest && e.time < l.buf[l.head].time || !r.highest && e.time > l.buf[len(l.buf)-1].time {
				continue
			}
		}
		r.key = appendBy(r.key[:0], v.cols, row)
		e.by = viewText(r.key)
		e.value = r.reader.read(v.cols[0], row)
		if full && r.loses(l, &e) {
			continue
		}
		e.by, e.text = strings.Clone(e.by), strings.Clone(e.text)
		r.insert(l, e)
	}
	return nil
}

// appendBy appends the key bytes of the fields of By, which follow the value.
func appendBy(key []byte, cols []*batch.Column, row int) []byte {
	for _, c := range cols[1:] {
		key = codec.AppendKey(key, c, row)
	}
	return key
}

// loses reports whether e has no place in a full list.
func (r *ranked) loses(l *list, e *entry) bool {
	if r.highest {
		return r.compare(e, &l.buf[l.head]) <= 0
	}
	return r.compare(e, &l.buf[len(l.buf)-1]) >= 0
}

// insert puts e in its place and drops what is then one too many.
func (r *ranked) insert(l *list, e entry) {
	r.bytes += e.size()
	if r.limit == 0 {
		l.buf = append(l.buf, e)
		return
	}
	l.makeRoom()
	at := len(l.buf)
	l.buf = append(l.buf, e)
	for at > int(l.head) && r.compare(&e, &l.buf[at-1]) < 0 {
		l.buf[at] = l.buf[at-1]
		at--
	}
	l.buf[at] = e
	if len(l.buf)-int(l.head) <= r.limit {
		return
	}
	drop := len(l.buf) - 1
	if r.highest {
		drop = int(l.head)
	}
	r.bytes -= l.buf[drop].size()
	l.buf[drop] = entry{}
	if r.highest {
		l.head++
	} else {
		l.buf = l.buf[:drop]
	}
}

// makeRoom makes sure that one more entry can be appended without moving all
// entries too often.
func (l *list) makeRoom() {
	if len(l.buf) < cap(l.buf) || l.head == 0 {
		return // append doubles
	}
	live := l.live()
	if len(live) > len(l.buf)/2 {
		bigger := make([]entry, len(live), 2*len(live)+1)
		copy(bigger, live)
		l.buf, l.head = bigger, 0
		return
	}
	copy(l.buf, live)
	clear(l.buf[len(live):])
	l.buf, l.head = l.buf[:len(live)], 0
}

// entries returns the rows of a slot in ascending order.
func (r *ranked) entries(slot int32) []entry {
	l := &r.lists[slot]
	live := l.live()
	if r.limit == 0 && l.sorted != borrowed && int(l.sorted) < len(live) {
		slices.SortFunc(live, func(a, b entry) int { return r.compare(&a, &b) })
		l.sorted = int32(len(live))
	}
	return live
}

func (r *ranked) copyFrom(dst, src []int32) {
	for i, d := range dst {
		if s := src[i]; s != d {
			r.clear(d)
			r.lists[d] = list{buf: slices.Clone(r.lists[s].live()), sorted: r.lists[s].sorted}
			for _, e := range r.lists[d].buf {
				r.bytes += e.size()
			}
		}
	}
}

func (r *ranked) merge(dst, src []int32) {
	for i, d := range dst {
		l := &r.lists[d]
		for _, e := range r.lists[src[i]].live() {
			if r.limit > 0 && len(l.buf)-int(l.head) == r.limit && r.loses(l, &e) {
				continue
			}
			r.insert(l, e)
		}
	}
}

// rankedType is how the rows of a slot are saved.
var rankedType = &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: &batch.Type{
	Kind: batch.Struct,
	Fields: []batch.Field{
		{Name: "time", Type: intType}, {Name: "by", Type: bytesType},
		{Name: "bits", Type: intType}, {Name: "text", Type: bytesType},
	},
}}}}

func (r *ranked) save(slots []int32) ([]*batch.Column, error) {
	offsets := make([]int32, 1, len(slots)+1)
	var times, bits []int64
	by, text := newTexts(0), newTexts(0)
	for _, s := range slots {
		for _, e := range r.entries(s) {
			times, bits = append(times, e.time), append(bits, int64(e.bits))
			by.add(e.by)
			text.add(e.text)
		}
		offsets = append(offsets, int32(len(times)))
	}
	byColumn, err := by.column(bytesType)
	if err != nil {
		return nil, err
	}
	textColumn, err := text.column(bytesType)
	if err != nil {
		return nil, err
	}
	element := rankedType.Fields[0].Type
	rows := batch.NewStruct(element, len(times), batch.NewInts(intType, times), byColumn, batch.NewInts(intType, bits), textColumn)
	return []*batch.Column{{Type: rankedType, Len: len(slots), Offsets: offsets, Children: []*batch.Column{rows}}}, nil
}

func (r *ranked) load(slots []int32, saved []*batch.Column, rows []int32) error {
	c := saved[0].Children[0].Children
	for i, s := range slots {
		l := &r.lists[s]
		from, to := saved[0].Range(rowAt(rows, i))
		for j := from; j < to; j++ {
			e := entry{time: c[0].Ints[j], by: strings.Clone(c[1].Text(j)), value: value{uint64(c[2].Ints[j]), strings.Clone(c[3].Text(j))}}
			if r.limit > 0 && len(l.buf)-int(l.head) == r.limit && r.loses(l, &e) {
				continue
			}
			r.insert(l, e)
		}
	}
	return nil
}

func (r *ranked) sizeBytes() int64 {
	n := int64(32*cap(r.lists)) + r.bytes
	for i := range r.lists {
		n += int64(56 * cap(r.lists[i].buf))
	}
	return n
}
