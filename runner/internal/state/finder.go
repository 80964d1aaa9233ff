package state

import "github.com/leatflow/leat/sdk/batch"

// Finder looks keys up in a Keys that no longer changes. It has caches and
// scratch of its own, so any number of finders may share one Keys, each used by
// one goroutine.
type Finder struct {
	keys  Keys // a shallow copy
	dicts map[*batch.Dictionary][]int32
}

// Finder returns a finder. k must not be changed any more.
func (k *Keys) Finder() *Finder {
	f := &Finder{keys: *k, dicts: make(map[*batch.Dictionary][]int32)}
	f.keys.store = k.store.view()
	f.keys.dicts, f.keys.seen = [dictCaches]dictCache{}, nil
	f.keys.scratch, f.keys.filed, f.keys.fresh = nil, nil, nil
	return f
}

// absent is what Find gives for a key that is not there, and for null.
const absent int32 = -1

// Find sets out[i] to the id of the key in row rows[i] of c (row i when rows is
// nil), or to -1 where that is null or not among the keys.
func (f *Finder) Find(c *batch.Column, rows, out []int32) {
	if c.Dict != nil && f.keys.worthCaching(c.Dict, len(out)) {
		f.findCodes(c, rows, out)
		return
	}
	f.findRows(c, rows, out)
}

func (f *Finder) findRows(c *batch.Column, rows, out []int32) {
	k := &f.keys
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
		switch {
		case c.Null(row):
			out[i] = absent
		case out[i] < 0:
			out[i] = k.find(c, row, filed[i])
		}
	}
}

// find looks behind the first key that is filed under hash.
func (k *Keys) find(c *batch.Column, row int, hash uint32) int32 {
	mask := uint32(len(k.index.entries) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch e := k.index.entries[i]; {
		case e.id == 0:
			return absent
		case e.hash == hash && k.store.equal(e.id-1, c, row):
			return e.id - 1
		}
	}
}

// findCodes answers from the cache of the column's dictionary, which is filled
// whole when it is first seen: in a chunk most entries are used.
func (f *Finder) findCodes(c *batch.Column, rows, out []int32) {
	ids := f.dictIDs(c)
	switch {
	case c.Valid != nil:
		for i := range out {
			row := i
			if rows != nil {
				row = int(rows[i])
			}
			out[i] = absent
			if c.Valid.Get(row) {
				out[i] = ids[c.Codes[row]]
			}
		}
	case rows == nil:
		for i, code := range c.Codes[:len(out)] {
			out[i] = ids[code]
		}
	default:
		for i, row := range rows[:len(out)] {
			out[i] = ids[c.Codes[row]]
		}
	}
}

func (f *Finder) dictIDs(c *batch.Column) []int32 {
	if ids := f.dicts[c.Dict]; ids != nil {
		return ids
	}
	if len(f.dicts) >= dictCaches {
		clear(f.dicts)
	}
	ids := make([]int32, c.Dict.Len())
	all := &batch.Column{Type: c.Type, Len: len(ids), Strings: c.Dict.Strings}
	f.findRows(all, nil, ids)
	f.dicts[c.Dict] = ids
	return ids
}
