package local_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/window"
	"github.com/leatflow/leat/transforms/pointintime"
)

// journal notes what happens, in the order in which it does: each event of a script
// is worked off before the next.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// inSeconds is a moment of a script, and a row of it.
func inSeconds(s float64) time.Time { return time.UnixMicro(int64(s * 1e6)).UTC() }

type moment struct {
	Key string  `leat:"key"`
	S   float64 `leat:"s"`
}

func atSecond(s float64) leattest.Event { return leattest.At(inSeconds(s), moment{"k", s}) }

// The rows that are waited for, and between them what they are waited for with: rows
// far ahead mark when a watermark has come.
var script = []leattest.Event{leattest.Pause(), atSecond(5), leattest.Watermark(inSeconds(10)), atSecond(100), leattest.Watermark(inSeconds(10.000001)),
	atSecond(101), leattest.Watermark(inSeconds(19.999999)), atSecond(102), leattest.Watermark(inSeconds(20)), atSecond(103)}

// waits runs a step over a row at 10 s, whose side is far ahead already, and the
// script; it returns the journal.
func waits(t *testing.T, step func(rows, script leat.PCollection[moment], j *journal) leat.PCollection[string]) []string {
	t.Helper()
	for _, parallelism := range []int{1, 3} {
		p, j, out := &leat.Pipeline{}, &journal{}, &memory.Collector[string]{}
		rows := leat.Read[moment](p, "rows", leattest.Stream[moment](atSecond(10), leattest.Watermark(inSeconds(15))))
		other := leat.Map(leat.Read[moment](p, "script", leattest.Stream[moment](script...)), "seen", func(m moment) moment {
			j.note("%g", m.S)
			return m
		})
		leat.Write(step(rows, other, j), "out", out)
		result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: parallelism})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range result.Steps {
			if s.Dropped > 0 {
				t.Errorf("parallelism %d: step %s dropped %d rows, and none is late", parallelism, s.Step, s.Dropped)
			}
		}
		if parallelism == 3 {
			return j.lines
		}
	}
	return nil
}

func keyedMoments(in leat.PCollection[moment], name string) leat.PCollection[leat.KV[string, moment]] {
	return leat.KeyBy(in, name, field.Of(func(m *moment) *string { return &m.Key }))
}

