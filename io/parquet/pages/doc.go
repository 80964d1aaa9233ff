// Package pages is the Parquet format: footers and pages on one side, batch
// columns on the other. It knows nothing of connectors.
//
// The one central idea: a page is decoded straight into the vectors of a batch,
// a batch at a time, never through rows or values. A reader asks each column for
// its next n rows; the column walks its pages with one small decoder per
// encoding, each of which remembers where it stopped:
//
//	PAR1 │ row group 0                         │ row group 1 … │ page indexes │ footer │ len │ PAR1
//	      └─ column chunk ─┬─ column chunk ─ …
//	         dictionary page│data page│data page│
//	                        └── levels │ values ──▶ next(n) ──▶ batch.Column
//
// Strings stay dictionary codes as long as the pages of a batch are; each column
// chunk has one *batch.Dictionary. A chunk that falls back to plain half-way
// gives one mixed batch, decoded to plain, and plain batches after it.
//
// A page index, where a file has one, says which rows and what bounds each page
// has. With it a column is read at some ranges of rows only, and pages outside of
// them are neither fetched nor decompressed (PageIndex.Column).
//
// Nothing in a file is believed. Lengths, offsets, counts, codes and levels are
// checked before memory is allocated or indexed for them, what one batch can cost
// is bounded by the rows asked for and by the limits in limits.go, and every
// error names the file, the row group and the column.
//
// The writer is the mirror image: a row group of columns is encoded as a whole by
// one goroutine into one buffer (EncodeRowGroup), and buffers are committed to
// the file in order. The bytes depend on the rows alone.
package pages
