package pointintime_test

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/transforms/pointintime"
)

// query is a row of the spine.
type query struct {
	ID   int64     `leat:"id"`
	At   time.Time `leat:"at"`
	User string    `leat:"user"`
	Shop *int64    `leat:"shop"` // may be null
	Tag  string    `leat:"tag"`
}

// event is a row that is looked up.
type event struct {
	At    time.Time `leat:"at"`
	User  string    `leat:"user"`
	Shop  *int64    `leat:"shop"` // may be null
	Tag   string    `leat:"tag"`
	N     int64     `leat:"n"`
	Price float64   `leat:"price"`
	Opt   *int64    `leat:"opt"`
	Seq   int64     `leat:"seq"`
}

// stats is looked up for several windows.
type stats struct {
	Count int64    `leat:"count"`
	Large int64    `leat:"large"` // N ≥ 0
	Sum   int64    `leat:"sum"`
	Spend float64  `leat:"spend"`
	Mean  *float64 `leat:"mean"`
	MeanN *float64 `leat:"mean_n"`
	Opt   *int64   `leat:"opt"`
	Max   *int64   `leat:"max"`
}

// answer is a row of the output.
type answer struct {
	ID   int64
	User leat.Columns[stats] `leat:"user"`

	ShopCount  int64    `leat:"shop_count"`
	ShopSpend  float64  `leat:"shop_spend"`
	BothLast   *int64   `leat:"both_last"`
	BothFirst  *float64 `leat:"both_first"`
	ThreeCount int64    `leat:"three_count"`
	LastTag    *string  `leat:"last_tag"`
	Tags       []string `leat:"tags"`
	Last3      []int64  `leat:"last3"`
	Others     int64    `leat:"others"` // rows of the spine itself
	Cross      int64    `leat:"cross"`  // rows whose user is the tag of the spine
	Median     *float64 `leat:"median"`
}

var windows = []struct {
	name   string
	length time.Duration
}{{"5us", 5 * time.Microsecond}, {"40us", 40 * time.Microsecond}, {"1h", time.Hour}}

func join(spine leat.PCollection[query], events leat.PCollection[event]) leat.PCollection[answer] {
	return pointintime.Join(spine, "answers", func(q *query, o *answer) []pointintime.Term {
		terms := []pointintime.Term{pointintime.Copy(&o.ID, &q.ID)}
		for _, w := range windows {
			s := o.User.At(w.name)
			terms = append(terms, pointintime.From(events, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&q.User, &e.User)}, Within: w.length, Get: []agg.Term{
					agg.Count(&s.Count), agg.Where(field.AtLeast(&e.N, 0), agg.Count(&s.Large)), agg.Sum(&s.Sum, &e.N), agg.Sum(&s.Spend, &e.Price),
					agg.Mean(s.Mean, &e.Price), agg.Mean(s.MeanN, &e.N), agg.Sum(s.Opt, e.Opt), agg.Max(s.Max, &e.N),
				}}
			}))
		}
		return append(terms,
			pointintime.From(events, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(q.Shop, e.Shop)}, Within: 30 * time.Microsecond, Get: []agg.Term{
					agg.Count(&o.ShopCount), agg.Sum(&o.ShopSpend, &e.Price),
				}}
			}),
			pointintime.From(events, func(e *event) pointintime.Lookup {
				both := []pointintime.Pair{pointintime.Equal(&q.User, &e.User), pointintime.Equal(q.Shop, e.Shop)}
				return pointintime.Lookup{On: both, Within: 60 * time.Microsecond, Get: []agg.Term{
					agg.Last(o.BothLast, e.Opt, agg.By(&e.Seq)), agg.First(o.BothFirst, &e.Price),
				}}
			}),
			pointintime.From(events, func(e *event) pointintime.Lookup {
				three := []pointintime.Pair{pointintime.Equal(&q.User, &e.User), pointintime.Equal(q.Shop, e.Shop), pointintime.Equal(&q.Tag, &e.Tag)}
				return pointintime.Lookup{On: three, Within: time.Hour, Get: []agg.Term{agg.Count(&o.ThreeCount)}}
			}),
			pointintime.From(events, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&q.User, &e.User)}, Within: 25 * time.Microsecond, Get: []agg.Term{
					agg.Last(o.LastTag, &e.Tag), agg.CollectSet(&o.Tags, &e.Tag), agg.LastN(&o.Last3, &e.N, 3, agg.By(&e.Seq)), agg.Quantile(o.Median, &e.N, 0.5),
				}}
			}),
			pointintime.From(events, func(e *event) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&q.Tag, &e.User)}, Within: 33 * time.Microsecond, Get: []agg.Term{agg.Count(&o.Cross)}}
			}),
			pointintime.From(spine, func(other *query) pointintime.Lookup {
				return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&q.User, &other.User)}, Within: 10 * time.Microsecond, Get: []agg.Term{agg.Count(&o.Others)}}
			}))
	})
}

