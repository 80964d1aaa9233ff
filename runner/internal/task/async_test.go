package task

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/internal/exchange"
	budget "github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
	"github.com/leatflow/leat/sdk/leat"
)

// asyncCase is a case of kind async of testdata/conformance/flink.json: what comes
// to the operator, and after which of it what must have happened. Times are in ms,
// and a watermark T of Flink says that no more rows ≤ T will come.
type asyncCase struct {
	Name   string `json:"name"`
	Config struct {
		Mode      string `json:"mode"`
		Capacity  int    `json:"capacity"`
		Timeout   int64  `json:"timeout"`
		OnTimeout string `json:"on_timeout"`
	} `json:"config"`
	Events []struct {
		Op      string   `json:"op"`
		V       int64    `json:"v"`
		TS      int64    `json:"ts"`
		Results []string `json:"results"`
	} `json:"events"`
	Expected []struct {
		After  *int   `json:"after"`
		Type   string `json:"type"`
		Value  any    `json:"value"`
		TS     int64  `json:"ts"`
		Status string `json:"status"`
	} `json:"expected"`
}

// asyncDifferences are cases in which Leat does something else, on purpose.
var asyncDifferences = map[string]struct {
	why  string
	want []string
}{
	"async_idle_status_overtakes_in_flight": {
		why:  "idleness that overtakes rows lets the next steps go on without them, and the watermark that follows them is lost",
		want: []string{"0 invoke 1", "3 record a @1", "3 watermark 5", "3 idle"},
	},
}

// want lists what a case expects, a line each.
func (c *asyncCase) want() (lines []string) {
	if d, there := asyncDifferences[c.Name]; there {
		return d.want
	}
	for _, e := range c.Expected {
		after := len(c.Events) - 1
		if e.After != nil {
			after = *e.After
		}
		line := fmt.Sprint(after, " ", e.Type)
		switch e.Type {
		case "invoke", "timeout_called":
			line += fmt.Sprint(" ", e.Value)
		case "record":
			line += fmt.Sprint(" ", e.Value, " @", e.TS)
		case "watermark":
			line += fmt.Sprint(" ", e.TS)
		case "status":
			line = fmt.Sprint(after, " ", e.Status)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAsyncConformance(t *testing.T) {
	// Flink's cases of its asynchronous operator hold for ours, but for the named
	// differences.
	text, err := os.ReadFile("../../local/testdata/conformance/flink.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []json.RawMessage // of several formats
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, text := range all {
		if !bytes.Contains(text, []byte(`"kind": "async"`)) {
			continue
		}
		var c asyncCase
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t) })
		})
	}
	if ran != 7 {
		t.Errorf("there are %d cases of kind async, want 7", ran)
	}
}

// asyncBench runs one asynchronous operator in a task of its own and writes down
// what happens.
type asyncBench struct {
	t       *testing.T
	mu      sync.Mutex
	now     int // event
	log     []string
	answers map[int64]chan answer
	timeout string // what the function does when its context is done: fail, value
	feed    chan Message
	inside  bool // a batch is being taken
	err     chan error
}

type answer struct {
	value string
	err   error
}

func (b *asyncBench) note(format string, a ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, fmt.Sprint(b.now, " ")+fmt.Sprintf(format, a...))
}

// at says which event is the last that has happened.
func (b *asyncBench) at(event int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = event
}

// answerTo returns where the answer for a row comes from.
func (b *asyncBench) answerTo(v int64) chan answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answers[v] == nil {
		b.answers[v] = make(chan answer, 1)
	}
	return b.answers[v]
}

// call is the user's function.
func (b *asyncBench) call(ctx context.Context, v int64) (string, error) {
	b.note("invoke %d", v)
	select {
	case a := <-b.answerTo(v):
		return a.value, a.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		b.note("timeout_called %d", v)
		if b.timeout == "value" {
			return fmt.Sprint("timeout-", v), nil
		}
	}
	return "", ctx.Err()
}

// newAsyncBench starts a task with an operator made by leat.MapAsync.
func newAsyncBench(t *testing.T, how leat.Async) *asyncBench {
	b := &asyncBench{t: t, answers: map[int64]chan answer{}, feed: make(chan Message), err: make(chan error, 1)}
	p := &leat.Pipeline{}
	leat.Write(leat.MapAsync(leat.Read[int64](p, "rows", memory.Of[int64]()), "call", b.call, how), "out", &memory.Collector[string]{})
	g, err := p.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var l *Link
	op := operator.NewAsync(g.Nodes[1].Op.(*graph.Async), operator.AsyncHooks{Settle: func() error { return l.Settle() }, Begin: func() {}, Done: func() {}})
	l = NewLink("call", "here:1", op, 1, 1, nil, &Counters{}, budget.NewBudget(0))
	l.Connect(0, Edge{To: (*written)(b)})
	task := &Task{Entries: []Entry{{Input: fed{b.feed}, Outs: [][]Edge{{{To: entered{Downstream: l, bench: b}}}}}}, Links: []*Link{l}, Concurrent: true}
	go func() { b.err <- task.Run(t.Context()) }()
	return b
}

