package agg

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
)

type fact struct {
	Delay int64
	Price float64
	Item  string
	Maybe *int64
}

type intStats struct{ Count, Sum, Max int64 }

// facts returns a batch and the slot of each of its rows.
func facts(rows, groups int) (c *batch.Column, times []int64, slots []int32) {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]fact, rows)
	for i := range all {
		n := int64(r.IntN(1000))
		all[i] = fact{Delay: n, Price: float64(r.IntN(100000)) / 100, Item: fmt.Sprint("item", n), Maybe: &n}
		if i%2 == 0 {
			all[i].Maybe = nil
		}
		slots, times = append(slots, int32(r.IntN(groups))), append(times, int64(i))
	}
	return column(all...), times, slots
}

func benchmark[R any](b *testing.B, name string, f func(*fact, *R) []Term) {
	const rows = 8192
	plan := mustPlan(b, Into(f))
	for _, groups := range []int{1000, 1000000} {
		c, times, slots := facts(rows, groups)
		b.Run(fmt.Sprintf("%s/groups=%d", name, groups), func(b *testing.B) {
			t := plan.NewTable()
			t.Grow(groups)
			b.ReportAllocs()
			for b.Loop() {
				if err := t.Add(slots, c, times, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
	c, times, _ := facts(rows, 1)
	b.Run(name+"/one", func(b *testing.B) {
		t := plan.NewTable()
		t.Grow(1)
		for b.Loop() {
			if err := t.AddAll(0, c, times, nil, rows); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
	})
}

// BenchmarkAdd measures folding a batch of 8,192 rows into random groups, or
// into one.
func BenchmarkAdd(b *testing.B) {
	benchmark(b, "count+sum+max", func(e *fact, s *intStats) []Term {
		return []Term{Count(&s.Count), Sum(&s.Sum, &e.Delay), Max(&s.Max, &e.Delay)}
	})
	benchmark(b, "count", func(e *fact, s *int64) []Term { return []Term{Count(s)} })
	benchmark(b, "sum int", func(e *fact, s *int64) []Term { return []Term{Sum(s, &e.Delay)} })
	benchmark(b, "sum nullable", func(e *fact, s *int64) []Term { return []Term{Sum(s, e.Maybe)} })
	benchmark(b, "sum float", func(e *fact, s *float64) []Term { return []Term{Sum(s, &e.Price)} })
	benchmark(b, "max float", func(e *fact, s *float64) []Term { return []Term{Max(s, &e.Price)} })
	benchmark(b, "max string", func(e *fact, s *string) []Term { return []Term{Max(s, &e.Item)} })
	benchmark(b, "last", func(e *fact, s *float64) []Term { return []Term{Last(s, &e.Price)} })
	benchmark(b, "lastN", func(e *fact, s *[]string) []Term { return []Term{LastN(s, &e.Item, 20)} })
	benchmark(b, "variance", func(e *fact, s **float64) []Term { return []Term{Variance(*s, &e.Price)} })
	benchmark(b, "distinct", func(e *fact, s *int64) []Term { return []Term{CountDistinct(s, &e.Delay)} })
	benchmark(b, "approx", func(e *fact, s *int64) []Term { return []Term{ApproxCountDistinct(s, &e.Delay)} })
	benchmark(b, "quantile", func(e *fact, s *float64) []Term { return []Term{Quantile(s, &e.Price, 0.5)} })
}

// BenchmarkMerge measures merging, copying and the results of 100,000 groups.
func BenchmarkMerge(b *testing.B) {
	const groups = 100000
	plan := mustPlan(b, Into(func(e *fact, s *intStats) []Term {
		return []Term{Count(&s.Count), Sum(&s.Sum, &e.Delay), Max(&s.Max, &e.Delay)}
	}))
	c, times, slots := facts(groups, groups)
	t := plan.NewTable()
	t.Grow(2 * groups)
	if err := t.Add(slots, c, times, nil); err != nil {
		b.Fatal(err)
	}
	var src, dst []int32
	for i := range int32(groups) {
		src, dst = append(src, i), append(dst, i+groups)
	}
	measure := func(name string, run func() error) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/groups, "ns/group")
		})
	}
	measure("merge", func() error { return t.Merge(dst, src) })
	measure("copy", func() error { return t.Copy(dst, src) })
	measure("save", func() error { _, err := t.Save(src); return err })
	measure("results", func() error { _, err := t.Results(src, nil, nil, nil); return err })
}
