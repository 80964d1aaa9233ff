package main

import (
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// Report is what becomes known of a flight when it has landed.
type Report struct {
	Date     time.Time `leat:"date"`     // scheduled departure
	Delay    int64     `leat:"delay"`    // minutes, negative when early
	Distance int64     `leat:"distance"` // miles
	Origin   string    `leat:"origin"`
}

// Reported is when the delay of a flight is known: flying takes 20 minutes and
// one more for every 8 miles.
func Reported(r Report) time.Time {
	return r.Date.Add(time.Duration(r.Delay+20+r.Distance/8) * time.Minute)
}

// disorder bounds how far behind the newest report another may come in the order
// of departures. In the six months of data it is 36 hours 15 minutes.
const disorder = 48 * time.Hour

// Stats are the reported delays of one airport in one window.
type Stats struct {
	Origin    string    `leat:"origin"`
	Start     time.Time `leat:"window_start"`
	End       time.Time `leat:"window_end"`
	Count     int64     `leat:"count"`
	DelaySum  int64     `leat:"delay_sum"`
	DelayMean float64   `leat:"delay_mean"`
	DelayMax  int64     `leat:"delay_max"`
}

// Delays is the feature definition: delays by origin in sliding windows over the
// time of the report.
func Delays(reports leat.PCollection[Report], size, slide time.Duration) leat.PCollection[Stats] {
	byOrigin := leat.KeyBy(reports, "by-origin", field.Of(func(r *Report) *string { return &r.Origin }))
	recent := leat.Window(byOrigin, window.Sliding(size, slide))
	stats := leat.Combine(recent, "delays", agg.Into(func(r *Report, s *Stats) []agg.Term {
		return []agg.Term{
			agg.Key(&s.Origin), agg.WindowStart(&s.Start), agg.WindowEnd(&s.End),
			agg.Count(&s.Count), agg.Sum(&s.DelaySum, &r.Delay), agg.Mean(&s.DelayMean, &r.Delay), agg.Max(&s.DelayMax, &r.Delay),
		}
	}))
	return leat.Values(stats)
}

// Windows backfills Delays from Parquet files into Parquet files.
func Windows(p *leat.Pipeline, in parquet.Source, out parquet.Sink, size, slide time.Duration) {
	reports := leat.Read(p, "reports", in, leat.EventTime(Reported, watermark.Disorder(disorder)))
	leat.Write(Delays(reports, size, slide), "windows", out)
}
