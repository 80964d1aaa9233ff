package local_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// seen is a row with the side input it saw.
type seen struct {
	ID   int64
	List string
}

func listed(i item, list []item) seen {
	s := seen{ID: i.ID}
	for _, other := range list {
		s.List += fmt.Sprint(" ", other.ID)
	}
	return s
}

// A row sees the part of a side input that is in the window which the last moment of
// its own window falls into; where these overlap in the earliest; in the order of
// time, for any number of tasks and size of batches, and on both plans: on the
// streaming plan it waits until that part is complete.
func TestSideInputsByWindow(t *testing.T) {
	mains := []window.Fn{window.Global(), window.Fixed(10 * time.Second), window.Fixed(7 * time.Second).Offset(2 * time.Second)}
	sides := []window.Fn{window.Global(), window.Fixed(30 * time.Second), window.Fixed(3 * time.Second), window.Sliding(20*time.Second, 6*time.Second), window.Sliding(4*time.Second, 9*time.Second)}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 8))
		d := time.Duration(r.IntN(20)) * time.Second
		rows, list := disordered(r, items(r, r.IntN(100), false), d), disordered(r, items(r, r.IntN(60), false), d)
		main, side := mains[1+r.IntN(2)], sides[r.IntN(len(sides))]
		if side.Kind() == window.KindGlobal {
			main = mains[r.IntN(len(mains))]
		}
		want := naiveSides(rows, list, main, side)
		for _, o := range []local.Options{{BatchRows: 1}, {BatchRows: 7}, {BatchRows: 4096}, {Plan: local.Streaming, BatchRows: 1},
			{Plan: local.Streaming, BatchRows: 1, Parallelism: 1}, {Plan: local.Streaming, BatchRows: 4096}} {
			p, out := &leat.Pipeline{}, &memory.Collector[seen]{}
			in := leat.Values(readDisordered(p, "rows", rows, 1+r.IntN(3), main, d))
			beside := leat.Values(readDisordered(p, "list", list, 1+r.IntN(3), side, d))
			leat.Write(leat.MapWith(in, leat.AsList(beside), "see", listed), "out", out)
			if o.Parallelism == 0 {
				o.Parallelism = 1 + r.IntN(3)
			}
			result, err := local.Run(t.Context(), p, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range result.Steps {
				if s.Dropped > 0 {
					t.Errorf("seed %d, %+v: step %s dropped %d rows, and none is late", seed, o, s.Step, s.Dropped)
				}
			}
			var got []string
			for _, s := range out.Rows() {
				got = append(got, fmt.Sprint(s))
			}
			slices.Sort(got)
			if d := multisets(got, want); d != "" {
				t.Fatalf("seed %d: rows in %s windows, side input in %s windows, %+v:\n%s", seed, main, side, o, d)
			}
		}
	}
}

func naiveSides(rows, list []item, main, side window.Fn) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b item) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }) // the canonical bytes begin with the number
	var want []string
	for _, i := range rows {
		last := assigned(main, i.At)[0].End - 1
		if side.Kind() == window.KindGlobal {
			last = batch.MaxTime - 1
		}
		var part []item
		if windows := assigned(side, time.UnixMicro(last)); len(windows) > 0 {
			for _, other := range list {
				if slices.Contains(assigned(side, other.At), windows[0]) {
					part = append(part, other)
				}
			}
		}
		want = append(want, fmt.Sprint(listed(i, part)))
	}
	slices.Sort(want)
	return want
}

// What is no singleton and no map ends the job with an error that names the step;
// so does a side input larger than the budget.
func TestBrokenSideInputs(t *testing.T) {
	one, two := memory.Of(int64(1)), memory.Of(int64(1), int64(2))
	for name, c := range map[string]struct {
		build func(p *leat.Pipeline) leat.PCollection[int64]
		want  string
	}{
		"no singleton": {func(p *leat.Pipeline) leat.PCollection[int64] {
			return leat.MapWith(leat.Read[int64](p, "rows", one), leat.AsSingleton(leat.Read[int64](p, "side", two)), "use", func(a, b int64) int64 { return a })
		}, `the side input from step "side" has 2 rows for this window`},
		"a key twice": {func(p *leat.Pipeline) leat.PCollection[int64] {
			keyed := leat.Map(leat.Read[int64](p, "side", two), "keyed", func(n int64) leat.KV[string, int64] { return leat.KV[string, int64]{Key: "k", Value: n} })
			return leat.MapWith(leat.Read[int64](p, "rows", one), leat.AsMap(keyed), "use", func(a int64, m map[string]int64) int64 { return a })
		}, `has key "k" twice in this window`},
		"too large": {func(p *leat.Pipeline) leat.PCollection[int64] {
			many := memory.Source[int64]{Rows: make([]int64, 100000)}
			return leat.MapWith(leat.Read[int64](p, "rows", one), leat.AsList(leat.Read[int64](p, "side", many)), "use", func(a int64, all []int64) int64 { return a })
		}, `the state of step "use" needs`},
	} {
		p := &leat.Pipeline{}
		leat.Write(c.build(p), "out", &memory.Collector[int64]{})
		_, err := local.Run(t.Context(), p, local.Options{Parallelism: 1, Memory: 200 << 10, SpillDir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `step "use" (local/side_test.go:`) {
			t.Errorf("%s: got %v", name, err)
		}
		var panicked *leat.PanicError
		if errors.As(err, &panicked) {
			t.Errorf("%s: the error is said to be a panic of the user's code: %v", name, err)
		}
	}
}
