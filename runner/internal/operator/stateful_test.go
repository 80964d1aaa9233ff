package operator

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/state"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// programRow is a row with what to do: words as in flink.json, et:10 or add:3.
type programRow struct {
	Key  string
	Prog string
	At   time.Time
}

type keyedProgram = leat.KV[string, programRow]

// statefulRun drives the operator of a stateful function event by event, and keeps
// what comes out, as "value @µs" and, for watermarks that pass, "watermark µs".
type statefulRun struct {
	t        *testing.T
	op       Operator
	rows     *codec.Codec[keyedProgram]
	counters Counters
	out      []string
	passed   int64
}

func newStatefulRun(t *testing.T, w window.Fn, fn leat.DoFn[keyedProgram, string]) *statefulRun {
	t.Helper()
	p := &leat.Pipeline{}
	in := leat.Read(p, "in", memory.Of[programRow](), leat.EventTimeField(func(r *programRow) *time.Time { return &r.At }, watermark.Disorder(0)))
	byKey := leat.KeyBy(leat.Window(in, w), "by-key", field.Of(func(r *programRow) *string { return &r.Key }))
	leat.Write(leat.ParDo(byKey, "state", fn), "out", &memory.Collector[string]{})
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	r := &statefulRun{t: t, passed: batch.MinTime}
	if r.rows, err = codec.For[keyedProgram](); err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		if op, ok := n.Op.(*graph.Stateful); ok {
			r.op, err = NewStateful(Stateful{Op: op, Windowing: n.Inputs[0].Windowing()}, 0, &r.counters)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.check(r.op.Close()) })
	return r
}

func (r *statefulRun) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *statefulRun) emit(_ int, b *batch.Batch) error {
	for i := range b.Len() {
		row := b.Row(i)
		line := fmt.Sprintf("%s @%d", b.Root.Text(row), b.TimeAt(row))
		if b.Start != nil {
			line += fmt.Sprintf(" [%d,%d)", b.Start[row], b.End[row])
		}
		r.out = append(r.out, line)
	}
	return nil
}

// element processes one row, at so many µs.
func (r *statefulRun) element(key, prog string, at int64) {
	r.t.Helper()
	e := r.rows.NewEncoder()
	r.check(e.Append([]keyedProgram{{Key: key, Value: programRow{key, prog, time.UnixMicro(at)}}}))
	r.check(r.op.Process(r.t.Context(), &batch.Batch{Root: e.Finish(), Time: []int64{at}}, r.emit))
}

func (r *statefulRun) watermark(w int64) {
	r.t.Helper()
	r.check(r.op.Watermark(r.t.Context(), w, r.emit))
	r.pass(w)
}

// pass notes the watermark behind the operator, when it rises.
func (r *statefulRun) pass(w int64) {
	if w = min(w, r.op.(Delaying).Hold()); w > r.passed {
		r.passed = w
		r.out = append(r.out, fmt.Sprint("watermark ", w))
	}
}

func (r *statefulRun) clock(now int64) {
	r.t.Helper()
	r.check(r.op.(Timed).ProcessingTime(r.t.Context(), now, r.emit))
	if due := r.op.(Timed).Due(); due <= now && now < batch.MaxTime {
		r.t.Fatalf("behind ProcessingTime(%d) the operator is due at %d", now, due)
	}
}

// end ends the input as a link does.
func (r *statefulRun) end() {
	r.t.Helper()
	r.clock(batch.MaxTime)
	r.check(r.op.End(r.t.Context(), r.emit))
}

// take returns what has come out since the last call.
func (r *statefulRun) take() []string {
	out := r.out
	r.out = nil
	return out
}

func (r *statefulRun) expect(what string, want ...string) {
	r.t.Helper()
	if got := r.take(); !slices.Equal(got, want) {
		r.t.Errorf("%s: got  %q\nwant %q", what, got, want)
	}
}

// program runs the words of rows, and those for each timer.
type program struct {
	Key     state.Key[string]
	Sum     state.Value[int64]
	Event   state.EventTimers
	Machine state.ProcessingTimers
	onTimer map[string]string
}

