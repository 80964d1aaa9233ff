package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/operator"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/graph"
)

// delaying emits each row a second of processing time after it came, with its
// event time, and holds the watermark back until then.
type delaying struct {
	told []int64
	held []held
}

type held struct{ at, due int64 }

func (o *delaying) Process(_ context.Context, b *batch.Batch, _ graph.Emit) error {
	for i := range b.Len() {
		o.held = append(o.held, held{b.Time[i], o.told[len(o.told)-1] + 1_000_000})
	}
	return nil
}

func (o *delaying) ProcessingTime(_ context.Context, now int64, emit graph.Emit) error {
	o.told = append(o.told, now)
	for len(o.held) > 0 && o.held[0].due <= now {
		b := numbers(0)
		b.Time = []int64{o.held[0].at}
		o.held = o.held[1:]
		if err := emit(0, b); err != nil {
			return err
		}
	}
	return nil
}

func (o *delaying) Due() int64 {
	if len(o.held) == 0 {
		return batch.MaxTime
	}
	return o.held[0].due
}

func (o *delaying) Hold() int64 {
	hold := batch.MaxTime
	for _, h := range o.held {
		hold = min(hold, h.at)
	}
	return hold
}

func (o *delaying) Watermark(context.Context, int64, graph.Emit) error { return nil }

func (o *delaying) End(context.Context, graph.Emit) error { return nil }

func (o *delaying) Close() error { return nil }

func row(ms int64) *batch.Batch {
	b := numbers(ms)
	b.Time = []int64{ms * 1000}
	return b
}

// step is one call of a link, and what must come out at it.
type step struct {
	call func(ctx context.Context, l *Link) error
	want string
}