// draw makes rows that share keys and times, with nulls, in no order.
func draw(r *rand.Rand, spine, events int) ([]query, []event) {
	at := func() time.Time { return time.UnixMicro(int64(r.IntN(80) - 20)).UTC() }
	user := func() string {
		return []string{"0", "1", fmt.Sprintf("user-%d-%s", r.IntN(4), strings.Repeat("x", r.IntN(2)*20))}[r.IntN(3)]
	}
	maybe := func(n int) *int64 {
		v := int64(r.IntN(n))
		if v == 0 {
			return nil
		}
		return &v
	}
	price := func() float64 { return float64(r.IntN(2000)-1000) / 100 }
	if r.IntN(3) == 0 {
		price = func() float64 { return math.Ldexp(r.Float64()-0.5, r.IntN(300)-150) }
	}
	n := func() int64 { return int64(r.IntN(20) - 10) }
	if r.IntN(3) == 0 {
		n = func() int64 { return r.Int64N(1<<60) - 1<<59 } // running totals wrap around, windows do not
	}
	queries, rows := make([]query, spine), make([]event, events)
	for i := range queries {
		queries[i] = query{int64(i), at(), user(), maybe(4), fmt.Sprint(r.IntN(2))}
	}
	for i := range rows {
		rows[i] = event{at(), user(), maybe(4), fmt.Sprint(r.IntN(2)), n(), price(), maybe(3), int64(r.IntN(5))}
	}
	if r.IntN(2) == 0 {
		slices.SortStableFunc(queries, func(a, b query) int { return a.At.Compare(b.At) })
	}
	return queries, rows
}

// within lists the rows of a window that satisfy a condition, in the order that
// decides between rows.
func within(events []event, q query, w time.Duration, on func(event) bool) []event {
	var rows []event
	for _, e := range events {
		if !e.At.Before(q.At.Add(-w)) && e.At.Before(q.At) && on(e) {
			rows = append(rows, e)
		}
	}
	slices.SortStableFunc(rows, func(a, b event) int { return a.At.Compare(b.At) })
	return rows
}

func naive(queries []query, events []event) []string {
	out := make([]string, len(queries))
	for i, q := range queries {
		sameUser := func(e event) bool { return e.User == q.User }
		sameShop := func(e event) bool { return q.Shop != nil && e.Shop != nil && *q.Shop == *e.Shop }
		both := func(e event) bool { return sameUser(e) && sameShop(e) }
		var parts []string
		for _, w := range windows {
			parts = append(parts, naiveStats(within(events, q, w.length, sameUser)))
		}
		shop := within(events, q, 30*time.Microsecond, sameShop)
		pair := within(events, q, 60*time.Microsecond, both)
		three := within(events, q, time.Hour, func(e event) bool { return both(e) && e.Tag == q.Tag })
		cross := within(events, q, 33*time.Microsecond, func(e event) bool { return e.User == q.Tag })
		recent := within(events, q, 25*time.Microsecond, sameUser)
		others := 0
		for _, o := range queries {
			if o.User == q.User && !o.At.Before(q.At.Add(-10*time.Microsecond)) && o.At.Before(q.At) {
				others++
			}
		}
		parts = append(parts, fmt.Sprint("shop ", len(shop)), bits(exactSum(shop)), "both "+lastOpt(pair)+" "+firstPrice(pair), fmt.Sprint("three ", len(three)),
			lastTag(recent), fmt.Sprint(tagSet(recent), last3(recent)), fmt.Sprint("others ", others, " ", len(cross)))
		out[i] = fmt.Sprint(q.ID, " ", strings.Join(parts, "; "))
	}
	return out
}

