package leat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

// buffered keeps the rows of a batch and emits their sum at its end.
type buffered struct {
	Log   leat.Output[string]
	calls []string
	sum   int64
	fail  string // the hook that fails
}

func (b *buffered) Setup(context.Context) error { b.calls = nil; return nil }

func (b *buffered) StartBatch(c *leat.Context) error {
	b.calls, b.sum = append(b.calls, "start"), 0
	if b.fail == "start" {
		return errors.New("no connection")
	}
	return nil
}

func (b *buffered) Process(c *leat.Context, e event, emit leat.Emit[int64]) error {
	b.calls, b.sum = append(b.calls, "row"), b.sum+e.N
	return nil
}

func (b *buffered) FinishBatch(c *leat.Context, emit leat.Emit[int64]) error {
	switch b.fail {
	case "finish":
		return errors.New("no answer")
	case "panic":
		panic("no answer")
	}
	emit(b.sum)
	b.Log.Emit(strings.Join(append(b.calls, "finish at "+c.Time().Format(time.TimeOnly)), " "))
	b.calls = nil
	return nil
}

func (b *buffered) Teardown() error {
	if len(b.calls) > 0 {
		return fmt.Errorf("a batch was not finished: %v", b.calls)
	}
	return nil
}

func fiveEvents(p *leat.Pipeline) leat.PCollection[event] {
	var rows []event
	for i := range 5 {
		rows = append(rows, event{N: int64(i), At: time.Unix(int64(i), 0).UTC()})
	}
	return leat.Read(p, "events", memory.Of(rows...), leat.EventTimeField(at, watermark.Monotone()))
}

func TestBatchHooks(t *testing.T) {
	// Hooks come around the rows of each batch, what the last emits has the time of
	// the batch's last row, and side outputs work there too, on both plans.
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		p := &leat.Pipeline{}
		fn := &buffered{}
		var sums memory.Collector[int64]
		var log memory.Collector[string]
		leat.Write(leat.ParDo(fiveEvents(p), "sum", fn), "sums", &sums)
		leat.Write(fn.Log.Collection(), "log", &log)
		if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: 1, BatchRows: 2}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range sums.Windowed() {
			got = append(got, fmt.Sprintf("%d at %d", r.Value, r.Time.Unix()))
		}
		if want := []string{"1 at 1", "5 at 3", "4 at 4"}; !slices.Equal(got, want) {
			t.Errorf("%s plan: got %v, want %v", plan, got, want)
		}
		want := []string{"start row row finish at 00:00:01", "start row row finish at 00:00:03", "start row finish at 00:00:04"}
		if got := log.Rows(); !slices.Equal(got, want) {
			t.Errorf("%s plan: got %q, want %q", plan, got, want)
		}
	}
}

func TestBatchHooksFail(t *testing.T) {
	// A hook that fails or panics ends the job with the step's name; a panic gives
	// the place in the code and no row.
	for fail, want := range map[string]string{
		"start":  `start of a batch: no connection`,
		"finish": `end of a batch: no answer`,
		"panic":  `end of a batch: the function panicked: no answer`,
	} {
		p := &leat.Pipeline{}
		leat.Write(leat.ParDo(fiveEvents(p), "sum", &buffered{fail: fail}), "sums", &memory.Collector[int64]{})
		_, err := local.Run(t.Context(), p, local.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `step "sum"`) || strings.Contains(err.Error(), "row:") {
			t.Errorf("%s: got %v, want %s", fail, err, want)
		}
		if fail == "panic" && !strings.Contains(err.Error(), "hooks_test.go:") {
			t.Errorf("%s: no place in %v", fail, err)
		}
	}
}

func ExampleBatchFinisher() {
	p := &leat.Pipeline{}
	in := leat.Read[Order](p, "orders", orders)
	show(p, leat.ParDo(in, "priced", &askedAtOnce{}))
	// Output:
	// ink: 7 in stock
	// ink: 7 in stock
	// pad: 3 in stock
	// pen: 3 in stock
}

// askedAtOnce asks for the stock of all items of a batch with one request.
type askedAtOnce struct{ items []string }

func (a *askedAtOnce) StartBatch(*leat.Context) error { a.items = a.items[:0]; return nil }

func (a *askedAtOnce) Process(_ *leat.Context, o Order, _ leat.Emit[string]) error {
	a.items = append(a.items, o.Item)
	return nil
}

func (a *askedAtOnce) FinishBatch(_ *leat.Context, emit leat.Emit[string]) error {
	for i, n := range stockOf(a.items) {
		emit(fmt.Sprintf("%s: %d in stock", a.items[i], n))
	}
	return nil
}

// stockOf stands for a service that is asked over the network.
func stockOf(items []string) (stock []int) {
	for _, item := range items {
		stock = append(stock, map[string]int{"ink": 7}[item]+3*strings.Count(item, "p"))
	}
	return stock
}
