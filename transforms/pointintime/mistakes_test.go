package pointintime_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

type counted struct {
	N    int64    `leat:"n"`
	Mean *float64 `leat:"mean"`
}

type (
	lookup = pointintime.Lookup
	pair   = pointintime.Pair
	term   = pointintime.Term
)

var outside query

// Every mistake in a description is found when the pipeline is built, and named
// with the user's file and line.
func TestMistakes(t *testing.T) {
	// byUser is a lookup without mistakes but for what change does to it.
	byUser := func(change func(q *query, e *event, o *counted, l *lookup)) func(*leat.Pipeline) {
		return func(p *leat.Pipeline) {
			spine, events := collections(p, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", func(q *query, o *counted) []term {
				return []term{pointintime.From(events, func(e *event) lookup {
					l := lookup{On: []pair{pointintime.Equal(&q.User, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.N), agg.Mean(o.Mean, &e.Price)}}
					change(q, e, o, &l)
					return l
				})}
			}))
		}
	}
	calls := 0
	for name, c := range map[string]struct {
		build func(*leat.Pipeline)
		want  string
	}{
		"window of 0":            {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.Within = 0 }), "lookup 1, from events: the window Within is 0s; it must be longer than 0"},
		"negative window":        {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.Within = -time.Hour }), "the window Within is -1h0m0s"},
		"window below µs":        {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.Within = 1500 }), "a whole number of them"},
		"no keys":                {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.On = nil }), "On is empty"},
		"nothing to get":         {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.Get = nil }), "Get is empty"},
		"foreign key":            {byUser(func(_ *query, e *event, _ *counted, l *lookup) { l.On[0] = pointintime.Equal(&outside.User, &e.User) }), "a column of the spine, does not point into the pointintime_test.query"},
		"sides exchanged":        {byUser(func(q *query, e *event, _ *counted, l *lookup) { l.On[0] = pointintime.Equal(&e.User, &q.User) }), "does not point into the pointintime_test.query"},
		"foreign output":         {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.Get[0] = agg.Count(&outside.ID) }), "the output of agg.Count does not point into the pointintime_test.counted"},
		"null without pointer":   {byUser(func(q *query, e *event, o *counted, l *lookup) { l.Get[0] = agg.Max(&o.N, &e.N) }), "agg.Max of n may have no value (there may be no row) and field n cannot be null; make the field a pointer"},
		"set twice":              {byUser(func(_ *query, _ *event, o *counted, l *lookup) { l.Get = append(l.Get, agg.Count(&o.N)) }), "both set field n of the result"},
		"never set":              {byUser(func(_ *query, _ *event, _ *counted, l *lookup) { l.Get = l.Get[:1] }), "no term sets field mean of the output"},
		"the key as a term":      {byUser(func(_ *query, _ *event, o *counted, l *lookup) { l.Get[0] = agg.Key(&o.N) }), "agg.Key has no meaning in a lookup"},
		"the window as a term":   {timed, "agg.WindowStart and agg.WindowEnd have no meaning in a lookup"},
		"two lookups, one field": {twice, "field n of the output is set twice"},
		"depends on values": {func(p *leat.Pipeline) {
			byUser(func(_ *query, _ *event, _ *counted, l *lookup) {
				calls++
				l.Within += time.Duration(calls) * time.Second
			})(p)
		}, "must not depend on values"},
		"spine without event time": {func(p *leat.Pipeline) {
			_, events := collections(p, nil, nil, 1)
			sink(pointintime.Join(leat.Read[query](p, "timeless", memory.Of[query]()), "answers", countOf(events)))
		}, "the rows of the spine have no event time"},
		"rows without event time": {func(p *leat.Pipeline) {
			spine, _ := collections(p, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", countOf(leat.Read[event](p, "timeless", memory.Of[event]()))))
		}, "lookup 1, from timeless: the rows have no event time"},
		"another pipeline": {func(p *leat.Pipeline) {
			spine, _ := collections(p, nil, nil, 1)
			_, events := collections(&leat.Pipeline{}, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", countOf(events)))
		}, "input 2 belongs to another pipeline"},
		"no terms": {func(p *leat.Pipeline) {
			spine, _ := collections(p, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", func(*query, *counted) []term { return nil }))
		}, "the description has no terms"},
		"empty term": {func(p *leat.Pipeline) {
			spine, _ := collections(p, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", func(*query, *counted) []term { return []term{{}} }))
		}, "term 1 is empty"},
		"nil description": {func(p *leat.Pipeline) {
			spine, _ := collections(p, nil, nil, 1)
			sink(pointintime.Join[query, counted](spine, "answers", nil))
		}, "pointintime.Join needs a function, got nil"},
		"nil lookup": {func(p *leat.Pipeline) {
			spine, events := collections(p, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", func(*query, *counted) []term { return []term{pointintime.From(events, nil)} }))
		}, "pointintime.From needs a function, got nil"},
		"panic": {byUser(func(*query, *event, *counted, *lookup) { panic("oh") }), "the description panicked: oh"},
		"null copied": {func(p *leat.Pipeline) {
			spine, events := collections(p, nil, nil, 1)
			sink(pointintime.Join(spine, "answers", func(q *query, o *counted) []term {
				return append(countOf(events)(q, o), pointintime.Copy(&o.N, q.Shop))
			}))
		}, "pointintime.Copy of shop: it may be null and field n cannot be; make the field a pointer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &leat.Pipeline{}
			c.build(p)
			_, err := p.Graph()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got  %v\nwant …%s…", err, c.want)
			}
			if !strings.Contains(err.Error(), "pointintime/mistakes_test.go:") {
				t.Errorf("the error does not say where: %v", err)
			}
		})
	}
}

// Of a spine that comes from a step with a mistake only that mistake is reported.
func TestMistakeBeforeTheSpine(t *testing.T) {
	type copied struct {
		ID int64
		N  int64
	}
	p := &leat.Pipeline{}
	_, events := collections(p, nil, nil, 1)
	spine := leat.Read[query](p, "broken", parquet.Source{}, leat.EventTimeField(func(q *query) *time.Time { return &q.At }, watermark.Disorder(0)))
	leat.Write(pointintime.Join(spine, "answers", func(q *query, o *copied) []term {
		return []term{pointintime.Copy(&o.ID, &q.ID), pointintime.From(events, func(e *event) lookup {
			return lookup{On: []pair{pointintime.Equal(&q.User, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.N)}}
		})}
	}), "out", &memory.Collector[copied]{})
	_, err := p.Graph()
	if err == nil || !strings.Contains(err.Error(), "broken: ") || strings.Contains(err.Error(), "answers: ") {
		t.Errorf("got %v, want the mistake of broken alone", err)
	}
}

func sink(out leat.PCollection[counted]) { leat.Write(out, "out", &memory.Collector[counted]{}) }

// countOf describes a join without mistakes.
func countOf(events leat.PCollection[event]) func(*query, *counted) []term {
	return func(q *query, o *counted) []term {
		return []term{pointintime.From(events, func(e *event) lookup {
			return lookup{On: []pair{pointintime.Equal(&q.User, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.N), agg.Mean(o.Mean, &e.Price)}}
		})}
	}
}

func timed(p *leat.Pipeline) {
	type output struct{ End time.Time }
	spine, events := collections(p, nil, nil, 1)
	leat.Write(pointintime.Join(spine, "answers", func(q *query, o *output) []term {
		return []term{pointintime.From(events, func(e *event) lookup {
			return lookup{On: []pair{pointintime.Equal(&q.User, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.WindowEnd(&o.End)}}
		})}
	}), "out", &memory.Collector[output]{})
}

func twice(p *leat.Pipeline) {
	spine, events := collections(p, nil, nil, 1)
	sink(pointintime.Join(spine, "answers", func(q *query, o *counted) []term {
		return append(countOf(events)(q, o), countOf(events)(q, o)...)
	}))
}

// A column that the file does not have is named, with the step that asks for it.
func TestColumnThatDoesNotExist(t *testing.T) {
	type mistyped struct {
		At   time.Time `leat:"at"`
		User string    `leat:"usr"`
	}
	dir := filepath.Join(t.TempDir(), "events")
	write := &leat.Pipeline{}
	leat.Write(leat.Read[event](write, "events", memory.Of(event{User: "a"})), "out", parquet.Sink{Dir: dir})
	if _, err := local.Run(t.Context(), write, local.Options{}); err != nil {
		t.Fatal(err)
	}
	p := &leat.Pipeline{}
	spine, _ := collections(p, nil, nil, 1)
	rows := leat.Read(p, "known", parquet.Source{Path: dir}, leat.EventTimeField(func(m *mistyped) *time.Time { return &m.At }, watermark.Disorder(0)))
	sink(pointintime.Join(spine, "answers", func(q *query, o *counted) []term {
		return []term{
			pointintime.From(rows, func(m *mistyped) lookup {
				return lookup{On: []pair{pointintime.Equal(&q.User, &m.User)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.N)}}
			}),
			pointintime.Copy(o.Mean, o.Mean),
		}
	}))
	if _, err := p.Graph(); err == nil || !strings.Contains(err.Error(), "does not point into the pointintime_test.query") {
		t.Errorf("copy from the output: %v", err)
	}

	p = &leat.Pipeline{}
	type only struct{ N int64 }
	spine, _ = collections(p, nil, nil, 1)
	rows = leat.Read(p, "known", parquet.Source{Path: dir}, leat.EventTimeField(func(m *mistyped) *time.Time { return &m.At }, watermark.Disorder(0)))
	leat.Write(pointintime.Join(spine, "answers", func(q *query, o *only) []term {
		return []term{pointintime.From(rows, func(m *mistyped) lookup {
			return lookup{On: []pair{pointintime.Equal(&q.User, &m.User)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.N)}}
		})}
	}), "out", &memory.Collector[only]{})
	_, err := local.Run(t.Context(), p, local.Options{})
	if err == nil || !strings.Contains(err.Error(), `step "known"`) || !strings.Contains(err.Error(), "usr") {
		t.Errorf("got %v", err)
	}
}

