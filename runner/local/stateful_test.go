package local_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// mark is a row for stateful functions: a key, a number, and when.
type mark struct {
	K  string
	V  int64
	At time.Time
}

type keyedMark = leat.KV[string, mark]

func milli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// marks makes rows of "key v ts" triples.
func marks(text string) (rows []mark) {
	words := strings.Fields(text)
	for i := 0; i < len(words); i += 3 {
		m := mark{K: words[i]}
		var ts int64
		fmt.Sscan(words[i+1]+" "+words[i+2], &m.V, &ts)
		m.At = milli(ts)
		rows = append(rows, m)
	}
	return rows
}

// runState runs a stateful function over rows on a plan and returns what it emits,
// sorted.
func runState(t *testing.T, rows []mark, w window.Fn, o local.Options, fn leat.DoFn[keyedMark, string]) []string {
	t.Helper()
	p, out := &leat.Pipeline{}, &memory.Collector[string]{}
	in := leat.Read(p, "marks", memory.Source[mark]{Rows: rows},
		leat.EventTimeField(func(m *mark) *time.Time { return &m.At }, watermark.Disorder(time.Hour)))
	byKey := leat.KeyBy(leat.Window(in, w), "by-key", field.Of(func(m *mark) *string { return &m.K }))
	leat.Write(leat.ParDo(byKey, "state", fn), "out", out)
	if _, err := local.Run(t.Context(), p, o); err != nil {
		t.Fatal(err)
	}
	got := out.Rows()
	slices.Sort(got)
	return got
}

// eachRun calls f with both plans, one task and three, batches of one row and many.
func eachRun(t *testing.T, f func(t *testing.T, o local.Options)) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		for _, tasks := range []int{1, 3} {
			for _, size := range []int{1, 4096} {
				t.Run(fmt.Sprintf("%s plan, %d tasks, batches of %d", plan, tasks, size), func(t *testing.T) {
					f(t, local.Options{Plan: plan, Parallelism: tasks, BatchRows: size})
				})
			}
		}
	}
}

