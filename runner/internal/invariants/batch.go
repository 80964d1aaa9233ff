// Package invariants holds assertions that are too costly for every run. They
// are on in builds with the tag invariants and under the race detector, and cost
// nothing elsewhere: Enabled is a constant.
package invariants

import (
	"fmt"

	"github.com/leatflow/leat/sdk/batch"
)

// Batch checks that a batch is what its package says: columns valid, one time
// and window a row, a selection that ascends and stays in bounds.
func Batch(b *batch.Batch) error {
	if err := batch.Validate(b.Root); err != nil {
		return err
	}
	n := b.Physical()
	for what, length := range map[string]int{"times": len(b.Time), "window starts": len(b.Start), "window ends": len(b.End), "panes": len(b.Panes), "retract marks": len(b.Retract)} {
		if length != 0 && length != n {
			return fmt.Errorf("a batch of %d rows has %d %s", n, length, what)
		}
	}
	if (b.Start == nil) != (b.End == nil) {
		return fmt.Errorf("a batch has window starts without ends, or ends without starts")
	}
	for i := range b.Start {
		if b.Start[i] >= b.End[i] {
			return fmt.Errorf("row %d is in the empty window [%d, %d)", i, b.Start[i], b.End[i])
		}
	}
	last := int32(-1)
	for i, row := range b.Sel {
		if row <= last || int(row) >= n {
			return fmt.Errorf("selection of %d rows: entry %d is %d after %d", n, i, row, last)
		}
		last = row
	}
	return nil
}
