package local_test

import (
	"cmp"
	"fmt"
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
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// cellKinds uses a cell of each kind but value and list.
type cellKinds struct {
	Sum    state.Combining[int64, int64]
	Counts state.Map[string, int64]
	Seen   state.Set[string]
	Values state.OrderedList[int64]
}

func (f *cellKinds) Process(_ *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	sum := f.Sum.Get()
	f.Sum.Add(1)

	n, _ := f.Counts.Get(in.Key)
	n++
	f.Counts.Put(in.Key, n)
	f.Counts.Put(in.Key+fmt.Sprint(n), n)

	seen := f.Seen.Contains(in.Key)
	f.Seen.Add(in.Key)
	if seen {
		f.Seen.Add(in.Key + "1")
	}

	values := f.Values.Read()
	f.Values.Add(int64(len(values)+1)*100, in.Value.V)
	emit(fmt.Sprintf("%s: %d; %d, keys %v; %t, keys %v; %v", in.Key, sum, n, f.Counts.Keys(), seen, f.Seen.Values(), values))
	return nil
}

// Every kind of cell does what Beam's integration tests ask of it, on both plans.
func TestCellKinds(t *testing.T) {
	eachRun(t, func(t *testing.T, o local.Options) {
		fn := &cellKinds{Sum: state.CombiningOf(agg.Into(func(v, sum *int64) []agg.Term { return []agg.Term{agg.Sum(sum, v)} }))}
		equalRows(t, runState(t, marks(fruit), window.Global(), o, fn),
			"apple: 0; 1, keys [apple apple1]; false, keys [apple]; []",
			"apple: 1; 2, keys [apple apple1 apple2]; true, keys [apple apple1]; [1]",
			"apple: 2; 3, keys [apple apple1 apple2 apple3]; true, keys [apple apple1]; [1 1]",
			"peach: 0; 1, keys [peach peach1]; false, keys [peach]; []",
			"pear: 0; 1, keys [pear pear1]; false, keys [pear]; []",
			"pear: 1; 2, keys [pear pear1 pear2]; true, keys [pear pear1]; [1]")
	})
}

// scripted runs a stateful function over a script on the streaming plan, with one
// task and with three.
func scripted(t *testing.T, fn func() leat.DoFn[keyedMark, string], events []leattest.Event, want ...string) {
	t.Helper()
	for _, tasks := range []int{1, 3} {
		p := &leat.Pipeline{}
		byKey := leat.KeyBy(leat.Read[mark](p, "marks", leattest.Stream[mark](events...)), "by-key", field.Of(func(m *mark) *string { return &m.K }))
		out := leattest.Capture(leat.ParDo(byKey, "state", fn()), "out")
		if _, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: tasks}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range out.Rows() {
			got = append(got, fmt.Sprintf("%s @%d", r.Value, r.Time.UnixMilli()))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d tasks: got  %q\nwant %q", tasks, got, want)
		}
	}
}

// alarm sets its timers to the value of a row, in ms; a negative one clears them.
type alarm struct {
	Key   state.Key[string]
	Once  state.EventTimer
	Tags  state.EventTimers
	Clock state.ProcessingTimer
	with  string
}

func (a *alarm) Process(c *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	switch {
	case in.Value.V < 0:
		a.Once.Clear()
	case a.with == "tags":
		a.Tags.Set("t1", milli(in.Value.V))
		a.Tags.Set("t2", milli(in.Value.V+10))
	case a.with == "output":
		a.Once.SetWithOutput(milli(1000), milli(500))
	case a.with == "clock":
		a.Clock.Set(c.ProcessingTime().Add(5 * time.Second))
	default:
		a.Once.Set(milli(in.Value.V))
		emit("set")
	}
	return nil
}

func (a *alarm) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	if tag, _, ok := a.Tags.Fired(); ok {
		emit(tag)
	} else if _, ok := a.Clock.Fired(); ok {
		emit(a.Key.Get() + ":pt")
	} else {
		emit("fired")
	}
	return nil
}

