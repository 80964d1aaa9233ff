package memory

import "slices"

// Reclaimer holds reserved bytes that others may have: it can put what it holds
// somewhere else, on disk.
type Reclaimer interface {
	// Reclaimable returns the bytes that Reclaim could give back now.
	Reclaimable() int64
	// Reclaim gives back about n bytes by calling Release. Any goroutine that
	// reserves may be the caller, one at a time; it holds no lock of the
	// reclaimer, and none of its own that the reclaimer could wait for.
	Reclaim(n int64) error
}

// reclaimLeast is the part of the limit that is reclaimed at least, so that
// little reservations do not lead to as many little writes.
const reclaimLeast = 32

// Add makes the bytes a reclaimer holds available to whoever reserves.
func (b *Budget) Add(r Reclaimer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reclaimers = append(b.reclaimers, r)
}

// Remove takes a reclaimer out again; one that is not in is no mistake.
func (b *Budget) Remove(r Reclaimer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.reclaimers, r); i >= 0 {
		b.reclaimers = slices.Delete(b.reclaimers, i, i+1)
	}
}

// reclaim makes room for n bytes and takes them, as long as somebody holds bytes
// that can be had: the largest holder first. It reports false when what is left
// is held for good.
func (b *Budget) reclaim(n int64) (taken bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.take(n) {
		var largest Reclaimer
		most := int64(0)
		for _, r := range b.reclaimers {
			if held := r.Reclaimable(); held > most {
				largest, most = r, held
			}
		}
		if largest == nil {
			return false, nil
		}
		if err := largest.Reclaim(max(n, b.limit/reclaimLeast)); err != nil {
			return false, err
		}
	}
	return true, nil
}
