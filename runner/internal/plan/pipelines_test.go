package plan_test

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

type event struct {
	User  string    `leat:"user"`
	Item  string    `leat:"item"`
	At    time.Time `leat:"at"`
	Price int64     `leat:"price"`
	Score *float64  `leat:"score"`
	Place place     `leat:"place"`
}

type place struct {
	City string `leat:"city"`
	Zone int64  `leat:"zone"`
}

type total struct {
	User  string `leat:"user"`
	Price int64  `leat:"price"`
}

type userItem struct {
	User string `leat:"user"`
	Item string `leat:"item"`
}

// pipelines are named like their files in testdata.
var pipelines = map[string]func(*leat.Pipeline){
	"read-write":             readWrite,
	"no-columns":             noColumns,
	"fixed":                  fixed,
	"sliding":                sliding,
	"time-function":          timeFunction,
	"where-through-keyby":    whereThroughKeyBy,
	"where-on-key":           whereOnKey,
	"where-on-struct-key":    whereOnStructKey,
	"where-behind-closure":   whereBehindClosure,
	"where-behind-combine":   whereBehindCombine,
	"where-shared":           whereShared,
	"two-wheres":             twoWheres,
	"where-nested-null":      whereNestedNull,
	"aggregate-where":        aggregateWhere,
	"key-function":           keyFunction,
	"flatten":                flatten,
	"flatten-where":          flattenWhere,
	"flatten-levels":         flattenLevels,
	"session":                session,
	"session-grouped":        sessionGrouped,
	"grouped-twice":          groupedTwice,
	"windowed-twice":         windowedTwice,
	"side-outputs":           sideOutputs,
	"bad-records":            badRecords,
	"two-writes":             twoWrites,
	"two-pipelines-in-one":   twoPipelines,
	"distinct":               distinct,
	"group-by-key":           groupByKey,
	"closures-between-terms": closuresBetween,
	"combine-globally":       combineGlobally,
	"reshuffle":              reshuffle,
	"partition":              partition,
	"async":                  async,

	"join":                 joins,
	"join-windows":         joinWindows,
	"join-behind-combine":  joinBehindCombine,
	"cogroup":              coGroup,
	"side-input":           sideInput,
	"side-input-of-itself": sideOfItself,
	"as-of":                asOf,

	"point-in-time":                 pointInTime,
	"point-in-time-of-itself":       pointInTimeOfItself,
	"point-in-time-twice":           pointInTimeTwice,
	"point-in-time-behind-combine":  pointInTimeBehindCombine,
	"point-in-time-spine-elsewhere": pointInTimeSpineElsewhere,
}

func readEvents(p *leat.Pipeline, name string, o ...leat.ReadOption[event]) leat.PCollection[event] {
	byColumn := leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(time.Minute))
	return leat.Read(p, name, memory.Source[event]{}, append([]leat.ReadOption[event]{byColumn}, o...)...)
}

func byUser(in leat.PCollection[event], name string) leat.PCollection[leat.KV[string, event]] {
	return leat.KeyBy(in, name, field.Of(func(e *event) *string { return &e.User }))
}

func sumPrice(in leat.PCollection[leat.KV[string, event]], name string) leat.PCollection[leat.KV[string, total]] {
	return leat.Combine(in, name, agg.Into(func(e *event, s *total) []agg.Term {
		return []agg.Term{agg.Key(&s.User), agg.Sum(&s.Price, &e.Price)}
	}))
}

func write[T any](in leat.PCollection[T], name string) { leat.Write(in, name, &memory.Collector[T]{}) }

// A sink writes every column.
func readWrite(p *leat.Pipeline) { write(readEvents(p, "events"), "out") }

