package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// The columns of the training set, in order, for windows of 1 and 6 hours.
var trainingColumns = "row date origin destination distance delay " +
	"origin_count_1h origin_delay_sum_1h origin_delay_mean_1h origin_late_count_1h destination_count_1h destination_delay_sum_1h destination_delay_mean_1h " +
	"origin_count_6h origin_delay_sum_6h origin_delay_mean_6h origin_late_count_6h destination_count_6h destination_delay_sum_6h destination_delay_mean_6h " +
	"route_count_7d route_delay_sum_7d route_delay_last_7d"

// example reads a training set of two windows back, by the names of its columns.
type example struct {
	Flight
	OriginCount1     int64    `leat:"origin_count_1h"`
	OriginSum1       int64    `leat:"origin_delay_sum_1h"`
	OriginMean1      *float64 `leat:"origin_delay_mean_1h"`
	OriginLate1      int64    `leat:"origin_late_count_1h"`
	DestinationCount int64    `leat:"destination_count_1h"`
	DestinationSum1  int64    `leat:"destination_delay_sum_1h"`
	DestinationMean1 *float64 `leat:"destination_delay_mean_1h"`
	RouteCount       int64    `leat:"route_count_7d"`
	RouteSum         int64    `leat:"route_delay_sum_7d"`
	RouteLast        *int64   `leat:"route_delay_last_7d"`
}

// bits renders a row, floats by their bits.
func (e example) bits() string {
	mean := func(v *float64) string {
		if v == nil {
			return "null"
		}
		return fmt.Sprintf("%x", math.Float64bits(*v))
	}
	last := "null"
	if e.RouteLast != nil {
		last = fmt.Sprint(*e.RouteLast)
	}
	return fmt.Sprint(e.Row, e.Date.UTC(), e.Origin, e.Destination, e.Distance, e.Delay, " ", e.OriginCount1, e.OriginSum1, mean(e.OriginMean1), e.OriginLate1,
		" ", e.DestinationCount, e.DestinationSum1, mean(e.DestinationMean1), " ", e.RouteCount, e.RouteSum, last)
}

// equal compares to the last bit.
func (e example) equal(o example) bool {
	return e.Row == o.Row && e.Date.Equal(o.Date) && e.Origin == o.Origin && e.Destination == o.Destination && e.Distance == o.Distance && e.Delay == o.Delay &&
		e.OriginCount1 == o.OriginCount1 && e.OriginSum1 == o.OriginSum1 && e.OriginLate1 == o.OriginLate1 && sameBits(e.OriginMean1, o.OriginMean1) &&
		e.DestinationCount == o.DestinationCount && e.DestinationSum1 == o.DestinationSum1 && sameBits(e.DestinationMean1, o.DestinationMean1) &&
		e.RouteCount == o.RouteCount && e.RouteSum == o.RouteSum &&
		(e.RouteLast == nil) == (o.RouteLast == nil) && (e.RouteLast == nil || *e.RouteLast == *o.RouteLast)
}

func sameBits(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Float64bits(*a) == math.Float64bits(*b)
}

// report is what a naive loop knows of a flight.
type report struct{ landed, delay, row int64 }

// knownFlights answers what was known, with nothing but a list of reports a key.
type knownFlights map[string][]report

func (k knownFlights) add(key string, f Flight) {
	k[key] = append(k[key], report{Landed(f).UnixMicro(), f.Delay, f.Row})
}

// between lists the reports of a key with to−window ≤ landed < to.
func (k knownFlights) between(key string, to time.Time, window time.Duration) []report {
	all := k[key]
	earlier := func(r report, at int64) int { return cmp.Compare(r.landed, at) }
	first, _ := slices.BinarySearchFunc(all, to.Add(-window).UnixMicro(), earlier)
	end, _ := slices.BinarySearchFunc(all, to.UnixMicro(), earlier)
	return all[first:end]
}

