package codec

import (
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// memory is a run of n values, stride bytes apart, and the row of the first of
// them where the rows that they are decoded from follow each other. All loops
// compute base + i·stride instead of stepping a pointer, which would end past the
// allocation.
type memory struct {
	base   unsafe.Pointer
	stride uintptr
	n      int
	first  int
}

// row returns the row that value i is decoded from.
func (m memory) row(rows []int32, i int) int {
	if rows == nil {
		return m.first + i
	}
	return int(rows[i])
}

func (m memory) at(i int) unsafe.Pointer { return unsafe.Add(m.base, uintptr(i)*m.stride) }

// within returns the part of each value that starts offset bytes in.
func (m memory) within(offset uintptr) memory {
	m.base = unsafe.Add(m.base, offset)
	return m
}

// slab returns new memory for n values of the node and the slice that owns it.
func (n *node) slab(count int) (memory, reflect.Value) {
	s := reflect.MakeSlice(n.slice, count, count)
	return memory{base: s.UnsafePointer(), stride: n.size, n: count}, s
}

// decode puts rows of c where the node's value is in each of the containing
// values to. rows nil means to.first … to.first + to.n - 1.
func (n *node) decode(c *batch.Column, rows []int32, to memory) error {
	if c == nil || to.n == 0 {
		return nil // the caller has cleared the memory
	}
	to = to.within(n.offset)
	if n.pointer {
		return n.decodePointers(c, rows, to)
	}
	if c.Valid != nil {
		if err := n.refuseNulls(c, rows, to); err != nil {
			return err
		}
	}
	return n.decodeValues(c, rows, to)
}

// decodeValues is decode for values known not to be null.
func (n *node) decodeValues(c *batch.Column, rows []int32, to memory) error {
	switch n.form {
	case boolForm:
		decodeSame(c.Bools, rows, to)
	case int64Form:
		decodeSame(c.Ints, rows, to)
	case float64Form:
		decodeSame(c.Floats, rows, to)
	case uint64Form:
		decodeSame(c.Ints, rows, to) // the same 64 bits
	case intForm:
		return decodeInts[int](n, c, rows, to)
	case int8Form:
		return decodeInts[int8](n, c, rows, to)
	case int16Form:
		return decodeInts[int16](n, c, rows, to)
	case int32Form:
		return decodeInts[int32](n, c, rows, to)
	case uintForm:
		return decodeInts[uint](n, c, rows, to)
	case uint8Form:
		return decodeInts[uint8](n, c, rows, to)
	case uint16Form:
		return decodeInts[uint16](n, c, rows, to)
	case uint32Form:
		return decodeInts[uint32](n, c, rows, to)
	case float32Form:
		decodeFloat32(c.Floats, rows, to)
	case stringForm:
		decodeStrings(c, rows, to)
	case bytesForm:
		n.decodeBytes(c, rows, to)
	case timeForm:
		decodeTimes(c.Ints, rows, to)
	case listForm:
		return n.decodeLists(c, rows, to)
	case mapForm:
		return n.decodeMaps(c, rows, to)
	case structForm:
		return n.decodeStructs(c, rows, to)
	}
	return nil
}

// refuseNulls returns an error when one of rows is null.
func (n *node) refuseNulls(c *batch.Column, rows []int32, to memory) error {
	for i := range to.n {
		if r := to.row(rows, i); !c.Valid.Get(r) {
			return fmt.Errorf("column %s, row %d: null, but %s is %s, which has no null; make it *%s", n.label(), r, n.path, n.goType, n.goType)
		}
	}
	return nil
}

func decodeSame[V any](values []V, rows []int32, to memory) {
	if rows == nil {
		for i, v := range values[to.first:][:to.n] {
			*(*V)(to.at(i)) = v
		}
		return
	}
	for i, r := range rows {
		*(*V)(to.at(i)) = values[r]
	}
}

type integer interface {
	int | int8 | int16 | int32 | uint | uint8 | uint16 | uint32
}

func decodeInts[G integer](n *node, c *batch.Column, rows []int32, to memory) error {
	if rows == nil {
		for i, v := range c.Ints[to.first:][:to.n] {
			g := G(v)
			if int64(g) != v {
				return n.outOfRange(c, to.first+i)
			}
			*(*G)(to.at(i)) = g
		}
		return nil
	}
	for i, r := range rows {
		v := c.Ints[r]
		g := G(v)
		if int64(g) != v {
			return n.outOfRange(c, int(r))
		}
		*(*G)(to.at(i)) = g
	}
	return nil
}

func (n *node) outOfRange(c *batch.Column, row int) error {
	return fmt.Errorf("column %s, row %d: %d does not fit %s, which is %s; use a wider type", n.label(), row, c.Ints[row], n.path, n.goType)
}

func decodeFloat32(values []float64, rows []int32, to memory) {
	if rows == nil {
		for i, v := range values[to.first:][:to.n] {
			*(*float32)(to.at(i)) = float32(v)
		}
		return
	}
	for i, r := range rows {
		*(*float32)(to.at(i)) = float32(values[r])
	}
}

func decodeTimes(values []int64, rows []int32, to memory) {
	if rows == nil {
		for i, v := range values[to.first:][:to.n] {
			*(*time.Time)(to.at(i)) = time.UnixMicro(v).UTC()
		}
		return
	}
	for i, r := range rows {
		*(*time.Time)(to.at(i)) = time.UnixMicro(values[r]).UTC()
	}
}

func decodeStrings(c *batch.Column, rows []int32, to memory) {
	if c.Dict != nil {
		decodeCodes(c, rows, to)
		return
	}
	offsets, text := c.Strings.Offsets, view(c.Strings.Data)
	if rows == nil {
		from := offsets[to.first]
		for i, end := range offsets[to.first+1:][:to.n] {
			*(*string)(to.at(i)) = text[from:end]
			from = end
		}
		return
	}
	for i, r := range rows {
		*(*string)(to.at(i)) = text[offsets[r]:offsets[r+1]]
	}
}

func decodeCodes(c *batch.Column, rows []int32, to memory) {
	offsets, text := c.Dict.Offsets, view(c.Dict.Data)
	if rows == nil {
		for i, code := range c.Codes[to.first:][:to.n] {
			*(*string)(to.at(i)) = text[offsets[code]:offsets[code+1]]
		}
		return
	}
	for i, r := range rows {
		code := c.Codes[r]
		*(*string)(to.at(i)) = text[offsets[code]:offsets[code+1]]
	}
}

// view returns the bytes of a published column, which never change, as a string.
func view(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// decodeBytes copies: a []byte can be written to, a column cannot.
func (n *node) decodeBytes(c *batch.Column, rows []int32, to memory) {
	size := 0
	for i := range to.n {
		size += len(c.Bytes(to.row(rows, i)))
	}
	slab := make([]byte, 0, size)
	for i := range to.n {
		b := c.Bytes(to.row(rows, i))
		var own []byte
		if len(b) > 0 {
			start := len(slab)
			slab = append(slab, b...)
			own = slab[start:len(slab):len(slab)]
		}
		*(*[]byte)(to.at(i)) = own
	}
}
