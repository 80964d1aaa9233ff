package state

import "github.com/leatflow/leat/sdk/batch"

// Tuples gives each distinct list of keys, one of each of several columns, a
// dense id: the columns one by one, then pair by pair.
//
//	("ATL", "JFK", 7)  ─▶  (17, 203, 4)  ─▶  (17, 203) = 311, (311, 4) = 1022
//
// So a dictionary column costs one look into a cache, and two integers are hashed
// instead of two strings. A tuple with a null has no id.
type Tuples struct {
	parts []*Keys
	pairs []Pairs
	next  []int32 // scratch
}

// NewTuples returns an empty table for keys of these types, at least one.
func NewTuples(types []*batch.Type) *Tuples {
	t := &Tuples{}
	for i, typ := range types {
		t.parts = append(t.parts, NewKeys(typ))
		if i > 0 {
			t.pairs = append(t.pairs, NewPairs())
		}
	}
	return t
}

// Len returns the number of ids.
func (t *Tuples) Len() int {
	if n := len(t.pairs); n > 0 {
		return t.pairs[n-1].used
	}
	return t.parts[0].Len()
}

// Lookup sets out[i] to the id of the tuple in row rows[i] of the columns (row i
// when rows is nil), giving new ones ids. No key of these rows may be null.
func (t *Tuples) Lookup(columns []*batch.Column, rows, out []int32) {
	t.parts[0].Lookup(columns[0], rows, out)
	for p := range t.pairs {
		if cap(t.next) < len(out) {
			t.next = make([]int32, len(out))
		}
		next := t.next[:len(out)]
		t.parts[p+1].Lookup(columns[p+1], rows, next)
		for i, id := range next {
			out[i] = t.pairs[p].Lookup(out[i], id)
		}
	}
}

// Columns returns the keys of tuples, which were given these ids.
func (t *Tuples) Columns(ids []int32) []*batch.Column {
	columns := make([]*batch.Column, len(t.parts))
	for p := len(t.pairs) - 1; p >= 0; p-- {
		made := t.pairs[p].inverse()
		first, second := make([]int32, len(ids)), make([]int32, len(ids))
		for i, id := range ids {
			first[i], second[i] = int32(made[id]>>32), int32(made[id])
		}
		columns[p+1], ids = t.parts[p+1].Column(second), first
	}
	columns[0] = t.parts[0].Column(ids)
	return columns
}

// SizeBytes estimates the memory held.
func (t *Tuples) SizeBytes() int64 {
	var n int64
	for _, k := range t.parts {
		n += k.SizeBytes()
	}
	for i := range t.pairs {
		n += int64(16 * len(t.pairs[i].entries))
	}
	return n
}

// TupleFinder looks tuples up in a Tuples that no longer changes; see Finder.
type TupleFinder struct {
	parts []*Finder
	pairs []Pairs
	next  []int32
}

// Finder returns a finder. t must not be changed any more.
func (t *Tuples) Finder() *TupleFinder {
	f := &TupleFinder{pairs: t.pairs}
	for _, k := range t.parts {
		f.parts = append(f.parts, k.Finder())
	}
	return f
}

// Find sets out[i] to the id of the tuple in row rows[i] of the columns (row i
// when rows is nil), or to -1 where it is not among them.
func (f *TupleFinder) Find(columns []*batch.Column, rows, out []int32) {
	f.parts[0].Find(columns[0], rows, out)
	for p := range f.pairs {
		if cap(f.next) < len(out) {
			f.next = make([]int32, len(out))
		}
		next := f.next[:len(out)]
		f.parts[p+1].Find(columns[p+1], rows, next)
		for i, id := range next {
			if out[i]|id >= 0 {
				out[i] = f.pairs[p].Find(out[i], id)
			} else {
				out[i] = absent
			}
		}
	}
}

// Pairs numbers pairs of ids: open addressing, at most half full.
type Pairs struct {
	entries []pair // power of two long
	used    int
}

type pair struct {
	ids uint64
	id  int32 // id + 1; 0: empty
}

// NewPairs returns an empty table.
func NewPairs() Pairs { return Pairs{entries: make([]pair, 64)} }

func pairOf(a, b int32) uint64 { return uint64(uint32(a))<<32 | uint64(uint32(b)) }

// at returns the entry of ids, or the empty one where it belongs.
func (p *Pairs) at(ids uint64) *pair {
	mask := uint32(len(p.entries) - 1)
	for i := mix(int64(ids)) & mask; ; i = (i + 1) & mask {
		if e := &p.entries[i]; e.ids == ids && e.id != 0 || e.id == 0 {
			return e
		}
	}
}

// inverse returns the pair of each id.
func (p *Pairs) inverse() []uint64 {
	made := make([]uint64, p.used)
	for _, e := range p.entries {
		if e.id != 0 {
			made[e.id-1] = e.ids
		}
	}
	return made
}

// Find returns the id of a pair, or -1.
func (p *Pairs) Find(a, b int32) int32 { return p.at(pairOf(a, b)).id - 1 }

// Lookup returns the id of a pair, giving a new one the next.
func (p *Pairs) Lookup(a, b int32) int32 {
	ids := pairOf(a, b)
	e := p.at(ids)
	if e.id != 0 {
		return e.id - 1
	}
	p.used++
	*e = pair{ids, int32(p.used)}
	if 2*p.used > len(p.entries) {
		p.grow()
	}
	return int32(p.used - 1)
}

// Len returns the number of ids.
func (p *Pairs) Len() int { return p.used }

// SizeBytes returns the memory held.
func (p *Pairs) SizeBytes() int64 { return int64(16 * len(p.entries)) }

func (p *Pairs) grow() {
	old := p.entries
	p.entries = make([]pair, 2*len(old))
	for _, e := range old {
		if e.id != 0 {
			*p.at(e.ids) = e
		}
	}
}