// naiveExamples computes a training set of one window row by row from the reports
// in it. It shares no code with the engine.
func naiveExamples(flights []Flight, window time.Duration) []example {
	origins, destinations, routes := knownFlights{}, knownFlights{}, knownFlights{}
	for _, f := range flights {
		origins.add(f.Origin, f)
		destinations.add(f.Destination, f)
		routes.add(f.Origin+f.Destination, f)
	}
	for _, known := range []knownFlights{origins, destinations, routes} {
		for _, list := range known {
			slices.SortFunc(list, func(a, b report) int { return cmp.Or(cmp.Compare(a.landed, b.landed), cmp.Compare(a.row, b.row)) })
		}
	}
	rows := make([]example, len(flights))
	for i, f := range flights {
		e := example{Flight: f}
		for _, r := range origins.between(f.Origin, f.Date, window) {
			e.OriginCount1++
			e.OriginSum1 += r.delay
			if r.delay >= 15 {
				e.OriginLate1++
			}
		}
		e.OriginMean1 = quotient(e.OriginSum1, e.OriginCount1)
		for _, r := range destinations.between(f.Destination, f.Date, window) {
			e.DestinationCount++
			e.DestinationSum1 += r.delay
		}
		e.DestinationMean1 = quotient(e.DestinationSum1, e.DestinationCount)
		for _, r := range routes.between(f.Origin+f.Destination, f.Date, 7*24*time.Hour) {
			e.RouteCount++
			e.RouteSum += r.delay
			e.RouteLast = &r.delay
		}
		rows[i] = e
	}
	return rows
}

func quotient(sum, n int64) *float64 {
	if n == 0 {
		return nil
	}
	mean := float64(sum) / float64(n)
	return &mean
}

// The training set of the sample holds what a loop over its rows finds, bit for
// bit, for several windows and however it is run: in the order of the input on the
// batch plan, in any order on the streaming plan.
func TestTrainingOfSample(t *testing.T) {
	flights := readAll[Flight](t, parquet.Source{Path: "data/flights-sample.parquet", RowPosition: "row"})
	for _, c := range []struct {
		window  time.Duration
		options local.Options
	}{
		{time.Hour, local.Options{}},
		{time.Hour, local.Options{Parallelism: 1, BatchRows: 1000}},
		{25 * time.Hour, local.Options{Parallelism: 3, BatchRows: 777}},
		{time.Minute, local.Options{Parallelism: 7, BatchRows: 20_000}},
		{100 * time.Second, local.Options{Parallelism: 2, BatchRows: 100}},
		{time.Hour, local.Options{Plan: local.Streaming, Parallelism: 3}},
		{25 * time.Hour, local.Options{Plan: local.Streaming, Parallelism: 1, BatchRows: 1000}},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		makeTraining(t, parquet.Source{Path: "data/flights-sample.parquet"}, dir, c.options, []Lookback{{"1h", c.window}})
		got, want := readAll[example](t, parquet.Source{Path: dir}), naiveExamples(flights, c.window)
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows, want %d", c.window, len(got), len(want))
		}
		if c.options.Plan == local.Streaming {
			slices.SortFunc(got, func(a, b example) int { return cmp.Compare(a.Row, b.Row) })
		}
		for i := range got {
			if !got[i].equal(want[i]) {
				t.Fatalf("%s, %+v: row %d is\n%s, want\n%s", c.window, c.options, i, got[i].bits(), want[i].bits())
			}
		}
	}
}

