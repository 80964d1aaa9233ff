package main

import (
	"context"
	"math"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// report is what the windows job reads of the flights file.
type report struct {
	Date     time.Time `leat:"date"`
	Delay    int64     `leat:"delay"`
	Distance int64     `leat:"distance"`
	Origin   string    `leat:"origin"`
}

// reported is when a flight was known to have landed.
func (r report) reported() time.Time {
	return r.Date.Add(time.Duration(r.Delay+20+r.Distance/8) * time.Minute)
}

// renamedReport is report under other names.
type renamedReport struct {
	Date     time.Time `leat:"scheduled"`
	Delay    int64     `leat:"minutes_late"`
	Distance int64     `leat:"miles"`
	Origin   string    `leat:"from_airport"`
}

// floatReport is report with floats for integers.
type floatReport struct {
	Date     time.Time `leat:"date"`
	Delay    float64   `leat:"delay"`
	Distance float64   `leat:"distance"`
	Origin   string    `leat:"origin"`
}

// windowStats is one output row; N is the type of a delay.
type windowStats[N int64 | float64] struct {
	Origin string    `leat:"origin"`
	Start  time.Time `leat:"window_start"`
	End    time.Time `leat:"window_end"`
	Count  int64     `leat:"count"`
	Sum    N         `leat:"delay_sum"`
	Mean   float64   `leat:"delay_mean"`
	Max    N         `leat:"delay_max"`
}

// terms are the same in every variant, but for the field they read.
func (s *windowStats[N]) terms(delay *N) []agg.Term {
	return []agg.Term{
		agg.Key(&s.Origin), agg.WindowStart(&s.Start), agg.WindowEnd(&s.End),
		agg.Count(&s.Count), agg.Sum(&s.Sum, delay), agg.Mean(&s.Mean, delay), agg.Max(&s.Max, delay),
	}
}

var windowJobs = map[string]job{
	"plain": func(ctx context.Context, t Task) error {
		return windows(ctx, t, report.reported,
			field.Of(func(r *report) *string { return &r.Origin }),
			agg.Into(func(r *report, s *windowStats[int64]) []agg.Term { return s.terms(&r.Delay) }))
	},
	"closure": func(ctx context.Context, t Task) error {
		return windows(ctx, t, report.reported,
			field.Func(func(r report) string { return r.Origin }),
			agg.Into(func(r *report, s *windowStats[int64]) []agg.Term { return s.terms(&r.Delay) }))
	},
	"renamed": func(ctx context.Context, t Task) error {
		return windows(ctx, t,
			func(r renamedReport) time.Time { return report(r).reported() },
			field.Of(func(r *renamedReport) *string { return &r.Origin }),
			agg.Into(func(r *renamedReport, s *windowStats[int64]) []agg.Term { return s.terms(&r.Delay) }))
	},
	"floats": func(ctx context.Context, t Task) error {
		return windows(ctx, t,
			func(r floatReport) time.Time {
				return r.Date.Add(time.Duration(r.Delay+20+math.Floor(r.Distance/8)) * time.Minute)
			},
			field.Of(func(r *floatReport) *string { return &r.Origin }),
			agg.Into(func(r *floatReport, s *windowStats[float64]) []agg.Term { return s.terms(&r.Delay) }))
	},
}

// disorder is a little more than how late the latest report of the full file is.
const disorder = 37 * time.Hour

// windows is the job: delays by airport in windows of 24 h every hour.
func windows[R, S any](ctx context.Context, t Task, reported func(R) time.Time, origin field.Key[R, string], stats agg.Aggregate[R, S]) error {
	p := new(leat.Pipeline)
	reports := leat.Read(p, "reports", source(t), leat.EventTime(reported, watermark.Disorder(disorder)))
	byOrigin := leat.KeyBy(reports, "by-origin", origin)
	sliding := leat.Window(byOrigin, window.Sliding(24*time.Hour, time.Hour))
	leat.Write(leat.Values(leat.Combine(sliding, "stats", stats)), "windows", sink(t))
	return run(ctx, p, t)
}
