package plan_test

import (
	"iter"
	"time"

	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/window"
)

func byItem(in leat.PCollection[event], name string) leat.PCollection[leat.KV[string, event]] {
	return leat.KeyBy(in, name, field.Of(func(e *event) *string { return &e.Item }))
}

// Both sides come to where they meet by key group, the right one first.
func joins(p *leat.Pipeline) {
	left, right := byUser(readEvents(p, "left"), "by-user"), byItem(readEvents(p, "right"), "by-item")
	write(leat.Join(left, right, "pairs", func(k string, a, b event) total { return total{k, a.Price + b.Price} }), "out")
	write(leat.FullJoin(left, right, "all", func(k string, a, b *event) total { return total{User: k} }), "all-out")
}

func joinWindows(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour))
	write(leat.LeftJoin(in, in, "self", func(k string, a event, b *event) total { return total{User: k} }), "out")
}

// The totals are a level further down than the rows they are joined with.
func joinBehindCombine(p *leat.Pipeline) {
	in := leat.Window(byUser(readEvents(p, "events"), "by-user"), window.Fixed(time.Hour))
	totals := sumPrice(in, "total")
	names := sumPrice(leat.Window(byUser(readEvents(p, "others"), "by-other"), window.Fixed(time.Hour)), "others-total")
	write(leat.Join(totals, names, "pairs", func(k string, a, b total) total { return a }), "out")
}

func coGroup(p *leat.Pipeline) {
	left, right := byUser(readEvents(p, "left"), "by-user"), byItem(readEvents(p, "right"), "by-item")
	sessions := window.Session(time.Minute)
	write(leat.CoGroup(leat.Window(left, sessions), leat.Window(right, sessions), "both", func(k string, a, b iter.Seq[event]) total { return total{User: k} }), "out")
}

func asOf(p *leat.Pipeline) {
	left, right := byUser(readEvents(p, "left"), "by-user"), byItem(readEvents(p, "right"), "by-item")
	write(leat.AsOf(left, right, "latest", func(k string, a event, b *event) total { return total{User: k} }), "out")
}

// The side input is complete before the rows are read, which happens in the stage
// of the step, not before.
func sideInput(p *leat.Pipeline) {
	names := leat.AsList(sumPrice(byUser(readEvents(p, "others"), "by-other"), "others-total"))
	in := leat.Where(readEvents(p, "events"), "dear", func(e *event) field.Cond { return field.AtLeast(&e.Price, 9) })
	write(leat.MapWith(in, names, "use", func(e event, names []leat.KV[string, total]) total { return total{User: e.User} }), "out")
}

// Rows that are a side input of themselves cannot wait for it where they are read.
func sideOfItself(p *leat.Pipeline) {
	in := readEvents(p, "events")
	write(leat.FilterWith(in, leat.AsList(in), "use", func(e event, all []event) bool { return true }), "out")
}
