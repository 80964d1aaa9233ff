package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

func at(e *event) *time.Time { return &e.At }

// ev is an event of one user at a second.
func ev(user string, s int64) event { return event{user, second(s), 1} }

// run runs a pipeline in all sizes, several times, and compares what is captured
// with the rows wanted, sorted.
func inAllSizes(t *testing.T, build func(p *leat.Pipeline) *leattest.Captured[leat.KV[string, int64]], want []string) {
	t.Helper()
	for _, o := range []local.Options{{Parallelism: 1}, {Parallelism: 3}, {Parallelism: 3, BatchRows: 1}} {
		for range 10 {
			p := &leat.Pipeline{}
			out := build(p)
			if _, err := local.Run(t.Context(), p, o); err != nil {
				t.Fatal(err)
			}
			if got := counted(out); !slices.Equal(got, want) {
				t.Fatalf("parallelism %d, batches of %d: %q, want %q", o.Parallelism, o.BatchRows, got, want)
			}
		}
	}
}

// counted returns key, sum and end of the window in seconds of each row, sorted.
func counted(c *leattest.Captured[leat.KV[string, int64]]) (lines []string) {
	for _, r := range c.Rows() {
		lines = append(lines, fmt.Sprintf("%s %d until %d", r.Value.Key, r.Value.Value, r.End.Unix()))
	}
	slices.Sort(lines)
	return lines
}

// What a script says of time decides what is late, and neither parallelism nor the
// size of batches nor which of two streams is faster. A stream that is idle holds
// nobody up; when it speaks again it counts at once; one that has ended does not.
func TestScriptedStreams(t *testing.T) {
	inAllSizes(t, func(p *leat.Pipeline) *leattest.Captured[leat.KV[string, int64]] {
		left := leat.Read[event](p, "left", leattest.Stream[event](
			leattest.At(second(1), ev("ann", 1), ev("bob", 1)), leattest.Watermark(second(12)),
			leattest.Pause(), leattest.At(second(2), ev("ann", 2)), // in time: the other stream is at 5
			leattest.Pause(), leattest.At(second(3), ev("ann", 3)), // late: the other stream is idle
			leattest.Watermark(second(25)),
			leattest.Watermark(second(40)),
			leattest.At(second(23), ev("cat", 23)), // in time: the other is back, at 5
			leattest.Watermark(second(50)),
			leattest.Pause(),
			leattest.At(second(39), ev("dan", 39)), // late: the other has ended
		))
		right := leat.Read[event](p, "right", leattest.Stream[event](
			leattest.Watermark(second(5)), leattest.Pause(), leattest.Pause(), leattest.Pause(),
			leattest.Idle(), leattest.Pause(),
			leattest.Active(), leattest.Pause(), leattest.Pause(), leattest.Pause(),
		))
		return leattest.Capture(sumOf(leat.Window(keyed(leat.Flatten(left, right)), window.Fixed(10*time.Second))), "out")
	}, []string{"ann 2 until 10", "bob 1 until 10", "cat 1 until 30"})
}

// A row carries the watermark that holds behind it, in a column or by a function of
// the row; and with PerRow what is late does not depend on how rows are cut.
func TestWatermarkFromRow(t *testing.T) {
	type marked struct {
		User string     `leat:"user"`
		At   time.Time  `leat:"at"`
		Mark *time.Time `leat:"mark"`
	}
	mark := func(s int64) *time.Time { return new(second(s)) }
	for name, option := range map[string]leat.ReadOption[marked]{
		"column": leat.WatermarkField(func(m *marked) *time.Time { return m.Mark }),
		"function": leat.Watermark(func(m marked) (none time.Time) {
			if m.Mark == nil {
				return none
			}
			return *m.Mark
		}),
	} {
		t.Run(name, func(t *testing.T) {
			inAllSizes(t, func(p *leat.Pipeline) *leattest.Captured[leat.KV[string, int64]] {
				in := leat.Read(p, "in", leattest.Stream[marked](
					leattest.At(second(0), marked{"ann", second(1), nil}, marked{"ann", second(2), mark(9)}, marked{"ann", second(3), mark(10)},
						marked{"ann", second(4), nil}, marked{"ann", second(15), mark(8)}),
					leattest.Pause(), leattest.Watermark(second(1000)), // a declared generator decides alone
					leattest.At(second(0), marked{"ann", second(16), mark(20)}),
				), leat.EventTimeField(func(m *marked) *time.Time { return &m.At }, watermark.FromRow().PerRow()), option)
				events := leat.Map(in, "event", func(m marked) event { return event{m.User, m.At, 1} })
				return leattest.Capture(sumOf(leat.Window(keyed(events), window.Fixed(10*time.Second))), "out")
			}, []string{"ann 2 until 20", "ann 3 until 10"})
		})
	}
}

