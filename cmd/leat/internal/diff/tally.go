package diff

import (
	"context"
	"slices"
	"sort"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/sdk/batch"
)

// buckets is how many parts hashes are sorted in, by their first bits.
const buckets = 256

// tally holds the hashes of all rows of one side.
type tally struct {
	sums  [][buckets][]sum // by worker and bucket
	rows  int64
	bytes int64
}

func (t *tally) rowBytes() int64 { return t.bytes/max(t.rows, 1) + 1 }

// count reads one side and hashes its rows.
func (c *comparison) count(ctx context.Context, side int) (*tally, error) {
	w := c.options.Workers
	t := &tally{sums: make([][buckets][]sum, w)}
	hashers, out := make([]*hasher, w), make([][]sum, w)
	for i := range hashers {
		hashers[i] = newHasher(c.seeds)
	}
	var mu sync.Mutex
	all := c.plan.all()
	err := c.inputs[side].Each(ctx, c.plan.types[side], w, func(worker int, rows *batch.Column) error {
		sums := slices.Grow(out[worker][:0], rows.Len)[:rows.Len]
		out[worker] = sums
		hashers[worker].rows(rows, all, sums)
		mine := &t.sums[worker]
		for _, s := range sums {
			b := s.high >> 56
			mine[b] = append(mine[b], s)
		}
		mu.Lock()
		defer mu.Unlock()
		t.rows += int64(rows.Len)
		t.bytes += ownBytes(rows)
		return nil
	})
	return t, err
}

// all lists the positions of all columns, the key first.
func (p *plan) all() []int { return append(append([]int{}, p.key...), p.value...) }

// ownBytes is SizeBytes without dictionaries, which rows share.
func ownBytes(c *batch.Column) int64 {
	if c.Dict != nil {
		return int64(4*len(c.Codes) + len(c.Valid))
	}
	if len(c.Children) == 0 {
		return c.SizeBytes()
	}
	n := int64(len(c.Valid) + 4*len(c.Offsets))
	for _, child := range c.Children {
		n += ownBytes(child)
	}
	return n
}

// counted is a hash and how many rows of it are left on one side.
type counted struct {
	sum
	rows int64
}

// leftover is what is left of one side, by bucket, each sorted.
type leftover struct {
	sums [buckets][]counted
	rows int64
	mu   sync.Mutex // guards the counts while rows are collected
}

// cancel takes away what both sides have, row for row.
func cancel(tallies [2]*tally, workers int) [2]*leftover {
	left := [2]*leftover{{}, {}}
	var group errgroup.Group
	group.SetLimit(workers)
	for b := range buckets {
		group.Go(func() error {
			left[0].sums[b], left[1].sums[b] = subtract(tallies[0].bucket(b), tallies[1].bucket(b))
			return nil
		})
	}
	_ = group.Wait() // nothing in it fails
	for _, l := range left {
		for _, sums := range l.sums {
			for _, s := range sums {
				l.rows += s.rows
			}
		}
	}
	return left
}

// bucket returns the hashes of a bucket, sorted, and forgets them.
func (t *tally) bucket(b int) []sum {
	var all []sum
	if len(t.sums) == 1 {
		all = t.sums[0][b]
	} else {
		for w := range t.sums {
			all = append(all, t.sums[w][b]...)
		}
	}
	for w := range t.sums {
		t.sums[w][b] = nil
	}
	slices.SortFunc(all, sum.compare)
	return all
}

// subtract returns what of two sorted lists has no partner in the other.
func subtract(a, b []sum) (onlyA, onlyB []counted) {
	for len(a) > 0 || len(b) > 0 {
		var s sum
		if len(b) == 0 || len(a) > 0 && a[0].compare(b[0]) <= 0 {
			s = a[0]
		} else {
			s = b[0]
		}
		n, m := run(a, s), run(b, s)
		a, b = a[n:], b[m:]
		switch {
		case n > m:
			onlyA = append(onlyA, counted{s, int64(n - m)})
		case m > n:
			onlyB = append(onlyB, counted{s, int64(m - n)})
		}
	}
	return onlyA, onlyB
}

// run returns how many values s the list begins with.
func run(list []sum, s sum) int {
	n := 0
	for n < len(list) && list[n] == s {
		n++
	}
	return n
}

// find returns the entry of s, or nil.
func (l *leftover) find(s sum) *counted {
	list := l.sums[s.high>>56]
	i := sort.Search(len(list), func(i int) bool { return list[i].compare(s) >= 0 })
	if i == len(list) || list[i].sum != s {
		return nil
	}
	return &list[i]
}

// take returns which of candidates, rows with hashes sums, are still wanted, and
// counts them off.
func (l *leftover) take(sums []sum, candidates []int32) []int32 {
	taken := candidates[:0]
	var found []*counted
	for _, row := range candidates {
		if e := l.find(sums[row]); e != nil {
			taken, found = append(taken, row), append(found, e)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := taken[:0]
	for i, e := range found {
		if e.rows > 0 {
			e.rows--
			kept = append(kept, taken[i])
		}
	}
	return kept
}
