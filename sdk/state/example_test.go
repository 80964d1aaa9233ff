package state_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/window"
)

// Click is the row of the examples.
type Click struct {
	User, Page string
	At         time.Time
}

type byUser = leat.KV[string, Click]

func at(second int) time.Time { return time.Date(2026, 3, 1, 12, 0, second, 0, time.UTC) }

func click(user, page string, second int) leattest.Event {
	return leattest.At(at(second), Click{user, page, at(second)})
}

// clicks are what the examples read: bob's second comes too late for its place.
var clicks = leattest.Stream[Click](click("ann", "/mill", 0), click("bob", "/mill", 5), click("ann", "/wheel", 9), click("ann", "/mill", 31), click("bob", "/leat", 2))

// show runs a function over the clicks by user and prints what it emits, sorted.
func show(fn leat.DoFn[byUser, string]) {
	p := &leat.Pipeline{}
	run(p, leat.ParDo(leat.KeyBy(leat.Read[Click](p, "clicks", clicks), "by-user", field.Of(user)), "function", fn))
}

func user(c *Click) *string { return &c.User }

func run(p *leat.Pipeline, rows leat.PCollection[string]) {
	out := leattest.Capture(rows, "show")
	if _, err := local.Run(context.Background(), p, local.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	lines := out.Values()
	slices.Sort(lines)
	fmt.Println(strings.Join(lines, "\n"))
}

type changes struct{ Page state.Value[string] }

func (c *changes) Process(_ *leat.Context, in byUser, emit leat.Emit[string]) error {
	before, ok := c.Page.Read()
	if !ok {
		before = "nowhere"
	}
	emit(fmt.Sprintf("%s from %s to %s", in.Key, before, in.Value.Page))
	c.Page.Write(in.Value.Page)
	return nil
}

// A value holds one thing for each key.
func ExampleValue() {
	show(&changes{})
	// Output:
	// ann from /mill to /wheel
	// ann from /wheel to /mill
	// ann from nowhere to /mill
	// bob from /mill to /leat
	// bob from nowhere to /mill
}

type trail struct{ Pages state.List[string] }

func (t *trail) Process(_ *leat.Context, in byUser, emit leat.Emit[string]) error {
	t.Pages.Append(in.Value.Page)
	emit(fmt.Sprintf("%s %v", in.Key, t.Pages.Read()))
	return nil
}

// A list has the order of arrival.
func ExampleList() {
	show(&trail{})
	// Output:
	// ann [/mill /wheel /mill]
	// ann [/mill /wheel]
	// ann [/mill]
	// bob [/mill /leat]
	// bob [/mill]
}

type lastTenSeconds struct{ Pages state.OrderedList[string] }

func (l *lastTenSeconds) Process(c *leat.Context, in byUser, emit leat.Emit[string]) error {
	now := c.Time().UnixMicro()
	l.Pages.Add(now, in.Value.Page)
	var pages []string
	for _, page := range l.Pages.Range(now-10_000_000, now+1) {
		pages = append(pages, page)
	}
	emit(fmt.Sprintf("%s %s %v", c.Time().Format(time.TimeOnly), in.Key, pages))
	return nil
}

// An ordered list has the order of a number, such as a time.
func ExampleOrderedList() {
	show(&lastTenSeconds{})
	// Output:
	// 12:00:00 ann [/mill]
	// 12:00:02 bob [/leat]
	// 12:00:05 bob [/mill]
	// 12:00:09 ann [/mill /wheel]
	// 12:00:31 ann [/mill]
}

type visits struct{ Counts state.Map[string, int] }

func (v *visits) Process(_ *leat.Context, in byUser, _ leat.Emit[string]) error {
	n, _ := v.Counts.Get(in.Value.Page)
	v.Counts.Put(in.Value.Page, n+1)
	return nil
}

func (v *visits) OnExpiry(_ *leat.Context, emit leat.Emit[string]) error {
	for page, n := range v.Counts.All() { // in the order of pages
		emit(fmt.Sprintf("%s %d", page, n))
	}
	return nil
}

// A map has keys of its own, in their order. OnExpiry sees it when it goes: here at
// the end of the input.
func ExampleMap() {
	show(&visits{})
	// Output:
	// /leat 1
	// /mill 1
	// /mill 2
	// /wheel 1
}

type firstVisits struct{ Seen state.Set[string] }

func (f *firstVisits) Process(_ *leat.Context, in byUser, emit leat.Emit[string]) error {
	if !f.Seen.Contains(in.Value.Page) {
		f.Seen.Add(in.Value.Page)
		emit(in.Key + " " + in.Value.Page)
	}
	return nil
}

func ExampleSet() {
	show(&firstVisits{})
	// Output:
	// ann /mill
	// ann /wheel
	// bob /leat
	// bob /mill
}

// Stats is what is aggregated.
type Stats struct {
	Clicks int64
	Last   string
}

type running struct {
	Sofar state.Combining[Click, Stats]
}

func (r *running) Process(_ *leat.Context, in byUser, emit leat.Emit[string]) error {
	r.Sofar.Add(in.Value)
	s := r.Sofar.Get()
	emit(fmt.Sprintf("%s %d, last %s", in.Key, s.Clicks, s.Last))
	return nil
}

// A combining cell has the accumulator of an aggregate, here with the last page by
// event time.
func ExampleCombining() {
	show(&running{Sofar: state.CombiningOf(agg.Into(func(c *Click, s *Stats) []agg.Term {
		return []agg.Term{agg.Count(&s.Clicks), agg.Last(&s.Last, &c.Page)}
	}))})
	// Output:
	// ann 1, last /mill
	// ann 2, last /wheel
	// ann 3, last /mill
	// bob 1, last /mill
	// bob 2, last /mill
}

type forgetful struct {
	Seen state.Set[string] `leat:"seen,ttl=20s"`
}

func (f *forgetful) Process(_ *leat.Context, in byUser, emit leat.Emit[string]) error {
	f.Seen.Add(in.Value.Page)
	emit(fmt.Sprintf("%s %v", in.Key, f.Seen.Values()))
	return nil
}

// A tag says how long a cell lives after it was last written to, in event time.
func ExampleSet_timeToLive() {
	show(&forgetful{})
	// Output:
	// ann [/mill /wheel]
	// ann [/mill]
	// ann [/mill]
	// bob [/leat /mill]
	// bob [/mill]
}

type sorted struct {
	state.TimeSorted
	Pages state.List[string]
}

func (s *sorted) Process(_ *leat.Context, in byUser, emit leat.Emit[string]) error {
	s.Pages.Append(in.Value.Page)
	emit(fmt.Sprintf("%s %v", in.Key, s.Pages.Read()))
	return nil
}

// With sorted input rows come in the order of event time, whatever the order of
// arrival: bob's /leat comes before his /mill.
func ExampleTimeSorted() {
	show(&sorted{})
	// Output:
	// ann [/mill /wheel /mill]
	// ann [/mill /wheel]
	// ann [/mill]
	// bob [/leat /mill]
	// bob [/leat]
}

type idle struct {
	state.TimeSorted
	User  state.Key[string]
	Quiet state.EventTimer
}

func (i *idle) Process(c *leat.Context, _ byUser, _ leat.Emit[string]) error {
	i.Quiet.Set(c.Time().Add(10 * time.Second)) // in place of what it was set to
	return nil
}

func (i *idle) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s %s was idle for ten seconds", c.Time().Format(time.TimeOnly), i.User.Get()))
	return nil
}

