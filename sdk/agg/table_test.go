package agg

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
)

// fold returns a table with all rows in slot 0.
func fold(t testing.TB, p *Plan, rows *batch.Column) *Table {
	t.Helper()
	table := p.NewTable()
	table.Grow(1)
	check(t, table.AddAll(0, rows, nil, nil, rows.Len))
	return table
}

// TestOverflow shows that a sum of integers may leave int64 on the way and
// comes back, in any order, and that a total outside of the field is an error
// that names slot, term and value.
func TestOverflow(t *testing.T) {
	p := mustPlan(t, Into(func(v *int64, sum *int64) []Term { return []Term{Sum(sum, v)} }))
	values := []int64{math.MaxInt64, math.MaxInt64, 5, math.MinInt64, math.MinInt64, -7}
	for range 20 {
		rand.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		for at := range values {
			table := p.NewTable()
			table.Grow(2)
			slots := slices.Concat(make([]int32, at), slices.Repeat([]int32{1}, len(values)-at))
			check(t, table.Add(slots, column(values...), nil, nil))
			check(t, table.Merge([]int32{0}, []int32{1}))
			c, err := table.Results([]int32{0}, nil, nil, nil)
			check(t, err)
			if c.Ints[0] != -4 {
				t.Fatalf("%v sum to %d, want -4", values, c.Ints[0])
			}
		}
	}
	table := p.NewTable()
	table.Grow(3)
	check(t, table.Add([]int32{0, 2, 2}, column[int64](1, math.MaxInt64, 1), nil, nil))
	_, err := table.Results([]int32{0, 2}, nil, nil, nil)
	var slot *SlotError
	if !errors.As(err, &slot) || slot.Slot != 2 {
		t.Fatalf("an overflow in slot 2 is reported as %v", err)
	}
	if want := "sum(value) for field value: the value 9223372036854775808 does not fit int64; use a wider field, or a float one"; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// TestNarrowOutput shows that results are checked against narrower fields.
func TestNarrowOutput(t *testing.T) {
	type out struct {
		N int8
		S uint32
		F float32
	}
	p := mustPlan(t, Into(func(e *item, o *out) []Term { return []Term{Count(&o.N), Sum(&o.S, &e.I), Sum(&o.F, &e.F)} }))
	for _, c := range []struct {
		rows []item
		want string
	}{
		{make([]item, 127), ""},
		{make([]item, 128), "count for field N: the value 128 does not fit int8"},
		{[]item{{I: -1}}, "sum(I) for field S: the value -1 does not fit uint32"},
		{[]item{{I: 1 << 32}}, "sum(I) for field S: the value 4294967296 does not fit uint32"},
		{[]item{{F: 1e300}}, "sum(F) for field F: the value 1e+300 does not fit float32"},
		{[]item{{F: math.Inf(1)}}, ""},
	} {
		_, err := fold(t, p, column(c.rows...)).Results([]int32{0}, nil, nil, nil)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%d rows: got %v, want %q", len(c.rows), err, c.want)
		}
	}
}

// TestNulls shows that null inputs are skipped, also those of a struct on the
// way, and what a group without any value gives.
func TestNulls(t *testing.T) {
	type in struct {
		Sub *inner
		V   *int64
	}
	type out struct {
		Rows, Subs, Sum int64
		SumNull         *int64
		Mean            *float64
		Max             *int64
		First           *inner
		List            []int64
		Quantile        *float64
		Quantiles       []float64
	}
	p := mustPlan(t, Into(func(e *in, o *out) []Term {
		return []Term{
			Count(&o.Rows), CountOf(&o.Subs, e.Sub), Sum(&o.Sum, e.V), Sum(o.SumNull, e.V), Mean(o.Mean, &e.Sub.A), Max(o.Max, &e.Sub.B),
			First(o.First, e.Sub), CollectList(&o.List, &e.Sub.A), Quantile(o.Quantile, e.V, 0.5), Quantiles(&o.Quantiles, e.V, 0, 1),
		}
	}))
	show := func(rows ...in) string {
		c, err := fold(t, p, column(rows...)).Results([]int32{0}, nil, nil, nil)
		check(t, err)
		return strings.ReplaceAll(render(c, 0), "\n", "")
	}
	if got, want := show(in{}, in{}), "{Rows=2 Subs=0 Sum=0 SumNull=null Mean=null Max=null First=null List=[] Quantile=null Quantiles=[]}"; got != want {
		t.Errorf("only nulls give\n%s, want\n%s", got, want)
	}
	three := int64(3)
	got := show(in{V: &three}, in{}, in{Sub: &inner{4, 5}})
	want := "{Rows=3 Subs=1 Sum=3 SumNull=3 Mean=4:4010000000000000 Max=5 First={A=4 B=5} List=[4] "
	if !strings.HasPrefix(got, want) {
		t.Errorf("some nulls give\n%s, want\n%s", got, want)
	}
}

