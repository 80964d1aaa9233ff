package local_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

var (
	cases = flag.Int("cases", 300, "how many random pipelines TestMetamorphic runs")
	seed  = flag.Uint64("seed", 0, "run only the random pipeline of this seed (or the environment's LEAT_SEED)")
	first = flag.Uint64("first", 1, "seed of the first random pipeline")
)

// A random pipeline over random rows gives the same rows, bit for bit, on both
// plans, with any number of tasks, size of batches, number of splits or partitions
// and order of arrival, and with so little memory that all state goes to disk; and
// they are those that a row-at-a-time interpreter gives, which knows nothing of
// batches, keys, panes and watermarks.
//
//	go test ./runner/local -run Metamorphic -cases 50000 -timeout 4h -v
//
// prints which transforms met which windows; with that many cases each has met
// each at least a hundred times.
func TestMetamorphic(t *testing.T) {
	if one := givenSeed(t); one != 0 {
		metamorphic(t, one)
		return
	}
	var mu sync.Mutex
	all := runs{covered: make(coverage)}
	next := *first
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !t.Failed() {
				mu.Lock()
				s := next
				next++
				mu.Unlock()
				if s >= *first+uint64(*cases) {
					return
				}
				done, ok := metamorphic(t, s)
				if !ok {
					t.Errorf("the pipeline of seed %d: run it alone with -seed %d", s, s)
				}
				mu.Lock()
				all.spilled += done.spilled
				all.short += done.short
				all.covered.add(done.covered)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if t.Failed() {
		return
	}
	if *cases > 50 && (all.spilled < *cases/20 || all.short > *cases/100) {
		t.Errorf("of %d pipelines %d runs wrote to disk, and %d had too little memory", *cases, all.spilled, all.short)
	}
	t.Logf("%d random pipelines without a difference, %d runs wrote to disk, %d had too little memory; transforms by the windows of their rows:\n%s", *cases, all.spilled, all.short, all.covered)
	want := 0
	switch {
	case *cases >= 50_000:
		want = 100
	case *cases >= 5_000:
		want = 1
	}
	if n, which := all.covered.least(); n < want {
		t.Errorf("%s of rows in %s windows, fired %q, was tried %d times, want at least %d", which.transform, which.windows, which.firing, n, want)
	}
}

// tinyBudget is so little that every operator with state spills it.
const tinyBudget = 100 << 10

func givenSeed(t *testing.T) uint64 {
	if text := os.Getenv("LEAT_SEED"); text != "" && *seed == 0 {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("LEAT_SEED: %v", err)
		}
		return n
	}
	return *seed
}

// way is one way to run a pipeline.
type way struct {
	local.Options
	arrival
}

// String says what is needed to run it again.
func (w way) String() string {
	return fmt.Sprintf("%s plan, parallelism %d, batches of %d, budget %d, arrival %+v", w.Plan, w.Parallelism, w.BatchRows, w.Memory, w.arrival)
}

// waysOf draws the ways of a seed: the plainest first.
func waysOf(t *testing.T, seed uint64) []way {
	r := rand.New(rand.NewPCG(seed, 99))
	sizes := []int{1, 5, 4096}
	draw := func(plan local.Plan, rows int) way {
		w := way{local.Options{Plan: plan, Parallelism: 1 + r.IntN(3), BatchRows: rows}, arrival{seed: r.Uint64(), splits: 1 + r.IntN(4)}}
		w.endless = plan == local.Streaming && r.IntN(2) == 0
		return w
	}
	tiny := draw(local.Batch, sizes[1+r.IntN(2)])
	tiny.Memory, tiny.SpillDir = tinyBudget, t.TempDir()
	ways := []way{{local.Options{Plan: local.Batch, Parallelism: 1}, arrival{splits: 1}}, draw(local.Batch, sizes[r.IntN(3)]), tiny}
	for _, rows := range sizes {
		ways = append(ways, draw(local.Streaming, rows))
	}
	return ways
}

// runs is what the runs of pipelines have done.
type runs struct {
	spilled int // runs that wrote to disk
	short   int // runs that found their memory budget too small, and said so
	covered coverage
}

