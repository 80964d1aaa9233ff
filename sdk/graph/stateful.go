package graph

import (
	"context"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/state"
)

// Stateful runs the user's code row by row, with state by key and window. Input 0
// has keyed rows; the others are side inputs, as those of Rows.
//
// Behind it, rows of windows that followed from event time carry them: what a timer
// puts out stays in the window of the timer.
type Stateful struct {
	Row     *batch.Type // of input 0: struct{key K, value V}
	Note    string
	Cells   []string
	Timers  []state.Timer
	Sorted  bool // rows of a key come in the order of time
	Expires bool // Expire is to be called
	Late    int  // the output for rows that are too late; 0: they are dropped
	New     func() (StatefulFn, error)
}

// StatefulFn is one task's instance of a Stateful operation. One goroutine uses it.
//
// A slot is a small integer that stands for a key and a window. While Process or
// Fire runs, Engine.Advance may call Fire.
type StatefulFn interface {
	// Start runs before anything else.
	Start(ctx context.Context, engine state.Engine) error
	// Grow makes slots [0, n) usable. New ones are empty.
	Grow(n int)
	// Process handles a batch; at[i] is the slot of its i-th row that counts.
	Process(ctx context.Context, b *batch.Batch, at []int32, emit Emit) error
	// Fire calls OnTimer for each firing.
	Fire(ctx context.Context, f *Firings, emit Emit) error
	// Expire calls OnExpiry for each slot; of the firings, Timer, Tag and At are nil.
	Expire(ctx context.Context, f *Firings, emit Emit) error
	// Flush passes on what was emitted and waits to fill a batch.
	Flush(emit Emit) error
	// Reset empties slots, for other keys.
	Reset(slots []int32)
	// Empty reports whether a slot has no state.
	Empty(slot int32) bool
	// Age empties cells whose time to live is over at a watermark, or a processing
	// time, and Lives returns the shortest such time, in µs; 0 when all live for ever.
	Age(watermark, processing int64)
	Lives() int64
	// SizeBytes estimates the memory of the state.
	SizeBytes() int64
	// Close releases what Start made, in any case.
	Close() error
}

// Firings are calls of OnTimer or OnExpiry, no two for one slot.
type Firings struct {
	// Rows has the keys as its only column, and as time and window of row i what
	// rows put out by call i are to have.
	Rows  *batch.Batch
	Slots []int32
	Timer []int32 // which timer
	Tag   []string
	At    []int64 // what it was set to
}

// Kind implements Op.
func (*Stateful) Kind() string { return "stateful" }

// Detail implements Op.
func (s *Stateful) Detail() string {
	var d string
	for _, c := range s.Cells {
		d += ", cell " + c
	}
	for _, t := range s.Timers {
		what := ", timer "
		if t.Processing {
			what = ", processing timer "
		}
		d += what + t.Name
	}
	if s.Sorted {
		d += ", sorted by time"
	}
	if s.Note != "" {
		d += ", " + s.Note
	}
	if d != "" {
		d = d[2:]
	}
	return d
}

// Reads implements Op: a closure may read every field of its struct.
func (*Stateful) Reads() ([][]int, bool) { return nil, true }
