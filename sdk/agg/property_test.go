package agg

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// render writes a row of a column with every bit of its floats.
func render(c *batch.Column, row int) string {
	if c.Null(row) {
		return "null"
	}
	switch c.Type.Kind.Form() {
	case batch.IntForm:
		return fmt.Sprint(c.Ints[row])
	case batch.FloatForm:
		return fmt.Sprintf("%v:%x", c.Floats[row], math.Float64bits(c.Floats[row]))
	case batch.BoolForm:
		return fmt.Sprint(c.Bools[row])
	case batch.StringForm:
		return fmt.Sprintf("%q", c.Text(row))
	case batch.ListForm:
		from, to := c.Range(row)
		var parts []string
		for i := from; i < to; i++ {
			for _, child := range c.Children {
				parts = append(parts, render(child, i))
			}
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	var parts []string
	for i, f := range c.Type.Fields {
		parts = append(parts, f.Name+"="+render(c.Children[i], row))
	}
	return "{" + strings.Join(parts, "\n ") + "}"
}

func drawItem(t *rapid.T) item {
	e := item{
		I:    rapid.OneOf(rapid.Int64(), rapid.Int64Range(-5, 5), rapid.Just(int64(math.MinInt64))).Draw(t, "i"),
		U:    rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 5)).Draw(t, "u"),
		F:    drawFloat().Draw(t, "f"),
		S:    rapid.SampledFrom([]string{"", "a", "b", "ab", "a\x00", "a\x00b", "zebra", "ä"}).Draw(t, "s"),
		At:   time.UnixMicro(rapid.Int64Range(-3, 3).Draw(t, "at")).UTC(),
		Seq:  rapid.Int32Range(-2, 2).Draw(t, "seq"),
		Flag: rapid.Bool().Draw(t, "flag"),
	}
	if rapid.Bool().Draw(t, "has small") {
		v := rapid.Int32Range(-4, 4).Draw(t, "small")
		e.Small = &v
	}
	if rapid.Bool().Draw(t, "has ratio") {
		v := rapid.Float32Range(-10, 10).Draw(t, "ratio")
		e.Ratio = &v
	}
	e.Nested.Name = rapid.SampledFrom([]string{"", "x", "x\x00y", "y"}).Draw(t, "name")
	if rapid.Bool().Draw(t, "has n") {
		v := rapid.Int64Range(-2, 2).Draw(t, "n")
		e.Nested.N = &v
	}
	e.Nested.U = rapid.SampledFrom([]uint64{0, 1, math.MaxInt64, 1 << 63, math.MaxUint64}).Draw(t, "nested u")
	e.Nested.Tags = rapid.SliceOfN(rapid.SampledFrom([]string{"", "t"}), 0, 2).Draw(t, "tags")
	if len(e.Nested.Tags) == 0 {
		e.Nested.Tags = nil
	}
	return e
}

// drawFloat draws prices mostly, and whatever makes sums hard.
func drawFloat() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-10000, 10000).Draw(t, "cents")) / 100 }),
		rapid.Float64(),
		// Within what 192 bits hold around one another, or just outside.
		rapid.Custom(func(t *rapid.T) float64 {
			return math.Ldexp(rapid.Float64Range(-2, 2).Draw(t, "m"), rapid.IntRange(-60, 60).Draw(t, "e"))
		}),
		rapid.Custom(func(t *rapid.T) float64 { return math.Float64frombits(rapid.Uint64().Draw(t, "bits") &^ (1 << 62)) }),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e16, -1e16, 1, 5e-324, -5e-324, math.MaxFloat64, -math.MaxFloat64, 0x1p-1022}),
		rapid.Custom(func(t *rapid.T) float64 {
			if rapid.IntRange(0, 9).Draw(t, "rare") == 0 {
				return rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)}).Draw(t, "special")
			}
			return 0.1
		}),
	)
}

// way is one way to bring rows into a result.
type way struct {
	order []int // of the rows
	t     *rapid.T
	plan  *Plan
}

