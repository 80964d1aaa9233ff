package batch

import "iter"

// Column is one vector of values in Arrow's memory layout, with integers
// widened to 64 bits (see Kind). Exactly one group of fields is used, chosen by
// Type.Kind.Form(); the others are nil.
//
// A column is immutable from the moment it is part of a Batch: operators share
// columns between batches and tasks without copying, and Go strings handed to
// user code are views into Strings.Data. Nobody may write to, pool or reuse the
// slices of a published column; the garbage collector frees them.
//
// A nil *Column in Children means that the column was not read (projection
// push-down). Reading it as a row leaves the field's zero value.
type Column struct {
	Type  *Type
	Len   int
	Valid Bitmap // nil: no row is null. Values under a null are unspecified but in bounds.

	Ints    []int64   // IntForm; Time in µs since the epoch
	Floats  []float64 // FloatForm
	Bools   []bool    // BoolForm
	Strings Strings   // StringForm, plain: Len values
	Codes   []int32   // StringForm, dictionary: Len codes into Dict; then Strings is unused
	Dict    *Dictionary

	Offsets  []int32   // ListForm: Len+1 offsets into the children, ascending
	Children []*Column // StructForm: one per field, each Len rows; ListForm: one per field

	// Stream, when not nil, has the elements of the one list of a List column that
	// is too large for memory; Offsets then say that it is empty. A grouping step
	// makes such a column only for steps that read lists as sequences, and it
	// lives no longer than the call that hands it over.
	Stream Stream
}

// Stream is a list that is read piece by piece.
type Stream interface {
	// Pieces returns columns of elements, in order, from the first on. It may be
	// ranged over several times.
	Pieces() iter.Seq2[*Column, error]
}

// Strings is a vector of byte strings: value i is Data[Offsets[i]:Offsets[i+1]].
type Strings struct {
	Offsets []int32 // one more than there are values; nil when there are none
	Data    []byte
}

// Dictionary is an immutable set of distinct-or-not values that dictionary
// columns point into. Identity is the pointer: two columns with the same
// *Dictionary may compare codes, and caches are kept per *Dictionary.
type Dictionary struct {
	Strings
}

// Len returns the number of values.
func (s *Strings) Len() int {
	if len(s.Offsets) == 0 {
		return 0
	}
	return len(s.Offsets) - 1
}

// Bytes returns value i without copying. The caller must not change it.
func (s *Strings) Bytes(i int) []byte {
	a, b := s.Offsets[i], s.Offsets[i+1]
	return s.Data[a:b:b]
}

// At returns value i as a string that shares memory with the column. It may be
// kept for ever, but keeps the column's data alive.
func (s *Strings) At(i int) string { return viewString(s.Bytes(i)) }

// Append adds a value at the end. Only a builder that owns s may call it.
// It reports false, without adding, when the data would pass 2 GiB, the limit
// of 32-bit offsets.
func (s *Strings) Append(v string) bool {
	if len(s.Data)+len(v) > maxStringData {
		return false
	}
	if len(s.Offsets) == 0 {
		s.Offsets = append(s.Offsets, 0)
	}
	s.Data = append(s.Data, v...)
	s.Offsets = append(s.Offsets, int32(len(s.Data)))
	return true
}

const maxStringData = 1<<31 - 1

// Null reports whether row i is null.
func (c *Column) Null(i int) bool { return c.Valid != nil && !c.Valid.Get(i) }

// Bytes returns row i of a StringForm column, plain or dictionary, without
// copying. The value of a null row is unspecified.
func (c *Column) Bytes(i int) []byte {
	if c.Dict != nil {
		return c.Dict.Bytes(int(c.Codes[i]))
	}
	return c.Strings.Bytes(i)
}

// Text returns row i of a StringForm column as a string view.
func (c *Column) Text(i int) string { return viewString(c.Bytes(i)) }

// Range returns the children range of row i of a ListForm column.
func (c *Column) Range(i int) (from, to int) { return int(c.Offsets[i]), int(c.Offsets[i+1]) }

// Child returns the column at path, each step an index into Children. A nil
// result means that the column was not read. Nulls of a struct on the way are
// not folded into the child; see Flatten for that.
func (c *Column) Child(path []int) *Column {
	for _, p := range path {
		if c == nil {
			return nil
		}
		c = c.Children[p]
	}
	return c
}

// Flatten is Child with the nulls of every struct on the way folded into the
// result, as a description that reads a field of a nullable struct needs it.
func (c *Column) Flatten(path []int) *Column {
	var nulls Bitmap
	for _, p := range path {
		if c == nil {
			return nil
		}
		nulls = And(nulls, c.Valid, c.Len)
		c = c.Children[p]
	}
	if c == nil || nulls == nil {
		return c
	}
	flat := *c
	flat.Valid = And(nulls, c.Valid, c.Len)
	return &flat
}

// NewStruct returns a struct column over children that all have n rows (or are
// nil: not read).
func NewStruct(t *Type, n int, children ...*Column) *Column {
	return &Column{Type: t, Len: n, Children: children}
}

// NewInts returns a column of IntForm over values, which it owns from then on.
func NewInts(t *Type, values []int64) *Column {
	return &Column{Type: t, Len: len(values), Ints: values}
}

// NewFloats returns a column of FloatForm over values, which it owns from then on.
func NewFloats(t *Type, values []float64) *Column {
	return &Column{Type: t, Len: len(values), Floats: values}
}

// NewBools returns a column of BoolForm over values, which it owns from then on.
func NewBools(t *Type, values []bool) *Column {
	return &Column{Type: t, Len: len(values), Bools: values}
}

// NewStrings returns a plain StringForm column over s, which it owns from then on.
func NewStrings(t *Type, s Strings) *Column {
	return &Column{Type: t, Len: s.Len(), Strings: s}
}

// NewDictionary returns a dictionary StringForm column. Codes of null rows must
// still be in bounds.
func NewDictionary(t *Type, codes []int32, d *Dictionary) *Column {
	return &Column{Type: t, Len: len(codes), Codes: codes, Dict: d}
}

// SizeBytes estimates the memory the column's vectors hold. Of a dictionary with
// more entries than there are rows, it counts as many entries as rows.
func (c *Column) SizeBytes() int64 {
	if c == nil {
		return 0
	}
	n := int64(len(c.Valid) + 8*len(c.Ints) + 8*len(c.Floats) + len(c.Bools) + 4*len(c.Codes) + 4*len(c.Offsets))
	n += int64(4*len(c.Strings.Offsets) + c.Strings.span()) // slices share their data
	if c.Dict != nil {                                      // shared by the batches of a chunk
		entries := int64(max(1, c.Dict.Len()))
		n += int64(4*len(c.Dict.Offsets)+len(c.Dict.Data)) * min(int64(c.Len), entries) / entries
	}
	for _, child := range c.Children {
		size := child.SizeBytes()
		if len(c.Offsets) > 0 && child.Len > 0 { // slices of a list share its elements
			size = int64(float64(size) * float64(c.Offsets[len(c.Offsets)-1]-c.Offsets[0]) / float64(child.Len))
		}
		n += size
	}
	return n
}

// Zeros returns n zeros, which are shared: columns that say nothing, as most
// high words of sums do, take no memory. They must not be written to.
func Zeros(n int) []int64 {
	if n > len(zeros) {
		return make([]int64, n)
	}
	return zeros[:n:n]
}

var zeros [2 * TargetRows]int64
