package agg

import (
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// Series holds rows in a fixed order, group after group and each in the order of
// event time, prepared so that the accumulators of any range of them are had
// without going through its rows:
//
//	rows     a a a a a b b b c c …        each group ascending in time
//	delay    3 5 1 8 2 4 …
//	totals 0 3 8 9 17 19 23 …             sum of [1, 4) = 17 − 3
//
// How depends on the state. What can be taken back (counts, sums) is a difference
// of running totals; first, last and lists are positions; all else is merged from
// a tree of blocks. In each case the result is that of Table.Add, to the bit.
// Columns are put in order only for states that need them so.
//
// A range must lie within a group and not split rows of the same time. A Series
// is immutable; Table.SetRanges reads it.
type Series struct {
	rows    int
	sources map[string]source // by identity of the state
	trees   map[*Plan]*tree   // for the states of a plan that have no source
}

// source is what a state reads accumulators of ranges from.
type source interface{}

// ranged is implemented by states that can be read off a series.
type ranged interface {
	state
	// source prepares the rows v of a series; nil when these cannot be done
	// exactly this way.
	source(v *run, r *Reserve) (source, error)
	// put makes slots[i] the accumulator of the rows of the series in
	// [from[i], to[i]).
	put(s source, slots, from, to []int32)
}

// run is the rows of a series, or of a piece of it, that a state sees.
type run struct {
	view           // rows, columns and times; rows is nil when all count
	left   bool    // some do not count
	all    int     // rows of the series
	starts []int32 // first row of each group
}

// Rows is the rows of a series, as they come and as they stand in it.
type Rows struct {
	// Pieces are the rows as they come, piece after piece. Of a batch only the
	// columns and the selection matter.
	Pieces []*batch.Batch
	// Place says where each of them, counted over all pieces, stands in the
	// series; nil: where it comes.
	Place []int32
	// Time are the event times, in the order of the series.
	Time []int64
	// Starts is the first row of each group, in the series.
	Starts []int32

	ordered *batch.Column // see inOrder
	size    int64         // reserved for it
}

// inOrder returns the columns in the order of the series.
func (rows *Rows) inOrder(r *Reserve) (*batch.Column, error) {
	if rows.ordered != nil {
		return rows.ordered, nil
	}
	for _, p := range rows.Pieces {
		rows.size += p.SizeBytes()
	}
	if err := r.bytes(2*rows.size + int64(4*len(rows.Place))); err != nil {
		return nil, err
	}
	columns, order := make([]*batch.Column, len(rows.Pieces)), make([]int32, len(rows.Place))
	for i, p := range rows.Pieces {
		columns[i] = p.Compact().Root
	}
	for row, at := range rows.Place {
		order[at] = int32(row)
	}
	rows.ordered = batch.Concat(columns).Gather(order)
	r.free(rows.size + int64(4*len(order)))
	return rows.ordered, nil
}

// longestGroup returns how many rows the largest group has.
func (rows *Rows) longestGroup() int {
	longest, end := 0, len(rows.Place)
	for i := len(rows.Starts) - 1; i >= 0; i-- {
		longest = max(longest, end-int(rows.Starts[i]))
		end = int(rows.Starts[i])
	}
	return longest
}

// Reserve is asked before memory is allocated, and told when some is not needed
// any more. A nil one grants everything.
type Reserve struct {
	Bytes func(n int64) error
	Free  func(n int64)
}

func (r *Reserve) free(n int64) {
	if r != nil && r.Free != nil {
		r.Free(n)
	}
}

func (r *Reserve) bytes(n int64) error {
	if r == nil || r.Bytes == nil {
		return nil
	}
	return r.Bytes(n)
}

// NewSeries prepares rows for SetRanges on tables of the plans, all of which take
// these rows.
func NewSeries(plans []*Plan, rows *Rows, r *Reserve) (*Series, error) {
	s := &Series{sources: make(map[string]source), trees: make(map[*Plan]*tree)}
	for _, p := range rows.Pieces {
		s.rows += p.Len()
	}
	if rows.Place == nil {
		rows.Place = make([]int32, s.rows)
		for i := range rows.Place {
			rows.Place[i] = int32(i)
		}
	}
	if err := s.addTotals(plans, rows, r); err != nil {
		return nil, err
	}
	shared := make(map[string]*tree)
	for _, p := range plans {
		if err := s.addOthers(p, rows, shared, r); err != nil {
			return nil, err
		}
	}
	if !s.KeepsRows() {
		r.free(rows.size)
	}
	return s, nil
}

// addOthers makes the sources of those states of a plan that have none, and a
// tree for the rest.
func (s *Series) addOthers(p *Plan, rows *Rows, shared map[string]*tree, r *Reserve) error {
	var rest []int
	for i := range p.states {
		if found, err := s.source(p, i, rows, r); err != nil {
			return err
		} else if !found {
			rest = append(rest, i)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	sub := p.only(rest)
	name := sub.identities()
	if shared[name] == nil {
		value, err := rows.inOrder(r)
		if err != nil {
			return err
		}
		if shared[name], err = newTree(sub, value, rows.Time, r); err != nil {
			return err
		}
	}
	s.trees[p] = shared[name].forPlan(rest)
	return nil
}

// SeriesBytes estimates what NewSeries reserves for each row: a running total or a
// position for each different state. Sums of floats of very different size, and
// states that are only merged, take more.
func SeriesBytes(plans []*Plan) int64 {
	different := make(map[string]bool)
	for _, p := range plans {
		for i := range p.states {
			different[p.identity(i)] = true
		}
	}
	return int64(12 * len(different))
}

// KeepsRows reports whether the series refers to columns of the rows it was made
// of. Otherwise their memory may go.
func (s *Series) KeepsRows() bool {
	for _, src := range s.sources {
		if _, refers := src.(*sequence); refers {
			return true
		}
	}
	return len(s.trees) > 0
}

// source makes the source of state i of a plan, unless it is there. It reports
// false when there can be none.
func (s *Series) source(p *Plan, i int, rows *Rows, r *Reserve) (bool, error) {
	name := p.identity(i)
	if known, ok := s.sources[name]; ok {
		return known != nil, nil
	}
	spec := &p.states[i]
	st, ok := spec.make().(ranged)
	if !ok || spec.whole {
		s.sources[name] = nil
		return false, nil
	}
	value, err := rows.inOrder(r)
	if err != nil {
		return false, err
	}
	v := &run{all: value.Len, starts: rows.Starts, view: view{n: value.Len, time: rows.Time}}
	var cond *field.Evaluator
	if w := p.wheres[spec.where]; w != nil {
		cond = w.NewEvaluator()
	}
	if err := v.narrow(p, spec, cond, value); err != nil {
		return false, err
	}
	made, err := st.source(v, r)
	s.sources[name] = made
	return made != nil, err
}

// narrow leaves those rows that the state counts, and finds its columns.
func (v *run) narrow(p *Plan, spec *stateSpec, cond *field.Evaluator, value *batch.Column) error {
	if cond != nil {
		v.keep(cond.Rows(value, v.view.rows, make([]int32, 0, v.n)))
	}
	for _, path := range spec.paths {
		c := value.Flatten(path)
		if c == nil {
			return fmt.Errorf("column %s is aggregated but was not read", fieldName(p.input, path))
		}
		v.cols = append(v.cols, c)
	}
	if len(v.cols) > 0 && v.cols[0].Valid != nil {
		var f filter
		v.keep(f.present(v.cols[0].Valid, v.view).rows)
	}
	return nil
}

// keep lets only these rows count, perhaps none.
func (v *run) keep(rows []int32) {
	if rows == nil {
		rows = []int32{}
	}
	v.left = v.left || len(rows) < v.n
	v.rows, v.n = rows, len(rows)
}

// identity tells states of several plans over the same rows apart.
func (p *Plan) identity(i int) string {
	s := &p.states[i]
	if w := p.wheres[s.where]; w != nil {
		return s.name + " where " + w.String()
	}
	return s.name
}

func (p *Plan) identities() string {
	var all string
	for i := range p.states {
		all += p.identity(i) + "\n"
	}
	return all
}

// only returns a plan that keeps some of the states and makes no results.
func (p *Plan) only(states []int) *Plan {
	sub := &Plan{input: p.input, output: p.output, wheres: p.wheres, custom: p.custom}
	for _, i := range states {
		sub.states = append(sub.states, p.states[i])
	}
	sub.finish()
	return sub
}

// SetRanges makes slots[i] (slot i when slots is nil) hold rows [from[i], to[i])
// of a series that was made for the table's plan, instead of what it held. Until
// slots are reset they are only good for Results and Columns.
func (t *Table) SetRanges(s *Series, slots, from, to []int32) error {
	t.putRanges(s, slots, from, to)
	if tr := s.trees[t.plan]; tr != nil {
		return tr.put(t, slots, from, to)
	}
	return nil
}

// MergeRanges folds rows [from[i], to[i]) of a series that was made for the table's
// plan into slots[i]. It uses the slots from scratch on, of which there must be as
// many. A slot may get ranges of several series; those of one group must not have
// rows of the same time. Slots are then good for Results and Columns only, and only
// as long as no row of the series changes.
func (t *Table) MergeRanges(s *Series, scratch int32, slots, from, to []int32) error {
	if len(slots) == 0 {
		return nil
	}
	if !t.merges {
		t.merges = true
		for _, st := range t.states {
			if r, ok := st.(*ranked); ok {
				r.merges = true
			}
		}
	}
	src := make([]int32, len(slots))
	for i := range src {
		src[i] = scratch + int32(i)
	}
	if err := t.SetRanges(s, src, from, to); err != nil {
		return err
	}
	return t.Merge(slots, src)
}

// names returns the identities of the states.
func (t *Table) names() []string {
	if t.identities == nil {
		for i := range t.plan.states {
			t.identities = append(t.identities, t.plan.identity(i))
		}
	}
	return t.identities
}

// part returns a table of some of the states of t, the very same.
func (t *Table) part(sub *Plan, states []int) *Table {
	if p := t.parts[sub]; p != nil {
		return p
	}
	p := &Table{plan: sub, size: t.size}
	for _, i := range states {
		p.states = append(p.states, t.states[i])
	}
	for _, w := range sub.wheres {
		var e *field.Evaluator
		if w != nil {
			e = w.NewEvaluator()
		}
		p.evaluators = append(p.evaluators, e)
	}
	if t.parts == nil {
		t.parts = make(map[*Plan]*Table)
	}
	t.parts[sub] = p
	return p
}

// slotOf is slots[i], or i when slots is nil.
func slotOf(slots []int32, i int) int32 {
	if slots == nil {
		return int32(i)
	}
	return slots[i]
}

// newTotals allocates the running totals of so many rows.
func newTotals[T any](n int, r *Reserve) ([]T, error) {
	var one T
	if err := r.bytes(int64(n+1) * sizeOf(one)); err != nil {
		return nil, err
	}
	return make([]T, n+1), nil
}

// counted returns how many rows count before each row, or nil when all do.
func (v *run) counted(r *Reserve) ([]int32, error) {
	if v.rows == nil {
		return nil, nil
	}
	before, err := newTotals[int32](v.all, r)
	if err != nil {
		return nil, err
	}
	for _, row := range v.rows {
		before[row+1] = 1
	}
	for i := range v.all {
		before[i+1] += before[i]
	}
	return before, nil
}

// groupEnd returns the end of the group that row is in.
func (v *run) groupEnd(row int32) int32 {
	at, found := slices.BinarySearch(v.starts, row)
	if found {
		at++
	}
	if at == len(v.starts) {
		return int32(v.all)
	}
	return v.starts[at]
}
