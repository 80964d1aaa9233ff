package operator

import (
	"errors"
	"math"
	"slices"

	"github.com/leatflow/leat/runner/internal/state"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// partRows gathers the rows of a part of an index until it can be built. What it
// takes is reserved before it is allocated; when that is refused, the rows that
// were added before are all still there.
type partRows struct {
	types   []*batch.Type
	plans   []*agg.Plan
	holding holding

	keys   *state.Tuples
	ids    []int32
	times  []int64
	values []*batch.Batch // what aggregates read
	share  bool           // without a budget selections keep the columns they are of, which other parts have too
	texts  int64
	size   int64 // of values
	tuples int64 // reserved for keys
	room   int64 // rows there is room for in ids and times
}

func newPartRows(x *Index) *partRows {
	return &partRows{types: x.types, plans: x.plans, holding: holding{memory: x.memory}, keys: state.NewTuples(x.types), share: x.passes == nil}
}

// rowBytes is what a row takes besides its columns until the rows are in order:
// id and time.
const rowBytes = 4 + 8

// makeRoom reserves and makes room for n more rows.
func (r *partRows) makeRoom(n int) error {
	have := int64(len(r.ids) + n)
	if r.ids != nil && have <= r.room {
		return nil
	}
	reserved := r.room
	if r.ids == nil {
		reserved = 0
	}
	room := max(r.room, have)
	if err := r.holding.reserve(rowBytes * (room - reserved)); err != nil {
		return err
	}
	r.room = room
	r.ids, r.times = slices.Grow(r.ids, int(r.room)-len(r.ids)), slices.Grow(r.times, int(r.room)-len(r.times))
	return nil
}

// growth is what the keys have grown by since it was last reserved.
func (r *partRows) growth() int64 { return r.keys.SizeBytes() - r.tuples }

// add adds the rows of a batch that count. keys are its key columns, value what
// aggregates read of it. When it is refused none of them is added.
func (r *partRows) add(b *batch.Batch, keys []*batch.Column, value *batch.Column) error {
	n := b.Len()
	if len(r.ids)+n > math.MaxInt32-1 {
		return errors.New("a part of the index has more than 2^31 rows; raise the parallelism, which makes more parts, or look up fewer rows")
	}
	size, growth := (&batch.Batch{Root: value, Sel: b.Sel}).SizeBytes(), r.growth()
	if err := r.holding.reserve(size + growth); err != nil {
		return err
	}
	if err := r.makeRoom(n); err != nil {
		r.holding.release(size + growth)
		return err
	}
	r.size += size
	r.tuples += growth
	at := len(r.ids)
	r.ids = r.ids[:at+n]
	r.keys.Lookup(keys, b.Sel, r.ids[at:])
	for i := range n {
		r.times = append(r.times, b.TimeAt(b.Row(i)))
	}
	piece := &batch.Batch{Root: value, Sel: b.Sel}
	if !r.share || textBytes(value) > 0 {
		piece = piece.Compact()
	}
	r.values = append(r.values, piece)
	if r.texts += textBytes(piece.Root); r.texts > math.MaxInt32 {
		return errors.New("the texts that are looked up take more than 2 GiB in a part of the index; raise the parallelism, which makes more parts")
	}
	return nil
}

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

// build puts the rows in order and makes the part of them. When memory for that is
// refused, they are all still there.
func (r *partRows) build() (*part, error) {
	n := len(r.ids)
	if n == 0 {
		return &part{keys: r.keys, starts: make([]int32, r.keys.Len()+1)}, nil
	}
	growth := r.growth()
	if err := r.holding.reserve(growth); err != nil {
		return nil, err
	}
	r.tuples += growth
	before := r.holding.bytes
	p, err := r.ordered()
	if err != nil {
		r.holding.release(r.holding.bytes - before)
		return nil, err
	}
	r.holding.release(r.size + rowBytes*r.room)
	r.values, r.ids, r.times = nil, nil, nil
	return p, nil
}

// ordered makes the part.
func (r *partRows) ordered() (*part, error) {
	n, kept := len(r.ids), int64(8*len(r.ids)+4*r.keys.Len())
	if err := r.holding.reserve(kept + sortBytes(n)); err != nil {
		return nil, err
	}
	place, starts := byKeyAndTime(r.ids, r.times, r.keys.Len())
	r.holding.release(sortBytes(n) - placeBytes(n))
	p := &part{keys: r.keys, starts: starts, times: make([]int64, n)}
	for row, at := range place {
		p.times[at] = r.times[row]
	}
	rows := &agg.Rows{Pieces: r.values, Place: place, Time: p.times, Starts: starts[:len(starts)-1]}
	var err error
	p.series, err = agg.NewSeries(r.plans, rows, &agg.Reserve{Bytes: r.holding.reserve, Free: r.holding.release})
	if err == nil {
		r.holding.release(placeBytes(n))
	}
	return p, err
}

// take hands over all rows, as they were added, and gives back what they hold.
func (r *partRows) take(put func(b *batch.Batch) error) error {
	at := 0
	for i, piece := range r.values {
		value := piece.Compact().Root
		for from := 0; from < value.Len; from += batch.TargetRows {
			n := min(value.Len-from, batch.TargetRows)
			b := dealtRows(r.keys.Columns(r.ids[at:at+n]), value.Slice(from, from+n), r.times[at:at+n:at+n])
			if err := put(b); err != nil {
				return err
			}
			at += n
		}
		r.values[i] = nil
	}
	r.holding.drop()
	*r = partRows{types: r.types, plans: r.plans, holding: r.holding, keys: state.NewTuples(r.types), share: r.share}
	return nil
}

// dealtRows is rows of one side of a lookup as they lie on disk: keys, and what
// is known of each row.
func dealtRows(keys []*batch.Column, value *batch.Column, times []int64) *batch.Batch {
	t := &batch.Type{Kind: batch.Struct}
	columns := append(slices.Clip(keys), value)
	for _, c := range columns {
		t.Fields = append(t.Fields, batch.Field{Type: c.Type})
	}
	return &batch.Batch{Root: batch.NewStruct(t, value.Len, columns...), Time: times}
}
