package local_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/leattest"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// perTen sums a topic in windows of ten seconds.
func perTen(p *leat.Pipeline, from *topic, g watermark.Generator) *leattest.Captured[leat.KV[string, int64]] {
	in := leat.Read(p, from.name, from, leat.EventTimeField(at, g))
	return leattest.Capture(sumOf(leat.Window(keyed(in), window.Fixed(10*time.Second))), "out")
}

// start runs a pipeline and returns what waits for its end.
func start(ctx context.Context, p *leat.Pipeline, o local.Options) (wait func() (*local.Result, error)) {
	var result *local.Result
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result, err = local.Run(ctx, p, o)
	}()
	return func() (*local.Result, error) { <-ended; return result, err }
}

// Each partition of a bounded topic is an order of its own on the streaming plan:
// the watermark of one that was read first makes nothing late in the others.
func TestPartitionsHaveTheirOwnWatermark(t *testing.T) {
	for _, parallelism := range []int{1, 2, 5} {
		from := newTopic("orders", 3)
		from.ends = true
		for i, p := range from.parts {
			for s := range int64(30) {
				p.put(ev(fmt.Sprint("user", i), s))
			}
			close(p.rows)
		}
		p := &leat.Pipeline{}
		out := perTen(p, from, watermark.Monotone())
		result, err := local.Run(t.Context(), p, local.Options{Plan: local.Streaming, Parallelism: parallelism})
		if err != nil {
			t.Fatal(err)
		}
		if rows := counted(out); len(rows) != 9 || result.Steps[len(result.Steps)-1].Dropped != 0 {
			t.Errorf("parallelism %d: %q, result %+v", parallelism, rows, result.Steps)
		}
		for _, line := range counted(out) {
			if !strings.Contains(line, " 10 until ") {
				t.Errorf("parallelism %d: %s, want 10 rows in each window", parallelism, line)
			}
		}
	}
}

// A partition that always has rows does not keep another of the same task from
// being read. How many of the first go by meanwhile is up to Go's scheduler, which
// lets two goroutines that feed each other run for 10 ms.
func TestPartitionsAreReadFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newTopic("orders", 2)
		busy, quiet := from.parts[0], from.parts[1]
		endless := make(chan []event) // never empty
		busy.rows = endless
		stop := make(chan struct{})
		go func() {
			for i := int64(0); ; i++ {
				select {
				case endless <- []event{ev("busy", 1)}:
				case <-stop:
					return
				}
			}
		}()
		for s := range int64(100) {
			quiet.put(ev("quiet", s))
		}
		p := &leat.Pipeline{}
		seen := make(chan string, 10_000)
		in := leat.Read(p, "orders", from, leat.EventTimeField(at, watermark.Monotone()))
		leattest.Capture(leat.Map(in, "see", func(e event) event {
			seen <- e.User
			return e
		}), "out")
		wait := start(t.Context(), p, local.Options{Parallelism: 1, Stop: stop})
		between := 0
		for i := range 100 {
			since := 0
			for <-seen != "quiet" {
				since++
			}
			if i > 0 { // the first may have to wait until its reader is there
				between = max(between, since)
			}
		}
		close(stop)
		go func() { // what is under way must not wait for us
			for range seen {
			}
		}()
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
		close(seen)
		if between > 100_000 {
			t.Errorf("%d rows of the busy partition came between two of the other", between)
		}
	})
}

// A partition that is added while a topic is read is read at once, by the task
// whose turn it is, and holds the watermark until it has said something.
func TestPartitionsAreAdded(t *testing.T) {
	for _, parallelism := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			from := newTopic("orders", 1)
			from.grows = true
			p := &leat.Pipeline{}
			out := perTen(p, from, watermark.Monotone())
			wait := start(t.Context(), p, local.Options{Parallelism: parallelism})
			from.parts[0].put(ev("ann", 1), ev("ann", 11))
			synctest.Wait()
			if got := counted(out); !slices.Equal(got, []string{"ann 1 until 10"}) {
				t.Fatalf("with one partition: %q", got)
			}
			added := from.add()
			synctest.Wait()
			from.parts[0].put(ev("ann", 31))
			synctest.Wait()
			if got := counted(out); len(got) != 1 {
				t.Fatalf("the partition that has said nothing did not hold the watermark: %q", got)
			}
			added.put(ev("bob", 12), ev("bob", 25)) // in time
			synctest.Wait()
			want := []string{"ann 1 until 10", "ann 1 until 20", "bob 1 until 20"}
			if got := counted(out); !slices.Equal(got, want) {
				t.Fatalf("behind the rows of the new partition: %q, want %q", got, want)
			}
			close(from.fresh)
			close(from.parts[0].rows)
			close(added.rows)
			result, err := wait()
			if err != nil {
				t.Fatal(err)
			}
			if got := counted(out); len(got) != 5 || result.Sources[0].Splits != 2 || result.Stopped {
				t.Errorf("at the end %q, result %+v", got, result)
			}
		})
	}
}

// A topic that has no partitions yet, or more tasks than partitions, holds nobody
// up: tasks without one are idle, not at the end.
func TestPartitionsComeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := newTopic("orders", 0)
		from.grows = true
		p := &leat.Pipeline{}
		out := perTen(p, from, watermark.Monotone())
		wait := start(t.Context(), p, local.Options{Parallelism: 2})
		synctest.Wait()
		first := from.add()
		first.put(ev("ann", 1), ev("ann", 11))
		synctest.Wait()
		if got := counted(out); !slices.Equal(got, []string{"ann 1 until 10"}) {
			t.Errorf("the rows of the first partition gave %q", got)
		}
		close(first.rows)
		close(from.fresh)
		if _, err := wait(); err != nil {
			t.Fatal(err)
		}
		if got := counted(out); len(got) != 2 {
			t.Errorf("at the end %q", got)
		}
	})
}

// What goes wrong with a partition, or with looking for more, names the step and
// the partition, and every reader is closed.
func TestPartitionFails(t *testing.T) {
	for name, broken := range map[string]func(*topic){
		`step "orders" (`:              func(from *topic) { close(from.parts[1].rows) },
		"orders/1: the line is broken": func(from *topic) { close(from.parts[1].rows) },
		"looking for more splits: the line is broken": func(from *topic) {
			from.fresh <- &topicPart{fails: errBroken}
		},
	} {
		from := newTopic("orders", 3)
		from.grows = true
		from.parts[1].fails = errBroken
		p := &leat.Pipeline{}
		perTen(p, from, watermark.Monotone())
		wait := start(t.Context(), p, local.Options{Parallelism: 2})
		broken(from)
		if _, err := wait(); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), name) {
			t.Errorf("the error is %v, want in it %q", err, name)
		}
		if n := from.open(); n != 0 {
			t.Errorf("%d readers are open", n)
		}
	}
}