// metamorphic runs the pipeline of one seed in several ways.
func metamorphic(t *testing.T, seed uint64) (done runs, ok bool) {
	var of *generator // interpreted
	var want [][]string
	for i, w := range waysOf(t, seed) {
		if of != nil && of.atEnd {
			w.endless = false
		}
		g := generate(seed, w, of)
		if of != nil {
			for k := range g.fires {
				g.fires[k].want = of.fires[k].want
			}
		}
		got, err := g.run(t, w.Options)
		if w.Memory > 0 && err != nil && strings.Contains(err.Error(), "of the memory budget") {
			done.short++ // the lists of one key have to fit
			continue
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", w, err, g)
			return done, false
		}
		if g.result.Spilled > 0 {
			done.spilled++
		}
		whose := "the interpreter"
		switch {
		case i == 0 && g.odd: // the interpreter does not know about NaN
			of, want, done.covered = g, got, g.cells
		case i == 0:
			of, want, done.covered = g, g.expected(), g.cells
		case g.odd:
			whose = "the first run"
		}
		for sink := range got {
			if d := multisets(got[sink], want[sink]); d != "" {
				t.Errorf("%s: sink %d differs from %s:\n%s\n%s", w, sink, whose, d, g)
				return done, false
			}
		}
	}
	return done, true
}

// run runs the pipeline and returns what each sink got, sorted.
func (g *generator) run(t *testing.T, o local.Options) ([][]string, error) {
	var err error
	if g.result, err = local.Run(t.Context(), g.p, o); err != nil {
		return nil, err
	}
	var all [][]string
	for _, out := range g.outs {
		var rows []string
		for _, r := range out.Windowed() {
			n := naive{row: r.Value, t: r.Time.UnixMicro()}
			if r.Time.IsZero() {
				return nil, fmt.Errorf("row %v has no event time", r.Value)
			}
			if !r.End.IsZero() || !r.Start.IsZero() {
				n.windowed, n.end = true, r.End.UnixMicro()
				n.start = startOf(r.Start)
			}
			rows = append(rows, n.String())
		}
		slices.Sort(rows)
		all = append(all, rows)
	}
	for _, f := range g.fires {
		rows, err := f.rows()
		if err != nil {
			return nil, err
		}
		all = append(all, rows)
	}
	return all, nil
}

// expected is what the interpreter gives, sink by sink, sorted.
func (g *generator) expected() [][]string {
	var all [][]string
	written := slices.Clone(g.written)
	for _, f := range g.fires {
		written = append(written, f.want)
	}
	for _, f := range written {
		var rows []string
		for _, n := range f {
			rows = append(rows, n.String())
		}
		slices.Sort(rows)
		all = append(all, rows)
	}
	return all
}

// multisets says how two sorted lists differ, the first few rows; "" when they
// do not.
func multisets(got, want []string) string {
	var lines []string
	more, missing := 0, 0
	add := func(sign, s string) {
		if len(lines) < 8 {
			lines = append(lines, sign+s)
		}
	}
	i, j := 0, 0
	for i < len(got) || j < len(want) {
		switch {
		case j == len(want) || i < len(got) && got[i] < want[j]:
			more++
			add("  too much: ", got[i])
			i++
		case i == len(got) || got[i] > want[j]:
			missing++
			add("  missing:  ", want[j])
			j++
		default:
			i, j = i+1, j+1
		}
	}
	if more+missing == 0 {
		return ""
	}
	return fmt.Sprintf("%d rows, want %d; %d too much, %d missing\n%s", len(got), len(want), more, missing, strings.Join(lines, "\n"))
}

// String is the graph of the pipeline, for a failure.
func (g *generator) String() string {
	graph, err := g.p.Graph()
	if err != nil {
		return err.Error()
	}
	return graph.String()
}

// generate builds the pipeline of a seed, which is the same for every way but for
// steps with triggers, whose state does not spill. With one built before, it
// interprets nothing.
func generate(seed uint64, w way, of *generator) *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, 1)), p: &leat.Pipeline{}, arrival: w.arrival, cells: make(coverage)}
	if of != nil {
		g.decisions, g.replaying = of.decisions, true
	}
	g.odd = g.r.IntN(4) == 0
	for range 1 + g.r.IntN(2) {
		g.read()
	}
	for range 1 + g.r.IntN(6) {
		g.step()
	}
	g.write(g.flows[len(g.flows)-1])
	for g.r.IntN(3) == 0 {
		g.write(g.any())
	}
	for range 1 + g.r.IntN(2) {
		if w.Memory == 0 {
			g.fire()
		}
	}
	return g
}
