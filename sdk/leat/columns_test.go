package leat_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

var errSink = errors.New("this sink takes nothing")

type failingSink struct{ json.Sink }

func (failingSink) Validate(*batch.Type) error { return errSink }

// perPlace counts and averages events by user, in a group of columns for each of
// two places: place_count_a, place_mean_a, place_count_b, place_mean_b.
func perPlace(in leat.PCollection[event]) leat.PCollection[leat.KV[string, grouped]] {
	byUser := leat.KeyBy(in, "by-user", field.Of(user))
	return leat.Combine(byUser, "per-place", agg.Into(func(e *event, g *grouped) []agg.Term {
		var terms []agg.Term
		for _, name := range []string{"a", "b"} {
			s := g.Place.At(name)
			terms = append(terms, agg.Where(field.Equal(&e.Place.Name, name), agg.Count(&s.Count), agg.Mean(s.Mean, &e.N)))
		}
		return terms
	}))
}

func somewhere(user, place string, n int64) event {
	return event{User: user, N: n, Place: town{Name: place}}
}

func TestColumns(t *testing.T) {
	// Columns whose names only a description knows are decoded in a function,
	// described again by name further down, kept by Filter and Distinct, and
	// written.
	type flat struct {
		User   string
		A, B   int64
		MeanB  float64
		Groups string
	}
	p := &leat.Pipeline{}
	in := events(p, somewhere("u", "a", 1), somewhere("u", "b", 2), somewhere("u", "b", 5), somewhere("v", "a", 3))
	places := perPlace(in)
	rows := leat.Map(places, "flat", func(kv leat.KV[string, grouped]) flat {
		f := flat{User: kv.Key, A: kv.Value.Place.At("a").Count, B: kv.Value.Place.At("b").Count}
		if mean := kv.Value.Place.At("b").Mean; mean != nil {
			f.MeanB = *mean
		}
		for _, name := range kv.Value.Place.Names() {
			f.Groups += name
		}
		return f
	})
	inB := leat.Where(places, "in-b", func(kv *leat.KV[string, grouped]) field.Cond {
		return field.AtLeast(&kv.Value.Place.At("b").Count, 1)
	})
	counts := leat.KeyBy(leat.Values(inB), "by-count", field.Of(func(g *grouped) *int64 { return &g.Place.At("b").Count }))
	kept := leat.Filter(leat.Values(counts), "kept", func(g grouped) bool { return g.Place.At("a").Count == 1 })

	var flats memory.Collector[flat]
	var keys memory.Collector[int64]
	dir := filepath.Join(t.TempDir(), "out")
	leat.Write(rows, "rows", &flats)
	leat.Write(leat.Keys(counts), "keys", &keys)
	leat.Write(kept, "json", json.Sink{Dir: dir})
	run(t, p)

	want := []flat{{"u", 1, 2, 3.5, "ab"}, {"v", 1, 0, 0, "ab"}}
	if got := sorted(flats.Rows(), func(f flat) string { return f.User }); !slices.Equal(got, want) {
		t.Errorf("rows: got %+v, want %+v", got, want)
	}
	if got := keys.Rows(); !slices.Equal(got, []int64{2}) {
		t.Errorf("keys: got %v", got)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json*"))
	var written []byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, b...)
	}
	if want := `{"place_count_a":1,"place_mean_a":1,"place_count_b":2,"place_mean_b":3.5}` + "\n"; string(written) != want {
		t.Errorf("written: got %s, want %s", written, want)
	}
}

// timed has its time behind a group, whose columns push it further.
type timed struct {
	Place leat.Columns[stats] `leat:"place"`
	At    time.Time           `leat:"at"`
}

func TestDeclare(t *testing.T) {
	// Columns of a file whose names are declared are read into leat.Columns, with
	// event times from a field behind them and from a function, and can be named
	// in conditions; columns that were not declared are not read.
	file := filepath.Join(t.TempDir(), "rows.json")
	text := `{"place_count_a":1,"place_mean_a":1.5,"place_count_b":2,"at":"2024-01-01T00:00:01Z"}
{"place_count_a":3,"place_mean_a":null,"place_count_b":4,"at":"2024-01-01T00:00:02Z"}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	declared := leat.Declare(func(r *timed) { r.Place.At("a") })
	for name, eventTime := range map[string]leat.ReadOption[timed]{
		"field":    leat.EventTimeField(func(r *timed) *time.Time { return &r.At }, watermark.Monotone()),
		"function": leat.EventTime(func(r timed) time.Time { return r.At }, watermark.Monotone()),
	} {
		p := &leat.Pipeline{}
		rows := leat.Read(p, "rows", json.Source{Path: file}, eventTime, declared)
		many := leat.Where(rows, "many", func(r *timed) field.Cond { return field.AtLeast(&r.Place.At("a").Count, 2) })
		texts := leat.Map(many, "texts", func(r timed) string {
			return fmt.Sprint(r.Place.Names(), r.Place.At("a").Count, r.Place.At("a").Mean == nil, r.At.Unix())
		})
		var got memory.Collector[string]
		leat.Write(texts, "out", &got)
		run(t, p)
		want := []memory.Row[string]{{Value: "[a] 3 true 1704067202", Time: time.Unix(1704067202, 0).UTC()}}
		if rows := got.Windowed(); !slices.Equal(rows, want) {
			t.Errorf("%s: got %+v, want %+v", name, rows, want)
		}
	}
}

// run runs a pipeline in two tasks with small batches.
func run(t *testing.T, p *leat.Pipeline) *local.Result {
	t.Helper()
	result, err := local.Run(t.Context(), p, local.Options{Parallelism: 2, BatchRows: 300})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// sorted returns rows in the order of a key.
func sorted[T any](rows []T, key func(T) string) []T {
	slices.SortStableFunc(rows, func(a, b T) int {
		if x, y := key(a), key(b); x < y {
			return -1
		} else if x > y {
			return 1
		}
		return 0
	})
	return rows
}