func makeTraining(t *testing.T, in parquet.Source, dir string, o local.Options, windows []Lookback) {
	t.Helper()
	p := &leat.Pipeline{}
	Training(p, in, parquet.Sink{Dir: dir, LocalTime: true}, windows)
	if _, err := local.Run(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
}

// Two runs write the same files, byte for byte.
func TestTrainingRepeatsItself(t *testing.T) {
	windows, err := lookbacks("1h,6h")
	if err != nil {
		t.Fatal(err)
	}
	var runs [2]map[string]string
	for i := range runs {
		dir := filepath.Join(t.TempDir(), "out")
		makeTraining(t, input(""), dir, local.Options{Parallelism: 3}, windows)
		runs[i] = map[string]string{}
		files, _ := filepath.Glob(filepath.Join(dir, "*.parquet"))
		for _, f := range files {
			content, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			runs[i][filepath.Base(f)] = string(content)
		}
	}
	if len(runs[0]) != 3 || len(runs[1]) != 3 {
		t.Fatalf("%d and %d files, want 3", len(runs[0]), len(runs[1]))
	}
	for name, content := range runs[0] {
		if runs[1][name] != content {
			t.Errorf("%s differs", name)
		}
	}
}

// The columns have the names and the order that the training set is known by.
func TestTrainingColumns(t *testing.T) {
	p := &leat.Pipeline{}
	Training(p, input(""), parquet.Sink{Dir: "out"}, []Lookback{{"1h", time.Hour}, {"6h", 6 * time.Hour}})
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range g.Nodes[len(g.Nodes)-1].Inputs[0].Type().Fields {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != trainingColumns {
		t.Errorf("got  %s\nwant %s", got, trainingColumns)
	}
}

// totals are sums over the whole training set for windows of 1, 6 and 24 hours.
type totals struct {
	Rows, OriginCount6h, OriginSum24h, OriginLate1h, DestinationCount24h, RouteCount, Lasts, LastSum int64
}

// The figures were computed by another engine.
var fullTotals = totals{3_000_000, 258_494_371, 7_302_799_989, 9_921_098, 998_907_964, 207_661_720, 2_995_477, 19_007_518}

type trainingRow struct {
	Row           int64  `leat:"row"`
	OriginCount   int64  `leat:"origin_count_6h"`
	OriginSum     int64  `leat:"origin_delay_sum_24h"`
	OriginLate    int64  `leat:"origin_late_count_1h"`
	DestinationN  int64  `leat:"destination_count_24h"`
	RouteCount    int64  `leat:"route_count_7d"`
	RouteLastOnly *int64 `leat:"route_delay_last_7d"`
}

// The training set of the whole file gives the known figures, on the batch plan in
// the order of the input. The file is fetched by make data; LEAT_FLIGHTS names it.
func TestTrainingOfFullFile(t *testing.T) {
	path := os.Getenv("LEAT_FLIGHTS")
	if path == "" {
		t.Skip("LEAT_FLIGHTS does not name the file; .ci/run fetches it and runs this test")
	}
	windows, err := lookbacks("1h,6h,24h")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []local.Options{{}, {Parallelism: 1, BatchRows: 5000}, {Parallelism: 5, BatchRows: 60_000},
		{Memory: 64 << 20, Parallelism: 2}, {Memory: 64 << 20, Parallelism: 5, BatchRows: 5000}, {Memory: 128 << 20, Parallelism: 1}, {Memory: 256 << 20, Parallelism: 3},
		{Plan: local.Streaming}, {Plan: local.Streaming, Parallelism: 1, BatchRows: 5000}, {Plan: local.Streaming, Parallelism: 3, Memory: 512 << 20}} {
		dir := filepath.Join(t.TempDir(), "out")
		o.SpillDir = t.TempDir()
		makeTraining(t, parquet.Source{Path: path}, dir, o, windows)
		var got totals
		for i, r := range readAll[trainingRow](t, parquet.Source{Path: dir}) {
			if r.Row != int64(i) && o.Plan != local.Streaming {
				t.Fatalf("row %d is at %d", r.Row, i)
			}
			got.Rows++
			got.OriginCount6h += r.OriginCount
			got.OriginSum24h += r.OriginSum
			got.OriginLate1h += r.OriginLate
			got.DestinationCount24h += r.DestinationN
			got.RouteCount += r.RouteCount
			if r.RouteLastOnly != nil {
				got.Lasts++
				got.LastSum += *r.RouteLastOnly
			}
		}
		if got != fullTotals {
			t.Errorf("%+v:\ngot  %+v\nwant %+v", o, got, fullTotals)
		}
	}
}

// Windows that are no lengths are refused.
func TestTrainingRefuses(t *testing.T) {
	for _, list := range []string{"", "1h,", "x", "1h,1h", "3"} {
		if _, err := lookbacks(list); err == nil {
			t.Errorf("-windows %q was accepted", list)
		}
	}
}
