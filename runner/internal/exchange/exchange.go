// Package exchange moves batches and control messages between the tasks of two
// stages. The two modes are one interface: a stage cannot tell how its rows come.
//
//	producer 0 ──┬─ channel 0→0 ─▶ consumer 0        a channel keeps its order;
//	producer 1 ──┼─ channel 1→0 ─▶                   a consumer sees its channels
//	             └─ channel 0→1 ─▶ consumer 1 …      interleaved
//
// Pipelined: consumers run while producers run. Each channel has credits; a
// batch takes one and gives it back when the consumer has taken the batch, so a
// slow consumer holds its producers back. Control messages need no credit.
//
// Blocked: producers run to their end into memory, then consumers are
// scheduled and read channel after channel, so that what they see does not
// depend on timing. Rows that are sent by key group are read key group after key
// group, from every channel, and KeyGroupEnd says when one is complete. What
// memory has no room for goes to disk (spill.go), and that cannot be seen.
package exchange

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
)

// Kind is the kind of a message.
type Kind uint8

// The kinds. Control messages travel in-band, in order with the batches.
const (
	Data Kind = iota
	Watermark
	Idle           // the channel has no rows at the moment and holds nobody back
	Active         // an idle channel does again; a watermark says so too
	ProcessingTime // where a script says what the clock shows
	Barrier
	KeyGroupEnd // no more rows of the key groups so far; blocked only
	Stop        // nothing comes any more, though the input has not ended; pipelined only
	End
)

// Message is a batch or a control message.
type Message struct {
	Kind      Kind
	Batch     *batch.Batch
	Watermark int64
	Time      int64 // the clock, in µs since the epoch
	Barrier   int64 // checkpoint number
}

// Exchange connects the tasks of two stages.
type Exchange struct {
	name      string
	pipelined bool
	budget    *memory.Budget
	credits   [][]chan struct{} // [consumer][producer]; pipelined only
	inboxes   []*inbox
	disk      disk
	waits     []wait // by producer
	sent      atomic.Int64

	// Sent, when not nil, is called for every message before it can be received.
	Sent func()
}

// creditsPerChannel is how many batches may be under way in one channel.
const creditsPerChannel = 8

// New returns an exchange between so many producers and consumers. name is for
// messages about memory.
func New(name string, producers, consumers int, pipelined bool, budget *memory.Budget) *Exchange {
	e := &Exchange{name: name, pipelined: pipelined, budget: budget}
	e.waits = make([]wait, producers)
	for range consumers {
		in := &inbox{arrived: make(chan struct{}, 1)}
		in.parts[noGroup] = make([]queue, producers)
		e.inboxes = append(e.inboxes, in)
		credits := make([]chan struct{}, producers)
		for p := range credits {
			credits[p] = make(chan struct{}, creditsPerChannel)
		}
		e.credits = append(e.credits, credits)
	}
	return e
}

// inbox holds what waits for one consumer.
type inbox struct {
	mu sync.Mutex
	// parts of a blocked exchange are read one after the other: those of key
	// groups, nil where nothing was sent by key group, then the rest. Each has a
	// queue a producer.
	parts   [codec.KeyGroups + 1][]queue
	merged  []arrival // pipelined: in order of arrival
	arrived chan struct{}
}

// queue returns the queue of a producer's rows of a key group, or without one.
func (in *inbox) queue(group, producer int) *queue {
	if in.parts[group] == nil {
		in.parts[group] = make([]queue, len(in.parts[noGroup]))
	}
	return &in.parts[group][producer]
}

// queues iterates over all queues there are.
func (in *inbox) queues() iter.Seq[*queue] {
	return func(yield func(*queue) bool) {
		for _, queues := range in.parts {
			for q := range queues {
				if !yield(&queues[q]) {
					return
				}
			}
		}
	}
}

type arrival struct {
	producer int
	message  Message
}

// Sender is the sending side of one producer task.
type Sender struct {
	exchange *Exchange
	producer int
}

// Sender returns the sending side of producer i.
func (e *Exchange) Sender(i int) *Sender { return &Sender{e, i} }

// Partitions returns the number of consumers.
func (s *Sender) Partitions() int { return len(s.exchange.inboxes) }

// Send sends a batch to a consumer. Pipelined, it waits for a credit.
func (s *Sender) Send(ctx context.Context, consumer int, b *batch.Batch) error {
	e := s.exchange
	if !e.pipelined {
		return e.keep(consumer, noGroup, s.producer, b)
	}
	if err := e.waits[s.producer].credit(ctx, e.credits[consumer][s.producer]); err != nil {
		return err
	}
	size := b.SizeBytes()
	e.sent.Add(size)
	if err := e.budget.Reserve(e.name, size); err != nil {
		return err
	}
	s.put(consumer, noGroup, Message{Kind: Data, Batch: b})
	return nil
}

// SendGroup sends rows of one key group to the consumer that has it. Pipelined,
// it is Send: a consumer sees the groups mixed.
func (s *Sender) SendGroup(ctx context.Context, group int, b *batch.Batch) error {
	e := s.exchange
	consumer := group * len(e.inboxes) / codec.KeyGroups
	if e.pipelined {
		return s.Send(ctx, consumer, b)
	}
	return e.keep(consumer, group, s.producer, b)
}

