package leat_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

type (
	withChannel struct{ C chan int }
	recursive   struct{ Next []recursive }
	hidden      struct {
		Name   string
		secret int
	}
	hiddenOutput struct{ bad leat.Output[string] }
	valueDoFn    struct{ Bad leat.Output[string] }
	pointerField struct{ Bad *leat.Output[string] }
	inner        struct{ Bad leat.Output[string] }
	twiceNamed   struct {
		inner
		Bad leat.Output[string]
	}
	badRows      struct{ Bad leat.Output[chan int] }
	oneOutput    struct{ Bad leat.Output[string] }
	noContext    struct{ leat.DoFn[event, string] }
	byPointer    struct{ leat.DoFn[event, string] }
	wrongBatches struct{ leat.DoFn[event, string] }
	stats        struct {
		Count int64    `leat:"count"`
		Mean  *float64 `leat:"mean"`
	}
	grouped struct {
		Place leat.Columns[stats] `leat:"place"`
	}
	hiddenSum  struct{ sum int64 }
	sided      struct{ Other leat.Side[[]event] }
	hiddenSide struct{ names leat.Side[[]event] }
)

func (h *hiddenOutput) Process(_ *leat.Context, e event, _ leat.Emit[string]) error {
	h.bad.Emit(e.User)
	return nil
}
func (sided) Process(*leat.Context, event, leat.Emit[string]) error { return nil }
func (h *hiddenSide) Process(*leat.Context, event, leat.Emit[string]) error {
	h.names.Get()
	return nil
}
func (h hidden) String() string                                             { return fmt.Sprint(h.Name, h.secret) }
func (valueDoFn) Process(*leat.Context, event, leat.Emit[string]) error     { return nil }
func (*pointerField) Process(*leat.Context, event, leat.Emit[string]) error { return nil }
func (*twiceNamed) Process(*leat.Context, event, leat.Emit[string]) error   { return nil }
func (*badRows) Process(*leat.Context, event, leat.Emit[string]) error      { return nil }
func (*oneOutput) Process(*leat.Context, event, leat.Emit[string]) error    { return nil }
func (noContext) Setup() error                                              { return nil }
func (*byPointer) Teardown() error                                          { return nil }
func (wrongBatches) StartBatch() error                                      { return nil }
func (wrongBatches) FinishBatch(*leat.Context, leat.Emit[int64]) error      { return nil }
func (h *hiddenSum) Add(e event)                                            { h.sum += e.N }
func (h *hiddenSum) Merge(o *hiddenSum)                                     { h.sum += o.sum }
func (h *hiddenSum) Result() int64                                          { return h.sum }

type keyed = leat.KV[string, event]

// process supplies Process to functions with fields that are mistakes.
type process struct{}

func (process) Process(*leat.Context, keyed, leat.Emit[string]) error { return nil }

type (
	unkeyed       struct{ N state.Value[int64] }
	cellOf[T any] struct {
		process
		Cell state.Value[T]
	}
	listOf[T any] struct {
		process
		Cell state.List[T]
	}
	mapOf[K comparable, V any] struct {
		process
		Cell state.Map[K, V]
	}
	combiningOf[V, R any] struct {
		process
		Cell state.Combining[V, R]
	}
	sortedCell struct {
		process
		state.TimeSorted
	}
	hiddenCell struct{ count state.Value[int64] }
	valueState struct {
		process
		N state.Value[int64]
	}
	pointerCell struct {
		process
		N *state.Value[int64]
	}
	twoCells struct {
		process
		N     state.Value[int64]
		Other state.EventTimer `leat:"N"`
	}
	otherKey struct {
		process
		Key state.Key[int64]
	}
	wrongTimer struct {
		process
		T state.EventTimer
	}
	silentTimer struct {
		process
		T state.EventTimer
	}
	noTimer struct {
		process
		N state.Value[int64]
	}
	noState      struct{ process }
	batchedState struct {
		process
		N state.Value[int64]
	}
	cached struct {
		N     int64
		Cache int64 `leat:"-"`
	}
)

