package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
)

// flights alone makes windows, a training set and a model of the sample, and the
// model knows more of the month it has not seen than the base rate does.
func TestEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if code := run([]string{"-out", dir, "-progress", "none"}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	text, err := os.ReadFile(filepath.Join(dir, "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m Model
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if m.Train.Rows != 499_555 || m.Test.Rows != 100_444 || m.Test.String() != "2001-06" || m.Train.String() != "2001-01..05" {
		t.Errorf("trained on %+v, tested on %+v", m.Train, m.Test)
	}
	if m.Model.AUC < 0.70 || m.Model.AUC > 0.75 || m.BaseRate.AUC != 0.5 {
		t.Errorf("AUC %v, of the base rate %v", m.Model.AUC, m.BaseRate.AUC)
	}
	if m.Model.LogLoss > m.BaseRate.LogLoss-0.04 {
		t.Errorf("log loss %v, of the base rate %v", m.Model.LogLoss, m.BaseRate.LogLoss)
	}
	if len(m.Features) != 64 {
		t.Errorf("%d features, want 64", len(m.Features))
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, err2 := filepath.Glob(filepath.Join(dir, ".*"))
	if err := errors.Join(err, err2); err != nil || len(names) != 3 || len(hidden) != 0 {
		t.Errorf("%v: the folder holds %v and %v", err, names, hidden)
	}
	if code := run([]string{"train", "-in", filepath.Join(dir, "training"), "-model", filepath.Join(dir, "model.json")}); code != 1 {
		t.Errorf("a second model over the first: exit code %d", code)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "model.json")); err != nil || string(again) != string(text) {
		t.Errorf("%v: the model was overwritten", err)
	}
}

// smallSet writes every tenth row of the sample's training set, with windows of
// other lengths than usual.
func smallSet(t *testing.T) parquet.Source {
	t.Helper()
	whole := filepath.Join(t.TempDir(), "whole")
	makeTraining(t, input(""), whole, local.Options{}, []Lookback{{"2h", 2 * time.Hour}, {"30m", 30 * time.Minute}})
	return part(t, parquet.Source{Path: whole}, func(rows leat.PCollection[Example]) leat.PCollection[Example] {
		return leat.Filter(rows, "tenth", func(e Example) bool { return e.Row%10 == 0 })
	})
}

// part writes some rows of a training set to a new one.
func part(t *testing.T, in parquet.Source, keep func(leat.PCollection[Example]) leat.PCollection[Example]) parquet.Source {
	t.Helper()
	out := filepath.Join(t.TempDir(), "part")
	p := &leat.Pipeline{}
	rows := leat.Read(p, "whole", in, leat.Declare(func(e *Example) {
		e.At("2h")
		e.At("30m")
	}))
	leat.Write(keep(rows), "part", parquet.Sink{Dir: out, LocalTime: true})
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 3}); err != nil {
		t.Fatal(err)
	}
	return parquet.Source{Path: out}
}

func trained(ctx context.Context, in parquet.Source, o local.Options) (*Model, error) {
	tr, err := newTrainer(ctx, in, io.Discard, func(ctx context.Context, p *leat.Pipeline) (*local.Result, error) { return local.Run(ctx, p, o) })
	if err != nil {
		return nil, err
	}
	return tr.train(ctx)
}

// The file of a model has the same bytes however it is fitted, with windows of
// other lengths than usual.
func TestModelRepeatsItself(t *testing.T) {
	set := smallSet(t)
	var want string
	for i, o := range []local.Options{
		{}, {Parallelism: 1}, {Parallelism: 7, BatchRows: 100}, {Plan: local.Streaming, Parallelism: 3}, {Parallelism: 2, Memory: 32 << 20},
	} {
		m, err := trained(t.Context(), set, o)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model.json")
		if err := m.write(path); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = string(got)
		}
		if string(got) != want {
			t.Errorf("%+v: the model differs:\n%s\nwant\n%s", o, got, want)
		}
		if m.Model.AUC < 0.6 {
			t.Errorf("%+v: AUC %v", o, m.Model.AUC)
		}
	}
}

// The model of the whole file is as good as the one that scikit-learn 1.9.1 fitted
// to the same training set, whose figures oracle/compare.py has printed. The file
// is fetched by make data; LEAT_FLIGHTS names it.
func TestModelOfFullFile(t *testing.T) {
	path := os.Getenv("LEAT_FLIGHTS")
	if path == "" {
		t.Skip("LEAT_FLIGHTS does not name the file; .ci/run fetches it and runs this test")
	}
	windows, err := lookbacks(defaultLengths)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "training")
	makeTraining(t, parquet.Source{Path: path}, dir, local.Options{}, windows)
	m, err := trained(t.Context(), parquet.Source{Path: dir}, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Model; math.Abs(got.AUC-0.738100) > 0.001 || math.Abs(got.LogLoss-0.461567) > 0.001 {
		t.Errorf("got %+v, scikit-learn had AUC 0.738100 and log loss 0.461567", got)
	}
	if m.Train.Rows != 2_497_772 || m.Test.Rows != 502_222 || math.Abs(m.BaseRate.LogLoss-0.530923) > 1e-6 {
		t.Errorf("trained on %+v, tested on %+v, base rate %+v", m.Train, m.Test, m.BaseRate)
	}
}

