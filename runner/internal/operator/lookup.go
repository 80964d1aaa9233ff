package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
)

// lookup makes the rows of a PointInTime step: it passes the spine on in the
// order in which it comes, with columns added that the indexes answer.
type lookup struct {
	pass
	step    *graph.PointInTime
	output  *batch.Type
	indexes []Probed
	probes  []*probe // of each index one for each key of the spine
	slots   []int32  // 0, 1, 2 …
	most    int64    // bytes that tables may take; 0: any number
	atOnce  int      // rows to look up at once, when that is bounded
}

// Probed is an index and the lookups of the step that it answers.
type Probed struct {
	Index   *Index
	Lookups []int
}

// NewLookup returns the operator that looks the spine up in indexes, all of which
// must be complete. passes, unless nil, says how little memory there is.
func NewLookup(step *graph.PointInTime, output *batch.Type, indexes []Probed, passes *Passes) Operator {
	o := &lookup{step: step, output: output, indexes: indexes, atOnce: batch.TargetRows}
	if passes != nil {
		o.most = passes.share() / 8
	}
	for _, x := range indexes {
		for _, same := range x.bySpine(step) {
			o.probes = append(o.probes, newProbe(step, same).in(x.Index.parts))
		}
	}
	return o
}

// bySpine divides the lookups by the key of the spine.
func (x *Probed) bySpine(step *graph.PointInTime) (all [][]int) {
	for rest := x.Lookups; len(rest) > 0; {
		var same, other []int
		for _, l := range rest {
			if slices.EqualFunc(step.Lookups[l].Spine, step.Lookups[rest[0]].Spine, slices.Equal[[]int]) {
				same = append(same, l)
			} else {
				other = append(other, l)
			}
		}
		all = append(all, same)
		rest = other
	}
	return all
}

// filled is a column of the output and where it goes.
type filled struct {
	path   []int
	column *batch.Column
}

// Process implements Operator.
func (o *lookup) Process(_ context.Context, b *batch.Batch, emit graph.Emit) error {
	b = b.Compact()
	n := b.Physical()
	if n == 0 {
		return nil
	}
	for len(o.slots) < n {
		o.slots = append(o.slots, int32(len(o.slots)))
	}
	columns := copies(o.step, o.output, b)
	if o.most == 0 {
		found, err := o.answer(b)
		if err != nil {
			return err
		}
		return emit(0, b.WithRoot(assemble(o.output, nil, n, append(columns, found...))))
	}
	var pieces [][]filled
	for from := 0; from < n; {
		to := min(from+o.atOnce, n)
		found, err := o.answer(b.Slice(from, to))
		if err != nil {
			return err
		}
		pieces = append(pieces, found)
		from = to
		var tables int64
		for _, p := range o.probes {
			tables += p.tableBytes()
		}
		if tables <= o.most || o.atOnce <= lookLeast {
			continue
		}
		o.atOnce = max(min(o.atOnce, n)/4, lookLeast)
		for _, p := range o.probes {
			p.renew()
		}
	}
	return emit(0, b.WithRoot(assemble(o.output, nil, n, append(columns, joined(pieces)...))))
}

// answer returns the columns of all lookups for a dense batch.
func (o *lookup) answer(b *batch.Batch) (columns []filled, err error) {
	for _, p := range o.probes {
		if columns, err = p.answer(b, o.slots[:b.Len()], columns); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// joined puts the answers for pieces of a batch together.
func joined(pieces [][]filled) []filled {
	if len(pieces) == 1 {
		return pieces[0]
	}
	columns := make([]filled, len(pieces[0]))
	for i := range columns {
		parts := make([]*batch.Column, len(pieces))
		for k := range pieces {
			parts[k] = pieces[k][i].column
		}
		columns[i] = filled{pieces[0][i].path, batch.Concat(parts)}
	}
	return columns
}

// copies returns the columns of the spine that go into the output.
func copies(step *graph.PointInTime, output *batch.Type, b *batch.Batch) (columns []filled) {
	for _, c := range step.Copies {
		copied := *b.Root.Flatten(c.From)
		copied.Type = typeAt(output, c.To)
		columns = append(columns, filled{c.To, &copied})
	}
	return columns
}

// Close implements Operator.
func (o *lookup) Close() error {
	for _, x := range o.indexes {
		x.Index.done()
	}
	return nil
}

// SizeBytes implements Sized.
func (o *lookup) SizeBytes() int64 {
	n := int64(4 * len(o.slots))
	for _, p := range o.probes {
		n += p.sizeBytes()
	}
	return n
}

func typeAt(t *batch.Type, path []int) *batch.Type {
	for _, i := range path {
		t = t.Fields[i].Type
	}
	return t
}

// assemble puts columns where their fields are.
func assemble(t *batch.Type, path []int, n int, columns []filled) *batch.Column {
	for _, c := range columns {
		if slices.Equal(c.path, path) {
			return c.column
		}
	}
	children := make([]*batch.Column, len(t.Fields))
	for i, f := range t.Fields {
		children[i] = assemble(f.Type, append(slices.Clip(path), i), n, columns)
	}
	return batch.NewStruct(t, n, children...)
}

// answers is one lookup of a probe.
type answers struct {
	plan    *agg.Plan
	table   *agg.Table
	targets []field.Ref
	window  int // which of the probe's
}

// named says which row of the spine a failing result is for.
func named(err error, b *batch.Batch, keys []*batch.Column) error {
	var at *agg.SlotError
	if !errors.As(err, &at) {
		return err
	}
	row := int(at.Slot)
	key := ""
	for i, c := range keys {
		if i > 0 {
			key += ", "
		}
		key += c.Format(row)
	}
	when := batch.NewInts(&batch.Type{Kind: batch.Time}, []int64{b.TimeAt(row)}).Format(0)
	return fmt.Errorf("key %s at %s: %w", key, when, err)
}
