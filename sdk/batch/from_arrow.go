package batch

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// FromArrow returns the array as a column of type t; see TypeFromArrow for the
// type that fits. Other widths of a number are converted with a check, struct
// fields are found by name, map entries are sorted by key. Dictionary arrays of
// text stay dictionaries, each call making a new one.
//
// Memory is shared where the layouts agree: 64-bit integers and floats, µs
// timestamps, text, 32-bit offsets and codes, validity. The array's memory must
// then be the garbage collector's and must never change; an array in memory that
// Release frees or reuses has to be copied before. The array itself may be
// released. The result has been checked by Validate, so the bytes need not be
// trusted.
func FromArrow(a arrow.Array, t *Type) (c *Column, err error) {
	// Arrays are checked below before they are read, but views and slices go
	// through arrow-go, which panics on bytes that contradict each other.
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("arrow: the array is damaged: %v", r)
		}
	}()
	if c, err = fromArrow(a.Data(), t); err == nil {
		err = Validate(c)
	}
	if err != nil {
		return nil, fmt.Errorf("arrow: %w", err)
	}
	return c, nil
}

// FromRecord returns the rows of an Arrow record as a batch with a root of type
// t, taking struct fields by name; a root that is no struct is the first field.
// Event time is left to the caller. See FromArrow.
func FromRecord(r arrow.RecordBatch, t *Type) (*Batch, error) {
	var a arrow.Array
	if t.Kind == Struct {
		rows := array.RecordToStructArray(r)
		defer rows.Release()
		a = rows
	} else if r.NumCols() > 0 {
		a = r.Column(0)
	} else {
		return nil, fmt.Errorf("arrow: a record without fields cannot become %s", t)
	}
	root, err := FromArrow(a, t)
	if err != nil {
		return nil, err
	}
	return &Batch{Root: root}, nil
}

func fromArrow(d arrow.ArrayData, t *Type) (*Column, error) {
	dt := d.DataType()
	if e, ok := dt.(arrow.ExtensionType); ok {
		dt = e.StorageType()
	}
	if d.Len() < 0 || d.Len() > maxStringData || d.Offset() < 0 || d.Offset() > math.MaxInt-d.Len() {
		return nil, fmt.Errorf("an array of %d rows from row %d on", d.Len(), d.Offset())
	}
	if dt.ID() == arrow.NULL {
		return Nulls(t, d.Len()), nil
	}
	if !convertible(dt, t.Kind) {
		return nil, fmt.Errorf("Arrow %s cannot become %s", dt, t)
	}
	valid, err := validOfArrow(d)
	if err != nil {
		return nil, err
	}
	c := &Column{Type: t, Len: d.Len(), Valid: valid}
	if dict, ok := dt.(*arrow.DictionaryType); ok {
		return fromDictionary(c, d, dict)
	}
	switch t.Kind.Form() {
	case IntForm:
		c.Ints, err = intsOfArrow(c, d, dt)
	case FloatForm:
		c.Floats, err = floatsOfArrow(d, dt)
	case BoolForm:
		c.Bools, err = boolsOfArrow(d)
	case StringForm:
		c.Strings, err = textsOfArrow(c, d, dt)
	case ListForm:
		err = listsOfArrow(c, d, dt)
	case StructForm:
		err = structOfArrow(c, d, dt)
	}
	return c, err
}

// convertible reports whether arrays of dt can become columns of kind k at all.
func convertible(dt arrow.DataType, k Kind) bool {
	if dict, ok := dt.(*arrow.DictionaryType); ok {
		return convertible(dict.ValueType, k)
	}
	switch id := dt.ID(); id {
	case arrow.MAP:
		return k == Map
	case arrow.STRUCT:
		return k == Struct
	case arrow.LIST, arrow.LARGE_LIST, arrow.FIXED_SIZE_LIST:
		return k == List
	default:
		have := kindOfArrow(id)
		return have != Invalid && (sameNature(have, k) || have.Form() == StringForm && k.Form() == StringForm)
	}
}

// values returns the rows of d in its buffer i, which holds fixed-width values
// and per that many more than rows.
func values[T arrow.FixedWidthType](d arrow.ArrayData, i, more int) ([]T, error) {
	n := d.Len() + more
	if n == 0 || d.Len() == 0 && len(rawBuffer(d, i)) == 0 {
		return make([]T, n), nil
	}
	var zero T
	raw, size := rawBuffer(d, i), int(unsafe.Sizeof(zero))
	if (d.Offset() + n) > len(raw)/size {
		return nil, fmt.Errorf("a buffer of %d bytes for %d values of %d", len(raw), d.Offset()+n, size)
	}
	raw = raw[d.Offset()*size : (d.Offset()+n)*size]
	if uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%uintptr(size) != 0 {
		raw = aligned(raw)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(raw))), n), nil
}