func equalRows(t *testing.T, got []string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// counting is the value cell of Beam's integration tests.
type counting struct{ N state.Value[int64] }

func (c *counting) Process(_ *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	n, ok := c.N.Read()
	if !ok {
		n = 1
	}
	c.N.Write(n + 1)
	emit(fmt.Sprintf("%s: %d", in.Key, n))
	return nil
}

const fruit = "apple 1 0 pear 1 0 peach 1 0 apple 1 0 apple 1 0 pear 1 0"

// State belongs to a key.
func TestValueByKey(t *testing.T) {
	eachRun(t, func(t *testing.T, o local.Options) {
		got := runState(t, marks(fruit), window.Global(), o, &counting{})
		equalRows(t, got, "apple: 1", "pear: 1", "peach: 1", "apple: 2", "apple: 3", "pear: 2")
	})
}

// State belongs to a key and a window: a row in several windows counts in each.
func TestValueByWindow(t *testing.T) {
	rows := marks("m 1 990 m 1 1990 m 1 2990 m 2 3990 m 2 4990 m 3 5990 m 4 6990 m 4 7990 m 4 8990 m 4 9990")
	eachRun(t, func(t *testing.T, o local.Options) {
		got := runState(t, rows, window.Fixed(3*time.Second), o, &counting{})
		equalRows(t, got, "m: 1", "m: 2", "m: 3", "m: 1", "m: 2", "m: 3", "m: 1", "m: 2", "m: 3", "m: 1")
		got = runState(t, rows[:3], window.Sliding(3*time.Second, time.Second), o, &counting{})
		equalRows(t, got, "m: 1", "m: 1", "m: 1", "m: 1", "m: 1", "m: 2", "m: 2", "m: 2", "m: 3")
	})
}

// clearing clears its cell where it is set.
type clearing struct{ N state.Value[int64] }

func (c *clearing) Process(_ *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	n, ok := c.N.Read()
	if ok {
		c.N.Clear()
	} else {
		c.N.Write(1)
	}
	emit(fmt.Sprintf("%s: %d,%t", in.Key, n, ok))
	return nil
}

// A cleared value is as one that was never written.
func TestValueClear(t *testing.T) {
	eachRun(t, func(t *testing.T, o local.Options) {
		got := runState(t, marks(fruit+" pear 1 0 apple 1 0"), window.Global(), o, &clearing{})
		equalRows(t, got, "apple: 0,false", "pear: 0,false", "peach: 0,false", "apple: 1,true", "apple: 0,false", "pear: 1,true", "pear: 0,false", "apple: 1,true")
	})
}

// bags appends before and after it reads, and clears at a sum of three.
type bags struct {
	Bag   state.List[int64]
	blind bool
}

func (b *bags) Process(_ *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	if b.blind {
		b.Bag.Append(1)
	}
	sum := int64(0)
	for _, n := range b.Bag.Read() {
		sum += n
	}
	b.Bag.Append(1)
	if sum == 3 && !b.blind {
		b.Bag.Clear()
	}
	emit(fmt.Sprintf("%s: %d", in.Key, sum))
	return nil
}

// A list keeps what is appended, and a read sees what the same call has written.
func TestList(t *testing.T) {
	long := "apple 1 0 pear 1 0 apple 1 0 apple 1 0 pear 1 0 apple 1 0 apple 1 0 pear 1 0 pear 1 0 pear 1 0 apple 1 0 pear 1 0"
	eachRun(t, func(t *testing.T, o local.Options) {
		equalRows(t, runState(t, marks(long), window.Global(), o, &bags{}),
			"apple: 0", "pear: 0", "apple: 1", "apple: 2", "pear: 1", "apple: 3", "apple: 0", "pear: 2", "pear: 3", "pear: 0", "apple: 1", "pear: 1")
		equalRows(t, runState(t, marks(fruit), window.Global(), o, &bags{blind: true}),
			"apple: 1", "pear: 1", "peach: 1", "apple: 3", "apple: 5", "pear: 3")
	})
}

// atEnd sets one timer to the last moment of its window, for each row.
type atEnd struct {
	User state.Key[string]
	End  state.EventTimer
}

func (a *atEnd) Process(c *leat.Context, in keyedMark, emit leat.Emit[string]) error {
	_, end, _ := c.Window()
	a.End.Set(end.Add(-time.Microsecond))
	emit(fmt.Sprintf("%s:%d", in.Key, in.Value.V+5000))
	return nil
}

func (a *atEnd) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	at, ok := a.End.Fired()
	emit(fmt.Sprintf("%s:timer %t %t", a.User.Get(), ok, at.Equal(c.Time())))
	return nil
}

// Setting a timer again replaces it, so it fires once.
func TestTimerAtEndOfWindow(t *testing.T) {
	eachRun(t, func(t *testing.T, o local.Options) {
		got := runState(t, marks("a 0 0 a 1 0 a 2 0 b 0 0"), window.Fixed(time.Second), o, &atEnd{})
		equalRows(t, got, "a:5000", "a:5001", "a:5002", "b:5000", "a:timer true true", "b:timer true true")
	})
}

// looping ticks as often as its value says, every ten milliseconds.
type looping struct {
	Left state.Value[int64]
	Tick state.EventTimer
}

func (l *looping) Process(_ *leat.Context, in keyedMark, _ leat.Emit[string]) error {
	l.Left.Write(in.Value.V)
	l.Tick.Set(milli(10))
	return nil
}

func (l *looping) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("tick @%d", c.Time().UnixMilli()))
	left := l.Left.Get() - 1
	l.Left.Write(left)
	if left > 0 {
		l.Tick.Set(c.Time().Add(10 * time.Millisecond))
	}
	return nil
}