// fed is an input of what a test sends.
type fed struct{ messages chan Message }

func (f fed) Next(ctx context.Context) (Message, error) {
	select {
	case m := <-f.messages:
		return m, nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}
func (fed) Close() error { return nil }

// entered notes that a batch is on its way into the operator.
type entered struct {
	Downstream
	bench *asyncBench
}

func (e entered) process(ctx context.Context, input int, b *batch.Batch) error {
	set := func(to bool) {
		e.bench.mu.Lock()
		defer e.bench.mu.Unlock()
		e.bench.inside = to
	}
	set(true)
	defer set(false)
	return e.Downstream.process(ctx, input, b)
}

// written is an asyncBench as what comes behind the operator.
type written asyncBench

func (w *written) process(_ context.Context, _ int, b *batch.Batch) error {
	for i := range b.Len() {
		(*asyncBench)(w).note("record %s @%d", b.Root.Format(b.Row(i)), b.TimeAt(b.Row(i))/1000)
	}
	return nil
}
func (w *written) watermark(_ context.Context, _ int, at int64) error {
	(*asyncBench)(w).note("watermark %d", at/1000-1)
	return nil
}
func (w *written) setIdle(context.Context, int) error          { (*asyncBench)(w).note("idle"); return nil }
func (w *written) setActive(context.Context, int) error        { (*asyncBench)(w).note("active"); return nil }
func (w *written) processingTime(context.Context, int64) error { return nil }
func (w *written) end(context.Context, int) error              { (*asyncBench)(w).note("end"); return nil }
func (w *written) stop(context.Context, int) error             { (*asyncBench)(w).note("stop"); return nil }
func (w *written) endKeyGroup(context.Context) error           { return nil }
func (w *written) expect(int64)                                {}

// row is a batch of one row.
func asyncRow(v, ts int64) *batch.Batch {
	return &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{v}), Time: []int64{ts * 1000}}
}

// send gives the task a message and waits until all that follows from it is done.
func (b *asyncBench) send(m exchange.Message) {
	go func() { // it may have to wait
		select {
		case b.feed <- Message{Message: m}:
		case <-b.t.Context().Done():
		}
	}()
	synctest.Wait()
}

func (b *asyncBench) element(v, ts int64) {
	b.send(exchange.Message{Kind: exchange.Data, Batch: asyncRow(v, ts)})
}

func (b *asyncBench) watermark(t int64) {
	b.send(exchange.Message{Kind: exchange.Watermark, Watermark: (t + 1) * 1000})
}

func (b *asyncBench) answer(v int64, value string, err error) {
	b.answerTo(v) <- answer{value, err}
	synctest.Wait()
}

func (c *asyncCase) run(t *testing.T) {
	b := newAsyncBench(t, leat.Async{Capacity: c.Config.Capacity, Unordered: c.Config.Mode == "unordered", Timeout: time.Duration(c.Config.Timeout) * time.Millisecond})
	b.timeout = c.Config.OnTimeout
	start := time.Now()
	blocked := false
	for i, e := range c.Events {
		b.at(i)
		switch e.Op {
		case "element":
			b.element(e.V, e.TS)
		case "watermark":
			b.watermark(e.TS)
		case "status":
			b.send(exchange.Message{Kind: exchange.Idle})
		case "processing_time":
			time.Sleep(time.Until(start.Add(time.Duration(e.TS) * time.Millisecond)))
			synctest.Wait()
		case "complete":
			if b.answers[e.V] == nil {
				t.Fatalf("event %d answers %d, which nobody has asked for", i, e.V)
			}
			b.answer(e.V, e.Results[0], nil)
		case "fail":
			b.answer(e.V, "", errors.New("no answer"))
		default:
			t.Fatalf("event %d has op %q", i, e.Op)
		}
		if b.inside && !blocked {
			b.note("blocked")
		}
		blocked = b.inside
	}
	want := c.want()
	everything := true // has its answer
	for _, line := range want {
		everything = everything && !strings.HasSuffix(line, "blocked")
	}
	if failed := fmt.Sprint(len(c.Events)-1, " job_failed"); slices.Contains(want, failed) {
		err := <-b.err
		if err == nil || !strings.Contains(err.Error(), `step "call"`) || !strings.Contains(err.Error(), "row: 1") {
			t.Errorf("got error %v, want one with step and row", err)
		}
		b.note("job_failed")
	} else if everything {
		b.finish()
	}
	if got := b.log; !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// finish ends the input; nothing may come out any more.
func (b *asyncBench) finish() {
	b.t.Helper()
	b.send(exchange.Message{Kind: exchange.End})
	if err := <-b.err; err != nil {
		b.t.Error(err)
	}
	if last := len(b.log) - 1; last < 0 || !strings.HasSuffix(b.log[last], "end") {
		b.t.Errorf("the input has ended, and the next step does not know: %q", b.log)
	} else {
		b.log = b.log[:last]
	}
}

func TestAsyncUnordered(t *testing.T) {
	// Results leave as they come, but a watermark is a fence both ways: r1 and r2 may
	// not be passed by it, and r3, which is there first, may not pass it.
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, leat.Async{Unordered: true})
		b.element(1, 1)
		b.element(2, 2)
		b.watermark(5)
		b.watermark(6) // nothing came since, so it takes the place of the one before
		b.element(3, 3)
		b.watermark(8)
		b.log = nil
		b.answer(3, "c", nil)
		b.answer(2, "b", nil)
		b.at(1)
		b.answer(1, "a", nil)
		want := []string{"0 record b @2", "1 record a @1", "1 watermark 6", "1 record c @3", "1 watermark 8"}
		if !slices.Equal(b.log, want) {
			t.Errorf("got %q, want %q", b.log, want)
		}
		b.finish()
	})
}

