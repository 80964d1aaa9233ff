package local_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bad is a pipeline that cannot run to its end, and what the message must say:
// which step, where it was made, what is wrong and what to do.
type bad struct {
	name    string
	build   func(p *leat.Pipeline, out json.Sink)
	options local.Options
	says    []string
}

func events(p *leat.Pipeline, rows ...event) leat.PCollection[event] {
	return leat.Read(p, "events", memory.Source[event]{Rows: rows, Splits: 2},
		leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Disorder(time.Hour)))
}

func three(p *leat.Pipeline) leat.PCollection[event] {
	return events(p, event{"ann", second(1), 1}, event{"bob", second(2), 2}, event{"ann", second(3), math.MaxInt64})
}

func keyed(in leat.PCollection[event]) leat.PCollection[leat.KV[string, event]] {
	return leat.KeyBy(in, "by-user", field.Of(func(e *event) *string { return &e.User }))
}

func sumOf(in leat.PCollection[leat.KV[string, event]]) leat.PCollection[leat.KV[string, int64]] {
	return leat.Combine(in, "total", agg.Into(func(e *event, n *int64) []agg.Term { return []agg.Term{agg.Sum(n, &e.N)} }))
}

func windowedSum(w window.Fn) func(*leat.Pipeline, json.Sink) {
	return func(p *leat.Pipeline, out json.Sink) { leat.Write(sumOf(leat.Window(keyed(three(p)), w)), "out", out) }
}

// withWatermark reads events with a generator of the user's own.
func withWatermark(make func() func(time.Time) time.Time) func(*leat.Pipeline, json.Sink) {
	return func(p *leat.Pipeline, out json.Sink) {
		in := leat.Read(p, "events", memory.Of(event{At: second(1)}), leat.EventTimeField(func(e *event) *time.Time { return &e.At }, watermark.Func("mine", make)))
		leat.Write(in, "out", out)
	}
}

type loose struct {
	P *int64 `leat:"p"`
}

