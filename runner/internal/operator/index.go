package operator

import (
	"sync"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// Index holds the rows of a collection by key and time, for the lookups of a
// PointInTime step that have this key. Each part, the keys of one partition, is
// built by one task:
//
//	key    ATL                  BOS        …      key ─▶ id ─▶ where its rows begin
//	time   t1 t2 t2 t5 t9 …     t1 t3 …           searched for q−w and q
//	totals 0 3 8 9 17 …         …                 agg.Series: what lies between
//
// Once all parts are there it does not change, and any number of tasks read it.
// A part that memory has no room for is rows on disk instead (passes.go).
type Index struct {
	keys   [][]int
	types  []*batch.Type
	plans  []*agg.Plan // of the lookups
	memory Memory
	passes *Passes // nil: it must fit

	mu      sync.Mutex
	parts   []*part
	rows    [][]pile // of a part that is not there: its rows, dealt by key
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
// tasks will read. passes, unless nil, is for what does not fit.
func NewIndex(t *batch.Type, keys [][]int, plans []*agg.Plan, parts, readers int, memory Memory, passes *Passes) *Index {
	x := &Index{keys: keys, plans: plans, memory: memory, passes: passes, parts: make([]*part, parts), rows: make([][]pile, parts), readers: readers}
	for _, path := range keys {
		at := t
		for _, i := range path {
			at = at.Fields[i].Type
		}
		x.types = append(x.types, at)
	}
	return x
}

// put adds a part, with what is reserved for it.
func (x *Index) put(i int, p *part, held holding) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.parts[i] = p
	x.held += held.bytes
}

// putRows adds a part that is rows on disk.
func (x *Index) putRows(i int, rows []pile) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.rows[i] = rows
}

// heldBytes returns what the parts that are there hold.
func (x *Index) heldBytes() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.held
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
