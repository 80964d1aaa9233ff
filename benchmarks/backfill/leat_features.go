package main

import (
	"context"
	"time"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

// reading is a row of the features job: 20 floats of a user at a moment.
type reading struct {
	Row  int64     `leat:"row"`
	User string    `leat:"user_id"`
	At   time.Time `leat:"at"`
	F01  float64   `leat:"f01"`
	F02  float64   `leat:"f02"`
	F03  float64   `leat:"f03"`
	F04  float64   `leat:"f04"`
	F05  float64   `leat:"f05"`
	F06  float64   `leat:"f06"`
	F07  float64   `leat:"f07"`
	F08  float64   `leat:"f08"`
	F09  float64   `leat:"f09"`
	F10  float64   `leat:"f10"`
	F11  float64   `leat:"f11"`
	F12  float64   `leat:"f12"`
	F13  float64   `leat:"f13"`
	F14  float64   `leat:"f14"`
	F15  float64   `leat:"f15"`
	F16  float64   `leat:"f16"`
	F17  float64   `leat:"f17"`
	F18  float64   `leat:"f18"`
	F19  float64   `leat:"f19"`
	F20  float64   `leat:"f20"`
}

func (r *reading) floats() []*float64 {
	return []*float64{
		&r.F01, &r.F02, &r.F03, &r.F04, &r.F05, &r.F06, &r.F07, &r.F08, &r.F09, &r.F10, &r.F11, &r.F12, &r.F13, &r.F14, &r.F15, &r.F16, &r.F17, &r.F18, &r.F19, &r.F20,
	}
}

// week is one float over the seven days before: f01_sum_7d, f01_mean_7d.
type week struct {
	Sum  float64  `leat:"sum"`
	Mean *float64 `leat:"mean"`
}

// features is one output row.
type features struct {
	Row   int64              `leat:"row"`
	User  string             `leat:"user_id"`
	At    time.Time          `leat:"at"`
	Count int64              `leat:"count_7d"`
	F01   leat.Columns[week] `leat:"f01"`
	F02   leat.Columns[week] `leat:"f02"`
	F03   leat.Columns[week] `leat:"f03"`
	F04   leat.Columns[week] `leat:"f04"`
	F05   leat.Columns[week] `leat:"f05"`
	F06   leat.Columns[week] `leat:"f06"`
	F07   leat.Columns[week] `leat:"f07"`
	F08   leat.Columns[week] `leat:"f08"`
	F09   leat.Columns[week] `leat:"f09"`
	F10   leat.Columns[week] `leat:"f10"`
	F11   leat.Columns[week] `leat:"f11"`
	F12   leat.Columns[week] `leat:"f12"`
	F13   leat.Columns[week] `leat:"f13"`
	F14   leat.Columns[week] `leat:"f14"`
	F15   leat.Columns[week] `leat:"f15"`
	F16   leat.Columns[week] `leat:"f16"`
	F17   leat.Columns[week] `leat:"f17"`
	F18   leat.Columns[week] `leat:"f18"`
	F19   leat.Columns[week] `leat:"f19"`
	F20   leat.Columns[week] `leat:"f20"`
}

func (o *features) weeks() []*leat.Columns[week] {
	return []*leat.Columns[week]{
		&o.F01, &o.F02, &o.F03, &o.F04, &o.F05, &o.F06, &o.F07, &o.F08, &o.F09, &o.F10, &o.F11, &o.F12, &o.F13, &o.F14, &o.F15, &o.F16, &o.F17, &o.F18, &o.F19, &o.F20,
	}
}

var featureJobs = map[string]job{"plain": func(ctx context.Context, t Task) error {
	p := new(leat.Pipeline)
	in := source(t)
	in.RowPosition = "row"
	readings := leat.Read(p, "readings", in, leat.EventTimeField(func(r *reading) *time.Time { return &r.At }, watermark.Disorder(0)))
	out := pointintime.Join(readings, "features", func(s *reading, o *features) []pointintime.Term {
		return []pointintime.Term{
			pointintime.Copy(&o.Row, &s.Row), pointintime.Copy(&o.User, &s.User), pointintime.Copy(&o.At, &s.At),
			pointintime.From(readings, func(r *reading) pointintime.Lookup {
				get := []agg.Term{agg.Count(&o.Count)}
				for i, w := range o.weeks() {
					in, out := r.floats()[i], w.At("7d")
					get = append(get, agg.Sum(&out.Sum, in), agg.Mean(out.Mean, in))
				}
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&s.User, &r.User)}, Within: 7 * 24 * time.Hour, Get: get}
			}),
		}
	})
	leat.Write(out, "rows", sink(t))
	return run(ctx, p, t)
}}