// A generator of the user's own that goes back is ignored, counted, and mentioned.
func TestGeneratorGoesBack(t *testing.T) {
	p := &leat.Pipeline{}
	back := watermark.Func("mine", func() func(time.Time) time.Time {
		calls := 0
		return func(latest time.Time) time.Time {
			calls++
			return latest.Add(-time.Duration(calls*calls) * time.Second)
		}
	})
	in := leat.Read(p, "in", leattest.Stream[event](
		leattest.At(second(0), ev("ann", 10)), leattest.At(second(0), ev("ann", 12)), leattest.At(second(0), ev("ann", 13)),
		leattest.At(second(0), ev("ann", 5)), leattest.Idle(),
	), leat.EventTimeField(at, back))
	out := leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(time.Second))), "out")
	result, err := local.Run(t.Context(), p, local.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ann 1 until 11", "ann 1 until 13", "ann 1 until 14"}; !slices.Equal(counted(out), want) {
		t.Errorf("%q, want %q: a watermark went back", counted(out), want)
	}
	if note := strings.Join(result.Notes(), "\n"); result.Sources[0].WentBack != 3 || !strings.Contains(note, "in: the watermark went back 3 times, which was ignored") {
		t.Errorf("%+v\n%s", result.Sources, note)
	}
}

// A row far ahead of the clock does not make those after it late, or is a bad
// record, with which the user may do what he does with others.
func TestFarAhead(t *testing.T) {
	clock := func() time.Time { return second(100) }
	stream := []event{ev("ann", 99), ev("rogue", 5000), ev("bob", 98), ev("rogue", 6000)}
	build := func(p *leat.Pipeline, g watermark.Generator, options ...leat.ReadOption[event]) *leattest.Captured[leat.KV[string, int64]] {
		options = append(options, leat.EventTimeField(at, g))
		in := leat.Read(p, "in", &timetable{rows: [][]timetabled{{{0, stream[0]}, {1, stream[1]}, {2, stream[2]}, {3, stream[3]}}}}, options...)
		return leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(time.Second))), "out")
	}
	run := func(p *leat.Pipeline) (result *local.Result, err error) {
		synctest.Test(t, func(t *testing.T) {
			result, err = local.Run(t.Context(), p, local.Options{Clock: clock, Parallelism: 1})
		})
		return result, err
	}
	p := &leat.Pipeline{}
	out := build(p, watermark.Disorder(5*time.Second).IgnoreAhead(time.Minute))
	result, err := run(p)
	if want := []string{"ann 1 until 100", "bob 1 until 99", "rogue 1 until 5001", "rogue 1 until 6001"}; err != nil || !slices.Equal(counted(out), want) {
		t.Errorf("%v %q, want %q", err, counted(out), want)
	}
	if note := strings.Join(result.Notes(), "\n"); result.Sources[0].Ahead != 2 || !strings.Contains(note, "in: 2 rows or their watermarks were too far ahead of the clock") {
		t.Errorf("%+v\n%s", result.Sources, note)
	}

	rejecting := watermark.Disorder(5 * time.Second).RejectAhead(time.Minute)
	p = &leat.Pipeline{}
	build(p, rejecting)
	_, err = run(p)
	for _, says := range []string{`step "in"`, "event time 1970-01-01T01:23:20Z is more than 1m0s ahead of the clock, which shows 1970-01-01T00:01:40Z", "leat.SkipBad"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want %q in it", err, says)
		}
	}

	p = &leat.Pipeline{}
	var bad leat.PCollection[leat.BadRecord]
	out = build(p, rejecting, leat.BadTo[event](&bad))
	aside := leattest.Capture(bad, "bad")
	result, err = run(p)
	if want := []string{"ann 1 until 100", "bob 1 until 99"}; err != nil || !slices.Equal(counted(out), want) || result.Sources[0].BadRecords != 2 {
		t.Errorf("%v %q, want %q", err, counted(out), want)
	}
	if rows := aside.Values(); len(rows) != 2 || !strings.Contains(string(rows[0].Raw), "rogue") || !strings.Contains(rows[0].Place, "split 0") {
		t.Errorf("the bad records are %v", rows)
	}
}

