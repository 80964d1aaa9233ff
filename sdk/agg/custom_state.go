package agg

import (
	"unsafe"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// chunkRows is how many rows are decoded at once: few enough to stay in cache.
const chunkRows = 256

// customs keeps a user's accumulators, one Go value a slot; nil is empty. Rows
// are decoded in chunks and handed over one by one.
type customs[S, V, R any, P Accumulator[S, V, R]] struct {
	accumulators []P
	zero         func() P
	rows         *codec.Codec[V]
	results      *codec.Codec[R]
	saved        *codec.Codec[S]
	plan         *Plan
	used         int // accumulators that are not nil, more or less
	values       []V
	picked       []int32
}

// resulter is the part of customs that does not depend on its types.
type resulter interface {
	finish(slots []int32) (*batch.Column, error)
}

func (c *customs[S, V, R, P]) grow(n int) { c.accumulators = extend(c.accumulators, n, nil) }

func (c *customs[S, V, R, P]) reset(slots []int32) {
	for _, s := range slots {
		c.accumulators[s] = nil
	}
}

// at returns the accumulator of a slot, making it when there is none.
func (c *customs[S, V, R, P]) at(slot int32) P {
	if c.accumulators[slot] == nil {
		c.accumulators[slot] = c.zero()
		c.used++
	}
	return c.accumulators[slot]
}

func (c *customs[S, V, R, P]) add(v *view) error {
	return guard(c.plan, func() error {
		for from := 0; from < v.n; from += chunkRows {
			if err := c.addChunk(v, from, min(from+chunkRows, v.n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *customs[S, V, R, P]) addChunk(v *view, from, to int) error {
	if c.values == nil {
		c.values, c.picked = make([]V, chunkRows), make([]int32, chunkRows)
	}
	rows := c.picked[:to-from]
	for i := range rows {
		rows[i] = int32(v.row(from + i))
	}
	values := c.values[:to-from]
	if err := c.rows.Decode(v.cols[0], rows, values); err != nil {
		return err
	}
	for i := range values {
		c.at(v.slotAt(from + i)).Add(values[i])
	}
	return nil
}

// copyFrom copies by merging into a fresh accumulator: only the user's Merge
// knows how to make one that shares nothing.
func (c *customs[S, V, R, P]) copyFrom(dst, src []int32) {
	for i, d := range dst {
		if s := src[i]; s != d {
			c.accumulators[d] = nil
			c.mergeSlot(d, s)
		}
	}
}

func (c *customs[S, V, R, P]) merge(dst, src []int32) {
	for i, d := range dst {
		c.mergeSlot(d, src[i])
	}
}

func (c *customs[S, V, R, P]) mergeSlot(d, s int32) {
	if from := c.accumulators[s]; from != nil {
		c.at(d).Merge((*S)(from))
	}
}

func (c *customs[S, V, R, P]) save(slots []int32) ([]*batch.Column, error) {
	rows := make([]S, len(slots))
	var valid batch.Bitmap
	for i, s := range slots {
		if a := c.accumulators[s]; a != nil {
			rows[i] = *(*S)(a)
			continue
		}
		if valid == nil {
			valid = batch.NewBitmap(len(slots))
			valid.SetAll(len(slots))
		}
		valid.Clear(i)
	}
	e := c.saved.NewEncoder()
	if err := e.Append(rows); err != nil {
		return nil, err
	}
	column := *e.Finish()
	column.Type = c.plan.saved.Fields[0].Type
	if valid != nil {
		column.Valid = batch.And(valid, column.Valid, column.Len)
	}
	return []*batch.Column{&column}, nil
}

func (c *customs[S, V, R, P]) load(slots []int32, saved []*batch.Column, rows []int32) error {
	column := *saved[0]
	column.Type = c.saved.Type()
	var picked []int32
	var into []int32
	for i, s := range slots {
		if r := rowAt(rows, i); !column.Null(r) {
			picked, into = append(picked, int32(r)), append(into, s)
		}
	}
	column.Valid = nil
	values := make([]S, len(picked))
	if err := c.saved.Decode(&column, picked, values); err != nil {
		return err
	}
	for i := range values {
		c.at(into[i]).Merge(&values[i])
	}
	return nil
}

func (c *customs[S, V, R, P]) finish(slots []int32) (*batch.Column, error) {
	results := make([]R, len(slots))
	for i, s := range slots {
		results[i] = c.at(s).Result()
	}
	e := c.results.NewEncoder()
	if err := e.Append(results); err != nil {
		return nil, err
	}
	return e.Finish(), nil
}

// sizeBytes counts the structs and cannot see what they point to.
func (c *customs[S, V, R, P]) sizeBytes() int64 {
	var s S
	return int64(8*cap(c.accumulators)) + int64(c.used)*int64(unsafe.Sizeof(s))
}

func (t *Table) customResults(slots []int32) (c *batch.Column, err error) {
	err = guard(t.plan, func() error {
		c, err = t.states[0].(resulter).finish(slots)
		return err
	})
	return c, err
}
