package leat_test

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// everything has a field of every kind that can be a column.
type everything struct {
	ID   string
	Bool bool
	I    int
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	F32  float32
	F64  float64
	Raw  []byte
	At   time.Time
	Opt  *int16
	When *time.Time
	Town town
	Home *town
	Tags []string
	Past []town
	Deep [][]int32
	Zips map[string]int32
	Ways map[int64]town
	More
	Cache any `leat:"-"`
}

// More is flattened into the structs that embed it.
type More struct{ Extra string }

func sample(i int) everything {
	e := everything{
		ID: fmt.Sprintf("%04d", i), Bool: i%2 == 0, I: -i, I8: int8(i), I16: math.MinInt16 + int16(i), I32: math.MaxInt32 - int32(i), I64: math.MinInt64 + int64(i),
		U: uint(i), U8: uint8(i), U16: math.MaxUint16 - uint16(i), U32: math.MaxUint32, U64: math.MaxUint64 - uint64(i), F32: float32(i) / 3, F64: float64(i) / 3,
		Raw: bytes.Repeat([]byte{0, 255}, i%3), At: time.UnixMicro(int64(i) * 1e12).UTC(), Town: town{"t", int32(i)}, More: More{"x"},
	}
	if i%3 == 0 {
		opt, when := int16(i), time.UnixMicro(-int64(i)).UTC()
		e.Opt, e.When, e.Home = &opt, &when, &town{"home", 1}
		e.Tags, e.Past, e.Deep = []string{"a", ""}, []town{{"p", 2}}, [][]int32{{1}, {2, 3}}
		e.Zips, e.Ways = map[string]int32{"b": 2, "a": 1}, map[int64]town{-1: {"w", 3}}
	}
	if e.Raw = e.Raw[:len(e.Raw):len(e.Raw)]; len(e.Raw) == 0 {
		e.Raw = nil
	}
	return e
}

// forward emits what it gets, half of it with the row's context.
type forward struct{}

func (forward) Process(_ *leat.Context, in everything, emit leat.Emit[everything]) error {
	emit(in)
	return nil
}

