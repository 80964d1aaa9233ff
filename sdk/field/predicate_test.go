package field

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/batch/batchtest"
)

// sample has a column of each form that can be compared, nullable and not, also
// inside a nullable struct.
type sample struct {
	I  int64      `leat:"i"`
	U  uint64     `leat:"u"`
	F  float64    `leat:"f"`
	S  string     `leat:"s"`
	B  bool       `leat:"b"`
	T  time.Time  `leat:"t"`
	NI *int32     `leat:"ni"`
	NF *float64   `leat:"nf"`
	NS *string    `leat:"ns"`
	NT *time.Time `leat:"nt"`
	In *inner     `leat:"in"`
}

type inner struct {
	I int8    `leat:"i"`
	S *string `leat:"s"`
}

// draw makes a condition and what SQL says about it, as a function of a row: the
// column it reads and the truth for a value. unknown is neither.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func not(t truth) truth { return yes - t }

type condition struct {
	make func(*sample) Cond
	eval func(root *batch.Column, row int) truth
}

func drawCondition(t *rapid.T, depth int) condition {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		return drawLeaf(t)
	}
	if rapid.IntRange(0, 2).Draw(t, "not") == 0 {
		c := drawCondition(t, depth-1)
		return condition{func(s *sample) Cond { return Not(c.make(s)) }, func(r *batch.Column, i int) truth { return not(c.eval(r, i)) }}
	}
	var parts []condition
	for range rapid.IntRange(0, 3).Draw(t, "children") {
		parts = append(parts, drawCondition(t, depth-1))
	}
	all := func(s *sample) (conds []Cond) {
		for _, p := range parts {
			conds = append(conds, p.make(s))
		}
		return conds
	}
	if rapid.Bool().Draw(t, "and") {
		return condition{func(s *sample) Cond { return And(all(s)...) }, func(r *batch.Column, i int) truth {
			out := yes
			for _, p := range parts {
				out = min(out, p.eval(r, i))
			}
			return out
		}}
	}
	return condition{func(s *sample) Cond { return Or(all(s)...) }, func(r *batch.Column, i int) truth {
		out := no
		for _, p := range parts {
			out = max(out, p.eval(r, i))
		}
		return out
	}}
}

func drawLeaf(t *rapid.T) condition {
	switch rapid.IntRange(0, 11).Draw(t, "column") {
	case 0:
		return ordered(t, func(s *sample) *int64 { return &s.I }, []int{0}, func(c *batch.Column, i int) int64 { return c.Ints[i] }, int64(batchtest.Int(batch.Int64).Draw(t, "v")))
	case 1:
		return ordered(t, func(s *sample) *uint64 { return &s.U }, []int{1}, func(c *batch.Column, i int) uint64 { return uint64(c.Ints[i]) }, uint64(batchtest.Int(batch.Uint64).Draw(t, "v")))
	case 2:
		return ordered(t, func(s *sample) *float64 { return &s.F }, []int{2}, floatAt, batchtest.Float(batch.Float64).Draw(t, "v"))
	case 3:
		return ordered(t, func(s *sample) *string { return &s.S }, []int{3}, textAt, string(batchtest.Text(batch.String).Draw(t, "v")))
	case 4:
		return equality(t, func(s *sample) *bool { return &s.B }, []int{4}, func(c *batch.Column, i int) bool { return c.Bools[i] }, rapid.Bool().Draw(t, "v"))
	case 5:
		return times(t, func(s *sample) *time.Time { return &s.T }, []int{5})
	case 6:
		return ordered(t, func(s *sample) *int32 { return s.NI }, []int{6}, func(c *batch.Column, i int) int32 { return int32(c.Ints[i]) }, int32(batchtest.Int(batch.Int32).Draw(t, "v")))
	case 7:
		return ordered(t, func(s *sample) *float64 { return s.NF }, []int{7}, floatAt, batchtest.Float(batch.Float64).Draw(t, "v"))
	case 8:
		return ordered(t, func(s *sample) *string { return s.NS }, []int{8}, textAt, string(batchtest.Text(batch.String).Draw(t, "v")))
	case 9:
		return times(t, func(s *sample) *time.Time { return s.NT }, []int{9})
	case 10:
		return ordered(t, func(s *sample) *int8 { return &s.In.I }, []int{10, 0}, func(c *batch.Column, i int) int8 { return int8(c.Ints[i]) }, int8(rapid.IntRange(-128, 127).Draw(t, "v")))
	}
	return ordered(t, func(s *sample) *string { return s.In.S }, []int{10, 1}, textAt, string(batchtest.Text(batch.String).Draw(t, "v")))
}

