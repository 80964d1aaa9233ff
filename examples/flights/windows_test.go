package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

// sums are the figures by which a result of the windows job is known.
type sums struct {
	Rows, Count, DelaySum, DelayMax int64
	ATL                             Stats // from 2001-03-15T05:00
}

// The figures were computed by another engine; see data/README.md.
var (
	sampleSums = sums{779_743, 14_400_000, 95_599_224, 40_292_292, atl(134, 2_427, 185)}
	fullSums   = sums{961_484, 72_000_000, 480_086_472, 86_550_897, atl(698, 10_219, 195)}
)

func atl(count, sum, most int64) Stats {
	start := time.Date(2001, 3, 15, 5, 0, 0, 0, time.UTC)
	return Stats{Origin: "ATL", Start: start, End: start.Add(24 * time.Hour), Count: count,
		DelaySum: sum, DelayMean: float64(sum) / float64(count), DelayMax: most}
}

// The job on the shipped sample gives the known figures, read back from the
// Parquet files it wrote, on both plans, for any parallelism and batch size.
func TestWindowsOfSample(t *testing.T) {
	for _, o := range []local.Options{
		{Plan: local.Batch}, {Plan: local.Streaming},
		{Plan: local.Batch, Parallelism: 1, BatchRows: 100}, {Plan: local.Streaming, Parallelism: 1, BatchRows: 777},
		{Plan: local.Batch, Parallelism: 3, BatchRows: 20_000}, {Plan: local.Streaming, Parallelism: 5, BatchRows: 4096},
	} {
		t.Run(fmt.Sprintf("%s-%d-%d", o.Plan, o.Parallelism, o.BatchRows), func(t *testing.T) {
			checkWindows(t, input(""), o, sampleSums)
		})
	}
}

// The job on the whole file gives the known figures. The file is fetched by
// make data; LEAT_FLIGHTS names it.
func TestWindowsOfFullFile(t *testing.T) {
	path := os.Getenv("LEAT_FLIGHTS")
	if path == "" {
		t.Skip("LEAT_FLIGHTS does not name the file; .ci/run fetches it and runs this test")
	}
	for _, o := range []local.Options{{Plan: local.Batch}, {Plan: local.Streaming}, {Plan: local.Batch, Parallelism: 3, BatchRows: 1000}, {Plan: local.Streaming, Parallelism: 1}} {
		checkWindows(t, parquet.Source{Path: path}, o, fullSums)
	}
}

func checkWindows(t *testing.T, in parquet.Source, o local.Options, want sums) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	p := &leat.Pipeline{}
	Windows(p, in, parquet.Sink{Dir: dir}, 24*time.Hour, time.Hour)
	result, err := local.Run(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Steps {
		if s.Dropped != 0 {
			t.Errorf("step %s dropped %d rows", s.Step, s.Dropped)
		}
	}
	if got := sumUp(readAll[Stats](t, parquet.Source{Path: dir})); got != want {
		t.Errorf("%+v: got %+v, want %+v", o, got, want)
	}
}

func readAll[T any](t *testing.T, in parquet.Source) []T {
	t.Helper()
	p := &leat.Pipeline{}
	var rows memory.Collector[T]
	leat.Write(leat.Read[T](p, "read", in), "rows", &rows)
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 1}); err != nil { // one task keeps the order
		t.Fatal(err)
	}
	return rows.Rows()
}

func sumUp(rows []Stats) sums {
	var s sums
	want := atl(1, 0, 0)
	for _, r := range rows {
		s.Rows++
		s.Count += r.Count
		s.DelaySum += r.DelaySum
		s.DelayMax += r.DelayMax
		if r.Origin == want.Origin && r.Start.Equal(want.Start) {
			s.ATL = r
			s.ATL.Start, s.ATL.End = r.Start.UTC(), r.End.UTC()
		}
	}
	return s
}

// Windows of other sizes hold exactly what a loop over rows and windows finds,
// to the last bit, on both plans.
func TestOtherWindows(t *testing.T) {
	var reports []Report
	for i, r := range readAll[Report](t, input("")) {
		if i%20 == 0 {
			reports = append(reports, r)
		}
	}
	sizes := [][2]time.Duration{
		{time.Hour, time.Hour}, {90 * time.Minute, 40 * time.Minute}, {6 * time.Hour, 30 * time.Minute}, {7 * time.Hour, 2 * time.Hour},
		{36 * time.Hour, 6 * time.Hour}, {7 * 24 * time.Hour, 24 * time.Hour}, {45 * time.Minute, time.Hour}, {100 * time.Second, 7 * time.Second},
	}
	for i, size := range sizes {
		want := naive(reports, size[0], size[1])
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			o := local.Options{Plan: plan, Parallelism: 1 + i%3, BatchRows: []int{1, 100, 8192}[i%3]}
			if got := windowsOf(t, reports, size[0], size[1], o); !slices.Equal(got, want) {
				t.Errorf("%s every %s, %+v: %d rows, want %d; first difference: %s", size[0], size[1], o, len(got), len(want), firstDifference(got, want))
			}
		}
	}
}

func firstDifference(got, want []Stats) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("got %+v, want %+v", got[i], want[i])
		}
	}
	return "one ends early"
}

func windowsOf(t *testing.T, reports []Report, size, slide time.Duration, o local.Options) []Stats {
	t.Helper()
	p := &leat.Pipeline{}
	in := leat.Read(p, "reports", memory.Source[Report]{Rows: reports, Splits: 4}, leat.EventTime(Reported, watermark.Disorder(disorder)))
	var rows memory.Collector[Stats]
	leat.Write(Delays(in, size, slide), "windows", &rows)
	result, err := local.Run(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range result.Notes() {
		t.Error(n) // such as rows dropped for being late
	}
	got := rows.Rows()
	slices.SortFunc(got, compareStats)
	return got
}

func compareStats(a, b Stats) int {
	return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Origin, b.Origin))
}

// naive puts each report into each window that contains it, with nothing but
// time arithmetic: it shares no code with the engine.
func naive(reports []Report, size, slide time.Duration) []Stats {
	type place struct {
		origin string
		start  int64
	}
	all := make(map[place]*Stats)
	for _, r := range reports {
		at := Reported(r).UnixMicro()
		step, length := slide.Microseconds(), size.Microseconds()
		for start := at / step * step; start > at-length; start -= step { // all times are after 1970
			k := place{r.Origin, start}
			s := all[k]
			if s == nil {
				s = &Stats{Origin: r.Origin, Start: time.UnixMicro(start).UTC(), End: time.UnixMicro(start + length).UTC(), DelayMax: r.Delay}
				all[k] = s
			}
			s.Count++
			s.DelaySum += r.Delay
			s.DelayMax = max(s.DelayMax, r.Delay)
		}
	}
	rows := make([]Stats, 0, len(all))
	for _, s := range all {
		s.DelayMean = float64(s.DelaySum) / float64(s.Count)
		rows = append(rows, *s)
	}
	slices.SortFunc(rows, compareStats)
	return rows
}
