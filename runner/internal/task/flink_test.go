package task

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/graph"
	wm "github.com/leatflow/leat/sdk/watermark"
)

// differences from Flink that we mean, with what must come out instead.
var differences = map[string]struct {
	want   []string
	reason string
}{
	"channels_finished_plus_idle_jumps_to_max": {
		[]string{"1: watermark 10", "2: idle", "3: active", "4: watermark 11"},
		"a known defect of Flink (FLINK-38477): one that has finished does not count, so time goes on with the other",
	},
	"channels_resumed_channel_behind_does_not_hold_back": {
		[]string{"1: watermark 5", "2: watermark 10", "6: watermark 20", "8: watermark 25"},
		"a channel that resumes counts at once, as an input or a split does in Flink too. Left out until it has caught up, one that stays a second behind the others is left out for ever, and all that it brings is late",
	},
	"gen_idleness": {
		[]string{"0: record 100", "1: watermark 99", "2: idle", "7: active", "7: record 101", "8: watermark 100"},
		"the timeout counts from the last row and not from the second probe after it; and a source is active from its first row on, not from its next watermark, so that the watermark cannot pass the row meanwhile",
	},
}

// flinkCase is a case of flink.json, in its words.
type flinkCase struct {
	Name, Kind, Why string
	Config          struct {
		Channels int
		Strategy string
		Bound    int64
		Interval int64
		Idle     int64 `json:"idle_timeout"`
	}
	Events   []flinkEvent
	Expected []flinkOutput
	Newer    []flinkOutput `json:"expected_after_FLINK-38454_FLINK-40475"`
}

type flinkEvent struct {
	Op, Status, Split string
	Channel, Input    int
	V                 int64
	TS                flinkTime
}

type flinkOutput struct {
	After        int
	Type, Status string
	TS           flinkTime
}

// flinkTime is a time of a case in ms; its ends stand for ours.
type flinkTime int64

