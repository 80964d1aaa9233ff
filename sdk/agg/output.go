package agg

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
)

// SlotError is an error in the result of one group. The operator knows the
// group's key and window by the slot.
type SlotError struct {
	Slot int32
	Term string // the term, and the field it sets
	Err  error
}

// Error renders the error without the group, which only the caller can name.
func (e *SlotError) Error() string { return e.Term + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SlotError) Unwrap() error { return e.Err }

// output is the values of one term before they are a column: exactly one of
// ints, floats and column is set.
type output struct {
	ints   []int64
	high   []int64 // of ints: the words above; nil: none has any
	floats []float64
	column *batch.Column // complete but for its type
	valid  batch.Bitmap
	same   bool // ints are values of the field's own kind, which need no check
}

// Results returns the results of slots as a column of type Plan.Output, row i
// for slots[i]. keys, start and end have a row for each of slots; they may be
// nil when the plan does not need them (NeedsKey, NeedsWindow). A slot without
// any row is allowed only when the plan was resolved with MayBeEmpty. A result
// that does not fit its field is a *SlotError.
func (t *Table) Results(slots []int32, keys *batch.Column, start, end []int64) (*batch.Column, error) {
	if t.plan.custom != "" {
		return t.customResults(slots)
	}
	columns, err := t.Columns(slots, keys, start, end)
	if err != nil {
		return nil, err
	}
	return t.plan.assemble(t.plan.output, nil, len(slots), columns), nil
}

// Columns is Results before the columns are put together: one for each of
// Plan.Targets.
func (t *Table) Columns(slots []int32, keys *batch.Column, start, end []int64) ([]*batch.Column, error) {
	q := &request{slots: slots, keys: keys, start: start, end: end}
	columns := make([]*batch.Column, len(t.plan.terms))
	for i, b := range t.plan.terms {
		o, err := b.finish(t, q)
		if err == nil {
			columns[i], err = b.column(o, slots)
		}
		var slot *SlotError
		if errors.As(err, &slot) {
			slot.Term = fmt.Sprintf("%s for field %s", b.text(t.plan), b.out.Name)
			return nil, slot
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.text(t.plan), err)
		}
	}
	return columns, nil
}

// assemble puts the columns of the terms where their fields are.
func (p *Plan) assemble(t *batch.Type, path []int, n int, columns []*batch.Column) *batch.Column {
	for i, b := range p.terms {
		if slices.Equal(b.out.Path, path) {
			return columns[i]
		}
	}
	children := make([]*batch.Column, len(t.Fields))
	for i, f := range t.Fields {
		children[i] = p.assemble(f.Type, append(slices.Clip(path), i), n, columns)
	}
	return batch.NewStruct(t, n, children...)
}

// column checks that values fit the field and makes the column of them.
func (b *bound) column(o output, slots []int32) (*batch.Column, error) {
	var c *batch.Column
	switch {
	case o.column != nil:
		retyped := *o.column
		c = &retyped
		c.Type = b.outType
	case o.floats != nil:
		if err := b.fitFloats(o, slots); err != nil {
			return nil, err
		}
		c = batch.NewFloats(b.outType, o.floats)
	default:
		if err := b.fitInts(o, slots); err != nil {
			return nil, err
		}
		c = batch.NewInts(b.outType, o.ints)
	}
	if o.valid != nil {
		c.Valid = o.valid
	}
	if c.Valid != nil && !b.outType.Nullable {
		for i, s := range slots {
			if !c.Valid.Get(i) {
				return nil, &SlotError{Slot: s, Err: errors.New("the value is null and the field cannot be; make the field a pointer")}
			}
		}
		c.Valid = nil
	}
	return c, nil
}

// fitInts checks the range of an integer field.
func (b *bound) fitInts(o output, slots []int32) error {
	if o.same {
		return nil
	}
	if b.outType.Kind == batch.Uint64 {
		for i, v := range o.ints {
			if high := highAt(o.high, i); (v < 0) != (high == 1) || high>>1 != 0 {
				return b.outside(o, slots, i)
			}
		}
		return nil
	}
	for i, h := range o.high {
		if h != 0 {
			return b.outside(o, slots, i)
		}
	}
	low, high, ok := b.outType.Kind.Range()
	if !ok || low == math.MinInt64 {
		return nil
	}
	for i, v := range o.ints {
		if v < low || v > high {
			return b.outside(o, slots, i)
		}
	}
	return nil
}

func highAt(high []int64, i int) int64 {
	if high == nil {
		return 0
	}
	return high[i]
}

func (b *bound) outside(o output, slots []int32, i int) error {
	return &SlotError{Slot: slots[i], Err: fmt.Errorf("the value %s does not fit %s; use a wider field, or a float one",
		text128(highAt(o.high, i), o.ints[i]), b.outType.Kind)}
}

// fitFloats rounds to the field's precision and refuses finite values above
// the range of float32.
func (b *bound) fitFloats(o output, slots []int32) error {
	if b.outType.Kind != batch.Float32 {
		return nil
	}
	for i, v := range o.floats {
		narrow := float64(float32(v))
		if math.IsInf(narrow, 0) && !math.IsInf(v, 0) {
			return &SlotError{Slot: slots[i], Err: fmt.Errorf("the value %g does not fit float32; use a float64 field", v)}
		}
		o.floats[i] = narrow
	}
	return nil
}
