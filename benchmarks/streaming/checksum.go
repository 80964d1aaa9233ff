package main

import (
	"context"
	"sync"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// checksum is a sink that reads every value of every row and adds up a hash of
// each row, so that the sum does not depend on the order of rows.
type checksum struct {
	mu   sync.Mutex
	rows int64
	sum  uint64
}

// String implements connector.Sink.
func (c *checksum) String() string { return "checksum" }

// Validate implements connector.Sink.
func (c *checksum) Validate(*batch.Type) error { return nil }

// Open implements connector.Sink.
func (c *checksum) Open(context.Context, connector.SinkRequest) (connector.Output, error) {
	return c, nil
}

// Writer implements connector.Output.
func (c *checksum) Writer(context.Context, int) (connector.Writer, error) {
	return &summing{to: c}, nil
}

// Commit implements connector.Output.
func (c *checksum) Commit(context.Context, []connector.Staged) error { return nil }

// Abort implements connector.Output.
func (c *checksum) Abort() error { return nil }

// summing is the writer of one task.
type summing struct {
	to     *checksum
	rows   int64
	sum    uint64
	hashes []uint64
}

// Write implements connector.Writer.
func (w *summing) Write(_ context.Context, b *batch.Batch) error {
	n := b.Len()
	if cap(w.hashes) < n {
		w.hashes = make([]uint64, max(n, batch.TargetRows))
	}
	hashes := w.hashes[:n]
	clear(hashes)
	foldColumn(hashes, b.Root, b.Sel)
	fold(hashes, b.Time, b.Sel)
	for _, h := range hashes {
		w.sum += h ^ h>>32
	}
	w.rows += int64(n)
	return nil
}

// foldColumn adds every integer column of c to the hashes of its rows.
func foldColumn(hashes []uint64, c *batch.Column, sel []int32) {
	if c.Ints != nil {
		fold(hashes, c.Ints, sel)
	}
	for _, child := range c.Children {
		foldColumn(hashes, child, sel)
	}
}

func fold(hashes []uint64, values []int64, sel []int32) {
	if sel == nil {
		for i, v := range values[:len(hashes)] {
			hashes[i] = foldOne(hashes[i], v)
		}
		return
	}
	for i, row := range sel {
		hashes[i] = foldOne(hashes[i], values[row])
	}
}

func foldOne(h uint64, v int64) uint64 { return (h ^ uint64(v)) * 0x9e3779b97f4a7c15 }

// Close implements connector.Writer.
func (w *summing) Close(context.Context) (connector.Staged, error) {
	w.to.mu.Lock()
	defer w.to.mu.Unlock()
	w.to.rows += w.rows
	w.to.sum += w.sum
	return connector.Staged{Rows: w.rows}, nil
}

// Abort implements connector.Writer.
func (w *summing) Abort() error { return nil }