func naiveStats(rows []event) string {
	sum, large, opts, opt := big.NewInt(0), 0, 0, int64(0)
	most := "null"
	var max int64
	for i, e := range rows {
		sum.Add(sum, big.NewInt(e.N))
		if e.N >= 0 {
			large++
		}
		if e.Opt != nil {
			opts++
			opt += *e.Opt
		}
		if i == 0 || e.N > max {
			max = e.N
			most = fmt.Sprint(max)
		}
	}
	mean, meanN, sumOpt := "null", "null", "null"
	if len(rows) > 0 {
		n := new(big.Rat).SetInt64(int64(len(rows)))
		mean = bits(new(big.Rat).Quo(exactSum(rows), n))
		meanN = bits(new(big.Rat).Quo(new(big.Rat).SetInt(sum), n))
	}
	if opts > 0 {
		sumOpt = fmt.Sprint(opt)
	}
	return fmt.Sprint(len(rows), " ", large, " ", sum, " ", bits(exactSum(rows)), " ", mean, " ", meanN, " ", sumOpt, " ", most)
}

func exactSum(rows []event) *big.Rat {
	sum := new(big.Rat)
	for _, e := range rows {
		sum.Add(sum, new(big.Rat).SetFloat64(e.Price))
	}
	return sum
}

// bits renders the nearest float to the last bit.
func bits(r *big.Rat) string {
	f, _ := r.Float64()
	return fmt.Sprintf("%x", math.Float64bits(f))
}

func lastOpt(rows []event) string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(e event) bool { return e.Opt == nil })
	if len(rows) == 0 {
		return "null"
	}
	last := slices.MaxFunc(rows, func(a, b event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq), cmp.Compare(*a.Opt, *b.Opt))
	})
	return fmt.Sprint(*last.Opt)
}

func firstPrice(rows []event) string {
	if len(rows) == 0 {
		return "null"
	}
	first := slices.MinFunc(rows, func(a, b event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Price, b.Price)) })
	return fmt.Sprintf("%x", math.Float64bits(first.Price))
}

func lastTag(rows []event) string {
	if len(rows) == 0 {
		return "null"
	}
	return slices.MaxFunc(rows, func(a, b event) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Tag, b.Tag)) }).Tag
}

func tagSet(rows []event) []string {
	var tags []string
	for _, e := range rows {
		if !slices.Contains(tags, e.Tag) {
			tags = append(tags, e.Tag)
		}
	}
	slices.Sort(tags)
	return tags
}

func last3(rows []event) []int64 {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.N, b.N))
	})
	var out []int64
	for _, e := range rows[max(0, len(rows)-3):] {
		out = append(out, e.N)
	}
	return out
}

func render(a answer) string {
	var parts []string
	for _, w := range windows {
		s := a.User.At(w.name)
		parts = append(parts, fmt.Sprint(s.Count, " ", s.Large, " ", s.Sum, " ", float(&s.Spend), " ", float(s.Mean), " ", float(s.MeanN), " ", value(s.Opt), " ", value(s.Max)))
	}
	parts = append(parts, fmt.Sprint("shop ", a.ShopCount), float(&a.ShopSpend), "both "+value(a.BothLast)+" "+float(a.BothFirst), fmt.Sprint("three ", a.ThreeCount),
		value(a.LastTag), fmt.Sprint(a.Tags, a.Last3), fmt.Sprint("others ", a.Others, " ", a.Cross))
	return fmt.Sprint(a.ID, " ", strings.Join(parts, "; "))
}

func float(v *float64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%x", math.Float64bits(*v))
}

func value[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

func collections(p *leat.Pipeline, queries []query, events []event, splits int) (leat.PCollection[query], leat.PCollection[event]) {
	asked := leat.EventTimeField(func(q *query) *time.Time { return &q.At }, watermark.Disorder(time.Hour))
	known := leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(time.Hour))
	return leat.Read(p, "queries", memory.Source[query]{Rows: queries, Splits: splits}, asked),
		leat.Read(p, "events", memory.Source[event]{Rows: events, Splits: splits}, known)
}