// Timers fire where the watermark, or the clock, of a script says.
func TestTimersOfScripts(t *testing.T) {
	row := func(k string, v, ts int64) leattest.Event {
		return leattest.At(milli(ts), mark{K: k, V: v, At: milli(ts)})
	}
	with := func(what string) func() leat.DoFn[keyedMark, string] {
		return func() leat.DoFn[keyedMark, string] { return &alarm{with: what} }
	}
	scripted(t, with(""), []leattest.Event{row("k", 100, 1), leattest.Watermark(milli(50)), row("k", 200, 2), leattest.Watermark(milli(150)), leattest.Watermark(milli(300))},
		"set @1", "set @2", "fired @200")
	scripted(t, with(""), []leattest.Event{leattest.Watermark(milli(100)), row("k", 50, 100), row("k", 300, 100)},
		"set @100", "fired @50", "set @100", "fired @300")
	scripted(t, with(""), []leattest.Event{row("k", 100, 1), leattest.Watermark(milli(10)), row("k", -1, 11), leattest.WatermarkToEnd()},
		"set @1")
	scripted(t, with("tags"), []leattest.Event{row("k", 100, 1), leattest.WatermarkToEnd()}, "t1 @100", "t2 @110")
	scripted(t, with("output"), []leattest.Event{row("k", 1, 1), leattest.WatermarkToEnd()}, "fired @500")
	scripted(t, with("clock"), []leattest.Event{row("a", 1, 1), leattest.ProcessingTime(4 * time.Second), row("b", 2, 2), leattest.ProcessingTime(time.Second), leattest.ProcessingTime(4 * time.Second)},
		"a:pt @1", "b:pt @2")
	scripted(t, with("clock"), []leattest.Event{row("a", 1, 1), leattest.ProcessingTime(4 * time.Second)}, "a:pt @1")
}

// What a timer puts out before its own time is not late behind the step, although
// the watermark has passed that time in front of it.
func TestTimerHoldsWindowsBehind(t *testing.T) {
	p := &leat.Pipeline{}
	in := leat.Read[mark](p, "marks", leattest.Stream[mark](leattest.At(milli(1), mark{K: "k", V: 1}), leattest.Watermark(milli(600)), leattest.Watermark(milli(1100))))
	fired := leat.ParDo(leat.KeyBy(in, "by-key", field.Of(func(m *mark) *string { return &m.K })), "state", &alarm{with: "output"})
	again := leat.KeyBy(leat.Window(fired, window.Fixed(100*time.Millisecond)), "again", field.Of(func(s *string) *string { return s }))
	out := leattest.Capture(leat.Combine(again, "count", agg.Into(func(_ *string, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out")
	r, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming})
	if err != nil {
		t.Fatal(err)
	}
	rows := out.Rows()
	if len(rows) != 1 || rows[0].Value.Value != 1 || !rows[0].Start.Equal(milli(500)) || !rows[0].End.Equal(milli(600)) {
		t.Errorf("got %v; %v", rows, r)
	}
}

// sessions puts rows of a key together while the gap between them is below a second,
// in sorted input, and says which side of the time to live they were on.
type sessions struct {
	state.TimeSorted
	User  state.Key[string]
	Rows  state.List[int64]
	Sum   state.Value[int64] `leat:"sum,ttl=4s"`
	Close state.EventTimer
}

func (s *sessions) Process(c *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	s.Rows.Append(in.Value.V)
	s.Sum.Write(s.Sum.Get() + in.Value.V)
	idle := c.Time().Add(time.Second)
	if _, end, ok := c.Window(); ok && end.Before(idle) {
		idle = end
	}
	s.Close.Set(idle)
	if s.Sum.Get()%5 == 0 {
		emit(fmt.Sprintf("%s five %d", in.Key, s.Sum.Get()))
	}
	return nil
}

func (s *sessions) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s %d %v %d", s.User.Get(), c.Time().UnixMilli(), s.Rows.Read(), s.Sum.Get()))
	s.Rows.Clear()
	return nil
}

func (s *sessions) OnExpiry(c *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("%s ends %v %d", s.User.Get(), s.Rows.Read(), s.Sum.Get()))
	return nil
}

