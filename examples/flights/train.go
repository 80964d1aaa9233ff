package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/leatflow/leat/examples/flights/logistic"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/command"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// ridge is the penalty that scikit-learn's LogisticRegression has unless told
// otherwise (C = 1).
const ridge = 1

// trainer fits a model in several pipelines over one training set. Each keeps
// sums only, so that memory does not grow with the rows.
type trainer struct {
	in       parquet.Source
	features *features
	run      func(context.Context, *leat.Pipeline) (*local.Result, error)
	report   io.Writer
}

// newTrainer looks at the columns of the training set.
func newTrainer(ctx context.Context, in parquet.Source, report io.Writer, run func(context.Context, *leat.Pipeline) (*local.Result, error)) (*trainer, error) {
	columns, err := in.Columns(ctx)
	if err != nil {
		return nil, err
	}
	windows, err := windowsIn(in, columns)
	if err != nil {
		return nil, err
	}
	return &trainer{in: in, features: featuresOf(windows), run: run, report: report}, nil
}

// train fits the model to all months but the last and judges it on the last.
func (t *trainer) train(ctx context.Context) (*Model, error) {
	months, err := collect(ctx, t, t.survey)
	if err != nil {
		return nil, err
	}
	m := &Model{Format: modelFormat, Label: fmt.Sprintf("delay >= %d", late), Ridge: ridge, Limit: logistic.Limit}
	if err := m.split(t.in, months, t.report); err != nil {
		return nil, err
	}
	counted, err := collect(ctx, t, func(p *leat.Pipeline) leat.PCollection[leat.KV[int64, Moments]] { return t.moments(p, m.Train) })
	if err != nil {
		return nil, err
	}
	mean, scale := t.standard(counted)
	fit, err := t.fit(ctx, m, mean, scale)
	if err != nil {
		return nil, err
	}
	buckets, err := collect(ctx, t, func(p *leat.Pipeline) leat.PCollection[logistic.Bucket] {
		return t.predictions(p, m.Test, fit.Weights, mean, scale)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(buckets, func(a, b logistic.Bucket) int { return cmp.Compare(a.At, b.At) })
	m.Model, m.BaseRate = logistic.Judge(buckets), logistic.BaseRate(m.Train.share(), m.Test.share())
	m.Passes, m.Intercept = fit.Passes, fit.Weights[0]
	for i, name := range t.features.names() {
		f := Feature{Name: name, Weight: fit.Weights[1+i]}
		if i < len(mean) {
			f.Mean, f.Scale = &mean[i], &scale[i]
		}
		m.Features = append(m.Features, f)
	}
	return m, nil
}

// fit passes over the training months until the weights have settled.
func (t *trainer) fit(ctx context.Context, m *Model, mean, scale []float64) (*logistic.Newton, error) {
	newton := logistic.NewNewton(t.features.weights(), m.Train.share(), ridge)
	for done := false; !done; {
		started := time.Now()
		parts, err := collect(ctx, t, func(p *leat.Pipeline) leat.PCollection[logistic.Sums] {
			return t.sums(p, m.Train, newton.Weights, mean, scale)
		})
		if err != nil {
			return nil, err
		}
		sums := logistic.NewSums(newton.Weights)
		for i := range parts {
			sums.Merge(&parts[i])
		}
		if done, err = newton.Next(sums); err != nil {
			return nil, err
		}
		fmt.Fprintf(t.report, "pass   %-12d %12s log loss, in %s\n", newton.Passes, fmt.Sprintf("%.6f", sums.MeanLoss()), time.Since(started).Round(time.Millisecond))
	}
	return newton, nil
}

// explain shows the pipelines by name, of which sums is run several times.
func (t *trainer) explain(show func(step string, build func(*leat.Pipeline)) error) error {
	period := Period{From: monthStart(0), To: monthStart(1)}
	mean, scale := t.standard(nil)
	weights := make([]float64, t.features.weights())
	for _, step := range []struct {
		name  string
		build func(*leat.Pipeline)
	}{
		{"survey", func(p *leat.Pipeline) { leat.Write(t.survey(p), "result", &memory.Collector[Month]{}) }},
		{"moments", func(p *leat.Pipeline) {
			leat.Write(t.moments(p, period), "result", &memory.Collector[leat.KV[int64, Moments]]{})
		}},
		{"sums", func(p *leat.Pipeline) {
			leat.Write(t.sums(p, period, weights, mean, scale), "result", &memory.Collector[logistic.Sums]{})
		}},
		{"predictions", func(p *leat.Pipeline) {
			leat.Write(t.predictions(p, period, weights, mean, scale), "result", &memory.Collector[logistic.Bucket]{})
		}},
	} {
		if err := show(step.name, step.build); err != nil {
			return err
		}
	}
	return nil
}

// collect runs the pipeline that build describes and returns its rows.
func collect[T any](ctx context.Context, t *trainer, build func(*leat.Pipeline) leat.PCollection[T]) ([]T, error) {
	p := &leat.Pipeline{}
	var rows memory.Collector[T]
	leat.Write(build(p), "result", &rows)
	if _, err := t.run(ctx, p); err != nil {
		return nil, err
	}
	return rows.Rows(), nil
}

// Month counts the rows of a calendar month.
type Month struct {
	Number int64 `leat:"month"` // since the year 0
	Rows   int64 `leat:"rows"`
	Late   int64 `leat:"late"`
}

// outcome is the part of a row that tells when it is from and how it ended.
type outcome struct {
	Date  time.Time `leat:"date"`
	Delay int64     `leat:"delay"`
}

func monthOf(at time.Time) int64 { return int64(at.UTC().Year())*12 + int64(at.UTC().Month()) - 1 }

func monthStart(number int64) time.Time {
	return time.Date(int(number/12), time.Month(number%12+1), 1, 0, 0, 0, 0, time.UTC)
}

// survey counts rows by month.
func (t *trainer) survey(p *leat.Pipeline) leat.PCollection[Month] {
	rows := leat.Read[outcome](p, "examples", t.in)
	byMonth := leat.KeyBy(rows, "by-month", field.Func(func(o outcome) int64 { return monthOf(o.Date) }))
	return leat.Values(leat.Combine(byMonth, "survey", agg.Into(func(o *outcome, m *Month) []agg.Term {
		return []agg.Term{agg.Key(&m.Number), agg.Count(&m.Rows), agg.Where(field.AtLeast(&o.Delay, late), agg.Count(&m.Late))}
	})))
}

// split makes the last month the test and those before it the training. A month
// with less than a hundredth of the rows of the fullest is no month but the edge
// of one, as a flight at midnight when six months end: behind the last whole month
// it is left out.
func (m *Model) split(in parquet.Source, months []Month, report io.Writer) error {
	slices.SortFunc(months, func(a, b Month) int { return cmp.Compare(a.Number, b.Number) })
	var fullest, left int64
	for _, month := range months {
		fullest = max(fullest, month.Rows)
	}
	last := len(months) - 1
	for ; last >= 0 && months[last].Rows*100 < fullest; last-- {
		left += months[last].Rows
	}
	switch {
	case last < 0:
		return fmt.Errorf("%s has no rows to learn from", in.Path)
	case last == 0:
		return fmt.Errorf("%s has rows of one month only, %s: the last month is for the test, so there must be another one before it", in.Path, monthStart(months[0].Number).Format("2006-01"))
	}
	test := months[last]
	m.Train = Period{From: monthStart(months[0].Number), To: monthStart(test.Number)}
	m.Test = Period{From: m.Train.To, To: monthStart(test.Number + 1), Rows: test.Rows, Late: test.Late}
	for _, month := range months[:last] {
		m.Train.Rows += month.Rows
		m.Train.Late += month.Late
	}
	for name, p := range m.periods() {
		if p.Late == 0 || p.Late == p.Rows {
			return fmt.Errorf("%s: of the %d rows to %s with (%s), %d are late by %d minutes or more; there must be some that are and some that are not", in.Path, p.Rows, name, p, p.Late, late)
		}
		fmt.Fprintf(report, "%-6s %-12s %12s rows, %.2f %% late\n", name, p, command.Count(p.Rows), 100*p.share())
	}
	if left > 0 {
		fmt.Fprintf(report, "note   rows left out after the last whole month: %s\n", command.Count(left))
	}
	return nil
}

func (m *Model) periods() iter.Seq2[string, Period] {
	return func(yield func(string, Period) bool) {
		_ = yield("train", m.Train) && yield("test", m.Test)
	}
}

// String gives the first and last month: 2001-01..05.
func (p Period) String() string {
	from, to := p.From, p.To.AddDate(0, -1, 0)
	switch {
	case from.Equal(to):
		return from.Format("2006-01")
	case from.Year() == to.Year():
		return from.Format("2006-01") + ".." + to.Format("01")
	}
	return from.Format("2006-01") + ".." + to.Format("2006-01")
}

// rows reads the rows of a period; what lies outside is not even read where the
// files' statistics tell.
func (t *trainer) rows(p *leat.Pipeline, period Period) leat.PCollection[Labeled] {
	all := leat.Read(p, "examples", t.in, leat.Declare(func(r *Labeled) {
		for _, w := range t.features.windows {
			r.At(w)
		}
	}))
	return leat.Where(all, "period", func(r *Labeled) field.Cond {
		return field.And(field.AtLeast(&r.Date, period.From), field.Less(&r.Date, period.To))
	})
}

// Measured is one number of one row.
type Measured struct {
	Number int64   `leat:"number"` // which
	Value  float64 `leat:"value"`
}

// moments computes mean and standard deviation of every number. Sums of floats
// are exact in Leat, so they have the same bits however the job is run.
func (t *trainer) moments(p *leat.Pipeline, period Period) leat.PCollection[leat.KV[int64, Moments]] {
	measured := leat.FlatMap(t.rows(p, period), "numbers", func(r Labeled) iter.Seq[Measured] {
		return func(yield func(Measured) bool) {
			var room [64]float64
			for i, v := range t.features.values(&r, room[:0])[1 : 1+len(t.features.numbers)] {
				if !math.IsNaN(v) && !yield(Measured{int64(i), v}) {
					return
				}
			}
		}
	})
	byNumber := leat.KeyBy(measured, "by-number", field.Of(func(m *Measured) *int64 { return &m.Number }))
	return leat.Combine(byNumber, "moments", agg.Into(func(v *Measured, m *Moments) []agg.Term {
		return []agg.Term{agg.Mean(m.Mean, &v.Value), agg.PopulationStdDev(m.Scale, &v.Value)}
	}))
}

// standard puts the moments in the order of the numbers.
func (t *trainer) standard(found []leat.KV[int64, Moments]) (mean, scale []float64) {
	mean, scale = make([]float64, len(t.features.numbers)), make([]float64, len(t.features.numbers))
	for i := range scale {
		scale[i] = 1 // of a number that no row has
	}
	for _, kv := range found {
		mean[kv.Key], scale[kv.Key] = kv.Value.filled()
	}
	return mean, scale
}

// sums is one pass of the fit at given weights, in two parts: the label is a
// column and so a key that costs nothing, where a constant would have to be made.
func (t *trainer) sums(p *leat.Pipeline, period Period, weights, mean, scale []float64) leat.PCollection[logistic.Sums] {
	rows := leat.Map(t.rows(p, period), "features", func(r Labeled) logistic.Row { return t.features.row(&r, mean, scale) })
	byLabel := leat.KeyBy(rows, "by-label", field.Of(func(r *logistic.Row) *bool { return &r.Positive }))
	return leat.Values(leat.Combine(byLabel, "sums", agg.Custom[logistic.Sums, logistic.Row, logistic.Sums](func() *logistic.Sums { return logistic.NewSums(weights) })))
}

// prediction is what the test needs of a row.
type prediction struct {
	Bucket int64   `leat:"bucket"`
	Late   bool    `leat:"late"`
	Loss   float64 `leat:"loss"`
}

// predictions judges the rows of a period by bucket of predicted probability.
func (t *trainer) predictions(p *leat.Pipeline, period Period, weights, mean, scale []float64) leat.PCollection[logistic.Bucket] {
	scored := leat.Map(t.rows(p, period), "predictions", func(r Labeled) prediction {
		row := t.features.row(&r, mean, scale)
		margin := logistic.Margin(weights, row)
		return prediction{logistic.BucketOf(logistic.Probability(margin)), row.Positive, logistic.Loss(margin, row.Positive)}
	})
	byBucket := leat.KeyBy(scored, "by-bucket", field.Of(func(s *prediction) *int64 { return &s.Bucket }))
	return leat.Values(leat.Combine(byBucket, "quality", agg.Into(func(s *prediction, b *logistic.Bucket) []agg.Term {
		return []agg.Term{agg.Key(&b.At), agg.Count(&b.Rows), agg.Where(field.Equal(&s.Late, true), agg.Count(&b.Positives)), agg.Sum(&b.Loss, &s.Loss)}
	})))
}
