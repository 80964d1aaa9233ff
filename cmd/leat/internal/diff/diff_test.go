package diff

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// row is a row of the tests: two key columns and two values.
type row struct {
	k    string
	n    int64
	x, y float64
	null bool // x is null
}

var rowType = &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
	{Name: "k", Type: &batch.Type{Kind: batch.String}},
	{Name: "n", Type: &batch.Type{Kind: batch.Int64}},
	{Name: "x", Type: &batch.Type{Kind: batch.Float64, Nullable: true}},
	{Name: "y", Type: &batch.Type{Kind: batch.Float64}},
}}

// columns makes a batch of rows, its strings plain or with a dictionary.
func columns(rows []row, dictionary bool) *batch.Column {
	t := rowType
	var text batch.Strings
	codes, n := []int32{}, []int64{}
	x, y := []float64{}, []float64{}
	valid := batch.NewBitmap(len(rows))
	for i, r := range rows {
		text.Append(r.k)
		codes = append(codes, int32(i))
		n, x, y = append(n, r.n), append(x, r.x), append(y, r.y)
		if !r.null {
			valid.Set(i)
		}
	}
	k := batch.NewStrings(t.Fields[0].Type, text)
	if dictionary {
		k = batch.NewDictionary(t.Fields[0].Type, codes, &batch.Dictionary{Strings: text})
	}
	cx := batch.NewFloats(t.Fields[2].Type, x)
	cx.Valid = valid
	return batch.NewStruct(t, len(rows), k, batch.NewInts(t.Fields[1].Type, n), cx, batch.NewFloats(t.Fields[3].Type, y))
}

// side serves rows in batches of size rows, from alternating workers.
func side(rows []row, size int, dictionary bool) Input {
	return Input{Type: rowType, Each: func(_ context.Context, t *batch.Type, workers int, f func(int, *batch.Column) error) error {
		for i, n := 0, 0; i < len(rows); i, n = i+size, n+1 {
			c := columns(rows[i:min(i+size, len(rows))], dictionary)
			pick := batch.NewStruct(t, c.Len)
			for _, field := range t.Fields {
				pick.Children = append(pick.Children, c.Children[rowType.Index(field.Name)])
			}
			if err := f(n%workers, pick); err != nil {
				return err
			}
		}
		return nil
	}}
}

func drawRows(t *rapid.T, label string) []row {
	float := rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1, 1 + 1e-12, 1 + 3e-12, 2, math.NaN(), math.Inf(1)})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		return row{
			k: rapid.SampledFrom([]string{"", "a", "b", "a\x00"}).Draw(t, "k"), n: rapid.Int64Range(-1, 1).Draw(t, "n"),
			x: float.Draw(t, "x"), y: float.Draw(t, "y"), null: rapid.IntRange(0, 4).Draw(t, "null") == 0,
		}
	}), 0, 14).Draw(t, label)
}

// same is the definition: the rows are equal within the tolerance.
func same(a, b row, tolerance float64) bool {
	if a.k != b.k || a.n != b.n || a.null != b.null || !near(a.y, b.y, tolerance) {
		return false
	}
	return a.null || near(a.x, b.x, tolerance)
}

// most pairs as many rows as can be, by trying everything along augmenting paths.
func most(a, b []row, tolerance float64) int {
	owner := make([]int, len(b))
	for i := range owner {
		owner[i] = -1
	}
	var try func(i int, seen []bool) bool
	try = func(i int, seen []bool) bool {
		for k := range b {
			if !seen[k] && same(a[i], b[k], tolerance) {
				seen[k] = true
				if owner[k] < 0 || try(owner[k], seen) {
					owner[k] = i
					return true
				}
			}
		}
		return false
	}
	pairs := 0
	for i := range a {
		if try(i, make([]bool, len(b))) {
			pairs++
		}
	}
	return pairs
}

