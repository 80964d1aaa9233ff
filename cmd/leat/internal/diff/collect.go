package diff

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/sdk/batch"
)

// kept holds rows of one side that have no equal on the other.
type kept struct {
	batches []*batch.Column
	entries [buckets][]entry // by the first bits of the hash, each sorted
}

// entry is one kept row and the hash of its key.
type entry struct {
	key sum
	at  place
}

// entryBytes is the size of an entry, with room for the slack of its slice.
const entryBytes = 32

type place struct{ batch, row int32 }

// collect reads one side again and keeps the rows that are left, those of one of
// parts parts by the hashes of their keys, so that all rows of a key come together.
func (c *comparison) collect(ctx context.Context, side int, left *leftover, part, parts int) (*kept, error) {
	out := &kept{}
	if left.rows == 0 {
		return out, nil
	}
	var mu sync.Mutex
	w := c.options.Workers
	hashers := make([]*hasher, w)
	for i := range hashers {
		hashers[i] = newHasher(c.seeds)
	}
	sums, keys := make([][]sum, w), make([][]sum, w)
	all := c.plan.all()
	err := c.inputs[side].Each(ctx, c.plan.types[side], w, func(worker int, rows *batch.Column) error {
		s := slices.Grow(sums[worker][:0], rows.Len)[:rows.Len]
		k := slices.Grow(keys[worker][:0], rows.Len)[:rows.Len]
		sums[worker], keys[worker] = s, k
		hashers[worker].rows(rows, all, s)
		hashers[worker].rows(rows, c.plan.key, k)
		taken := left.take(s, ofPart(k, part, parts))
		if len(taken) == 0 {
			return nil
		}
		gathered := rows
		if len(taken) < rows.Len {
			gathered = rows.Gather(taken)
		}
		mu.Lock()
		defer mu.Unlock()
		at := int32(len(out.batches))
		out.batches = append(out.batches, gathered)
		for i, row := range taken {
			b := k[row].high >> 56
			out.entries[b] = append(out.entries[b], entry{key: k[row], at: place{at, int32(i)}})
		}
		return nil
	})
	var group errgroup.Group
	group.SetLimit(w)
	for _, entries := range out.entries {
		group.Go(func() error {
			slices.SortFunc(entries, func(a, b entry) int { return a.key.compare(b.key) })
			return nil
		})
	}
	return out, errors.Join(err, group.Wait())
}

// ofPart lists the rows whose key belongs to the part.
func ofPart(keys []sum, part, parts int) []int32 {
	rows := make([]int32, 0, len(keys))
	for i, k := range keys {
		if parts == 1 || int(k.low%uint64(parts)) == part {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// group returns the places of the rows with the first key of entries, if it is
// key, and the rest.
func group(entries []entry, key sum, into []place) ([]place, []entry) {
	into = into[:0]
	n := 0
	for n < len(entries) && entries[n].key == key {
		into = append(into, entries[n].at)
		n++
	}
	return into, entries[n:]
}