func TestEveryTypeThroughEveryTransform(t *testing.T) {
	// Rows of every kind of field come out of every transform as they went in,
	// over more rows than a chunk and a batch hold.
	var rows []everything
	for i := range 700 {
		rows = append(rows, sample(i))
	}
	for name, transform := range map[string]func(leat.PCollection[everything]) leat.PCollection[everything]{
		"map": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			return leat.Map(in, "same", func(e everything) everything { return e })
		},
		"filter": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			return leat.Filter(in, "all", func(e everything) bool { return e.ID != "" })
		},
		"where": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			return leat.Where(in, "all", func(e *everything) field.Cond { return field.AtLeast(&e.U64, math.MaxInt64) })
		},
		"flatmap": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			return leat.FlatMap(in, "one", func(e everything) iter.Seq[everything] { return slices.Values([]everything{e}) })
		},
		"pardo": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			return leat.ParDo(in, "forward", forward{})
		},
		"key and value": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			return leat.Values(leat.KeyBy(in, "by-town", field.Of(func(e *everything) *town { return &e.Town })))
		},
		"computed key": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			byLength := leat.KeyBy(in, "by-length", field.Func(func(e everything) int { return len(e.Raw) }))
			return leat.Values(leat.Filter(byLength, "all", func(kv leat.KV[int, everything]) bool { return kv.Key == len(kv.Value.Raw) }))
		},
		"group": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			groups := leat.GroupByKey(leat.KeyBy(in, "by-bool", field.Of(func(e *everything) *bool { return &e.Bool })), "group")
			return leat.FlatMap(groups, "ungroup", func(kv leat.KV[bool, iter.Seq[everything]]) iter.Seq[everything] { return kv.Value })
		},
		"flatten": func(in leat.PCollection[everything]) leat.PCollection[everything] {
			odd := leat.Where(in, "odd", func(e *everything) field.Cond { return field.Equal(&e.Bool, false) })
			even := leat.Filter(in, "even", func(e everything) bool { return e.Bool })
			return leat.Flatten(odd, even)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &leat.Pipeline{}
			in := leat.Read[everything](p, "rows", memory.Source[everything]{Rows: rows, Splits: 3})
			var got memory.Collector[everything]
			leat.Write(transform(in), "out", &got)
			run(t, p)
			if diff := cmp.Diff(rows, sorted(got.Rows(), func(e everything) string { return e.ID })); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func seconds(s int64) time.Time { return time.Unix(s, 0).UTC() }

// visits are rows with times, of two users.
func visits() []event {
	var rows []event
	for i := range int64(20) {
		rows = append(rows, event{User: string(rune('a' + i%2)), At: seconds(i).Add(900 * time.Nanosecond), N: i})
	}
	return rows
}

func TestEventTime(t *testing.T) {
	// Event time from a function, with its nanoseconds cut off, and from a
	// column gives the same windows, on both plans; Map, FlatMap, Filter and
	// ParDo keep it.
	options := map[string]leat.ReadOption[event]{
		"function": leat.EventTime(func(e event) time.Time { return e.At }, watermark.Monotone()),
		"column":   leat.EventTimeField(at, watermark.Monotone()),
	}
	for name, option := range options {
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			p := &leat.Pipeline{}
			in := leat.Read(p, "visits", memory.Of(visits()...), option)
			same := leat.Map(in, "map", func(e event) event { return e })
			same = leat.Filter(same, "filter", func(e event) bool { return true })
			same = leat.FlatMap(same, "flatmap", func(e event) iter.Seq[event] { return slices.Values([]event{e}) })
			stamped := leat.ParDo(same, "pardo", leat.Do(func(c *leat.Context, e event, emit leat.Emit[string]) error {
				if _, _, ok := c.Window(); ok {
					return fmt.Errorf("row is in a window before it was grouped")
				}
				emit(c.Time().Format("05.000000"))
				return nil
			}))
			byUser := leat.Window(leat.KeyBy(same, "by-user", field.Of(user)), window.Fixed(10*time.Second))
			counts := leat.Combine(byUser, "count", agg.Into(count[event]))
			lines := leat.ParDo(counts, "lines", leat.Do(func(c *leat.Context, kv leat.KV[string, int64], emit leat.Emit[string]) error {
				start, end, ok := c.Window()
				emit(fmt.Sprintf("%s %d–%d %t: %d at %s", kv.Key, start.Unix(), end.Unix(), ok, kv.Value, c.Time().Format("05.000000")))
				return nil
			}))
			var times, got memory.Collector[string]
			leat.Write(stamped, "times", &times)
			leat.Write(lines, "out", &got)
			if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2, BatchRows: 3}); err != nil {
				t.Fatal(err)
			}
			want := []string{"a 0–10 true: 5 at 09.999999", "a 10–20 true: 5 at 19.999999", "b 0–10 true: 5 at 09.999999", "b 10–20 true: 5 at 19.999999"}
			if rows := got.Rows(); !slices.Equal(slices.Sorted(slices.Values(rows)), want) {
				t.Errorf("%s, %s plan: got %q", name, plan, rows)
			}
			if rows := slices.Sorted(slices.Values(times.Rows())); len(rows) != 20 || rows[3] != "03.000000" {
				t.Errorf("%s, %s plan: times are %q", name, plan, rows)
			}
		}
	}
}

func TestNoEventTime(t *testing.T) {
	// Without a declaration a row's time is the zero time.
	p := &leat.Pipeline{}
	zero := leat.ParDo(events(p, visits()...), "time", leat.Do(func(c *leat.Context, _ event, emit leat.Emit[bool]) error {
		emit(c.Time().IsZero())
		return nil
	}))
	var got memory.Collector[bool]
	leat.Write(zero, "out", &got)
	run(t, p)
	if rows := got.Rows(); len(rows) != 20 || slices.Contains(rows, false) {
		t.Errorf("got %v", rows)
	}
}

// unheld is a row that no column can hold, and so a bad record of io/memory.
var unheld = event{User: "bad", At: time.Date(-290_000, 1, 1, 0, 0, 0, 0, time.UTC)}

