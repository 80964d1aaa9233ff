package agg

import (
	"math"

	"github.com/leatflow/leat/sdk/batch"
)

// edges is First and Last of numbers and times without By, the usual case, as
// plain columns: the largest pair of time and value, value being an integer in
// the order of key bytes. For First both are complemented, which makes the
// smallest the largest. A slot is empty while its time is the smallest int64,
// which no event has.
type edges struct {
	times, values []int64
	kind          batch.Kind
	flip          int64 // -1 for First
}

const noTime = math.MinInt64

// edge registers the state for a term, or reports false where values or order
// need more than two integers.
func (r *resolver) edge(t *bound, highest bool) (index int, ok bool) {
	kind := t.in.Type.Kind
	if form := kind.Form(); len(t.by) > 0 || form != batch.IntForm && form != batch.FloatForm {
		return 0, false
	}
	var flip int64 = -1
	if highest {
		flip = 0
	}
	name := t.function + "(" + t.in.Name + ")"
	return r.state(stateSpec{
		name: name, where: t.where, paths: [][]int{t.in.Path}, timed: true,
		fields: []batch.Field{{Name: name, Type: intType}, {Name: name + ".time", Type: intType}},
		make:   func() state { return &edges{kind: kind, flip: flip} },
	}), true
}

func (e *edges) grow(n int) {
	e.times, e.values = extend(e.times, n, noTime), extend(e.values, n, 0)
}

func (e *edges) reset(slots []int32) {
	for _, s := range slots {
		e.times[s], e.values[s] = noTime, 0
	}
}

func (e *edges) add(v *view) error {
	c := v.cols[0]
	if e.kind.Float() {
		for i := range v.n {
			row := v.row(i)
			e.offer(v.slotAt(i), v.timeAt(row)^e.flip, int64(floatBits(c.Floats[row])^1<<63)^e.flip)
		}
		return nil
	}
	flip := e.flip
	if e.kind == batch.Uint64 {
		flip ^= math.MinInt64
	}
	for i := range v.n {
		row := v.row(i)
		e.offer(v.slotAt(i), v.timeAt(row)^e.flip, c.Ints[row]^flip)
	}
	return nil
}

// offer makes the pair that of the slot if it is larger.
func (e *edges) offer(slot int32, time, value int64) {
	if t := e.times[slot]; time > t || time == t && value > e.values[slot] {
		e.times[slot], e.values[slot] = time, value
	}
}

func (e *edges) copyFrom(dst, src []int32) {
	for i, d := range dst {
		e.times[d], e.values[d] = e.times[src[i]], e.values[src[i]]
	}
}

func (e *edges) merge(dst, src []int32) {
	for i, d := range dst {
		e.offer(d, e.times[src[i]], e.values[src[i]])
	}
}

func (e *edges) save(slots []int32) ([]*batch.Column, error) {
	return []*batch.Column{batch.NewInts(intType, pick(e.values, slots)), batch.NewInts(intType, pick(e.times, slots))}, nil
}

func (e *edges) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, s := range slots {
		r := rowAt(rows, i)
		e.offer(s, saved[1].Ints[r], saved[0].Ints[r])
	}
	return nil
}

func (e *edges) sizeBytes() int64 { return int64(8 * (cap(e.times) + cap(e.values))) }

// addTo appends the values of slots to v.
func (e *edges) addTo(v *vector, slots []int32) {
	for _, s := range slots {
		if e.times[s] == noTime {
			v.addNull()
			continue
		}
		bits := uint64(e.values[s]^e.flip) ^ 1<<63
		v.addBits(bits)
	}
}
