package task

import (
	"slices"
	"testing"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/memory"
)

// A link of which an input has stopped stops when no other is left, in whatever
// order they go, and does not end: an input that has ended no longer holds the
// watermark, one that has stopped does. (Texts show watermarks as Flink counts them.)
func TestLinkStops(t *testing.T) {
	for _, endFirst := range []bool{false, true} {
		l, r := linkOf(&timer{}, 2)
		end := func() error { return l.end(t.Context(), 1) }
		stop := func() error { return l.stop(t.Context(), 0) }
		calls := []func() error{
			func() error { return l.watermark(t.Context(), 0, 7000) }, func() error { return l.watermark(t.Context(), 1, 5000) }, stop, end,
		}
		if endFirst {
			calls[2], calls[3] = end, stop
		}
		for _, call := range calls {
			if err := call(); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := r.texts(), []string{"0: watermark 4", "0: watermark 6", "0: stop"}; !slices.Equal(got, want) {
			t.Errorf("end first %t: %q, want %q", endFirst, got, want)
		}
	}
}

// So does the receiving side of an exchange.
func TestReceivingStops(t *testing.T) {
	for _, last := range []exchange.Kind{exchange.End, exchange.Stop} {
		x := exchange.New("test", 2, 1, true, memory.NewBudget(0))
		x.Sender(0).Broadcast(exchange.Message{Kind: exchange.End + exchange.Stop - last})
		x.Sender(1).Broadcast(exchange.Message{Kind: exchange.Watermark, Watermark: 9})
		x.Sender(1).Broadcast(exchange.Message{Kind: last})
		r := NewReceiving(x.Receiver(0), nil)
		var kinds []exchange.Kind
		for len(kinds) == 0 || kinds[len(kinds)-1] != exchange.Stop && kinds[len(kinds)-1] != exchange.End {
			m, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, m.Kind)
		}
		want := []exchange.Kind{exchange.Watermark, exchange.Stop}
		if last == exchange.End { // the one that stopped has said nothing
			want = want[1:]
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("last %d: %v, want %v", last, kinds, want)
		}
	}
}

// The receiving side of an exchange says how far those that have stopped are when the
// last of the others has ended.
func TestReceivingStopsBehindAnEnd(t *testing.T) {
	x := exchange.New("test", 2, 1, true, memory.NewBudget(0))
	x.Sender(0).Broadcast(exchange.Message{Kind: exchange.Watermark, Watermark: 20})
	x.Sender(1).Broadcast(exchange.Message{Kind: exchange.Watermark, Watermark: 9})
	x.Sender(0).Broadcast(exchange.Message{Kind: exchange.Stop})
	x.Sender(1).Broadcast(exchange.Message{Kind: exchange.End})
	r := NewReceiving(x.Receiver(0), nil)
	for _, want := range []Message{control(exchange.Watermark, 9), control(exchange.Watermark, 20), control(exchange.Stop, 0)} {
		if m, err := r.Next(t.Context()); err != nil || m.Kind != want.Kind || m.Watermark != want.Watermark {
			t.Fatalf("%+v, %v; want %+v", m, err, want)
		}
	}
}