// Counting rows reads nothing but key and event time.
func noColumns(p *leat.Pipeline) {
	in := byUser(readEvents(p, "events"), "by-user")
	write(leat.Combine(in, "count", agg.Into(func(_ *event, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out")
}

func fixed(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour))
	write(leat.Values(sumPrice(in, "total")), "out")
}

func sliding(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Sliding(24*time.Hour, time.Hour).Offset(-time.Minute))
	write(leat.Values(sumPrice(in, "total")), "out")
}

// All rows have one key, so that partial aggregates meet in one task, which also
// knows when there were none.
func combineGlobally(p *leat.Pipeline) {
	write(leat.CombineGlobally(readEvents(p, "events"), "total", agg.Into(func(e *event, sum *int64) []agg.Term {
		return []agg.Term{agg.Sum(sum, &e.Price)}
	})), "out")
}

// Rows are dealt out with the columns that are needed behind, and a condition is
// offered to the source all the same.
func reshuffle(p *leat.Pipeline) {
	in := leat.Where(leat.Reshuffle(readEvents(p, "events")), "dear", func(e *event) field.Cond { return field.AtLeast(&e.Price, 100) })
	write(sumPrice(byUser(in, "by-user"), "total"), "out")
}

// Calls are made where the rows are.
func async(p *leat.Pipeline) {
	ask := func(context.Context, event) (int64, error) { return 0, nil }
	first := leat.MapAsync(readEvents(p, "events"), "ask", ask, leat.Async{Timeout: time.Second, Retries: 2})
	write(first, "out")
	write(leat.MapAsync(readEvents(p, "others"), "ask-any", ask, leat.Async{Unordered: true, Capacity: 7}), "others-out")
}

func partition(p *leat.Pipeline) {
	halves := leat.Partition(readEvents(p, "events"), "halves", 2, func(e event) int { return int(e.Price % 2) })
	write(halves[0], "even")
	write(sumPrice(byUser(halves[1], "by-user"), "total"), "odd")
}

// An event time that is a function of the row needs all of the row.
func timeFunction(p *leat.Pipeline) {
	events := leat.Read(p, "events", memory.Source[event]{}, leat.EventTime(func(e event) time.Time { return e.At }, watermark.Monotone()))
	write(sumPrice(byUser(events, "by-user"), "total"), "out")
}

// A condition on the value of a keyed row, behind a window, is one on a column
// of the source.
func whereThroughKeyBy(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour))
	dear := leat.Where(in, "dear", func(r *leat.KV[string, event]) field.Cond { return field.AtLeast(&r.Value.Price, 100) })
	write(sumPrice(dear, "total"), "out")
}

// The key is column user of the source.
func whereOnKey(p *leat.Pipeline) {
	in := leat.Where(byUser(readEvents(p, "events"), "by-user"), "ann", func(r *leat.KV[string, event]) field.Cond {
		return field.And(field.Equal(&r.Key, "ann"), field.NotEqual(&r.Value.Place.City, "Graz"))
	})
	write(sumPrice(in, "total"), "out")
}

