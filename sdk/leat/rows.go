package leat

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/graph"
)

// chunkRows is how many rows are decoded at a time: few enough to stay in the
// first-level cache, enough to make per-chunk costs disappear.
const chunkRows = 256

// PanicError is a panic of user code, turned into an error of the job.
type PanicError struct {
	Row   string // the row the code was called with
	Value any    // what it panicked with
	Stack []byte
}

// Error says what happened and where in the user's code.
func (e *PanicError) Error() string {
	return fmt.Sprintf("the function panicked: %v\n  row: %s\n%s", e.Value, e.Row, e.Stack)
}

// RowError is an error that user code returned for a row.
type RowError struct {
	Row string
	Err error
}

// Error names the row.
func (e *RowError) Error() string { return fmt.Sprintf("%v\n  row: %s", e.Err, e.Row) }

// Unwrap returns the user's error.
func (e *RowError) Unwrap() error { return e.Err }

// printRow renders a row for an error message, bounded.
func printRow(row any) string {
	const most = 500
	s := fmt.Sprintf("%+v", row)
	if len(s) > most {
		s = s[:most] + fmt.Sprintf("… (%d bytes)", len(s))
	}
	return s
}

// rowsIn walks the rows that count of a batch in decoded chunks.
type rowsIn[A any] struct {
	decode   decoder[A]
	rows     []A
	identity [chunkRows]int32
	at       int // position in the chunk of the row user code is looking at
}

func newRowsIn[A any](d decoder[A]) *rowsIn[A] {
	return &rowsIn[A]{decode: d, rows: make([]A, chunkRows)}
}

// each decodes b chunk by chunk and calls f with each chunk and the physical
// rows it came from. A panic below f becomes a *PanicError that names the row
// at r.at, which f keeps up to date.
func (r *rowsIn[A]) each(b *batch.Batch, f func(chunk []A, physical []int32) error) error {
	for from, n := 0, b.Len(); from < n; from += chunkRows {
		to := min(from+chunkRows, n)
		physical := r.physical(b, from, to)
		chunk := r.rows[:to-from]
		if err := r.decode.Decode(b.Root, physical, chunk); err != nil {
			return err
		}
		r.at = 0
		if err := r.guard(chunk, physical, f); err != nil {
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

func (r *rowsIn[A]) guard(chunk []A, physical []int32, f func([]A, []int32) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Row: printRow(chunk[r.at]), Value: v, Stack: debug.Stack()}
		}
	}()
	return f(chunk, physical)
}

// rowsOut collects output rows and passes them on as batches.
type rowsOut[B any] struct {
	encode  *codec.Encoder[B]
	output  int
	pending []B
	time    []int64
	start   []int64
	end     []int64
	windows bool
}

func newRowsOut[B any](c *codec.Codec[B], output int) *rowsOut[B] {
	return &rowsOut[B]{encode: c.NewEncoder(), output: output, pending: make([]B, 0, chunkRows)}
}

// add takes a row with the time and window of physical row i of from.
func (o *rowsOut[B]) add(row B, from *batch.Batch, i int32) {
	o.pending = append(o.pending, row)
	o.time = append(o.time, from.TimeAt(int(i)))
	if from.Start != nil {
		o.windows = true
		o.start = append(o.start, from.Start[i])
		o.end = append(o.end, from.End[i])
	}
}

// settle encodes pending rows when a chunk is full and emits when a batch is.
func (o *rowsOut[B]) settle(emit graph.Emit) error {
	if len(o.pending) < chunkRows {
		return nil
	}
	if err := o.encode.Append(o.pending); err != nil {
		return err
	}
	o.pending = o.pending[:0]
	if o.encode.Len() < batch.TargetRows {
		return nil
	}
	return o.flush(emit)
}

// flush emits what there is.
func (o *rowsOut[B]) flush(emit graph.Emit) error {
	if err := o.encode.Append(o.pending); err != nil {
		return err
	}
	o.pending = o.pending[:0]
	if o.encode.Len() == 0 {
		return nil
	}
	b := &batch.Batch{Root: o.encode.Finish(), Time: o.time}
	if o.windows {
		b.Start, b.End = o.start, o.end
	}
	o.time, o.start, o.end, o.windows = nil, nil, nil, false
	return emit(o.output, b)
}

// newTimeFn returns a function that computes event times row by row.
func newTimeFn[T any](rows decoder[T], f func(T) time.Time) graph.TimeFn {
	in := newRowsIn[T](rows)
	return func(root *batch.Column) ([]int64, error) {
		times := make([]int64, root.Len)
		err := in.each(&batch.Batch{Root: root}, func(chunk []T, physical []int32) error {
			for i := range chunk {
				in.at = i
				at := f(chunk[i])
				us, err := micros(at)
				if err != nil {
					return &RowError{Row: printRow(chunk[i]), Err: err}
				}
				times[physical[i]] = us
			}
			return nil
		})
		return times, err
	}
}

// micros converts an event time, which must lie between batch.MinTime and
// batch.MaxTime.
func micros(at time.Time) (int64, error) {
	seconds := at.Unix()
	if seconds <= batch.MinTime/1e6 || seconds >= batch.MaxTime/1e6 {
		return 0, fmt.Errorf("event time %s is out of range: times reach from year %d to %d", at.Format(time.RFC3339),
			time.UnixMicro(batch.MinTime).UTC().Year(), time.UnixMicro(batch.MaxTime).UTC().Year())
	}
	return at.UnixMicro(), nil
}
