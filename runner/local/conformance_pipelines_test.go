package local_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

// pipelineOf has the pipelines that cases describe in words, by the name they give
// or, where they give none, by the name of the case.
var pipelineOf = map[string]func(b *beamRun){
	"side_fixed_global":  sideWindows(beamWindow{Kind: "fixed", Size: 1000}, beamWindow{Kind: "global"}),
	"side_fixed_same":    sideWindows(beamWindow{Kind: "fixed", Size: 1000}, beamWindow{Kind: "fixed", Size: 1000}),
	"side_fixed_big":     sideWindows(beamWindow{Kind: "fixed", Size: 1000}, beamWindow{Kind: "fixed", Size: 10000}),
	"side_fixed_sliding": sideWindows(beamWindow{Kind: "fixed", Size: 1000}, beamWindow{Kind: "sliding", Size: 2000, Period: 1000}),
	"side_sliding_fixed": sideWindows(beamWindow{Kind: "sliding", Size: 2000, Period: 1000}, beamWindow{Kind: "fixed", Size: 1000}),
	"side_iter":          sideIterable(10, 20),
	"side_empty":         sideIterable(),
	"side_singleton":     sideSingleton,
	"side_multimap":      sideMultimap,
	"cogbk":              coGroup,
	"cogbk_windowed":     coGroupWindowed,
	"flatten":            flattenUnion,
	"flatten_dup":        flattenTwice,
	"partition":          partitionByParity,
	"combine_empty":      combineNothing,
	"combine_mean":       combineMean,
	"reshuffle":          reshuffled,
	"rewindow":           rewindowed,
	"gbk_struct_key":     structKeys,
	"gbk_large":          largeKeys,
	"gbk_empty":          groupNothing,
	"multi_out":          severalOutputs,
	"lifecycle":          lifecycle,
}

// outputsOf has the outputs of cases that are in words alone.
var outputsOf = map[string][]string{}

// input is the stream of the case.
func (b *beamRun) input() leat.PCollection[element] { return b.read("stream", b.Stream) }

// literal is a collection of values that the description of a pipeline names.
func literal[T any](b *beamRun, name string, values ...T) leat.PCollection[T] {
	return leat.Read[T](b.p, name, memory.Of(values...))
}

func (b *beamRun) write(out leat.PCollection[string]) { leat.Write(out, "out", &b.out) }

func valueText(e element) string { return fmt.Sprint(e.V) }

// sideWindows emits v plus the sum of a side input of the same rows in windows of
// its own, once for each window that the row is in.
func sideWindows(main, side beamWindow) func(b *beamRun) {
	return func(b *beamRun) {
		in := b.input()
		mainFn, err := main.fn()
		sideFn, err2 := side.fn()
		if err != nil || err2 != nil {
			b.err = fmt.Errorf("%v, %v", err, err2)
			return
		}
		// A row sees one window of the side input, so that one in several windows must
		// be put into each of them by a grouping step.
		groups := leat.GroupByKey(leat.KeyBy(leat.Window(in, mainFn), "by-key", field.Of(keyOfElement)), "groups")
		rows := leat.FlatMap(groups, "rows", func(kv leat.KV[string, iter.Seq[element]]) iter.Seq[element] { return kv.Value })
		values := leat.AsList(leat.Window(leat.Map(in, "value", func(e element) int64 { return e.V }), sideFn))
		b.write(leat.MapWith(rows, values, "sum", func(e element, side []int64) string { return fmt.Sprint(e.V + addedUp(side)) }))
	}
}

