package state

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"unsafe"
)

// Map is a cell with values under keys of its own, of which Keys and All give the
// order of their canonical bytes: numbers by size, text by its bytes.
type Map[K comparable, V any] struct {
	entries *entries[K, V]
}

// entries are the maps of all slots. Values are behind pointers, so that what they
// hold can be copied in place.
type entries[K comparable, V any] struct {
	lifetime
	order           *canonical[K]
	ownKey, ownEach copier
	have            []map[K]*V
	bytes           int64
}

// entryBytes is about what a map takes for an entry besides key and value.
const entryBytes = 24

// Get returns the value under key; ok is false when there is none.
func (m *Map[K, V]) Get(key K) (value V, ok bool) {
	s := m.at()
	if v := s.have[s.slot][key]; v != nil {
		return *v, true
	}
	return value, false
}

// Put sets the value under key.
func (m *Map[K, V]) Put(key K, value V) { m.at().put(key, value) }

// Remove forgets the value under key.
func (m *Map[K, V]) Remove(key K) { m.at().remove(key) }

// Len returns the number of keys.
func (m *Map[K, V]) Len() int {
	s := m.at()
	return len(s.have[s.slot])
}

// Keys returns the keys in order.
func (m *Map[K, V]) Keys() []K { return m.at().keys() }

// All returns keys and values in the order of the keys, as they are at the moment.
func (m *Map[K, V]) All() iter.Seq2[K, V] {
	s := m.at()
	keys, have := s.keys(), s.have[s.slot]
	return func(yield func(K, V) bool) {
		for _, k := range keys {
			if v := have[k]; v != nil && !yield(k, *v) {
				return
			}
		}
	}
}

// Clear forgets all of it.
func (m *Map[K, V]) Clear() {
	s := m.at()
	s.reset(s.slot)
}

func (m *Map[K, V]) at() *entries[K, V] {
	if m.entries == nil || m.entries.slot == none {
		panic(outside)
	}
	return m.entries
}

func (m *Map[K, V]) check() error {
	return errors.Join(supportedKey[K](), supported[V]())
}

// supportedKey checks that values of K can be columns, and that equal ones are the
// same column.
func supportedKey[K comparable]() error {
	t := reflect.TypeFor[K]()
	if err := supported[K](); err != nil {
		return err
	}
	if identity(t) {
		return fmt.Errorf("%s has pointers, which are equal only where they lead to the same place; use values", t)
	}
	return nil
}

// identity reports whether values of a comparable type are compared by address.
func identity(t reflect.Type) bool {
	switch {
	case t.Kind() == reflect.Pointer:
		return true
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if identity(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

func (m *Map[K, V]) open(l lifetime) store {
	m.entries = openEntries[K, V](l)
	return m.entries
}

func openEntries[K comparable, V any](l lifetime) *entries[K, V] {
	return &entries[K, V]{lifetime: l, order: canonicalOf[K](), ownKey: copierOf[K](), ownEach: copierOf[V]()}
}

func (s *entries[K, V]) put(key K, value V) {
	s.wrote()
	v := s.have[s.slot][key]
	if v == nil {
		k := new(K)
		*k = key
		if s.ownKey != nil {
			s.bytes += s.ownKey.own(unsafe.Pointer(k))
		}
		if s.have[s.slot] == nil {
			s.have[s.slot] = make(map[K]*V)
		}
		v = new(V)
		s.have[s.slot][*k] = v
		s.bytes += entryBytes + sizeOf[K]() + sizeOf[V]()
	} else if s.ownEach != nil {
		s.bytes -= s.ownEach.size(unsafe.Pointer(v))
	}
	*v = value
	if s.ownEach != nil {
		s.bytes += s.ownEach.own(unsafe.Pointer(v))
	}
}

func (s *entries[K, V]) remove(key K) {
	s.wrote()
	if v := s.have[s.slot][key]; v != nil {
		s.bytes -= s.size(&key, v)
		delete(s.have[s.slot], key)
	}
}

func (s *entries[K, V]) keys() []K {
	have := s.have[s.slot]
	if len(have) == 0 {
		return nil
	}
	keys := make([]K, 0, len(have))
	for k := range have {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, s.order.compare)
	return keys
}

// size returns what an entry takes.
func (s *entries[K, V]) size(key *K, value *V) int64 {
	n := entryBytes + sizeOf[K]() + sizeOf[V]()
	if s.ownKey != nil {
		n += s.ownKey.size(unsafe.Pointer(key))
	}
	if s.ownEach != nil {
		n += s.ownEach.size(unsafe.Pointer(value))
	}
	return n
}

func (s *entries[K, V]) grow(n int) {
	s.lifetime.grow(n)
	s.have = extend(s.have, n)
}

func (s *entries[K, V]) empty(slot int32) bool { return len(s.have[slot]) == 0 }

func (s *entries[K, V]) reset(slot int32) {
	for k, v := range s.have[slot] {
		s.bytes -= s.size(&k, v)
	}
	s.have[slot] = nil
}

func (s *entries[K, V]) sizeBytes() int64 {
	return s.lifetime.sizeBytes() + 8*int64(cap(s.have)) + s.bytes
}
