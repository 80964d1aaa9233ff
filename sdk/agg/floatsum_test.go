package agg

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// bigSum adds floats in the rationals and rounds once.
func bigSum(values []float64) float64 {
	total := new(big.Rat)
	for _, v := range values {
		total.Add(total, new(big.Rat).SetFloat64(v))
	}
	f, _ := total.Float64()
	return f
}

func finiteFloat() *rapid.Generator[float64] {
	return drawFloat().Filter(func(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) })
}

// TestFloatSum shows that sums of floats are those of math/big, rounded once,
// however they are split.
func TestFloatSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(finiteFloat(), 1, 40).Draw(t, "values")
		f := new(floatSums)
		f.grow(3)
		slots := rapid.SliceOfN(rapid.Int32Range(0, 2), len(values), len(values)).Draw(t, "slots")
		must(t, f.add(&view{slots: slots, n: len(values), cols: columns(values)}))
		f.merge([]int32{0, 0}, []int32{1, 2})
		saved, err := f.save([]int32{0})
		must(t, err)
		must(t, f.load([]int32{2}, saved, nil)) // on top of what is there
		f.reset([]int32{1})
		must(t, f.load([]int32{1}, saved, nil))
		want := bigSum(values)
		if got := f.round([]int32{0, 1}); got[0] != want || got[1] != want {
			t.Fatalf("sum is %v, %v after loading, want %v", got[0], got[1], want)
		}
		again, err := f.save([]int32{1})
		must(t, err)
		if string(again[0].Bytes(0)) != string(saved[0].Bytes(0)) {
			t.Fatal("a loaded sum is saved differently")
		}
	})
}

// TestFloatSumDoubling shows that a sum which doubles until its 192 bits are
// used up goes on without loss.
func TestFloatSumDoubling(t *testing.T) {
	f := new(floatSums)
	f.grow(3)
	must := func(err error) { check(t, err) }
	must(f.add(&view{slots: []int32{0, 1, 2}, n: 3, cols: columns([]float64{-1.75, 0.125, 0x1p-45})}))
	for i := range 400 {
		f.merge([]int32{0}, []int32{0})
		f.copyFrom([]int32{1}, []int32{0})
		if got, want := f.round([]int32{1})[0], math.Ldexp(-1.75, i+1); got != want {
			t.Fatalf("after doubling %d times the sum is %v, want %v", i+1, got, want)
		}
		must(f.add(&view{slot: 1, n: 1, cols: columns([]float64{1})}))
		f.merge([]int32{1}, []int32{2}) // has a lower base
		if got, want := f.round([]int32{1})[0], bigSum([]float64{math.Ldexp(-1.75, i+1), 1, 0x1p-45}); got != want {
			t.Fatalf("%v with 1 and 2^-45 added is %v, want %v", math.Ldexp(-1.75, i+1), got, want)
		}
		must(f.add(&view{slot: 1, n: 1, cols: columns([]float64{-math.Ldexp(-1.75, i+1)})}))
		if got := f.round([]int32{1})[0]; got != 1+0x1p-45 {
			t.Fatalf("after subtracting %v again %v is left, want %v", math.Ldexp(-1.75, i+1), got, 1+0x1p-45)
		}
	}
}

// FuzzLoad shows that no bytes in the place of a saved sum, sketch or digest
// cause a panic or a huge allocation.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "\x00\x00\x00", "\x00\x00\x00\x00\x07\x05", "\x00\x01\x02\x03\x04\x05\x06\x07\x08", "\x01", "\x00\x00\x00\x00\x01\x02\x03\x00", "\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05"} {
		f.Add([]byte(seed))
	}
	p := mustPlan(f, Into(func(v *float64, o *struct {
		Sum, Quantile float64
		Approx        int64
		Deviation     *float64
	}) []Term {
		return []Term{Sum(&o.Sum, v), Quantile(&o.Quantile, v, 0.5), ApproxCountDistinct(&o.Approx, v), StdDev(o.Deviation, v)}
	}))
	f.Fuzz(func(t *testing.T, damaged []byte) {
		table := fold(t, p, column(1.5, 2))
		saved, err := table.Save([]int32{0})
		check(t, err)
		for i, c := range saved.Children {
			if c.Type != bytesType {
				continue
			}
			b := newTexts(1)
			b.addBytes(damaged)
			children := append(saved.Children[:0:0], saved.Children...)
			if children[i], err = b.column(bytesType); err != nil {
				t.Fatal(err)
			}
			bad := *saved
			bad.Children = children
			other := p.NewTable()
			other.Grow(1)
			if other.Load([]int32{0}, &bad, nil) == nil {
				_, err := other.Results([]int32{0}, nil, nil, nil)
				check(t, err)
			}
		}
	})
}
