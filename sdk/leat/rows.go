package leat

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// chunkRows is how many rows are decoded at a time: few enough to stay in the
// first-level cache, enough to make per-chunk costs disappear.
const chunkRows = 256

// rowsIn walks the rows that count of a batch in decoded chunks.
type rowsIn[A any] struct {
	blame
	decode   decoder[A]
	rows     []A
	identity [chunkRows]int32
	at       int     // position in the chunk of the row user code is looking at
	chunk    []int32 // the physical rows of the chunk
}

func newRowsIn[A any](d decoder[A]) *rowsIn[A] {
	return &rowsIn[A]{decode: d, rows: make([]A, chunkRows)}
}

// each decodes b chunk by chunk and calls f with each chunk and the physical
// rows it came from. A panic of the user's code below f becomes a *PanicError
// that names the row at r.at, which f keeps up to date.
func (r *rowsIn[A]) each(b *batch.Batch, f func(chunk []A, physical []int32) error) error {
	for from, n := 0, b.Len(); from < n; from += chunkRows {
		to := min(from+chunkRows, n)
		physical := r.physical(b, from, to)
		chunk := r.rows[:to-from]
		if err := r.decode.Decode(b.Root, physical, chunk); err != nil {
			return err
		}
		r.at, r.chunk = 0, physical
		if err := r.guard(func() error { return f(chunk, physical) }, func() any { return chunk[r.at] }); err != nil {
			return err
		}
	}
	return nil
}

func (r *rowsIn[A]) physical(b *batch.Batch, from, to int) []int32 {
	if b.Sel != nil {
		return b.Sel[from:to]
	}
	for i := range r.identity[:to-from] {
		r.identity[i] = int32(from + i)
	}
	return r.identity[:to-from]
}

// encode appends rows; on an error it names the row that has no columns.
func encode[B any](to *codec.Encoder[B], rows []B) error {
	err := to.Append(rows)
	if err == nil {
		return nil
	}
	for i := range rows {
		if err := to.Append(rows[i : i+1]); err != nil {
			return &RowError{Row: printRow(rows[i]), Err: fmt.Errorf("the result cannot be put into columns: %w", err)}
		}
	}
	return err
}

// rowsOut collects output rows and passes them on as batches.
type rowsOut[B any] struct {
	encoder *codec.Encoder[B]
	output  int
	pending []B

	// What the rows inherit; start, end, panes and retract are nil where their rows
	// have none.
	time, start, end []int64
	panes            []batch.Pane
	retract          []bool
	last             int // rows of the last batch: what to make room for
}

func newRowsOut[B any](c *codec.Codec[B], output int) *rowsOut[B] {
	return &rowsOut[B]{encoder: c.NewEncoder(), output: output, pending: make([]B, 0, chunkRows)}
}

// add takes a row with the time and window of physical row i of from. When full
// says so, settle has to be called.
func (o *rowsOut[B]) add(row B, from *batch.Batch, i int32) {
	if o.time == nil {
		o.time = make([]int64, 0, max(o.last, 16))
	}
	o.pending = append(o.pending, row)
	o.time = append(o.time, from.TimeAt(int(i)))
	if from.Start != nil {
		o.start = append(o.start, from.Start[i])
		o.end = append(o.end, from.End[i])
	}
	if from.Panes != nil {
		o.panes = append(o.panes, from.Panes[i])
	}
	if from.Retract != nil {
		o.retract = append(o.retract, from.Retract[i])
	}
}

// full reports whether there are enough rows to be encoded.
func (o *rowsOut[B]) full() bool { return len(o.pending) >= chunkRows }

// settle encodes pending rows, and emits when they make a batch.
func (o *rowsOut[B]) settle(emit graph.Emit) error {
	if err := encode(o.encoder, o.pending); err != nil {
		return err
	}
	o.pending = o.pending[:0]
	if o.encoder.Len() < batch.TargetRows {
		return nil
	}
	return o.flush(emit)
}

// flush emits what there is. It is called before rows of another batch are
// added, so that the rows of one batch all have windows or none has.
func (o *rowsOut[B]) flush(emit graph.Emit) error {
	if err := encode(o.encoder, o.pending); err != nil {
		return err
	}
	o.pending = o.pending[:0]
	if o.encoder.Len() == 0 {
		return nil
	}
	b := &batch.Batch{Root: o.encoder.Finish(), Time: o.time, Start: o.start, End: o.end, Panes: o.panes, Retract: o.retract}
	o.last = len(o.time)
	o.time, o.start, o.end, o.panes, o.retract = nil, nil, nil, nil, nil
	return emit(o.output, b)
}
