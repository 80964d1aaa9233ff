package main

import (
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

// Flight is one flight. As a departure it happens at Date; its delay is known only
// when it has landed, see Landed.
type Flight struct {
	Row         int64     `leat:"row"` // position in the input
	Date        time.Time `leat:"date"`
	Origin      string    `leat:"origin"`
	Destination string    `leat:"destination"`
	Distance    int64     `leat:"distance"`
	Delay       int64     `leat:"delay"`
}

// Landed is when the delay of a flight is known.
func Landed(f Flight) time.Time {
	return Reported(Report{Date: f.Date, Delay: f.Delay, Distance: f.Distance})
}

// Recent is what was known of both airports in the last hours before a departure.
type Recent struct {
	OriginCount     int64    `leat:"origin_count"`
	OriginDelaySum  int64    `leat:"origin_delay_sum"`
	OriginDelayMean *float64 `leat:"origin_delay_mean"`
	OriginLateCount int64    `leat:"origin_late_count"`

	DestinationCount     int64    `leat:"destination_count"`
	DestinationDelaySum  int64    `leat:"destination_delay_sum"`
	DestinationDelayMean *float64 `leat:"destination_delay_mean"`
}

// Example is a row of the training set: a departure, what was known at that
// moment, and how late it became, which is to be predicted.
type Example struct {
	Flight
	leat.Columns[Recent] // origin_count_1h … for each window

	RouteCount     int64  `leat:"route_count_7d"`
	RouteDelaySum  int64  `leat:"route_delay_sum_7d"`
	RouteDelayLast *int64 `leat:"route_delay_last_7d"`
}

// late is the delay in minutes from which a flight counts as late.
const late = 15

// Lookback is a length of time and how it is written in names of columns.
type Lookback struct {
	Name   string
	Length time.Duration
}

// Examples makes the training set: for each departure what the reports of other
// flights said by then.
func Examples(departures, reports leat.PCollection[Flight], windows []Lookback) leat.PCollection[Example] {
	return pointintime.Join(departures, "training", func(d *Flight, o *Example) []pointintime.Term {
		terms := []pointintime.Term{
			pointintime.Copy(&o.Row, &d.Row), pointintime.Copy(&o.Date, &d.Date), pointintime.Copy(&o.Origin, &d.Origin),
			pointintime.Copy(&o.Destination, &d.Destination), pointintime.Copy(&o.Distance, &d.Distance), pointintime.Copy(&o.Delay, &d.Delay),
		}
		for _, w := range windows {
			known := o.At(w.Name)
			terms = append(terms,
				pointintime.From(reports, func(r *Flight) pointintime.Lookup {
					return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&d.Origin, &r.Origin)}, Within: w.Length, Get: []agg.Term{
						agg.Count(&known.OriginCount), agg.Sum(&known.OriginDelaySum, &r.Delay), agg.Mean(known.OriginDelayMean, &r.Delay),
						agg.Where(field.AtLeast(&r.Delay, late), agg.Count(&known.OriginLateCount)),
					}}
				}),
				pointintime.From(reports, func(r *Flight) pointintime.Lookup {
					return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&d.Destination, &r.Destination)}, Within: w.Length, Get: []agg.Term{
						agg.Count(&known.DestinationCount), agg.Sum(&known.DestinationDelaySum, &r.Delay), agg.Mean(known.DestinationDelayMean, &r.Delay),
					}}
				}))
		}
		return append(terms, pointintime.From(reports, func(r *Flight) pointintime.Lookup {
			route := []pointintime.Pair{pointintime.Equal(&d.Origin, &r.Origin), pointintime.Equal(&d.Destination, &r.Destination)}
			return pointintime.Lookup{On: route, Within: 7 * 24 * time.Hour, Get: []agg.Term{
				agg.Count(&o.RouteCount), agg.Sum(&o.RouteDelaySum, &r.Delay), agg.Last(o.RouteDelayLast, &r.Delay, agg.By(&r.Row)),
			}}
		}))
	})
}

// Training makes the training set from Parquet files into Parquet files, in the
// order of the input.
func Training(p *leat.Pipeline, in parquet.Source, out parquet.Sink, windows []Lookback) {
	in.RowPosition = "row"
	scheduled := leat.EventTimeField(func(f *Flight) *time.Time { return &f.Date }, watermark.Disorder(0))
	departures := leat.Read(p, "departures", in, scheduled)
	reports := leat.Read(p, "reports", in, leat.EventTime(Landed, watermark.Disorder(disorder)))
	leat.Write(Examples(departures, reports, windows), "examples", out)
}
