package agg

import (
	"github.com/leatflow/leat/sdk/batch"
)

// state is one accumulator for many groups, a column of slots. An empty slot is
// neutral: merging it into another changes nothing.
//
// Slots may repeat within a call and are worked on from first to last.
type state interface {
	// grow makes slots [0, n) usable; new ones are empty.
	grow(n int)
	// reset makes slots empty.
	reset(slots []int32)
	// add folds rows into slots.
	add(v *view) error
	// copyFrom makes dst[i] an independent copy of src[i].
	copyFrom(dst, src []int32)
	// merge folds src[i] into dst[i] and leaves src[i] as it is.
	merge(dst, src []int32)
	// save returns the accumulators of slots as one column for each of the
	// state's saved fields. Equal accumulators are saved as equal values.
	save(slots []int32) ([]*batch.Column, error)
	// load folds saved accumulators in, row rows[i] into slots[i].
	load(slots []int32, saved []*batch.Column, rows []int32) error
	sizeBytes() int64
}

// view is the rows given to a state: value i is at physical row rows[i] (i when
// rows is nil) of columns and belongs to slot slots[i], or to the one slot all
// go to when slots is nil.
type view struct {
	slots []int32
	slot  int32
	rows  []int32
	n     int             // number of values
	cols  []*batch.Column // the input, without nulls at rows; then the fields of By
	time  []int64         // by physical row; nil: all at batch.MinTime
}

func (v *view) row(i int) int {
	if v.rows != nil {
		return int(v.rows[i])
	}
	return i
}

func (v *view) slotAt(i int) int32 {
	if v.slots != nil {
		return v.slots[i]
	}
	return v.slot
}

func (v *view) timeAt(row int) int64 {
	if v.time == nil {
		return batch.MinTime
	}
	return v.time[row]
}

// extend grows a column of accumulators to n, filling the new ones with empty.
// It doubles, so that growing slot by slot costs a constant per slot.
func extend[T comparable](col []T, n int, empty T) []T {
	if n <= len(col) {
		return col
	}
	from := len(col)
	if n > cap(col) {
		bigger := make([]T, from, max(n, 2*cap(col)))
		copy(bigger, col)
		col = bigger
	}
	col = col[:n]
	var zero T
	if empty != zero {
		for i := from; i < n; i++ {
			col[i] = empty
		}
		return col
	}
	clear(col[from:])
	return col
}

func pick[T any](col []T, slots []int32) []T {
	out := make([]T, len(slots))
	for i, s := range slots {
		out[i] = col[s]
	}
	return out
}

func rowAt(rows []int32, i int) int {
	if rows != nil {
		return int(rows[i])
	}
	return i
}

var (
	intType   = &batch.Type{Kind: batch.Int64}
	floatType = &batch.Type{Kind: batch.Float64}
	bytesType = &batch.Type{Kind: batch.Bytes}

	nullableBytes = &batch.Type{Kind: batch.Bytes, Nullable: true}
)
