package codec

import (
	"fmt"
	"reflect"
	"slices"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// pointers is reusable room for addresses. It is cleared after use, not to keep
// the rows alive.
type pointers []unsafe.Pointer

func (p *pointers) take(n int) []unsafe.Pointer {
	if cap(*p) < n {
		*p = make([]unsafe.Pointer, n)
	}
	return (*p)[:n]
}

// appendPointers adds pointees, and the zero value marked as null for nil.
func (v *vector) appendPointers(from source) error {
	list := v.scratch.take(from.n)
	defer clear(list)
	nulls := 0
	var zero unsafe.Pointer
	for i := range list {
		list[i] = *(*unsafe.Pointer)(from.at(i))
		if list[i] == nil {
			if zero == nil {
				zero = reflect.New(v.node.goType).UnsafePointer()
			}
			list[i] = zero
			nulls++
		}
	}
	start := v.n
	if nulls > 0 && v.valid == nil {
		v.valid = make(batch.Bitmap, 0, (max(v.lastLen, v.n+from.n)+7)/8)
		v.growValid(0)
		v.valid.SetAll(v.n)
	}
	if err := v.appendValues(source{memory: memory{n: from.n}, pointers: list}); err != nil {
		return err
	}
	if nulls > 0 {
		for i := range from.n {
			if *(*unsafe.Pointer)(from.at(i)) == nil {
				v.valid.Clear(start + i)
			}
		}
	}
	return nil
}

func (v *vector) appendStructs(from source) error {
	for i := range v.node.fields {
		if err := v.children[v.node.index[i]].append(from); err != nil {
			return err
		}
	}
	for _, g := range v.node.groups {
		if err := v.appendGroups(g, from); err != nil {
			return err
		}
	}
	return nil
}

// appendGroups collects, name by name, where each row has its struct: rows that
// come from a pipeline have them in the plan's order, one built by hand perhaps
// not, and perhaps not all.
func (v *vector) appendGroups(g *groups, from source) error {
	list := v.groupScratch.take(from.n)
	defer clear(list)
	zero := reflect.New(g.row.goType).UnsafePointer()
	for k, name := range g.names {
		for i := range list {
			state := (*groupState)(unsafe.Add(from.at(i), g.offset))
			at := k
			if state.fixed != g.fixed {
				at = slices.Index(state.names(), name)
				if err := g.known(state); err != nil {
					return err
				}
			}
			list[i] = zero
			if at >= 0 {
				list[i] = state.value(at)
			}
		}
		each := source{memory: memory{n: from.n}, pointers: list}
		for i := range g.row.fields {
			if err := v.children[g.first+k*len(g.row.fields)+i].append(each); err != nil {
				return err
			}
		}
	}
	return nil
}

// known refuses a row with a name that the plan has no columns for.
func (g *groups) known(state *groupState) error {
	for _, name := range state.names() {
		if !slices.Contains(g.names, name) {
			return fmt.Errorf("%s: a row has a group %q; the names declared at construction are %s", g.row.path, name, listed(g.names))
		}
	}
	return nil
}

// appendLists adds the elements of a row as one run.
func (v *vector) appendLists(from source) error {
	v.startOffsets(from.n)
	child, stride := v.children[0], v.node.goType.Elem().Size()
	for i := range from.n {
		s := (*sliceHeader)(from.at(i))
		if s.len > 0 {
			if err := child.room(s.len); err != nil {
				return err
			}
			if err := child.append(source{memory: memory{base: s.data, stride: stride, n: s.len}}); err != nil {
				return err
			}
		}
		v.offsets = append(v.offsets, int32(child.n))
	}
	return nil
}

// room refuses more elements than 32-bit offsets can address.
func (v *vector) room(n int) error {
	if n > maxStringData-v.n {
		return fmt.Errorf("column %s (%s): more than 2^31 elements do not fit one batch; finish the batch earlier", v.node.label(), v.node.path)
	}
	return nil
}

func (v *vector) startOffsets(n int) {
	v.offsets = reserve(v.offsets, n+1, v.lastLen+1)
	if len(v.offsets) == 0 {
		v.offsets = append(v.offsets, 0)
	}
}
