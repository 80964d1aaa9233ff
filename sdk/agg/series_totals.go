package agg

import (
	"math"
	"math/bits"
	"slices"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// Where a state of a range is a sum, and every sum that can be asked for fits a
// word, running totals are kept side by side, those of one row together:
//
//	            count   sum(a)  sum(b)  …
//	before row 0    0        0       0
//	before row 1    1        3      10      a row of the series is added in one
//	before row 2    2        8       9      place, and looked up in one place,
//	…                                       however many states there are
//
// Only differences within a group are ever asked for, so that only those have to
// fit: totals wrap around. They are made from the rows as they come, piece after
// piece; no column is put in order.

// summed is implemented by states that can be read off such totals.
type summed interface {
	state
	// addends returns what learns about the values to be added, for one series.
	addends() addends
	// putSums makes slots[i] hold sums[i].
	putSums(a addends, slots []int32, sums []int64)
}

// addends turns the values of one state into integers that can be added up.
type addends interface {
	// see looks at values. All are seen before the first is asked for.
	see(v *run)
	// bits returns how many bits the sum of any n values takes, with its sign;
	// more than 64 when the values cannot be added in a word.
	bits(n int) int
	// words sets out[i] to what value from+i of v adds.
	words(v *run, from int, out []int64)
}

// gridTotals is the source of a state: a column of a grid.
type gridTotals struct {
	grid interface {
		// between sets out[i] to what rows [from[i], to[i]) add in a column.
		between(column int, from, to []int32, out []int64)
	}
	column int
	of     addends
}

// grid is running totals, row by row.
type grid[T int32 | int64] struct {
	width  int
	cells  []T
	states []*summing // by column, while totals are made
}

func (g *grid[T]) between(column int, from, to []int32, out []int64) {
	cells, width := g.cells[column:], g.width
	to, out = to[:len(from)], out[:len(from)]
	for i, f := range from {
		out[i] = int64(cells[int(to[i])*width] - cells[int(f)*width])
	}
}

// summing is a state whose totals are being made.
type summing struct {
	addends
	name string
	plan *Plan
	spec *stateSpec
	cond *field.Evaluator

	v    run // of the piece at hand
	next int // its first value not added yet
}

// addTotals makes the sources of all states that are sums of words.
func (s *Series) addTotals(plans []*Plan, rows *Rows, r *Reserve) error {
	all := summingStates(plans)
	if len(all) == 0 {
		return nil
	}
	for _, piece := range rows.Pieces {
		for _, a := range all {
			if err := a.look(piece); err != nil {
				return err
			}
			a.see(&a.v)
		}
	}
	longest := rows.longestGroup()
	var narrow, tight, wide []*summing
	for _, a := range all {
		if ones, ok := a.addends.(*ones); ok && !ones.some {
			s.sources[a.name] = positions{}
			continue
		}
		switch n := a.bits(longest); {
		case n <= 32:
			narrow = append(narrow, a)
		case n <= tightBits && a.bits(1) <= 32:
			tight = append(tight, a)
		case n <= 64:
			wide = append(wide, a)
		}
	}
	g, err := newGrid[int32](append(slices.Clip(narrow), tight...), s.rows, rows, r)
	if err == nil && len(tight) > 0 && g.overflows(rows.Starts) {
		r.free(g.sizeBytes())
		wide = append(wide, tight...)
		g, err = newGrid[int32](narrow, s.rows, rows, r)
	}
	if err != nil {
		return err
	}
	g.sum(s)
	h, err := newGrid[int64](wide, s.rows, rows, r)
	if err == nil {
		h.sum(s)
	}
	return err
}

// tightBits is how many bits sums may take, if all values were as large as the
// largest and in the largest group, for it to be worth a try whether they fit 32.
const tightBits = 34

// summingStates lists the different states of the plans that may be sums of words.
func summingStates(plans []*Plan) (all []*summing) {
	known := make(map[string]bool)
	for _, p := range plans {
		for i := range p.states {
			spec, name := &p.states[i], p.identity(i)
			st, ok := spec.make().(summed)
			if !ok || spec.whole || known[name] {
				continue
			}
			known[name] = true
			a := &summing{addends: st.addends(), name: name, plan: p, spec: spec}
			if w := p.wheres[spec.where]; w != nil {
				a.cond = w.NewEvaluator()
			}
			all = append(all, a)
		}
	}
	return all
}

// look finds the values of a piece that are added.
func (a *summing) look(piece *batch.Batch) error {
	a.next = 0
	a.v = run{view: view{rows: piece.Sel, n: piece.Len()}}
	return a.v.narrow(a.plan, a.spec, a.cond, piece.Root)
}

// newGrid puts what n rows add to some states where their totals will be.
func newGrid[T int32 | int64](states []*summing, n int, rows *Rows, r *Reserve) (*grid[T], error) {
	g := &grid[T]{width: len(states), states: states}
	if len(states) == 0 {
		return g, nil
	}
	var one T
	cells := (n + 1) * g.width
	if err := r.bytes(int64(cells) * sizeOf(one)); err != nil {
		return nil, err
	}
	g.cells = make([]T, cells)
	place := rows.Place
	for _, piece := range rows.Pieces {
		for _, a := range states {
			if err := a.look(piece); err != nil {
				return nil, err
			}
		}
		g.add(piece, place)
		place = place[piece.Len():]
	}
	return g, nil
}

// sum makes totals of what the rows add, the sources of the states.
func (g *grid[T]) sum(s *Series) {
	for i := g.width; i < len(g.cells); i++ {
		g.cells[i] += g.cells[i-g.width]
	}
	for i, a := range g.states {
		s.sources[a.name] = &gridTotals{g, i, a.addends}
	}
	g.states = nil
}

// overflows reports whether a sum within a group may not fit 32 bits. Nothing is
// summed yet.
func (g *grid[T]) overflows(starts []int32) bool {
	sizes := make([]int64, g.width)
	for i, start := range starts {
		end := len(g.cells)
		if i+1 < len(starts) {
			end = (int(starts[i+1]) + 1) * g.width
		}
		clear(sizes)
		for at := (int(start) + 1) * g.width; at < end; at += g.width {
			for c, v := range g.cells[at : at+g.width] {
				sizes[c] += max(int64(v), -int64(v))
			}
		}
		for _, size := range sizes {
			if size > math.MaxInt32 {
				return true
			}
		}
	}
	return false
}

func (g *grid[T]) sizeBytes() int64 {
	var one T
	return int64(len(g.cells)) * sizeOf(one)
}

// atOnce is how many rows are added, or looked up, state by state: so few that
// they are in cache from the first to the last of the states.
const atOnce = 256

// add puts what the rows of a piece add where they belong.
func (g *grid[T]) add(piece *batch.Batch, place []int32) {
	var words [atOnce]int64
	var some [atOnce]int32
	for from, n := 0, piece.Len(); from < n; from += atOnce {
		to := min(from+atOnce, n)
		for column, a := range g.states {
			at := place[from:to]
			if a.v.n < n {
				at = a.counted(piece, from, at, some[:0])
			}
			a.words(&a.v, a.next, words[:len(at)])
			a.next += len(at)
			cells := g.cells[g.width+column:]
			for i, w := range words[:len(at)] {
				cells[int(at[i])*g.width] = T(w)
			}
		}
	}
}

// counted appends the places of those rows of a piece, from a row on, that the
// state counts.
func (a *summing) counted(piece *batch.Batch, from int, place, to []int32) []int32 {
	next := a.next
	for i, at := range place {
		if next < a.v.n && a.v.row(next) == piece.Row(from+i) {
			to = append(to, at)
			next++
		}
	}
	return to
}

// putRanges makes slots hold ranges, of each state that has a source; see
// Table.SetRanges.
func (t *Table) putRanges(s *Series, slots, from, to []int32) {
	sources := make([]source, len(t.states))
	for i, name := range t.names() {
		sources[i] = s.sources[name]
	}
	var sums [atOnce]int64
	for at := 0; at < len(from); at += atOnce {
		end := min(at+atOnce, len(from))
		var into []int32
		if slots == nil {
			into = t.consecutive(at, end)
		} else {
			into = slots[at:end]
		}
		for i, src := range sources {
			switch src := src.(type) {
			case nil:
			case positions:
				t.states[i].(*counts).putPositions(into, from[at:end], to[at:end])
			case *gridTotals:
				src.grid.between(src.column, from[at:end], to[at:end], sums[:])
				t.states[i].(summed).putSums(src.of, into, sums[:end-at])
			default:
				t.states[i].(ranged).put(src, into, from[at:end], to[at:end])
			}
		}
	}
}

// consecutive returns slots [from, to), which are good until the next call.
func (t *Table) consecutive(from, to int) []int32 {
	t.slots = t.slots[:0]
	for i := from; i < to; i++ {
		t.slots = append(t.slots, int32(i))
	}
	return t.slots
}

// ones is what counts add.
type ones struct{ some bool } // not all rows count

func (o *ones) see(v *run)     { o.some = o.some || v.left }
func (o *ones) bits(n int) int { return bits.Len(uint(n)) + 1 }

func (o *ones) words(_ *run, _ int, out []int64) {
	for i := range out {
		out[i] = 1
	}
}

// integers is what sums of integers add.
type integers struct {
	unsigned bool
	most     uint64 // the largest, without its sign
}

func (a *integers) see(v *run) {
	values := v.cols[0].Ints
	for i := range v.n {
		x := values[v.row(i)]
		size := uint64(x)
		if x < 0 && !a.unsigned {
			size = -size
		}
		a.most = max(a.most, size)
	}
}

func (a *integers) bits(n int) int {
	high, low := bits.Mul64(a.most, uint64(n))
	if high != 0 {
		return 65 + bits.Len64(high)
	}
	return bits.Len64(low) + 1
}

func (a *integers) words(v *run, from int, out []int64) {
	values := v.cols[0].Ints
	for i := range out {
		out[i] = values[v.row(from+i)]
	}
}

// floats is what sums of floats add: units of 2^(base−1074), as many as the
// lowest bit of any value makes necessary.
type floats struct {
	any       bool  // some are not zero
	base, top int32 // of the lowest bit, and of the one above the highest
}

func (a *floats) see(v *run) {
	values := v.cols[0].Floats
	low, high := int32(math.MaxInt32), int32(math.MinInt32)
	for i := range v.n {
		m, p, _ := split(values[v.row(i)])
		if m == 0 {
			continue
		}
		low = min(low, p+int32(bits.TrailingZeros64(m)))
		high = max(high, p+int32(bits.Len64(m)))
	}
	if high < low {
		return
	}
	if !a.any {
		a.any, a.base, a.top = true, low, high
	}
	a.base, a.top = min(a.base, low), max(a.top, high)
}

func (a *floats) bits(n int) int {
	if a.top == specialP+53 { // NaN or an infinity
		return math.MaxInt
	}
	return int(a.top-a.base) + bits.Len(uint(n)) + 1
}

func (a *floats) words(v *run, from int, out []int64) {
	values := v.cols[0].Floats
	if inverse := 1074 - a.base; inverse >= -1022 && inverse <= 1023 {
		// A product with a power of two is exact, and here a whole number.
		units := math.Float64frombits(uint64(inverse+1023) << 52)
		for i := range out {
			out[i] = int64(values[v.row(from+i)] * units)
		}
		return
	}
	for i := range out {
		m, p, negative := split(values[v.row(from+i)])
		if shift := p - a.base; shift < 0 {
			m >>= -shift // trailing zeros
		} else {
			m <<= shift
		}
		if out[i] = int64(m); negative {
			out[i] = -out[i]
		}
	}
}
