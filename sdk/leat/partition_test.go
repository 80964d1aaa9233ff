package leat_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// eachPlan runs what build makes on both plans, with one task and with several.
func eachPlan(t *testing.T, f func(t *testing.T, o local.Options)) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		for _, tasks := range []int{1, 3} {
			for _, rows := range []int{1, 4096} {
				t.Run(fmt.Sprintf("%s-%d-%d", plan, tasks, rows), func(t *testing.T) {
					f(t, local.Options{Plan: plan, Parallelism: tasks, BatchRows: rows})
				})
			}
		}
	}
}

func runPlan(t *testing.T, p *leat.Pipeline, o local.Options) {
	t.Helper()
	if _, err := local.Run(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
}

func rowsAt[T any](c *memory.Collector[T]) []string {
	var out []string
	for _, r := range c.Windowed() {
		out = append(out, fmt.Sprint(r.Value, " @", r.Time.UnixMilli()))
	}
	slices.Sort(out)
	return out
}

func TestPartition(t *testing.T) {
	// Every row is in the part that the function names and in no other, with its time.
	eachPlan(t, func(t *testing.T, o local.Options) {
		p := &leat.Pipeline{}
		parts := leat.Partition(fiveEvents(p), "thirds", 3, func(e event) int { return int(e.N) % 3 })
		var got [3]memory.Collector[int64]
		for i, part := range parts {
			leat.Write(leat.Map(part, fmt.Sprint("n", i), func(e event) int64 { return e.N }), fmt.Sprint("out", i), &got[i])
		}
		runPlan(t, p, o)
		want := [3][]string{{"0 @0", "3 @3000"}, {"1 @1000", "4 @4000"}, {"2 @2000"}}
		for i := range got {
			if rows := rowsAt(&got[i]); !slices.Equal(rows, want[i]) {
				t.Errorf("part %d: got %v, want %v", i, rows, want[i])
			}
		}
	})
}

func TestPartitionOutOfRange(t *testing.T) {
	// A number that is no part names step and row.
	for _, n := range []int{-1, 2} {
		p := &leat.Pipeline{}
		parts := leat.Partition(fiveEvents(p), "halves", 2, func(event) int { return n })
		leat.Write(parts[0], "out", &memory.Collector[event]{})
		_, err := local.Run(t.Context(), p, local.Options{})
		if want := fmt.Sprintf("the function put a row into partition %d; it must return a number from 0 to 1", n); err == nil ||
			!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `step "halves"`) || !strings.Contains(err.Error(), "row: ") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestReshuffle(t *testing.T) {
	// Rows, times and windows come out as they went in.
	eachPlan(t, func(t *testing.T, o local.Options) {
		p := &leat.Pipeline{}
		in := leat.Window(fiveEvents(p), window.Fixed(2*time.Second))
		counts := leat.CombineGlobally(in, "count", agg.Into(count[event]))
		var rows memory.Collector[int64]
		var results memory.Collector[int64]
		leat.Write(leat.Map(leat.Reshuffle(in), "n", func(e event) int64 { return e.N }), "rows", &rows)
		leat.Write(leat.Reshuffle(counts), "results", &results)
		runPlan(t, p, o)
		if got, want := rowsAt(&rows), []string{"0 @0", "1 @1000", "2 @2000", "3 @3000", "4 @4000"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		var windows []string
		for _, r := range results.Windowed() {
			windows = append(windows, fmt.Sprintf("%d in [%d,%d)", r.Value, r.Start.Unix(), r.End.Unix()))
		}
		slices.Sort(windows)
		if want := []string{"1 in [4,6)", "2 in [0,2)", "2 in [2,4)"}; !slices.Equal(windows, want) {
			t.Errorf("got %v, want %v", windows, want)
		}
	})
}

// shares counts the rows that each task works on.
type shares struct {
	mu   *sync.Mutex
	all  *[]int
	rows int
}

func (s *shares) Process(_ *leat.Context, e event, emit leat.Emit[event]) error {
	s.rows++
	emit(e)
	return nil
}

func (s *shares) Teardown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.all = append(*s.all, s.rows)
	return nil
}

func TestReshuffleSharesOut(t *testing.T) {
	// One split, read by one task, is worked on by all of them.
	const rows = 10_000
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		p := &leat.Pipeline{}
		in := leat.Read[event](p, "events", memory.Of(make([]event, rows)...))
		var all []int
		var got memory.Collector[event]
		leat.Write(leat.ParDo(leat.Reshuffle(in), "work", &shares{mu: new(sync.Mutex), all: &all}), "out", &got)
		runPlan(t, p, local.Options{Plan: plan, Parallelism: 3})
		if got.Len() != rows {
			t.Errorf("%s plan: got %d rows, want %d", plan, got.Len(), rows)
		}
		for _, n := range all {
			if n < rows/5 {
				t.Errorf("%s plan: tasks got %v of %d rows", plan, all, rows)
			}
		}
	}
}