// A watermark that a row carries is believed no further ahead of the clock either;
// and rows too far ahead are bad records in a batch plan too.
func TestFarAheadElsewhere(t *testing.T) {
	p := &leat.Pipeline{}
	in := leat.Read(p, "in", leattest.Stream[event](
		leattest.ProcessingTime(100*time.Second),
		leattest.At(second(0), ev("ann", 100)), leattest.At(second(0), ev("ann", 5000)), leattest.At(second(0), ev("ann", 101)), leattest.At(second(0), ev("ann", 90)),
	), leat.EventTimeField(at, watermark.FromRow().IgnoreAhead(time.Minute)), leat.WatermarkField(at))
	out := leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(time.Second))), "out")
	result, err := local.Run(t.Context(), p, local.Options{})
	if want := []string{"ann 1 until 101", "ann 1 until 102", "ann 1 until 5001"}; err != nil || !slices.Equal(counted(out), want) || result.Sources[0].Ahead != 2 {
		t.Errorf("%v %q, want %q: %+v", err, counted(out), want, result)
	}

	p = &leat.Pipeline{}
	in = leat.Read(p, "in", memory.Of(ev("ann", 1), ev("ann", 5000)), leat.SkipBad[event](), leat.EventTimeField(at, watermark.None().RejectAhead(time.Minute)))
	out = leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(time.Second))), "out")
	result, err = local.Run(t.Context(), p, local.Options{Clock: func() time.Time { return second(100) }})
	if want := []string{"ann 1 until 2"}; err != nil || !slices.Equal(counted(out), want) || result.Sources[0].BadRecords != 1 || result.Plan != local.Batch {
		t.Errorf("%v %q, want %q: %+v", err, counted(out), want, result)
	}
}

// timetable is an unbounded source whose splits give their rows at moments of the
// machine's time, in seconds after the beginning, and then end. Of a split that is
// nil nothing ever comes.
type timetable struct {
	rows [][]timetabled
	lag  time.Duration // how long a reader takes at least, once it is asked

	mu   sync.Mutex
	read []int // rows given, by split
}

type timetabled struct {
	second float64
	event  event
}

// speaking is a timetable whose readers say for themselves how far they are: behind
// a row that all before it have come, and where there is no row that nothing comes.
type speaking struct{ timetable }

func (s *speaking) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	_, err := s.timetable.Open(ctx, r)
	return s, err
}

func (s *speaking) Reader(ctx context.Context, split connector.Split) (connector.Reader, error) {
	r, err := s.timetable.Reader(ctx, split)
	return &speaker{waiting: r.(*waiting)}, err
}

type speaker struct {
	*waiting
	said, at int64
	idle     bool
}

func (r *speaker) ReadEvent(ctx context.Context) (connector.Event, error) {
	if r.at > r.said {
		r.said = r.at
		return connector.Event{Kind: connector.Watermark, Time: r.said}, nil
	}
	if r.rows[r.split] == nil && !r.idle {
		r.idle = true
		return connector.Event{Kind: connector.Idle}, nil
	}
	b, err := r.Read(ctx)
	if err == nil {
		r.at = b.Root.Children[1].Ints[0]
	}
	return connector.Event{Batch: b}, err
}

func (s *timetable) String() string { return "timetable" }

func (s *timetable) Bounded() bool { return false }

func (s *timetable) Validate(*batch.Type) error { return nil }

func (s *timetable) Open(context.Context, connector.Request) (connector.Input, error) {
	s.read = make([]int, len(s.rows))
	return s, nil
}

