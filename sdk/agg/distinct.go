package agg

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// CountDistinct counts the different values of a field exactly, null not being
// one. It keeps each of them; ApproxCountDistinct takes at most 16 KiB a group.
func CountDistinct[O Integer, T any](out *O, in *T) Term {
	return Term{function: "countDistinct", out: out, in: in, build: func(r *resolver, t *bound) (finish, error) {
		s := r.distinct(t)
		return func(t *Table, q *request) (output, error) {
			return output{ints: t.states[s].(distinctState).sizes(q.slots)}, nil
		}, nil
	}}
}

// CollectSet lists the different values of a field in the order of their key
// bytes: numbers ascending, strings by bytes.
func CollectSet[T any](out *[]T, in *T) Term {
	return Term{function: "collectSet", out: out, in: in, build: func(r *resolver, t *bound) (finish, error) {
		s, outType := r.distinct(t), t.outType
		return func(t *Table, q *request) (output, error) {
			v := newVector(outType)
			for _, slot := range q.slots {
				if err := t.states[s].(distinctState).addTo(v.children[0], slot); err != nil {
					return output{}, err
				}
				v.endList()
			}
			c, err := v.column()
			return output{column: c}, err
		}, nil
	}}
}

// distinctState is what is common to sets of bits and of texts.
type distinctState interface {
	sizes(slots []int32) []int64
	addTo(v *vector, slot int32) error // all values of a slot, ascending
}

func (r *resolver) distinct(t *bound) int {
	name := "distinct(" + t.in.Name + ")"
	form, element := t.in.Type.Kind.Form(), bytesType
	bits := form == batch.IntForm || form == batch.FloatForm || form == batch.BoolForm
	if bits {
		element = intType
	}
	saved := &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: element}}}
	return r.state(stateSpec{
		name: name, where: t.where, paths: [][]int{t.in.Path}, fields: []batch.Field{{Name: name, Type: saved}},
		make: func() state {
			if bits {
				return &sets[uint64]{saved: saved, of: func(x value) uint64 { return x.bits }, value: func(k uint64) value { return value{bits: k} }}
			}
			return &sets[string]{saved: saved, of: func(x value) string { return x.text }, value: func(k string) value { return value{text: k} },
				keep: strings.Clone, bytes: func(k string) int { return len(k) }}
		},
	})
}

// sets keeps the different values of each group as a sorted list with an
// unsorted tail, sorted in whenever the tail is as long as the list: n log n in
// all, without a map a group.
//
//	│ sorted, each once │ as they came │
//	                    └ clean
type sets[K cmp.Ordered] struct {
	saved  *batch.Type
	of     func(value) K
	value  func(K) value
	keep   func(K) K   // makes a value independent of its batch; nil: it is
	bytes  func(K) int // outside the slice; nil: none
	slots  []set[K]
	reader valueReader
}

type set[K cmp.Ordered] struct {
	items []K
	clean int
}

// tailMin is how long a tail may be before it is sorted in, whatever the size of
// the set.
const tailMin = 32

func (s *set[K]) add(k K, keep func(K) K) {
	if s.clean > 0 {
		if _, found := slices.BinarySearch(s.items[:s.clean], k); found {
			return
		}
	}
	if keep != nil {
		k = keep(k)
	}
	s.items = append(s.items, k)
	if len(s.items) >= 2*s.clean+tailMin {
		s.sort()
	}
}

// sort makes the whole set sorted and each value occur once.
func (s *set[K]) sort() []K {
	if s.clean < len(s.items) {
		slices.Sort(s.items)
		unique := slices.Compact(s.items)
		s.items, s.clean = unique, len(unique)
	}
	return s.items
}

func (s *sets[K]) grow(n int) {
	for len(s.slots) < n {
		s.slots = append(s.slots, set[K]{})
	}
}

func (s *sets[K]) reset(slots []int32) {
	for _, slot := range slots {
		s.slots[slot] = set[K]{}
	}
}

func (s *sets[K]) add(v *view) error {
	for i := range v.n {
		s.slots[v.slotAt(i)].add(s.of(s.reader.read(v.cols[0], v.row(i))), s.keep)
	}
	return nil
}

func (s *sets[K]) copyFrom(dst, src []int32) {
	for i, d := range dst {
		from := &s.slots[src[i]]
		s.slots[d] = set[K]{slices.Clone(from.items), from.clean}
	}
}

func (s *sets[K]) merge(dst, src []int32) {
	for i, d := range dst {
		for _, k := range s.slots[src[i]].items {
			s.slots[d].add(k, nil)
		}
	}
}

func (s *sets[K]) addTo(v *vector, slot int32) error {
	for _, k := range s.slots[slot].sort() {
		if err := v.add(s.value(k)); err != nil {
			return err
		}
	}
	return nil
}

func (s *sets[K]) save(slots []int32) ([]*batch.Column, error) {
	offsets := make([]int32, 1, len(slots)+1)
	// As integers the bits go through the vector of uint64, which keeps them.
	v := newVector(s.saved.Fields[0].Type)
	for _, slot := range slots {
		if err := s.addTo(v, slot); err != nil {
			return nil, err
		}
		offsets = append(offsets, int32(v.n))
	}
	c, err := v.column()
	if err != nil {
		return nil, err
	}
	return []*batch.Column{{Type: s.saved, Len: len(slots), Offsets: offsets, Children: []*batch.Column{c}}}, nil
}

func (s *sets[K]) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, slot := range slots {
		from, to := saved[0].Range(rowAt(rows, i))
		for j := from; j < to; j++ {
			s.slots[slot].add(s.of(s.reader.read(saved[0].Children[0], j)), s.keep)
		}
	}
	return nil
}

func (s *sets[K]) sizes(slots []int32) []int64 {
	out := make([]int64, len(slots))
	for i, slot := range slots {
		out[i] = int64(len(s.slots[slot].sort()))
	}
	return out
}

func (s *sets[K]) sizeBytes() int64 {
	n := int64(32 * cap(s.slots))
	for i := range s.slots {
		n += int64(16 * cap(s.slots[i].items))
		if s.bytes != nil {
			for _, k := range s.slots[i].items {
				n += int64(s.bytes(k))
			}
		}
	}
	return n
}
