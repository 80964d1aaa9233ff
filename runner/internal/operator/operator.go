// Package operator holds the physical operators, one a file. They see batches,
// never the user's types, and are driven by one goroutine each:
//
//	Process, Watermark, Process, Process, Watermark, … End, Close
//
// The central idea: an operator is passive. It keeps no goroutine, channel or
// clock; what it makes it hands to emit during the call. Watermarks and the end
// of input are passed downstream by the task after the operator has seen them,
// so an operator cannot forget to.
package operator

import (
	"context"
	"math"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// Operator is one step of a fused chain. After an error only Close may be called.
type Operator interface {
	// Process handles a batch. The batch is immutable and may be kept.
	Process(ctx context.Context, b *batch.Batch, emit graph.Emit) error
	// Watermark says that no more rows with event time < w will come, unless
	// they are late. w rises from call to call.
	Watermark(ctx context.Context, w int64, emit graph.Emit) error
	// End says that no more rows will come at all. It is the last call of a run
	// that goes well.
	End(ctx context.Context, emit graph.Emit) error
	// Close releases what the operator holds, in any case, once.
	Close() error
}

// Counters are what an operator reports besides rows in and out.
type Counters struct {
	Dropped int64 // rows too late for every window
}

// Expecting is implemented by operators that can make room for a number of rows
// known beforehand.
type Expecting interface{ Expect(rows int64) }

// KeyGrouped is implemented by operators that can finish the keys of a key group
// before those of the next come.
type KeyGrouped interface {
	EndKeyGroup(ctx context.Context, emit graph.Emit) error
}

// Sided is implemented by operators whose inputs are not alike. Process gets the
// rows of input 0, ProcessSide those of the others, which in a batch plan have all
// come before the first of input 0.
type Sided interface {
	ProcessSide(ctx context.Context, input int, b *batch.Batch, emit graph.Emit) error
}

// Apart is implemented by operators that look at the watermark of each of their
// inputs by itself, as those do that wait for one side only.
type Apart interface {
	Sided
	// WatermarkOf says of one input what Watermark says of all together, and is
	// called before that; math.MaxInt64 says that the input has ended. An input that
	// is idle is taken to be where the others are.
	WatermarkOf(ctx context.Context, input int, w int64, emit graph.Emit) error
}

// Sized is implemented by operators that hold state, for the memory budget.
type Sized interface{ SizeBytes() int64 }

// Timed is implemented by operators that act in processing time, which they take
// from here and from no clock.
//
//	ProcessingTime(t0), Process, Process, ProcessingTime(t1), Watermark, … End
//
// In a streaming run t is the wall clock, and the task wakes when Due is reached.
// Where a script says the time it moves in-band, and only then. In a batch plan it
// stands still. At the end of input it is batch.MaxTime, once, before End, on both
// plans.
type Timed interface {
	// ProcessingTime says that the clock stands at now, in µs since the epoch; it
	// never goes back. It is called before the first Process, then before a Process
	// when the clock has moved, and when Due has been reached.
	ProcessingTime(ctx context.Context, now int64, emit graph.Emit) error
	// Due returns the earliest moment at which ProcessingTime must be called
	// again, batch.MaxTime when there is none. Behind ProcessingTime(now) it is
	// later than now.
	Due() int64
}

// Delaying is implemented by operators that may emit rows with event times before
// the watermark of their input.
type Delaying interface {
	// Hold returns the earliest event time of a row that the operator may still
	// emit because of what it has seen, batch.MaxTime when there is none. The
	// watermark behind the operator does not pass it.
	Hold() int64
}

// Idling is implemented by operators that keep rows back which they could send on.
type Idling interface {
	// Idle says that nothing comes at the moment and that nobody behind will wait:
	// what is kept back would be late when it is sent.
	Idle(ctx context.Context, emit graph.Emit) error
}

// Stopping is implemented by operators that have work under way which does not
// wait for event time: calls, a writer that is open.
type Stopping interface {
	// Stop says, in place of End, that no more rows will come though the input has
	// not ended. What waits for the watermark is left as it is.
	Stop(ctx context.Context, emit graph.Emit) error
}

// Open is what an operator holds until event time moves on, and leaves undone when
// the job is stopped before that.
type Open struct {
	Windows int // that have not fired
	Partial int // results that are not complete: by key, window and task
	Rows    int // that wait as they came
}

// Opening is implemented by operators that leave something open.
type Opening interface{ Open() Open }

// endOfInput stands for the watermark when no more rows will come. It is beyond
// batch.MaxTime because windows of the last rows may be: those of a result in
// the global window, for one, whose event time is the last there is.
const endOfInput = math.MaxInt64

// pass supplies the methods of an operator that only looks at batches.
type pass struct{}

// Watermark implements Operator.
func (pass) Watermark(context.Context, int64, graph.Emit) error { return nil }

// End implements Operator.
func (pass) End(context.Context, graph.Emit) error { return nil }

// Close implements Operator.
func (pass) Close() error { return nil }
