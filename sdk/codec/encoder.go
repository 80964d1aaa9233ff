package codec

import (
	"math"
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
)

// maxStringData is what 32-bit offsets can address.
const maxStringData = math.MaxInt32

// Encoder collects rows of T into columns. It copies what it is given: rows may
// be changed after Append.
type Encoder[T any] struct {
	root *vector
}

// NewEncoder returns an empty encoder.
func (c *Codec[T]) NewEncoder() *Encoder[T] { return &Encoder[T]{root: newVector(c.plan.root)} }

// Append adds rows. On an error nothing of rows was added: a time outside
// batch.MinTime and batch.MaxTime, more than 2 GiB of string data in one column
// (Finish first), a leat.Columns with other names than the plan's.
//
// A time is cut to whole microseconds, towards the past.
func (e *Encoder[T]) Append(rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	before := e.root.n
	from := memory{base: unsafe.Pointer(unsafe.SliceData(rows)), stride: unsafe.Sizeof(rows[0]), n: len(rows)}
	if err := e.root.append(source{memory: from}); err != nil {
		e.root.truncate(before)
		return err
	}
	return nil
}

// Len returns the number of rows since the last Finish.
func (e *Encoder[T]) Len() int { return e.root.n }

// SizeBytes returns the memory the rows since the last Finish take as columns.
func (e *Encoder[T]) SizeBytes() int64 { return e.root.sizeBytes() }

// Finish returns the collected rows as a column, which owns its vectors, and
// leaves the encoder empty.
func (e *Encoder[T]) Finish() *batch.Column { return e.root.finish() }

// vector is a column being built.
type vector struct {
	node *node
	n    int

	valid   batch.Bitmap // nil until the first null
	ints    []int64
	floats  []float64
	bools   []bool
	strings batch.Strings
	offsets []int32
	// children are those of the batch type; leaves of Columns included.
	children []*vector

	// Sizes of the last finished column: what to reserve for the next, so that
	// steady batches do not grow their vectors by doubling.
	lastLen, lastData int

	scratch      pointers // pointees, while nullable values are appended
	groupScratch pointers // structs of Columns, which may be inside such pointees
	entries      *entries // map: one row's entries while they are sorted
}

func newVector(n *node) *vector {
	v := &vector{node: n}
	for _, child := range n.children {
		v.children = append(v.children, newVector(child))
	}
	if n.form == mapForm {
		v.entries = newEntries(n)
	}
	return v
}

// truncate drops all rows from n on.
func (v *vector) truncate(n int) {
	v.n = n
	v.ints, v.floats, v.bools = v.ints[:min(n, len(v.ints))], v.floats[:min(n, len(v.floats))], v.bools[:min(n, len(v.bools))]
	if len(v.strings.Offsets) > n+1 {
		v.strings.Offsets = v.strings.Offsets[:n+1]
	}
	if k := len(v.strings.Offsets); k > 0 {
		v.strings.Data = v.strings.Data[:v.strings.Offsets[k-1]]
	}
	inner := n
	if v.node.typ.Kind.Form() == batch.ListForm {
		inner = 0
		if len(v.offsets) > 0 {
			v.offsets = v.offsets[:min(n+1, len(v.offsets))]
			inner = int(v.offsets[len(v.offsets)-1])
		}
	}
	for _, child := range v.children {
		child.truncate(inner)
	}
}

func (v *vector) sizeBytes() int64 {
	size := int64((v.n+7)/8*min(1, len(v.valid)) + 8*len(v.ints) + 8*len(v.floats) + len(v.bools))
	size += int64(4*len(v.strings.Offsets) + len(v.strings.Data) + 4*len(v.offsets))
	for _, child := range v.children {
		size += child.sizeBytes()
	}
	return size
}

func (v *vector) finish() *batch.Column {
	c := &batch.Column{Type: v.node.typ, Len: v.n, Ints: v.ints, Floats: v.floats, Bools: v.bools, Strings: v.strings, Offsets: v.offsets}
	if v.valid != nil {
		c.Valid = v.valid[:(v.n+7)/8]
		if c.Valid.Count(v.n) == v.n {
			c.Valid = nil
		}
	}
	switch v.node.typ.Kind.Form() {
	case batch.ListForm:
		if c.Offsets == nil {
			c.Offsets = []int32{0}
		}
	case batch.StringForm:
		if c.Strings.Offsets == nil {
			c.Strings.Offsets = []int32{0}
		}
	}
	for _, child := range v.children {
		c.Children = append(c.Children, child.finish())
	}
	v.lastLen, v.lastData = v.n, len(v.strings.Data)
	v.n, v.valid, v.ints, v.floats, v.bools = 0, nil, nil, nil, nil
	v.strings, v.offsets = batch.Strings{}, nil
	return c
}

// reserve makes room for n more values in s, at the first use as many as the
// last column had.
func reserve[V any](s []V, n, last int) []V {
	if cap(s)-len(s) >= n {
		return s
	}
	room := max(len(s)+n, last, 2*cap(s))
	grown := make([]V, len(s), room)
	copy(grown, s)
	return grown
}
