package codec

import (
	"reflect"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// Nested values are decoded a column at a time as well: the elements of all rows
// go into one slab, and each row then gets its part of it.
//
//	rows      [2 0]                      slab  [e5 e6 e7 e0 e1]
//	offsets   [0 2 5 8]                  row 2 → slab[0:3]   row 0 → slab[3:5]

func (n *node) decodeStructs(c *batch.Column, rows []int32, to memory) error {
	for i, f := range n.fields {
		if err := f.decode(c.Children[n.index[i]], rows, to); err != nil {
			return err
		}
	}
	for _, g := range n.groups {
		if err := g.decode(c, rows, to); err != nil {
			return err
		}
	}
	return nil
}

// decode makes one array of S a row, all in one slab, and decodes each column
// into its place in them.
func (g *groups) decode(c *batch.Column, rows []int32, to memory) error {
	slab, _ := g.row.slab(to.n * len(g.names))
	for i := range to.n {
		state := (*groupState)(unsafe.Add(to.at(i), g.offset))
		*state = groupState{fixed: g.fixed}
		if len(g.names) > 0 {
			state.base = slab.at(i * len(g.names))
		}
	}
	for i, f := range g.fields {
		part := memory{base: slab.base, stride: slab.stride * uintptr(len(g.names)), n: to.n, first: to.first}
		part = part.within(slab.stride * uintptr(i/len(g.row.fields)))
		if err := f.decode(c.Children[g.first+i], rows, part); err != nil {
			return err
		}
	}
	return nil
}

// decodePointers sets a pointer a row: nil for null, else into a slab that holds
// the values of all other rows.
func (n *node) decodePointers(c *batch.Column, rows []int32, to memory) error {
	if c.Valid == nil {
		slab, _ := n.slab(to.n)
		for i := range to.n {
			*(*unsafe.Pointer)(to.at(i)) = slab.at(i)
		}
		slab.first = to.first
		return n.decodeValues(c, rows, slab)
	}
	valid := make([]int32, 0, to.n)
	for i := range to.n {
		if r := to.row(rows, i); c.Valid.Get(r) {
			valid = append(valid, int32(r))
		}
	}
	slab, _ := n.slab(len(valid))
	next := 0
	for i := range to.n {
		var p unsafe.Pointer
		if c.Valid.Get(to.row(rows, i)) {
			p = slab.at(next)
			next++
		}
		*(*unsafe.Pointer)(to.at(i)) = p
	}
	if len(valid) == 0 {
		return nil
	}
	return n.decodeValues(c, valid, slab)
}

// elements lists the element rows of the given rows of a list column, in order.
func elements(c *batch.Column, rows []int32, to memory) []int32 {
	total := 0
	for i := range to.n {
		from, end := c.Range(to.row(rows, i))
		total += end - from
	}
	inner := make([]int32, 0, total)
	for i := range to.n {
		from, end := c.Range(to.row(rows, i))
		for j := from; j < end; j++ {
			inner = append(inner, int32(j))
		}
	}
	return inner
}

// sliceHeader is the memory of any slice.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// decodeLists gives each row a slice without spare capacity, so that append to
// it moves it away from its neighbours.
func (n *node) decodeLists(c *batch.Column, rows []int32, to memory) error {
	inner := elements(c, rows, to)
	element := n.fields[0]
	slab, _ := element.slots(len(inner))
	if err := element.decode(c.Children[0], inner, slab); err != nil {
		return err
	}
	next := 0
	for i := range to.n {
		from, end := c.Range(to.row(rows, i))
		var s sliceHeader
		if k := end - from; k > 0 {
			s = sliceHeader{data: slab.at(next), len: k, cap: k}
			next += k
		}
		*(*sliceHeader)(to.at(i)) = s
	}
	return nil
}

// slots is slab for the places of the values: pointers where the node has them.
func (n *node) slots(count int) (memory, reflect.Value) {
	if !n.pointer {
		return n.slab(count)
	}
	s := reflect.MakeSlice(reflect.SliceOf(reflect.PointerTo(n.goType)), count, count)
	return memory{base: s.UnsafePointer(), stride: unsafe.Sizeof(uintptr(0)), n: count}, s
}

func (n *node) decodeMaps(c *batch.Column, rows []int32, to memory) error {
	inner := elements(c, rows, to)
	keyMemory, keys := n.fields[0].slots(len(inner))
	if err := n.fields[0].decode(c.Children[0], inner, keyMemory); err != nil {
		return err
	}
	valueMemory, values := n.fields[1].slots(len(inner))
	if err := n.fields[1].decode(c.Children[1], inner, valueMemory); err != nil {
		return err
	}
	next := 0
	for i := range to.n {
		from, end := c.Range(to.row(rows, i))
		var p unsafe.Pointer
		if from < end {
			m := reflect.MakeMapWithSize(n.goType, end-from)
			for range end - from {
				m.SetMapIndex(keys.Index(next), values.Index(next))
				next++
			}
			p = m.UnsafePointer()
		}
		*(*unsafe.Pointer)(to.at(i)) = p
	}
	return nil
}
