package codec

import (
	"cmp"
	"reflect"
	"slices"
	"unsafe"
)

// entries holds the entries of one map while they are brought into the order of
// their keys, so that equal maps give equal columns. All of it is reused.
type entries struct {
	iter           reflect.MapIter
	keys, values   reflect.Value // slabs
	keyAt, valueAt memory
	order          []int
	compare        func(a, b unsafe.Pointer) int
	sorted         [2]pointers // where the keys and the values are, in order
}

func newEntries(n *node) *entries { return &entries{compare: comparison(n.fields[0].form)} }

// comparison orders map keys as AppendKey does.
func comparison(f form) func(a, b unsafe.Pointer) int {
	switch f {
	case stringForm:
		return comparing[string]
	case boolForm:
		return comparing[uint8]
	case intForm:
		return comparing[int]
	case int8Form:
		return comparing[int8]
	case int16Form:
		return comparing[int16]
	case int32Form:
		return comparing[int32]
	case int64Form:
		return comparing[int64]
	case uintForm:
		return comparing[uint]
	case uint8Form:
		return comparing[uint8]
	case uint16Form:
		return comparing[uint16]
	case uint32Form:
		return comparing[uint32]
	}
	return comparing[uint64]
}

func comparing[K cmp.Ordered](a, b unsafe.Pointer) int { return cmp.Compare(*(*K)(a), *(*K)(b)) }

// appendMaps adds the entries of a row, sorted, as one run.
func (v *vector) appendMaps(from source) error {
	v.startOffsets(from.n)
	e, key, value := v.entries, v.children[0], v.children[1]
	defer e.release()
	for i := range from.n {
		m := reflect.NewAt(v.node.goType, from.at(i)).Elem()
		if n := m.Len(); n > 0 {
			if err := key.room(n); err != nil {
				return err
			}
			keys, values := e.take(v.node, m)
			if err := key.append(keys); err != nil {
				return err
			}
			if err := value.append(values); err != nil {
				return err
			}
		}
		v.offsets = append(v.offsets, int32(key.n))
	}
	return nil
}

// take copies the entries of m out and returns where they are, in key order.
func (e *entries) take(n *node, m reflect.Value) (keys, values source) {
	count := m.Len()
	if !e.keys.IsValid() || e.keys.Len() < count {
		e.keyAt, e.keys = n.fields[0].slots(2 * count)
		e.valueAt, e.values = n.fields[1].slots(2 * count)
	}
	e.iter.Reset(m)
	e.order = e.order[:0]
	for k := 0; e.iter.Next(); k++ {
		e.keys.Index(k).SetIterKey(&e.iter)
		e.values.Index(k).SetIterValue(&e.iter)
		e.order = append(e.order, k)
	}
	slices.SortFunc(e.order, func(a, b int) int { return e.compare(e.keyAt.at(a), e.keyAt.at(b)) })
	keyPointers, valuePointers := e.sorted[0].take(count), e.sorted[1].take(count)
	for i, k := range e.order {
		keyPointers[i], valuePointers[i] = e.keyAt.at(k), e.valueAt.at(k)
	}
	return source{memory: memory{n: count}, pointers: keyPointers}, source{memory: memory{n: count}, pointers: valuePointers}
}

// release lets go of the rows that the room still points into.
func (e *entries) release() {
	e.iter.Reset(reflect.Value{})
	if e.keys.IsValid() {
		e.keys.Clear()
		e.values.Clear()
	}
}