func read(t *testing.T, queries []query, events []event, o local.Options) ([]counted, error) {
	t.Helper()
	p := &leat.Pipeline{}
	spine, known := collections(p, queries, events, 3)
	var out memory.Collector[counted]
	leat.Write(pointintime.Join(spine, "answers", countOf(known)), "out", &out)
	_, err := local.Run(t.Context(), p, o)
	return out.Rows(), err
}

// Nothing is known where there is nothing to look up, where all of it lies in the
// future, and where all of it is too long ago.
func TestNothingKnown(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	queries := []query{{ID: 1, At: at(0), User: "a"}, {ID: 2, At: at(100_000), User: "a"}, {ID: 3, At: at(50), User: "b"}}
	for name, events := range map[string][]event{
		"empty":       nil,
		"future":      {{At: at(100_000), User: "a"}, {At: at(200_000), User: "a"}, {At: at(51), User: "b"}},
		"long ago":    {{At: at(-4000), User: "a"}, {At: at(100_000 - 3601), User: "a"}, {At: at(-1_000_000), User: "b"}},
		"other users": {{At: at(49), User: "c"}},
	} {
		for _, tasks := range []int{1, 4} {
			rows, err := read(t, queries, events, local.Options{Parallelism: tasks})
			if err != nil || len(rows) != 3 {
				t.Fatalf("%s: %d rows, %v", name, len(rows), err)
			}
			for _, r := range rows {
				if r.N != 0 || r.Mean != nil {
					t.Errorf("%s: %+v", name, r)
				}
			}
		}
	}
}