func TestBadRecords(t *testing.T) {
	// Bad records are left out and counted, or become rows with place, error and
	// the record; the good rows are the same.
	rows := slices.Insert(visits(), 7, unheld)
	for _, keep := range []bool{false, true} {
		p := &leat.Pipeline{}
		var good memory.Collector[event]
		var bad memory.Collector[leat.BadRecord]
		option := leat.SkipBad[event]()
		var letters leat.PCollection[leat.BadRecord]
		if keep {
			option = leat.BadTo[event](&letters)
		}
		leat.Write(leat.Read(p, "events", memory.Of(rows...), option), "good", &good)
		if keep {
			leat.Write(letters, "bad", &bad)
		}
		result := run(t, p)
		if n := len(good.Rows()); n != 20 || result.Sources[0].BadRecords != 1 {
			t.Errorf("keep %t: %d good rows, %d bad", keep, n, result.Sources[0].BadRecords)
		}
		if !keep {
			continue
		}
		if got := bad.Rows(); len(got) != 1 || got[0].Place != "row 7 in memory" || !strings.Contains(got[0].Error, "At") || !bytes.Contains(got[0].Raw, []byte("bad")) {
			t.Errorf("bad records: %+v", got)
		}
	}
}

func TestKeysAndGroups(t *testing.T) {
	// Rows that a function made as KV are keyed as those of KeyBy; a null key is
	// a group of its own; groups are in the order of event time and can be
	// written as lists.
	price := 1.5
	rows := []event{{User: "a", N: 3, At: seconds(3)}, {User: "b", N: 1, At: seconds(1), Price: &price}, {User: "a", N: 2, At: seconds(2), Price: &price}}
	p := &leat.Pipeline{}
	in := leat.Read(p, "events", memory.Source[event]{Rows: rows, Splits: 2}, leat.EventTimeField(at, watermark.None()))
	pairs := leat.Map(in, "pairs", func(e event) leat.KV[string, int64] { return leat.KV[string, int64]{Key: e.User, Value: e.N} })
	var names memory.Collector[string]
	var values memory.Collector[int64]
	var lists memory.Collector[leat.KV[string, []int64]]
	leat.Write(leat.Keys(pairs), "names", &names)
	leat.Write(leat.Values(pairs), "values", &values)
	leat.Write(leat.GroupByKey(pairs, "group"), "lists", &lists)

	type total struct {
		Price *float64
		N     int64
	}
	byPrice := leat.KeyBy(in, "by-price", field.Of(func(e *event) *float64 { return e.Price }))
	totals := leat.Combine(byPrice, "total", agg.Into(func(e *event, o *total) []agg.Term {
		return []agg.Term{agg.Key(o.Price), agg.Sum(&o.N, &e.N)}
	}))
	var sums memory.Collector[total]
	leat.Write(leat.Values(totals), "sums", &sums)
	run(t, p)

	if got := slices.Sorted(slices.Values(names.Rows())); !slices.Equal(got, []string{"a", "a", "b"}) {
		t.Errorf("keys: %q", got)
	}
	if got := slices.Sorted(slices.Values(values.Rows())); !slices.Equal(got, []int64{1, 2, 3}) {
		t.Errorf("values: %v", got)
	}
	got := sorted(lists.Rows(), func(kv leat.KV[string, []int64]) string { return kv.Key })
	if diff := cmp.Diff([]leat.KV[string, []int64]{{Key: "a", Value: []int64{2, 3}}, {Key: "b", Value: []int64{1}}}, got); diff != "" {
		t.Error(diff)
	}
	byKey := sorted(sums.Rows(), func(o total) string { return fmt.Sprint(o.Price == nil) })
	if diff := cmp.Diff([]total{{&price, 3}, {nil, 3}}, byKey); diff != "" {
		t.Error(diff)
	}
}