func mustPlan[V, R any](t testing.TB, a Aggregate[V, R]) *Plan {
	t.Helper()
	p, err := a.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// encode makes a batch of rows, strings as a dictionary or not, with rows that
// do not count in between.
func (w *way) encode(rows []item) (c *batch.Column, times []int64, picked []int32) {
	padded := rows
	if rapid.Bool().Draw(w.t, "gaps") {
		padded = nil
		for _, r := range rows {
			for range rapid.IntRange(0, 2).Draw(w.t, "gap") {
				padded = append(padded, item{S: "not selected", I: 77, Flag: true})
			}
			picked = append(picked, int32(len(padded)))
			padded = append(padded, r)
		}
	}
	c = column(padded...)
	for _, r := range padded {
		times = append(times, r.At.UnixMicro())
	}
	if rapid.Bool().Draw(w.t, "dictionary") {
		c = withDictionary(c, 3)
	}
	return c, times, picked
}

// withDictionary returns a struct column with child i as a dictionary.
func withDictionary(c *batch.Column, i int) *batch.Column {
	plain := c.Children[i]
	codes, d := make([]int32, c.Len), &batch.Dictionary{}
	known := map[string]int32{}
	for r := range codes {
		text := plain.Text(r)
		code, ok := known[text]
		if !ok {
			code = int32(d.Len())
			d.Append(text)
			known[text] = code
		}
		codes[r] = code
	}
	out := *c
	out.Children = append([]*batch.Column(nil), c.Children...)
	out.Children[i] = batch.NewDictionary(plain.Type, codes, d)
	return &out
}

// run folds rows into groups in w's order: in batches of any size, into one of
// several tables or slots, which are merged, copied, saved and loaded.
func (w *way) run(rows []item, group []int, groups int) *Table {
	const parts = 3
	t := w.t
	tables := [2]*Table{w.plan.NewTable(), w.plan.NewTable()}
	for _, table := range tables {
		table.Grow(1)
		table.Grow(groups*parts + groups)
	}
	for at := 0; at < len(w.order); {
		n := min(len(w.order)-at, rapid.IntRange(1, 12).Draw(t, "batch"))
		table := tables[rapid.IntRange(0, 1).Draw(t, "table")]
		var chunk []item
		var slots []int32
		one := rapid.Bool().Draw(t, "one group")
		for _, r := range w.order[at : at+n] {
			if one && len(slots) > 0 && int32(group[r]) != slots[0]%int32(groups) {
				n = len(slots)
				break
			}
			part := 0
			if !one {
				part = rapid.IntRange(0, parts-1).Draw(t, "part")
			}
			chunk, slots = append(chunk, rows[r]), append(slots, int32(group[r]+groups*part))
		}
		at += n
		c, times, picked := w.encode(chunk)
		var err error
		if one {
			err = table.AddAll(slots[0], c, times, picked, len(chunk))
		} else {
			err = table.Add(slots, c, times, picked)
		}
		must(t, err)
	}
	return w.gather(tables, groups, parts)
}

// gather brings all parts of all tables into slots [0, groups) of one.
func (w *way) gather(tables [2]*Table, groups, parts int) *Table {
	var first, rest, spare []int32
	for g := range groups {
		first, spare = append(first, int32(g)), append(spare, int32(groups*parts+g))
	}
	for i := range groups * (parts - 1) {
		rest = append(rest, int32(groups+i))
	}
	for _, table := range tables {
		var into []int32
		for i := range rest {
			into = append(into, int32(i%groups))
		}
		must(w.t, table.Merge(into, rest))
		if rapid.Bool().Draw(w.t, "copy") { // there, away and back
			must(w.t, table.Copy(spare, first))
			table.Reset(first)
			must(w.t, table.Merge(first, spare))
		}
	}
	saved, err := tables[1].Save(first)
	must(w.t, err)
	must(w.t, tables[0].Load(first, saved, nil))
	return tables[0]
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// results returns the rendered results and saved accumulators of a table.
func results(t *rapid.T, table *Table, groups int) (result, saved []string) {
	var slots []int32
	var keys []string
	var start, end []int64
	for g := range groups {
		slots, keys = append(slots, int32(g)), append(keys, fmt.Sprint("key", g))
		start, end = append(start, int64(g)), append(end, int64(g+10))
	}
	c, err := table.Results(slots, column(keys...), start, end)
	must(t, err)
	if !c.Type.Equal(table.plan.Output()) {
		t.Fatalf("results are %s, want %s", c.Type, table.plan.Output())
	}
	s, err := table.Save(slots)
	must(t, err)
	for g := range groups {
		result, saved = append(result, render(c, g)), append(saved, render(s, g))
	}
	return result, saved
}

// TestEveryWayIsTheSame shows that neither the order of rows, nor the size of
// batches, nor how groups are split, merged, copied, saved and loaded changes a
// bit of any result or of what is saved, and that the results are those of a
// plain computation over the sorted rows.
func TestEveryWayIsTheSame(t *testing.T) {
	exact, sketch := mustPlan(t, Into(describeExact)), mustPlan(t, Into(describeSketches))
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.IntRange(1, 3).Draw(t, "groups")
		var rows []item
		var group []int
		for g := range groups {
			for range rapid.IntRange(1, 12).Draw(t, "rows") {
				rows, group = append(rows, drawItem(t)), append(group, g)
			}
		}
		for _, plan := range []*Plan{exact, sketch} {
			var first, firstSaved []string
			for range 3 {
				order := make([]int, len(rows))
				for i := range order {
					order[i] = i
				}
				w := &way{order: rapid.Permutation(order).Draw(t, "order"), t: t, plan: plan}
				got, saved := results(t, w.run(rows, group, groups), groups)
				if first == nil {
					first, firstSaved = got, saved
				}
				for g := range groups {
					if got[g] != first[g] {
						t.Fatalf("group %d differs between two ways:\n%s\n%s", g, got[g], first[g])
					}
					if saved[g] != firstSaved[g] {
						t.Fatalf("saved group %d differs between two ways:\n%s\n%s", g, saved[g], firstSaved[g])
					}
				}
			}
			if plan == sketch {
				continue
			}
			for g := range groups {
				var mine []item
				for i, r := range rows {
					if group[i] == g {
						mine = append(mine, r)
					}
				}
				want := render(column(model(mine, fmt.Sprint("key", g), int64(g), int64(g+10))), 0)
				if first[g] != want {
					t.Fatalf("group %d is not what the model says:\n%s", g, difference(first[g], want))
				}
			}
		}
	})
}

// difference shows the lines in which two renderings differ.
func difference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	var out []string
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			out = append(out, "got  "+a[i]+"\nwant "+b[i])
		}
	}
	return strings.Join(out, "\n")
}

type sketchOut struct {
	Median    float64
	Quantiles []float64
	Small     *float64
	Approx    int64
}

func describeSketches(e *item, o *sketchOut) []Term {
	return []Term{
		Quantile(&o.Median, &e.F, 0.5), Quantiles(&o.Quantiles, &e.F, 0, 0.25, 1), Quantile(o.Small, e.Small, 0.9),
		ApproxCountDistinct(&o.Approx, &e.I),
	}
}
