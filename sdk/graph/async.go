package graph

import (
	"context"
	"fmt"
	"time"

	"github.com/leatflow/leat/sdk/batch"
)

// Async calls the user's function for each row, several rows at once.
type Async struct {
	Capacity  int  // rows under way in a task
	Unordered bool // results leave as they come, but none passes a watermark
	Timeout   time.Duration
	Retries   int
	New       func() AsyncFn
}

// AsyncFn makes the calls of one task. One goroutine uses it.
type AsyncFn interface {
	// Call returns the call for physical row i of a batch.
	Call(b *batch.Batch, i int32) (AsyncCall, error)
	// Results returns the results of calls that have gone well, as columns.
	Results(calls []AsyncCall) (*batch.Column, error)
}

// AsyncCall is the call for one row.
type AsyncCall interface {
	// Run makes it, once, in a goroutine of its own. The error names the row.
	Run(ctx context.Context) error
	// GivenUp returns the error that a call which never returned ends with.
	GivenUp(why error) error
}

// Kind implements Op.
func (*Async) Kind() string { return "async" }

// Detail implements Op.
func (a *Async) Detail() string {
	d := "in order"
	if a.Unordered {
		d = "in any order"
	}
	d += fmt.Sprintf(", %d at once", a.Capacity)
	if a.Timeout > 0 {
		d += ", timeout " + a.Timeout.String()
	}
	if a.Retries > 0 {
		d += fmt.Sprintf(", %d retries", a.Retries)
	}
	return d
}

// Reads implements Op: a closure may read every field of its struct.
func (*Async) Reads() ([][]int, bool) { return nil, true }
