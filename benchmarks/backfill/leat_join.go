package main

import (
	"context"
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// bought is what the join reads of the events.
type bought struct {
	User  string    `leat:"user_id"`
	At    time.Time `leat:"at"`
	Cents int64     `leat:"cents"`
}

// scored is what is known of a user.
type scored struct {
	User    string    `leat:"user_id"`
	Country string    `leat:"country"`
	Since   time.Time `leat:"since"`
	scores
}

type scores struct {
	Score1 float64 `leat:"score1"`
	Score2 float64 `leat:"score2"`
	Score3 float64 `leat:"score3"`
	Score4 float64 `leat:"score4"`
	Score5 float64 `leat:"score5"`
	Score6 float64 `leat:"score6"`
	Score7 float64 `leat:"score7"`
	Score8 float64 `leat:"score8"`
}

// profiled is one output row.
type profiled struct {
	bought
	Country string    `leat:"country"`
	Since   time.Time `leat:"since"`
	scores
}

var joinJobs = map[string]job{"plain": func(ctx context.Context, t Task) error {
	p := new(leat.Pipeline)
	events := leat.KeyBy(leat.Read[bought](p, "events", source(t)), "event-user", field.Of(func(e *bought) *string { return &e.User }))
	profiles := leat.KeyBy(leat.Read[scored](p, "profiles", parquet.Source{Path: t.Side}), "profile-user", field.Of(func(s *scored) *string { return &s.User }))
	joined := leat.Join(events, profiles, "profiled", func(_ string, e bought, s scored) profiled {
		return profiled{bought: e, Country: s.Country, Since: s.Since, scores: s.scores}
	})
	leat.Write(joined, "rows", sink(t))
	return run(ctx, p, t)
}}