func play(t *testing.T, l *Link, r *recording, steps []step) {
	t.Helper()
	for i, s := range steps {
		r.event, r.out = i, nil
		if err := s.call(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range r.out {
			got = append(got, strings.TrimPrefix(o, fmt.Sprint(i, ": ")))
		}
		if text := strings.Join(got, ", "); text != s.want {
			t.Errorf("at step %d came %q, want %q", i, text, s.want)
		}
	}
}

// Where a script says the time, the operator learns it before the first row, the
// next link before what the operator emits then. The watermark waits for what is
// held, a link that holds something is not idle, and what waits for a later moment
// at the end of input comes before the end.
func TestScriptedTimeAndHolds(t *testing.T) {
	op := &delaying{}
	l, r := linkOf(op, 1)
	l.SetClock(Clock{})
	watermark := func(ms int64) func(context.Context, *Link) error {
		return func(ctx context.Context, l *Link) error { return l.watermark(ctx, 0, ms*1000+1000) }
	}
	clock := func(s int64) func(context.Context, *Link) error {
		return func(ctx context.Context, l *Link) error { return l.processingTime(ctx, s*1_000_000) }
	}
	rows := func(ms int64) func(context.Context, *Link) error {
		return func(ctx context.Context, l *Link) error { return l.process(ctx, 0, row(ms)) }
	}
	play(t, l, r, []step{
		{watermark(3), "watermark 3"},
		{rows(10), ""},
		{watermark(7), "watermark 7"},
		{watermark(20), "watermark 9"}, // not beyond the row that is held
		{func(ctx context.Context, l *Link) error { return l.setIdle(ctx, 0) }, ""},
		{clock(0), ""},
		{clock(1), "clock 1000000, record 10, watermark 20, idle"},
		{clock(1), ""},
		{func(ctx context.Context, l *Link) error { return l.setActive(ctx, 0) }, "active"},
		{rows(30), ""},
		{clock(5), "clock 5000000, record 30"},
		{rows(40), ""},
		{func(ctx context.Context, l *Link) error { return l.end(ctx, 0) }, "record 40, end"},
	})
	if want := []int64{0, 1_000_000, 5_000_000, batch.MaxTime}; !slices.Equal(op.told, want) {
		t.Errorf("the operator was told %v, want %v", op.told, want)
	}
}

// quiet is an input of one row, then of nothing for a day, then of the end.
type quiet struct{ sent bool }

func (q *quiet) Next(ctx context.Context) (Message, error) {
	if !q.sent {
		q.sent = true
		return Message{Message: exchange.Message{Kind: exchange.Data, Batch: row(10)}}, nil
	}
	select {
	case <-time.After(24 * time.Hour):
		return control(exchange.End, batch.MaxTime), nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}

func (q *quiet) Close() error { return nil }

// In a real run the task wakes when an operator is due, though nothing comes, and
// not before; and it does not wake in between. A clock that is slower than the
// machine's is waited for.
func TestWakesWhenDue(t *testing.T) {
	for _, slower := range []int64{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			op := &delaying{}
			l, r := linkOf(op, 1)
			got := r.texts
			begin := time.Now()
			var asked atomic.Int64
			l.SetClock(Clock{Now: func() int64 {
				asked.Add(1)
				return time.Since(begin).Microseconds() / slower
			}})
			task := &Task{Concurrent: true, Links: []*Link{l}, Entries: []Entry{{Input: &quiet{}, Outs: [][]Edge{{{To: l}}}}}}
			done := make(chan error)
			go func() { done <- task.Run(t.Context()) }()
			time.Sleep(time.Duration(slower)*time.Second - time.Millisecond)
			synctest.Wait()
			if len(got()) != 0 {
				t.Errorf("the row came too early: %v", got())
			}
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			if want := []string{"0: record 10"}; !slices.Equal(got(), want) {
				t.Errorf("after a second came %v, want %v", got(), want)
			}
			time.Sleep(23 * time.Hour)
			synctest.Wait()
			if n := asked.Load(); n > 100 { // a slow clock is asked again, each time when a part of the rest has passed
				t.Errorf("the clock was asked %d times in a day", n)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if want := []string{"0: record 10", "0: end"}; !slices.Equal(got(), want) {
				t.Errorf("came %v, want %v", got(), want)
			}
		})
	}
}

// An error of an operator that is told the time names the step, and ends the task.
func TestTimeFails(t *testing.T) {
	op := &failing{delaying{told: []int64{0}}}
	l, _ := linkOf(op, 1)
	l.SetClock(Clock{Start: 1})
	err := l.process(t.Context(), 0, row(1))
	var step *StepError
	if !errors.As(err, &step) || step.Step != "step" {
		t.Errorf("the error is %v", err)
	}
}

type failing struct{ delaying }

func (*failing) ProcessingTime(context.Context, int64, graph.Emit) error {
	return errors.New("refused")
}

// Two scripts take turns, the one with fewer events behind it first, and none says
// anything while something is under way.
func TestScriptTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewScript()
		var said []string
		s.Begin()
		for source, events := range []int{4, 2} {
			s.Begin()
			go func() {
				for step := range events {
					if err := s.await(t.Context(), step, source); err != nil {
						t.Error(err)
					}
					said = append(said, fmt.Sprintf("%d%d", source, step))
				}
				s.Done()
			}()
		}
		synctest.Wait()
		if said != nil {
			t.Errorf("%v was said while something was under way", said)
		}
		s.Done()
		synctest.Wait()
		if want := []string{"00", "10", "01", "11", "02", "03"}; !slices.Equal(said, want) {
			t.Errorf("the order is %v, want %v", said, want)
		}
		var none *Script
		none.Begin()
		none.Done()
	})
}

// holder holds the watermark at 10 ms for ever.
type holder struct{ timer }

func (*holder) Hold() int64 { return 10_000 }

// waiter does so until event time moves on: nothing is due by the clock.
type waiter struct{ holder }

func (*waiter) ProcessingTime(context.Context, int64, graph.Emit) error { return nil }

func (*waiter) Due() int64 { return batch.MaxTime }

// A link whose inputs are idle is idle too, unless its operator will emit something
// by itself, as one that waits for an answer from outside does. Waiting for event
// time is no reason: that stands still.
func TestIdleLinks(t *testing.T) {
	for want, op := range map[string]operator.Operator{"idle": &waiter{}, "": &holder{}} {
		l, r := linkOf(op, 2)
		l.SetClock(Clock{})
		play(t, l, r, []step{
			{func(ctx context.Context, l *Link) error { return l.watermark(ctx, 0, 21_000) }, ""},
			{func(ctx context.Context, l *Link) error { return l.watermark(ctx, 1, 31_000) }, "watermark 9"},
			{func(ctx context.Context, l *Link) error { return l.setIdle(ctx, 1) }, ""},
			{func(ctx context.Context, l *Link) error { return l.setIdle(ctx, 0) }, want},
			{func(ctx context.Context, l *Link) error { return l.end(ctx, 0) }, ""},
			{func(ctx context.Context, l *Link) error { return l.end(ctx, 1) }, "end"},
		})
	}
}