// aligned copies raw to where values of up to 16 bytes may lie.
func aligned(raw []byte) []byte {
	words := make([]uint64, (len(raw)+7)/8)
	out := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(raw)]
	copy(out, raw)
	return out
}

func rawBuffer(d arrow.ArrayData, i int) []byte {
	buffers := d.Buffers()
	if i >= len(buffers) || buffers[i] == nil {
		return nil
	}
	return buffers[i].Bytes()
}

func validOfArrow(d arrow.ArrayData) (Bitmap, error) {
	raw := rawBuffer(d, 0)
	if len(raw) == 0 || d.NullN() == 0 {
		return nil, nil
	}
	if d.Offset()+d.Len() > 8*len(raw) {
		return nil, fmt.Errorf("%d validity bytes for %d rows", len(raw), d.Offset()+d.Len())
	}
	valid := sliceBits(raw, d.Offset(), d.Offset()+d.Len())
	if valid.Count(d.Len()) == d.Len() {
		return nil, nil
	}
	return valid, nil
}

// Nulls returns a column of n nulls.
func Nulls(t *Type, n int) *Column {
	c := &Column{Type: t, Len: n, Valid: NewBitmap(n)}
	switch t.Kind.Form() {
	case IntForm:
		c.Ints = make([]int64, n)
	case FloatForm:
		c.Floats = make([]float64, n)
	case BoolForm:
		c.Bools = make([]bool, n)
	case StringForm:
		c.Strings.Offsets = make([]int32, n+1)
	case ListForm:
		c.Offsets = make([]int32, n+1)
		n = 0
	}
	for _, f := range t.Fields {
		c.Children = append(c.Children, Nulls(f.Type, n))
	}
	return c
}

// textsOfArrow shares text with 32-bit offsets and rebases 64-bit ones; the two
// rare layouts are copied.
func textsOfArrow(c *Column, d arrow.ArrayData, dt arrow.DataType) (Strings, error) {
	switch dt.ID() {
	case arrow.STRING, arrow.BINARY:
		offsets, err := values[int32](d, 1, 1)
		return Strings{Offsets: offsets, Data: rawBuffer(d, 2)}, err
	case arrow.LARGE_STRING, arrow.LARGE_BINARY:
		large, err := values[int64](d, 1, 1)
		if err != nil {
			return Strings{}, err
		}
		data := rawBuffer(d, 2)
		offsets, from, to, err := rebased(large, len(data))
		return Strings{Offsets: offsets, Data: data[from:to]}, err
	}
	a := array.MakeFromData(d)
	defer a.Release()
	var texts func(int) []byte
	switch a := a.(type) {
	case *array.StringView:
		texts = func(i int) []byte { return []byte(a.Value(i)) }
	case interface{ Value(int) []byte }: // binary views and fixed-size binary
		texts = a.Value
	default:
		return Strings{}, fmt.Errorf("Arrow %s cannot become %s", dt, c.Type)
	}
	out := Strings{Offsets: make([]int32, 1, c.Len+1)}
	for i := range c.Len {
		var text []byte
		if !c.Null(i) {
			text = texts(i)
		}
		if len(out.Data)+len(text) > maxStringData {
			return Strings{}, errTooLarge
		}
		out.Data = append(out.Data, text...)
		out.Offsets = append(out.Offsets, int32(len(out.Data)))
	}
	return out, nil
}

var errTooLarge = errors.New("more than 2^31 bytes or elements in one batch; read smaller batches")

// rebased brings 64-bit offsets into a vector of the given size to 32 bits,
// relative to the first; from and to are the part of the vector in use.
func rebased(large []int64, size int) (offsets []int32, from, to int64, err error) {
	from, to = large[0], large[len(large)-1]
	if from < 0 || to < from || to > int64(size) {
		return nil, 0, 0, fmt.Errorf("offsets %d to %d in %d", from, to, size)
	}
	if to-from > maxStringData {
		return nil, 0, 0, errTooLarge
	}
	offsets = make([]int32, len(large))
	for i, o := range large {
		if o < from || o > to {
			return nil, 0, 0, fmt.Errorf("offset %d is %d, outside %d to %d", i, o, from, to)
		}
		offsets[i] = int32(o - from)
	}
	return offsets, from, to, nil
}
