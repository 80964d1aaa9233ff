package leat_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// counted counts what happens to all copies of a DoFn.
type counted struct{ setups, teardowns, rows atomic.Int64 }

// BadLines is a side output that several DoFns embed.
type BadLines struct{ Bad leat.Output[string] }

// parse splits lines of user and number. Each copy counts in rows, without a lock.
type parse struct {
	BadLines
	Lengths leat.Output[int64]
	total   *counted
	rows    int64
	words   []string // made by Setup
}

func (p *parse) Setup(context.Context) error {
	p.total.setups.Add(1)
	p.words = make([]string, 0, 2)
	return nil
}

func (p *parse) Process(_ *leat.Context, line string, emit leat.Emit[event]) error {
	p.rows++
	p.Lengths.Emit(int64(len(line)))
	p.words = append(p.words[:0], strings.Fields(line)...)
	if len(p.words) != 2 {
		p.Bad.Emit(line)
		return nil
	}
	emit(event{User: strings.Clone(p.words[0])})
	return nil
}

func (p *parse) Teardown() error {
	p.total.teardowns.Add(1)
	p.total.rows.Add(p.rows)
	return nil
}

func TestSideOutputs(t *testing.T) {
	// Side outputs, also of an embedded struct, get their rows from every task;
	// each task has a copy of the DoFn of its own, set up and torn down once.
	var lines []string
	for range 1000 {
		lines = append(lines, "ann 1", "bob")
	}
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		p := &leat.Pipeline{}
		fn := &parse{total: &counted{}}
		good := leat.ParDo(leat.Read[string](p, "lines", memory.Source[string]{Rows: lines, Splits: 8}), "parse", fn)
		var users memory.Collector[event]
		var bad memory.Collector[string]
		var lengths memory.Collector[int64]
		leat.Write(good, "users", &users)
		leat.Write(fn.Bad.Collection(), "bad", &bad)
		leat.Write(leat.Filter(fn.Lengths.Collection(), "long", func(n int64) bool { return n > 3 }), "lengths", &lengths)
		if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 4, BatchRows: 300}); err != nil {
			t.Fatal(err)
		}
		if users.Len() != 1000 || bad.Len() != 1000 || lengths.Len() != 1000 || slices.ContainsFunc(bad.Rows(), func(s string) bool { return s != "bob" }) {
			t.Errorf("%s plan: %d users, %d bad, %d lengths", plan, users.Len(), bad.Len(), lengths.Len())
		}
		if s, d, n := fn.total.setups.Load(), fn.total.teardowns.Load(), fn.total.rows.Load(); s != 4 || d != 4 || n != 2000 || fn.rows != 0 {
			t.Errorf("%s plan: %d setups, %d teardowns, %d rows, %d in the original", plan, s, d, n, fn.rows)
		}
	}
}

// burst emits many rows for one.
type burst struct{ Twice leat.Output[int64] }

func (b *burst) Process(_ *leat.Context, n int64, emit leat.Emit[int64]) error {
	for i := range n {
		emit(i)
		b.Twice.Emit(2 * i)
	}
	return nil
}

func TestParDoPassesOnWhileItRuns(t *testing.T) {
	// One row may become more rows than fit in memory: they are passed on while
	// Process runs, of side outputs too.
	p := &leat.Pipeline{}
	fn := &burst{}
	out := leat.ParDo(leat.Read[int64](p, "n", memory.Of[int64](50_000)), "burst", fn)
	var got, twice memory.Collector[int64]
	leat.Write(out, "out", &got)
	leat.Write(fn.Twice.Collection(), "twice", &twice)
	run(t, p)
	for i, n := range got.Rows() {
		if n != int64(i) {
			t.Fatalf("row %d is %d", i, n)
		}
	}
	if n := len(got.Batches()); got.Len() != 50_000 || twice.Len() != 50_000 || n < 5 {
		t.Errorf("got %d and %d rows in %d batches", got.Len(), twice.Len(), n)
	}
}

func TestErrorBehindParDo(t *testing.T) {
	// An error of a step behind an emit is that step's, whatever the emitting
	// code returns.
	p := &leat.Pipeline{}
	out := leat.ParDo(leat.Read[int64](p, "n", memory.Of[int64](50_000)), "burst", &burst{})
	bad := leat.ParDo(out, "checked", leat.Do(func(_ *leat.Context, n int64, emit leat.Emit[int64]) error {
		if n == 20_000 {
			return errors.New("too large")
		}
		return nil
	}))
	leat.Write(bad, "out", &memory.Collector[int64]{})
	_, err := local.Run(t.Context(), p, local.Options{Parallelism: 1})
	if err == nil || !strings.Contains(err.Error(), `step "checked"`) || !strings.Contains(err.Error(), "row: 20000") || strings.Contains(err.Error(), "burst") {
		t.Errorf("got %v", err)
	}
}

// leak keeps emit and calls it later.
type leak struct {
	emit *leat.Emit[string]
}

func (l *leak) Process(_ *leat.Context, in event, emit leat.Emit[string]) error {
	*l.emit = emit
	return nil
}

func (l *leak) Teardown() error {
	(*l.emit)("late")
	return nil
}

// failingSetup is a DoFn that cannot start.
type failingSetup struct {
	err       error
	teardowns *int
}

func (f *failingSetup) Setup(context.Context) error {
	if f.err == nil {
		panic("no table")
	}
	return f.err
}

func (f *failingSetup) Process(*leat.Context, event, leat.Emit[string]) error { return nil }

func (f *failingSetup) Teardown() error {
	*f.teardowns++
	return nil
}

func TestTeardownNeedsSetup(t *testing.T) {
	// What Setup did not make, Teardown is not asked to release.
	n := 0
	p := &leat.Pipeline{}
	cause := errors.New("no such host")
	leat.Write(leat.ParDo(events(p, event{}), "lookup", &failingSetup{cause, &n}), "out", &memory.Collector[string]{})
	if _, err := local.Run(t.Context(), p, local.Options{}); !errors.Is(err, cause) || n != 0 {
		t.Errorf("got %v, %d teardowns", err, n)
	}
}
