package diff

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// pairing looks at the rows that are left, key by key.
type pairing struct {
	plan    *plan
	options *Options
	result  *Result
	sides   [2]*kept

	changed first[Change]
	only    [2]first[Row]
	key     []byte // room for the place of a row in the order of what is reported
}

func newPairing(p *plan, o *Options, r *Result) *pairing {
	out := &pairing{plan: p, options: o, result: r}
	out.changed.most = o.Max
	out.only[0].most, out.only[1].most = o.Max, o.Max
	return out
}

// pair walks through the sorted rows of both sides, one key at a time.
func (p *pairing) pair(ctx context.Context, sides [2]*kept) error {
	p.sides = sides
	for b := range buckets {
		if err := p.pairBucket(ctx, sides[0].entries[b], sides[1].entries[b]); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairing) pairBucket(ctx context.Context, a, b []entry) error {
	var rowsA, rowsB []place
	for n := 0; len(a) > 0 || len(b) > 0; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var key sum
		if len(b) == 0 || len(a) > 0 && a[0].key.compare(b[0].key) <= 0 {
			key = a[0].key
		} else {
			key = b[0].key
		}
		rowsA, a = group(a, key, rowsA)
		rowsB, b = group(b, key, rowsB)
		if err := p.match(ctx, rowsA, rowsB); err != nil {
			return err
		}
	}
	return nil
}

// match pairs the rows of one key.
func (p *pairing) match(ctx context.Context, rowsA, rowsB []place) error {
	if len(rowsA) == 1 && len(rowsB) == 1 && p.keyed() {
		p.settle(rowsA[0], rowsB[0])
		return nil
	}
	if len(rowsA) > 1 || len(rowsB) > 1 {
		if p.keyed() {
			p.result.Repeats++
		}
		p.sort(0, rowsA)
		p.sort(1, rowsB)
	}
	partner, err := p.partners(ctx, rowsA, rowsB)
	if err != nil {
		return err
	}
	used := make([]bool, len(rowsB))
	for i, k := range partner {
		if k >= 0 {
			used[k] = true
			p.settle(rowsA[i], rowsB[k])
		}
	}
	next := 0
	for i, k := range partner {
		if k >= 0 {
			continue
		}
		for next < len(used) && used[next] {
			next++
		}
		if next == len(used) || !p.keyed() {
			p.lone(0, rowsA[i])
			continue
		}
		used[next] = true
		p.settle(rowsA[i], rowsB[next])
	}
	for k, u := range used {
		if !u {
			p.lone(1, rowsB[k])
		}
	}
	return nil
}

// keyed reports whether rows have a key by which two that differ belong together.
func (p *pairing) keyed() bool { return len(p.plan.key) > 0 }

// sort orders the rows of one key by their values.
func (p *pairing) sort(side int, rows []place) {
	if len(rows) < 2 {
		return
	}
	type sortable struct {
		values []byte
		at     place
	}
	list := make([]sortable, len(rows))
	for i, r := range rows {
		list[i].at = r
		for _, v := range p.plan.value {
			list[i].values = codec.AppendKey(list[i].values, p.column(side, r, v), int(r.row))
		}
	}
	slices.SortFunc(list, func(a, b sortable) int { return bytes.Compare(a.values, b.values) })
	for i := range list {
		rows[i] = list[i].at
	}
}

func (p *pairing) column(side int, r place, k int) *batch.Column {
	return p.sides[side].batches[r.batch].Children[k]
}

// settle counts a pair of one key: equal within the tolerance, or changed.
func (p *pairing) settle(a, b place) {
	differs := 0
	for _, v := range p.plan.value {
		ca, cb := p.column(0, a, v), p.column(1, b, v)
		c := &p.result.Columns[v]
		c.Most = max(c.Most, apart(ca, int(a.row), cb, int(b.row)))
		if !equal(ca, int(a.row), cb, int(b.row), p.options.Tolerance) {
			differs++
			c.Changed++
		}
	}
	if differs == 0 {
		p.result.Within++
		return
	}
	p.result.Changed++
	p.changed.offer(p.order(0, a), func() Change { return p.change(a, b) })
}

func (p *pairing) change(a, b place) Change {
	c := Change{Key: p.cells(0, a, p.plan.key)}
	for _, v := range p.plan.value {
		ca, cb := p.column(0, a, v), p.column(1, b, v)
		if !equal(ca, int(a.row), cb, int(b.row), p.options.Tolerance) {
			inA, inB := render(ca, int(a.row)), render(cb, int(b.row))
			if inA == inB { // a float32 beside a float64: 0.1 is not 0.1
				inA, inB = inFull(ca, int(a.row)), inFull(cb, int(b.row))
			}
			c.Cells = append(c.Cells, ChangedCell{Column: p.plan.columns[v].name, A: inA, B: inB})
		}
	}
	return c
}

// render is batch.Column.Format with −0 as 0: which of two rows that are equal but
// for the sign of a zero is left over is up to chance.
func render(c *batch.Column, row int) string {
	if c.Type.Kind.Float() && !c.Null(row) && c.Floats[row] == 0 {
		return "0"
	}
	return c.Format(row)
}

// inFull renders a float with the digits of a float64, whatever its width.
func inFull(c *batch.Column, row int) string {
	if c.Type.Kind != batch.Float32 {
		return c.Format(row)
	}
	return strconv.FormatFloat(c.Floats[row], 'g', -1, 64)
}

func (p *pairing) cells(side int, r place, columns []int) []Cell {
	cells := []Cell{}
	for _, k := range columns {
		cells = append(cells, Cell{Column: p.plan.columns[k].name, Value: render(p.column(side, r, k), int(r.row))})
	}
	return cells
}

// lone counts a row that only one side has.
func (p *pairing) lone(side int, r place) {
	count := &p.result.OnlyA
	if side == 1 {
		count = &p.result.OnlyB
	}
	*count++
	p.only[side].offer(p.order(side, r), func() Row { return p.cells(side, r, p.plan.all()) })
}

// order returns the bytes by which differences are ordered: key, then values.
func (p *pairing) order(side int, r place) []byte {
	p.key = p.key[:0]
	for _, k := range p.plan.key {
		p.key = codec.AppendKey(p.key, p.column(side, r, k), int(r.row))
	}
	for _, k := range p.plan.value {
		p.key = codec.AppendKey(p.key, p.column(side, r, k), int(r.row))
	}
	return p.key
}

func (p *pairing) finish() {
	p.result.FirstChanged = append(p.result.FirstChanged, p.changed.values...)
	p.result.FirstOnlyA = append(p.result.FirstOnlyA, p.only[0].values...)
	p.result.FirstOnlyB = append(p.result.FirstOnlyB, p.only[1].values...)
}
