package watermark

import "github.com/leatflow/leat/sdk/batch"

// Alignment holds readers of a source that are too far ahead of the slowest.
type Alignment struct {
	Drift  int64 // how far ahead of the slowest a reader may be, in µs
	inputs []Input
}

// Add adds a reader, which has said nothing, and returns its number.
func (a *Alignment) Add() int {
	a.inputs = append(a.inputs, Input{Active, batch.MinTime})
	return len(a.inputs) - 1
}

// Set says where a reader is. It reports whether the slowest may be another, or
// further: then readers that are held may go on.
func (a *Alignment) Set(i int, in Input) (moved bool) {
	before := Combine(a.inputs, false)
	a.inputs[i] = in
	return Combine(a.inputs, false) != before
}

// Holds reports whether a reader must wait for the slowest. The slowest itself
// never does, nor does anybody when no reader is active.
func (a *Alignment) Holds(i int) bool {
	slowest := Combine(a.inputs, false)
	return slowest.State == Active && a.inputs[i].Watermark-slowest.Watermark > a.Drift
}
