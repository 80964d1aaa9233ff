package operator

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Memory is the budget of an index. Reserve is asked before memory is allocated.
type Memory interface {
	Reserve(bytes int64) error
	Release(bytes int64)
}

// Index holds the rows of a collection by key and time, for the lookups of a
// PointInTime step that have this key. Each part, the keys of one partition, is
// built by one task:
//
//	key    ATL                  BOS        …      key ─▶ id ─▶ where its rows begin
//	time   t1 t2 t2 t5 t9 …     t1 t3 …           searched for q−w and q
//	totals 0 3 8 9 17 …         …                 agg.Series: what lies between
//
// Once all parts are there it does not change, and any number of tasks read it.
type Index struct {
	keys   [][]int
	types  []*batch.Type
	plans  []*agg.Plan // of the lookups
	memory Memory

	mu      sync.Mutex
	parts   []*part
	held    int64
	readers int // tasks that have yet to end
}

// part is the rows of some keys.
type part struct {
	keys   *state.Tuples
	starts []int32 // where the rows of each key begin, and the end of the last
	times  []int64
	series *agg.Series
}

// NewIndex returns an index of so many parts over rows of type t, which so many
// tasks will read.
func NewIndex(t *batch.Type, keys [][]int, plans []*agg.Plan, parts, readers int, memory Memory) *Index {
	x := &Index{keys: keys, plans: plans, memory: memory, parts: make([]*part, parts), readers: readers}
	for _, path := range keys {
		at := t
		for _, i := range path {
			at = at.Fields[i].Type
		}
		x.types = append(x.types, at)
	}
	return x
}

func (x *Index) reserve(bytes int64) error {
	if err := x.memory.Reserve(bytes); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held += bytes
	return nil
}

func (x *Index) release(bytes int64) {
	x.memory.Release(bytes)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held -= bytes
}

func (x *Index) put(i int, p *part) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts[i] = p
}

// done says that a reader has ended. After the last one the index is dropped.
func (x *Index) done() {
	x.mu.Lock()
	x.readers--
	last := x.readers == 0
	x.mu.Unlock()
	if last {
		x.Drop()
	}
}

// Drop gives the memory back. A second call does nothing.
func (x *Index) Drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.memory.Release(x.held)
	x.held, x.parts = 0, nil
}

// build makes one part of an index.
type build struct {
	pass
	index  *Index
	number int
	keep   []bool // columns that aggregates read

	keys   *state.Tuples
	ids    []int32
	times  []int64
	values []*batch.Column
	texts  int64
	size   int64 // of values
	room   int64 // rows there is room for in ids and times
}

// NewBuild returns the operator that builds a part of an index. keep are the
// top-level columns that its aggregates read; nil: all.
func NewBuild(x *Index, number int, keep []bool) Operator {
	return &build{index: x, number: number, keep: keep, keys: state.NewTuples(x.types)}
}

// Expect implements Expecting: room is made when the first rows are there, as it
// has to be reserved.
func (o *build) Expect(rows int64) { o.room = min(rows, math.MaxInt32) }

// makeRoom reserves and makes room for n more rows.
func (o *build) makeRoom(n int) error {
	have := int64(len(o.ids) + n)
	if o.ids != nil && have <= o.room {
		return nil
	}
	reserved := o.room
	if o.ids == nil {
		reserved = 0
	}
	o.room = max(o.room, have)
	if err := o.index.reserve(rowBytes * (o.room - reserved)); err != nil {
		return err
	}
	o.ids, o.times = slices.Grow(o.ids, int(o.room)-len(o.ids)), slices.Grow(o.times, int(o.room)-len(o.times))
	return nil
}

// Process implements Operator.
func (o *build) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	n := b.Len()
	if len(o.ids)+n > math.MaxInt32-1 {
		return errors.New("a part of the index has more than 2^31 rows; raise the parallelism, which makes more parts, or look up fewer rows")
	}
	value := keepColumns(b.Root, o.keep)
	size := (&batch.Batch{Root: value, Sel: b.Sel}).SizeBytes()
	if err := o.index.reserve(size); err != nil {
		return err
	}
	o.size += size
	if err := o.makeRoom(n); err != nil {
		return err
	}
	before := o.keys.SizeBytes()
	at := len(o.ids)
	o.ids = o.ids[:at+n]
	o.keys.Lookup(columnsAt(b.Root, o.index.keys), b.Sel, o.ids[at:])
	for i := range n {
		o.times = append(o.times, b.TimeAt(b.Row(i)))
	}
	if b.Sel != nil {
		value = value.Gather(b.Sel)
	}
	o.values = append(o.values, value)
	if o.texts += textBytes(value); o.texts > math.MaxInt32 {
		return errors.New("the texts that are looked up take more than 2 GiB in a part of the index; raise the parallelism, which makes more parts")
	}
	return o.index.reserve(o.keys.SizeBytes() - before)
}

// rowBytes is what a row takes besides its columns until the rows are in order:
// id and time.
const rowBytes = 4 + 8

// textBytes returns how long the texts of a column are together.
func textBytes(c *batch.Column) int64 {
	if c == nil {
		return 0
	}
	var n int64
	if c.Type.Kind.Form() == batch.StringForm {
		for i := range c.Len {
			n += int64(len(c.Bytes(i)))
		}
	}
	for _, child := range c.Children {
		n += textBytes(child)
	}
	return n
}

// End implements Operator: it puts the rows in order and builds the part.
func (o *build) End(context.Context, graph.Emit) error {
	n := len(o.ids)
	if n == 0 {
		o.index.put(o.number, &part{keys: o.keys, starts: make([]int32, o.keys.Len()+1)})
		return nil
	}
	// At most there are the columns as they came, in one piece, and in order.
	if err := o.index.reserve(2*o.size + sortBytes(n) + int64(8*n+4*o.keys.Len())); err != nil {
		return err
	}
	order, starts := byKeyAndTime(o.ids, o.times, o.keys.Len())
	p := &part{keys: o.keys, starts: starts, times: make([]int64, n)}
	for i, row := range order {
		p.times[i] = o.times[row]
	}
	o.ids, o.times = nil, nil
	whole := batch.Concat(o.values)
	o.values = nil
	value := whole.Gather(order)
	o.index.release(2*o.size + sortBytes(n) + rowBytes*o.room)
	var err error
	p.series, err = agg.NewSeries(o.index.plans, value, p.times, starts[:len(starts)-1], &agg.Reserve{Bytes: o.index.reserve})
	if err != nil {
		return err
	}
	if !p.series.KeepsRows() {
		o.index.release(o.size)
	}
	o.index.put(o.number, p)
	return nil
}