func (*unkeyed) Process(*leat.Context, event, leat.Emit[string]) error { return nil }
func (h *hiddenCell) Process(*leat.Context, keyed, leat.Emit[string]) error {
	h.count.Clear()
	return nil
}
func (*batchedState) StartBatch(*leat.Context) error             { return nil }
func (*twoCells) OnTimer(*leat.Context, leat.Emit[string]) error { return nil }
func (*wrongTimer) OnTimer(*leat.Context) error                  { return nil }
func (*noTimer) OnTimer(*leat.Context, leat.Emit[string]) error  { return nil }
func (*noState) OnExpiry(*leat.Context, leat.Emit[string]) error { return nil }

func at(e *event) *time.Time { return &e.At }
func user(e *event) *string  { return &e.User }

func count[V any](_ *V, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} }

// composite is a function as users write them, to be called several times.
func composite(in leat.PCollection[event]) leat.PCollection[string] {
	return leat.Map(in, "name", func(e event) string { return e.User })
}

// mistake is a pipeline with something wrong in it.
type mistake struct {
	name  string
	build func(p *leat.Pipeline)
}

var outside string

var mistakes = []mistake{
	{"nothing is written", func(p *leat.Pipeline) { events(p) }},
	{"no name", func(p *leat.Pipeline) { composite(leat.Filter(events(p), "", func(event) bool { return true })) }},
	{"slash in a name", func(p *leat.Pipeline) { leat.Write(events(p), "a/b", &memory.Collector[event]{}) }},
	{"name used twice", func(p *leat.Pipeline) {
		in := events(p)
		leat.Map(in, "n", func(e event) int64 { return e.N })
		leat.Filter(in, "n", func(e event) bool { return e.N > 0 })
	}},
	{"composite called twice", func(p *leat.Pipeline) {
		in := events(p)
		composite(in)
		composite(in)
	}},
	{"scope used twice", func(p *leat.Pipeline) {
		in := events(p)
		leat.Scope(in, "first", composite)
		leat.Scope(in, "first", composite)
	}},
	{"mistake within nested scopes", func(p *leat.Pipeline) {
		leat.Scope(events(p), "outer", func(in leat.PCollection[event]) leat.PCollection[string] {
			return leat.Scope(in, "inner", func(in leat.PCollection[event]) leat.PCollection[string] {
				return leat.Map(in, "name", (func(event) string)(nil))
			})
		})
	}},
	{"several steps, and nothing follows from the first", func(p *leat.Pipeline) {
		in := leat.Read[event](p, "events", nil)
		lengths := leat.Map(in, "length", (func(event) int)(nil))
		positive := leat.Filter(lengths, "positive", func(n int) bool { return n > 0 })
		leat.Write(positive, "out", nil)
		leat.Write(positive, "out", &memory.Collector[int]{})
	}},

	{"nothing follows from a mistake, whatever comes behind it", func(p *leat.Pipeline) {
		in := leat.Read[event](p, "events", nil)
		byUser := leat.Window(leat.KeyBy(in, "by-user", field.Of(user)), window.Fixed(time.Hour))
		leat.Write(leat.Flatten(leat.Keys(byUser), leat.Map(leat.Values(byUser), "user", func(e event) string { return e.User })), "users", &memory.Collector[string]{})
		leat.Write(leat.Combine(byUser, "count", agg.Into(count[event])), "counts", &memory.Collector[leat.KV[string, int64]]{})
		leat.Write(leat.GroupByKey(byUser, "group"), "groups", &memory.Collector[leat.KV[string, []event]]{})
		leat.Write(leat.Distinct(leat.Where(in, "all", func(e *event) field.Cond { return field.And() }), "distinct"), "rows", &memory.Collector[event]{})
		fn := &oneOutput{}
		leat.Write(leat.Flatten(leat.ParDo(in, "pardo", fn), fn.Bad.Collection()), "lines", &memory.Collector[string]{})
		leat.FlatMap(leat.Scope(in, "scope", composite), "words", strings.FieldsSeq)
	}},

	{"side inputs: not set, of another pipeline, without a function", func(p *leat.Pipeline) {
		in := events(p)
		leat.ParDo(in, "unset", &sided{})
		leat.ParDo(in, "value", sided{Other: leat.AsList(in)})
		leat.ParDo(in, "hidden", &hiddenSide{names: leat.AsList(in)})
		leat.MapWith(in, leat.AsList(events(&leat.Pipeline{})), "foreign", func(event, []event) int64 { return 0 })
		leat.FilterWith(in, leat.AsSingleton(in), "nil", (func(event, event) bool)(nil))
	}},
	{"side inputs: windows", func(p *leat.Pipeline) {
		in := leat.Read(p, "events", memory.Of(event{}), leat.EventTimeField(at, watermark.Disorder(0)))
		keep := func(event, []event) bool { return true }
		hourly, sliding := leat.Window(in, window.Fixed(time.Hour)), leat.Window(in, window.Sliding(time.Hour, time.Minute))
		leat.FilterWith(in, leat.AsList(hourly), "global", keep)
		leat.FilterWith(sliding, leat.AsList(hourly), "several", keep)
		leat.FilterWith(hourly, leat.AsList(leat.Window(in, window.Session(time.Hour))), "sessions", keep)
	}},
	{"join: sides in different windows", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.Join(leat.Window(byUser, window.Fixed(time.Hour)), byUser, "join", func(string, event, event) int64 { return 0 })
		leat.CoGroup(byUser, leat.Window(byUser, window.Session(time.Hour)), "both", func(string, iter.Seq[event], iter.Seq[event]) int64 { return 0 })
	}},
	{"join: sessions, without a function, into a channel", func(p *leat.Pipeline) {
		byUser := leat.Window(leat.KeyBy(events(p), "by-user", field.Of(user)), window.Session(time.Hour))
		leat.LeftJoin(byUser, byUser, "join", (func(string, event, *event) chan int)(nil))
	}},
	{"join: windows without event time", func(p *leat.Pipeline) {
		in := leat.Read[event](p, "events", memory.Of(event{}))
		byUser := leat.Window(leat.KeyBy(in, "by-user", field.Of(user)), window.Fixed(time.Hour))
		leat.FullJoin(byUser, byUser, "join", func(string, *event, *event) int64 { return 0 })
	}},
	{"join: sides of two pipelines", func(p *leat.Pipeline) {
		one, other := leat.KeyBy(events(p), "by-user", field.Of(user)), leat.KeyBy(events(&leat.Pipeline{}), "by-user", field.Of(user))
		leat.Join(one, other, "join", func(string, event, event) int64 { return 0 })
	}},
	{"as of: no event time", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(leat.Read[event](p, "events", memory.Of(event{})), "by-user", field.Of(user))
		leat.AsOf(byUser, byUser, "latest", func(string, event, *event) int64 { return 0 })
	}},
	{"cogroup: groups of groups", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.CoGroup(byUser, leat.GroupByKey(byUser, "groups"), "both", func(string, iter.Seq[event], iter.Seq[iter.Seq[event]]) int64 { return 0 })
	}},
	{"cogroup: no function", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.CoGroup(byUser, byUser, "both", (func(string, iter.Seq[event], iter.Seq[event]) int64)(nil))
	}},

	{"read: source", func(p *leat.Pipeline) { leat.Read[event](p, "events", (*json.Source)(nil)) }},
	{"read: row type", func(p *leat.Pipeline) {
		never := func(w withChannel) (t time.Time) { return t }
		leat.Read(p, "events", memory.Of[event](), leat.EventTime(never, watermark.None()))
		leat.Read(p, "more", memory.Of[event](), leat.EventTimeField(func(w *withChannel) *time.Time { return nil }, watermark.None()))
	}},
	{"read: row type without end", func(p *leat.Pipeline) { leat.Read[recursive](p, "events", memory.Of[event]()) }},
	{"read: unexported field", func(p *leat.Pipeline) { leat.Read[hidden](p, "events", memory.Of[event]()) }},
	{"read: columns without a description", func(p *leat.Pipeline) { leat.Read[grouped](p, "events", memory.Of[event]()) }},
	{"read: columns declared in vain", func(p *leat.Pipeline) {
		leat.Read(p, "nil", json.Source{Path: "x"}, leat.Declare[grouped](nil))
		leat.Read(p, "twice", json.Source{Path: "x"}, leat.Declare(func(g *grouped) { g.Place.At("a") }), leat.Declare(func(g *grouped) { g.Place.At("b") }))
		leat.Read(p, "panics", json.Source{Path: "x"}, leat.Declare(func(*grouped) { panic("no groups") }))
		calls := 0
		leat.Read(p, "differs", json.Source{Path: "x"}, leat.Declare(func(g *grouped) { g.Place.At(fmt.Sprint(calls)); calls++ }))
	}},
	{"read: source of other rows", func(p *leat.Pipeline) { leat.Read[int](p, "events", memory.Of[string]()) }},
	{"read: empty option", func(p *leat.Pipeline) {
		leat.Read(p, "events", memory.Of[event](), leat.ReadOption[event]{})
	}},
	{"event time: nil functions", func(p *leat.Pipeline) {
		leat.Read(p, "a", memory.Of[event](), leat.EventTime[event](nil, watermark.Monotone()))
		leat.Read(p, "b", memory.Of[event](), leat.EventTimeField[event](nil, watermark.Monotone()))
	}},
	{"event time: declared twice, negative disorder", func(p *leat.Pipeline) {
		leat.Read(p, "events", memory.Of[event](), leat.EventTimeField(at, watermark.Disorder(-time.Second)), leat.EventTimeField(at, watermark.Monotone()))
	}},
	{"watermark: of rows", func(p *leat.Pipeline) {
		at := func(e *event) *time.Time { return &e.At }
		leat.Read(p, "a", memory.Of[event](), leat.EventTimeField(at, watermark.FromRow()))
		leat.Read(p, "b", memory.Of[event](), leat.EventTimeField(at, watermark.Monotone()), leat.WatermarkField(at))
		leat.Read(p, "c", memory.Of[event](), leat.EventTimeField(at, watermark.FromRow()), leat.WatermarkField(at), leat.WatermarkField(at))
		leat.Read(p, "d", memory.Of[event](), leat.EventTimeField(at, watermark.FromRow()), leat.Watermark[event](nil))
		leat.Read(p, "e", memory.Of[event](), leat.EventTimeField(at, watermark.FromRow()), leat.WatermarkField[event](nil))
	}},
	{"watermark: additions", func(p *leat.Pipeline) {
		at := func(e *event) *time.Time { return &e.At }
		leat.Read(p, "a", memory.Of[event](), leat.EventTimeField(at, watermark.Monotone().IdleAfter(0).Every(-time.Second)))
		leat.Read(p, "b", memory.Of[event](), leat.EventTimeField(at, watermark.Monotone().AlignedWithin(-time.Second).PerRow().Every(time.Second)))
		leat.Read(p, "c", memory.Of[event](), leat.EventTimeField(at, watermark.Monotone().IgnoreAhead(time.Hour).RejectAhead(time.Hour)))
		leat.Read(p, "d", memory.Of[event](), leat.EventTimeField(at, watermark.None().IgnoreAhead(time.Hour)))
	}},
	{"event time: nullable", func(p *leat.Pipeline) {
		type row struct{ At *time.Time }
		leat.Read(p, "events", memory.Of[row](), leat.EventTimeField(func(r *row) *time.Time { return r.At }, watermark.Monotone()))
	}},
	{"event time: the row itself", func(p *leat.Pipeline) {
		leat.Read(p, "events", memory.Of[time.Time](), leat.EventTimeField(func(r *time.Time) *time.Time { return r }, watermark.Monotone()))
	}},
	{"event time: not a field", func(p *leat.Pipeline) {
		var now time.Time
		leat.Read(p, "a", memory.Of[event](), leat.EventTimeField(func(*event) *time.Time { return &now }, watermark.Monotone()))
		leat.Read(p, "b", memory.Of[event](), leat.EventTimeField(func(*event) *time.Time { return nil }, watermark.Monotone()))
		leat.Read(p, "c", memory.Of[event](), leat.EventTimeField(func(*event) *time.Time { panic("oh") }, watermark.Monotone()))
	}},
	{"event time: depends on the row", func(p *leat.Pipeline) {
		type row struct{ A, B time.Time }
		leat.Read(p, "events", memory.Of[row](), leat.EventTimeField(func(r *row) *time.Time {
			if r.A.Before(time.Unix(86400*50, 0)) {
				return &r.A
			}
			return &r.B
		}, watermark.Monotone()))
	}},
	{"bad records: twice, nil", func(p *leat.Pipeline) {
		var bad leat.PCollection[leat.BadRecord]
		leat.Read(p, "a", memory.Of[event](), leat.BadTo[event](nil))
		leat.Read(p, "b", memory.Of[event](), leat.BadTo[event](&bad), leat.SkipBad[event]())
		leat.Write(bad, "bad", &memory.Collector[leat.BadRecord]{})
	}},

	{"flatten: windows", func(p *leat.Pipeline) {
		in := events(p)
		leat.Flatten(in, leat.Window(in, window.Fixed(time.Hour)))
	}},
	{"flatten: grouped and not", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		counts := leat.Combine(byUser, "count", agg.Into(count[event]))
		leat.Flatten(leat.Map(byUser, "one", func(kv leat.KV[string, event]) int64 { return 1 }), leat.Values(counts))
	}},
	{"flatten: another pipeline", func(p *leat.Pipeline) { leat.Flatten(events(p), events(&leat.Pipeline{})) }},
	{"flatten: nullable key", func(p *leat.Pipeline) {
		in := events(p)
		a := leat.KeyBy(in, "a", field.Of(func(e *event) *float64 { return e.Price }))
		b := leat.KeyBy(in, "b", field.Func(func(event) float64 { return 0 }))
		leat.Flatten(a, b)
	}},
	{"window", func(p *leat.Pipeline) { leat.Window(events(p), window.Sliding(-time.Hour, time.Nanosecond)) }},
	{"write: sink", func(p *leat.Pipeline) { leat.Write(events(p), "out", (*memory.Collector[event])(nil)) }},
	{"write: sink of other rows", func(p *leat.Pipeline) { leat.Write(events(p), "out", &memory.Collector[string]{}) }},
	{"write: options of the sink", func(p *leat.Pipeline) { leat.Write(events(p), "out", json.Sink{}) }},

	{"functions: nil", func(p *leat.Pipeline) {
		in := events(p)
		leat.Map(in, "map", (func(event) int)(nil))
		leat.FlatMap(in, "flatmap", (func(event) iter.Seq[int])(nil))
		leat.Filter(in, "filter", nil)
		leat.Where(in, "where", nil)
		leat.ParDo(in, "pardo", (*oneOutput)(nil))
		leat.ParDo(in, "do", leat.Do[event, int](nil))
		leat.KeyBy(in, "of", field.Of[event, string](nil))
		leat.KeyBy(in, "into", field.Into[event, string](nil))
		leat.KeyBy(in, "func", field.Func[event, string](nil))
		leat.KeyBy(in, "key", field.Key[event, string]{})
		byUser := leat.KeyBy(in, "by-user", field.Of(user))
		leat.Combine(byUser, "combine", agg.Aggregate[event, int64](nil))
		leat.Combine(byUser, "agg", agg.Into[event, int64](nil))
	}},
	{"functions: results that are no columns", func(p *leat.Pipeline) {
		in := events(p)
		leat.Map(in, "map", func(event) withChannel { return withChannel{} })
		leat.FlatMap(in, "flatmap", func(event) iter.Seq[error] { return nil })
		leat.ParDo(in, "pardo", leat.Do(func(*leat.Context, event, leat.Emit[grouped]) error { return nil }))
		leat.KeyBy(in, "keyby", field.Func(func(event) [2]int { return [2]int{} }))
	}},

	{"pardo: unexported output", func(p *leat.Pipeline) { leat.ParDo(events(p), "parse", &hiddenOutput{}) }},
	{"pardo: output of a value", func(p *leat.Pipeline) { leat.ParDo(events(p), "parse", valueDoFn{}) }},
	{"pardo: pointer to an output", func(p *leat.Pipeline) { leat.ParDo(events(p), "parse", &pointerField{}) }},
	{"pardo: two outputs of a name", func(p *leat.Pipeline) { leat.ParDo(events(p), "parse", &twiceNamed{}) }},
	{"pardo: rows of an output", func(p *leat.Pipeline) { leat.ParDo(events(p), "parse", &badRows{}) }},
	{"pardo: used twice", func(p *leat.Pipeline) {
		in, fn := events(p), &oneOutput{}
		leat.ParDo(in, "first", fn)
		leat.ParDo(in, "second", fn)
	}},
	{"pardo: methods nobody calls", func(p *leat.Pipeline) {
		in := events(p)
		leat.ParDo(in, "setup", noContext{})
		leat.ParDo(in, "teardown", byPointer{})
		leat.ParDo(in, "batches", wrongBatches{})
	}},

	{"partition: number and function", func(p *leat.Pipeline) {
		in := events(p)
		leat.Map(leat.Partition(in, "none", 0, (func(event) int)(nil))[0], "name", func(e event) string { return e.User })
		leat.Partition(in, "many", 1<<20, func(event) int { return 0 })
	}},
	{"async: function and numbers", func(p *leat.Pipeline) {
		in := events(p)
		leat.MapAsync(in, "nil", (func(context.Context, event) (chan int, error))(nil), leat.Async{})
		leat.MapAsync(in, "numbers", func(context.Context, event) (int64, error) { return 0, nil }, leat.Async{Capacity: -1, Retries: -1, Timeout: -time.Second})
	}},
	{"combine globally", func(p *leat.Pipeline) {
		in := events(p)
		leat.CombineGlobally(in, "nil", agg.Aggregate[event, int64](nil))
		leat.CombineGlobally(in, "key", agg.Into(func(e *event, k *string) []agg.Term { return []agg.Term{agg.Key(k)} }))
		leat.CombineGlobally(in, "mean", agg.Into(func(e *event, m *float64) []agg.Term { return []agg.Term{agg.Mean(m, &e.N)} }))
		leat.CombineGlobally(leat.Window(in, window.Fixed(time.Hour)), "untimed", agg.Into(count[event]))
	}},

	{"state: rows without a key", func(p *leat.Pipeline) { leat.ParDo(events(p), "count", &unkeyed{}) }},
	{"state: what a cell cannot hold", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.ParDo(byUser, "channel", &cellOf[chan int]{})
		leat.ParDo(byUser, "function", &cellOf[func()]{})
		leat.ParDo(byUser, "unexported", &cellOf[hidden]{})
		leat.ParDo(byUser, "list", &listOf[withChannel]{})
		leat.ParDo(byUser, "left out", &cellOf[cached]{})
		leat.ParDo(byUser, "map", &mapOf[*int64, func()]{})
		leat.ParDo(byUser, "no aggregate", &combiningOf[event, int64]{})
		leat.ParDo(byUser, "aggregate", &combiningOf[event, string]{Cell: state.CombiningOf(agg.Into(func(_ *event, key *string) []agg.Term { return []agg.Term{agg.Key(key)} }))})
	}},
	{"state: fields that cannot be bound", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.ParDo(byUser, "hidden", &hiddenCell{})
		leat.ParDo(byUser, "value", valueState{})
		leat.ParDo(byUser, "pointer", &pointerCell{})
		leat.ParDo(byUser, "twice", &twoCells{})
		leat.ParDo(byUser, "key", &otherKey{})
	}},
	{"state: methods and timers that do not fit", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.ParDo(byUser, "signature", &wrongTimer{})
		leat.ParDo(byUser, "no method", &silentTimer{})
		leat.ParDo(byUser, "no timer", &noTimer{})
		leat.ParDo(byUser, "no state", &noState{})
		leat.ParDo(byUser, "batches", &batchedState{})
	}},
	{"state: windows", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.ParDo(leat.Window(byUser, window.Fixed(time.Hour)), "no time", &cellOf[int64]{})
		leat.ParDo(byUser, "sorted", &sortedCell{})
		timed := leat.KeyBy(leat.Read(p, "timed", memory.Of(event{}), leat.EventTimeField(at, watermark.Disorder(0))), "by", field.Of(user))
		leat.ParDo(leat.Window(timed, window.Session(time.Hour)), "sessions", &cellOf[int64]{})
	}},

	{"where: what cannot be compared", func(p *leat.Pipeline) {
		leat.Where(events(p), "where", func(e *event) field.Cond { return field.Equal(&e.Place, town{}) })
	}},
	{"where: not of the row", func(p *leat.Pipeline) {
		in := events(p)
		leat.Where(in, "a", func(e *event) field.Cond { return field.Equal(&outside, "") })
		leat.Where(in, "b", func(e *event) field.Cond { return field.IsNull(&e.Price) })
		leat.Where(in, "c", func(e *event) field.Cond { return field.Cond{} })
	}},
	{"where: depends on the row", func(p *leat.Pipeline) {
		leat.Where(events(p), "where", func(e *event) field.Cond { return field.Equal(&e.N, e.N) })
	}},
	{"keyby: not of the row", func(p *leat.Pipeline) {
		in := events(p)
		leat.KeyBy(in, "outside", field.Of(func(*event) *string { return &outside }))
		leat.KeyBy(in, "nil", field.Of(func(*event) *string { return nil }))
		leat.KeyBy(in, "copy", field.Of(func(e *event) *string { s := e.User; return &s }))
		leat.KeyBy(in, "panic", field.Of(func(e *event) *string { panic("oh") }))
	}},
	{"keyby: incomplete key", func(p *leat.Pipeline) {
		leat.KeyBy(events(p), "zip", field.Into(func(e *event, k *town) []field.Term {
			return []field.Term{field.Copy(&k.Zip, &e.Place.Zip), field.Copy(&k.Zip, &e.Place.Zip)}
		}))
	}},

	{"combine: no event time", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.Combine(leat.Window(byUser, window.Fixed(time.Hour)), "count", agg.Into(count[event]))
		leat.GroupByKey(leat.Window(byUser, window.Session(time.Hour)), "group")
		leat.Distinct(leat.Window(leat.Keys(byUser), window.Fixed(time.Hour)), "distinct")
	}},
	{"combine: bad records have no event time", func(p *leat.Pipeline) {
		var bad leat.PCollection[leat.BadRecord]
		leat.Read(p, "events", memory.Of[event](), leat.EventTimeField(at, watermark.Monotone()), leat.BadTo[event](&bad))
		errs := leat.Map(bad, "error", func(b leat.BadRecord) string { return b.Error })
		leat.Distinct(leat.Window(errs, window.Fixed(time.Hour)), "errors")
	}},
	{"combine: key into another type", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.Combine(byUser, "count", agg.Into(func(_ *event, n *int64) []agg.Term { return []agg.Term{agg.Key(n)} }))
	}},
	{"combine: nullable key into a plain field", func(p *leat.Pipeline) {
		byPrice := leat.KeyBy(events(p), "by-price", field.Of(func(e *event) *float64 { return e.Price }))
		leat.Combine(byPrice, "count", agg.Into(func(_ *event, f *float64) []agg.Term { return []agg.Term{agg.Key(f)} }))
	}},
	{"combine: description", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.Combine(byUser, "unset", agg.Into(func(e *event, s *stats) []agg.Term { return []agg.Term{agg.Count(&s.Count)} }))
		leat.Combine(byUser, "empty", agg.Into(func(e *event, s *stats) []agg.Term { return nil }))
		leat.Combine(byUser, "nullable", agg.Into(func(e *event, f *float64) []agg.Term { return []agg.Term{agg.Mean(f, e.Price)} }))
		leat.Combine(byUser, "value", agg.Into(func(e *event, n *int64) []agg.Term { m := *n; return []agg.Term{agg.Count(&m)} }))
	}},
	{"combine: accumulator", func(p *leat.Pipeline) {
		byUser := leat.KeyBy(events(p), "by-user", field.Of(user))
		leat.Combine(byUser, "sum", agg.Custom(func() *hiddenSum { return &hiddenSum{} }))
	}},
	{"combine: columns under other names", func(p *leat.Pipeline) {
		again := leat.KeyBy(leat.Values(perPlace(events(p))), "all", field.Func(func(grouped) string { return "" }))
		leat.Combine(again, "sum", agg.Into(func(g *grouped, n *int64) []agg.Term { return []agg.Term{agg.Sum(n, &g.Place.At("c").Count)} }))
		leat.Where(again, "where", func(g *leat.KV[string, grouped]) field.Cond { return field.AtLeast(&g.Value.Place.At("c").Count, 1) })
		leat.KeyBy(again, "keyby", field.Of(func(g *leat.KV[string, grouped]) *int64 { return &g.Value.Place.At("c").Count }))
	}},
}

