package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// queue holds records of one partition between the pump and its reader. What is
// guarded is guarded by the pump's mutex.
type queue struct {
	partition
	pump  *pump
	ready chan struct{} // something was put, or the queue has failed

	fetched []fetched
	bytes   int64 // of all that was fetched
	waiting bool  // the reader has nothing to do
	paused  bool  // the client does not fetch the partition
	failed  error // comes behind the last record
	known   bool  // the client has the partition at the queue's offset
	gone    bool  // the client does not have the partition any more
}

// fetched is what one fetch brought of a partition.
type fetched struct {
	records []*kgo.Record
	bytes   int64
}

// recordBytes is what a record takes apart from its bytes.
const recordBytes = 256

// recordSize is how many bytes a record carries.
func recordSize(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// put adds records, or an error behind them. The pump holds its mutex.
func (q *queue) put(records []*kgo.Record, err error) {
	if q.failed == nil {
		q.failed = err
	}
	if len(records) > 0 {
		f := fetched{records: records}
		for _, r := range records {
			f.bytes += recordBytes + int64(recordSize(r))
		}
		q.fetched = append(q.fetched, f)
		q.bytes += f.bytes
	}
	if len(records) == 0 && err == nil {
		return
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take returns the next records, or an error. With patience 0 it returns nothing
// when there is nothing; otherwise it waits that long; below 0, for ever.
func (q *queue) take(ctx context.Context, patience time.Duration) ([]*kgo.Record, error) {
	var late <-chan time.Time
	for {
		records, err := q.next(patience != 0)
		if len(records) > 0 || err != nil || patience == 0 {
			return records, err
		}
		if late == nil && patience > 0 {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-q.ready:
		case <-late:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// next takes what one fetch brought. When there is nothing the queue says that its
// reader waits, if it does.
func (q *queue) next(wait bool) ([]*kgo.Record, error) {
	p := q.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	q.waiting = false
	if len(q.fetched) == 0 {
		if q.failed == nil && wait {
			q.waiting = true
			p.nudge()
		}
		return nil, q.failed
	}
	f := q.fetched[0]
	q.fetched[0] = fetched{}
	q.fetched = q.fetched[1:]
	q.bytes -= f.bytes
	if q.paused && q.bytes < p.share()/2 {
		q.paused = false
		p.client.ResumeFetchPartitions(map[string][]int32{q.topic: {q.number}})
	}
	p.nudge()
	return f.records, nil
}

// close ends the reading of the partition.
func (q *queue) close() {
	p := q.pump
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queues[q.partition] != q {
		return
	}
	delete(p.queues, q.partition)
	if !q.gone {
		p.change(change{partition: q.partition})
	}
}