func floatAt(c *batch.Column, i int) float64 { return c.Floats[i] }
func textAt(c *batch.Column, i int) string   { return strings.Clone(c.Text(i)) }

// leafTruth is unknown for a null here or in a struct on the way.
func leafTruth[V any](path []int, at func(*batch.Column, int) V, holds func(V) bool) func(*batch.Column, int) truth {
	return func(root *batch.Column, row int) truth {
		for _, p := range path {
			if root.Null(row) {
				return unknown
			}
			root = root.Children[p]
		}
		if root.Null(row) {
			return unknown
		}
		if holds(at(root, row)) {
			return yes
		}
		return no
	}
}

func equality[V comparable](t *rapid.T, of func(*sample) *V, path []int, at func(*batch.Column, int) V, v V) condition {
	switch rapid.IntRange(0, 3).Draw(t, "op") {
	case 0:
		return condition{func(s *sample) Cond { return Equal(of(s), v) }, leafTruth(path, at, func(x V) bool { return x == v })}
	case 1:
		return condition{func(s *sample) Cond { return NotEqual(of(s), v) }, leafTruth(path, at, func(x V) bool { return x != v })}
	case 2:
		var list []V
		if rapid.Bool().Draw(t, "some") {
			list = []V{v, v}
		}
		return condition{func(s *sample) Cond { return In(of(s), list...) }, leafTruth(path, at, func(x V) bool { return slices.Contains(list, x) })}
	}
	known := leafTruth(path, at, func(V) bool { return true })
	return condition{func(s *sample) Cond { return IsNull(of(s)) }, func(root *batch.Column, row int) truth {
		if known(root, row) == unknown {
			return yes
		}
		return no
	}}
}

// ordered leaves out the negation of an order of NaN, which is not what two
// values would give; see Cond and TestNaN.
func ordered[V cmp.Ordered](t *rapid.T, of func(*sample) *V, path []int, at func(*batch.Column, int) V, v V) condition {
	ops := []condition{
		{func(s *sample) Cond { return Less(of(s), v) }, leafTruth(path, at, func(x V) bool { return x < v })},
		{func(s *sample) Cond { return AtMost(of(s), v) }, leafTruth(path, at, func(x V) bool { return x <= v })},
		{func(s *sample) Cond { return Greater(of(s), v) }, leafTruth(path, at, func(x V) bool { return x > v })},
		{func(s *sample) Cond { return AtLeast(of(s), v) }, leafTruth(path, at, func(x V) bool { return x >= v })},
	}
	i := rapid.IntRange(0, len(ops)).Draw(t, "order")
	if i == len(ops) {
		return equality(t, of, path, at, v)
	}
	eval := ops[i].eval
	ops[i].eval = func(root *batch.Column, row int) truth {
		if x := leafTruth(path, at, func(x V) bool { return x != x || v != v })(root, row); x == yes {
			return unknown // NaN is in no order: neither the comparison nor its negation holds
		}
		return eval(root, row)
	}
	return ops[i]
}

func times(t *rapid.T, of func(*sample) *time.Time, path []int) condition {
	us := batchtest.Int(batch.Time).Draw(t, "v") / 8
	v := time.UnixMicro(us).UTC()
	c := ordered(t, func(*sample) *int64 { return new(int64) }, path, func(c *batch.Column, i int) int64 { return c.Ints[i] }, us)
	ops := map[string]func(s *sample) Cond{
		"<": func(s *sample) Cond { return Less(of(s), v) }, "≤": func(s *sample) Cond { return AtMost(of(s), v) },
		">": func(s *sample) Cond { return Greater(of(s), v) }, "≥": func(s *sample) Cond { return AtLeast(of(s), v) },
		"=": func(s *sample) Cond { return Equal(of(s), v) }, "≠": func(s *sample) Cond { return NotEqual(of(s), v) },
		"is null": func(s *sample) Cond { return IsNull(of(s)) },
		"in":      nil,
	}
	op := c.make(new(sample))
	if op.op == OpIn {
		n := len(op.values)
		return condition{func(s *sample) Cond { return In(of(s), slices.Repeat([]time.Time{v}, n)...) }, c.eval}
	}
	return condition{ops[op.op.String()], c.eval}
}

