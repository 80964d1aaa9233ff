package task

import (
	"context"

	"github.com/leatflow/leat/runner/internal/exchange"
	"github.com/leatflow/leat/runner/internal/watermark"
	"github.com/leatflow/leat/sdk/batch"
)

// Receiving is the input side of an exchange: it combines what the channels say
// of time.
type Receiving struct {
	Receiver *exchange.Receiver
	channels *watermark.Combiner
	waiting  []Message
	script   *Script
}

// NewReceiving returns the input side of a consumer.
func NewReceiving(r *exchange.Receiver, script *Script) *Receiving {
	return &Receiving{Receiver: r, channels: watermark.NewCombiner(r.Producers()), script: script}
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
		r.take(from, m)
	}
	m := r.waiting[0]
	r.waiting = r.waiting[1:]
	return m, nil
}

// take makes the message of a channel into what it says for all of them.
func (r *Receiving) take(from int, m exchange.Message) {
	switch m.Kind {
	case exchange.Watermark:
		r.change(r.channels.Advance(from, m.Watermark))
	case exchange.Idle:
		r.change(r.channels.SetIdle(from))
	case exchange.Active:
		r.change(r.channels.SetActive(from))
	case exchange.End:
		change := r.channels.Finish(from)
		if !r.channels.Done() {
			r.change(change)
			return
		}
		r.waiting = append(r.waiting, control(exchange.End, batch.MaxTime))
	default:
		r.waiting = append(r.waiting, Message{Message: m})
	}
}

// change puts what has changed in line, in place of the message.
func (r *Receiving) change(c watermark.Change) {
	if c.Turned && c.State == watermark.Active {
		r.add(control(exchange.Active, 0))
	}
	if c.Rose {
		r.add(control(exchange.Watermark, c.Watermark))
	}
	if c.Turned && c.State == watermark.Idle {
		r.add(control(exchange.Idle, 0))
	}
	r.script.Done()
}

func (r *Receiving) add(m Message) {
	r.script.Begin()
	r.waiting = append(r.waiting, m)
}

func control(k exchange.Kind, w int64) Message {
	return Message{Message: exchange.Message{Kind: k, Watermark: w}}
}

// Close implements Input.
func (r *Receiving) Close() error { return nil }