func run(t *testing.T, queries []query, events []event, splits int, o local.Options) []string {
	t.Helper()
	rows, _, err := try(t, queries, events, splits, o)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func try(t *testing.T, queries []query, events []event, splits int, o local.Options) ([]string, *local.Result, error) {
	t.Helper()
	p := &leat.Pipeline{}
	var out memory.Collector[string]
	leat.Write(leat.Map(join(collections(p, queries, events, splits)), "render", render), "out", &out)
	r, err := local.Run(t.Context(), p, o)
	return out.Rows(), r, err
}

// Rows with a selection, from Parquet, where strings are dictionaries, are looked
// up as well, and so are rows behind a condition on either side.
func TestJoinOfFilesAndConditions(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for round := range 8 {
		queries, events := draw(r, 300, 600)
		dir := t.TempDir()
		write := &leat.Pipeline{}
		spine, known := collections(write, queries, events, 1)
		leat.Write(spine, "spine", parquet.Sink{Dir: filepath.Join(dir, "spine")})
		leat.Write(known, "known", parquet.Sink{Dir: filepath.Join(dir, "known")})
		if _, err := local.Run(t.Context(), write, local.Options{Parallelism: 1}); err != nil {
			t.Fatal(err)
		}
		p := &leat.Pipeline{}
		asked := leat.EventTimeField(func(q *query) *time.Time { return &q.At }, watermark.Disorder(0))
		at := leat.EventTime(func(e event) time.Time { return e.At }, watermark.Disorder(0))
		spine = leat.Where(leat.Read(p, "spine", parquet.Source{Path: filepath.Join(dir, "spine")}, asked), "later", func(q *query) field.Cond { return field.AtLeast(&q.ID, 30) })
		known = leat.Where(leat.Read(p, "known", parquet.Source{Path: filepath.Join(dir, "known")}, at), "small", func(e *event) field.Cond { return field.AtMost(&e.Seq, 3) })
		var out memory.Collector[string]
		leat.Write(leat.Map(join(spine, known), "render", render), "out", &out)
		o := local.Options{Parallelism: 1 + round%3, BatchRows: []int{50, 8192}[round%2]}
		if _, err := local.Run(t.Context(), p, o); err != nil {
			t.Fatal(err)
		}
		got, want := out.Rows(), naive(slices.DeleteFunc(queries, func(q query) bool { return q.ID < 30 }), slices.DeleteFunc(events, func(e event) bool { return e.Seq > 3 }))
		if !slices.Equal(got, want) {
			t.Fatalf("round %d, %+v: %d rows, want %d; the first is\n%s, want\n%s", round, o, len(got), len(want), got[0], want[0])
		}
	}
}

// A join gives, row by row and in the order of the spine, what a loop over all
// rows finds, to the last bit: for several keys, windows and aggregates, null
// keys, rows of the same time, spines in any order, and however it is run.
func TestJoinIsWhatALoopFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 60 {
		queries, events := draw(r, r.IntN(150), r.IntN(400))
		o := local.Options{Parallelism: 1 + r.IntN(5), BatchRows: []int{1, 7, 64, 8192}[r.IntN(4)]}
		got, want := run(t, queries, events, 1+r.IntN(9), o), naive(queries, events)
		if len(got) != len(want) {
			t.Fatalf("round %d, %+v: %d rows, want %d", round, o, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("round %d, %+v: row %d\ngot  %s\nwant %s", round, o, i, got[i], want[i])
			}
		}
	}
}

// The same with all memory that it takes but a part: rows that do not fit go to
// disk, and nothing of that can be seen. How little is too little depends on the
// longest lists, so at some point there may be an error, which says so.
func TestJoinBeyondMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	spilled := 0
	for round := range 25 {
		queries, events := draw(r, r.IntN(300), 200+r.IntN(1500))
		for i := range events {
			events[i].N %= 1 << 50 // so many rows would overflow
		}
		o := local.Options{Parallelism: 1 + r.IntN(4), BatchRows: []int{1, 7, 64, 8192}[r.IntN(4)], SpillDir: t.TempDir()}
		splits, want := 1+r.IntN(9), naive(queries, events)
		o.Memory = 1 << 40
		_, all, err := try(t, queries, events, splits, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []int64{2, 5, 10} {
			o.Memory = all.PeakMemory / part
			got, result, err := try(t, queries, events, splits, o)
			if err != nil {
				absurd := o.Memory < int64(o.Parallelism)*64<<10 && strings.Contains(err.Error(), "memory budget")
				if !absurd && !strings.Contains(err.Error(), "have to be in memory at a time") || !strings.Contains(err.Error(), `step "answers"`) {
					t.Fatalf("round %d, %+v: %v", round, o, err)
				}
				break
			}
			if !slices.Equal(got, want) {
				t.Fatalf("round %d, %+v: %d rows, want %d; or others", round, o, len(got), len(want))
			}
			if result.Spilled > 0 {
				spilled++
			}
		}
	}
	if spilled < 10 {
		t.Errorf("only %d runs spilled", spilled)
	}
}
