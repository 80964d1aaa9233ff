package operator

import "github.com/leatflow/leat/sdk/batch"

// collecting puts rows of several batches together, with their times and windows.
type collecting struct {
	roots      gathering
	time       []int64
	start, end []int64
	panes      []batch.Pane
	retract    []bool
}

// source adds a batch and returns its number.
func (c *collecting) source(b *batch.Batch) int32 { return c.roots.source(b.Root) }

// len returns the number of rows.
func (c *collecting) len() int { return c.roots.len() }

// add adds a physical row of batch b, which is source col.
func (c *collecting) add(col int32, b *batch.Batch, row int) {
	n := c.roots.len()
	c.roots.add(col, row)
	c.time = appended(c.time, b.Time, n, row, batch.MinTime)
	c.start = appended(c.start, b.Start, n, row, batch.MinTime)
	c.end = appended(c.end, b.End, n, row, batch.MaxTime)
	c.pane(b, n, row)
	c.retract = appended(c.retract, b.Retract, n, row, false)
}

// pane adds the pane of a row to those of the n there are. Rows that came without
// are of windows that fire once, or of none.
func (c *collecting) pane(b *batch.Batch, n, row int) {
	if b.Panes == nil && c.panes == nil {
		return
	}
	before := &batch.Batch{Start: c.start}
	for len(c.panes) < n {
		c.panes = append(c.panes, before.PaneAt(len(c.panes)))
	}
	c.panes = append(c.panes, b.PaneAt(row))
}

// appended appends values[row] to the n there are. Where some batches have the
// vector and some have not, absent stands in, as in batch.ConcatBatches.
func appended[T any](have, values []T, n, row int, absent T) []T {
	switch {
	case values == nil && have == nil:
		return nil
	case values == nil:
		return append(have, absent)
	}
	for len(have) < n {
		have = append(have, absent)
	}
	return append(have, values[row])
}

// take returns the rows, of which there must be some, and forgets them.
func (c *collecting) take() *batch.Batch {
	b := &batch.Batch{Root: c.roots.column(), Time: c.time, Start: c.start, End: c.end, Panes: c.panes, Retract: c.retract}
	c.roots.reset()
	c.time, c.start, c.end, c.panes, c.retract = nil, nil, nil, nil, nil
	return b
}
