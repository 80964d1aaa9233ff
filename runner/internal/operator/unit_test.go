package operator

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
)

// plenty is memory without a bound.
type plenty struct{ used int64 }

func (p *plenty) Reserve(n int64) error { p.used += n; return nil }
func (p *plenty) Release(n int64)       { p.used -= n }

// timed is rows at some times, with their numbers.
func timed(times []int64) *batch.Batch {
	numbers := make([]int64, len(times))
	for i := range numbers {
		numbers[i] = int64(i)
	}
	return dealtRows(nil, batch.NewInts(rowNumber, numbers), times)
}

// numbersOf reads the piles of a dealing back.
func numbersOf(t *testing.T, d *dealing) [][]int64 {
	t.Helper()
	if err := d.flush(); err != nil {
		t.Fatal(err)
	}
	all := make([][]int64, len(d.piles))
	for i, h := range d.piles {
		for _, k := range h.blocks {
			b, err := d.passes.read(k)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = append(all[i], b.Root.Children[0].Ints...)
		}
		if int64(len(all[i])) != h.rows {
			t.Errorf("pile %d has %d rows and counts %d", i, len(all[i]), h.rows)
		}
	}
	return all
}

// However time is cut into slices, the slice of a row of the spine has all rows
// within its window, once, and so many bytes in memory or few change nothing.
func TestSlicesHaveWholeWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 200 {
		p := &Passes{Area: spill.NewArea(t.TempDir(), nil)}
		draw := func(n int) []int64 {
			times := make([]int64, n)
			for i := range times {
				times[i] = r.Int64N(50)
			}
			return times
		}
		spine, rows, cuts, longest := draw(r.IntN(60)), draw(1+r.IntN(100)), draw(r.IntN(6)), r.Int64N(30)
		if round%10 == 0 {
			spine = append(spine, batch.MinTime)
		}
		slices.Sort(cuts)
		var m plenty
		d := newDealing(p, &m, len(cuts)+1, []int64{0, 500, 1 << 20}[round%3])
		if err := dealByTime(d, timed(rows), cuts, longest); err != nil {
			t.Fatal(err)
		}
		piles := numbersOf(t, d)
		for i, slice := range slicesOf(timed(spine), cuts) {
			for row, time := range rows {
				in := 0
				for _, n := range piles[slice] {
					if n == int64(row) {
						in++
					}
				}
				if q := spine[i]; in > 1 || time < q && time >= q-longest && q > batch.MinTime && in == 0 {
					t.Fatalf("round %d: a row of time %d is %d times in slice %d of %v, where the spine is at %d and looks back %d", round, time, in, slice, cuts, q, longest)
				}
			}
		}
		if m.used != 0 {
			t.Errorf("%d bytes were not given back", m.used)
		}
		if err := p.Area.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A pile keeps the order in which its rows came, whatever is written when.
func TestDealingKeepsOrder(t *testing.T) {
	for _, most := range []int64{0, 300, 1 << 20} {
		p := &Passes{Area: spill.NewArea(t.TempDir(), nil)}
		d := newDealing(p, &plenty{}, 3, most)
		for range 5 {
			if err := d.add(timed(make([]int64, 7)), []int32{2, 0, -1, 0, 2, 2, 0}); err != nil {
				t.Fatal(err)
			}
		}
		got := numbersOf(t, d)
		for i, want := range [][]int64{{1, 3, 6}, nil, {0, 4, 5}} {
			if !slices.Equal(got[i], slices.Repeat(want, 5)) {
				t.Errorf("with %d bytes pile %d is %v", most, i, got[i])
			}
		}
		if err := p.Area.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
