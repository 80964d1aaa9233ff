package task

import (
	"context"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
)

// Receiving is the input side of an exchange: it combines what the channels say
// of time.
type Receiving struct {
	Receiver *exchange.Receiver
	combining
}

// NewReceiving returns the input side of a consumer.
func NewReceiving(r *exchange.Receiver, script *Script) *Receiving {
	return &Receiving{Receiver: r, combining: combining{
		lines: watermark.NewCombiner(r.Producers()), open: r.Producers(), sealed: true, script: script}}
}

// Next implements Input.
func (r *Receiving) Next(ctx context.Context) (Message, error) {
	for len(r.waiting) == 0 {
		from, m, err := r.Receiver.Next(ctx)
		if err != nil {
			return Message{}, err
		}
		if m.Kind == exchange.Data {
			return Message{Message: m}, nil
		}
		r.take(from, Message{Message: m})
	}
	return r.next(), nil
}

// Close implements Input.
func (r *Receiving) Close() error { return nil }
