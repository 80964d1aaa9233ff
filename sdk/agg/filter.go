package agg

import (
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// filter narrows a view to some of its rows. It owns the slices of the view it
// returns, which are good until its next use.
type filter struct {
	slots, rows []int32
	keep        batch.Bitmap
}

// matching returns the rows of v for which a condition is true.
func (f *filter) matching(e *field.Evaluator, v view, value *batch.Column) view {
	if v.rows == nil || ascending(v.rows) {
		return f.ascending(e, v, value)
	}
	// Evaluators want ascending rows. Rows in another order, or repeated, are
	// rare enough to evaluate the whole batch.
	f.rows = e.Rows(value, nil, f.rows[:0])
	f.keep = slices.Grow(f.keep[:0], (value.Len+7)/8)[:(value.Len+7)/8]
	clear(f.keep)
	for _, r := range f.rows {
		f.keep.Set(int(r))
	}
	return f.present(f.keep, v)
}

func ascending(rows []int32) bool {
	for i := 1; i < len(rows); i++ {
		if rows[i] <= rows[i-1] {
			return false
		}
	}
	return true
}

// ascending narrows v, whose rows ascend, keeping rows and slots together.
func (f *filter) ascending(e *field.Evaluator, v view, value *batch.Column) view {
	f.rows = e.Rows(value, v.rows, f.rows[:0])
	kept := f.rows
	if v.rows == nil {
		for len(kept) > 0 && int(kept[len(kept)-1]) >= v.n {
			kept = kept[:len(kept)-1]
		}
	}
	out := v
	out.rows, out.n = kept, len(kept)
	if v.slots == nil {
		return out
	}
	f.slots = slices.Grow(f.slots[:0], len(kept))[:len(kept)]
	if v.rows == nil {
		for i, r := range kept {
			f.slots[i] = v.slots[r]
		}
	} else {
		at := 0
		for i, r := range kept {
			for v.rows[at] != r {
				at++
			}
			f.slots[i] = v.slots[at]
		}
	}
	out.slots = f.slots
	return out
}

// present returns the rows of v whose bit is set.
func (f *filter) present(bits batch.Bitmap, v view) view {
	// Every row is written and the end moves on only when it counts: without a
	// branch to guess wrong on columns with many nulls.
	rows := slices.Grow(f.rows[:0], v.n)[:v.n]
	n := 0
	if v.rows == nil {
		for i := range v.n {
			rows[n] = int32(i)
			n += int(bits[i>>3] >> (i & 7) & 1)
		}
	} else if v.slots == nil {
		for _, r := range v.rows[:v.n] {
			rows[n] = r
			n += int(bits[r>>3] >> (r & 7) & 1)
		}
	}
	out := v
	if v.slots != nil {
		slots := slices.Grow(f.slots[:0], v.n)[:v.n]
		n = 0
		for i, s := range v.slots {
			r := int32(i)
			if v.rows != nil {
				r = v.rows[i]
			}
			rows[n], slots[n] = r, s
			n += int(bits[r>>3] >> (r & 7) & 1)
		}
		f.slots, out.slots = slots, slots[:n]
	}
	f.rows, out.rows, out.n = rows, rows[:n], n
	return out
}