// rows draws a root column of samples.
func drawRoot(t *rapid.T, p *Probe, n int) *batch.Column {
	plan, err := p.Plan()
	if err != nil {
		t.Fatal(err)
	}
	typ := *plan.Type()
	return batchtest.Column(t, &typ, n)
}

// The rows a condition keeps are those for which it is true by SQL's rules of
// three values, whatever the encoding, and of the rows selected before only.
func TestEvaluateAgainstThreeValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		probe, err := newProbe()
		if err != nil {
			t.Fatal(err)
		}
		c := drawCondition(t, 3)
		p, err := Describe(c.make)
		if err != nil {
			t.Fatal(err)
		}
		e := p.NewEvaluator()
		for range 2 { // twice: evaluators keep answers by dictionary
			n := rapid.IntRange(0, 20).Draw(t, "rows")
			root := drawRoot(t, probe, n)
			var selected, want []int32
			if rapid.Bool().Draw(t, "selected") {
				selected = []int32{}
				for i := range int32(n) {
					if rapid.Bool().Draw(t, "row") {
						selected = append(selected, i)
					}
				}
			}
			for i := range int32(n) {
				if (selected == nil || slices.Contains(selected, i)) && c.eval(root, int(i)) == yes {
					want = append(want, i)
				}
			}
			dst := []int32{-7}
			got := e.Rows(root, selected, dst)
			if len(got) == 0 || got[0] != -7 || !slices.Equal(got[1:], want) {
				t.Fatalf("%s keeps %v of %d rows (selected %v), want %v", p, got, n, selected, want)
			}
			prunes(t, p, root, want)
		}
	})
}

// prunes checks Prune with the statistics of the rows, exact, wider, or absent:
// it never says that no row can match when one does.
func prunes(t *rapid.T, p *Predicate, root *batch.Column, matching []int32) {
	loose := rapid.IntRange(0, 3).Draw(t, "statistics")
	stats := func(path []int) (Stats, bool) {
		if loose == 3 && len(path) > 1 {
			return Stats{}, false
		}
		return statsOf(root.Flatten(path), loose), true
	}
	if p.Prune(stats) && len(matching) > 0 {
		t.Fatalf("%s prunes %d matching rows (%d: kind of statistics)", p, len(matching), loose)
	}
}

func statsOf(c *batch.Column, loose int) Stats {
	s := Stats{Rows: int64(c.Len)}
	for i := range c.Len {
		if c.Null(i) {
			s.Nulls++
			continue
		}
		v := Value{Kind: c.Type.Kind}
		switch c.Type.Kind.Form() {
		case batch.IntForm:
			v.Int = c.Ints[i]
		case batch.FloatForm:
			if v.Float = c.Floats[i]; math.IsNaN(v.Float) {
				continue // as Parquet writers do
			}
		case batch.BoolForm:
			v.Bool = c.Bools[i]
		default:
			v.Text = strings.Clone(c.Text(i))
		}
		if !s.HasMinMax || v.Compare(s.Min) < 0 {
			s.Min = v
		}
		if !s.HasMinMax || v.Compare(s.Max) > 0 {
			s.Max = v
		}
		s.HasMinMax = true
	}
	switch loose {
	case 1: // bounds cut short, as of long strings
		if s.HasMinMax && s.Min.Text != "" {
			s.Min.Text, s.Max.Text = s.Min.Text[:1], s.Max.Text+"\xff"
		}
	case 2:
		s.Nulls = -1
		s.HasMinMax = false
	}
	return s
}

func newProbe() (*Probe, error) { return NewProbe(sampleType, 0) }
