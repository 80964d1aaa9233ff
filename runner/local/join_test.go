package local_test

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// item is a row of one side of a join.
type item struct {
	ID   int64     `leat:"id"`
	Key  *int64    `leat:"key"`
	Name string    `leat:"name"`
	At   time.Time `leat:"at"`
}

// pair is what joins make of two items; 0 stands for none.
type pair struct {
	Key         int64
	Left, Right int64
	Names       string
}

func pairOf(k int64, a, b *item) pair {
	p := pair{Key: k}
	if a != nil {
		p.Left, p.Names = a.ID, a.Name
	}
	if b != nil {
		p.Right, p.Names = b.ID, p.Names+"/"+b.Name
	}
	return p
}

// items makes rows: skewed, nine of ten have one key; some have none.
func items(r *rand.Rand, n int, skewed bool) []item {
	keys := 1 + r.IntN(1+n)
	rows := make([]item, n)
	for i := range rows {
		rows[i] = item{ID: int64(i + 1), Name: strings.Repeat("x", r.IntN(20)), At: time.Unix(int64(r.IntN(60)-20), int64(r.IntN(2))*1000).UTC()}
		k := int64(r.IntN(keys))
		if skewed && r.IntN(10) > 0 {
			k = 7
		}
		if r.IntN(12) > 0 {
			rows[i].Key = &k
		}
	}
	return rows
}

// joinKind is one of the joins, with a loop over all pairs that says what it gives.
type joinKind struct {
	name  string
	build func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair]
	left  bool // keeps left rows
	right bool // keeps right rows
}

var joinKinds = []joinKind{
	{"inner", func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
		return leat.Join(a, b, "join", func(k int64, a, b item) pair { return pairOf(k, &a, &b) })
	}, false, false},
	{"left", func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
		return leat.LeftJoin(a, b, "join", func(k int64, a item, b *item) pair { return pairOf(k, &a, b) })
	}, true, false},
	{"full", func(a, b leat.PCollection[leat.KV[int64, item]]) leat.PCollection[pair] {
		return leat.FullJoin(a, b, "join", pairOf)
	}, true, true},
}

// naive is the loop over all pairs.
func (j joinKind) naive(left, right []item, fn window.Fn) []string {
	var out []string
	matched := make(map[string]bool)
	add := func(a, b *item, k *int64, w window.Interval) {
		var key int64
		if k != nil {
			key = *k
		}
		out = append(out, fmt.Sprint(pairOf(key, a, b), w.Start, w.End))
	}
	mark := func(side string, row int, w window.Interval) string { return fmt.Sprint(side, row, w) }
	for i := range left {
		for k := range right {
			if left[i].Key == nil || right[k].Key == nil || *left[i].Key != *right[k].Key {
				continue
			}
			for _, w := range assigned(fn, left[i].At) {
				if slices.Contains(assigned(fn, right[k].At), w) {
					add(&left[i], &right[k], left[i].Key, w)
					matched[mark("left", i, w)], matched[mark("right", k, w)] = true, true
				}
			}
		}
	}
	for i := range left {
		for _, w := range assigned(fn, left[i].At) {
			if j.left && !matched[mark("left", i, w)] {
				add(&left[i], nil, left[i].Key, w)
			}
		}
	}
	for i := range right {
		for _, w := range assigned(fn, right[i].At) {
			if j.right && !matched[mark("right", i, w)] {
				add(nil, &right[i], right[i].Key, w)
			}
		}
	}
	slices.Sort(out)
	return out
}

func assigned(fn window.Fn, t time.Time) []window.Interval {
	w, _ := fn.Assign(t.UnixMicro(), nil)
	return w
}

func readItems(p *leat.Pipeline, name string, rows []item, splits int, fn window.Fn) leat.PCollection[leat.KV[int64, item]] {
	return readDisordered(p, name, rows, splits, fn, time.Hour)
}

func readDisordered(p *leat.Pipeline, name string, rows []item, splits int, fn window.Fn, disorder time.Duration) leat.PCollection[leat.KV[int64, item]] {
	in := leat.Read(p, name, memory.Source[item]{Rows: rows, Splits: splits},
		leat.EventTimeField(func(i *item) *time.Time { return &i.At }, watermark.Disorder(disorder)))
	return leat.Window(leat.KeyBy(in, name+"-by", field.Of(func(i *item) *int64 { return i.Key })), fn)
}

var joinWindows = []window.Fn{
	window.Global(), window.Global(), window.Fixed(10 * time.Second), window.Sliding(20*time.Second, 7*time.Second),
	window.Sliding(3*time.Second, 7*time.Second), window.Custom("evens", evens),
}