func (p *program) Process(_ *leat.Context, in keyedProgram, emit leat.Emit[string]) error {
	return p.run(in.Value.Prog, emit)
}

func (p *program) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	domain, tag, at, ok := "event", "", time.Time{}, false
	if tag, at, ok = p.Event.Fired(); !ok {
		domain = "processing"
		tag, at, _ = p.Machine.Fired()
	}
	sum := "null"
	if n, ok := p.Sum.Read(); ok {
		sum = fmt.Sprint(n)
	}
	emit(fmt.Sprintf("timer %d %s key %s state %s watermark %s", at.UnixMilli(), domain, p.Key.Get(), sum, flinkWatermark(c.Watermark())))
	return p.run(p.onTimer[tag], emit)
}

func (p *program) run(words string, emit leat.Emit[string]) error {
	for _, w := range strings.Fields(words) {
		op, arg, _ := strings.Cut(w, ":")
		n, _ := strconv.ParseInt(arg, 10, 64)
		switch op {
		case "et":
			p.Event.Set(arg, flinkTimer(n))
		case "pt":
			p.Machine.Set(arg, time.UnixMilli(n))
		case "del_et":
			p.Event.Clear(arg)
		case "add":
			p.Sum.Write(p.Sum.Get() + n)
		case "emit":
			emit(arg)
		default:
			return fmt.Errorf("%s is unknown", w)
		}
	}
	return nil
}

// flinkTimer is a timer in ms there: it fires at a watermark that says there is no
// more of that ms, which is one that has reached the last µs of it here.
func flinkTimer(ms int64) time.Time { return time.UnixMicro(ms*1000 + 999) }

// flinkWatermark is what a watermark here is called there: the last ms that is over.
func flinkWatermark(w time.Time) string {
	switch {
	case w.IsZero():
		return "MIN"
	case w.UnixMicro() == batch.MaxTime:
		return "MAX"
	}
	return fmt.Sprint(w.UnixMilli() - 1)
}

// timerDifferences are the cases in which Leat is different on purpose: what it does
// instead, and why.
var timerDifferences = map[string]struct {
	reason string
	want   []string
}{
	"timer_in_the_past_fires_on_next_watermark": {"a timer set to a time that has been reached fires when the call returns, as in the Beam model: who sets it need not wait for other rows",
		[]string{"0 watermark 100", "1 timer 50 event key k state null watermark 100 @50", "2 watermark 101"}},
	"processing_timers_not_fired_by_end_of_input": {"what waits for the clock when the input ends fires once, so that nothing is lost without a word, and the same on both plans; until then the watermark is held at the row that has set it",
		[]string{"2 timer 1000 event key k state null watermark MAX @1000", "2 watermark -1", "3 timer 1000 processing key k state null watermark MAX @0"}},
	"timers_restored_from_checkpoint": {"what a processing timer puts out has the time of the row that has set it, as in the Beam model, instead of none, and holds the watermark",
		[]string{"3 timer 10 event key k state 3 watermark 10 @10", "3 watermark -1", "4 timer 50 processing key k state 3 watermark 10 @0", "4 watermark 10"}},
}

// Timers do what Flink's operator does, but for the differences that are listed.
func TestFlinkTimers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "local", "testdata", "conformance", "flink.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []json.RawMessage
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, raw := range cases {
		var kind struct{ Kind string }
		if err := json.Unmarshal(raw, &kind); err != nil || kind.Kind != "timers" {
			continue // of another shape
		}
		var c flinkCase
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			want := c.want(t)
			if d, ok := timerDifferences[c.Name]; ok {
				if slices.Equal(d.want, want) {
					t.Errorf("there is no difference any more (%s)", d.reason)
				}
				want = d.want
			}
			if got := c.run(t); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
	if ran != 7 {
		t.Errorf("%d cases were found, there should be 7", ran)
	}
}

type flinkCase struct {
	Name   string
	Config struct {
		OnTimer map[string]string `json:"on_timer"`
	}
	Events []struct {
		Op, Key, Prog string
		TS            json.RawMessage
	}
	Expected []struct {
		After int
		Type  string
		TS    json.RawMessage
		Value struct {
			Timer       int64
			Domain, Key string
			State       *int64
			Watermark   json.RawMessage
		}
	}
}

