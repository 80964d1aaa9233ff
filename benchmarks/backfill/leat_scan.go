package main

import (
	"context"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// flight is what the scan reads of the flights file.
type flight[N int64 | float64] struct {
	Delay    N      `leat:"delay"`
	Distance N      `leat:"distance"`
	Origin   string `leat:"origin"`
}

// The row of the renamed file; its name is taken in flights.go.
type renamedScan struct {
	Delay    int64  `leat:"minutes_late"`
	Distance int64  `leat:"miles"`
	Origin   string `leat:"from_airport"`
}

// lateStats is one output row.
type lateStats[N int64 | float64] struct {
	Origin string `leat:"origin"`
	Count  int64  `leat:"count"`
	Sum    N      `leat:"delay_sum"`
	Max    N      `leat:"delay_max"`
}

func (s *lateStats[N]) terms(delay *N) []agg.Term {
	return []agg.Term{agg.Key(&s.Origin), agg.Count(&s.Count), agg.Sum(&s.Sum, delay), agg.Max(&s.Max, delay)}
}

// lateAndShort is the filter, on whatever fields hold delay and distance.
func lateAndShort[N int64 | float64](delay, distance *N) field.Cond {
	return field.And(field.AtLeast(delay, 15), field.Less(distance, 1000))
}

var scanJobs = map[string]job{
	"plain": func(ctx context.Context, t Task) error {
		return scanGroup(ctx, t,
			func(f *flight[int64]) field.Cond { return lateAndShort(&f.Delay, &f.Distance) },
			field.Of(func(f *flight[int64]) *string { return &f.Origin }),
			agg.Into(func(f *flight[int64], s *lateStats[int64]) []agg.Term { return s.terms(&f.Delay) }))
	},
	"closure": func(ctx context.Context, t Task) error {
		return scanGroup(ctx, t,
			func(f *flight[int64]) field.Cond { return lateAndShort(&f.Delay, &f.Distance) },
			field.Func(func(f flight[int64]) string { return f.Origin }),
			agg.Into(func(f *flight[int64], s *lateStats[int64]) []agg.Term { return s.terms(&f.Delay) }))
	},
	"renamed": func(ctx context.Context, t Task) error {
		return scanGroup(ctx, t,
			func(f *renamedScan) field.Cond { return lateAndShort(&f.Delay, &f.Distance) },
			field.Of(func(f *renamedScan) *string { return &f.Origin }),
			agg.Into(func(f *renamedScan, s *lateStats[int64]) []agg.Term { return s.terms(&f.Delay) }))
	},
	"floats": func(ctx context.Context, t Task) error {
		return scanGroup(ctx, t,
			func(f *flight[float64]) field.Cond { return lateAndShort(&f.Delay, &f.Distance) },
			field.Of(func(f *flight[float64]) *string { return &f.Origin }),
			agg.Into(func(f *flight[float64], s *lateStats[float64]) []agg.Term { return s.terms(&f.Delay) }))
	},
}

// scanGroup is the job: late flights of short routes by airport.
func scanGroup[R, S any](ctx context.Context, t Task, where func(*R) field.Cond, origin field.Key[R, string], stats agg.Aggregate[R, S]) error {
	p := new(leat.Pipeline)
	late := leat.Where(leat.Read[R](p, "flights", source(t)), "late-and-short", where)
	byOrigin := leat.KeyBy(late, "by-origin", origin)
	leat.Write(leat.Values(leat.Combine(byOrigin, "stats", stats)), "late", sink(t))
	return run(ctx, p, t)
}
