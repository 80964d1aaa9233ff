package local_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

var allKinds = append([]joinKind{{"as of", func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
	return leat.AsOf(a, b, "join", func(k int64, a item, b *item) pair { return pairOf(k, &a, b) })
}, true, false}}, joinKinds...)

// many makes n rows with so many keys, of which one has nine tenths of the rows when
// skewed; one row in 50 has no key.
func many(seed uint64, n, keys int, skewed bool) []item {
	r := rand.New(rand.NewPCG(seed, 9))
	rows := make([]item, n)
	for i := range rows {
		k := int64(r.IntN(keys))
		if skewed && r.IntN(10) > 0 {
			k = 7
		}
		rows[i] = item{ID: int64(i + 1), Key: &k, Name: strings.Repeat("y", r.IntN(30)), At: time.Unix(int64(r.IntN(100000)), 0).UTC()}
		if r.IntN(50) == 0 {
			rows[i].Key = nil
		}
	}
	return rows
}

// ordered runs a join and returns its rows in the order in which they are written,
// task by task.
func ordered(t *testing.T, o local.Options, kind joinKind, left, right []item, fn window.Fn) ([]string, *local.Result) {
	t.Helper()
	p, out := &leat.Pipeline{}, &memory.Collector[pair]{}
	leat.Write(kind.build(readItems(p, "left", left, 5, fn), readItems(p, "right", right, 7, fn)), "out", out)
	result, err := local.Run(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, r := range out.Windowed() {
		rows = append(rows, fmt.Sprint(r.Value, r.Time.UnixMicro(), startOf(r.Start), r.End.UnixMicro()))
	}
	return rows, result
}

// Joins whose right side is a multiple of the budget give what they give in memory:
// with many keys, whose parts are split again and again, and with one key that has
// nine tenths of the rows, on either side; and in the same order from run to run.
func TestJoinsBeyondBudget(t *testing.T) {
	cases := map[string]struct {
		left, right []item
		fn          window.Fn
	}{
		"many keys":        {many(1, 20_000, 15_000, false), many(2, 30_000, 15_000, false), window.Global()},
		"windows":          {many(1, 5_000, 300, false), many(2, 20_000, 300, false), window.Sliding(4000e9, 1000e9)},
		"skew on right":    {many(3, 300, 2_000, false), many(4, 30_000, 2_000, true), window.Global()},
		"skew on left":     {many(5, 20_000, 30_000, true), many(6, 30_000, 30_000, false), window.Global()},
		"skew, no matches": {many(7, 60, 5, false), many(8, 30_000, 1, true), window.Global()},
	}
	for name, c := range cases {
		for _, kind := range allKinds {
			t.Run(name+"/"+kind.name, func(t *testing.T) {
				t.Parallel()
				want, _ := ordered(t, local.Options{Parallelism: 2}, kind, c.left, c.right, c.fn)
				slices.Sort(want)
				for parallelism := range 3 {
					o := local.Options{Parallelism: parallelism + 1, Memory: 600 << 10, SpillDir: t.TempDir()}
					got, result := ordered(t, o, kind, c.left, c.right, c.fn)
					if result.Spilled == 0 {
						t.Fatalf("parallelism %d: nothing was written to disk", o.Parallelism)
					}
					if result.PeakMemory > o.Memory {
						t.Errorf("parallelism %d: %d bytes were reserved of %d", o.Parallelism, result.PeakMemory, o.Memory)
					}
					if again, _ := ordered(t, o, kind, c.left, c.right, c.fn); !slices.Equal(got, again) {
						t.Errorf("parallelism %d: a second run gives another order", o.Parallelism)
					}
					slices.Sort(got)
					if d := multisets(got, want); d != "" {
						t.Fatalf("parallelism %d:\n%s", o.Parallelism, d)
					}
				}
			})
		}
	}
}

// In memory too the order is the same from run to run, and within a key group does
// not depend on batches.
func TestOrderOfJoins(t *testing.T) {
	left, right := many(1, 4_000, 900, false), many(2, 3_000, 900, false)
	for _, kind := range allKinds {
		first, _ := ordered(t, local.Options{Parallelism: 3}, kind, left, right, window.Fixed(40000e9))
		for _, rows := range []int{1, 100, 4096} {
			again, _ := ordered(t, local.Options{Parallelism: 3, BatchRows: rows}, kind, left, right, window.Fixed(40000e9))
			if !slices.Equal(first, again) {
				t.Errorf("%s: batches of %d give another order", kind.name, rows)
			}
		}
	}
}

// A disk that is full in the middle of a join is an error that says so, and leaves
// nothing behind.
func TestJoinDiskFull(t *testing.T) {
	for _, room := range []int64{0, 100 << 10, 500 << 10} {
		disk := &smallDisk{}
		disk.room.Store(room)
		p, out := &leat.Pipeline{}, &memory.Collector[pair]{}
		left, right := many(1, 20_000, 15_000, false), many(2, 30_000, 15_000, false)
		leat.Write(joinKinds[2].build(readItems(p, "left", left, 5, window.Global()), readItems(p, "right", right, 7, window.Global())), "out", out)
		o := local.Options{Parallelism: 2, Memory: 600 << 10, SpillDir: t.TempDir()}.WithSpillFS(disk)
		_, err := local.Run(t.Context(), p, o)
		var failed *spill.Error
		if !errors.Is(err, syscall.ENOSPC) || !errors.As(err, &failed) {
			t.Errorf("%d bytes of room: got %v", room, err)
		}
		if left, e := os.ReadDir(o.SpillDir); e != nil || len(left) > 0 {
			t.Errorf("%v is left in the spill directory: %v", left, e)
		}
	}
}