func (c *flinkCase) want(t *testing.T) (want []string) {
	t.Helper()
	plain := func(raw json.RawMessage) string { return strings.Trim(string(raw), `"`) }
	for _, e := range c.Expected {
		if e.Type == "watermark" {
			want = append(want, fmt.Sprintf("%d watermark %s", e.After, plain(e.TS)))
			continue
		}
		sum := "null"
		if e.Value.State != nil {
			sum = fmt.Sprint(*e.Value.State)
		}
		want = append(want, fmt.Sprintf("%d timer %d %s key %s state %s watermark %s @%s", e.After, e.Value.Timer, e.Value.Domain, e.Value.Key, sum, plain(e.Value.Watermark), plain(e.TS)))
	}
	return want
}

func (c *flinkCase) run(t *testing.T) (got []string) {
	r := newStatefulRun(t, window.Global(), &program{onTimer: c.Config.OnTimer})
	for i, e := range c.Events {
		ts, err := strconv.ParseInt(string(e.TS), 10, 64)
		if err != nil {
			ts = batch.MaxTime/1000 - 1
		}
		switch e.Op {
		case "element":
			r.element(e.Key, e.Prog, ts*1000)
		case "watermark":
			w := min((ts+1)*1000, batch.MaxTime)
			if string(e.TS) == `"MAX"` {
				w = batch.MaxTime
			}
			r.watermark(w)
		case "processing_time":
			r.clock(ts * 1000)
			r.pass(r.op.(*stateful).watermark)
		case "end_input":
			r.end()
		case "checkpoint", "restore": // an operator that goes on is as one that was restored
		default:
			t.Fatalf("event %s is unknown", e.Op)
		}
		for _, line := range r.take() {
			got = append(got, fmt.Sprintf("%d %s", i, inMillis(line)))
		}
	}
	return got
}

// inMillis renders times of a line as Flink does.
func inMillis(line string) string {
	if w, ok := strings.CutPrefix(line, "watermark "); ok {
		us, _ := strconv.ParseInt(w, 10, 64)
		return "watermark " + flinkWatermark(time.UnixMicro(us))
	}
	at := strings.LastIndex(line, "@")
	us, _ := strconv.ParseInt(line[at+1:], 10, 64)
	return fmt.Sprintf("%s@%d", line[:at], us/1000)
}

// alarms does with its timers what rows say; "hold:at,output" sets one with an output
// time, "end" the end of the window.
type alarms struct {
	Key   state.Key[string]
	Seen  state.List[string]
	At    state.EventTimer
	Other state.EventTimer
	Clock state.ProcessingTimer
}

func (f *alarms) Process(c *leat.Context, in keyedProgram, emit leat.Emit[string]) error {
	op, arg, _ := strings.Cut(in.Value.Prog, ":")
	var at, output int64
	fmt.Sscanf(arg, "%d,%d", &at, &output)
	switch op {
	case "at":
		f.At.Set(time.UnixMicro(at))
	case "other":
		f.Other.Set(time.UnixMicro(at))
	case "hold":
		f.At.SetWithOutput(time.UnixMicro(at), time.UnixMicro(output))
	case "clear":
		f.At.Clear()
	case "in": // so much from now
		f.Clock.Set(c.ProcessingTime().Add(time.Duration(at) * time.Microsecond))
	}
	f.Seen.Append(in.Value.Prog)
	emit(in.Value.Prog)
	return nil
}

func (f *alarms) OnTimer(c *leat.Context, emit leat.Emit[string]) error {
	what := "clock"
	if _, ok := f.At.Fired(); ok {
		what = "at"
	} else if _, ok := f.Other.Fired(); ok {
		what = "other"
	}
	emit(fmt.Sprintf("%s of %s, seen %d", what, f.Key.Get(), len(f.Seen.Read())))
	return nil
}

func (f *alarms) OnExpiry(c *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("expiry of %s, seen %d", f.Key.Get(), len(f.Seen.Read())))
	return nil
}

