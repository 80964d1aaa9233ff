package spill

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// A block is a sequence of items of whole 8-byte words, so that every vector can
// be used where it lies. A column, its type being known:
//
//	word      flags | length << 8
//	bits      validity, when flagged
//	vector    integers, floats, bools, codes, or offsets
//	dictionary or texts: word with the number of values, offsets, word with the
//	          number of bytes, bytes
//	children  as columns
//
// A batch is its times, starts, ends, panes and retract marks, each a word with the
// number and the vector, and then its root column.

// Flags of a column.
const (
	flagRead  = 1 << iota // the column was read: not nil
	flagValid             // it has validity bits
	flagCodes             // its strings are codes
)

func appendBatch(dst []byte, b *batch.Batch) []byte {
	for _, v := range [][]int64{b.Time, b.Start, b.End} {
		dst = appendVector(appendCount(dst, len(v), v != nil), v)
	}
	dst = appendVector(appendCount(dst, len(b.Panes), b.Panes != nil), b.Panes)
	dst = appendVector(appendCount(dst, len(b.Retract), b.Retract != nil), b.Retract)
	return appendColumn(dst, b.Root)
}

func appendWord(dst []byte, w uint64) []byte { return binary.NativeEndian.AppendUint64(dst, w) }

// appendCount writes the length of a vector that may be absent.
func appendCount(dst []byte, n int, present bool) []byte {
	if !present {
		return appendWord(dst, 0)
	}
	return appendWord(dst, uint64(n)+1)
}

// appendVector writes values as they lie in memory, padded to whole words.
func appendVector[T any](dst []byte, values []T) []byte {
	if len(values) > 0 {
		size := len(values) * int(unsafe.Sizeof(values[0]))
		dst = append(dst, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), size)...)
	}
	var zero [8]byte
	return append(dst, zero[:-len(dst)&7]...)
}

func appendColumn(dst []byte, c *batch.Column) []byte {
	if c == nil {
		return appendWord(dst, 0)
	}
	if c.Dict != nil && c.Dict.Len() > c.Len/2 { // few of its entries are of use here
		c = c.Plain()
	}
	flags := uint64(flagRead)
	if c.Valid != nil {
		flags |= flagValid
	}
	if c.Dict != nil {
		flags |= flagCodes
	}
	dst = appendWord(dst, flags|uint64(c.Len)<<8)
	if c.Valid != nil {
		dst = appendVector(dst, c.Valid[:(c.Len+7)/8])
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		return appendVector(dst, c.Ints)
	case batch.FloatForm:
		return appendVector(dst, c.Floats)
	case batch.BoolForm:
		return appendVector(dst, c.Bools)
	case batch.StringForm:
		if c.Dict != nil {
			return appendTexts(appendVector(dst, c.Codes), &c.Dict.Strings)
		}
		return appendTexts(dst, &c.Strings)
	case batch.ListForm:
		return appendLists(dst, c)
	}
	for _, child := range c.Children {
		dst = appendColumn(dst, child)
	}
	return dst
}

func appendTexts(dst []byte, s *batch.Strings) []byte {
	n := s.Len()
	dst = appendWord(dst, uint64(n))
	if n == 0 {
		return appendWord(dst, 0)
	}
	from, to := s.Offsets[0], s.Offsets[n]
	dst = appendOffsets(dst, s.Offsets[:n+1])
	return appendVector(appendWord(dst, uint64(to-from)), s.Data[from:to])
}

// appendOffsets writes offsets so that they begin at 0.
func appendOffsets(dst []byte, offsets []int32) []byte {
	first := offsets[0]
	if first == 0 {
		return appendVector(dst, offsets)
	}
	for _, o := range offsets {
		dst = binary.NativeEndian.AppendUint32(dst, uint32(o-first))
	}
	return appendVector[byte](dst, nil)
}

func appendLists(dst []byte, c *batch.Column) []byte {
	if c.Len == 0 {
		for _, child := range c.Children {
			dst = appendColumn(dst, child.Slice(0, 0))
		}
		return dst
	}
	from, to := int(c.Offsets[0]), int(c.Offsets[c.Len])
	dst = appendOffsets(dst, c.Offsets[:c.Len+1])
	for _, child := range c.Children {
		if child != nil && (from != 0 || to != child.Len) {
			child = child.Slice(from, to)
		}
		dst = appendColumn(dst, child)
	}
	return dst
}

// reader takes items off a block. The first item that does not fit stops it.
type reader struct {
	rest []byte
	err  error
}

// readBatch makes a batch of a block, whose bytes it keeps.
func readBatch(raw []byte, root *batch.Type) (*batch.Batch, error) {
	r := &reader{rest: raw}
	b := &batch.Batch{Time: counted[int64](r), Start: counted[int64](r), End: counted[int64](r), Panes: counted[batch.Pane](r), Retract: counted[bool](r)}
	b.Root = r.column(root)
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%d bytes are left over in a block", len(r.rest))
	}
	return b, r.err
}

func (r *reader) word() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	w := binary.NativeEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return w
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("a block ends too early")
	}
	r.rest = nil
}

// vector takes n values.
func vector[T any](r *reader, n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if n < 0 || n > len(r.rest)/size || (n*size+7)&^7 > len(r.rest) {
		r.fail()
		return nil
	}
	if n == 0 {
		return []T{}
	}
	values := unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(r.rest))), n)
	r.rest = r.rest[(n*size+7)&^7:]
	return values
}

// counted takes a vector that may be absent.
func counted[T any](r *reader) []T {
	n := r.word()
	if n == 0 {
		return nil
	}
	return vector[T](r, int(n-1))
}

func (r *reader) column(t *batch.Type) *batch.Column {
	head := r.word()
	if r.err != nil || head&flagRead == 0 {
		return nil
	}
	c := &batch.Column{Type: t, Len: int(head >> 8)}
	if head&flagValid != 0 {
		c.Valid = vector[byte](r, (c.Len+7)/8)
	}
	switch t.Kind.Form() {
	case batch.IntForm:
		c.Ints = vector[int64](r, c.Len)
	case batch.FloatForm:
		c.Floats = vector[float64](r, c.Len)
	case batch.BoolForm:
		c.Bools = vector[bool](r, c.Len)
	case batch.StringForm:
		if head&flagCodes == 0 {
			c.Strings = r.texts()
			break
		}
		c.Codes = vector[int32](r, c.Len)
		c.Dict = &batch.Dictionary{Strings: r.texts()}
	case batch.ListForm:
		if c.Len > 0 {
			c.Offsets = vector[int32](r, c.Len+1)
		}
		c.Children = r.children(t)
	case batch.StructForm:
		c.Children = r.children(t)
	}
	return c
}

func (r *reader) children(t *batch.Type) []*batch.Column {
	children := make([]*batch.Column, len(t.Fields))
	for i, f := range t.Fields {
		children[i] = r.column(f.Type)
	}
	return children
}

func (r *reader) texts() batch.Strings {
	n := int(r.word())
	if n == 0 {
		r.word()
		return batch.Strings{}
	}
	offsets := vector[int32](r, n+1)
	return batch.Strings{Offsets: offsets, Data: vector[byte](r, int(r.word()))}
}
