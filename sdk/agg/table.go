package agg

import (
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// Table keeps the accumulators of many groups column by column. A group is a
// slot, a small integer the caller hands out; Grow makes slots, Reset empties
// them for another group. A table belongs to one goroutine.
//
// After an error the slots of that call are in an unspecified state.
type Table struct {
	plan       *Plan
	states     []state
	evaluators []*field.Evaluator // by condition
	size       int                // slots
	filter     filter             // scratch for conditions
	nulls      filter             // scratch for nulls
	columns    []*batch.Column    // scratch for the inputs of a state

	identities []string         // of the states, for SetRanges
	parts      map[*Plan]*Table // with some of the states, by their plan
	merges     bool             // see MergeRanges
	slots      []int32          // scratch for SetRanges
}

// NewTable returns a table without slots.
func (p *Plan) NewTable() *Table {
	t := &Table{plan: p}
	for i := range p.states {
		t.states = append(t.states, p.states[i].make())
	}
	for _, w := range p.wheres {
		var e *field.Evaluator
		if w != nil {
			e = w.NewEvaluator()
		}
		t.evaluators = append(t.evaluators, e)
	}
	return t
}

// Plan returns the plan the table was made from.
func (t *Table) Plan() *Plan { return t.plan }

// Grow makes slots [0, n) usable. New ones are empty. Tables only grow; the
// cost of growing slot by slot is constant a slot.
func (t *Table) Grow(n int) {
	if n <= t.size {
		return
	}
	t.size = n
	for _, s := range t.states {
		s.grow(n)
	}
}

// Reset makes slots empty again.
func (t *Table) Reset(slots []int32) {
	for _, s := range t.states {
		s.reset(slots)
	}
}

// Add folds physical row rows[i] of value (row i when rows is nil) into
// slots[i]. Slots may repeat. time is indexed by physical row; nil stands for
// rows without event time. The table keeps nothing of the arguments.
func (t *Table) Add(slots []int32, value *batch.Column, time []int64, rows []int32) error {
	return t.fold(view{slots: slots, rows: rows, n: len(slots), time: time}, value)
}

// AddAll folds n rows into one slot, which costs less a row than Add: the
// physical rows in rows, or rows [0, n) when rows is nil.
func (t *Table) AddAll(slot int32, value *batch.Column, time []int64, rows []int32, n int) error {
	return t.fold(view{slot: slot, rows: rows, n: n, time: time}, value)
}

func (t *Table) fold(all view, value *batch.Column) error {
	if all.n == 0 {
		return nil
	}
	if all.rows != nil {
		all.rows = all.rows[:all.n]
	}
	for w, e := range t.evaluators {
		v := all
		if e != nil {
			v = t.filter.matching(e, all, value)
		}
		if v.n == 0 {
			continue
		}
		for i := range t.plan.feeds[w] {
			if err := t.feed(&t.plan.feeds[w][i], v, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// feed hands an input to the states that read it.
func (t *Table) feed(f *feed, v view, value *batch.Column) error {
	var input *batch.Column
	switch {
	case f.rows:
	case f.whole:
		input = value
	default:
		if input = value.Flatten(f.path); input == nil {
			return fmt.Errorf("column %s is aggregated but was not read", f.name)
		}
		if input.Valid != nil {
			v = t.nulls.present(input.Valid, v)
		}
		if v.n == 0 {
			return nil
		}
	}
	for _, s := range f.states {
		t.columns = append(t.columns[:0], input)
		if spec := &t.plan.states[s]; len(spec.paths) > 1 {
			for _, path := range spec.paths[1:] {
				c := value.Flatten(path)
				if c == nil {
					return fmt.Errorf("column %s is aggregated but was not read", fieldName(t.plan.input, path))
				}
				t.columns = append(t.columns, c)
			}
		}
		v.cols = t.columns
		if err := t.states[s].add(&v); err != nil {
			return err
		}
	}
	return nil
}

// Copy makes slot dst[i] an independent copy of slot src[i]. It fails only where
// a user's accumulator does.
func (t *Table) Copy(dst, src []int32) error {
	return guard(t.plan, func() error {
		for _, s := range t.states {
			s.copyFrom(dst, src)
		}
		return nil
	})
}

// Merge folds slot src[i] into slot dst[i]. Slots of dst may repeat; those of
// src stay as they are and none of them may be in dst.
func (t *Table) Merge(dst, src []int32) error {
	return guard(t.plan, func() error {
		for _, s := range t.states {
			s.merge(dst, src)
		}
		return nil
	})
}

// Save returns the accumulators of slots as a column of type Plan.Saved, row i
// for slots[i]. It shares no memory with the table and depends only on what was
// folded into a slot, not on the order or the steps.
func (t *Table) Save(slots []int32) (*batch.Column, error) {
	var children []*batch.Column
	err := guard(t.plan, func() error {
		for _, s := range t.states {
			c, err := s.save(slots)
			if err != nil {
				return err
			}
			children = append(children, c...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return batch.NewStruct(t.plan.saved, len(slots), children...), nil
}

// Load folds row rows[i] (row i when rows is nil) of saved accumulators into
// slots[i]. It refuses what another aggregate has saved.
func (t *Table) Load(slots []int32, saved *batch.Column, rows []int32) error {
	if saved == nil || !saved.Type.Equal(t.plan.saved) {
		var have *batch.Type
		if saved != nil {
			have = saved.Type
		}
		return fmt.Errorf("the saved accumulators are %s, this aggregate keeps %s; state of another aggregate cannot be loaded", have, t.plan.saved)
	}
	if slices.Contains(saved.Children, nil) {
		return fmt.Errorf("a column of the saved accumulators %s is missing", saved.Type)
	}
	return guard(t.plan, func() error {
		at := 0
		for i, s := range t.states {
			n := len(t.plan.states[i].fields)
			if err := s.load(slots, saved.Children[at:at+n], rows); err != nil {
				return fmt.Errorf("load %s: %w", t.plan.states[i].name, err)
			}
			at += n
		}
		return nil
	})
}

// SizeBytes estimates the memory of the accumulators.
func (t *Table) SizeBytes() int64 {
	var n int64
	for _, s := range t.states {
		n += s.sizeBytes()
	}
	return n
}