func (s *timetable) Splits() (splits []connector.Split) {
	for i := range s.rows {
		splits = append(splits, connector.Split{Name: fmt.Sprint("split ", i), Rows: -1, Bytes: -1, Data: i})
	}
	return splits
}

func (s *timetable) Reader(_ context.Context, split connector.Split) (connector.Reader, error) {
	c, err := codec.For[event]()
	if err != nil {
		return nil, err
	}
	return &waiting{s, split.Data.(int), time.Now(), c.NewEncoder()}, nil
}

func (s *timetable) Close() error { return nil }

// given returns how many rows of a split were read.
func (s *timetable) given(split int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read[split]
}

type waiting struct {
	*timetable
	split   int
	begin   time.Time
	encoder *codec.Encoder[event]
}

func (r *waiting) Read(ctx context.Context) (*batch.Batch, error) {
	rows, n := r.rows[r.split], r.given(r.split)
	if rows == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if n == len(rows) {
		return nil, io.EOF
	}
	select {
	case <-time.After(max(r.lag, time.Until(r.begin.Add(time.Duration(rows[n].second*float64(time.Second)))))):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	r.read[r.split]++
	r.mu.Unlock()
	if err := r.encoder.Append([]event{rows[n].event}); err != nil {
		return nil, err
	}
	return &batch.Batch{Root: r.encoder.Finish()}, nil
}

// steady is a split that gives a row every so often, each a second of event time
// after the one before.
func steady(user string, n int, every float64) (rows []timetabled) {
	for i := range n {
		rows = append(rows, timetabled{float64(i) * every, ev(user, int64(i))})
	}
	return rows
}

// live runs a pipeline over a timetable in fake time, calls look after some
// seconds, and stops it.
func live(t *testing.T, source connector.Source, g watermark.Generator, o local.Options, seconds time.Duration, look func(out *leattest.Captured[leat.KV[string, int64]])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &leat.Pipeline{}
		in := leat.Read(p, "in", source, leat.EventTimeField(at, g))
		out := leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(10*time.Second))), "out")
		done := make(chan error)
		go func() {
			_, err := local.Run(ctx, p, o)
			done <- err
		}()
		time.Sleep(seconds*time.Second + time.Millisecond)
		synctest.Wait()
		look(out)
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A split that gives nothing holds the watermark for ever, and with IdleAfter no
// longer than that; when it gives something again it counts.
func TestIdleSplit(t *testing.T) {
	for _, parallelism := range []int{1, 2} {
		o := local.Options{Parallelism: parallelism}
		source := &timetable{rows: [][]timetabled{steady("ann", 100, 1), nil}}
		live(t, source, watermark.Monotone(), o, 60, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got := out.Rows(); len(got) > 0 {
				t.Errorf("a split without rows did not hold the watermark: %v", got)
			}
		})
		live(t, source, watermark.Monotone().IdleAfter(5*time.Second), o, 35, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got, want := counted(out), []string{"ann 10 until 10", "ann 10 until 20", "ann 10 until 30"}; !slices.Equal(got, want) {
				t.Errorf("parallelism %d: after 35 seconds %q, want %q", parallelism, got, want)
			}
		})
		back := &timetable{rows: [][]timetabled{steady("ann", 100, 1), {{0, ev("bob", 0)}, {25, ev("bob", 22)}, {60, ev("bob", 60)}}}}
		live(t, back, watermark.Monotone().IdleAfter(5*time.Second), o, 28, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got, want := counted(out), []string{"ann 10 until 10", "ann 10 until 20", "bob 1 until 10"}; !slices.Equal(got, want) {
				t.Errorf("parallelism %d: after 28 seconds %q, want %q", parallelism, got, want)
			}
		})
		live(t, back, watermark.Monotone().IdleAfter(5*time.Second), o, 31, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got, want := counted(out), []string{"ann 10 until 10", "ann 10 until 20", "ann 10 until 30", "bob 1 until 10", "bob 1 until 30"}; !slices.Equal(got, want) {
				t.Errorf("parallelism %d: after 31 seconds %q, want %q", parallelism, got, want)
			}
		})
	}
}