// At tolerance 0 exactly as many rows are equal as the definition allows; every
// row is counted once; and nothing depends on batches, order, dictionaries, the
// number of workers or of parts.
func TestCompareAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRows(t, "a"), drawRows(t, "b")
		o := Options{Tolerance: rapid.SampledFrom([]float64{0, 2e-12, 0.5}).Draw(t, "tolerance"), Max: 3, Workers: 1}
		if rapid.Bool().Draw(t, "by") {
			o.By = []string{"k", "n"}
		}
		r, err := Compare(t.Context(), side(a, 100, false), side(b, 100, false), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Equal != int64(most(a, b, 0)) {
			t.Errorf("%d rows are equal, want %d", r.Equal, most(a, b, 0))
		}
		if o.Tolerance == 0 && r.Within != 0 || r.Equal+r.Within > int64(most(a, b, o.Tolerance)) {
			t.Errorf("%d rows are equal within the tolerance beside %d, at most %d can be", r.Within, r.Equal, most(a, b, o.Tolerance))
		}
		pairs := r.Equal + r.Within + r.Changed
		if pairs+r.OnlyA != int64(len(a)) || pairs+r.OnlyB != int64(len(b)) {
			t.Errorf("%+v does not count %d and %d rows", r, len(a), len(b))
		}
		a, b = slices.Clone(a), slices.Clone(b)
		slices.Reverse(a)
		slices.Reverse(b)
		o.Workers, o.MemoryBytes = 3, 40
		again, err := Compare(t.Context(), side(a, 2, true), side(b, 3, false), o)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r, again) {
			t.Errorf("read in another way:\ngot  %+v\nwant %+v", again, r)
		}
	})
}

// Rows without a key and rows of a key that repeats thousands of times are paired
// within the tolerance though they stand in another order.
func TestSweep(t *testing.T) {
	for _, sameKey := range []bool{true, false} {
		var a, b []row
		for i := range 3000 {
			v := float64(i) / 7
			a = append(a, row{k: "k", x: math.Mod(v, 5), y: v})
			b = append(b, row{k: "k", x: math.Mod(v, 5), y: v * (1 + 1e-13)})
		}
		slices.Reverse(b)
		b[17].y = -1
		o := Options{Tolerance: 1e-9, Max: 1, Ignore: []string{"k", "n"}}
		if sameKey {
			o = Options{Tolerance: 1e-9, Max: 1, By: []string{"k"}}
		}
		r, err := Compare(t.Context(), side(a, 1000, false), side(b, 1000, false), o)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Equal + r.Within; got != 2999 || r.Same() {
			t.Errorf("%d rows are equal, want 2999: %+v", got, r)
		}
	}
}

// Floats are compared by the formula of the documentation.
func TestNear(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, test := range []struct {
		a, b, t float64
		want    bool
	}{
		{1, 1 + 1e-10, 1e-9, true}, {1, 1 + 1e-8, 1e-9, false}, {0, 1e-10, 1e-9, true}, {0, 1e-8, 1e-9, false},
		{1e12, 1e12 + 1, 1e-9, true}, {1e12, 1e12 + 1e4, 1e-9, false}, {nan, nan, 0, true}, {nan, 1, 1, false},
		{inf, inf, 0, true}, {inf, math.MaxFloat64, 1, false}, {inf, -inf, 1, false}, {0, math.Copysign(0, -1), 0, true},
		{math.MaxFloat64, -math.MaxFloat64, 1, false},
	} {
		if near(test.a, test.b, test.t) != test.want || near(test.b, test.a, test.t) != test.want {
			t.Errorf("%v and %v at %v: want %v", test.a, test.b, test.t, test.want)
		}
	}
}

// Only the smallest keys are kept, in order, and values of others are not made.
func TestFirst(t *testing.T) {
	f := first[string]{most: 3}
	made := 0
	for _, k := range []string{"m", "c", "x", "z", "a", "y", "c"} {
		f.offer([]byte(k), func() string { made++; return k })
	}
	if got := strings.Join(f.values, " "); got != "a c c" || made != 5 {
		t.Errorf("kept %q and made %d", got, made)
	}
}

// A hundred thousand rows of four columns with a value that differs in each.
func BenchmarkCompare(b *testing.B) {
	for _, changed := range []bool{false, true} {
		b.Run(fmt.Sprintf("changed=%v", changed), func(b *testing.B) {
			var rows, other []row
			for i := range 100_000 {
				r := row{k: fmt.Sprint("key", i%300), n: int64(i), x: float64(i) / 3, y: 1}
				rows = append(rows, r)
				if changed {
					r.x *= 1 + 1e-12
				}
				other = append(other, r)
			}
			left, right := side(rows, 8192, true), side(other, 8192, true)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compare(b.Context(), left, right, Options{Tolerance: 1e-9}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*2*100_000/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
