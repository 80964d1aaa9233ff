package state

import "unsafe"

// Value is a cell with one value, or none.
type Value[T any] struct {
	values *values[T]
}

// values are the values of all slots.
type values[T any] struct {
	lifetime
	copies copier
	have   []T
	set    []bool
	bytes  int64 // behind pointers
}

// Read returns the value. ok is false, and the value zero, when none was written.
func (v *Value[T]) Read() (value T, ok bool) {
	s := v.at()
	return s.have[s.slot], s.set[s.slot]
}

// Get is Read for a cell whose zero value stands for none.
func (v *Value[T]) Get() T {
	s := v.at()
	return s.have[s.slot]
}

// Write sets the value.
func (v *Value[T]) Write(value T) {
	s := v.at()
	s.wrote()
	at := &s.have[s.slot]
	if s.copies == nil {
		*at, s.set[s.slot] = value, true
		return
	}
	s.bytes -= s.copies.size(unsafe.Pointer(at))
	*at, s.set[s.slot] = value, true
	s.bytes += s.copies.own(unsafe.Pointer(at))
}

// Clear forgets the value.
func (v *Value[T]) Clear() {
	s := v.at()
	s.reset(s.slot)
}

func (v *Value[T]) at() *values[T] {
	if v.values == nil || v.values.slot == none {
		panic(outside)
	}
	return v.values
}

func (v *Value[T]) check() error { return supported[T]() }

func (v *Value[T]) open(l lifetime) store {
	v.values = &values[T]{lifetime: l, copies: copierOf[T]()}
	return v.values
}

func (s *values[T]) grow(n int) {
	s.lifetime.grow(n)
	s.have, s.set = extend(s.have, n), extend(s.set, n)
}

func (s *values[T]) empty(slot int32) bool { return !s.set[slot] }

func (s *values[T]) reset(slot int32) {
	if s.copies != nil {
		s.bytes -= s.copies.size(unsafe.Pointer(&s.have[slot]))
	}
	var zero T
	s.have[slot], s.set[slot] = zero, false
}

func (s *values[T]) sizeBytes() int64 {
	return sizeOf[T]()*int64(cap(s.have)) + int64(cap(s.set)) + s.bytes
}