// noGroup is the part of messages without a key group.
const noGroup = codec.KeyGroups

// Broadcast sends a control message to every consumer.
func (s *Sender) Broadcast(m Message) {
	for c := range s.exchange.inboxes {
		s.put(c, noGroup, m)
	}
}

func (s *Sender) put(consumer, group int, m Message) {
	if s.exchange.Sent != nil {
		s.exchange.Sent()
	}
	in := s.exchange.inboxes[consumer]
	in.mu.Lock()
	if s.exchange.pipelined {
		in.merged = append(in.merged, arrival{s.producer, m})
	} else {
		in.queue(group, s.producer).push(kept{Message: m})
	}
	in.mu.Unlock()
	select {
	case in.arrived <- struct{}{}:
	default:
	}
}

// Receiver is the receiving side of one consumer task.
type Receiver struct {
	exchange *Exchange
	consumer int
	group    int // blocked: the part being read
	at       int // blocked: the producer being read
}

// Receiver returns the receiving side of consumer i.
func (e *Exchange) Receiver(i int) *Receiver { return &Receiver{exchange: e, consumer: i} }

// Producers returns the number of channels the receiver reads.
func (r *Receiver) Producers() int { return len(r.exchange.credits[r.consumer]) }

// Waiting returns the rows that are there to be read together: all, or those of
// the largest key group. Blocked only.
func (r *Receiver) Waiting() int64 {
	in := r.exchange.inboxes[r.consumer]
	in.mu.Lock()
	defer in.mu.Unlock()
	var most int64
	for _, queues := range in.parts {
		var rows int64
		for q := range queues {
			for _, m := range queues[q].items {
				rows += int64(m.rows)
			}
		}
		most = max(most, rows)
	}
	return most
}

// Next returns the next message and the channel it came through. Pipelined, it
// waits for one. After every channel has given End it must not be called again.
func (r *Receiver) Next(ctx context.Context) (producer int, m Message, err error) {
	if err := ctx.Err(); err != nil {
		return 0, Message{}, err
	}
	if !r.exchange.pipelined {
		return r.nextBlocked()
	}
	if producer, m, err = r.nextPipelined(ctx); err != nil {
		return 0, Message{}, err
	}
	if m.Kind == Data {
		r.exchange.budget.Release(m.Batch.SizeBytes())
	}
	return producer, m, nil
}

// nextBlocked reads key group after key group, then channel after channel. The
// producers have ended: an empty queue stands for End.
func (r *Receiver) nextBlocked() (int, Message, error) {
	in := r.exchange.inboxes[r.consumer]
	in.mu.Lock()
	for ; r.group < noGroup; r.group++ {
		queues := in.parts[r.group]
		for producer := range queues {
			if k, ok := queues[producer].pop(); ok {
				in.mu.Unlock()
				m, err := r.loaded(k)
				return producer, m, err
			}
		}
		if queues != nil {
			r.group++
			in.mu.Unlock()
			return 0, Message{Kind: KeyGroupEnd}, nil
		}
	}
	from := r.at
	if from == len(in.parts[noGroup]) {
		in.mu.Unlock()
		return 0, Message{Kind: End}, nil
	}
	k, ok := in.parts[noGroup][from].pop()
	in.mu.Unlock()
	if !ok || k.Kind == End {
		if r.at++; r.at == len(in.parts[noGroup]) {
			return from, Message{Kind: End}, r.exchange.finished()
		}
		return from, Message{Kind: End}, nil
	}
	m, err := r.loaded(k)
	return from, m, err
}

// loaded returns a message with its batch, from disk if need be.
func (r *Receiver) loaded(k kept) (Message, error) {
	e := r.exchange
	if k.onDisk() {
		b, err := e.disk.file.Read(k.block)
		return Message{Kind: Data, Batch: b}, err
	}
	e.budget.Release(k.size)
	return k.Message, nil
}

func (r *Receiver) nextPipelined(ctx context.Context) (int, Message, error) {
	in := r.exchange.inboxes[r.consumer]
	for {
		in.mu.Lock()
		if len(in.merged) > 0 {
			a := in.merged[0]
			in.merged[0] = arrival{}
			in.merged = in.merged[1:]
			in.mu.Unlock()
			if a.message.Kind == Data {
				<-r.exchange.credits[r.consumer][a.producer]
			}
			return a.producer, a.message, nil
		}
		in.mu.Unlock()
		select {
		case <-in.arrived:
		case <-ctx.Done():
			return 0, Message{}, ctx.Err()
		}
	}
}

// Close gives back the memory of batches that nobody took, and what is on disk.
// Call it when no task uses the exchange any more.
func (e *Exchange) Close() error {
	for _, in := range e.inboxes {
		for q := range in.queues() {
			e.budget.Release(q.resident)
		}
		for _, a := range in.merged {
			if a.message.Kind == Data {
				e.budget.Release(a.message.Batch.SizeBytes())
			}
		}
		in.parts, in.merged = [codec.KeyGroups + 1][]queue{}, nil
	}
	return e.disk.close(e)
}
