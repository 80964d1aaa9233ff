package main

import (
	"context"
	"math"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

// departure is what the training job reads; N is the type of delay and distance.
type departure[N int64 | float64] struct {
	Row         int64     `leat:"row"`
	Date        time.Time `leat:"date"`
	Origin      string    `leat:"origin"`
	Destination string    `leat:"destination"`
	Distance    N         `leat:"distance"`
	Delay       N         `leat:"delay"`
}

// renamedDeparture is departure under other names.
type renamedDeparture struct {
	Row         int64     `leat:"row"`
	Date        time.Time `leat:"scheduled"`
	Origin      string    `leat:"from_airport"`
	Destination string    `leat:"to_airport"`
	Distance    int64     `leat:"miles"`
	Delay       int64     `leat:"minutes_late"`
}

// known is what had been reported of both airports in one window.
type known[N int64 | float64] struct {
	OriginCount     int64    `leat:"origin_count"`
	OriginSum       N        `leat:"origin_delay_sum"`
	OriginMean      *float64 `leat:"origin_delay_mean"`
	OriginLate      int64    `leat:"origin_late_count"`
	DestinationN    int64    `leat:"destination_count"`
	DestinationSum  N        `leat:"destination_delay_sum"`
	DestinationMean *float64 `leat:"destination_delay_mean"`
}

// example is one output row.
type example[N int64 | float64] struct {
	departure[N]
	leat.Columns[known[N]]
	RouteCount int64 `leat:"route_count_7d"`
	RouteSum   N     `leat:"route_delay_sum_7d"`
	RouteLast  *N    `leat:"route_delay_last_7d"`
}

var trainingJobs = map[string]job{
	"plain": func(ctx context.Context, t Task) error {
		return training(ctx, t, func(f departure[int64]) time.Time { return landed(f.Date, f.Delay+20+f.Distance/8) },
			func(f *departure[int64]) *departure[int64] { return f })
	},
	"renamed": func(ctx context.Context, t Task) error {
		return training(ctx, t, func(f renamedDeparture) time.Time { return landed(f.Date, f.Delay+20+f.Distance/8) },
			func(f *renamedDeparture) *departure[int64] { return (*departure[int64])(f) })
	},
	"floats": func(ctx context.Context, t Task) error {
		return training(ctx, t, func(f departure[float64]) time.Time {
			return landed(f.Date, int64(f.Delay)+20+int64(math.Floor(f.Distance/8)))
		},
			func(f *departure[float64]) *departure[float64] { return f })
	},
}

func landed(date time.Time, minutes int64) time.Time {
	return date.Add(time.Duration(minutes) * time.Minute)
}

// training is the job: for each departure what had been reported by then. plain
// gives a row of the input its usual names.
func training[R any, N int64 | float64](ctx context.Context, t Task, reported func(R) time.Time, plain func(*R) *departure[N]) error {
	p := new(leat.Pipeline)
	in := source(t)
	in.RowPosition = "row"
	departures := leat.Read(p, "departures", in, leat.EventTimeField(func(r *R) *time.Time { return &plain(r).Date }, watermark.Disorder(0)))
	reports := leat.Read(p, "reports", in, leat.EventTime(reported, watermark.Disorder(disorder)))
	examples := pointintime.Join(departures, "training", func(s *R, o *example[N]) []pointintime.Term {
		d := plain(s)
		terms := []pointintime.Term{
			pointintime.Copy(&o.Row, &d.Row), pointintime.Copy(&o.Date, &d.Date), pointintime.Copy(&o.Origin, &d.Origin),
			pointintime.Copy(&o.Destination, &d.Destination), pointintime.Copy(&o.Distance, &d.Distance), pointintime.Copy(&o.Delay, &d.Delay),
		}
		from := func(within time.Duration, on func(r *departure[N]) []pointintime.Pair, get func(r *departure[N]) []agg.Term) {
			terms = append(terms, pointintime.From(reports, func(row *R) pointintime.Lookup {
				r := plain(row)
				return pointintime.Lookup{On: on(r), Within: within, Get: get(r)}
			}))
		}
		for _, hours := range []int{1, 6, 24} {
			within := time.Duration(hours) * time.Hour
			k := o.At(map[int]string{1: "1h", 6: "6h", 24: "24h"}[hours])
			from(within, func(r *departure[N]) []pointintime.Pair {
				return []pointintime.Pair{pointintime.Equal(&d.Origin, &r.Origin)}
			},
				func(r *departure[N]) []agg.Term {
					return []agg.Term{agg.Count(&k.OriginCount), agg.Sum(&k.OriginSum, &r.Delay), agg.Mean(k.OriginMean, &r.Delay),
						agg.Where(field.AtLeast(&r.Delay, 15), agg.Count(&k.OriginLate))}
				})
			from(within, func(r *departure[N]) []pointintime.Pair {
				return []pointintime.Pair{pointintime.Equal(&d.Destination, &r.Destination)}
			}, func(r *departure[N]) []agg.Term {
				return []agg.Term{agg.Count(&k.DestinationN), agg.Sum(&k.DestinationSum, &r.Delay), agg.Mean(k.DestinationMean, &r.Delay)}
			})
		}
		from(7*24*time.Hour, func(r *departure[N]) []pointintime.Pair {
			return []pointintime.Pair{pointintime.Equal(&d.Origin, &r.Origin), pointintime.Equal(&d.Destination, &r.Destination)}
		}, func(r *departure[N]) []agg.Term {
			return []agg.Term{agg.Count(&o.RouteCount), agg.Sum(&o.RouteSum, &r.Delay), agg.Last(o.RouteLast, &r.Delay, agg.By(&r.Row))}
		})
		return terms
	})
	leat.Write(examples, "examples", sink(t))
	return run(ctx, p, t)
}