// TestPartial shows plans of transforms with descriptions of their own: output
// fields left out, groups without rows.
func TestPartial(t *testing.T) {
	resolve := func(s Scope, terms func(*item, *small) []Term) (*Plan, error) {
		in, err := field.NewProbe(reflect.TypeFor[item](), 0)
		check(t, err)
		out, err := field.NewProbe(reflect.TypeFor[small](), 0)
		check(t, err)
		return Resolve(in, out, terms(in.Value().Interface().(*item), out.Value().Interface().(*small)), s)
	}
	_, err := resolve(Scope{Partial: true, MayBeEmpty: true}, func(e *item, o *small) []Term { return []Term{Mean(&o.Mean, &e.I)} })
	if err == nil || !strings.Contains(err.Error(), "there may be no row") {
		t.Errorf("a mean that may be empty goes into a plain field: %v", err)
	}
	p, err := resolve(Scope{Partial: true, MayBeEmpty: true}, func(e *item, o *small) []Term {
		return []Term{Mean(o.Maybe, &e.I), Count(&o.N)}
	})
	check(t, err)
	table := p.NewTable()
	table.Grow(2)
	check(t, table.Add([]int32{1}, column(item{I: 3}), nil, nil))
	c, err := table.Columns([]int32{0, 1}, nil, nil, nil)
	check(t, err)
	if !c[0].Null(0) || c[0].Floats[1] != 3 || c[1].Ints[0] != 0 || c[1].Ints[1] != 1 || p.Targets()[0].Name != "Maybe" {
		t.Errorf("columns are %v", c)
	}
}

// TestRows shows that conditions hold for rows in any order, repeated or not.
func TestRows(t *testing.T) {
	p := mustPlan(t, Into(func(e *item, o *struct{ All, Some, Sum int64 }) []Term {
		some := field.Or(field.Equal(&e.S, "x"), field.AtLeast(&e.I, 8))
		return []Term{Count(&o.All), Where(some, Count(&o.Some)), Sum(&o.Sum, e.Small)}
	}))
	rows := make([]item, 10)
	for i := range rows {
		v := int32(i)
		rows[i] = item{I: int64(i), S: []string{"x", "y"}[i%2]}
		if i%3 != 0 {
			rows[i].Small = &v
		}
	}
	c := column(rows...)
	for _, picked := range [][]int32{nil, {1, 2, 3}, {9, 3, 2, 2, 0}, {1, 1, 1, 8, 8}, {5}} {
		n := len(picked)
		if picked == nil {
			n = 7 // fewer than there are
		}
		var want [2][3]int64
		slots := make([]int32, n)
		for i := range n {
			row := i
			if picked != nil {
				row = int(picked[i])
			}
			slots[i] = int32(i % 2)
			w := &want[i%2]
			w[0]++
			if rows[row].S == "x" || rows[row].I >= 8 {
				w[1]++
			}
			if rows[row].Small != nil {
				w[2] += int64(*rows[row].Small)
			}
		}
		table := p.NewTable()
		table.Grow(3)
		if picked != nil {
			picked = append(slices.Clone(picked), 4, 8) // more than are asked for
		}
		check(t, table.Add(slots, c, nil, picked))
		check(t, table.AddAll(2, c, nil, picked, n))
		r, err := table.Results([]int32{0, 1, 2}, nil, nil, nil)
		check(t, err)
		for i := range 3 {
			both := want[0][i] + want[1][i]
			if got := r.Children[i].Ints; got[0] != want[0][i] || got[1] != want[1][i] || got[2] != both {
				t.Errorf("rows %v, output %d: got %v, want %v and %d", picked, i, got, want, both)
			}
		}
	}
}

