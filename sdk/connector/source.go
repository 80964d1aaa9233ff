// Package connector is the contract between the engine and what reads or writes
// the outside world. io/ implements it, the runner calls it, and connectortest
// checks that an implementation keeps it.
//
// A source is a plain value that describes input. Opening it yields splits,
// the units of parallel reading; a reader turns one split into batches:
//
//	Source ──Open──▶ Input ──Splits──▶ [s0 s1 s2 …]
//	                   └──Reader(s1)──▶ Read, Read, … io.EOF, Close
//
// A sink stages what each task writes and shows nothing until every task is done
// (or writes directly, see Output):
//
//	Sink ──Open──▶ Output ──Writer(task)──▶ Write … Close ⇒ Staged
//	                  └──Commit([Staged…])   or Abort, after which nothing is left
package connector

import (
	"context"
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// Source describes where rows come from. It is an immutable value, safe for
// concurrent use, and does no I/O before Open.
type Source interface {
	// String names the source for EXPLAIN, progress and errors: parquet data/*.parquet.
	String() string
	// Bounded reports whether the input ends.
	Bounded() bool
	// Validate reports the mistakes that can be seen without I/O: all of them,
	// joined. t is the type of the rows that will be asked for.
	Validate(t *batch.Type) error
	// Open looks at the input: lists files, reads footers, checks columns
	// against the request. It is called once a run.
	Open(ctx context.Context, r Request) (Input, error)
}

// Request is what the engine wants from a source.
type Request struct {
	// Step is the name of the Read step, for error messages.
	Step string
	// Type is the row type. A source binds struct fields to its columns by name
	// and reports missing and mismatched ones, all of them together. A scalar
	// type asks for the source's single natural value (a line of text).
	Type *batch.Type
	// Needed lists, for a struct type, which top-level fields are read by the
	// pipeline; the others may be left nil in the batches. nil means all.
	Needed []bool
	// Filter, when not nil, is implied by what the pipeline keeps. A source may
	// use it to skip data that cannot match (row groups, pages, files); it need
	// not filter rows.
	Filter *field.Predicate
	// BatchRows is the number of rows to aim at for one batch; a reader never
	// returns more. Zero means batch.TargetRows.
	BatchRows int
	// Parallelism is how many readers will be open at the same time.
	Parallelism int
	// Bad is called for each record that cannot be decoded, from any reader's
	// goroutine. It applies the user's choice: a nil result means go on without
	// the record, an error must be returned by Read as it is. Never nil.
	Bad func(BadRecord) error
}

// Rows returns BatchRows or its default.
func (r *Request) Rows() int {
	if r.BatchRows > 0 {
		return r.BatchRows
	}
	return batch.TargetRows
}

// Needs reports whether top-level field i of the type is read by the pipeline.
func (r *Request) Needs(i int) bool { return r.Needed == nil || r.Needed[i] }

// BadRecord is a record that a source could not turn into a row.
type BadRecord struct {
	Place string // where it is: events.json:17, topic-3@4711
	Raw   []byte // the bytes as read, at most MaxRawBytes of them
	Err   error  // what is wrong with it
}

// MaxRawBytes bounds what a bad record carries of the original.
const MaxRawBytes = 64 << 10

// Error renders the record for a failing job.
func (b BadRecord) Error() string { return fmt.Sprintf("%s: %v", b.Place, b.Err) }

// Unwrap returns the cause.
func (b BadRecord) Unwrap() error { return b.Err }

// Input is an opened source.
type Input interface {
	// Splits returns the units of parallel reading in the source's order. The
	// engine gives them to readers in that order; in a bounded input each split
	// follows the one before it, so that a bound on disorder spans splits.
	Splits() []Split
	// Reader opens one split. Several readers may be open and in use at once,
	// each by one goroutine.
	Reader(ctx context.Context, s Split) (Reader, error)
	// Close releases what Open acquired, after all readers are closed.
	Close() error
}

// Split is a part of an input that one reader reads from begin to end.
type Split struct {
	Name  string // for messages: flights.parquet[row group 3]
	Rows  int64  // -1 when not known
	Bytes int64  // compressed size for progress; -1 when not known
	Data  any    // the connector's own
}

// Reader reads one split.
type Reader interface {
	// Read returns the next batch, or io.EOF. A batch has at least one row, unless
	// bad records were told of since the last one: a reader that finds nothing else
	// returns with none, so that they are passed on, and do not pile up. On an
	// unbounded source it blocks until there are rows or ctx is done. A batch is
	// immutable and may outlive the reader. Start and End of the batch are left
	// nil; Time is too, unless the source is Timed. After an error only Close may be
	// called.
	Read(ctx context.Context) (*batch.Batch, error)
	Close() error
}

// Progress may be implemented by a Reader to say how much of its split it has
// read so far.
type Progress interface {
	// Done returns the fraction of the split's Bytes read, in [0, 1]. It may be
	// called from another goroutine than Read.
	Done() float64
}

// Partitioned may be implemented by a Source whose splits are orders of their own,
// such as the partitions of a topic, also when it is bounded: each split then has
// its own watermark, and a bound on disorder does not span splits. The splits of
// an unbounded source always are.
type Partitioned interface{ Partitioned() bool }

// Growing may be implemented by an Input whose splits are not all known when it
// is opened: new partitions of a topic. Each is an order of its own. The engine asks
// on the streaming plan only, from one goroutine; what it gives a task holds the
// watermark where it is until it has said something.
type Growing interface {
	// More blocks until there are splits beyond those that Splits and More have
	// returned, or ctx is done. io.EOF says that there will be none.
	More(ctx context.Context) ([]Split, error)
}

// IsPartitioned reports whether the splits of a source are orders of their own.
func IsPartitioned(s Source) bool {
	p, ok := s.(Partitioned)
	return !s.Bounded() || ok && p.Partitioned()
}
