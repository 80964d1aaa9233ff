package graph

import (
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
)

// Reshuffle deals rows out to all tasks, whatever is in them.
type Reshuffle struct{}

// Otherwise passes on the results of a Combine whose only key is null, and when
// there were none, gives the result of no rows in the global window.
type Otherwise struct {
	Aggregate *agg.Plan
	Key       *batch.Type
}

// Kind implements Op.
func (*Reshuffle) Kind() string { return "reshuffle" }

// Detail implements Op.
func (*Reshuffle) Detail() string { return "" }

// Reads implements Op.
func (*Reshuffle) Reads() ([][]int, bool) { return nil, false }

// Kind implements Op.
func (*Otherwise) Kind() string { return "otherwise" }

// Detail implements Op.
func (*Otherwise) Detail() string { return "the result of no rows, when there were none" }

// Reads implements Op.
func (*Otherwise) Reads() ([][]int, bool) { return nil, false }