func TestMistakes(t *testing.T) {
	// Every mistake at construction is reported with the user's line, the step,
	// what was found and what to do; all mistakes of a pipeline together.
	golden(t, "mistakes.txt", reported(t, mistakes))
}

// reported builds pipelines and gives what is said of each.
func reported(t *testing.T, mistakes []mistake) string {
	t.Helper()
	var all strings.Builder
	all.WriteString("Mistakes at construction and what Leat says of them. In brackets, for file:line: the code there.\n")
	for _, m := range mistakes {
		p := &leat.Pipeline{}
		m.build(p)
		_, err := p.Graph()
		if err == nil {
			t.Errorf("%s: no mistake was found", m.name)
			continue
		}
		var build *leat.BuildError
		if !errors.As(err, &build) {
			t.Errorf("%s: got a %T", m.name, err)
		}
		fmt.Fprintf(&all, "\n-- %s\n%s\n", m.name, withCode(t, err.Error()))
	}
	return all.String()
}

func TestFlattenOfNothing(t *testing.T) {
	// Flatten of no collections has no pipeline to report to.
	defer func() {
		if got := withCode(t, fmt.Sprint(recover())); got != "leat: leat.Flatten at [leat.Flatten[event]()] was given no collections" {
			t.Errorf("got %s", got)
		}
	}()
	leat.Flatten[event]()
}