// Joins of random rows, with null keys, empty sides, many rows a key on both
// sides and one key with most of the rows, are those of a loop over all pairs, for
// any number of tasks, size of batches and budget.
func TestJoinsAreLoops(t *testing.T) {
	spilled := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		sizes := [2]int{r.IntN(300), r.IntN(300)}
		if r.IntN(5) == 0 {
			sizes[r.IntN(2)] = 0
		}
		left, right := items(r, sizes[0], r.IntN(4) == 0), items(r, sizes[1], r.IntN(4) == 0)
		fn, kind := joinWindows[r.IntN(len(joinWindows))], joinKinds[r.IntN(len(joinKinds))]
		want := kind.naive(left, right, fn)
		for _, memory := range []int64{0, tinyBudget} {
			for _, rows := range []int{1, 7, 4096} {
				o := local.Options{Plan: local.Batch, Parallelism: 1 + r.IntN(3), BatchRows: rows, Memory: memory, SpillDir: t.TempDir()}
				way := fmt.Sprintf("seed %d: %s join in %s windows, %d × %d rows, parallelism %d, batches of %d, budget %d", seed, kind.name, fn, len(left), len(right), o.Parallelism, rows, memory)
				got, result := runJoin(t, way, o, func(p *leat.Pipeline) leat.PCollection[pair] {
					return kind.build(readItems(p, "left", left, 1+r.IntN(3), fn), readItems(p, "right", right, 1+r.IntN(3), fn))
				})
				if result.Spilled > 0 {
					spilled++
				}
				if d := multisets(got, want); d != "" {
					t.Fatalf("%s:\n%s", way, d)
				}
			}
		}
	}
	if spilled < 15 {
		t.Errorf("only %d runs wrote to disk", spilled)
	}
}

// runJoin returns what a join gives, each row with its window, sorted.
func runJoin(t *testing.T, way string, o local.Options, build func(p *leat.Pipeline) leat.PCollection[pair]) ([]string, *local.Result) {
	t.Helper()
	p := &leat.Pipeline{}
	out := &memory.Collector[pair]{}
	leat.Write(build(p), "out", out)
	result, err := local.Run(t.Context(), p, o)
	if err != nil {
		t.Fatalf("%s: %v", way, err)
	}
	var got []string
	for _, row := range out.Windowed() {
		w := window.Interval{Start: startOf(row.Start), End: row.End.UnixMicro()}
		if want := w.End - 1; row.Time.UnixMicro() != want {
			t.Fatalf("%s: the time of %v is %s, not the end of its window", way, row.Value, row.Time)
		}
		got = append(got, fmt.Sprint(row.Value, w.Start, w.End))
	}
	slices.Sort(got)
	return got, result
}

// AsOf gives each row of the left side once, with the row a loop over all of the
// right side finds, time and windows as they were.
func TestAsOfIsALoop(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		left, right := items(r, r.IntN(300), r.IntN(3) == 0), items(r, r.IntN(300)*r.IntN(3), r.IntN(3) == 0)
		var want []string
		for i := range left {
			var found *item
			for k := range right {
				b := &right[k]
				if left[i].Key != nil && b.Key != nil && *left[i].Key == *b.Key && !b.At.After(left[i].At) &&
					(found == nil || b.At.After(found.At) || b.At.Equal(found.At) && b.ID > found.ID) {
					found = b // the canonical bytes begin with the number
				}
			}
			var key int64
			if left[i].Key != nil {
				key = *left[i].Key
			}
			want = append(want, fmt.Sprint(pairOf(key, &left[i], found), left[i].At.UnixMicro()))
		}
		slices.Sort(want)
		for _, memory := range []int64{0, tinyBudget} {
			for _, rows := range []int{1, 7, 4096} {
				o := local.Options{Plan: local.Batch, Parallelism: 1 + r.IntN(3), BatchRows: rows, Memory: memory, SpillDir: t.TempDir()}
				got := runAsOf(t, o, left, right, 1+r.IntN(3))
				if d := multisets(got, want); d != "" {
					t.Fatalf("seed %d, parallelism %d, batches of %d, budget %d:\n%s", seed, o.Parallelism, rows, memory, d)
				}
			}
		}
	}
}