// TestLoadRefuses shows that saved accumulators of another aggregate are refused.
func TestLoadRefuses(t *testing.T) {
	a := mustPlan(t, Into(func(v *int64, o *int64) []Term { return []Term{Sum(o, v)} }))
	b := mustPlan(t, Into(func(v *int64, o *int64) []Term { return []Term{Max(o, v)} }))
	table := fold(t, a, column[int64](1, 2))
	saved, err := table.Save([]int32{0})
	check(t, err)
	other := b.NewTable()
	other.Grow(1)
	if err := other.Load([]int32{0}, saved, nil); err == nil || !strings.Contains(err.Error(), "state of another aggregate") {
		t.Errorf("loading a sum as a max: %v", err)
	}
}

// TestSharedStates shows that terms which need the same accumulator keep it once.
func TestSharedStates(t *testing.T) {
	p := mustPlan(t, Into(func(e *item, o *struct {
		N, Sum int64
		A, B   float64
	}) []Term {
		return []Term{Count(&o.N), Sum(&o.Sum, &e.I), Mean(&o.A, &e.I), PopulationVariance(&o.B, &e.I)}
	}))
	if got, want := p.Saved().String(), "struct{count int64, sum(I) int64, sum(I).high int64, squares(I) bytes}"; got != want {
		t.Errorf("saved are %s, want %s", got, want)
	}
}

// TestSketches shows that estimates are as near as promised, beyond the number
// of values that is kept exactly.
func TestSketches(t *testing.T) {
	type out struct {
		Distinct  int64
		Quantiles []float64
	}
	p := mustPlan(t, Into(func(v *int64, o *out) []Term {
		return []Term{ApproxCountDistinct(&o.Distinct, v), Quantiles(&o.Quantiles, v, 0, 0.1, 0.5, 0.99, 1)}
	}))
	for _, n := range []int64{1, 1024, 1025, 50000} {
		values := make([]int64, n)
		for i := range values {
			values[i] = int64(i) - n/3
		}
		c, err := fold(t, p, column(values...)).Results([]int32{0}, nil, nil, nil)
		check(t, err)
		if got := c.Children[0].Ints[0]; math.Abs(float64(got-n)) > 0.03*float64(n) || n <= exactMax && got != n {
			t.Errorf("%d values are estimated as %d", n, got)
		}
		for i, q := range []float64{0, 0.1, 0.5, 0.99, 1} {
			want := float64(values[int(q*float64(n-1))])
			if got := c.Children[1].Children[0].Floats[i]; math.Abs(got-want) > accuracy*math.Abs(want)+1e-9 {
				t.Errorf("quantile %v of %d values is %v, want %v", q, n, got, want)
			}
		}
	}
}

// TestRegistersDoNotDependOnOrder shows that a group has the same sketch
// whether its values came together or in two halves, around the number at which
// it goes over to registers.
func TestRegistersDoNotDependOnOrder(t *testing.T) {
	p := mustPlan(t, Into(func(v *int64, o *int64) []Term { return []Term{ApproxCountDistinct(o, v)} }))
	for _, n := range []int{exactMax - 1, exactMax, exactMax + 1, 3 * exactMax} {
		values := make([]int64, 2*n) // each twice
		for i := range values {
			values[i] = int64(i % n)
		}
		whole := fold(t, p, column(values...))
		rand.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		parts := p.NewTable()
		parts.Grow(3)
		slots := make([]int32, len(values))
		for i := range slots {
			slots[i] = rand.Int32N(3)
		}
		check(t, parts.Add(slots, column(values...), nil, nil))
		check(t, parts.Merge([]int32{0, 0}, []int32{1, 2}))
		a, err := whole.Save([]int32{0})
		check(t, err)
		b, err := parts.Save([]int32{0})
		check(t, err)
		if render(a, 0) != render(b, 0) {
			t.Errorf("%d values: the sketches differ", n)
		}
	}
}

