package pages

import (
	"errors"
	"fmt"
	"math/bits"
)

// wire reads Thrift's compact protocol, in which footers and page headers are
// written. It allocates nothing that the bytes at hand do not pay for, and keeps
// its first error: after it every read returns zero.
//
//	struct   field* 0x00
//	field    delta of id (4 bits) │ type (4 bits), value
//	list     size (4 bits, 15: varint follows) │ type (4 bits), elements
type wire struct {
	b     []byte
	pos   int
	depth int
	err   error
}

// errShort says that the bytes end inside a value: more of them may help.
var errShort = errors.New("ends inside a value")

// Wire types of the compact protocol.
const (
	wireTrue   = 1
	wireFalse  = 2
	wireByte   = 3
	wireI16    = 4
	wireI32    = 5
	wireI64    = 6
	wireDouble = 7
	wireBinary = 8
	wireList   = 9
	wireSet    = 10
	wireMap    = 11
	wireStruct = 12
)

func (w *wire) fail(err error) {
	if w.err == nil {
		w.err = err
	}
	w.pos = len(w.b)
}

func (w *wire) failf(format string, args ...any) { w.fail(fmt.Errorf(format, args...)) }

func (w *wire) byte() byte {
	if w.pos >= len(w.b) {
		w.fail(errShort)
		return 0
	}
	w.pos++
	return w.b[w.pos-1]
}

func (w *wire) uvarint() uint64 {
	var v uint64
	for shift := uint(0); ; shift += 7 {
		c := w.byte()
		if w.err != nil {
			return 0
		}
		if shift == 63 && c > 1 {
			w.failf("has a varint of more than 64 bits")
			return 0
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
}

func (w *wire) zigzag() int64 {
	v := w.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (w *wire) take(n uint64) []byte {
	if n > uint64(len(w.b)-w.pos) {
		w.fail(errShort)
		return nil
	}
	w.pos += int(n)
	return w.b[w.pos-int(n) : w.pos : w.pos]
}

// fields calls each for every field of a struct. each consumes the value, by one
// of the typed reads or skip.
func (w *wire) fields(each func(id int, t byte)) {
	if w.depth++; w.depth > depthMax {
		w.failf("is nested more than %d deep", depthMax)
	}
	id := 0
	for w.err == nil {
		h := w.byte()
		if h == 0 {
			break
		}
		if delta := int(h >> 4); delta != 0 {
			id += delta
		} else {
			id = int(w.zigzag())
		}
		if w.err == nil {
			each(id, h&15)
		}
	}
	w.depth--
}

func (w *wire) expect(t, want byte) bool {
	if t == want && w.err == nil {
		return true
	}
	w.failf("has a value of wire type %d where %d belongs", t, want)
	return false
}

func (w *wire) int(t byte) int64 {
	if t != wireI16 && t != wireI32 && t != wireI64 {
		w.expect(t, wireI32)
		return 0
	}
	return w.zigzag()
}

func (w *wire) int32(t byte) int32 {
	v := w.int(t)
	if int64(int32(v)) != v {
		w.failf("has the value %d in a field of 32 bits", v)
		return 0
	}
	return int32(v)
}

func (w *wire) bool(t byte) bool {
	if t != wireTrue && t != wireFalse {
		w.expect(t, wireTrue)
	}
	return t == wireTrue
}

func (w *wire) binary(t byte) []byte {
	if !w.expect(t, wireBinary) {
		return nil
	}
	return w.take(w.uvarint())
}

func (w *wire) structure(t byte, each func(id int, t byte)) {
	if w.expect(t, wireStruct) {
		w.fields(each)
	}
}

// list calls each for every element. Every element takes at least a byte, so the
// declared size is checked against what is left.
func (w *wire) list(t byte, each func(elem byte)) {
	if t != wireSet && !w.expect(t, wireList) {
		return
	}
	h := w.byte()
	n := uint64(h >> 4)
	if n == 15 {
		n = w.uvarint()
	}
	if n > uint64(len(w.b)-w.pos) {
		w.fail(errShort)
		return
	}
	for ; n > 0 && w.err == nil; n-- {
		each(h & 15)
	}
}

// skip consumes a value of type t that nobody asked for.
func (w *wire) skip(t byte) {
	switch t {
	case wireTrue, wireFalse:
	case wireByte:
		w.byte()
	case wireI16, wireI32, wireI64:
		w.uvarint()
	case wireDouble:
		w.take(8)
	case wireBinary:
		w.take(w.uvarint())
	case wireList, wireSet:
		w.nested(func() { w.list(t, w.skipElement) })
	case wireMap:
		w.nested(w.skipMap)
	case wireStruct:
		w.fields(func(_ int, t byte) { w.skip(t) })
	default:
		w.failf("has a value of unknown wire type %d", t)
	}
}

// skipElement is skip for elements of lists and maps, where a bool is a byte.
func (w *wire) skipElement(t byte) {
	if t == wireTrue || t == wireFalse {
		t = wireByte
	}
	w.skip(t)
}

func (w *wire) skipMap() {
	n := w.uvarint()
	if n == 0 {
		return
	}
	if n > uint64(len(w.b)-w.pos) {
		w.fail(errShort)
		return
	}
	kinds := w.byte()
	for ; n > 0 && w.err == nil; n-- {
		w.skipElement(kinds >> 4)
		w.skipElement(kinds & 15)
	}
}

func (w *wire) nested(f func()) {
	if w.depth++; w.depth > depthMax {
		w.failf("is nested more than %d deep", depthMax)
		return
	}
	f()
	w.depth--
}

// bitsFor returns how many bits the values 0…max take.
func bitsFor(max int) uint { return uint(bits.Len(uint(max))) }
