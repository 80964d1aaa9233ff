// Package state holds what grouping operators remember: which keys there are,
// and which slot of the accumulators belongs to a key in a pane.
//
// The central idea is two steps of small integers instead of one table of
// compound keys:
//
//	key column ──Keys──▶ id (dense int32)
//	(pane, id) ──Pane──▶ slot of the agg.Table
//
// A dictionary column is looked up once per entry, not once per row. Rows of a
// batch mostly share a pane, whose table is small and stays in cache, and a
// pane that has fired is dropped as a whole.
package state

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// Keys gives each distinct key a dense id. Null is a key of its own. Ids of
// released keys are used again. One goroutine.
type Keys struct {
	keyType *batch.Type
	store   keyStore
	index   index
	hashes  []uint32 // by id: what the key is filed under
	groups  []uint64 // by id: XXH64 of the canonical key bytes; decides the key group
	null    int32    // id of the null key, or -1
	free    []int32
	live    int

	dicts   [dictCaches]dictCache // answers by dictionary entry, for the last few dictionaries
	seen    *batch.Dictionary     // a dictionary too large for the rows seen with it so far
	rows    int                   // how many
	nextOut int
	scratch []byte
	filed   []uint32
	fresh   []int32 // rows whose dictionary entry is not cached yet
}

// keyStore keeps the values of keys by id, in the form that suits their type.
type keyStore interface {
	// file computes the hashes under which the keys of rows are filed.
	file(c *batch.Column, rows []int32, out []uint32)
	// match sets ids[i] to -1 where row rows[i] of c is not the key ids[i]; those
	// that are -1 already stay so. The rows are those of the last call of file.
	match(c *batch.Column, rows, ids []int32)
	// equal reports whether row of c is the key id.
	equal(id int32, c *batch.Column, row int) bool
	// set stores row of c as key id; id is at most one past the largest so far.
	set(id int32, c *batch.Column, row int)
	// column returns the keys of ids; ids holds no null.
	column(ids []int32) *batch.Column
	// view returns a store with the same keys and scratch of its own, for
	// another goroutine. Neither may be changed from then on.
	view() keyStore
	// sizeBytes estimates the memory held.
	sizeBytes() int64
}

const dictCaches = 4

type dictCache struct {
	dict *batch.Dictionary
	ids  []int32 // or unknown, or pending
}

// NewKeys returns an empty table for keys of type t.
func NewKeys(t *batch.Type) *Keys {
	return &Keys{keyType: t, store: newStore(t), index: newIndex(), null: -1}
}

// Len returns one more than the largest id in use or free.
func (k *Keys) Len() int { return len(k.groups) }

// Live returns the number of keys.
func (k *Keys) Live() int { return k.live }

// Group returns the hash of the canonical bytes of key id: equal in every
// process, unlike ids.
func (k *Keys) Group(id int32) uint64 { return k.groups[id] }

// Lookup sets out[i] to the id of the key in row rows[i] of c (row i when rows
// is nil), giving new keys ids.
func (k *Keys) Lookup(c *batch.Column, rows, out []int32) {
	if c.Dict != nil && k.worthCaching(c.Dict, len(out)) {
		k.lookupCodes(c, rows, out)
		return
	}
	k.lookupRows(c, rows, out)
}

// lookupRows looks up the key of each row.
func (k *Keys) lookupRows(c *batch.Column, rows, out []int32) {
	if cap(k.filed) < len(out) {
		k.filed = make([]uint32, len(out))
	}
	filed := k.filed[:len(out)]
	k.store.file(c, rows, filed)
	k.candidates(filed, out)
	k.store.match(c, rows, out)
	for i := range out {
		row := i
		if rows != nil {
			row = int(rows[i])
		}
		if out[i] < 0 || c.Null(row) {
			out[i] = k.id(c, row, filed[i])
		}
	}
}

// candidates sets out[i] to the first key filed under filed[i], or -1. Nearly
// always it is the one. The lookups do not depend on each other, so the
// processor waits for many places in memory at once.
func (k *Keys) candidates(filed []uint32, out []int32) {
	mask := uint32(len(k.index.entries) - 1)
	for i, hash := range filed {
		at := hash & mask
		e := k.index.entries[at]
		for e.id != 0 && e.hash != hash {
			at = (at + 1) & mask
			e = k.index.entries[at]
		}
		out[i] = e.id - 1
	}
}

// id finds or adds the key in row of c, filed under hash.
func (k *Keys) id(c *batch.Column, row int, hash uint32) int32 {
	if c.Null(row) {
		return k.nullID(c, row)
	}
	mask := uint32(len(k.index.entries) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		e := k.index.entries[i]
		if e.id == 0 {
			return k.add(c, row, hash)
		}
		if e.hash == hash && k.store.equal(e.id-1, c, row) {
			return e.id - 1
		}
	}
}

