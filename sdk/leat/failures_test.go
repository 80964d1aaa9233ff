package leat_test

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

var errRefused = errors.New("refused")

// early is before the first time a column can hold.
var early = time.Date(-290_000, 1, 1, 0, 0, 0, 0, time.UTC)

// outputs belong to no DoFn.
type outputs struct{ Lost leat.Output[string] }

var unconnected outputs

func deeper(e event) int64 { return 1 / e.N }

// failure is a pipeline in which a step fails for one row.
type failure struct {
	name  string
	build func(in leat.PCollection[event]) leat.PCollection[string]
}

var failures = []failure{
	{"map panics", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.Map(in, "invert", func(e event) string { return fmt.Sprint(deeper(e)) })
	}},
	{"map panics with an error", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.Map(in, "refuse", func(e event) string { panic(errRefused) })
	}},
	{"filter panics", func(in leat.PCollection[event]) leat.PCollection[string] {
		return composite(leat.Filter(in, "cheap", func(e event) bool { return *e.Price < 1 }))
	}},
	{"flatmap panics before and within its sequence", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.FlatMap(in, "words", func(e event) iter.Seq[string] {
			return func(yield func(string) bool) {
				yield(e.User)
				if e.N == 0 {
					panic("no words")
				}
			}
		})
	}},
	{"key panics", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.Keys(leat.KeyBy(in, "first", field.Func(func(e event) string { return e.User[:len(e.User)+int(e.N)+1] })))
	}},
	{"pardo fails", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.ParDo(in, "check", leat.Do(func(c *leat.Context, e event, emit leat.Emit[string]) error {
			if e.N == 0 {
				return errRefused
			}
			return nil
		}))
	}},
	{"pardo panics", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.ParDo(in, "check", leat.Do(func(c *leat.Context, e event, emit leat.Emit[string]) error {
			panic(fmt.Sprint("at ", c.Time().Unix()))
		}))
	}},
	{"emit after Process has returned", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.ParDo(in, "leak", &leak{emit: new(leat.Emit[string])})
	}},
	{"an output of no step", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.Map(in, "lost", func(e event) string { unconnected.Lost.Emit(e.User); return "" })
	}},
	{"setup fails", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.ParDo(in, "lookup", &failingSetup{errRefused, new(int)})
	}},
	{"setup panics", func(in leat.PCollection[event]) leat.PCollection[string] {
		return leat.ParDo(in, "lookup", &failingSetup{nil, new(int)})
	}},
	{"result out of range", func(in leat.PCollection[event]) leat.PCollection[string] {
		return composite(leat.Map(in, "back", func(e event) event {
			if e.N == 0 {
				e.At = early
			}
			return e
		}))
	}},
	{"key out of range", func(in leat.PCollection[event]) leat.PCollection[string] {
		late := leat.KeyBy(in, "late", field.Func(func(e event) time.Time { return early }))
		return composite(leat.Values(late))
	}},
	{"null key decoded into a plain one", func(in leat.PCollection[event]) leat.PCollection[string] {
		byPrice := leat.KeyBy(in, "by-price", field.Of(func(e *event) *float64 { return e.Price }))
		return leat.Map(byPrice, "print", func(kv leat.KV[float64, event]) string { return fmt.Sprint(kv.Key) })
	}},
	{"null key within a sequence", func(in leat.PCollection[event]) leat.PCollection[string] {
		byPrice := leat.KeyBy(in, "by-price", field.Of(func(e *event) *float64 { return e.Price }))
		byUser := leat.KeyBy(byPrice, "by-user", field.Of(func(kv *leat.KV[float64, event]) *string { return &kv.Value.User }))
		return leat.FlatMap(leat.GroupByKey(byUser, "group"), "print", func(kv leat.KV[string, iter.Seq[leat.KV[float64, event]]]) iter.Seq[string] {
			return func(yield func(string) bool) {
				for range kv.Value {
				}
			}
		})
	}},
	{"group panics: rows are printed without addresses", func(in leat.PCollection[event]) leat.PCollection[string] {
		groups := leat.GroupByKey(leat.KeyBy(in, "by-user", field.Of(user)), "group")
		return leat.Map(groups, "print", func(kv leat.KV[string, iter.Seq[event]]) string { panic("oh") })
	}},
	{"a long row is cut", func(in leat.PCollection[event]) leat.PCollection[string] {
		type long struct {
			Words map[string][]string
			Text  []byte
			Ratio *float64
		}
		ratio := 0.5
		longs := leat.Map(in, "long", func(e event) long {
			return long{map[string][]string{"b": {"x", "y"}, "a": nil}, []byte(strings.Repeat("é", 300)), &ratio}
		})
		return leat.Map(longs, "print", func(long) string { panic("oh") })
	}},
	{"accumulator panics", func(in leat.PCollection[event]) leat.PCollection[string] {
		sums := leat.Combine(leat.KeyBy(in, "by-user", field.Of(user)), "sum", agg.Custom(func() *Broken { return &Broken{} }))
		return leat.Keys(sums)
	}},
}