// A split that is idle when it ends, and one that ends while another is idle, end
// like others: the last windows close, with all rows in them.
func TestIdleSplitsEnd(t *testing.T) {
	for _, parallelism := range []int{1, 2, 3} {
		source := &timetable{rows: [][]timetabled{steady("ann", 25, 1), {{0, ev("bob", 0)}, {40, ev("bob", 24)}}, {{60, ev("cat", 25)}}}}
		live(t, source, watermark.Monotone().IdleAfter(5*time.Second), local.Options{Parallelism: parallelism}, 100, func(out *leattest.Captured[leat.KV[string, int64]]) {
			want := []string{"ann 10 until 10", "ann 10 until 20", "ann 5 until 30", "bob 1 until 10", "bob 1 until 30", "cat 1 until 30"}
			if got := counted(out); !slices.Equal(got, want) {
				t.Errorf("parallelism %d: %q, want %q", parallelism, got, want)
			}
		})
	}
}

// With Every a watermark waits for the end of the interval, and is said then though
// nothing comes.
func TestIntervals(t *testing.T) {
	source := &timetable{rows: [][]timetabled{{{1, ev("ann", 1)}, {2, ev("ann", 12)}, {100, ev("ann", 30)}}}}
	for seconds, want := range map[time.Duration]int{2: 0, 59: 0, 61: 1} {
		// The fake clock begins at midnight.
		live(t, source, watermark.Monotone().Every(time.Minute), local.Options{Parallelism: 2}, seconds, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got := out.Rows(); len(got) != want {
				t.Errorf("after %d seconds there are the results %v, want %d", seconds, got, want)
			}
		})
	}
}

// Aligned splits stay together: the fast one is read no further than the bound
// ahead of the slow one, and goes on when that has moved, is idle or has ended.
func TestAlignedSplits(t *testing.T) {
	aligned := watermark.Monotone().AlignedWithin(20 * time.Second)
	for _, parallelism := range []int{1, 2} {
		source := &timetable{rows: [][]timetabled{steady("fast", 1000, 0.001), steady("slow", 50, 1)}}
		for seconds, want := range map[time.Duration][2]int{10: {32, 32}, 30: {52, 52}, 55: {1000, 1000}} {
			live(t, source, aligned, local.Options{Parallelism: parallelism}, seconds, func(*leattest.Captured[leat.KV[string, int64]]) {
				if fast := source.given(0); fast < want[0] || fast > want[1] {
					t.Errorf("parallelism %d: after %d seconds the fast split is at %d, want %v", parallelism, seconds, fast, want)
				}
			})
		}
		stops := &timetable{rows: [][]timetabled{steady("fast", 1000, 0.001), {{0, ev("slow", 5)}, {60, ev("slow", 60)}}}}
		for seconds, want := range map[time.Duration]int{4: 27, 6: 1000} {
			live(t, stops, aligned.IdleAfter(5*time.Second), local.Options{Parallelism: parallelism}, seconds, func(*leattest.Captured[leat.KV[string, int64]]) {
				if fast := stops.given(0); fast != want {
					t.Errorf("parallelism %d: after %d seconds the fast split is at %d, want %d", parallelism, seconds, fast, want)
				}
			})
		}
	}
}

// A stream that is a script waits for all to be quiet, which a source that never
// ends is not: that is said before anything runs.
func TestScriptBesideEndless(t *testing.T) {
	p := &leat.Pipeline{}
	scripted := leat.Read[event](p, "script", leattest.Stream[event](leattest.Watermark(second(1))))
	endless := leat.Read(p, "endless", &timetable{rows: [][]timetabled{nil}}, leat.EventTimeField(at, watermark.Monotone()))
	leattest.Capture(leat.Flatten(scripted, endless), "out")
	_, err := local.Run(t.Context(), p, local.Options{})
	for _, says := range []string{`step "endless"`, "watermark_test.go:", "timetable never ends", "use streams for all of them"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, want %q in it", err, says)
		}
	}
}

