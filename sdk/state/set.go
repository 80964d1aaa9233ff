package state

// Set is a cell with distinct values, of which Values gives the order of their
// canonical bytes: numbers by size, text by its bytes.
type Set[T comparable] struct {
	entries *entries[T, struct{}]
}

// Add adds a value.
func (t *Set[T]) Add(value T) { t.at().put(value, struct{}{}) }

// Contains reports whether a value is there.
func (t *Set[T]) Contains(value T) bool {
	s := t.at()
	return s.have[s.slot][value] != nil
}

// Remove forgets a value.
func (t *Set[T]) Remove(value T) { t.at().remove(value) }

// Len returns the number of values.
func (t *Set[T]) Len() int {
	s := t.at()
	return len(s.have[s.slot])
}

// Values returns the values in order.
func (t *Set[T]) Values() []T { return t.at().keys() }

// Clear forgets all of them.
func (t *Set[T]) Clear() {
	s := t.at()
	s.reset(s.slot)
}

func (t *Set[T]) at() *entries[T, struct{}] {
	if t.entries == nil || t.entries.slot == none {
		panic(outside)
	}
	return t.entries
}

func (t *Set[T]) check() error { return supportedKey[T]() }

func (t *Set[T]) open(l lifetime) store {
	t.entries = openEntries[T, struct{}](l)
	return t.entries
}