func addedUp(values []int64) (sum int64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

func sideIterable(side ...int64) func(b *beamRun) {
	return func(b *beamRun) {
		values := leat.AsList(literal(b, "side", side...))
		b.write(leat.MapWith(b.input(), values, "sum", func(e element, side []int64) string { return fmt.Sprint(e.V + addedUp(side)) }))
	}
}

func sideSingleton(b *beamRun) {
	only := leat.AsSingleton(literal[int64](b, "side", 100))
	b.write(leat.MapWith(b.input(), only, "sum", func(e element, side int64) string { return fmt.Sprint(e.V + side) }))
}

func sideMultimap(b *beamRun) {
	pairs := literal(b, "side", element{"a", 10}, element{"a", 20}, element{"b", 5})
	lists := leat.Map(leat.GroupByKey(leat.KeyBy(pairs, "by-key", field.Of(keyOfElement)), "lists"), "list",
		func(kv leat.KV[string, iter.Seq[element]]) leat.KV[string, []int64] {
			var values []int64
			for e := range kv.Value {
				values = append(values, e.V)
			}
			return leat.KV[string, []int64]{Key: kv.Key, Value: values}
		})
	b.write(leat.MapWith(b.input(), leat.AsMap(lists), "lookup", func(e element, side map[string][]int64) string {
		return fmt.Sprintf("%s=%d", e.K, addedUp(side[e.K]))
	}))
}

func valuesOf(rows iter.Seq[element]) []int64 {
	values := []int64{}
	for e := range rows {
		values = append(values, e.V)
	}
	return ascending(values)
}

func coGroup(b *beamRun) {
	left := leat.KeyBy(literal(b, "a", element{"a", 1}, element{"a", 2}, element{"b", 3}), "a-by-key", field.Of(keyOfElement))
	right := leat.KeyBy(literal(b, "b", element{"a", 10}, element{"c", 30}), "b-by-key", field.Of(keyOfElement))
	b.write(leat.CoGroup(left, right, "both", func(k string, l, r iter.Seq[element]) string {
		return fmt.Sprintf("%s A=%v B=%v", k, valuesOf(l), valuesOf(r))
	}))
}

func coGroupWindowed(b *beamRun) {
	fn := window.Fixed(millis(10))
	odd := leat.Partition(b.input(), "parity", 2, func(e element) int { return int((1 + e.V) % 2) })
	sides := make([]leat.PCollection[leat.KV[string, element]], 2)
	for i, part := range odd {
		sides[i] = leat.Window(leat.KeyBy(part, fmt.Sprint("by-key-", i), field.Of(keyOfElement)), fn)
	}
	b.write(located(leat.CoGroup(sides[0], sides[1], "both", func(_ string, l, r iter.Seq[element]) string {
		return fmt.Sprintf("A=%v B=%v", valuesOf(l), valuesOf(r))
	}), "located", fn))
}

func flattenUnion(b *beamRun) {
	b.write(leat.Map(leat.Flatten(literal[int64](b, "a", 1, 2), literal[int64](b, "b", 3)), "text", func(v int64) string { return fmt.Sprint(v) }))
}

func flattenTwice(b *beamRun) {
	in := b.input()
	b.write(leat.Map(leat.Flatten(in, in), "text", valueText))
}

func partitionByParity(b *beamRun) {
	parts := leat.Partition(b.input(), "parity", 2, func(e element) int { return int(e.V & 1) })
	b.write(leat.Flatten(
		leat.Map(parts[0], "even", func(e element) string { return fmt.Sprint("even:", e.V) }),
		leat.Map(parts[1], "odd", func(e element) string { return fmt.Sprint("odd:", e.V) })))
}

func nobody[T any](T) bool { return false }

func combineNothing(b *beamRun) {
	none := leat.Filter(b.input(), "none", nobody[element])
	b.write(leat.Map(leat.CombineGlobally(none, "sum", agg.Into(sumValues)), "text", func(v int64) string { return fmt.Sprint(v) }))
}

func combineMean(b *beamRun) {
	means := leat.Combine(leat.KeyBy(b.input(), "by-key", field.Of(keyOfElement)), "mean", agg.Into(func(e *element, m *float64) []agg.Term {
		return []agg.Term{agg.Mean(m, &e.V)}
	}))
	b.write(leat.Map(means, "text", func(kv leat.KV[string, float64]) string { return fmt.Sprintf("%s:%v", kv.Key, kv.Value) }))
}

func reshuffled(b *beamRun) {
	fn := window.Fixed(millis(10))
	rows := leat.Map(leat.Reshuffle(leat.Window(b.input(), fn)), "text", valueText)
	b.write(located(rows, "located", fn))
}

func rewindowed(b *beamRun) {
	fn := window.Fixed(millis(1))
	ten := leat.Window(leat.KeyBy(b.input(), "by-key", field.Of(keyOfElement)), window.Fixed(millis(10)))
	sums := leat.Values(leat.Combine(ten, "sum", agg.Into(sumValues)))
	b.write(located(leat.Window(sums, fn), "located", fn))
}

// structKey is a key of more than one column.
type structKey struct {
	I int64  `leat:"i"`
	S string `leat:"s"`
}

func structKeys(b *beamRun) {
	var rows []element
	for i := range int64(50) {
		rows = append(rows, element{"same", i})
	}
	byStruct := leat.KeyBy(literal(b, "rows", rows...), "by-struct", field.Func(func(e element) structKey { return structKey{e.V % 5, e.K} }))
	b.write(leat.Map(leat.GroupByKey(byStruct, "group"), "text", func(kv leat.KV[structKey, iter.Seq[element]]) string {
		return fmt.Sprintf("%d:%d", kv.Key.I, len(valuesOf(kv.Value)))
	}))
}

func largeKeys(b *beamRun) {
	a, c := strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)
	byKey := leat.KeyBy(literal(b, "rows", element{a, 1}, element{c, 1}, element{a, 1}), "by-key", field.Of(keyOfElement))
	b.write(leat.Map(leat.GroupByKey(byKey, "group"), "text", func(kv leat.KV[string, iter.Seq[element]]) string {
		if len(kv.Key) != 1<<20 {
			return fmt.Sprintf("a key of %d bytes", len(kv.Key))
		}
		return fmt.Sprintf("%s:%d", kv.Key[:1], len(valuesOf(kv.Value)))
	}))
}