func TestAsyncWaitsAtTheEnd(t *testing.T) {
	// The end of the input does not come before the results of all rows.
	for _, unordered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newAsyncBench(t, leat.Async{Unordered: unordered})
			b.element(1, 1)
			b.element(2, 2)
			b.log = nil
			b.send(exchange.Message{Kind: exchange.End})
			b.answer(2, "b", nil)
			b.answer(1, "a", nil)
			want := []string{"0 record a @1", "0 record b @2", "0 end"}
			if unordered {
				want[0], want[1] = want[1], want[0]
			}
			if !slices.Equal(b.log, want) {
				t.Errorf("got %q, want %q", b.log, want)
			}
		})
	}
}

func TestAsyncCancelled(t *testing.T) {
	// A call that fails ends those that are under way, and the task with them.
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, leat.Async{})
		b.element(1, 1)
		b.element(2, 2)
		b.answer(2, "", errors.New("gone"))
		if err := <-b.err; err == nil || !strings.Contains(err.Error(), "gone") || !strings.Contains(err.Error(), "row: 2") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAsyncRandom(t *testing.T) {
	// Whatever calls take: never more rows under way than there is room for; ordered,
	// the output is the input; unordered, each result is between the watermarks
	// between which its row was.
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			how := leat.Async{Capacity: 1 + r.IntN(5), Unordered: seed%2 == 0}
			b := newAsyncBench(t, how)
			var want []string
			for v := range int64(40) {
				if r.IntN(4) == 0 {
					b.send(exchange.Message{Kind: exchange.Watermark, Watermark: (v + 1) * 1000})
					if n := len(want); n > 0 && strings.HasPrefix(want[n-1], "0 watermark") {
						want = want[:n-1] // one that nothing came before is told with it
					}
					want = append(want, fmt.Sprint("0 watermark ", v))
				}
				delay := time.Duration(r.IntN(10)) * time.Millisecond
				go func() { time.Sleep(delay); b.answerTo(v) <- answer{fmt.Sprint("r", v), nil} }()
				b.element(v, v)
				want = append(want, fmt.Sprintf("0 record r%d @%d", v, v))
				if r.IntN(3) == 0 {
					time.Sleep(time.Duration(r.IntN(10)) * time.Millisecond)
				}
			}
			time.Sleep(time.Second)
			b.finish()
			b.check(want, how)
		})
	}
}

// check compares the log of rows and watermarks with what came in.
func (b *asyncBench) check(want []string, how leat.Async) {
	b.t.Helper()
	var got []string
	underWay := 0
	for _, line := range b.log {
		switch {
		case strings.HasPrefix(line, "0 invoke"):
			underWay++
			if underWay > how.Capacity {
				b.t.Errorf("%d calls at once, want at most %d", underWay, how.Capacity)
			}
			continue
		case strings.HasPrefix(line, "0 record"):
			underWay--
		}
		got = append(got, line)
	}
	// Watermarks between which nothing is under way may be told one by one.
	compact := func(lines []string) (out []string) {
		for _, line := range lines {
			if n := len(out); n > 0 && strings.HasPrefix(line, "0 watermark") && strings.HasPrefix(out[n-1], "0 watermark") {
				out = out[:n-1]
			}
			out = append(out, line)
		}
		return out
	}
	got, want = compact(got), compact(want)
	if how.Unordered {
		sortSegments(got)
		sortSegments(want)
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// sortSegments sorts the lines between watermarks.
func sortSegments(lines []string) {
	from := 0
	for i := range lines {
		if strings.HasPrefix(lines[i], "0 watermark") {
			slices.Sort(lines[from:i])
			from = i + 1
		}
	}
	slices.Sort(lines[from:])
}
