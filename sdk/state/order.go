package state

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"

	"github.com/leatflow/leat/sdk/codec"
)

// canonical compares values by their canonical bytes, the order that key bytes
// have: numbers by size, text by its bytes, structs field by field. It is what makes
// the order in which a cell gives its values independent of their arrival.
type canonical[T any] struct {
	fast    func(a, b T) int // nil: by the bytes of columns
	encoder *codec.Encoder[T]
}

// canonicalOf returns the order of T, which can be columns.
func canonicalOf[T any]() *canonical[T] {
	var fast any
	switch reflect.TypeFor[T]() { // the common types; named ones go the long way
	case reflect.TypeFor[string]():
		fast = cmp.Compare[string]
	case reflect.TypeFor[int64]():
		fast = cmp.Compare[int64]
	case reflect.TypeFor[int32]():
		fast = cmp.Compare[int32]
	case reflect.TypeFor[int]():
		fast = cmp.Compare[int]
	}
	c := &canonical[T]{}
	c.fast, _ = fast.(func(a, b T) int)
	if rows, err := codec.For[T](); err == nil && c.fast == nil {
		c.encoder = rows.NewEncoder()
	}
	return c
}

// compare returns which of two values comes first.
func (c *canonical[T]) compare(a, b T) int {
	if c.fast != nil {
		return c.fast(a, b)
	}
	return bytes.Compare(c.bytes(a), c.bytes(b))
}

// bytes returns the canonical bytes of a value.
func (c *canonical[T]) bytes(v T) []byte {
	if err := c.encoder.Append([]T{v}); err != nil {
		panic(Misuse{fmt.Errorf("a value cannot be kept: %w", err)})
	}
	return codec.AppendKey(nil, c.encoder.Finish(), 0)
}