// A function with sorted input gives the same rows on both plans, for any number of
// tasks, splits and size of batches, and any order of arrival within the disorder.
func TestSortedInputOnBothPlans(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 11))
		rows := make([]mark, 300)
		for i := range rows {
			rows[i] = mark{K: string(rune('a' + r.IntN(6))), V: r.Int64N(9), At: milli(r.Int64N(60) * 250)} // many ties
		}
		w := []window.Fn{window.Global(), window.Fixed(5 * time.Second), window.Sliding(6*time.Second, 2*time.Second)}[r.IntN(3)]
		var want []string
		for _, plan := range []local.Plan{local.Batch, local.Streaming, local.Streaming} {
			disorder := r.Int64N(5000)
			comes := make(map[mark]int64)
			for _, m := range rows {
				comes[m] = m.At.UnixMilli() + r.Int64N(disorder+1)
			}
			slices.SortFunc(rows, func(a, b mark) int { return cmp.Or(cmp.Compare(comes[a], comes[b]), cmp.Compare(a.V, b.V)) })
			p, out := &leat.Pipeline{}, &memory.Collector[string]{}
			in := leat.Read(p, "marks", memory.Source[mark]{Rows: rows, Splits: 1},
				leat.EventTimeField(func(m *mark) *time.Time { return &m.At }, watermark.Disorder(time.Hour)))
			if plan == local.Streaming {
				p, out = &leat.Pipeline{}, &memory.Collector[string]{}
				in = leat.Read(p, "marks", leattest.Stream[mark](inOrderOf(rows, r)...), leat.EventTimeField(func(m *mark) *time.Time { return &m.At }, watermark.Disorder(time.Duration(disorder)*time.Millisecond)))
			}
			byKey := leat.KeyBy(leat.Window(in, w), "by-key", field.Of(func(m *mark) *string { return &m.K }))
			leat.Write(leat.ParDo(byKey, "state", &sessions{}), "out", out)
			result, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 1 + r.IntN(3), BatchRows: []int{1, 7, 4096}[r.IntN(3)]})
			if err != nil {
				t.Fatal(err)
			}
			got := out.Rows()
			slices.Sort(got)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) || len(got) < 10 {
				t.Fatalf("seed %d, %s plan, %s: %d rows, %d in the batch plan; %v\ngot  %s\nwant %s", seed, plan, w, len(got), len(want), result, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	}
}

// inOrderOf makes batches of rows as they come.
func inOrderOf(rows []mark, r *rand.Rand) (events []leattest.Event) {
	for len(rows) > 0 {
		n := min(1+r.IntN(40), len(rows))
		var groups []leattest.Event
		for _, m := range rows[:n] {
			groups = append(groups, leattest.At(m.At, m))
		}
		events, rows = append(events, leattest.Batch(groups...)), rows[n:]
	}
	return events
}

// The state of a window stays until its allowed lateness is over; rows that come
// later are dropped, counted, and go to LateTo. One that is late for some of its
// windows is in the others.
func TestStateOfLateRows(t *testing.T) {
	for _, tasks := range []int{1, 3} {
		p := &leat.Pipeline{}
		row := func(v, ts int64) leattest.Event {
			return leattest.At(milli(ts), mark{K: "k", V: v, At: milli(ts)})
		}
		in := leat.Read[mark](p, "marks", leattest.Stream[mark](row(1, 10), leattest.Watermark(milli(119)), row(2, 20), leattest.Watermark(milli(120)), row(3, 30), row(4, 60)))
		var late leat.PCollection[mark]
		w := leat.Window(in, window.Sliding(100*time.Millisecond, 50*time.Millisecond), leat.AllowedLateness(20*time.Millisecond), leat.LateTo(&late))
		out := leattest.Capture(leat.ParDo(leat.KeyBy(w, "by-key", field.Of(func(m *mark) *string { return &m.K })), "state", &lastWords{}), "out")
		dropped := leattest.Capture(late, "late")
		result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: tasks})
		if err != nil {
			t.Fatal(err)
		}
		equalRows(t, out.Sorted(), "[0,100) ends with [1 2] @ 1970-01-01T00:00:00.099999Z [1970-01-01T00:00:00Z, 1970-01-01T00:00:00.1Z)",
			"[-50,50) ends with [1] @ 1970-01-01T00:00:00.049999Z [1969-12-31T23:59:59.95Z, 1970-01-01T00:00:00.05Z)",
			"[50,150) ends with [4] @ 1970-01-01T00:00:00.149999Z [1970-01-01T00:00:00.05Z, 1970-01-01T00:00:00.15Z)")
		equalRows(t, dropped.Sorted(), "{K:k V:3 At:1970-01-01 00:00:00.03 +0000 UTC} @ 1970-01-01T00:00:00.03Z")
		if !strings.Contains(fmt.Sprintf("%+v", result), "Dropped:1") {
			t.Errorf("%+v does not say that one row was dropped", result)
		}
	}
}