// A timer that is set again to a later or an earlier time fires once, at that; one
// that is cleared not at all.
func TestTimerSetAgain(t *testing.T) {
	r := newStatefulRun(t, window.Global(), &alarms{})
	r.element("a", "at:100", 1)
	r.watermark(50)
	r.element("a", "at:200", 50)
	r.element("b", "at:120", 50)
	r.element("c", "at:110", 50)
	r.element("c", "clear", 50)
	r.element("b", "at:100", 60)
	r.take()
	r.watermark(99)
	r.expect("before", "watermark 99")
	r.watermark(100)
	r.expect("b", "at of b, seen 2 @100", "watermark 100")
	r.watermark(199)
	r.expect("none", "watermark 199")
	r.watermark(200)
	r.expect("a", "at of a, seen 2 @200", "watermark 200")
	r.end()
	r.expect("end", "expiry of a, seen 2 @2305843009213693950", "expiry of b, seen 2 @2305843009213693950", "expiry of c, seen 2 @2305843009213693950")
}

// Timers of one time fire in the order of keys, whatever the order in which they
// were set, and those of a key in the order of the fields.
func TestTimersOfOneTime(t *testing.T) {
	r := newStatefulRun(t, window.Global(), &alarms{})
	for _, key := range []string{"m", "z", "a"} {
		r.element(key, "other:10", 1)
		r.element(key, "at:10", 1)
	}
	r.take()
	r.watermark(11)
	r.expect("fired", "at of a, seen 2 @10", "at of m, seen 2 @10", "at of z, seen 2 @10", "other of a, seen 2 @10", "other of m, seen 2 @10", "other of z, seen 2 @10", "watermark 11")
}

// An output time before that of the timer holds the watermark, until it has fired or
// was cleared or set again.
func TestTimerHoldsWatermark(t *testing.T) {
	r := newStatefulRun(t, window.Global(), &alarms{})
	r.element("a", "hold:1000,500", 1)
	r.element("b", "hold:1100,700", 1)
	r.element("c", "hold:2000,600", 1)
	r.take()
	r.watermark(900)
	r.expect("held", "watermark 500")
	r.watermark(1000)
	r.expect("a has fired", "at of a, seen 1 @500", "watermark 600")
	r.element("c", "at:2000", 1000)
	r.pass(1000)
	r.expect("c was set again", "at:2000 @1000", "watermark 700")
	r.element("b", "clear", 1000)
	r.pass(1000)
	r.expect("b was cleared", "clear @1000", "watermark 1000")
}

// State goes at the end of the window: OnExpiry sees it, later rows are dropped and
// counted, and those of other windows are not.
func TestExpiryOfWindows(t *testing.T) {
	r := newStatefulRun(t, window.Fixed(100*time.Microsecond), &alarms{})
	r.element("b", "at:99", 10)
	r.element("a", "", 20)
	r.element("a", "", 120)
	r.watermark(99)
	r.element("a", "", 30) // behind the watermark, but its window is open
	r.take()
	r.watermark(100)
	r.expect("first", "expiry of a, seen 2 @99 [0,100)", "expiry of b, seen 1 @99 [0,100)", "watermark 100")
	r.element("a", "", 50)
	r.expect("late")
	if r.counters.Dropped != 1 {
		t.Errorf("%d rows were dropped, not 1", r.counters.Dropped)
	}
	r.end()
	r.expect("second", "expiry of a, seen 1 @199 [100,200)")
}

// A processing timer fires when the clock gets there; its output has the time of the
// row that has set it, and holds the watermark there.
func TestProcessingTimer(t *testing.T) {
	r := newStatefulRun(t, window.Global(), &alarms{})
	r.clock(1000)
	r.element("a", "in:500", 7)
	r.element("b", "in:600", 9)
	r.watermark(100)
	r.take()
	r.clock(1499)
	r.expect("not yet")
	if due := r.op.(Timed).Due(); due != 1500 {
		t.Errorf("due at %d, not 1500", due)
	}
	r.clock(1500)
	r.expect("a", "clock of a, seen 1 @7")
	r.pass(100)
	r.expect("held by b", "watermark 9")
	r.end()
	r.expect("b at the end", "clock of b, seen 1 @9", "expiry of a, seen 1 @2305843009213693950", "expiry of b, seen 1 @2305843009213693950")
}