func TestNullableKeyWithoutNulls(t *testing.T) {
	// A nullable key that is there in every row is seen by functions.
	p := &leat.Pipeline{}
	half := 0.5
	byPrice := leat.KeyBy(events(p, event{Price: &half}, event{Price: &half}), "by-price", field.Of(func(e *event) *float64 { return e.Price }))
	var got memory.Collector[float64]
	leat.Write(leat.Map(byPrice, "key", func(kv leat.KV[float64, event]) float64 { return kv.Key }), "out", &got)
	run(t, p)
	if rows := got.Rows(); !slices.Equal(rows, []float64{half, half}) {
		t.Errorf("got %v", rows)
	}
}

func TestDistinct(t *testing.T) {
	// Equal columns are one row in each window, also where pointers differ.
	type visit struct {
		User string
		Opt  *int64
	}
	one, alsoOne := int64(1), int64(1)
	p := &leat.Pipeline{}
	in := leat.Read(p, "visits", memory.Of(visit{"a", &one}, visit{"a", nil}, visit{"a", &alsoOne}, visit{"b", nil}),
		leat.EventTime(func(v visit) time.Time { return seconds(int64(v.User[0])) }, watermark.None()))
	var got memory.Collector[visit]
	var users memory.Collector[string]
	leat.Write(leat.Distinct(in, "visits-once"), "out", &got)
	names := leat.Map(in, "user", func(v visit) string { return v.User })
	leat.Write(leat.Distinct(leat.Window(names, window.Sliding(2*time.Second, time.Second)), "users"), "users-out", &users)
	run(t, p)
	rows := sorted(got.Rows(), func(v visit) string { return fmt.Sprint(v.User, v.Opt == nil) })
	if diff := cmp.Diff([]visit{{"a", &one}, {"a", nil}, {"b", nil}}, rows); diff != "" {
		t.Error(diff)
	}
	if got := slices.Sorted(slices.Values(users.Rows())); !slices.Equal(got, []string{"a", "a", "b", "b"}) {
		t.Errorf("users: %q", got)
	}
}

func TestFlatMapOfMany(t *testing.T) {
	// Nil and empty sequences give nothing; a sequence may give more rows than
	// batches hold; rows keep the time of the row they come from.
	p := &leat.Pipeline{}
	in := leat.Read(p, "sizes", memory.Of[int64](0, -1, 100_000, 2), leat.EventTime(func(n int64) time.Time { return seconds(n) }, watermark.None()))
	many := leat.FlatMap(in, "many", func(n int64) iter.Seq[int64] {
		if n < 0 {
			return nil
		}
		return maps.Keys(map[int64]bool{})
	})
	more := leat.FlatMap(in, "more", func(n int64) iter.Seq[int64] {
		return func(yield func(int64) bool) {
			for i := int64(0); i < n && yield(n); i++ {
			}
		}
	})
	var none, got memory.Collector[int64]
	leat.Write(many, "none", &none)
	leat.Write(more, "out", &got)
	run(t, p)
	if none.Len() != 0 || got.Len() != 100_002 {
		t.Errorf("got %d and %d rows", none.Len(), got.Len())
	}
	for _, row := range got.Windowed() {
		if !row.Time.Equal(seconds(row.Value)) {
			t.Fatalf("a row of %d has time %s", row.Value, row.Time)
		}
	}
}

func TestScopes(t *testing.T) {
	// A composite in two scopes is two sets of steps; scopes nest, and steps that
	// have no name of their own are told apart.
	p := &leat.Pipeline{}
	in := events(p, visits()...)
	twice := func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.Flatten(leat.Scope(in, "x", composite), leat.Scope(in, "y", composite))
	}
	a := leat.Scope(in, "a", twice)
	b := leat.Scope(in, "b", twice)
	var got memory.Collector[string]
	leat.Write(leat.Flatten(leat.Window(a, window.Global()), leat.Window(a, window.Global()), b), "out", &got)
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range g.Nodes {
		names = append(names, n.Name)
	}
	want := "events a/x/name a/y/name a/x/name.flatten b/x/name b/y/name b/x/name.flatten a/x/name.flatten.window a/x/name.flatten.window2 a/x/name.flatten.window.flatten out"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	run(t, p)
	if got.Len() != 120 {
		t.Errorf("got %d rows", got.Len())
	}
}