func whereOnStructKey(p *leat.Pipeline) {
	in := leat.KeyBy(readEvents(p, "events"), "by-both", field.Into(func(e *event, k *userItem) []field.Term {
		return []field.Term{field.Copy(&k.User, &e.User), field.Copy(&k.Item, &e.Item)}
	}))
	tea := leat.Where(in, "tea", func(r *leat.KV[userItem, event]) field.Cond { return field.Equal(&r.Key.Item, "tea") })
	write(leat.Combine(tea, "count", agg.Into(func(_ *event, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out")
}

// What a closure sees must not be decided by a condition behind it.
func whereBehindClosure(p *leat.Pipeline) {
	in := leat.Filter(readEvents(p, "events"), "odd", func(e event) bool { return e.Price%2 == 1 })
	write(leat.Where(in, "dear", func(e *event) field.Cond { return field.AtLeast(&e.Price, 100) }), "out")
}

// A condition on a total says nothing about single rows.
func whereBehindCombine(p *leat.Pipeline) {
	totals := leat.Values(sumPrice(byUser(readEvents(p, "events"), "by-user"), "total"))
	write(leat.Where(totals, "dear", func(s *total) field.Cond { return field.AtLeast(&s.Price, 100) }), "out")
}

// The source must give the rows that only the other reader wants.
func whereShared(p *leat.Pipeline) {
	events := readEvents(p, "events")
	dear := leat.Where(events, "dear", func(e *event) field.Cond { return field.AtLeast(&e.Price, 100) })
	write(sumPrice(byUser(dear, "by-user-dear"), "dear-total"), "dear-out")
	write(sumPrice(byUser(events, "by-user"), "total"), "out")
}

// Both conditions must hold for a row to count.
func twoWheres(p *leat.Pipeline) {
	in := leat.Where(readEvents(p, "events"), "dear", func(e *event) field.Cond {
		return field.Or(field.AtLeast(&e.Price, 100), field.In(&e.Item, "tea", "rum"))
	})
	in = leat.Where(in, "near", func(e *event) field.Cond { return field.Between(&e.Place.Zone, 1, 3) })
	write(sumPrice(byUser(in, "by-user"), "total"), "out")
}

func whereNestedNull(p *leat.Pipeline) {
	in := leat.Where(readEvents(p, "events"), "unscored", func(e *event) field.Cond {
		return field.Not(field.Or(field.Less(e.Score, 0.5), field.Not(field.IsNull(e.Score))))
	})
	write(sumPrice(byUser(in, "by-user"), "total"), "out")
}

// A condition of one term of an aggregate leaves rows out of that term only: it
// must not be pushed down, but its column must be read.
func aggregateWhere(p *leat.Pipeline) {
	in := byUser(readEvents(p, "events"), "by-user")
	write(leat.Combine(in, "total", agg.Into(func(e *event, s *total) []agg.Term {
		return []agg.Term{agg.Key(&s.User), agg.Where(field.Equal(&e.Place.City, "Graz"), agg.Sum(&s.Price, &e.Price))}
	})), "out")
}

func keyFunction(p *leat.Pipeline) {
	in := leat.KeyBy(readEvents(p, "events"), "by-letter", field.Func(func(e event) string { return e.User[:1] }))
	write(sumPrice(in, "total"), "out")
}

func flatten(p *leat.Pipeline) {
	in := leat.Flatten(readEvents(p, "old"), readEvents(p, "new"), readEvents(p, "lost"))
	write(sumPrice(byUser(in, "by-user"), "total"), "out")
}

// A condition in front of a Flatten is about one source only.
func flattenWhere(p *leat.Pipeline) {
	old := leat.Where(readEvents(p, "old"), "dear", func(e *event) field.Cond { return field.AtLeast(&e.Price, 100) })
	in := leat.Flatten(old, readEvents(p, "new"))
	tea := leat.Where(in, "tea", func(e *event) field.Cond { return field.Equal(&e.Item, "tea") })
	write(sumPrice(byUser(tea, "by-user"), "total"), "out")
}

// Rows and totals come from different stages: rows go forward, task to task.
func flattenLevels(p *leat.Pipeline) {
	events := readEvents(p, "events")
	totals := leat.Values(sumPrice(byUser(events, "by-user"), "total"))
	rows := leat.Map(events, "as-total", func(e event) total { return total{e.User, e.Price} })
	write(leat.Flatten(leat.Window(totals, window.Global()), rows), "out")
}

// Rows of sessions are scattered: only the receiver knows what belongs together.
func session(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Session(time.Minute))
	write(sumPrice(in, "total"), "out")
}

// Behind a session the windows are known: rows are aggregated early again.
func sessionGrouped(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Session(time.Minute))
	again := leat.KeyBy(leat.Values(sumPrice(in, "total")), "again", field.Of(func(s *total) *int64 { return &s.Price }))
	write(leat.Combine(again, "count", agg.Into(func(_ *total, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out")
}

func groupedTwice(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour))
	again := leat.KeyBy(leat.Values(sumPrice(in, "total")), "by-price", field.Of(func(s *total) *int64 { return &s.Price }))
	write(leat.Combine(again, "users", agg.Into(func(_ *total, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out")
}

func windowedTwice(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour))
	days := leat.Window(sumPrice(in, "hourly"), window.Fixed(24*time.Hour))
	write(leat.Combine(days, "daily", agg.Into(func(h *total, s *total) []agg.Term {
		return []agg.Term{agg.Key(&s.User), agg.Max(&s.Price, &h.Price)}
	})), "out")
}

type split struct{ Cheap leat.Output[total] }

func (s *split) Process(_ *leat.Context, e event, emit leat.Emit[event]) error {
	if e.Price < 100 {
		s.Cheap.Emit(total{e.User, e.Price})
		return nil
	}
	emit(e)
	return nil
}

func sideOutputs(p *leat.Pipeline) {
	s := &split{}
	dear := leat.ParDo(readEvents(p, "events"), "split", s)
	write(sumPrice(byUser(dear, "by-user"), "total"), "dear-out")
	cheap := leat.KeyBy(s.Cheap.Collection(), "cheap-by-user", field.Of(func(s *total) *string { return &s.User }))
	write(leat.Combine(cheap, "cheap", agg.Into(func(_ *total, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "cheap-out")
}

func badRecords(p *leat.Pipeline) {
	var bad leat.PCollection[leat.BadRecord]
	write(sumPrice(byUser(readEvents(p, "events", leat.BadTo[event](&bad)), "by-user"), "total"), "out")
	write(bad, "bad-out")
}

func twoWrites(p *leat.Pipeline) {
	totals := sumPrice(byUser(readEvents(p, "events"), "by-user"), "total")
	write(totals, "out")
	write(leat.Values(totals), "values-out")
}

func twoPipelines(p *leat.Pipeline) {
	write(readEvents(p, "events"), "out")
	words := leat.Read[string](p, "lines", memory.Source[string]{})
	write(leat.FlatMap(words, "words", strings.FieldsSeq), "words-out")
}

func distinct(p *leat.Pipeline) {
	names := leat.Values(leat.KeyBy(readEvents(p, "events"), "by-item", field.Of(func(e *event) *string { return &e.Item })))
	users := leat.Keys(byUser(names, "by-user"))
	write(leat.Distinct(users, "users"), "out")
}

func groupByKey(p *leat.Pipeline) {
	groups := leat.GroupByKey(leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour)), "group")
	write(leat.Map(groups, "sizes", func(g leat.KV[string, iter.Seq[event]]) total {
		s := total{User: g.Key}
		for range g.Value {
			s.Price++
		}
		return s
	}), "out")
}

// The map behind the aggregate reads all columns of the totals, not of the source.
func closuresBetween(p *leat.Pipeline) {
	totals := leat.Values(sumPrice(byUser(readEvents(p, "events"), "by-user"), "total"))
	write(leat.Map(totals, "double", func(s total) total { s.Price *= 2; return s }), "out")
}
