package exchange

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/sdk/batch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func numbered(n int64) *batch.Batch {
	return &batch.Batch{Root: batch.NewInts(&batch.Type{Kind: batch.Int64}, []int64{n})}
}

// drainAll reads until every channel has ended and returns the messages of each
// channel as text, and of all in the order they came.
func drainAll(ctx context.Context, r *Receiver) (byProducer [][]string, all []string, err error) {
	byProducer = make([][]string, r.Producers())
	for open := r.Producers(); open > 0; {
		from, m, err := r.Next(ctx)
		if err != nil {
			return byProducer, all, err
		}
		var s string
		switch m.Kind {
		case Data:
			s = fmt.Sprint(m.Batch.Root.Ints[0])
		case Watermark:
			s = fmt.Sprint("w", m.Watermark)
		case KeyGroupEnd:
			s = "group end"
		case End:
			s = "end"
			open--
		}
		byProducer[from] = append(byProducer[from], s)
		all = append(all, fmt.Sprint(from, ":", s))
	}
	return byProducer, all, nil
}

// produce sends n batches round robin with a watermark after each, and the end.
func produce(ctx context.Context, s *Sender, n int64) error {
	for i := range n {
		if err := s.Send(ctx, int(i)%s.Partitions(), numbered(i)); err != nil {
			return err
		}
		s.Broadcast(Message{Kind: Watermark, Watermark: i})
	}
	s.Broadcast(Message{Kind: End})
	return nil
}

// script is what consumer c must get from one producer.
func script(n int64, consumer, consumers int) (want []string) {
	for i := range n {
		if int(i)%consumers == consumer {
			want = append(want, fmt.Sprint(i))
		}
		want = append(want, fmt.Sprint("w", i))
	}
	return append(want, "end")
}

// Each channel keeps its order, control messages among the batches, and all
// memory comes back.
func TestPipelinedOrder(t *testing.T) {
	const producers, consumers, n = 3, 2, 200
	budget := memory.NewBudget(0)
	e := New("test", producers, consumers, true, budget)
	var group sync.WaitGroup
	for p := range producers {
		group.Go(func() {
			if err := produce(t.Context(), e.Sender(p), n); err != nil {
				t.Error(err)
			}
		})
	}
	for c := range consumers {
		group.Go(func() {
			got, _, err := drainAll(t.Context(), e.Receiver(c))
			if err != nil {
				t.Error(err)
			}
			for p := range got {
				if want := script(n, c, consumers); !slices.Equal(got[p], want) {
					t.Errorf("channel %d→%d gave %v, want %v", p, c, got[p], want)
				}
			}
		})
	}
	group.Wait()
	e.Close()
	if budget.Used() != 0 || budget.Peak() == 0 {
		t.Errorf("%d bytes are left in the budget, whose peak was %d", budget.Used(), budget.Peak())
	}
}

// A producer stops when its channel is full, whatever other channels do; control
// messages still pass, and one batch taken lets one more in.
func TestCreditsHoldProducers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New("test", 2, 1, true, memory.NewBudget(0))
		sent := 0
		go func() {
			for i := range int64(creditsPerChannel + 2) {
				if e.Sender(0).Send(t.Context(), 0, numbered(i)) != nil {
					return
				}
				sent++
			}
		}()
		synctest.Wait()
		if sent != creditsPerChannel {
			t.Fatalf("%d batches were sent into a channel nobody reads, want %d", sent, creditsPerChannel)
		}
		e.Sender(0).Broadcast(Message{Kind: Watermark, Watermark: 1})
		if err := e.Sender(1).Send(t.Context(), 0, numbered(100)); err != nil {
			t.Fatal("the other producer's channel is empty: ", err)
		}
		for taken := 1; taken <= 2; taken++ {
			if _, _, err := e.Receiver(0).Next(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if sent != creditsPerChannel+taken {
				t.Fatalf("after %d batches were taken %d are sent, want %d", taken, sent, creditsPerChannel+taken)
			}
		}
	})
}