func runAsOf(t *testing.T, o local.Options, left, right []item, splits int) (got []string) {
	t.Helper()
	p := &leat.Pipeline{}
	out := &memory.Collector[pair]{}
	a, b := readItems(p, "left", left, splits, window.Global()), readItems(p, "right", right, splits, window.Global())
	leat.Write(leat.AsOf(a, b, "latest", func(k int64, a item, b *item) pair { return pairOf(k, &a, b) }), "out", out)
	if _, err := local.Run(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
	for _, row := range out.Windowed() {
		got = append(got, fmt.Sprint(row.Value, row.Time.UnixMicro()))
	}
	slices.Sort(got)
	return got
}

// Rows may be joined with what a grouping step has made of rows in the same windows.
func TestJoinWithTotals(t *testing.T) {
	for _, fn := range []window.Fn{window.Global(), window.Fixed(10 * time.Second), window.Sliding(20*time.Second, 7*time.Second)} {
		rows := items(rand.New(rand.NewPCG(1, 10)), 200, false)
		p, out, grouped := &leat.Pipeline{}, &memory.Collector[pair]{}, &memory.Collector[pair]{}
		in := readItems(p, "rows", rows, 3, fn)
		counts := leat.Combine(in, "count", agg.Into(func(_ *item, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }))
		leat.Write(leat.LeftJoin(in, counts, "join", func(k int64, i item, n *int64) pair {
			if n == nil {
				return pair{Left: i.ID}
			}
			return pair{Key: k, Left: i.ID, Right: *n}
		}), "out", out)
		leat.Write(leat.FullJoin(counts, counts, "self", func(k int64, a, b *int64) pair {
			if a == nil || b == nil {
				return pair{Key: -1}
			}
			return pair{Key: k, Left: *a, Right: *b}
		}), "self-out", grouped)
		if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 2}); err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, row := range out.Windowed() {
			got = append(got, fmt.Sprint(row.Value, startOf(row.Start)))
		}
		for _, i := range rows {
			for _, w := range assigned(fn, i.At) {
				expected := pair{Left: i.ID}
				if i.Key != nil {
					expected.Key, expected.Right = *i.Key, int64(len(together(rows, *i.Key, w, fn)))
				}
				want = append(want, fmt.Sprint(expected, w.Start))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if d := multisets(got, want); d != "" {
			t.Errorf("%s windows:\n%s", fn, d)
		}
		nulls := 0
		for _, row := range grouped.Rows() {
			if row.Key == -1 {
				nulls++ // the group of null keys, of either side
			} else if row.Left != row.Right {
				t.Errorf("%s windows: %v is not joined with itself", fn, row)
			}
		}
		if nulls == 0 || nulls%2 != 0 || grouped.Len() == nulls {
			t.Errorf("%s windows: %d of %d rows have no partner", fn, nulls, grouped.Len())
		}
	}
}

// together returns the rows of a key in a window.
func together(rows []item, key int64, w window.Interval, fn window.Fn) (out []item) {
	for _, i := range rows {
		if i.Key != nil && *i.Key == key && slices.Contains(assigned(fn, i.At), w) {
			out = append(out, i)
		}
	}
	return out
}

// A null key, which a function cannot see, is an error of a CoGroup that says what
// to do.
func TestCoGroupOfNullKeys(t *testing.T) {
	p := &leat.Pipeline{}
	in := readItems(p, "rows", []item{{ID: 1}}, 1, window.Global())
	leat.Write(leat.CoGroup(in, in, "both", func(k int64, a, b iter.Seq[item]) int64 { return k }), "out", &memory.Collector[int64]{})
	_, err := local.Run(t.Context(), p, local.Options{Plan: local.Batch})
	if err == nil || !strings.Contains(err.Error(), "a key is null") || !strings.Contains(err.Error(), `step "both"`) {
		t.Errorf("got %v", err)
	}
}

// Where a field of a key of several is null, nothing is equal to it.
func TestJoinByPartlyNullKeys(t *testing.T) {
	type both struct {
		Key  int64
		Name string
	}
	p, out := &leat.Pipeline{}, &memory.Collector[pair]{}
	seven := int64(7)
	rows := []item{{ID: 1, Name: "x"}, {ID: 2, Name: "x", Key: &seven}, {ID: 3, Name: "y", Key: &seven}}
	in := leat.KeyBy(leat.Read[item](p, "rows", memory.Of(rows...)), "by", field.Into(func(i *item, k *both) []field.Term {
		return []field.Term{field.Copy(&k.Key, i.Key), field.Copy(&k.Name, &i.Name)}
	}))
	leat.Write(leat.FullJoin(in, in, "join", func(k both, a, b *item) pair { return pairOf(k.Key, a, b) }), "out", out)
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 2}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range out.Rows() {
		got = append(got, fmt.Sprint(r))
	}
	slices.Sort(got)
	if want := "[{0 0 1 /x} {0 1 0 x} {7 2 2 x/x} {7 3 3 y/y}]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