var badInputs = []bad{
	{"duplicate step name", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(three(p), "out", out)
		leat.Write(events(p), "out2", out)
	}, local.Options{}, []string{"badinput_test.go:", `the name "events" is used twice`, "leat.Scope"}},
	{"window of size 0", windowedSum(window.Fixed(0)), local.Options{}, []string{"badinput_test.go:", "fixed 0s has size 0s", "must be positive"}},
	{"negative slide", windowedSum(window.Sliding(time.Hour, -time.Minute)), local.Options{}, []string{"has period -1m0s", "must be positive"}},
	{"windows without event time", func(p *leat.Pipeline, out json.Sink) {
		in := leat.Read[event](p, "events", memory.Of(event{}))
		leat.Write(sumOf(leat.Window(keyed(in), window.Fixed(time.Hour))), "out", out)
	}, local.Options{}, []string{"total", "fixed 1h0m0s", "no event time", "leat.EventTime"}},
	{"pipeline without a Write", func(p *leat.Pipeline, _ json.Sink) { three(p) }, local.Options{}, []string{"writes nothing", "leat.Write"}},
	{"unsupported Go type", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(leat.Map(three(p), "channels", func(event) chan int { return nil }), "out", out)
	}, local.Options{}, []string{"badinput_test.go:", "channels", "chan int"}},
	{"batch plan of an unbounded source", func(p *leat.Pipeline, out json.Sink) {
		in := leat.Read[event](p, "endless", memory.Generate(func(context.Context, int64) (event, bool) { return event{}, true }))
		leat.Write(in, "out", out)
	}, local.Options{Plan: local.Batch}, []string{"the batch plan needs bounded sources", "endless never ends", "-plan streaming"}},
	{"negative parallelism", windowedSum(window.Global()), local.Options{Parallelism: -1, BatchRows: -2, Memory: -3},
		[]string{"parallelism is -1", "batch rows is -2", "memory budget is -3"}},
	{"a function that panics", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(leat.Map(three(p), "halve", func(e event) int64 {
			if e.User == "bob" {
				panic("no bobs")
			}
			return e.N / 2
		}), "out", out)
	}, local.Options{}, []string{`step "halve"`, "badinput_test.go:", "panicked: no bobs", "row: ", "bob", "local_test.init"}},
	{"a function that returns an error", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(leat.ParDo(three(p), "check", leat.Do(func(_ *leat.Context, e event, emit leat.Emit[event]) error {
			if e.N > 1 {
				return errors.New("too many")
			}
			emit(e)
			return nil
		})), "out", out)
	}, local.Options{}, []string{`step "check"`, "too many", "row: ", "badinput_test.go:"}},
	{"event time out of range, of a column", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(events(p, event{"ann", time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC), 1}), "out", out)
	}, local.Options{}, []string{`step "events"`, "row 0", "99999", "range"}},
	{"event time out of range, of a function", func(p *leat.Pipeline, out json.Sink) {
		in := leat.Read(p, "events", memory.Of(event{User: "eve"}), leat.EventTime(func(e event) time.Time { return time.Date(-90000, 1, 1, 0, 0, 0, 0, time.UTC) }, watermark.Monotone()))
		leat.Write(in, "out", out)
	}, local.Options{}, []string{`step "events"`, "event time", "out of range", "eve"}},
	{"a sum that overflows", func(p *leat.Pipeline, out json.Sink) { leat.Write(sumOf(keyed(three(p))), "out", out) },
		local.Options{}, []string{`step "total"`, "key ann", "sum(n)", "does not fit int64", "use a wider field"}},
	{"a sum that overflows in sliding windows", windowedSum(window.Sliding(4*time.Second, time.Second)), local.Options{}, []string{`step "total"`, "key ann", "sum(n)", "does not fit int64", "use a wider field"}},
	{"a sum that overflows in a session", windowedSum(window.Session(4 * time.Second)), local.Options{}, []string{`step "total"`, "key ann", "sum(n)", "does not fit int64", "use a wider field"}},
	{"a window function that panics", windowedSum(window.Custom("weeks", func(time.Time) []window.Interval { panic("no weeks") })), local.Options{},
		[]string{`step "total"`, "window function weeks panicked for 1970-01-01T00:00:0", "no weeks", "badinput_test.go:"}},
	{"a window function that gives an empty window", windowedSum(window.Custom("weeks", func(time.Time) []window.Interval { return make([]window.Interval, 1) })), local.Options{},
		[]string{`step "total"`, "window function weeks gave the empty window [0, 0)"}},
	{"a watermark function that panics", withWatermark(func() func(time.Time) time.Time {
		return func(time.Time) time.Time { panic("no clock") }
	}), local.Options{Plan: local.Streaming}, []string{`step "events"`, "watermark func mine: the function panicked: no clock", "badinput_test.go:"}},
	{"a watermark function that cannot be made", withWatermark(func() func(time.Time) time.Time { panic("no clock") }),
		local.Options{Plan: local.Streaming}, []string{`step "events"`, "the function panicked: no clock"}},
	{"a watermark function that is nil", withWatermark(func() func(time.Time) time.Time { return nil }),
		local.Options{Plan: local.Streaming}, []string{`step "events"`, "watermark func mine: the function panicked", "nil pointer"}},
	{"a null where there can be none", func(p *leat.Pipeline, out json.Sink) {
		in := leat.KeyBy(leat.Read[loose](p, "rows", memory.Of(loose{})), "by-p", field.Of(func(l *loose) *int64 { return l.P }))
		leat.Write(leat.Map(in, "keys", func(kv leat.KV[int64, loose]) int64 { return kv.Key }), "out", out)
	}, local.Options{}, []string{`step "keys"`, "null", "key"}},
	{"memory budget exceeded by state", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(sumOf(keyed(events(p, manyUsers(20000)...))), "out", out)
	}, local.Options{Memory: 300 << 10, Plan: local.Streaming}, []string{`step "`, "memory budget of 300.0 KiB", "-memory"}},
	{"memory budget exceeded by one group of which a sink wants a list", func(p *leat.Pipeline, out json.Sink) {
		rows := manyUsers(20000)
		for i := range rows {
			rows[i].User = "ann"
		}
		leat.Write(leat.GroupByKey(keyed(events(p, rows...)), "lists"), "out", out)
	}, local.Options{Memory: 300 << 10, Plan: local.Batch}, []string{`step "lists"`, "at key ann:", "memory budget of 300.0 KiB", "-memory"}},
	{"a spill directory that is not there", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(sumOf(keyed(three(p))), "out", out)
	}, local.Options{SpillDir: "/nowhere/at/all"}, []string{"the spill directory", "/nowhere/at/all"}},
	{"a spill directory that is a file", func(p *leat.Pipeline, out json.Sink) {
		leat.Write(sumOf(keyed(three(p))), "out", out)
	}, local.Options{SpillDir: "badinput_test.go"}, []string{"badinput_test.go is not a directory"}},
}