// Broken is an accumulator with a bug.
type Broken struct{ Sum int64 }

// Add panics.
func (b *Broken) Add(e event) { b.Sum += 1 / e.N }

// Merge adds.
func (b *Broken) Merge(o *Broken) { b.Sum += o.Sum }

// Result returns the sum.
func (b *Broken) Result() int64 { return b.Sum }

var (
	stackBelow = regexp.MustCompile(`(?s)\ngoroutine .*`)
	closures   = regexp.MustCompile(`glob\.\.func[0-9.]+|init\.func[0-9.]+|failures_test\.init[0-9.a-z]*`)
)

func TestFailures(t *testing.T) {
	// A failing row stops the job with the step, the user's line, the row, and
	// where in the user's code it happened.
	var all strings.Builder
	all.WriteString("Failures of user code in a running job. In brackets, for file:line: the code there.\n")
	for _, f := range failures {
		p := &leat.Pipeline{}
		in := leat.Read(p, "events", memory.Of(event{User: "ann", At: seconds(5), Place: town{"here", 7}}),
			leat.EventTimeField(at, watermark.None()))
		leat.Write(f.build(in), "out", &memory.Collector[string]{})
		_, err := local.Run(t.Context(), p, local.Options{Parallelism: 1, Plan: local.Batch})
		if err == nil {
			t.Errorf("%s: the job went well", f.name)
			continue
		}
		message := closures.ReplaceAllString(withCode(t, err.Error()), "func")
		message = stackBelow.ReplaceAllString(message, "")
		fmt.Fprintf(&all, "\n-- %s\n%s\n", f.name, strings.TrimRight(message, "\n"))
	}
	golden(t, "failures.txt", all.String())
}

func TestEventTimeFails(t *testing.T) {
	// A function that panics or gives a time out of range names the row, too.
	for name, f := range map[string]func(event) time.Time{
		"oh":           func(event) time.Time { panic("oh") },
		"out of range": func(event) time.Time { return early },
	} {
		p := &leat.Pipeline{}
		leat.Write(leat.Read(p, "events", memory.Of(event{User: "ann"}), leat.EventTime(f, watermark.None())), "out", &memory.Collector[event]{})
		_, err := local.Run(t.Context(), p, local.Options{})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), `row: {User: "ann"`) || !strings.Contains(err.Error(), `step "events" (leat/failures_test.go:`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestFailuresAreErrors(t *testing.T) {
	// Errors of user code can be found from outside: what it returned, and what
	// it panicked with.
	for i, want := range map[int]any{1: new(*leat.PanicError), 5: new(*leat.RowError)} {
		p := &leat.Pipeline{}
		leat.Write(failures[i].build(events(p, event{})), "out", &memory.Collector[string]{})
		_, err := local.Run(t.Context(), p, local.Options{})
		if !errors.Is(err, errRefused) || !errors.As(err, want) {
			t.Errorf("%s: got %v", failures[i].name, err)
		}
	}
}
