package operator

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// unit is the rows of some keys, of both sides of the lookups of an index.
type unit struct {
	index *Index
	rows  pile
	built *part // the part, when it was there from the beginning
	spine []spineRows

	level int  // how often it was dealt by key
	one   bool // dealing it by key again is of no use
	whole bool // nor is dealing it by time
}

// spineRows is the rows of the spine for one probe, of each task.
type spineRows struct {
	probe int
	piles []pile
}

// asked reports whether there are rows of the spine.
func (u *unit) asked() bool {
	return slices.ContainsFunc(u.spine, func(s spineRows) bool {
		return slices.ContainsFunc(s.piles, func(h pile) bool { return h.rows > 0 })
	})
}

// part builds the part of an index that a unit needs.
func (p *Passes) part(u *unit, rows *partRows) (*part, error) {
	if u.built != nil {
		return u.built, nil
	}
	for _, k := range u.rows.blocks {
		b, err := p.read(k)
		if err != nil {
			return nil, err
		}
		keys := len(u.index.keys)
		if err := rows.add(b, b.Root.Children[:keys], b.Root.Children[keys]); err != nil {
			return nil, err
		}
	}
	return rows.build()
}

// divide deals a unit that is too large to smaller ones: by key as long as that
// helps, then by time. nil says that neither does.
func (p *Passes) divide(u *unit) ([]*unit, error) {
	fan := max(2, fanFor(u.index.buildBytes(u.rows.rows, u.rows.bytes), p.share()))
	parts := make([]*unit, fan)
	for i := range parts {
		parts[i] = &unit{index: u.index, level: u.level + 1, one: u.one}
	}
	deals := newDealer(1, len(u.index.keys))
	to := func(b *batch.Batch) []int32 {
		return deals.fan(b.Root.Children[:len(u.index.keys)], b.Len(), u.level+1, fan)
	}
	var cuts []int64
	if u.one {
		var err error
		if cuts, err = p.cuts(u, fan); err != nil {
			return nil, err
		}
	}
	rows, err := p.redeal(u.rows, fan, func(d *dealing, b *batch.Batch) error {
		if u.one {
			return dealByTime(d, b, cuts, u.longest(p))
		}
		return d.add(b, to(b))
	})
	if err != nil {
		return nil, err
	}
	most := int64(0)
	for i := range parts {
		parts[i].rows = rows[i]
		most = max(most, rows[i].rows)
	}
	if u.one && most > u.rows.rows*2/3 && u.index.buildBytes(most, u.rows.bytes*most/u.rows.rows) > p.share() {
		return nil, nil
	}
	if !u.one && most > u.rows.rows*7/8 {
		for _, part := range parts { // most of it is one key
			part.one = part.rows.rows == most
		}
	}
	for _, s := range u.spine {
		for i := range parts {
			parts[i].spine = append(parts[i].spine, spineRows{s.probe, make([]pile, len(s.piles))})
		}
		for task, from := range s.piles {
			dealt, err := p.redeal(from, fan, func(d *dealing, b *batch.Batch) error {
				if u.one {
					return d.add(b, slicesOf(b, cuts))
				}
				return d.add(b, to(b))
			})
			if err != nil {
				return nil, err
			}
			for i := range parts {
				at := parts[i].spine
				at[len(at)-1].piles[task] = dealt[i]
			}
		}
	}
	return slices.DeleteFunc(parts, func(part *unit) bool { return !part.asked() }), nil
}

// redeal deals the rows of a pile.
func (p *Passes) redeal(from pile, fan int, deal func(*dealing, *batch.Batch) error) ([]pile, error) {
	d := newDealing(p, p.Memory, fan, p.share()/4)
	defer d.drop()
	for _, k := range from.blocks {
		b, err := p.read(k)
		if err != nil {
			return nil, err
		}
		if err := deal(d, b); err != nil {
			return nil, err
		}
	}
	return d.piles, d.flush()
}

// longest returns the longest window of the lookups of a unit.
func (u *unit) longest(p *Passes) (most int64) {
	for _, x := range p.Indexes {
		if x.Index != u.index {
			continue
		}
		for _, l := range x.Lookups {
			most = max(most, p.Step.Lookups[l].Within)
		}
	}
	return most
}

// cuts returns moments that divide the rows of a unit into slices of about as
// many rows:
//
//	slice      0      cut 0      1      cut 1      2
//	spine  ──────────────────┤├────────────────┤├──────────     q ≤ cut, then later
//	rows   ────────────────┤
//	                ├──────────────────┤                        from cut − longest window
//	                              ├─────────────────────────    to before the next cut
func (p *Passes) cuts(u *unit, count int) ([]int64, error) {
	const most = 1 << 16
	every := max(1, u.rows.rows/most)
	var times []int64
	row := int64(0)
	for _, k := range u.rows.blocks {
		b, err := p.read(k)
		if err != nil {
			return nil, err
		}
		for i := range b.Len() {
			if row++; row%every == 0 {
				times = append(times, b.TimeAt(i))
			}
		}
	}
	slices.Sort(times)
	var cuts []int64
	for i := 1; i < count; i++ {
		if len(times) > 0 {
			cuts = append(cuts, times[len(times)*i/count])
		}
	}
	return cuts, nil
}

// slicesOf returns the slice of time that each row of the spine is in: the first
// whose end is not before it.
func slicesOf(b *batch.Batch, cuts []int64) []int32 {
	to := make([]int32, b.Len())
	for i := range to {
		at, _ := slices.BinarySearch(cuts, b.TimeAt(i))
		to[i] = int32(at)
	}
	return to
}

// dealByTime deals rows to the slices in which the spine may ask for them: one
// after the other from the first that ends behind the row.
func dealByTime(d *dealing, b *batch.Batch, cuts []int64, longest int64) error {
	first := make([]int32, b.Len())
	for i := range first {
		t := b.TimeAt(i)
		at, _ := slices.BinarySearchFunc(cuts, t, func(cut, t int64) int {
			if cut <= t {
				return -1
			}
			return 1
		})
		first[i] = int32(at)
	}
	to := make([]int32, b.Len())
	for more, step := true, int32(0); more; step++ {
		more = false
		for i, at := range first {
			to[i] = -1
			slice := at + step
			if int(slice) > len(cuts) {
				continue
			}
			if step == 0 || cuts[slice-1] < math.MinInt64+longest || cuts[slice-1]-longest <= b.TimeAt(i) {
				to[i], more = slice, true
			}
		}
		if !more {
			break
		}
		if err := d.add(b, to); err != nil {
			return err
		}
	}
	return nil
}

// tooLarge says which key has more rows in its longest window than fit.
func (p *Passes) tooLarge(u *unit, cause error) error {
	b, err := p.read(u.rows.blocks[0])
	if err != nil {
		return err
	}
	var key []string
	for _, c := range b.Root.Children[:len(u.index.keys)] {
		key = append(key, c.Format(0))
	}
	window := time.Duration(u.longest(p)) * time.Microsecond
	return fmt.Errorf("key %s alone has %d rows within little more than its longest window of %s, which have to be in memory at a time: %w",
		strings.Join(key, ", "), u.rows.rows, window, cause)
}
