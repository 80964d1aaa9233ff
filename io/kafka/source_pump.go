package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// pump takes what the client has fetched and deals it out to a queue for each
// partition that is being read:
//
//	brokers ══▶ client ── poll ──▶ pump ──▶ queue reports/0 ──▶ reader
//	                                  └───▶ queue reports/1 ──▶ reader
//
// Queues are bounded in bytes. When one is full the pump stops polling, so that the
// client stops fetching, as long as no reader waits with an empty queue. When one
// does, the full partitions are paused and the others go on: a slow reader holds up
// nobody else. A pause costs the fetch under way, which the client throws away, so
// it is kept for when it is needed.
//
// Partitions come and go between two polls, in the pump's own goroutine, so that
// what a poll returns always belongs to the queues that are there.
type pump struct {
	client *kgo.Client
	limit  int64         // bytes that may wait in all queues together
	wake   chan struct{} // something has changed that a pump which does not poll waits for
	done   chan struct{} // closed when the pump has ended

	mu      sync.Mutex
	queues  map[partition]*queue
	changes []change
	cancel  context.CancelFunc // of the poll under way
	failed  error              // ends every reader
}

// partition identifies one of a topic.
type partition struct {
	topic  string
	number int32
}

// String is the partition as messages show it.
func (p partition) String() string { return name(p.topic, p.number) }

// change is a partition that is to be read from an offset, or no longer.
type change struct {
	partition
	add  bool
	from int64
}

func newPump(client *kgo.Client, limit int64) *pump {
	return &pump{client: client, limit: limit, wake: make(chan struct{}, 1), done: make(chan struct{}), queues: make(map[partition]*queue)}
}

// run polls until ctx is done.
func (p *pump) run(ctx context.Context) {
	defer close(p.done)
	for p.admit(ctx) {
		poll, cancel := context.WithCancel(ctx)
		if p.begin(cancel) {
			p.deal(p.client.PollFetches(poll))
		}
		cancel()
	}
}

// begin says that a poll is under way which a change may cancel; false: there are
// changes already.
func (p *pump) begin(cancel context.CancelFunc) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel = cancel
	return len(p.changes) == 0
}

// admit waits until there is room for more, and brings the client up to date.
func (p *pump) admit(ctx context.Context) bool {
	for ctx.Err() == nil {
		p.apply()
		if p.room() {
			return true
		}
		select {
		case <-p.wake:
		case <-ctx.Done():
		}
	}
	return false
}

// room reports whether to poll, and pauses who must not hold up others.
func (p *pump) room() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queues) == 0 {
		return len(p.changes) > 0
	}
	share := p.share()
	full, hungry := map[string][]int32{}, false
	for _, q := range p.queues {
		hungry = hungry || q.waiting
		if q.bytes >= share && !q.paused {
			full[q.topic] = append(full[q.topic], q.number)
		}
	}
	if len(full) == 0 {
		return true
	}
	if !hungry {
		return false
	}
	p.client.PauseFetchPartitions(full)
	for topic, numbers := range full {
		for _, number := range numbers {
			p.queues[partition{topic, number}].paused = true
		}
	}
	return true
}

// shareLeast is what a queue may hold however many there are: about a fetch.
const shareLeast = 256 << 10

// share is how many bytes each queue may hold.
func (p *pump) share() int64 { return max(shareLeast, p.limit/int64(max(1, len(p.queues)))) }

// apply tells the client which partitions have come and gone.
func (p *pump) apply() {
	p.mu.Lock()
	changes := p.changes
	p.changes, p.cancel = nil, nil
	for _, c := range changes {
		if q := p.queues[c.partition]; q != nil && c.add {
			q.known = true
		}
	}
	p.mu.Unlock()
	for len(changes) > 0 { // those of a kind together: each call has a price
		n := 1
		for n < len(changes) && changes[n].add == changes[0].add {
			n++
		}
		if changes[0].add {
			p.add(changes[:n])
		} else {
			p.remove(changes[:n])
		}
		changes = changes[n:]
	}
}

func (p *pump) add(changes []change) {
	offsets := map[string]map[int32]kgo.Offset{}
	for _, c := range changes {
		if offsets[c.topic] == nil {
			offsets[c.topic] = map[int32]kgo.Offset{}
		}
		offsets[c.topic][c.number] = kgo.NewOffset().At(c.from)
	}
	p.client.AddConsumePartitions(offsets)
}

func (p *pump) remove(changes []change) {
	numbers := map[string][]int32{}
	for _, c := range changes {
		numbers[c.topic] = append(numbers[c.topic], c.number)
	}
	p.client.RemoveConsumePartitions(numbers)
	p.client.ResumeFetchPartitions(numbers)
}

// change puts changes in line and has the pump look at them.
func (p *pump) change(c change) {
	p.changes = append(p.changes, c)
	if p.cancel != nil {
		p.cancel()
	}
	p.nudge()
}

func (p *pump) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// open begins to read a partition.
func (p *pump) open(at partition, from int64) (*queue, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queues[at] != nil {
		return nil, fmt.Errorf("kafka: %s is being read already", at)
	}
	q := &queue{partition: at, pump: p, ready: make(chan struct{}, 1), failed: p.failed}
	p.queues[at] = q
	p.change(change{partition: at, add: true, from: from})
	return q, nil
}

// deal puts what was fetched into the queues.
func (p *pump) deal(fetches kgo.Fetches) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if q := p.queues[partition{f.Topic, f.Partition}]; q != nil {
			if q.known { // else it is of the reader that was closed before
				q.put(f.Records, f.Err)
				p.giveUp(q)
			}
			return
		}
		if f.Partition >= 0 || f.Err == nil || errors.Is(f.Err, context.Canceled) {
			return // of a reader that was closed; or the poll was cancelled
		}
		for _, q := range p.queues {
			if f.Topic == "" || f.Topic == q.topic {
				q.put(nil, f.Err)
				p.giveUp(q)
			}
		}
	})
}

// giveUp has the client fetch no more of a partition that has failed: it would fail
// again and again, as fast as it can.
func (p *pump) giveUp(q *queue) {
	if q.failed != nil && !q.gone {
		q.gone = true
		p.change(change{partition: q.partition})
	}
}

// fail ends every reader, those to come too, with an error.
func (p *pump) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
	for _, q := range p.queues {
		q.put(nil, err)
		p.giveUp(q)
	}
}
