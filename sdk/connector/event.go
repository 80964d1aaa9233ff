package connector

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
)

// EventReader may be implemented by a Reader that knows more of time than its
// rows tell: a topic with watermarks in it, a table that says when a partition is
// complete, a script. The engine then calls ReadEvent in place of Read.
//
// What such a reader says of the watermark counts where the Read step declares no
// generator of its own.
type EventReader interface {
	Reader
	// ReadEvent returns the next event, or io.EOF. It blocks like Read.
	ReadEvent(ctx context.Context) (Event, error)
}

// Event is rows, or something said about time between rows.
type Event struct {
	Kind EventKind
	// Batch holds at least one row. Unlike those of Read it may have event times,
	// which count where the Read step declares none.
	Batch *batch.Batch
	Time  int64 // Watermark: no more rows before it, in µs since the epoch; Advance: µs
	// More says that the next event is part of this one: rows too many for a batch.
	More bool
}

// EventKind is the kind of an event.
type EventKind uint8

// The kinds.
const (
	Rows      EventKind = iota
	Watermark           // one that goes back is ignored
	Idle                // nothing comes for a while: do not wait for this reader
	Active              // it may come again; rows and watermarks say so too
	Advance             // the processing time moves on; only from a Scripted source
)

// Timed may be implemented by a Source whose rows come with event times.
type Timed interface{ Timed() bool }

// Scripted may be implemented by a Source of EventReaders that is a script of what
// happens in time: a test. In a streaming plan the engine asks for the next event
// of one scripted source at a time, the one with the fewest behind it first, and
// only when all that came before has been worked off everywhere. The clock of the
// run is that of the scripts: it begins at the epoch and stands still until one of
// them advances it.
type Scripted interface{ Scripted() bool }

// IsTimed reports whether the rows of a source come with event times.
func IsTimed(s Source) bool {
	t, ok := s.(Timed)
	return ok && t.Timed()
}

// IsScripted reports whether a source is a script.
func IsScripted(s Source) bool {
	t, ok := s.(Scripted)
	return ok && t.Scripted()
}