func (k *Keys) nullID(c *batch.Column, row int) int32 {
	if k.null < 0 {
		k.null = k.newID(c, row)
	}
	return k.null
}

func (k *Keys) add(c *batch.Column, row int, hash uint32) int32 {
	id := k.newID(c, row)
	k.store.set(id, c, row)
	k.hashes[id] = hash
	k.index.insert(hash, id)
	return id
}

func (k *Keys) newID(c *batch.Column, row int) int32 {
	k.scratch = codec.AppendKey(k.scratch[:0], c, row)
	group := codec.Hash(k.scratch)
	k.live++
	if n := len(k.free); n > 0 {
		id := k.free[n-1]
		k.free = k.free[:n-1]
		k.groups[id] = group
		return id
	}
	k.groups = push(k.groups, group)
	k.hashes = push(k.hashes, 0)
	return int32(len(k.groups) - 1)
}

// push appends to a column that may get millions of rows. append grows large
// slices by a quarter at a time, which copies each value four times and leaves
// three times the column behind as garbage; doubling copies once.
func push[T any](column []T, v T) []T {
	if len(column) == cap(column) {
		column = slices.Grow(column, max(len(column), 64))
	}
	return append(column, v)
}

// worthCaching reports whether answers should be kept per entry of d: when they
// are already, or when enough rows have come with d to pay for making room.
func (k *Keys) worthCaching(d *batch.Dictionary, n int) bool {
	for i := range k.dicts {
		if k.dicts[i].dict == d {
			return true
		}
	}
	if k.seen != d {
		k.seen, k.rows = d, 0
	}
	k.rows += n
	return d.Len() <= 16*k.rows+1024
}

// lookupCodes answers from the cache of the column's dictionary. Entries that
// no row had before are looked up together, each once.
func (k *Keys) lookupCodes(c *batch.Column, rows, out []int32) {
	ids := k.dictIDs(c.Dict)
	k.fresh = k.fresh[:0]
	for i := range out {
		row := int32(i)
		if rows != nil {
			row = rows[i]
		}
		if c.Valid != nil && !c.Valid.Get(int(row)) {
			out[i] = k.nullID(c, int(row))
			continue
		}
		code := c.Codes[row]
		out[i] = ids[code]
		if out[i] < 0 {
			if out[i] == unknown {
				ids[code] = pending
				k.fresh = append(k.fresh, row)
			}
			out[i] = pending
		}
	}
	if len(k.fresh) == 0 {
		return
	}
	found := make([]int32, len(k.fresh))
	k.lookupRows(c, k.fresh, found)
	for i, row := range k.fresh {
		ids[c.Codes[row]] = found[i]
	}
	for i := range out {
		if out[i] == pending {
			row := i
			if rows != nil {
				row = int(rows[i])
			}
			out[i] = ids[c.Codes[row]]
		}
	}
}

// States of a dictionary entry in a cache, besides its id.
const (
	unknown int32 = -1
	pending int32 = -2
)

// dictIDs returns the cache of d, taking the place of the oldest when new.
func (k *Keys) dictIDs(d *batch.Dictionary) []int32 {
	for i := range k.dicts {
		if k.dicts[i].dict == d {
			return k.dicts[i].ids
		}
	}
	ids := make([]int32, d.Len())
	for i := range ids {
		ids[i] = unknown
	}
	k.dicts[k.nextOut] = dictCache{d, ids}
	k.nextOut = (k.nextOut + 1) % dictCaches
	return ids
}

// Release forgets keys; their ids may be given to others.
func (k *Keys) Release(ids []int32) {
	if len(ids) == 0 {
		return
	}
	k.dicts = [dictCaches]dictCache{} // they may hold the ids
	for _, id := range ids {
		if id == k.null {
			k.null = -1
		} else {
			k.index.remove(k.hashes[id], id)
		}
		k.free = append(k.free, id)
		k.live--
	}
}

// ReleaseUnused releases every key whose id is not marked.
func (k *Keys) ReleaseUnused(used []bool) {
	for _, id := range k.free {
		used[id] = true
	}
	var gone []int32
	for id := range int32(k.Len()) {
		if !used[id] {
			gone = append(gone, id)
		}
	}
	k.Release(gone)
}

// Clear forgets all keys and keeps the room they took: ids start again from 0
// and their values are overwritten.
func (k *Keys) Clear() {
	k.index.clear()
	k.hashes, k.groups, k.free = k.hashes[:0], k.groups[:0], k.free[:0]
	k.null, k.live = -1, 0
	k.dicts = [dictCaches]dictCache{} // they hold ids
}