// sortedSeen says what it has seen before, in sorted input.
type sortedSeen struct {
	state.TimeSorted
	Seen state.List[string]
	Idle state.EventTimer
}

func (s *sortedSeen) Process(c *leat.Context, in keyedProgram, emit leat.Emit[string]) error {
	s.Seen.Append(in.Value.Prog)
	emit(strings.Join(s.Seen.Read(), " "))
	s.Idle.Set(c.Time().Add(10 * time.Microsecond))
	return nil
}

func (s *sortedSeen) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit("idle after " + strings.Join(s.Seen.Read(), " "))
	s.Seen.Clear()
	return nil
}

// With sorted input rows of a key come in the order of time and then of canonical
// bytes, and timers in their place between them, wherever the watermark is.
func TestSortedInput(t *testing.T) {
	want := []string{"z1 @1", "z1 y5 @5", "z1 y5 a9 @9", "z1 y5 a9 b9 @9", "idle after z1 y5 a9 b9 @19", "c19 @19", "idle after c19 @29", "d40 @40", "idle after d40 @50"}
	elements := []struct {
		prog string
		at   int64
	}{{"d40", 40}, {"b9", 9}, {"z1", 1}, {"c19", 19}, {"a9", 9}, {"y5", 5}}
	for _, watermarks := range [][]int64{nil, {1}, {2, 6, 19, 20, 100}, {9, 10, 29}, {60}} {
		r := newStatefulRun(t, window.Global(), &sortedSeen{})
		for _, e := range elements {
			r.element("k", e.prog, e.at)
		}
		for _, w := range watermarks {
			r.watermark(w)
		}
		r.end()
		got := slices.DeleteFunc(r.take(), func(s string) bool { return strings.HasPrefix(s, "watermark") })
		if !slices.Equal(got, want) {
			t.Errorf("watermarks %v: got  %q\nwant %q", watermarks, got, want)
		}
	}
	r := newStatefulRun(t, window.Global(), &sortedSeen{})
	r.watermark(10)
	r.element("k", "late", 9)
	r.element("k", "on time", 10)
	r.take()
	r.end()
	if r.expect("late", "on time @10", "idle after on time @20"); r.counters.Dropped != 1 {
		t.Errorf("%d rows were dropped, not 1", r.counters.Dropped)
	}
}

// mortal counts the rows of a key, in cells that age.
type mortal struct {
	Hour  state.Value[int64] `leat:",ttl=1h"`
	Names state.Set[string]  `leat:"names,ttl=10s,processing"`
	Clock state.ProcessingTimer
}

func (m *mortal) OnTimer(_ *leat.Context, emit leat.Emit[string]) error {
	emit(fmt.Sprintf("timer, %d%v", m.Hour.Get(), m.Names.Values()))
	return nil
}

func (m *mortal) Process(c *leat.Context, in keyedProgram, emit leat.Emit[string]) error {
	m.Hour.Write(m.Hour.Get() + 1)
	m.Names.Add(in.Value.Prog)
	if in.Value.Prog == "clock" {
		m.Clock.Set(c.ProcessingTime().Add(24 * time.Hour))
	}
	emit(fmt.Sprintf("%d%v", m.Hour.Get(), m.Names.Values()))
	return nil
}

