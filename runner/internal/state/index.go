package state

// index is an open-addressing hash table from a 32-bit hash to key ids. It
// stores no keys: the caller compares. Linear probing, at most half full, so a
// miss ends soon; deletion shifts back, so there are no tombstones.
type index struct {
	entries []entry // power of two long
	used    int
}

type entry struct {
	hash uint32
	id   int32 // id + 1; 0: empty
}

func newIndex() index { return index{entries: make([]entry, 64)} }

// insert adds an id under hash. The caller has checked that the key is absent.
func (x *index) insert(hash uint32, id int32) {
	if 2*(x.used+1) > len(x.entries) {
		x.grow()
	}
	x.used++
	x.place(entry{hash, id + 1})
}

func (x *index) place(e entry) {
	mask := uint32(len(x.entries) - 1)
	i := e.hash & mask
	for x.entries[i].id != 0 {
		i = (i + 1) & mask
	}
	x.entries[i] = e
}

func (x *index) grow() {
	old := x.entries
	x.entries = make([]entry, 2*len(old))
	for _, e := range old {
		if e.id != 0 {
			x.place(e)
		}
	}
}

// remove deletes the entry of id, which must be present under hash.
func (x *index) remove(hash uint32, id int32) {
	mask := uint32(len(x.entries) - 1)
	i := hash & mask
	for x.entries[i].id != id+1 {
		i = (i + 1) & mask
	}
	x.used--
	for j := (i + 1) & mask; x.entries[j].id != 0; j = (j + 1) & mask {
		home := x.entries[j].hash & mask
		if (j-home)&mask >= (j-i)&mask { // the entry may move back to i
			x.entries[i] = x.entries[j]
			i = j
		}
	}
	x.entries[i] = entry{}
}

// clear removes all entries. A table that was much larger than what filled it
// last is made anew, so that clearing costs no more than filling did.
func (x *index) clear() {
	if len(x.entries) > 16*max(x.used, 64) {
		*x = newIndex()
		return
	}
	clear(x.entries)
	x.used = 0
}