// Column returns the keys of ids as a column.
func (k *Keys) Column(ids []int32) *batch.Column {
	null := slices.Contains(ids, k.null)
	if k.null < 0 || !null {
		return k.store.column(ids)
	}
	valid := batch.NewBitmap(len(ids))
	filled := make([]int32, len(ids))
	stand := k.standIn()
	for i, id := range ids {
		filled[i] = stand
		if id != k.null {
			filled[i] = id
			valid.Set(i)
		}
	}
	if stand < 0 {
		return batch.Nulls(k.keyType, len(ids))
	}
	c := *k.store.column(filled)
	c.Valid = batch.And(c.Valid, valid, len(ids))
	return &c
}

// standIn returns any key that is not null, whose value fills the rows of null
// keys; -1 when there is none.
func (k *Keys) standIn() int32 {
	for _, e := range k.index.entries {
		if e.id != 0 {
			return e.id - 1
		}
	}
	return -1
}

// SortedByKey is how many keys are put into the order of their values; more are
// put into the order of their hashes, which costs a tenth and is as repeatable.
const SortedByKey = 1 << 16

// IDs returns the ids of all keys, ascending.
func (k *Keys) IDs() []int32 {
	ids := make([]int32, 0, k.live)
	dead := make([]bool, k.Len())
	for _, id := range k.free {
		dead[id] = true
	}
	for id := range int32(k.Len()) {
		if !dead[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// Many reports whether there are too many keys to sort them by value.
func (k *Keys) Many() bool { return k.live > SortedByKey }

// Ranks returns for each id its position in an order that depends only on the
// set of keys, never on how they came in.
func (k *Keys) Ranks() []int32 { return k.RanksBy(k.Many()) }

// RanksBy is Ranks in the order of the keys' hashes, or of the keys.
func (k *Keys) RanksBy(hash bool) []int32 {
	order := k.IDs()
	if hash && len(order) > 1 {
		k.sortByHash(order)
	} else {
		k.sortByBytes(order)
	}
	ranks := make([]int32, k.Len())
	for rank, id := range order {
		ranks[id] = int32(rank)
	}
	return ranks
}

// sortByHash deals the ids into buckets by the first bits in which their hashes
// differ, about eight to a bucket, and sorts each. Keys with equal hashes are
// compared.
func (k *Keys) sortByHash(order []int32) {
	if len(order) == 0 {
		return
	}
	least, most := k.groups[order[0]], k.groups[order[0]]
	for _, id := range order {
		least, most = min(least, k.groups[id]), max(most, k.groups[id])
	}
	buckets := bits.Len(uint(len(order) / 8))
	shift := max(0, bits.Len64(most-least)-buckets)
	starts := make([]int32, (most-least)>>shift+2)
	bucket := func(id int32) uint64 { return (k.groups[id] - least) >> shift }
	for _, id := range order {
		starts[bucket(id)+1]++
	}
	for i := 1; i < len(starts); i++ {
		starts[i] += starts[i-1]
	}
	next := slices.Clone(starts)
	dealt := make([]int32, len(order))
	for _, id := range order {
		b := bucket(id)
		dealt[next[b]] = id
		next[b]++
	}
	copy(order, dealt)
	for b := range len(starts) - 1 {
		slices.SortFunc(order[starts[b]:starts[b+1]], func(a, b int32) int {
			if k.groups[a] != k.groups[b] {
				return cmp.Compare(k.groups[a], k.groups[b])
			}
			return k.compare(a, b)
		})
	}
}

func (k *Keys) compare(a, b int32) int {
	if a == b {
		return 0
	}
	c := k.Column([]int32{a, b})
	return bytes.Compare(codec.AppendKey(nil, c, 0), codec.AppendKey(nil, c, 1))
}

func (k *Keys) sortByBytes(order []int32) {
	c := k.Column(order)
	type keyed struct {
		bytes []byte
		id    int32
	}
	all := make([]keyed, len(order))
	for i, id := range order {
		all[i] = keyed{codec.AppendKey(nil, c, i), id}
	}
	slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.bytes, b.bytes) })
	for i := range all {
		order[i] = all[i].id
	}
}

// SizeBytes estimates the memory held.
func (k *Keys) SizeBytes() int64 {
	return int64(8*len(k.index.entries)+4*len(k.hashes)+8*len(k.groups)) + k.store.sizeBytes()
}

// hashText is the hash strings are filed under; process-local, unlike Group.
func hashText(b []byte) uint32 { return uint32(xxhash.Sum64(b)) }