func (t *flinkTime) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"MAX"`:
		*t = flinkTime(batch.MaxTime)
		return nil
	case `"MIN"`:
		*t = flinkTime(batch.MinTime)
		return nil
	}
	var ms int64
	err := json.Unmarshal(text, &ms)
	*t = flinkTime(ms)
	return err
}

// watermark converts a watermark of Flink, after which no row with a time up to
// and with it comes, to ours in µs.
func (t flinkTime) watermark() int64 {
	if int64(t) == batch.MaxTime {
		return batch.MaxTime
	}
	return (int64(t) + 1) * 1000
}

func (o flinkOutput) String() string {
	switch o.Type {
	case "status":
		return fmt.Sprintf("%d: %s", o.After, o.Status)
	case "record":
		return fmt.Sprintf("%d: record %d", o.After, o.TS)
	}
	return fmt.Sprintf("%d: %s", o.After, watermarkText(o.TS.watermark()))
}

func watermarkText(w int64) string {
	if w == batch.MaxTime {
		return "watermark MAX"
	}
	return fmt.Sprintf("watermark %d", w/1000-1)
}

// The cases of Flink about watermarks and idleness, run on the inputs, links and
// readings of a task. What we mean to do otherwise is in the table above.
func TestFlinkTime(t *testing.T) {
	text, err := os.ReadFile("../../local/testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []flinkCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]func(*testing.T, flinkCase) []string{
		"input_channels": runChannels, "two_input_watermark": runInputs, "source_splits": runSplits, "watermark_generator": runGenerator,
	}
	passed, failed, seen := 0, 0, 0
	for _, c := range cases {
		run := kinds[c.Kind]
		if run == nil {
			continue
		}
		outputs := c.Expected
		if c.Newer != nil {
			outputs = c.Newer
		}
		var want []string
		for _, o := range outputs {
			want = append(want, o.String())
		}
		if d, ok := differences[c.Name]; ok {
			seen++
			if slices.Equal(want, d.want) {
				t.Errorf("%s: the table of differences says the same as Flink", c.Name)
			}
			want = d.want
		}
		if got := run(t, c); slices.Equal(got, want) {
			passed++
		} else {
			failed++
			t.Errorf("%s (%s)\n  expected %s\n  actual   %s", c.Name, c.Why, strings.Join(want, ", "), strings.Join(got, ", "))
		}
	}
	t.Logf("%d passed, %d failed; %d of them differ from Flink on purpose", passed, failed, seen)
	if passed+failed != 16 || seen != len(differences) {
		t.Errorf("%d cases and %d differences were tried", passed+failed, seen)
	}
}

// runChannels lets the events come through the channels of an exchange.
func runChannels(t *testing.T, c flinkCase) (out []string) {
	x := exchange.New("test", c.Config.Channels, 1, true, memory.NewBudget(0))
	r := NewReceiving(x.Receiver(0), nil)
	for i, e := range c.Events {
		m := exchange.Message{Kind: exchange.Watermark, Watermark: e.TS.watermark()}
		if e.Op == "status" {
			m = exchange.Message{Kind: map[string]exchange.Kind{"idle": exchange.Idle, "active": exchange.Active}[e.Status]}
		}
		r.take(e.Channel, Message{Message: m})
		for _, m := range r.waiting {
			out = append(out, describe(i, m))
		}
		r.waiting = nil
	}
	return out
}

func describe(i int, m Message) string {
	text := map[exchange.Kind]string{exchange.Idle: "idle", exchange.Active: "active", exchange.End: "watermark MAX"}[m.Kind]
	switch m.Kind {
	case exchange.Watermark:
		text = watermarkText(m.Watermark)
	case exchange.Data:
		text = fmt.Sprintf("record %d", m.Batch.Time[0]/1000)
	}
	return fmt.Sprintf("%d: %s", i, text)
}

// timer is the step of the cases with two inputs: each row sets a timer at its
// value, at which a row comes out.
type timer struct {
	at []int64
}

func (o *timer) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	o.at = append(o.at, b.Root.Ints...)
	return nil
}

func (o *timer) Watermark(_ context.Context, w int64, emit graph.Emit) error {
	slices.Sort(o.at)
	for len(o.at) > 0 && o.at[0]*1000 < w {
		b := numbers(o.at[0])
		b.Time = []int64{o.at[0] * 1000}
		o.at = o.at[1:]
		if err := emit(0, b); err != nil {
			return err
		}
	}
	return nil
}

func (o *timer) End(context.Context, graph.Emit) error { return nil }

func (o *timer) Close() error { return nil }

func numbers(n ...int64) *batch.Batch {
	return &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, n)}
}

// recording is the end of a chain: it writes down what comes.
type recording struct {
	mu    sync.Mutex
	event int
	out   []string
}

func (r *recording) texts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.out)
}

func (r *recording) add(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out = append(r.out, fmt.Sprintf("%d: %s", r.event, text))
	return nil
}

func (r *recording) process(_ context.Context, _ int, b *batch.Batch) error {
	for i := range b.Len() {
		r.add(fmt.Sprintf("record %d", b.TimeAt(b.Row(i))/1000))
	}
	return nil
}

func (r *recording) watermark(_ context.Context, _ int, w int64) error {
	return r.add(watermarkText(w))
}

func (r *recording) setIdle(context.Context, int) error { return r.add("idle") }

func (r *recording) setActive(context.Context, int) error { return r.add("active") }

func (r *recording) processingTime(_ context.Context, now int64) error {
	return r.add(fmt.Sprintf("clock %d", now))
}

func (r *recording) end(context.Context, int) error { return r.add("end") }

func (r *recording) endKeyGroup(context.Context) error { return nil }

func (r *recording) stop(context.Context, int) error { return r.add("stop") }

func (r *recording) expect(int64) {}

// linkOf returns a link around an operator, and what is behind it.
func linkOf(op operator.Operator, inputs int) (*Link, *recording) {
	l := NewLink("step", "here:1", op, inputs, 1, nil, &Counters{}, memory.NewBudget(0))
	r := &recording{}
	l.Connect(0, Edge{To: r})
	return l, r
}

// runInputs gives the events to a link with two inputs.
func runInputs(t *testing.T, c flinkCase) []string {
	l, r := linkOf(&timer{}, 2)
	for i, e := range c.Events {
		r.event = i
		var err error
		switch {
		case e.Op == "element":
			err = l.process(t.Context(), e.Input, numbers(e.V))
		case e.Status == "idle":
			err = l.setIdle(t.Context(), e.Input)
		case e.Status == "active":
			err = l.setActive(t.Context(), e.Input)
		default:
			err = l.watermark(t.Context(), e.Input, e.TS.watermark())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return r.out
}

// runSplits gives the events to a set of splits. It speaks when Flink's does: at a
// watermark and at the periodic event.
func runSplits(t *testing.T, c flinkCase) (out []string) {
	splits, set, said := map[string]int{}, watermark.NewOpenCombiner(), batch.MinTime
	for i, e := range c.Events {
		switch e.Op {
		case "add_split":
			splits[e.Split] = set.Add()
			continue
		case "remove_split":
			set.Finish(splits[e.Split])
			continue
		case "watermark":
			set.Advance(splits[e.Split], e.TS.watermark())
		case "periodic":
		default:
			t.Fatalf("event %s", e.Op)
		}
		if set.Current() > said {
			said = set.Current()
			out = append(out, fmt.Sprintf("%d: %s", i, watermarkText(said)))
		}
	}
	return out
}

// played is a scripted source of the events of a generator case.
type played struct {
	events []flinkEvent
	now    int64 // ms
	at     int   // the event under way
}

func (p *played) String() string                                                   { return "played" }
func (p *played) Bounded() bool                                                    { return false }
func (p *played) Scripted() bool                                                   { return true }
func (p *played) Validate(*batch.Type) error                                       { return nil }
func (p *played) Open(context.Context, connector.Request) (connector.Input, error) { return p, nil }
func (p *played) Splits() []connector.Split                                        { return []connector.Split{{Name: "played"}} }
func (p *played) Close() error                                                     { return nil }

func (p *played) Reader(context.Context, connector.Split) (connector.Reader, error) { return p, nil }

func (p *played) Read(context.Context) (*batch.Batch, error) { return nil, io.EOF }

func (p *played) ReadEvent(context.Context) (connector.Event, error) {
	p.at++
	if p.at == len(p.events) {
		return connector.Event{}, io.EOF
	}
	switch e := p.events[p.at]; e.Op {
	case "element":
		b := numbers(e.V)
		b.Time = []int64{e.V * 1000}
		return connector.Event{Batch: b}, nil
	case "processing_time":
		d := int64(e.TS) - p.now
		p.now = int64(e.TS)
		return connector.Event{Kind: connector.Advance, Time: d * 1000}, nil
	case "watermark":
		return connector.Event{}, io.EOF
	}
	return connector.Event{}, fmt.Errorf("event %s", p.events[p.at].Op)
}

// runGenerator reads the events with a generator.
func runGenerator(t *testing.T, c flinkCase) (out []string) {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	g := map[string]wm.Generator{"bounded": wm.Disorder(ms(c.Config.Bound)), "monotonous": wm.Monotone(), "none": wm.None()}[c.Config.Strategy]
	if c.Config.Interval > 0 {
		g = g.Every(ms(c.Config.Interval))
	}
	if c.Config.Idle > 0 {
		g = g.IdleAfter(ms(c.Config.Idle))
	}
	p := &played{events: c.Events, at: -1}
	node := &graph.Node{Name: "read", Op: &graph.Read{Source: p, EventTime: graph.EventTime{Generator: g}}}
	script := NewScript()
	source := NewSource(node, p, true, &SourceCounters{})
	source.Script, source.Now = script, script.Now
	r := NewReadingOf(source, p.Splits())
	for {
		m, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == exchange.End && c.Events[len(c.Events)-1].Op != "watermark" {
			return out // Flink's source does not end in the other cases
		}
		if m.Kind != exchange.ProcessingTime {
			out = append(out, describe(p.at, m))
		}
		script.Done()
		if m.Kind == exchange.End {
			return out
		}
	}
}
