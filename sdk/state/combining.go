package state

import (
	"errors"
	"fmt"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/codec"
)

// Combining is a cell with the accumulator of an aggregate, which it is made with:
//
//	type totals struct{ Sum state.Combining[int64, int64] }
//	leat.ParDo(in, "totals", &totals{Sum: state.CombiningOf(agg.Into(func(v, sum *int64) []agg.Term {
//		return []agg.Term{agg.Sum(sum, v)}
//	}))})
//
// First and last are by the event time of the row, or of what a timer puts out.
type Combining[V, R any] struct {
	aggregate agg.Aggregate[V, R]
	tables    *accumulators[V, R]
}

// CombiningOf returns a cell for an aggregate, made by agg.Into or agg.Custom.
func CombiningOf[V, R any](a agg.Aggregate[V, R]) Combining[V, R] {
	return Combining[V, R]{aggregate: a}
}

// accumulators are those of all slots. Values are folded in some hundred at a time:
// what waits is folded in when somebody reads.
type accumulators[V, R any] struct {
	lifetime
	table   *agg.Table
	encoder *codec.Encoder[V]
	results *codec.Codec[R]
	set     []bool

	values []V
	slots  []int32
	times  []int64
}

// combineRows is how many values wait at most.
const combineRows = 256

// Add folds a value in.
func (c *Combining[V, R]) Add(value V) {
	s := c.at()
	s.wrote()
	s.values, s.slots, s.times = append(s.values, value), append(s.slots, s.slot), append(s.times, s.time)
	s.set[s.slot] = true
	if len(s.values) == combineRows {
		s.fold()
	}
}

// Read returns the result of the values so far. ok is false, and the result zero,
// when there is none.
func (c *Combining[V, R]) Read() (result R, ok bool) {
	s := c.at()
	if !s.set[s.slot] {
		return result, false
	}
	s.fold()
	column, err := s.table.Results([]int32{s.slot}, nil, nil, nil)
	if err == nil {
		var out [1]R
		if err = s.results.Decode(column, nil, out[:]); err == nil {
			return out[0], true
		}
	}
	panic(Misuse{err})
}

// Get is Read for a cell whose zero result stands for none.
func (c *Combining[V, R]) Get() R {
	result, _ := c.Read()
	return result
}

// Clear forgets the values.
func (c *Combining[V, R]) Clear() {
	s := c.at()
	s.reset(s.slot)
}

func (c *Combining[V, R]) at() *accumulators[V, R] {
	if c.tables == nil || c.tables.slot == none {
		panic(outside)
	}
	return c.tables
}

func (c *Combining[V, R]) check() error {
	if c.aggregate == nil {
		return errors.New("it has no aggregate; make it with state.CombiningOf")
	}
	plan, err := c.aggregate.Plan()
	switch {
	case err != nil:
		return err
	case plan.NeedsKey() || plan.NeedsWindow():
		return errors.New("its aggregate uses the key or the window, which a cell does not know; use state.Key and the Context of the call")
	}
	values, err := codec.For[V]()
	if err != nil {
		return err
	}
	if !values.Type().Equal(plan.Input()) {
		return fmt.Errorf("its aggregate is of %s, but the values are %s", plan.Input(), values.Type())
	}
	return nil
}

func (c *Combining[V, R]) open(l lifetime) store {
	plan, _ := c.aggregate.Plan() // check has looked at it
	values, _ := codec.For[V]()
	results, _ := codec.ForPlan[R](plan.Result())
	c.tables = &accumulators[V, R]{lifetime: l, table: plan.NewTable(), encoder: values.NewEncoder(), results: results}
	return c.tables
}

// fold folds in what waits.
func (s *accumulators[V, R]) fold() {
	if len(s.values) == 0 {
		return
	}
	err := s.encoder.Append(s.values)
	if err == nil {
		err = s.table.Add(s.slots, s.encoder.Finish(), s.times, nil)
	}
	clear(s.values)
	s.values, s.slots, s.times = s.values[:0], s.slots[:0], s.times[:0]
	if err != nil {
		panic(Misuse{err})
	}
}

func (s *accumulators[V, R]) grow(n int) {
	s.lifetime.grow(n)
	s.table.Grow(n)
	s.set = extend(s.set, n)
}

func (s *accumulators[V, R]) empty(slot int32) bool { return !s.set[slot] }

func (s *accumulators[V, R]) reset(slot int32) {
	s.fold()
	s.table.Reset([]int32{slot})
	s.set[slot] = false
}

func (s *accumulators[V, R]) sizeBytes() int64 {
	return s.lifetime.sizeBytes() + s.table.SizeBytes() + int64(cap(s.set)) + sizeOf[V]()*int64(cap(s.values))
}
