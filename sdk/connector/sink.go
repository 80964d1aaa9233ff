package connector

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
)

// Sink describes where rows go. It is an immutable value and does no I/O before
// Open.
type Sink interface {
	// String names the sink for EXPLAIN, progress and errors.
	String() string
	// Validate reports the mistakes that can be seen without I/O, all of them
	// joined: a type the format cannot hold, contradicting options.
	Validate(t *batch.Type) error
	// Open prepares the target: refuses one that must not be overwritten,
	// makes the staging area. It is called once a run, before anything is read.
	Open(ctx context.Context, r SinkRequest) (Output, error)
}

// SinkRequest is what a sink is told about the rows to come.
type SinkRequest struct {
	Step        string      // name of the Write step, for error messages
	Type        *batch.Type // type of the rows
	Parallelism int         // how many writers there will be
	// Memory is how many bytes each writer may hold; zero: as many as it likes.
	// One that cannot do with so little holds no more than it must.
	Memory int64
}

// Output is an opened sink. There are two kinds. One that stages shows nothing
// before Commit: files. A direct one shows rows as they are written, because what
// it writes to has no other way: a topic, whose readers are waiting for them. For a
// direct sink Close of a writer is where it is known that everything has arrived,
// Commit has nothing to do, and Abort cannot take back what has arrived: a run that
// fails and is repeated writes rows again (at least once). It says so in its doc
// comment and its String.
//
// Exactly one of Commit and Abort is called at the
// end, after every writer was closed or aborted.
type Output interface {
	// Writer returns the writer of task, 0 ≤ task < Parallelism. Writers are
	// used concurrently, each by one goroutine. Content and names of what a
	// writer makes depend only on task and the batches given to it.
	Writer(ctx context.Context, task int) (Writer, error)
	// Commit makes everything staged visible. When it fails, what is visible is
	// said in the error.
	Commit(ctx context.Context, staged []Staged) error
	// Abort removes everything staged and leaves the target as it was; a direct sink
	// gives up what has not arrived yet, and leaves the rest. It works
	// with an already cancelled run and may be called after a failed Commit.
	Abort() error
}

// Writer stages the rows of one task.
type Writer interface {
	// Write stages a batch. It may keep the batch's columns but not change them.
	// Rows that are not selected are not written.
	Write(ctx context.Context, b *batch.Batch) error
	// Close flushes and makes the staged data durable. A direct sink waits until
	// everything has arrived.
	Close(ctx context.Context) (Staged, error)
	// Abort gives up the writer instead of Close, or after Close failed.
	Abort() error
}

// Failing is implemented by an Output whose writers hand rows on and learn later
// that one was not taken. Write and Close return such an error too; with OnFailure
// the run also ends when no more rows come.
type Failing interface {
	// OnFailure is called once for each task, before its Writer. failed may then be
	// called, once, from any goroutine.
	OnFailure(task int, failed func(error))
}

// Sized is implemented by writers that hold rows: how many bytes it is by now,
// which count against the job's memory budget.
type Sized interface{ SizeBytes() int64 }

// Staged is what one writer has ready to be committed.
type Staged struct {
	Rows  int64
	Bytes int64
	Files []string // final names, relative to the target, for the report
	Data  any      // the connector's own
}
