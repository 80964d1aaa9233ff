package local_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

var (
	cases = flag.Int("cases", 120, "how many random pipelines TestMetamorphic runs")
	seed  = flag.Uint64("seed", 0, "run only the random pipeline of this seed (or the environment's LEAT_SEED)")
)

// A random pipeline over random rows gives the same rows, bit for bit, on both
// plans, with any number of tasks, size of batches and number of splits, and with
// so little memory that all state goes to disk; and they are those that a row-at-a-time interpreter gives, which knows nothing of
// batches, keys, panes and watermarks.
func TestMetamorphic(t *testing.T) {
	from, to := uint64(1), uint64(*cases)
	if one := givenSeed(t); one != 0 {
		from, to = one, one
	}
	spilled := 0
	for s := from; s <= to; s++ {
		n, ok := metamorphic(t, s)
		if !ok {
			t.Fatalf("the pipeline of seed %d: run it alone with -seed %d", s, s)
		}
		spilled += n
	}
	if cases := int(to - from + 1); cases > 50 && spilled < cases/4 {
		t.Errorf("only %d runs of %d pipelines wrote to disk", spilled, cases)
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

// metamorphic runs the pipeline of one seed in several ways and returns how many
// of the runs wrote to disk.
func metamorphic(t *testing.T, seed uint64) (spilled int, ok bool) {
	r := rand.New(rand.NewPCG(seed, 99))
	ways := []local.Options{{Plan: local.Batch, Parallelism: 1}}
	splits := []int{1}
	for _, rows := range []int{1, 5, 4096} {
		ways = append(ways, local.Options{Plan: local.Batch, Parallelism: 1 + r.IntN(3), BatchRows: rows},
			local.Options{Plan: local.Streaming, Parallelism: 1 + r.IntN(3), BatchRows: rows})
		splits = append(splits, 1+r.IntN(4), 1+r.IntN(4))
	}
	for _, rows := range []int{5, 4096} {
		ways = append(ways, local.Options{Plan: local.Batch, Parallelism: 1 + r.IntN(3), BatchRows: rows, Memory: tinyBudget, SpillDir: t.TempDir()})
		splits = append(splits, 1+r.IntN(4))
	}
	var first [][]string
	for i, o := range ways {
		g := generate(seed, splits[i])
		got, err := g.run(t, o)
		way := fmt.Sprintf("%s plan, parallelism %d, batches of %d, %d splits, budget %d", o.Plan, o.Parallelism, o.BatchRows, splits[i], o.Memory)
		if err != nil {
			t.Errorf("%s: %v\n%s", way, err, g)
			return spilled, false
		}
		if g.result.Spilled > 0 {
			spilled++
		}
		want, whose := g.expected(), "the interpreter"
		if first == nil {
			first = got
		} else if g.odd {
			want, whose = first, "the first run"
		}
		for sink := range got {
			if i == 0 && g.odd {
				break // the interpreter does not know about NaN
			}
			if d := multisets(got[sink], want[sink]); d != "" {
				t.Errorf("%s: sink %d differs from %s:\n%s\n%s", way, sink, whose, d, g)
				return spilled, false
			}
		}
	}
	return spilled, true
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
	return all, nil
}

// expected is what the interpreter gives, sink by sink, sorted.
func (g *generator) expected() [][]string {
	var all [][]string
	for _, f := range g.written {
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

// generate builds the pipeline of a seed. The number of splits is no part of it.
func generate(seed uint64, splits int) *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, 1)), p: &leat.Pipeline{}, splits: splits}
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
	return g
}