// What no model can be made of is refused, and the error says why.
func TestTrainRefuses(t *testing.T) {
	may := time.Date(2001, 5, 1, 0, 0, 0, 0, time.UTC)
	small := smallSet(t)
	where := func(keep func(*Example) field.Cond) parquet.Source {
		return part(t, small, func(rows leat.PCollection[Example]) leat.PCollection[Example] { return leat.Where(rows, "kept", keep) })
	}
	for name, c := range map[string]struct {
		set  parquet.Source
		want string
	}{
		"empty":     {parquet.Source{Path: t.TempDir()}, "no files that end in .parquet"},
		"nothing":   {parquet.Source{}, "Path is empty"},
		"flights":   {input(""), "is no training set: it lacks route_count_7d, route_delay_sum_7d, route_delay_last_7d, origin_count_… of any window; make one with"},
		"no rows":   {where(func(e *Example) field.Cond { return field.Less(&e.Row, 0) }), "no rows to learn from"},
		"one month": {where(func(e *Example) field.Cond { return field.Between(&e.Date, may, may.AddDate(0, 0, 20)) }), "one month only, 2001-05"},
		"punctual":  {where(func(e *Example) field.Cond { return field.Less(&e.Delay, late) }), "0 are late by 15 minutes"},
		"all late":  {where(func(e *Example) field.Cond { return field.AtLeast(&e.Delay, late) }), "(2001-01..05)"},
		"one class in the test": {where(func(e *Example) field.Cond {
			return field.Or(field.Less(&e.Date, may.AddDate(0, 1, 0)), field.Less(&e.Delay, late))
		}), "to test with (2001-06)"},
	} {
		if _, err := trained(t.Context(), c.set, local.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

// A command line that cannot be right ends with code 2, a model path that cannot
// be written with 1, before anything is run.
func TestTrainCommandRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"train"}, 2},
		{[]string{"train", "-in", dir, "more"}, 2},
		{[]string{"tarin"}, 2},
		{[]string{"-size", "1h"}, 2},
		{[]string{"train", "-help"}, 0},
		{[]string{"-help"}, 0},
		{[]string{"train", "-in", dir, "-model", filepath.Join(dir, "m.json")}, 1},
	} {
		if code := run(c.args); code != c.code {
			t.Errorf("flights %s: exit code %d, want %d", strings.Join(c.args, " "), code, c.code)
		}
	}
	if err := checkModelPath(filepath.Join(dir, "missing", "m.json")); err == nil {
		t.Error("a model in a directory that does not exist was accepted")
	}
	if err := checkModelPath(dir); err == nil {
		t.Error("a model in the place of a directory was accepted")
	}
}

// A file that has got the model's name while it was fitted stays, and nothing
// else is left.
func TestModelIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "model.json")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (&Model{}).write(path); err == nil || !strings.Contains(err.Error(), "exists and is not overwritten") {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(dir)
	text, err2 := os.ReadFile(path)
	if err := errors.Join(err, err2); err != nil || len(entries) != 1 || string(text) != "mine" {
		t.Errorf("%v: %v, model %q", err, entries, text)
	}
}

// The features of a row are what their names say, standardised, cut off, and 0
// with a flag where nothing was known.
func TestFeatures(t *testing.T) {
	mean := 4.0
	var r Labeled
	r.Date = time.Date(2001, 3, 4, 17, 30, 0, 0, time.UTC) // a Sunday
	r.Distance, r.Delay = 1000, 15
	known := r.At("1h")
	known.OriginCount, known.OriginDelaySum, known.OriginDelayMean, known.OriginLateCount = 8, 32, &mean, 2
	f := featuresOf([]string{"1h"})
	center, scale := make([]float64, len(f.numbers)), make([]float64, len(f.numbers))
	for i := range scale {
		center[i], scale[i] = 1, 2
	}
	row := f.row(&r, center, scale)
	got := map[string]float64{}
	for i, name := range f.names() {
		if i+1 < len(row.Dense) {
			got[name] = row.Dense[i+1]
		} else if at := int64(i + 1); at == row.First || at == row.Second {
			got[name] = 1
		}
	}
	want := map[string]float64{
		"origin_count_1h": 3.5, "origin_delay_sum_1h": 8, "origin_delay_mean_1h": 1.5, "origin_late_share_1h": -0.375,
		"destination_count_1h": -0.5, "destination_delay_sum_1h": -0.5, "destination_delay_mean_1h": 0,
		"route_count_7d": -0.5, "route_delay_sum_7d": -0.5, "route_delay_mean_7d": 0, "route_delay_last_7d": 0, "distance": 8,
		"origin_none_1h": 0, "destination_none_1h": 1, "route_none_7d": 1, "hour_17": 1, "day_sunday": 1,
	}
	if len(got) != len(want) || row.Dense[0] != 1 || !row.Positive || len(f.names()) != f.weights()-1 {
		t.Errorf("got %v, %+v", got, row)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s is %v, want %v", name, got[name], v)
		}
	}
	if mean, scale := (Moments{}).filled(); mean != 0 || scale != 1 {
		t.Error("a number that no row has is not standardised to itself")
	}
	if !math.IsNaN(share(0, 0)) {
		t.Error("a share of nothing is a number")
	}
}
