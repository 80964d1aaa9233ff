package watermark

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/leatflow/leat/sdk/batch"
)

// A watermark never goes back, stays the declared disorder behind the latest
// row, and does not depend on how rows are cut into batches.
func TestDisorder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Int64Range(0, 50).Draw(t, "disorder")
		times := rapid.SliceOf(rapid.Int64Range(-200, 200)).Draw(t, "times")
		one, cut := Disorder(time.Duration(d)*time.Microsecond).New(), Disorder(time.Duration(d)*time.Microsecond).New()
		latest, before := batch.MinTime, batch.MinTime
		for _, at := range times {
			latest = max(latest, at)
			w := one.Observe([]int64{at})
			if w < before || w != latest-d {
				t.Fatalf("the watermark after %v is %d, was %d; want %d", times, w, before, latest-d)
			}
			before = w
		}
		at := rapid.IntRange(0, len(times)).Draw(t, "cut")
		cut.Observe(times[:at])
		if w := cut.Observe(times[at:]); w != before {
			t.Fatalf("in two batches the watermark is %d, row by row %d", w, before)
		}
	})
}

// Without rows, and without a declaration, nothing is known.
func TestNothingKnown(t *testing.T) {
	for _, g := range []Generator{{}, None()} {
		if g.Declared() || g.String() != "none" || g.New().Observe([]int64{5, 9}) != batch.MinTime {
			t.Errorf("%s says something", g)
		}
	}
	for _, g := range []Generator{Monotone(), Disorder(time.Hour), Func("f", func() func(time.Time) time.Time { return func(at time.Time) time.Time { return at } })} {
		if !g.Declared() || g.New().Observe(nil) != batch.MinTime {
			t.Errorf("%s knows something before the first row", g)
		}
	}
}

// A monotone source's watermark is its latest row.
func TestMonotone(t *testing.T) {
	if w := Monotone().New().Observe([]int64{3, 7, 5}); w != 7 {
		t.Errorf("the watermark is %d, want 7", w)
	}
}

// A function of the user's own sees the latest event time in UTC; each reader has
// one of its own; what goes back is ignored, what is beyond time is its end.
func TestFunc(t *testing.T) {
	made := 0
	g := Func("mine", func() func(time.Time) time.Time {
		made++
		calls := 0
		return func(latest time.Time) time.Time {
			calls++
			if latest.Location() != time.UTC {
				t.Errorf("the time is in %s", latest.Location())
			}
			return latest.Add(time.Duration(10-20*calls) * time.Microsecond) // −10, −30, …
		}
	})
	a, b := g.New(), g.New()
	if made != 2 || g.String() != "func mine" {
		t.Errorf("%d functions were made for two readers of %s", made, g)
	}
	if w := a.Observe([]int64{100}); w != 90 {
		t.Errorf("the watermark is %d, want 90", w)
	}
	if w := a.Observe([]int64{105}); w != 90 {
		t.Errorf("the watermark went back to %d", w)
	}
	if w := b.Observe([]int64{50}); w != 40 {
		t.Errorf("the other reader's watermark is %d, want 40", w)
	}
	far := Func("far", func() func(time.Time) time.Time {
		return func(time.Time) time.Time { return time.UnixMicro(math.MaxInt64) }
	})
	if w := far.New().Observe([]int64{1}); w != batch.MaxTime {
		t.Errorf("a watermark beyond time is %d", w)
	}
}

// A generator says what is wrong with it.
func TestValidate(t *testing.T) {
	for g, want := range map[string]string{
		"-1s": "a row cannot be a negative time behind", "1ns": "whole microseconds", "1µs": "", "0s": "",
	} {
		d, err := time.ParseDuration(g)
		if err != nil {
			t.Fatal(err)
		}
		err = Disorder(d).Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), g)) {
			t.Errorf("Disorder(%s): %v, want %q", g, err, want)
		}
	}
}

// A generator without its function is refused, instead of being another.
func TestFuncIsNil(t *testing.T) {
	if err := Func("mine", nil).Validate(); err == nil || !strings.Contains(err.Error(), `watermark.Func("mine") has no function`) {
		t.Errorf("the error is %v", err)
	}
}
