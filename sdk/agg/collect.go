package agg

import (
	"bytes"
	"cmp"

	"github.com/leatflow/leat/sdk/batch"
)

// Collects reports whether the aggregate is one CollectList of all rows and
// nothing else, as behind leat.GroupByKey. Such accumulators are lists, in the
// order of the result; a saved list can be cut into pieces, which loaded one
// after the other make the same accumulator.
func (p *Plan) Collects() bool {
	return p.custom == "" && len(p.terms) == 1 && p.terms[0].function == "collectList" &&
		p.terms[0].where == 0 && len(p.states) == 1 && p.output.Kind == batch.List
}

// Collected returns the column of lists in saved accumulators of a plan that
// Collects.
func Collected(saved *batch.Column) *batch.Column { return saved.Children[0] }

// Pieces returns saved accumulators of a plan that Collects: row i is elements
// [offsets[i], offsets[i+1]) of a column of lists, which it shares.
func (p *Plan) Pieces(lists *batch.Column, offsets []int32) *batch.Column {
	c := &batch.Column{Type: lists.Type, Len: len(offsets) - 1, Offsets: offsets, Children: lists.Children}
	return batch.NewStruct(p.saved, c.Len, c)
}

// CompareCollected orders element i of a column of lists and element j of
// another, as the result orders them.
func CompareCollected(a *batch.Column, i int, b *batch.Column, j int) int {
	x, y := a.Children[0].Children, b.Children[0].Children
	if c := cmp.Compare(x[0].Ints[i], y[0].Ints[j]); c != 0 { // time
		return c
	}
	if c := bytes.Compare(x[1].Bytes(i), y[1].Bytes(j)); c != 0 { // by
		return c
	}
	if c := cmp.Compare(uint64(x[2].Ints[i]), uint64(y[2].Ints[j])); c != 0 {
		return c
	}
	return bytes.Compare(x[3].Bytes(i), y[3].Bytes(j))
}
