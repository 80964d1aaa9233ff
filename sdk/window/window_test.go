package window

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// aligned draws fixed and sliding windows of some µs.
func aligned(t *rapid.T) Fn {
	size, period := rapid.IntRange(1, 30).Draw(t, "size"), rapid.IntRange(1, 30).Draw(t, "period")
	fn := Sliding(time.Duration(size)*time.Microsecond, time.Duration(period)*time.Microsecond)
	return fn.Offset(time.Duration(rapid.IntRange(-70, 70).Draw(t, "offset")) * time.Microsecond)
}

// brute lists the windows [offset + k·period, … + size) that start in [from, to].
func brute(fn Fn, from, to int64) (all []Interval) {
	offset := fn.offset.Microseconds()
	for k := int64(-400); k <= 400; k++ {
		if start := offset + k*fn.Period(); from <= start && start <= to {
			all = append(all, Interval{start, start + fn.Size()})
		}
	}
	return all
}

// Assign, First, Last and Next are what a look at every window gives.
func TestAlignedAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn := aligned(t)
		at := rapid.Int64Range(-150, 150).Draw(t, "t")
		all := brute(fn, -290, 290)
		var in []Interval
		var first, last Interval
		for _, w := range all {
			if w.Start <= at && at < w.End {
				in = append(in, w)
			}
			if w.Start <= at {
				last = w
			}
		}
		for _, w := range slices.Backward(all) {
			if w.End > at {
				first = w
			}
		}
		got, err := fn.Assign(at, nil)
		if err != nil || !slices.Equal(got, in) {
			t.Fatalf("%s: windows of %d are %v (%v), want %v", fn, at, got, err, in)
		}
		if fn.First(at) != first || fn.Last(at) != last {
			t.Fatalf("%s: first of %d is %v, last %v; want %v and %v", fn, at, fn.First(at), fn.Last(at), first, last)
		}
		if next := fn.Next(last); next.Start != last.Start+fn.Period() || next.End != last.End+fn.Period() {
			t.Fatalf("%s: after %v comes %v", fn, last, next)
		}
	})
}

// Slices cut time without gaps, and no window begins or ends inside one, so that
// every window is a run of whole slices.
func TestSlicesTileWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fn := aligned(t)
		if fn.Period() > fn.Size() {
			return
		}
		slicer := fn.Slicer()
		edges := make(map[int64]bool)
		for _, w := range brute(fn, -300, 300) {
			edges[w.Start], edges[w.End] = true, true
		}
		for at := int64(-100); at < 100; {
			s := fn.Slice(at)
			if s.Start != at && at != -100 || s.End <= at || s != slicer.Slice(at) {
				t.Fatalf("%s: the slice of %d is %v", fn, at, s)
			}
			for inside := s.Start + 1; inside < s.End; inside++ {
				if edges[inside] {
					t.Fatalf("%s: a window begins or ends at %d, inside the slice %v", fn, inside, s)
				}
			}
			if !edges[s.Start] || !edges[s.End] {
				t.Fatalf("%s: the slice %v begins or ends where no window does", fn, s)
			}
			at = s.End
		}
	})
}

// A window function that panics is an error that names it, the row's time, and
// where it happened.
func TestCustomPanics(t *testing.T) {
	fn := Custom("weeks", func(time.Time) []Interval { panic("no weeks") })
	_, err := fn.Assign(0, nil)
	for _, s := range []string{"window function weeks panicked for 1970-01-01T00:00:00Z: no weeks", "window_test.go:"} {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("the error does not say %q: %v", s, err)
		}
	}
}

// Functions are equal when they assign the same windows under the same name.
func TestEqual(t *testing.T) {
	same := func(time.Time) []Interval { return nil }
	all := []Fn{Global(), Fixed(time.Minute), Fixed(time.Hour), Fixed(time.Hour).Offset(time.Minute), Sliding(time.Hour, time.Minute),
		Session(time.Hour), Custom("a", same), Custom("b", same)}
	for i, a := range all {
		for j, b := range all {
			if a.Equal(b) != (i == j) {
				t.Errorf("%s equals %s: %t", a, b, a.Equal(b))
			}
		}
	}
	if !Sliding(time.Hour, time.Hour).Equal(Fixed(time.Hour)) {
		t.Error("sliding windows of one period are not fixed windows")
	}
}