// The window is half-open: a row at q−w counts, one at q does not.
func TestWindowIsHalfOpen(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0).UTC() }
	var events []event
	for s := int64(-3601); s <= 1; s++ {
		events = append(events, event{At: at(s), User: "a"})
	}
	rows, err := read(t, []query{{At: at(0), User: "a"}}, events, local.Options{})
	if err != nil || rows[0].N != 3600 {
		t.Errorf("%+v, %v; want 3600 rows", rows, err)
	}
}

// A window that does not fit the budget fails with the names of step and key, and
// all memory comes back (local.Run checks that); an index that does not fit goes
// to disk.
func TestBudget(t *testing.T) {
	events := make([]event, 20_000)
	for i := range events {
		events[i] = event{At: time.Unix(int64(i), 0).UTC(), User: "a", Price: 1}
	}
	asked := []query{{User: "a", At: time.Unix(10_000, 0).UTC()}}
	for _, budget := range []int64{10_000, 100_000, 200_000} {
		_, err := read(t, asked, events, local.Options{Memory: budget, Parallelism: 2, SpillDir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), `"answers"`) || !strings.Contains(err.Error(), "budget") || !strings.Contains(err.Error(), "key a alone") {
			t.Errorf("budget %d: %v", budget, err)
		}
	}
	for _, budget := range []int64{1_000_000, 2_000_000} {
		rows, err := read(t, asked, events, local.Options{Memory: budget, Parallelism: 2, SpillDir: t.TempDir()})
		if err != nil || rows[0].N != 3600 {
			t.Errorf("budget %d: %+v, %v", budget, rows, err)
		}
	}
	rows, err := read(t, []query{{User: "a", At: time.Unix(10, 0).UTC()}}, events, local.Options{Memory: 50 << 20, Parallelism: 2})
	if err != nil || rows[0].N != 10 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// A result that does not fit its field fails, naming step, term, key and moment.
func TestOverflow(t *testing.T) {
	type small struct{ Sum int8 }
	p := &leat.Pipeline{}
	at := time.Unix(100, 0).UTC()
	spine, events := collections(p, []query{{At: at, User: "a"}}, []event{{At: at.Add(-time.Second), User: "a", N: 100}, {At: at.Add(-2 * time.Second), User: "a", N: 28}}, 1)
	leat.Write(pointintime.Join(spine, "answers", func(q *query, o *small) []term {
		return []term{pointintime.From(events, func(e *event) lookup {
			return lookup{On: []pair{pointintime.Equal(&q.User, &e.User)}, Within: time.Hour, Get: []agg.Term{agg.Sum(&o.Sum, &e.N)}}
		})}
	}), "out", &memory.Collector[small]{})
	_, err := local.Run(t.Context(), p, local.Options{})
	for _, want := range []string{`step "answers"`, "mistakes_test.go", `key a at 1970-01-01T00:01:40`, "sum(n) for field Sum", "128 does not fit int8"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
}
