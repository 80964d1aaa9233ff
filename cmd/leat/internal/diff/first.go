package diff

import (
	"bytes"
	"sort"
)

// first keeps the values with the smallest keys, at most so many, sorted. Values
// are made only when they are kept.
type first[T any] struct {
	most   int
	keys   [][]byte
	values []T
}

// offer keeps value if key is among the smallest. key is copied.
func (f *first[T]) offer(key []byte, value func() T) {
	if f.most <= 0 {
		return
	}
	full := len(f.keys) == f.most
	if full && bytes.Compare(key, f.keys[f.most-1]) >= 0 {
		return
	}
	if full {
		f.keys, f.values = f.keys[:f.most-1], f.values[:f.most-1]
	}
	i := sort.Search(len(f.keys), func(i int) bool { return bytes.Compare(f.keys[i], key) > 0 })
	f.keys, f.values = append(f.keys, nil), append(f.values, *new(T))
	copy(f.keys[i+1:], f.keys[i:])
	copy(f.values[i+1:], f.values[i:])
	f.keys[i], f.values[i] = bytes.Clone(key), value()
}
