package state

import "unsafe"

// List is a cell with values in the order in which they were appended. Where that
// must not depend on the order of arrival, ask for sorted input (TimeSorted) or use
// an OrderedList.
type List[T any] struct {
	lists *lists[T]
}

type lists[T any] struct {
	lifetime
	copies copier
	have   [][]T
	bytes  int64
}

// Append adds a value at the end.
func (l *List[T]) Append(value T) {
	s := l.at()
	s.wrote()
	list := s.have[s.slot]
	before := cap(list)
	list = append(list, value)
	s.bytes += sizeOf[T]() * int64(cap(list)-before)
	if s.copies != nil {
		s.bytes += s.copies.own(unsafe.Pointer(&list[len(list)-1]))
	}
	s.have[s.slot] = list
}

// Read returns the values, nil for none. The slice may be kept, but not be changed.
func (l *List[T]) Read() []T {
	s := l.at()
	list := s.have[s.slot]
	return list[:len(list):len(list)]
}

// Len returns the number of values.
func (l *List[T]) Len() int {
	s := l.at()
	return len(s.have[s.slot])
}

// Write replaces the values by those of a slice, in its order.
func (l *List[T]) Write(values []T) {
	s := l.at()
	s.wrote()
	own := append([]T(nil), values...) // values may be what Read returned
	var bytes int64
	if s.copies != nil {
		for i := range own {
			bytes += s.copies.own(unsafe.Pointer(&own[i]))
		}
	}
	s.reset(s.slot)
	s.have[s.slot] = own
	s.bytes += bytes + sizeOf[T]()*int64(cap(own))
}

// Clear forgets the values.
func (l *List[T]) Clear() {
	s := l.at()
	s.reset(s.slot)
}

func (l *List[T]) at() *lists[T] {
	if l.lists == nil || l.lists.slot == none {
		panic(outside)
	}
	return l.lists
}

func (l *List[T]) check() error { return supported[T]() }

func (l *List[T]) open(life lifetime) store {
	l.lists = &lists[T]{lifetime: life, copies: copierOf[T]()}
	return l.lists
}

func (s *lists[T]) grow(n int) {
	s.lifetime.grow(n)
	s.have = extend(s.have, n)
}

func (s *lists[T]) empty(slot int32) bool { return len(s.have[slot]) == 0 }

func (s *lists[T]) reset(slot int32) {
	list := s.have[slot]
	if s.copies != nil {
		for i := range list {
			s.bytes -= s.copies.size(unsafe.Pointer(&list[i]))
		}
	}
	s.bytes -= sizeOf[T]() * int64(cap(list))
	s.have[slot] = nil
}

func (s *lists[T]) sizeBytes() int64 { return s.lifetime.sizeBytes() + 24*int64(cap(s.have)) + s.bytes }