// A lookup of what was before a row waits for the watermark of the other side to be at
// its time, one of what was by then for it to be behind; neither waits for anything
// else. A row with a side input waits for the window that it sees to be complete.
func TestRowsWaitNoLongerThanTheyMust(t *testing.T) {
	for _, c := range []struct {
		name, want string
		step       func(rows, script leat.PCollection[moment], j *journal) leat.PCollection[string]
	}{
		{"point in time", "5, joined 1, 100, 101, 102, 103", func(rows, script leat.PCollection[moment], j *journal) leat.PCollection[string] {
			type known struct{ N int64 }
			joined := pointintime.Join(rows, "known", func(m *moment, o *known) []pointintime.Term {
				return []pointintime.Term{pointintime.From(script, func(r *moment) pointintime.Lookup {
					return pointintime.Lookup{On: []pointintime.Pair{pointintime.Equal(&m.Key, &r.Key)}, Within: time.Hour, Get: []agg.Term{agg.Count(&o.N)}}
				})}
			})
			return leat.Map(joined, "note", func(k known) string {
				j.note("joined %d", k.N)
				return ""
			})
		}},
		{"as of", "5, 100, joined 5, 101, 102, 103", func(rows, script leat.PCollection[moment], j *journal) leat.PCollection[string] {
			return leat.AsOf(keyedMoments(rows, "a"), keyedMoments(script, "b"), "latest", func(_ string, a moment, b *moment) string {
				j.note("joined %g", b.S)
				return ""
			})
		}},
		{"side input", "5, 100, 101, 102, joined 1, 103", func(rows, script leat.PCollection[moment], j *journal) leat.PCollection[string] {
			beside := leat.Window(script, window.Fixed(20*time.Second))
			return leat.MapWith(leat.Window(rows, window.Fixed(time.Second)), leat.AsList(beside), "see", func(m moment, list []moment) string {
				j.note("joined %d", len(list))
				return ""
			})
		}},
		{"interval join", "5, joined 5, 100, 101, 102, 103", func(rows, script leat.PCollection[moment], j *journal) leat.PCollection[string] {
			return leat.IntervalJoin(keyedMoments(rows, "a"), keyedMoments(script, "b"), "near", -9*time.Second, 0, func(_ string, a, b moment) string {
				j.note("joined %g", b.S)
				return ""
			})
		}},
	} {
		if got := strings.Join(waits(t, c.step), ", "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A row that waits for a side input holds the watermark back, so that the window it is
// in does not end without it.
func TestWaitingRowsHoldTheWatermark(t *testing.T) {
	p, j, out := &leat.Pipeline{}, &journal{}, &memory.Collector[string]{}
	rows := leat.Read[moment](p, "rows", leattest.Stream[moment](atSecond(10), leattest.Watermark(inSeconds(1000))))
	beside := leat.Window(leat.Read[moment](p, "script", leattest.Stream[moment](script...)), window.Fixed(20*time.Second))
	see := leat.MapWith(leat.Window(rows, window.Fixed(time.Second)), leat.AsList(beside), "see", func(m moment, list []moment) moment {
		return moment{m.Key, float64(len(list))}
	})
	counts := leat.Combine(keyedMoments(see, "by-key"), "count", agg.Into(func(m *moment, s *float64) []agg.Term { return []agg.Term{agg.Sum(s, &m.S)} }))
	leat.Write(leat.Map(counts, "note", func(kv leat.KV[string, float64]) string {
		j.note("%g", kv.Value)
		return ""
	}), "out", out)
	result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Steps {
		if s.Dropped > 0 {
			t.Errorf("step %s dropped %d rows", s.Step, s.Dropped)
		}
	}
	if want := []string{"1"}; !slices.Equal(j.lines, want) {
		t.Errorf("got %q, want %q", j.lines, want)
	}
}

// Rows behind the watermark are dropped and counted: by joins in windows when all
// their windows have fired, by an as-of join at once, and by a step with a side input
// when the window they see is gone.
func TestLateRowsOfJoins(t *testing.T) {
	late := leattest.Stream[moment](atSecond(5), leattest.Watermark(inSeconds(30)), atSecond(25), atSecond(4), atSecond(31))
	for _, c := range []struct {
		name    string
		dropped int64
		build   func(a, b leat.PCollection[moment]) leat.PCollection[string]
	}{
		{"join", 4, func(a, b leat.PCollection[moment]) leat.PCollection[string] {
			in := window.Fixed(10 * time.Second)
			return leat.FullJoin(leat.Window(keyedMoments(a, "ka"), in), leat.Window(keyedMoments(b, "kb"), in), "join", func(string, *moment, *moment) string { return "" })
		}},
		{"join in windows of which one is open", 2, func(a, b leat.PCollection[moment]) leat.PCollection[string] {
			in := window.Fixed(20 * time.Second)
			return leat.FullJoin(leat.Window(keyedMoments(a, "ka"), in), leat.Window(keyedMoments(b, "kb"), in), "join", func(string, *moment, *moment) string { return "" })
		}},
		{"as of", 4, func(a, b leat.PCollection[moment]) leat.PCollection[string] {
			return leat.AsOf(keyedMoments(a, "ka"), keyedMoments(b, "kb"), "latest", func(string, moment, *moment) string { return "" })
		}},
		{"interval", 4, func(a, b leat.PCollection[moment]) leat.PCollection[string] {
			return leat.IntervalJoin(keyedMoments(a, "ka"), keyedMoments(b, "kb"), "near", 0, 0, func(string, moment, moment) string { return "" })
		}},
		{"side input", 4, func(a, b leat.PCollection[moment]) leat.PCollection[string] {
			in := window.Fixed(10 * time.Second)
			return leat.MapWith(leat.Window(a, in), leat.AsList(leat.Window(b, in)), "see", func(moment, []moment) string { return "" })
		}},
	} {
		p := &leat.Pipeline{}
		a, b := leat.Read[moment](p, "a", late), leat.Read[moment](p, "b", late)
		leat.Write(c.build(a, b), "out", &memory.Collector[string]{})
		result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: 1})
		if err != nil {
			t.Fatal(err)
		}
		var dropped int64
		for _, s := range result.Steps {
			dropped += s.Dropped
		}
		if dropped != c.dropped {
			t.Errorf("%s: %d rows were dropped, want %d", c.name, dropped, c.dropped)
		}
	}
}

// A side input that is never complete is refused, instead of waited for.
func TestEndlessSideInputIsRefused(t *testing.T) {
	p := &leat.Pipeline{}
	rows := leat.Read[int64](p, "rows", memory.Of(int64(1)))
	endless := leat.Read[int64](p, "ticks", memory.Channel(make(chan int64)))
	leat.Write(leat.MapWith(rows, leat.AsList(endless), "see", func(n int64, _ []int64) int64 { return n }), "out", &memory.Collector[int64]{})
	_, err := local.Run(t.Context(), p, local.Options{})
	for _, want := range []string{`step "see"`, "waiting_test.go:", `side input from step "ticks"`, "never complete", "leat.Window"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
}