// An event timer that each row sets again fires when there was none for so long.
func ExampleEventTimer() {
	show(&idle{})
	// Output:
	// 12:00:15 bob was idle for ten seconds
	// 12:00:19 ann was idle for ten seconds
	// 12:00:41 ann was idle for ten seconds
}

type reminders struct{ Pages state.EventTimers }

func (r *reminders) Process(c *leat.Context, in byUser, _ leat.Emit[string]) error {
	r.Pages.Set(in.Value.Page, c.Time().Add(time.Minute))
	return nil
}

func (r *reminders) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	page, at, _ := r.Pages.Fired()
	emit(at.Format(time.TimeOnly) + " " + page)
	return nil
}

// Timers with tags are any number for each key.
func ExampleEventTimers() {
	show(&reminders{})
	// Output:
	// 12:01:02 /leat
	// 12:01:05 /mill
	// 12:01:09 /wheel
	// 12:01:31 /mill
}

type gathering struct {
	User  state.Key[string]
	Pages state.List[string]
	Send  state.ProcessingTimer
}

func (g *gathering) Process(c *leat.Context, in byUser, _ leat.Emit[string]) error {
	if g.Pages.Len() == 0 {
		g.Send.Set(c.ProcessingTime().Add(time.Second))
	}
	g.Pages.Append(in.Value.Page)
	return nil
}

func (g *gathering) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s %v", g.User.Get(), g.Pages.Read()))
	g.Pages.Clear()
	return nil
}

// A processing timer waits for the clock: here rows are sent together, but none later
// than a second after it came. A test says what the clock does.
func ExampleProcessingTimer() {
	p := &leat.Pipeline{}
	in := leat.Read[Click](p, "clicks", leattest.Stream[Click](
		click("ann", "/mill", 0), click("ann", "/wheel", 9), leattest.ProcessingTime(time.Second),
		click("ann", "/leat", 31), leattest.ProcessingTime(time.Second)))
	run(p, leat.ParDo(leat.KeyBy(in, "by-user", field.Of(user)), "send", &gathering{}))
	// Output:
	// ann [/leat]
	// ann [/mill /wheel]
}

// State belongs to a key and a window.
func ExampleKey() {
	p := &leat.Pipeline{}
	in := leat.Window(leat.Read[Click](p, "clicks", clicks), window.Fixed(30*time.Second))
	run(p, leat.ParDo(leat.KeyBy(in, "by-user", field.Of(user)), "last", &lastPage{}))
	// Output:
	// ann until 12:00:30: /wheel
	// ann until 12:01:00: /mill
	// bob until 12:00:30: /leat
}

type lastPage struct {
	User state.Key[string]
	Page state.Value[string]
}

func (l *lastPage) Process(_ *leat.Context, in byUser, _ leat.Emit[string]) error {
	l.Page.Write(in.Value.Page)
	return nil
}

func (l *lastPage) OnExpiry(c *leat.Context, emit leat.Emit[string]) error {
	_, end, _ := c.Window()
	emit(fmt.Sprintf("%s until %s: %s", l.User.Get(), end.Format(time.TimeOnly), l.Page.Get()))
	return nil
}