// TestResetAndGrow shows that a slot that is reset is as good as new, and that
// growing keeps what is there.
func TestResetAndGrow(t *testing.T) {
	p := mustPlan(t, Into(describeExact))
	rows := []item{{I: math.MaxInt64, F: 1e300, S: "b"}, {I: math.MaxInt64, F: math.NaN(), S: "a"}, {F: 5e-324}}
	used, fresh := fold(t, p, column(rows...)), p.NewTable()
	used.Grow(5000)
	check(t, used.Copy([]int32{4999}, []int32{0}))
	used.Reset([]int32{0})
	fresh.Grow(1)
	for _, table := range []*Table{used, fresh} {
		check(t, table.AddAll(0, column(rows[2]), nil, nil, 1))
	}
	a, err := used.Save([]int32{0, 4999})
	check(t, err)
	b, err := fresh.Save([]int32{0})
	check(t, err)
	c, err := fold(t, p, column(rows...)).Save([]int32{0})
	check(t, err)
	if render(a, 0) != render(b, 0) {
		t.Errorf("a reset slot keeps something:\n%s", difference(render(a, 0), render(b, 0)))
	}
	if render(a, 1) != render(c, 0) {
		t.Errorf("growing or resetting another slot changed a slot:\n%s", difference(render(a, 1), render(c, 0)))
	}
	if used.SizeBytes() <= fresh.SizeBytes() {
		t.Error("5,000 slots are not larger than one")
	}
}

// TestCopyIsIndependent shows that after a copy, adding to and merging into
// either slot leaves the other one as it was.
func TestCopyIsIndependent(t *testing.T) {
	many := make([]item, 1500) // enough for registers
	for i := range many {
		small := int32(i % 5)
		many[i] = item{I: int64(i), U: uint64(i), F: float64(i) / 3, S: fmt.Sprint(i % 7), Small: &small, Flag: i%2 == 0, Seq: int32(i)}
	}
	more := []item{{I: -3, U: 99999, F: 1e200, S: "more", Flag: true}, {F: 1e-200, S: ""}}
	plans := []*Plan{mustPlan(t, Into(describeExact)), mustPlan(t, Into(describeSketches)), mustPlan(t, Custom(func() *geo { return new(geo) }))}
	for i, p := range append(plans, plans...) {
		if i == len(plans) {
			many = many[:40] // few enough for exact sets
		}
		table := fold(t, p, column(many...))
		table.Grow(3)
		save := func(slot int32) string {
			c, err := table.Save([]int32{slot})
			check(t, err)
			return render(c, 0)
		}
		check(t, table.AddAll(2, column(more...), nil, nil, len(more)))
		check(t, table.Copy([]int32{1}, []int32{0}))
		before := save(0)
		if save(1) != before {
			t.Fatalf("%s: the copy differs:\n%s", p, difference(save(1), before))
		}
		check(t, table.AddAll(1, column(more...), nil, nil, len(more)))
		check(t, table.Merge([]int32{1}, []int32{2}))
		if save(0) != before {
			t.Errorf("%s: changing the copy changed the original:\n%s", p, difference(save(0), before))
		}
		other := save(2)
		whole := fold(t, p, column(slices.Concat(many, more, more)...))
		if c, err := whole.Save([]int32{0}); err != nil || render(c, 0) != save(1) {
			t.Errorf("%s: the copy, added to, is not the sum of its rows (%v)", p, err)
		}
		check(t, table.Copy([]int32{1}, []int32{0}))
		check(t, table.AddAll(0, column(more...), nil, nil, len(more)))
		if save(1) != before || save(2) != other {
			t.Errorf("%s: changing the original changed the copy, or merging changed its source:\n%s", p, difference(save(1), before))
		}
	}
}

func ExampleInto() {
	type sale struct {
		Item  string
		Price float64
	}
	type total struct {
		Sales   int64
		Revenue float64
		Dear    int64
		Best    []string
	}
	plan, err := Into(func(s *sale, t *total) []Term {
		return []Term{
			Count(&t.Sales),
			Sum(&t.Revenue, &s.Price),
			Where(field.AtLeast(&s.Price, 10), Count(&t.Dear)),
			TopK(&t.Best, &s.Item, 2, By(&s.Price)),
		}
	}).Plan()
	fmt.Println(plan, err)
	// Output: count, sum(Price), count(where Price ≥ 10), topK(Item, 2 by Price) <nil>
}