// When the run is cancelled nobody stays behind: neither a producer waiting for a
// credit nor a consumer waiting for a message. What lay in the exchange is given
// back.
func TestCancelFreesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		budget := memory.NewBudget(0)
		full, empty := New("full", 1, 1, true, budget), New("empty", 1, 1, true, budget)
		errs := make(chan error, 2)
		go func() { errs <- produce(ctx, full.Sender(0), 1000) }()
		go func() {
			_, _, err := empty.Receiver(0).Next(ctx)
			errs <- err
		}()
		synctest.Wait()
		select {
		case err := <-errs:
			t.Fatalf("somebody did not wait: %v", err)
		default:
		}
		cancel()
		for range 2 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v, want context.Canceled", err)
			}
		}
		full.Close()
		empty.Close()
		if budget.Used() != 0 {
			t.Errorf("%d bytes were not given back", budget.Used())
		}
	})
}

// A blocked exchange takes everything before anybody reads, and gives it channel
// after channel, so that the order does not depend on who was faster.
func TestBlockedOrder(t *testing.T) {
	const producers, n = 3, 50
	var first []string
	for round := range 5 {
		budget := memory.NewBudget(0)
		e := New("test", producers, 1, false, budget)
		var group sync.WaitGroup
		for p := range producers {
			group.Go(func() {
				if err := produce(t.Context(), e.Sender((p+round)%producers), n); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if budget.Used() == 0 {
			t.Error("what is kept is not in the budget")
		}
		_, all, err := drainAll(t.Context(), e.Receiver(0))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = all
		}
		if !slices.Equal(all, first) || !slices.IsSorted(producersOf(all)) {
			t.Fatalf("round %d: the order is %v, was %v", round, all, first)
		}
		if budget.Used() != 0 {
			t.Errorf("%d bytes were not given back", budget.Used())
		}
	}
}

func producersOf(all []string) (p []string) {
	for _, s := range all {
		p = append(p, s[:1])
	}
	return p
}

// What does not fit the budget is refused by the name of the exchange, and what
// was taken before is given back at Close.
func TestBudgetExceeded(t *testing.T) {
	one := numbered(0).SizeBytes()
	for _, pipelined := range []bool{false, true} {
		budget := memory.NewBudget(3*one + one/2)
		e := New(`the exchange behind step "total"`, 1, 1, pipelined, budget)
		var err error
		sent := 0
		for ; err == nil; sent++ {
			err = e.Sender(0).Send(t.Context(), 0, numbered(int64(sent)))
		}
		var exceeded *memory.ExceededError
		if !errors.As(err, &exceeded) || sent != 4 || !strings.Contains(err.Error(), `the exchange behind step "total" needs`) {
			t.Errorf("pipelined %t: batch %d was refused with %v", pipelined, sent, err)
		}
		if _, _, err := e.Receiver(0).Next(t.Context()); err != nil {
			t.Error(err)
		}
		e.Close()
		if budget.Used() != 0 {
			t.Errorf("pipelined %t: %d bytes were not given back", pipelined, budget.Used())
		}
	}
}

// A receiver does not start on a run that is over.
func TestNextOfCancelledRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, pipelined := range []bool{false, true} {
		e := New("test", 1, 1, pipelined, memory.NewBudget(0))
		e.Sender(0).Broadcast(Message{Kind: End})
		if _, _, err := e.Receiver(0).Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("pipelined %t: %v", pipelined, err)
		}
	}
}

// Rows sent by key group are read group after group from every producer, each
// group followed by its end, and what was sent without a group comes last.
func TestKeyGroups(t *testing.T) {
	budget := memory.NewBudget(0)
	e := New("x", 2, 2, false, budget)
	send := func(producer, group int, n int64) {
		if err := e.Sender(producer).SendGroup(t.Context(), group, numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	send(1, 5, 10)
	send(0, 70, 20)
	send(0, 5, 11)
	send(0, 5, 12)
	send(0, 3, 13)
	send(1, 127, 21)
	if err := e.Sender(0).Send(t.Context(), 0, numbered(14)); err != nil {
		t.Fatal(err)
	}
	if got := e.Receiver(0).Waiting(); got != 3 {
		t.Errorf("%d rows of the largest group wait, want 3", got)
	}
	for producer := range 2 {
		e.Sender(producer).Broadcast(Message{Kind: End})
	}
	for consumer, want := range []string{
		"0:13 0:group end 0:11 0:12 1:10 0:group end 0:14 0:end 1:end",
		"0:20 0:group end 1:21 0:group end 0:end 1:end",
	} {
		_, all, err := drainAll(t.Context(), e.Receiver(consumer))
		if got := strings.Join(all, " "); err != nil || got != want {
			t.Errorf("consumer %d read %v %s, want %s", consumer, err, got, want)
		}
	}
	e.Close()
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes are reserved at the end", used)
	}
}
