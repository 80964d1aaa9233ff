package profile

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

func timesOf(values []int64, nulls []bool) *batch.Column {
	c := batch.NewInts(&batch.Type{Kind: batch.Time, Nullable: true}, values)
	c.Valid = batch.NewBitmap(len(values))
	for i, null := range nulls {
		if !null {
			c.Valid.Set(i)
		}
	}
	return c
}

// Range, disorder and repetition of times are what their definitions say, however
// the rows are cut into batches.
func TestTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(-5, 5), 1, 30).Draw(t, "values")
		nulls := rapid.SliceOfN(rapid.Bool(), len(values), len(values)).Draw(t, "nulls")
		size := rapid.IntRange(1, 30).Draw(t, "batch")
		var want Times
		var seen []int64
		for i, v := range values {
			if nulls[i] {
				continue
			}
			if len(seen) > 0 {
				highest := slices.Max(seen)
				want.DisorderMicros = max(want.DisorderMicros, highest-v)
				if v < highest {
					want.OutOfOrder++
				}
				if v == seen[len(seen)-1] {
					want.Repeated++
				}
			}
			seen = append(seen, v)
		}
		a := New("at", &batch.Type{Kind: batch.Time, Nullable: true})
		for i := 0; i < len(values); i += size {
			end := min(i+size, len(values))
			a.Add(timesOf(values[i:end], nulls[i:end]))
		}
		got := a.Finish(3)
		if int(got.Nulls) != len(values)-len(seen) || int(got.Rows) != len(values) {
			t.Errorf("%d nulls of %d rows", got.Nulls, got.Rows)
		}
		if len(seen) == 0 {
			if got.Times != nil || got.Min != "" {
				t.Errorf("only nulls, and yet %+v", got)
			}
			return
		}
		want.From, want.To, want.Values = slices.Min(seen), slices.Max(seen), int64(len(seen))
		if *got.Times != want {
			t.Errorf("got %+v, want %+v", *got.Times, want)
		}
	})
}

func textColumn(values []string, dictionary bool) *batch.Column {
	var s batch.Strings
	codes := make([]int32, len(values))
	for i, v := range values {
		s.Append(v)
		codes[i] = int32(i)
	}
	t := &batch.Type{Kind: batch.String}
	if dictionary {
		return batch.NewDictionary(t, codes, &batch.Dictionary{Strings: s})
	}
	return batch.NewStrings(t, s)
}

// Counts of strings are exact while the table holds them all; beyond that none is
// too high, none too low by more than the error, and no value more frequent than
// the error is missing.
func TestFrequentValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "a") * rapid.IntRange(0, 9).Draw(t, "b"))
		}), 1, 200).Draw(t, "values")
		room := rapid.IntRange(1, 40).Draw(t, "room")
		a := New("s", &batch.Type{Kind: batch.String})
		a.texts = newTexts(room, 1<<20)
		want := map[string]int64{}
		for i := 0; i < len(values); i += 16 {
			part := values[i:min(i+16, len(values))]
			a.Add(textColumn(part, i%32 == 0))
			for _, v := range part {
				want[v]++
			}
		}
		got := a.Finish(1000)
		top := got.Top
		if top.Exact != (top.Error == 0) || len(want) < room && !top.Exact {
			t.Errorf("%d values in a room of %d: %+v", len(want), room, top)
		}
		found := map[string]int64{}
		for i, v := range top.Values {
			found[v.Value] = v.Count
			if i > 0 && top.Values[i-1].Count < v.Count {
				t.Error("not in order")
			}
		}
		for v, n := range want {
			if found[v] > n || found[v] < n-top.Error {
				t.Errorf("%s: counted %d with an error of %d, is %d", v, found[v], top.Error, n)
			}
		}
		if int(got.Distinct) != len(want) {
			t.Errorf("%d distinct, want %d", got.Distinct, len(want))
		}
		if low, high := slices.Min(values), slices.Max(values); got.Min != low || got.Max != high {
			t.Errorf("from %s to %s, want %s to %s", got.Min, got.Max, low, high)
		}
	})
}

// Bounds of numbers: uint64 has no sign, NaN has no place, nulls do not count.
func TestBounds(t *testing.T) {
	null := batch.NewInts(&batch.Type{Kind: batch.Int64, Nullable: true}, []int64{-99, 5, 7})
	null.Valid = batch.Bitmap{0b110}
	for _, test := range []struct {
		c         *batch.Column
		low, high string
		nans      int64
	}{
		{batch.NewInts(&batch.Type{Kind: batch.Uint64}, []int64{-1, 3}), "3", "18446744073709551615", 0},
		{batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{-1, 3}), "-1", "3", 0},
		{batch.NewFloats(&batch.Type{Kind: batch.Float64}, []float64{math.NaN(), 2, math.Inf(-1)}), "-Inf", "2", 1},
		{batch.NewFloats(&batch.Type{Kind: batch.Float64}, []float64{math.NaN()}), "", "", 1},
		{batch.NewBools(&batch.Type{Kind: batch.Bool}, []bool{true, true}), "true", "true", 0},
		{null, "5", "7", 0},
	} {
		a := New("n", test.c.Type)
		a.Add(test.c)
		if got := a.Finish(0); got.Min != test.low || got.Max != test.high || got.NaNs != test.nans {
			t.Errorf("%s: from %q to %q, %d NaN; want %q to %q, %d", got.Type, got.Min, got.Max, got.NaNs, test.low, test.high, test.nans)
		}
	}
}

// The estimate of distinct values is within five standard errors.
func TestDistinct(t *testing.T) {
	a := New("n", &batch.Type{Kind: batch.Int64})
	const distinct = 100_000
	for i := range 200 {
		values := make([]int64, 1000)
		for k := range values {
			values[k] = int64(i*1000+k) % distinct * 7919
		}
		a.Add(batch.NewInts(&batch.Type{Kind: batch.Int64}, values))
	}
	if got := a.Finish(0).Distinct; math.Abs(float64(got)-distinct) > 5*0.0081*distinct {
		t.Errorf("estimated %d of %d", got, distinct)
	}
}

func BenchmarkAdd(b *testing.B) {
	ints, texts := make([]int64, 8192), make([]string, 8192)
	for i := range ints {
		ints[i], texts[i] = int64(i*i%5003), fmt.Sprint("key", i%300)
	}
	for name, c := range map[string]*batch.Column{
		"time":       batch.NewInts(&batch.Type{Kind: batch.Time}, ints),
		"text":       textColumn(texts, false),
		"dictionary": textColumn(texts, true),
	} {
		b.Run(name, func(b *testing.B) {
			a := New("c", c.Type)
			b.ReportAllocs()
			for b.Loop() {
				a.Add(c)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/8192, "ns/row")
		})
	}
}
