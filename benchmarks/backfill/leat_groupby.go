package main

import (
	"context"

	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// purchase is what the group-by reads of the events.
type purchase struct {
	User  string `leat:"user_id"`
	Qty   int32  `leat:"qty"`
	Cents int64  `leat:"cents"`
}

// renamedPurchase is purchase under other names.
type renamedPurchase struct {
	User  string `leat:"who"`
	Qty   int32  `leat:"pieces"`
	Cents int64  `leat:"amount"`
}

// floatPurchase is purchase with a float for an integer.
type floatPurchase struct {
	User  string  `leat:"user_id"`
	Qty   int32   `leat:"qty"`
	Cents float64 `leat:"cents_float"`
}

// userStats is one output row.
type userStats[N int64 | float64] struct {
	User  string `leat:"user_id"`
	Count int64  `leat:"count"`
	Qty   int64  `leat:"qty_sum"`
	Sum   N      `leat:"cents_sum"`
	Max   N      `leat:"cents_max"`
}

func (s *userStats[N]) terms(qty *int32, cents *N) []agg.Term {
	return []agg.Term{agg.Key(&s.User), agg.Count(&s.Count), agg.Sum(&s.Qty, qty), agg.Sum(&s.Sum, cents), agg.Max(&s.Max, cents)}
}

var groupByJobs = map[string]job{
	"plain": func(ctx context.Context, t Task) error {
		return groupBy(ctx, t,
			field.Of(func(e *purchase) *string { return &e.User }),
			agg.Into(func(e *purchase, s *userStats[int64]) []agg.Term { return s.terms(&e.Qty, &e.Cents) }))
	},
	"closure": func(ctx context.Context, t Task) error {
		return groupBy(ctx, t,
			field.Func(func(e purchase) string { return e.User }),
			agg.Into(func(e *purchase, s *userStats[int64]) []agg.Term { return s.terms(&e.Qty, &e.Cents) }))
	},
	"renamed": func(ctx context.Context, t Task) error {
		return groupBy(ctx, t,
			field.Of(func(e *renamedPurchase) *string { return &e.User }),
			agg.Into(func(e *renamedPurchase, s *userStats[int64]) []agg.Term { return s.terms(&e.Qty, &e.Cents) }))
	},
	"floats": func(ctx context.Context, t Task) error {
		return groupBy(ctx, t,
			field.Of(func(e *floatPurchase) *string { return &e.User }),
			agg.Into(func(e *floatPurchase, s *userStats[float64]) []agg.Term { return s.terms(&e.Qty, &e.Cents) }))
	},
}

// groupBy is the job: purchases by user, of whom there are a million.
func groupBy[R, S any](ctx context.Context, t Task, user field.Key[R, string], stats agg.Aggregate[R, S]) error {
	p := new(leat.Pipeline)
	byUser := leat.KeyBy(leat.Read[R](p, "events", source(t)), "by-user", user)
	leat.Write(leat.Values(leat.Combine(byUser, "stats", stats)), "users", sink(t))
	return run(ctx, p, t)
}
