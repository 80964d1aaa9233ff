package agg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leatflow/leat/sdk/batch"
)

// Histogram counts values in the intervals between bounds, which ascend:
//
//	bounds       b0      b1      b2
//	out      [0] │  [1]  │  [2]  │ [3]
//
// A value equal to a bound belongs to the interval above it; NaN is above all.
func Histogram[O Integer, I Number](out *[]O, in *I, bounds ...I) Term {
	parts := make([]string, len(bounds))
	t := Term{function: "histogram", out: out, in: in}
	limits := make([]value, len(bounds))
	for i, b := range bounds {
		parts[i] = fmt.Sprint(b)
		limits[i] = numberOf(b)
		switch {
		case b != b:
			t.err = fmt.Errorf("bound %d is NaN", i+1)
		case i > 0 && b <= bounds[i-1]:
			t.err = fmt.Errorf("bound %d, %v, is not above the one before it, %v; bounds must ascend", i+1, b, bounds[i-1])
		}
	}
	if len(bounds) == 0 {
		t.err = fmt.Errorf("there are no bounds; name those between the intervals")
	}
	t.args = strings.Join(parts, " ")
	t.build = func(r *resolver, b *bound) (finish, error) { return buildHistogram(r, b, limits), nil }
	return t
}

// numberOf returns a number as a value of a column of its type.
func numberOf[I Number](x I) value {
	switch {
	case I(1)/2 != 0: // a float
		return value{bits: floatBits(float64(x))}
	case I(0)-1 > 0: // unsigned; kept as the uint64 it widens to
		return value{bits: uint64(x)}
	}
	return value{bits: intBits(batch.Int64, int64(x))}
}

func buildHistogram(r *resolver, b *bound, limits []value) finish {
	name := "histogram(" + b.in.Name + ", " + b.args + ")"
	kind := b.in.Type.Kind
	bounds := make([]uint64, len(limits))
	for i, l := range limits {
		bounds[i] = l.bits
		if kind.Unsigned() && kind != batch.Uint64 { // read as int64 from its column
			bounds[i] ^= 1 << 63
		}
	}
	saved := &batch.Type{Kind: batch.List, Fields: []batch.Field{{Name: "element", Type: intType}}}
	s := r.state(stateSpec{
		name: name, where: b.where, paths: [][]int{b.in.Path}, fields: []batch.Field{{Name: name, Type: saved}},
		make: func() state { return &histograms{bounds: bounds, saved: saved} },
	})
	outType := b.outType
	return func(t *Table, q *request) (output, error) {
		c := t.states[s].(*histograms).column(q.slots)
		narrow := bound{outType: outType.Fields[0].Type}
		err := narrow.fitInts(output{ints: c.Children[0].Ints}, repeat(q.slots, len(bounds)+1))
		c.Children[0].Type = narrow.outType
		return output{column: c}, err
	}
}

// repeat returns slots with each one n times.
func repeat(slots []int32, n int) []int32 {
	out := make([]int32, 0, len(slots)*n)
	for _, s := range slots {
		for range n {
			out = append(out, s)
		}
	}
	return out
}

// histograms keeps the counts of a group next to each other.
type histograms struct {
	bounds []uint64 // in the order of value.bits
	n      []int64  // len(bounds)+1 a slot
	saved  *batch.Type
	reader valueReader
}

func (h *histograms) counts(slot int32) []int64 {
	w := len(h.bounds) + 1
	return h.n[int(slot)*w : (int(slot)+1)*w]
}

func (h *histograms) grow(n int) { h.n = extend(h.n, n*(len(h.bounds)+1), 0) }

func (h *histograms) reset(slots []int32) {
	for _, s := range slots {
		clear(h.counts(s))
	}
}

func (h *histograms) add(v *view) error {
	for i := range v.n {
		x := h.reader.read(v.cols[0], v.row(i))
		at, found := slices.BinarySearch(h.bounds, x.bits)
		if found {
			at++
		}
		h.counts(v.slotAt(i))[at]++
	}
	return nil
}

func (h *histograms) copyFrom(dst, src []int32) {
	for i, d := range dst {
		copy(h.counts(d), h.counts(src[i]))
	}
}

func (h *histograms) merge(dst, src []int32) {
	for i, d := range dst {
		to := h.counts(d)
		for j, n := range h.counts(src[i]) {
			to[j] += n
		}
	}
}

func (h *histograms) column(slots []int32) *batch.Column {
	w := len(h.bounds) + 1
	values := make([]int64, 0, w*len(slots))
	offsets := make([]int32, 1, len(slots)+1)
	for _, s := range slots {
		values = append(values, h.counts(s)...)
		offsets = append(offsets, int32(len(values)))
	}
	return &batch.Column{Type: h.saved, Len: len(slots), Offsets: offsets, Children: []*batch.Column{batch.NewInts(intType, values)}}
}

func (h *histograms) save(slots []int32) ([]*batch.Column, error) {
	return []*batch.Column{h.column(slots)}, nil
}

func (h *histograms) load(slots []int32, saved []*batch.Column, rows []int32) error {
	for i, s := range slots {
		from, to := saved[0].Range(rowAt(rows, i))
		if to-from != len(h.bounds)+1 {
			return errKey
		}
		counts := h.counts(s)
		for j := range counts {
			counts[j] += saved[0].Children[0].Ints[from+j]
		}
	}
	return nil
}

func (h *histograms) sizeBytes() int64 { return int64(8 * cap(h.n)) }