// A cell with a time to live is empty when that has gone by since the last write, in
// the time of the rows or of the clock.
func TestTimeToLive(t *testing.T) {
	hour := time.Hour.Microseconds()
	r := newStatefulRun(t, window.Global(), &mortal{})
	r.clock(0)
	r.element("a", "x", 0)
	r.element("a", "y", hour-1)
	r.element("a", "x", 2*hour-2)
	r.expect("every write counts", "1[x] @0", fmt.Sprintf("2[x y] @%d", hour-1), fmt.Sprintf("3[x y] @%d", 2*hour-2))
	r.element("a", "z", 3*hour-2)
	r.element("a", "z", hour) // behind, where the cell is alive
	r.element("a", "z", 4*hour-3)
	r.expect("an hour is over, and a row that comes late does not shorten it", fmt.Sprintf("1[x y z] @%d", 3*hour-2), fmt.Sprintf("2[x y z] @%d", hour), fmt.Sprintf("3[x y z] @%d", 4*hour-3))
	r.clock(10_000_000)
	r.element("a", "w", hour)
	r.expect("ten seconds are over", fmt.Sprintf("4[w] @%d", hour))
	r.element("a", "clock", hour)
	r.take()
	r.clock(30 * hour)
	r.expect("the clock is not event time", fmt.Sprintf("timer, 5[] @%d", hour))
}

// Keys without state are forgotten, so that a stream of ever new keys takes no more
// memory than those that are alive.
func TestKeysWithoutStateAreForgotten(t *testing.T) {
	const keys = 10_000
	minute := time.Minute.Microseconds()
	for name, fn := range map[string]leat.DoFn[keyedProgram, string]{"cells age": &mortal{}, "cells are cleared": &onceCleared{}} {
		r := newStatefulRun(t, window.Global(), fn)
		for i := range int64(keys) {
			r.clock(i * minute / 10)
			r.element(fmt.Sprint(i), "", i*minute/10) // ten a minute: 600 are alive
			if i%10 == 0 {
				r.watermark(i * minute / 10)
			}
			r.out = nil
		}
		o := r.op.(*stateful)
		if live := o.keys.Live(); live > 4*keysFew || o.SizeBytes() > 4<<20 {
			t.Errorf("%s: %d keys are live, %d bytes", name, live, o.SizeBytes())
		}
	}
}

// onceCleared clears its cell with a timer.
type onceCleared struct {
	N  state.Value[int64]
	At state.EventTimer
}

func (f *onceCleared) Process(c *leat.Context, _ keyedProgram, _ leat.Emit[string]) error {
	f.N.Write(1)
	f.At.Set(c.Time().Add(time.Minute))
	return nil
}

func (f *onceCleared) OnTimer(*leat.Context, leat.Emit[string]) error {
	f.N.Clear()
	return nil
}

// Behind each key group of a batch plan time comes to its end for the keys so far,
// and their state goes: what is held does not grow with the number of groups.
func TestStateGoesWithItsKeyGroup(t *testing.T) {
	r := newStatefulRun(t, window.Global(), &alarms{})
	o := r.op.(*stateful)
	o.Bounded = true
	var first int64
	for group := range 50 {
		for key := range 100 {
			r.element(fmt.Sprintf("%d of %d", key, group), "at:1000", 1)
		}
		r.element("a", "in:5", 7)
		r.check(o.EndKeyGroup(t.Context(), r.emit))
		fired := r.take()
		if len(fired) != 101+100+1+101 || fired[101] != "clock of a, seen 1 @7" || !strings.HasPrefix(fired[102], "at of 0 of") || !strings.HasPrefix(fired[202], "expiry of 0 of") {
			t.Fatalf("%d rows: %q", len(fired), fired)
		}
		if o.keys.Live() != 0 || o.timers.Len() != 0 {
			t.Fatalf("%d keys and %d timers are left", o.keys.Live(), o.timers.Len())
		}
		if size := o.SizeBytes(); group == 0 {
			first = size
		} else if size > first+first/4 {
			t.Fatalf("%d bytes are held after %d key groups, %d after the first", size, group+1, first)
		}
	}
}

// sortedAlarms is alarms with sorted input.
type sortedAlarms struct {
	state.TimeSorted
	alarms
}

// Rows that wait to be sorted when the input ends set timers of the clock, too, which
// fire before event time goes to its end.
func TestProcessingTimerOfSortedInput(t *testing.T) {
	r := newStatefulRun(t, window.Global(), &sortedAlarms{})
	r.element("a", "at:90", 8)
	r.element("a", "in:5", 7)
	r.end()
	r.expect("end", "in:5 @7", "at:90 @8", "clock of a, seen 2 @7", "at of a, seen 2 @90", "expiry of a, seen 2 @2305843009213693950")
}