func groupNothing(b *beamRun) {
	none := leat.KeyBy(leat.Filter(b.input(), "none", nobody[element]), "by-key", field.Of(keyOfElement))
	b.write(leat.Map(leat.GroupByKey(none, "group"), "text", func(kv leat.KV[string, iter.Seq[element]]) string { return kv.Key }))
}

// upToTwo sends values above 2 to its side output.
type upToTwo struct{ Above leat.Output[int64] }

func (d *upToTwo) Process(_ *leat.Context, e element, emit leat.Emit[int64]) error {
	if e.V <= 2 {
		emit(e.V)
	} else {
		d.Above.Emit(e.V)
	}
	return nil
}

func severalOutputs(b *beamRun) {
	fn := &upToTwo{}
	low := leat.ParDo(b.input(), "split", fn)
	b.write(leat.Flatten(
		leat.Map(low, "out1", func(v int64) string { return fmt.Sprint("out1:", v) }),
		leat.Map(fn.Above.Collection(), "out2", func(v int64) string { return fmt.Sprint("out2:", v) })))
}

// bundles fails where its methods are not called in the order of the Beam model.
type bundles struct{ state string }

func (d *bundles) step(from []string, to string) error {
	if !slices.Contains(from, d.state) {
		return fmt.Errorf("%s came after %q", to, d.state)
	}
	d.state = to
	return nil
}

func (d *bundles) Setup(context.Context) error { return d.step([]string{""}, "setup") }

func (d *bundles) StartBatch(*leat.Context) error {
	return d.step([]string{"setup", "finish"}, "start")
}

func (d *bundles) Process(_ *leat.Context, e element, emit leat.Emit[string]) error {
	emit(fmt.Sprint("el:", e.V))
	return d.step([]string{"start", "process"}, "process")
}

func (d *bundles) FinishBatch(_ *leat.Context, emit leat.Emit[string]) error {
	emit("finish")
	return d.step([]string{"process"}, "finish")
}

func (d *bundles) Teardown() error { return d.step([]string{"setup", "finish"}, "teardown") }

func lifecycle(b *beamRun) { b.write(leat.ParDo(b.input(), "calls", &bundles{})) }