// While a job runs, progress says the watermark behind each step; the result says
// the latest.
func TestWatermarksAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &leat.Pipeline{}
		in := leat.Read(p, "in", &timetable{rows: [][]timetabled{steady("ann", 40, 1)}}, leat.EventTimeField(at, watermark.Disorder(2*time.Second)))
		leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(10*time.Second))), "out")
		shown := make(map[string]int64)
		looks := 0
		result, err := local.Run(t.Context(), p, local.Options{Parallelism: 2, Every: 10*time.Second + time.Millisecond, Progress: func(p local.Progress) {
			if looks++; looks == 2 {
				for _, w := range p.Watermarks {
					shown[w.Step] = w.Time.Unix()
				}
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []string{"by-user", "total", "out"} {
			if shown[step] != 18 {
				t.Errorf("after 20 seconds the watermarks are %v, want 18 seconds behind step %s", shown, step)
			}
		}
		for _, s := range result.Steps {
			if s.Watermark.Unix() != 37 {
				t.Errorf("the result says %v of step %s, want 37 seconds", s.Watermark, s.Step)
			}
		}
	})
}

// Time in which a busy pipeline did not ask for rows does not make a split idle.
func TestBusyIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &leat.Pipeline{}
		// Each of the quick split's rows keeps the pipeline busy for ten seconds. The
		// patient one has a row a second after it is asked, which is not often.
		source := &timetable{rows: [][]timetabled{steady("quick", 30, 0), steady("patient", 30, 0)}, lag: time.Second}
		in := leat.Read(p, "in", source, leat.EventTimeField(at, watermark.Monotone().IdleAfter(5*time.Second)))
		slow := leat.Map(in, "slow", func(e event) event {
			if e.User == "quick" {
				time.Sleep(10 * time.Second)
			}
			return e
		})
		out := leattest.Capture(sumOf(leat.Window(keyed(slow), window.Fixed(10*time.Second))), "out")
		result, err := local.Run(t.Context(), p, local.Options{Parallelism: 1})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"patient 10 until 10", "patient 10 until 20", "patient 10 until 30", "quick 10 until 10", "quick 10 until 20", "quick 10 until 30"}
		if got := counted(out); !slices.Equal(got, want) {
			t.Errorf("%q, want %q: %+v", got, want, result.Steps)
		}
	})
}

// A connector that says watermarks and idleness itself is believed, unless the step
// declares a generator.
func TestConnectorSaysWatermarks(t *testing.T) {
	source := &speaking{timetable{rows: [][]timetabled{steady("ann", 100, 1), nil}}}
	for _, parallelism := range []int{1, 2} {
		o := local.Options{Parallelism: parallelism}
		live(t, source, watermark.None(), o, 25, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got, want := counted(out), []string{"ann 10 until 10", "ann 10 until 20"}; !slices.Equal(got, want) {
				t.Errorf("parallelism %d: after 25 seconds %q, want %q", parallelism, got, want)
			}
		})
		live(t, source, watermark.Disorder(15*time.Second), o, 30, func(out *leattest.Captured[leat.KV[string, int64]]) {
			if got, want := counted(out), []string{"ann 10 until 10"}; !slices.Equal(got, want) {
				t.Errorf("parallelism %d: with a generator, after 30 seconds %q, want %q", parallelism, got, want)
			}
		})
	}
}

// A reader that fails or panics while time is told beside it ends the run with the
// step's name, as any other.
func TestPacedReaderFails(t *testing.T) {
	for _, panics := range []bool{false, true} {
		p := &leat.Pipeline{}
		in := leat.Read(p, "in", &broken{panics: panics}, leat.EventTimeField(at, watermark.Monotone().IdleAfter(time.Hour)))
		leattest.Capture(in, "out")
		_, err := local.Run(t.Context(), p, local.Options{})
		if err == nil || !strings.Contains(err.Error(), `step "in"`) || !strings.Contains(err.Error(), "the wire is cut") {
			t.Errorf("panics %t: the error is %v", panics, err)
		}
	}
}

type broken struct {
	timetable
	panics bool
}

func (s *broken) Open(context.Context, connector.Request) (connector.Input, error) { return s, nil }

func (s *broken) Splits() []connector.Split { return []connector.Split{{Name: "only"}} }

func (s *broken) Reader(context.Context, connector.Split) (connector.Reader, error) { return s, nil }

func (s *broken) Read(context.Context) (*batch.Batch, error) {
	if s.panics {
		panic("the wire is cut")
	}
	return nil, errors.New("the wire is cut")
}
