package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leatflow/leat/examples/flights/logistic"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/leat"
)

// Labeled is a row of the training set as it is read back to learn from: an
// Example without what no feature is made of.
type Labeled struct {
	Date     time.Time `leat:"date"`
	Distance int64     `leat:"distance"`
	Delay    int64     `leat:"delay"`
	leat.Columns[Recent]

	RouteCount     int64  `leat:"route_count_7d"`
	RouteDelaySum  int64  `leat:"route_delay_sum_7d"`
	RouteDelayLast *int64 `leat:"route_delay_last_7d"`
}

// features says what the model sees of a row, in the order of its weights:
//
//	intercept │ numbers, standardised │ flags, 0 or 1 │ hour of day │ day of week
//	        1 │ 7 a window and 5      │ 2 a window, 1 │          24 │           7
//
// A number that is not known, a mean over no reports, is NaN until it is
// standardised and then 0, the average; a flag says that there were none.
type features struct {
	windows []string
	numbers []string
	flags   []string
}

const hours, days = 24, 7

// featuresOf returns the features of a training set with windows of these names.
func featuresOf(windows []string) *features {
	f := &features{windows: windows}
	for _, w := range windows {
		for _, name := range []string{"origin_count", "origin_delay_sum", "origin_delay_mean", "origin_late_share", "destination_count", "destination_delay_sum", "destination_delay_mean"} {
			f.numbers = append(f.numbers, name+"_"+w)
		}
		f.flags = append(f.flags, "origin_none_"+w, "destination_none_"+w)
	}
	f.numbers = append(f.numbers, "route_count_7d", "route_delay_sum_7d", "route_delay_mean_7d", "route_delay_last_7d", "distance")
	f.flags = append(f.flags, "route_none_7d")
	return f
}

// dense is the number of values before the hours: intercept, numbers and flags.
func (f *features) dense() int { return 1 + len(f.numbers) + len(f.flags) }

func (f *features) weights() int { return f.dense() + hours + days }

// names returns the names of all weights but the intercept's.
func (f *features) names() []string {
	names := slices.Concat(f.numbers, f.flags)
	for h := range hours {
		names = append(names, fmt.Sprintf("hour_%02d", h))
	}
	for d := range days {
		names = append(names, "day_"+strings.ToLower(time.Weekday(d).String()))
	}
	return names
}

// values appends intercept, numbers as they are and flags of a row.
func (f *features) values(r *Labeled, to []float64) []float64 {
	flags := make([]float64, 0, 16)
	to = append(to, 1)
	for _, w := range f.windows {
		known := r.At(w)
		to = append(to, float64(known.OriginCount), float64(known.OriginDelaySum), orNaN(known.OriginDelayMean), share(known.OriginLateCount, known.OriginCount),
			float64(known.DestinationCount), float64(known.DestinationDelaySum), orNaN(known.DestinationDelayMean))
		flags = append(flags, none(known.OriginCount), none(known.DestinationCount))
	}
	last := math.NaN()
	if r.RouteDelayLast != nil {
		last = float64(*r.RouteDelayLast)
	}
	to = append(to, float64(r.RouteCount), float64(r.RouteDelaySum), share(r.RouteDelaySum, r.RouteCount), last, float64(r.Distance))
	to = append(to, flags...)
	return append(to, none(r.RouteCount))
}

// share is NaN where there is nothing to have a share of.
func share(part, whole int64) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}

func none(count int64) float64 {
	if count == 0 {
		return 1
	}
	return 0
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// Moments are mean and population standard deviation of a number, over the rows
// of the training months that have it.
type Moments struct {
	Mean  *float64 `leat:"mean"`
	Scale *float64 `leat:"scale"`
}

// filled replaces what cannot be divided by: a number that no row has, or that is
// the same in all, is 0 when standardised.
func (m Moments) filled() (mean, scale float64) {
	scale = 1
	if m.Mean != nil {
		mean = *m.Mean
	}
	if m.Scale != nil && *m.Scale > 0 {
		scale = *m.Scale
	}
	return mean, scale
}

// row makes a row for the regression: values standardised by the moments of the
// numbers and cut off at logistic.Limit standard deviations.
func (f *features) row(r *Labeled, mean, scale []float64) logistic.Row {
	dense := f.values(r, make([]float64, 0, f.dense()))
	for i, v := range dense[1 : 1+len(f.numbers)] {
		z := (v - mean[i]) / scale[i]
		if math.IsNaN(z) {
			z = 0
		}
		dense[1+i] = max(-logistic.Limit, min(z, logistic.Limit))
	}
	at := r.Date.UTC()
	hour := f.dense() + at.Hour()
	day := f.dense() + hours + int(at.Weekday())
	return logistic.Row{Positive: r.Delay >= late, Dense: dense, First: int64(hour), Second: int64(day)}
}

// windowsIn finds the windows of a training set in the names of its columns, and
// refuses what is none.
func windowsIn(in parquet.Source, columns []string) ([]string, error) {
	var windows, missing []string
	for _, c := range columns {
		if w, ok := strings.CutPrefix(c, "origin_count_"); ok {
			windows = append(windows, w)
		}
	}
	needed := []string{"date", "distance", "delay", "route_count_7d", "route_delay_sum_7d", "route_delay_last_7d"}
	for _, w := range windows {
		for _, name := range []string{"origin_delay_sum", "origin_delay_mean", "origin_late_count", "destination_count", "destination_delay_sum", "destination_delay_mean"} {
			needed = append(needed, name+"_"+w)
		}
	}
	for _, name := range needed {
		if !slices.Contains(columns, name) {
			missing = append(missing, name)
		}
	}
	if len(windows) == 0 {
		missing = append(missing, "origin_count_… of any window")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s is no training set: it lacks %s; make one with flights training -out DIR", in.Path, strings.Join(missing, ", "))
	}
	return windows, nil
}