// A timer set inside a timer fires, on both plans.
func TestLoopingTimer(t *testing.T) {
	eachRun(t, func(t *testing.T, o local.Options) {
		got := runState(t, marks("k 3 1"), window.Global(), o, &looping{})
		equalRows(t, got, "tick @10", "tick @20", "tick @30")
	})
}

// misusing does with its timer what the text says.
type misusing struct {
	At   state.EventTimer
	what string
}

func (f *misusing) Process(c *leat.Context, in keyedMark, _ leat.Emit[string]) error {
	switch f.what {
	case "after its window":
		f.At.Set(c.Time().Add(time.Minute))
	case "output before the row":
		f.At.SetWithOutput(c.Time(), c.Time().Add(-time.Millisecond))
	case "out of range":
		f.At.Set(time.Unix(1<<60, 0))
	default:
		f.At.Set(c.Time())
	}
	return nil
}

func (f *misusing) OnTimer(*leat.Context, leat.Emit[string]) error {
	if f.what == "panic" {
		panic("oh")
	}
	return errors.New("no")
}

// What goes wrong with a timer says what, in which step, and for which key.
func TestTimerFailures(t *testing.T) {
	for what, want := range map[string][]string{
		"after its window":      {`step "state"`, "timer At is set to 1970-01-01T00:01:00.007Z, but the state of its window goes at 1970-01-01T00:00:01Z", `row: {Key: "k"`},
		"output before the row": {`step "state"`, "1970-01-01T00:00:00.006Z", "before the time 1970-01-01T00:00:00.007Z"},
		"out of range":          {`step "state"`, "out of the range of event time"},
		"panic":                 {`step "state"`, "timer At of key k: the function panicked: oh", "OnTimer"},
		"error":                 {`step "state"`, "timer At of key k: no"},
	} {
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			p := &leat.Pipeline{}
			in := leat.Read(p, "marks", memory.Source[mark]{Rows: marks("k 1 7")}, leat.EventTimeField(func(m *mark) *time.Time { return &m.At }, watermark.Disorder(0)))
			byKey := leat.KeyBy(leat.Window(in, window.Fixed(time.Second)), "by-key", field.Of(func(m *mark) *string { return &m.K }))
			leat.Write(leat.ParDo(byKey, "state", &misusing{what: what}), "out", &memory.Collector[string]{})
			_, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2})
			for _, part := range want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s, %s plan: got %v, want it to say %s", what, plan, err, part)
				}
			}
		}
	}
}

// hoarding keeps every value of a key.
type hoarding struct{ All state.List[string] }

func (h *hoarding) Process(_ *leat.Context, in keyedMark, _ leat.Emit[string]) error {
	h.All.Append(strings.Repeat("x", 1000))
	return nil
}

// State counts against the memory budget, and the error names the step. A batch plan
// holds that of one key group at a time.
func TestStateInBudget(t *testing.T) {
	run := func(plan local.Plan, keys int) error {
		p := &leat.Pipeline{}
		rows := make([]mark, 50_000)
		for i := range rows {
			rows[i].K = fmt.Sprint(i % keys)
		}
		byKey := leat.KeyBy(leat.Read[mark](p, "marks", memory.Of(rows...)), "by-key", field.Of(func(m *mark) *string { return &m.K }))
		leat.Write(leat.ParDo(byKey, "hoard", &hoarding{}), "out", &memory.Collector[string]{})
		_, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2, Memory: 16 << 20, SpillDir: t.TempDir()})
		return err
	}
	if err := run(local.Batch, 50); err != nil {
		t.Errorf("1 MB of state a key in a budget of 16 MB gave %v", err)
	}
	for plan, keys := range map[local.Plan]int{local.Streaming: 50, local.Batch: 1} {
		if err := run(plan, keys); err == nil || !strings.Contains(err.Error(), `step "hoard"`) || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%s plan: 50 MB of state in a budget of 16 MB gave %v", plan, err)
		}
	}
}
