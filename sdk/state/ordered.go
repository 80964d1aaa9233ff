package state

import (
	"iter"
	"slices"
	"unsafe"
)

// OrderedList is a cell with values in the order of a number, such as a time in µs
// (t.UnixMicro()). Values under the same number are in the order of their canonical
// bytes, so that the list does not depend on the order of arrival.
type OrderedList[T any] struct {
	lists *orderedLists[T]
}

type orderedLists[T any] struct {
	lifetime
	order  *canonical[T]
	copies copier
	have   [][]numbered[T]
	bytes  int64
}

// numbered is a value with its place in the order.
type numbered[T any] struct {
	at    int64
	value T
}

// Add adds a value under a number. At the end of the list it costs least.
func (l *OrderedList[T]) Add(at int64, value T) {
	s := l.list()
	s.wrote()
	list := s.have[s.slot]
	before := cap(list)
	i := len(list)
	if i > 0 && list[i-1].at > at {
		i = from(list, at+1)
	}
	for i > 0 && list[i-1].at == at && s.order.compare(list[i-1].value, value) > 0 {
		i--
	}
	list = slices.Insert(list, i, numbered[T]{at, value})
	s.bytes += sizeOf[numbered[T]]() * int64(cap(list)-before)
	if s.copies != nil {
		s.bytes += s.copies.own(unsafe.Pointer(&list[i].value))
	}
	s.have[s.slot] = list
}

// Len returns the number of values.
func (l *OrderedList[T]) Len() int {
	s := l.list()
	return len(s.have[s.slot])
}

// Read returns the values in order.
func (l *OrderedList[T]) Read() []T {
	s := l.list()
	list := s.have[s.slot]
	values := make([]T, len(list))
	for i := range list {
		values[i] = list[i].value
	}
	return values
}

// Range returns numbers and values, in order, of the numbers in [least, end). The
// list must not be changed while it is ranged over.
func (l *OrderedList[T]) Range(least, end int64) iter.Seq2[int64, T] {
	s := l.list()
	list := s.have[s.slot]
	list = list[from(list, least):from(list, max(least, end))]
	return func(yield func(int64, T) bool) {
		for _, n := range list {
			if !yield(n.at, n.value) {
				return
			}
		}
	}
}

// ClearRange forgets the values of the numbers in [least, end).
func (l *OrderedList[T]) ClearRange(least, end int64) {
	s := l.list()
	s.wrote()
	list := s.have[s.slot]
	i, j := from(list, least), from(list, max(least, end))
	if s.copies != nil {
		for k := i; k < j; k++ {
			s.bytes -= s.copies.size(unsafe.Pointer(&list[k].value))
		}
	}
	if j-i == len(list) {
		s.bytes -= sizeOf[numbered[T]]() * int64(cap(list))
		s.have[s.slot] = nil
		return
	}
	s.have[s.slot] = slices.Delete(list, i, j)
}

// Clear forgets all values.
func (l *OrderedList[T]) Clear() {
	s := l.list()
	s.reset(s.slot)
}

// from returns the position of the first value under at or a larger number.
func from[T any](list []numbered[T], at int64) int {
	i, _ := slices.BinarySearchFunc(list, at, func(n numbered[T], at int64) int {
		if n.at < at {
			return -1
		}
		return 1
	})
	return i
}

func (l *OrderedList[T]) list() *orderedLists[T] {
	if l.lists == nil || l.lists.slot == none {
		panic(outside)
	}
	return l.lists
}

func (l *OrderedList[T]) check() error { return supported[T]() }

func (l *OrderedList[T]) open(life lifetime) store {
	l.lists = &orderedLists[T]{lifetime: life, order: canonicalOf[T](), copies: copierOf[T]()}
	return l.lists
}

func (s *orderedLists[T]) grow(n int) {
	s.lifetime.grow(n)
	s.have = extend(s.have, n)
}

func (s *orderedLists[T]) empty(slot int32) bool { return len(s.have[slot]) == 0 }

func (s *orderedLists[T]) reset(slot int32) {
	list := s.have[slot]
	if s.copies != nil {
		for i := range list {
			s.bytes -= s.copies.size(unsafe.Pointer(&list[i].value))
		}
	}
	s.bytes -= sizeOf[numbered[T]]() * int64(cap(list))
	s.have[slot] = nil
}

func (s *orderedLists[T]) sizeBytes() int64 {
	return s.lifetime.sizeBytes() + 24*int64(cap(s.have)) + s.bytes
}
