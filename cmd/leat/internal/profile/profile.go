// Package profile describes the columns of a table after one look at all rows:
// bounds, nulls, number of distinct values, frequent values, disorder of times.
//
// The one central idea: memory is bounded whatever the rows. A column is a few
// accumulators that take batches in file order: bounds; a HyperLogLog sketch for
// the number of distinct values; for strings a table of counts that is exact up
// to a number of values and approximate, by a known error, beyond it; for times
// the running maximum, which is what a watermark follows:
//
//	times     1  3  7  4  9  9 …
//	maximum   1  3  7  7  9  9      disorder 3: the 4 comes behind the 7
//	                   ↑     ↑      1 row out of order, 1 equal to the row before
package profile

import (
	"github.com/axiomhq/hyperloglog"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// Column is what was found out about one column.
type Column struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Rows  int64  `json:"rows"`
	Nulls int64  `json:"nulls"`
	NaNs  int64  `json:"nans,omitempty"`
	// Min and Max are rendered; "" when there are no values or they have no order.
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
	// Distinct is the number of values other than null, estimated by HyperLogLog
	// (standard error 0.8 %) unless DistinctExact.
	Distinct      uint64 `json:"distinct"`
	DistinctExact bool   `json:"distinct_exact"`

	Times *Times `json:"times,omitempty"` // of a time column with values
	Top   *Top   `json:"top,omitempty"`   // of a string column with values
}

// Times is how a time column runs in file order, nulls left out.
type Times struct {
	From int64 `json:"from_micros"`
	To   int64 `json:"to_micros"`
	// DisorderMicros is the largest running maximum − value: the bound with which
	// a watermark loses no row.
	DisorderMicros int64 `json:"disorder_micros"`
	OutOfOrder     int64 `json:"out_of_order"` // rows below the running maximum
	Repeated       int64 `json:"repeated"`     // rows equal to the row before
	Values         int64 `json:"values"`       // rows that are not null
}

// Top are the most frequent values of a column.
type Top struct {
	Values []Frequent `json:"values"`
	// Exact: the counts are right. Otherwise each is too low by at most Error.
	Exact bool  `json:"exact"`
	Error int64 `json:"error"`
}

// Frequent is a value and how many rows have it.
type Frequent struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// Accumulator takes the values of one column, in file order, for one goroutine.
type Accumulator struct {
	column Column
	typ    *batch.Type
	sketch *hyperloglog.Sketch
	hasher codec.Hasher
	hashes []uint64
	bounds bounds
	times  *clock
	texts  *texts
	last   uint64 // the hash of the row before, not to be inserted again
}

// New returns an accumulator of a column of type t.
func New(name string, t *batch.Type) *Accumulator {
	a := &Accumulator{column: Column{Name: name, Type: t.String()}, typ: t, sketch: hyperloglog.NewNoSparse()}
	switch {
	case t.Kind == batch.Time:
		a.times = &clock{}
	case t.Kind.Form() == batch.StringForm:
		a.texts = newTexts(valuesMost, bytesMost)
	}
	return a
}

// Add takes the next rows.
func (a *Accumulator) Add(c *batch.Column) {
	a.column.Rows += int64(c.Len)
	a.column.Nulls += int64(c.Len - c.Valid.Count(c.Len))
	switch c.Type.Kind.Form() {
	case batch.StringForm:
		a.texts.add(c)
		return
	case batch.IntForm:
		a.bounds.ints(c)
	case batch.FloatForm:
		a.column.NaNs += a.bounds.floats(c)
	case batch.BoolForm:
		a.bounds.bools(c)
	}
	if a.times != nil {
		a.times.add(c)
	}
	a.sample(c)
}

// sample inserts the hashes of the values into the sketch; a row equal to the one
// before, which is frequent in sorted columns, costs nothing.
func (a *Accumulator) sample(c *batch.Column) {
	if cap(a.hashes) < c.Len {
		a.hashes = make([]uint64, c.Len)
	}
	a.hashes = a.hashes[:c.Len]
	a.hasher.Hashes(c, nil, a.hashes)
	for i, h := range a.hashes {
		if h == a.last || c.Null(i) {
			continue
		}
		a.last = h
		a.sketch.InsertHash(h)
	}
}

// Finish returns what was found, with the most frequent values, at most most.
func (a *Accumulator) Finish(most int) Column {
	c := a.column
	switch {
	case a.texts != nil:
		a.texts.finish(&c, most)
	default:
		c.Distinct = a.sketch.Estimate()
		c.Min, c.Max = a.bounds.render(a.typ)
	}
	if a.times != nil && a.times.Values > 0 {
		t := a.times.Times
		c.Times = &t
	}
	return c
}