func TestZeroPCollection(t *testing.T) {
	// A collection that no step has made stops construction at the user's line:
	// leaving the step out would lose output without a word.
	fn := &oneOutput{}
	var zero leat.PCollection[string]
	p := &leat.Pipeline{}
	for name, use := range map[string]func(){
		"map":     func() { leat.Map(zero, "map", strings.ToUpper) },
		"write":   func() { leat.Write(fn.Bad.Collection(), "write", &memory.Collector[string]{}) },
		"window":  func() { leat.Window(zero, window.Global()) },
		"flatten": func() { leat.Flatten(composite(events(p)), zero) },
		"scope": func() {
			leat.Scope(zero, "scope", func(in leat.PCollection[string]) leat.PCollection[string] { return in })
		},
	} {
		message := func() (v any) {
			defer func() { v = recover() }()
			use()
			return "nothing"
		}()
		got := withCode(t, fmt.Sprint(message))
		if !strings.Contains(got, name) || !strings.Contains(got, "zero PCollection[string]") || strings.Contains(got, "_test.go:") || !strings.Contains(got, "[") {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestMistakesAreErrors(t *testing.T) {
	// The causes can be found with errors.As through all layers.
	p := &leat.Pipeline{}
	leat.Write(events(p), "out", failingSink{json.Sink{Dir: "x"}})
	_, err := p.Graph()
	if !errors.Is(err, errSink) {
		t.Errorf("got %v", err)
	}
}