// lastWords says at the end of a window what was in it.
type lastWords struct{ Values state.List[int64] }

func (l *lastWords) Process(_ *leat.Context, in keyedMark, _ leat.Emit[string]) error {
	l.Values.Append(in.Value.V)
	return nil
}

func (l *lastWords) OnExpiry(c *leat.Context, emit leat.Emit[string]) error {
	start, end, _ := c.Window()
	emit(fmt.Sprintf("[%d,%d) ends with %v", start.UnixMilli(), end.UnixMilli(), l.Values.Read()))
	return nil
}

// priced looks a side input up when a row comes, when a timer fires, and when its
// window is over.
type priced struct {
	Prices leat.Side[[]mark]
	Seen   state.List[int64]
	Soon   state.EventTimer
}

func (f *priced) Process(c *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	f.Seen.Append(in.Value.V)
	f.Soon.Set(c.Time().Add(time.Millisecond))
	emit(fmt.Sprintf("row %d at %d", in.Value.V, f.price()))
	return nil
}

func (f *priced) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("timer, seen %v, at %d", f.Seen.Read(), f.price()))
	return nil
}

func (f *priced) OnExpiry(_ *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("over, seen %v, at %d", f.Seen.Read(), f.price()))
	return nil
}

func (f *priced) price() int64 {
	if prices := f.Prices.Get(); len(prices) == 1 {
		return prices[0].V
	}
	return -1
}

// sortedPriced is priced with sorted input.
type sortedPriced struct {
	state.TimeSorted
	priced
}

// A function with state sees a side input of the window of the row, also in timers
// and OnExpiry, in late rows, and in rows that wait to be sorted.
func TestSideInputsOfState(t *testing.T) {
	row := func(v, ts int64) leattest.Event {
		return leattest.At(milli(ts), mark{K: "k", V: v, At: milli(ts)})
	}
	for _, tasks := range []int{1, 3} {
		for _, sorted := range []bool{false, true} {
			p := &leat.Pipeline{}
			w := window.Fixed(10 * time.Millisecond)
			late := leat.AllowedLateness(5 * time.Millisecond)
			in := leat.Window(leat.Read[mark](p, "marks", leattest.Stream[mark](row(1, 1), row(2, 12), leattest.Watermark(milli(13)), row(3, 8), leattest.Watermark(milli(40)))), w, late)
			prices := leat.Window(leat.Read[mark](p, "prices", leattest.Stream[mark](row(100, 3), row(200, 13), leattest.Watermark(milli(20)), leattest.Pause(), leattest.Pause(), leattest.Watermark(milli(60)))), w)
			fn := &sortedPriced{priced: priced{Prices: leat.AsList(prices)}}
			var run leat.DoFn[keyedMark, string] = fn
			if !sorted {
				run = &fn.priced
			}
			out := leattest.Capture(leat.ParDo(leat.KeyBy(in, "by-key", field.Of(func(m *mark) *string { return &m.K })), "state", run), "out")
			if _, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: tasks}); err != nil {
				t.Fatal(err)
			}
			got := out.Values()
			slices.Sort(got)
			equalRows(t, got, "row 1 at 100", "timer, seen [1], at 100", "row 3 at 100", "timer, seen [1 3], at 100", "over, seen [1 3], at 100",
				"row 2 at 200", "timer, seen [2], at 200", "over, seen [2], at 200")
		}
	}
}