func manyUsers(n int) []event {
	rows := make([]event, n)
	for i := range rows {
		rows[i] = event{User: fmt.Sprintf("user-%d", i), At: second(int64(i % 60)), N: 1}
	}
	return rows
}

// Whatever is wrong, the message says which step it was, where it stands and
// what to do, on both plans; and nothing is left in the folder of the sink.
func TestBadInput(t *testing.T) {
	for _, b := range badInputs {
		t.Run(b.name, func(t *testing.T) {
			plans := []local.Plan{local.Batch, local.Streaming}
			if b.options.Plan != local.Auto {
				plans = []local.Plan{b.options.Plan}
			}
			for _, plan := range plans {
				dir := filepath.Join(t.TempDir(), "out")
				p := &leat.Pipeline{}
				b.build(p, json.Sink{Dir: dir})
				o := b.options
				o.Plan = plan
				if o.Parallelism == 0 {
					o.Parallelism = 2
				}
				_, err := local.Run(t.Context(), p, o)
				if err == nil {
					t.Fatalf("%s plan: the run went well", plan)
				}
				for _, s := range b.says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("%s plan: the message does not say %q:\n%v", plan, s, err)
					}
				}
				if n := strings.Count(err.Error(), "badinput_test.go:"); n > 1 && !strings.Contains(err.Error(), "panic") {
					t.Errorf("%s plan: the message is there %d times:\n%v", plan, n, err)
				}
				nothingIn(t, dir)
			}
		})
	}
}

// nothingIn fails when there is a file, finished or temporary, below dir.
func nothingIn(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// A cancelled run says so, once, and leaves nothing behind.
func TestCancelled(t *testing.T) {
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		ctx, cancel := context.WithCancelCause(t.Context())
		dir := filepath.Join(t.TempDir(), "out")
		p := &leat.Pipeline{}
		rows := leat.Map(events(p, manyUsers(5000)...), "stop", func(e event) event {
			if e.User == "user-4000" {
				cancel(errors.New("the operator pressed a button"))
			}
			return e
		})
		leat.Write(rows, "out", json.Sink{Dir: dir})
		leat.Write(sumOf(keyed(rows)), "totals", json.Sink{Dir: dir + "-totals"})
		_, err := local.Run(ctx, p, local.Options{Plan: plan, Parallelism: 3, BatchRows: 10})
		if err == nil || !strings.Contains(err.Error(), "stopped before its end: the operator pressed a button") || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s plan: the error is %v", plan, err)
		}
		nothingIn(t, dir)
		nothingIn(t, dir+"-totals")
	}
}

// Wherever a source or a sink fails, the run names the step, closes all it has
// opened, and commits nothing.
func TestFailingConnectors(t *testing.T) {
	for _, at := range []string{"source open", "reader", "read", "reader close", "input close", "sink open", "writer", "write", "writer close", "commit"} {
		for _, plan := range []local.Plan{local.Batch, local.Streaming} {
			f := &failing{at: at}
			p := &leat.Pipeline{}
			in := leat.Read[int64](p, "numbers", failingSource{f})
			byAll := leat.KeyBy(in, "by", field.Of(func(n *int64) *int64 { return n }))
			leat.Write(leat.Combine(byAll, "count", agg.Into(func(_ *int64, n *int64) []agg.Term { return []agg.Term{agg.Count(n)} })), "out", failingSink{f})
			_, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 2})
			step := `step "out"`
			if strings.HasPrefix(at, "source") || strings.Contains(at, "read") || at == "input close" {
				step = `step "numbers"`
			}
			if err == nil || !strings.Contains(err.Error(), "the disk failed at "+at) || !strings.Contains(err.Error(), step) || !strings.Contains(err.Error(), "badinput_test.go:") {
				t.Errorf("fails at %s, %s plan: the message is %v", at, plan, err)
			}
			if err := f.ended(); err != nil {
				t.Errorf("fails at %s, %s plan: %v", at, plan, err)
			}
		}
	}
}

// A sink that wants an order gets it only where all rows are there to be sorted.
func TestSortNeedsBatch(t *testing.T) {
	for name, says := range map[string]string{"n": "wants sorted rows", "nothing": `sorted by "nothing"`} {
		p := &leat.Pipeline{}
		leat.Write(three(p), "out", &digest{order: []connector.SortKey{{Column: name}}})
		_, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), `step "out" (`) {
			t.Errorf("sorted by %s: %v", name, err)
		}
	}
}
