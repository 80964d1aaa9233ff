package memory_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type event struct {
	User string     `leat:"user"`
	At   time.Time  `leat:"at"`
	Qty  *int32     `leat:"qty"`
	Tags []string   `leat:"tags"`
	Seen *time.Time `leat:"seen"`
}

func sample(n int) []event {
	out := make([]event, n)
	for i := range out {
		q := int32(i)
		out[i] = event{User: fmt.Sprint("u", i%3), At: time.UnixMicro(int64(i)).UTC(), Qty: &q, Tags: []string{"a", "b"}[:i%3]}
		if i%4 == 0 {
			out[i].Qty = nil
		}
	}
	return out
}

func columnOf[T any](t testing.TB, rows []T) *batch.Column {
	t.Helper()
	c, err := codec.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	if err := e.Append(rows); err != nil {
		t.Fatal(err)
	}
	return e.Finish()
}

// tooEarly is a time that no column can hold.
var tooEarly = time.Date(-290_000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestSourceConformance(t *testing.T) {
	// Every source in memory keeps the contract, also with a row that cannot be
	// a column.
	rows := sample(25)
	withBad := slices.Insert(slices.Clone(rows), 3, event{At: tooEarly})
	for name, source := range map[string]func() connector.Source{
		"of":       func() connector.Source { return memory.Of(withBad...) },
		"splits":   func() connector.Source { return memory.Source[event]{Rows: withBad, Splits: 4} },
		"many":     func() connector.Source { return memory.Source[event]{Rows: withBad, Splits: 1000} },
		"sequence": func() connector.Source { return memory.Sequence(slices.Values(withBad)) },
		"channel": func() connector.Source {
			ch := make(chan event, 100)
			for _, r := range withBad {
				ch <- r
			}
			return memory.Channel(ch)
		},
		"generate": func() connector.Source {
			return memory.Generate(func(ctx context.Context, i int64) (event, bool) {
				if i < int64(len(withBad)) {
					return withBad[i], true
				}
				<-ctx.Done()
				return event{}, true
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.TestSource(t, connectortest.SourceCase{
				New:        func(*testing.T) connector.Source { return source() },
				Type:       columnOf(t, rows).Type,
				Want:       columnOf(t, rows),
				Bad:        []string{"row 3 in memory"},
				CloseTwice: true,
			})
		})
	}
	t.Run("empty", func(t *testing.T) {
		connectortest.TestSource(t, connectortest.SourceCase{
			New:  func(*testing.T) connector.Source { return memory.Of[event]() },
			Type: columnOf(t, rows).Type, Want: columnOf(t, rows[:0]), CloseTwice: true,
		})
	})
}

// open opens the first split of a source.
func open(t *testing.T, s connector.Source, typ *batch.Type) connector.Reader {
	t.Helper()
	in, err := s.Open(t.Context(), connector.Request{Type: typ, BatchRows: 4, Bad: func(b connector.BadRecord) error { return b }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := in.Reader(t.Context(), in.Splits()[0])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRowsAreNotHeldBack(t *testing.T) {
	// A row of an unbounded source is there although the next one never comes.
	number := columnOf(t, []int64{1}).Type
	ch := make(chan int64, 1)
	slow := memory.Generate(func(ctx context.Context, i int64) (int64, bool) {
		if i > 0 {
			<-ctx.Done()
		}
		return 7, true
	})
	for _, s := range []connector.Source{memory.Channel(ch), slow} {
		ch <- 7
		r := open(t, s, number)
		b, err := r.Read(t.Context())
		if err != nil || b.Len() != 1 || b.Root.Ints[0] != 7 {
			t.Errorf("%s: %v, %v", s, b, err)
		}
		if s.Bounded() {
			t.Errorf("%s claims to end", s)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		select { // what the other source left
		case <-ch:
		default:
		}
	}
}

func TestEnd(t *testing.T) {
	// A closed channel and a generator that says so end the input.
	number := columnOf(t, []int64{1}).Type
	ch := make(chan int64, 9)
	for i := range int64(9) {
		ch <- i
	}
	close(ch)
	nine := func(_ context.Context, i int64) (int64, bool) { return i, i < 9 }
	for _, s := range []connector.Source{memory.Channel(ch), memory.Generate(nine)} {
		r := open(t, s, number)
		var got []int64
		for {
			b, err := r.Read(t.Context())
			if err != nil {
				break
			}
			got = append(got, b.Root.Ints...)
		}
		if !slices.Equal(got, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}) {
			t.Errorf("%s: %v", s, got)
		}
		r.Close()
	}
}

func TestCloseWaitsForTheGenerator(t *testing.T) {
	// When Close has returned, the user's function has too, and runs no more.
	returned := false
	r := open(t, memory.Generate(func(ctx context.Context, i int64) (int64, bool) {
		if i > 0 {
			<-ctx.Done()
			for range 1000 {
				runtime.Gosched()
			}
			returned = true
		}
		return i, true
	}), columnOf(t, []int64{1}).Type)
	if _, err := r.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil || !returned {
		t.Errorf("returned %v, %v", returned, err)
	}
}

func TestPanicInUserFunction(t *testing.T) {
	// A panic of the user's function is an error with its stack, not the end of
	// the program.
	number := columnOf(t, []int64{1}).Type
	var seq iter.Seq[int64] = func(func(int64) bool) { panic("boom") }
	for _, s := range []connector.Source{
		memory.Sequence(seq),
		memory.Generate(func(context.Context, int64) (int64, bool) { panic("boom") }),
	} {
		r := open(t, s, number)
		_, err := r.Read(t.Context())
		if err == nil || !strings.Contains(err.Error(), "panic: boom") || !strings.Contains(err.Error(), "memory_test.go") {
			t.Errorf("%s: error %v", s, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOtherTypes(t *testing.T) {
	// Rows of another type than the step's are refused with both types, as is a
	// Go type that has no columns.
	number := columnOf(t, []int64{1}).Type
	for _, err := range []error{
		memory.Of(event{}).Validate(number),
		memory.Sequence(slices.Values([]event{})).Validate(number),
		memory.Channel(make(chan event)).Validate(number),
		memory.Generate(func(context.Context, int64) (event, bool) { return event{}, false }).Validate(number),
		(&memory.Collector[event]{}).Validate(number),
	} {
		if err == nil || !strings.Contains(err.Error(), "memory_test.event") || !strings.Contains(err.Error(), "rows of type int64") {
			t.Errorf("error %v", err)
		}
	}
	if err := memory.Of(make(chan int)).Validate(number); err == nil {
		t.Error("channels were accepted as rows")
	}
	if err := (memory.Source[int64]{Splits: -1}).Validate(number); err == nil {
		t.Error("negative Splits were accepted")
	}
}

// collect opens a collector and returns a writer of each task.
func collect[T any](t *testing.T, c *memory.Collector[T], typ *batch.Type, tasks int) (connector.Output, []connector.Writer) {
	t.Helper()
	out, err := c.Open(t.Context(), connector.SinkRequest{Type: typ, Parallelism: tasks})
	if err != nil {
		t.Fatal(err)
	}
	writers := make([]connector.Writer, tasks)
	for i := range writers {
		if writers[i], err = out.Writer(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	return out, writers
}

func TestCollector(t *testing.T) {
	// Rows can be seen as soon as they are written, task by task, with time,
	// window and kind, and stay when the run is aborted.
	c := &memory.Collector[int64]{}
	if rows := c.Rows(); len(rows) != 0 {
		t.Fatalf("a new collector holds %v", rows)
	}
	column := columnOf(t, []int64{10, 11, 12})
	out, writers := collect(t, c, column.Type, 2)
	b := &batch.Batch{Root: column, Time: []int64{0, batch.MinTime, 5}, Start: []int64{0, 0, 0}, End: []int64{60, 60, 60},
		Retract: []bool{false, false, true}, Sel: []int32{1, 2}}
	if err := writers[1].Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := writers[0].Write(t.Context(), &batch.Batch{Root: column}); err != nil {
		t.Fatal(err)
	}
	if got := c.Rows(); !slices.Equal(got, []int64{10, 11, 12, 11, 12}) || c.Len() != 5 || len(c.Batches()) != 2 || c.Batches()[1] != b {
		t.Errorf("rows %v, %d, %d batches", got, c.Len(), len(c.Batches()))
	}
	start, end := time.UnixMicro(0).UTC(), time.UnixMicro(60).UTC()
	once := batch.Pane{Timing: batch.OnTime, First: true, Last: true}
	want := []memory.Row[int64]{{Value: 10}, {Value: 11}, {Value: 12}, {Value: 11, Start: start, End: end, Pane: once},
		{Value: 12, Time: time.UnixMicro(5).UTC(), Start: start, End: end, Pane: once, Retract: true}}
	if got := c.Windowed(); !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	staged, err := writers[1].Close(t.Context())
	if err != nil || staged.Rows != 2 {
		t.Errorf("staged %+v, %v", staged, err)
	}
	if err := writers[1].Write(t.Context(), b); err == nil {
		t.Error("a closed writer wrote")
	}
	if err := errors.Join(writers[0].Abort(), out.Abort()); err != nil || c.Len() != 5 || c.Committed() {
		t.Errorf("after Abort: %d rows, committed %v, %v", c.Len(), c.Committed(), err)
	}
	second, _ := collect(t, c, column.Type, 1)
	if err := second.Commit(t.Context(), nil); err != nil || c.Len() != 0 || !c.Committed() {
		t.Errorf("after a second run: %d rows, committed %v, %v", c.Len(), c.Committed(), err)
	}
}

func TestWait(t *testing.T) {
	// Wait returns when the rows are there, and says what there is when they do
	// not come.
	c := &memory.Collector[int64]{}
	column := columnOf(t, []int64{1, 2})
	_, writers := collect(t, c, column.Type, 1)
	errs := make(chan error)
	go func() {
		rows, err := c.Wait(t.Context(), 4)
		if err == nil && len(rows) != 4 {
			err = fmt.Errorf("%d rows", len(rows))
		}
		errs <- err
	}()
	for range 2 {
		if err := writers[0].Write(t.Context(), &batch.Batch{Root: column}); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-errs; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rows, err := c.Wait(ctx, 5)
	if len(rows) != 4 || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "waited for 5 rows, got 4") {
		t.Errorf("%v, %v", rows, err)
	}
}
