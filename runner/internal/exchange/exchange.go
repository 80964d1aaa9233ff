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
// group, from every channel, and KeyGroupEnd says when one is complete.
package exchange

import (
	"context"
	"slices"
	"sync"

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
	Idle
	Barrier
	KeyGroupEnd // no more rows of the key groups so far; blocked only
	End
)

// Message is a batch or a control message.
type Message struct {
	Kind      Kind
	Batch     *batch.Batch
	Watermark int64
	Barrier   int64 // checkpoint number
}

// Exchange connects the tasks of two stages.
type Exchange struct {
	name      string
	pipelined bool
	budget    *memory.Budget
	credits   [][]chan struct{} // [consumer][producer]; pipelined only
	inboxes   []*inbox
}

// creditsPerChannel is how many batches may be under way in one channel.
const creditsPerChannel = 8

// New returns an exchange between so many producers and consumers. name is for
// messages about memory.
func New(name string, producers, consumers int, pipelined bool, budget *memory.Budget) *Exchange {
	e := &Exchange{name: name, pipelined: pipelined, budget: budget}
	for range consumers {
		e.inboxes = append(e.inboxes, &inbox{queues: make([]queue, producers), arrived: make(chan struct{}, 1)})
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
	mu      sync.Mutex
	queues  []queue   // by producer; blocked
	merged  []arrival // pipelined: in order of arrival
	arrived chan struct{}
}

// queue is a blocked channel. Its parts are read one after the other: rows by
// key group first, then what was sent without one, then control messages in
// their places among these.
type queue struct {
	groups [][]Message // by key group; nil when nothing was sent by key group
	rest   []Message
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
	if e.pipelined {
		select {
		case e.credits[consumer][s.producer] <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := e.budget.Reserve(e.name, b.SizeBytes()); err != nil {
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
	if err := e.budget.Reserve(e.name, b.SizeBytes()); err != nil {
		return err
	}
	s.put(consumer, group, Message{Kind: Data, Batch: b})
	return nil
}

// noGroup stands for the key group of messages without one.
const noGroup = -1

// Broadcast sends a control message to every consumer.
func (s *Sender) Broadcast(m Message) {
	for c := range s.exchange.inboxes {
		s.put(c, noGroup, m)
	}
}

func (s *Sender) put(consumer, group int, m Message) {
	in := s.exchange.inboxes[consumer]
	in.mu.Lock()
	q := &in.queues[s.producer]
	switch {
	case s.exchange.pipelined:
		in.merged = append(in.merged, arrival{s.producer, m})
	case group == noGroup:
		q.rest = append(q.rest, m)
	default:
		if q.groups == nil {
			q.groups = make([][]Message, codec.KeyGroups)
		}
		q.groups[group] = append(q.groups[group], m)
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
	group    int // blocked: the key group being read, then KeyGroups for the rest
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
	groups := make([]int64, codec.KeyGroups)
	var rest int64
	for _, q := range in.queues {
		rest += rowsIn(q.rest)
		for g := range q.groups {
			groups[g] += rowsIn(q.groups[g])
		}
	}
	return max(rest, slices.Max(groups))
}

func rowsIn(messages []Message) (rows int64) {
	for _, m := range messages {
		if m.Kind == Data {
			rows += int64(m.Batch.Len())
		}
	}
	return rows
}

// Next returns the next message and the channel it came through. Pipelined, it
// waits for one. After every channel has given End it must not be called again.
func (r *Receiver) Next(ctx context.Context) (producer int, m Message, err error) {
	if err := ctx.Err(); err != nil {
		return 0, Message{}, err
	}
	if !r.exchange.pipelined {
		producer, m = r.nextBlocked()
	} else if producer, m, err = r.nextPipelined(ctx); err != nil {
		return 0, Message{}, err
	}
	if m.Kind == Data {
		r.exchange.budget.Release(m.Batch.SizeBytes())
	}
	return producer, m, nil
}

// nextBlocked reads key group after key group, then channel after channel. The
// producers have ended: an empty queue stands for End.
func (r *Receiver) nextBlocked() (int, Message) {
	in := r.exchange.inboxes[r.consumer]
	in.mu.Lock()
	defer in.mu.Unlock()
	for ; r.group < codec.KeyGroups; r.group++ {
		sent := false
		for producer, q := range in.queues {
			if q.groups == nil || q.groups[r.group] == nil {
				continue
			}
			sent = true
			if len(q.groups[r.group]) > 0 {
				return producer, take(&q.groups[r.group])
			}
		}
		if sent {
			r.group++
			return 0, Message{Kind: KeyGroupEnd}
		}
	}
	if r.at == len(in.queues) {
		return 0, Message{Kind: End}
	}
	producer, m := r.at, Message{Kind: End}
	if rest := &in.queues[producer].rest; len(*rest) > 0 {
		m = take(rest)
	}
	if m.Kind == End {
		r.at++
	}
	return producer, m
}

// take removes the first of the messages.
func take(messages *[]Message) Message {
	m := (*messages)[0]
	(*messages)[0] = Message{} // the batch may go when the consumer is done with it
	*messages = (*messages)[1:]
	return m
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

// Close gives back the memory of batches that nobody took. Call it when no task
// uses the exchange any more.
func (e *Exchange) Close() {
	for _, in := range e.inboxes {
		for _, q := range in.queues {
			e.drop(q.rest)
			for _, messages := range q.groups {
				e.drop(messages)
			}
		}
		for _, a := range in.merged {
			e.drop([]Message{a.message})
		}
		in.queues, in.merged = nil, nil
	}
}

func (e *Exchange) drop(messages []Message) {
	for _, m := range messages {
		if m.Kind == Data {
			e.budget.Release(m.Batch.SizeBytes())
		}
	}
}
