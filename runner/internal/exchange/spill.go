package exchange

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/leatflow/leat/runner/internal/memory"
	"github.com/leatflow/leat/runner/internal/spill"
	"github.com/leatflow/leat/sdk/batch"
)

// What a blocked exchange holds, somebody else may need: it is the memory that
// can be had at the price of a write and a read. So a sender that finds the
// budget used up never waits and never fails:
//
//	reserve ──ok──▶ keep in memory
//	   │ no: the largest exchange writes its longest queues to disk, oldest first
//	   │ still no, operators hold all of it
//	   └──────────▶ write this batch to disk
//
// A queue keeps its order wherever its batches are, so the receiver sees the
// same batches in any case.

// disk is where an exchange keeps what memory has no room for.
type disk struct {
	area    *spill.Area // nil: nowhere
	mu      sync.Mutex
	file    *spill.File
	readers atomic.Int32 // receivers that have not read all
}

// kept is a message in the queue of a blocked exchange.
type kept struct {
	Message             // without its batch when that is on disk
	block   spill.Block // where it is then
	rows    int
	size    int64 // bytes reserved
}

func (k *kept) onDisk() bool { return k.Kind == Data && k.Batch == nil }

// queue is what one producer has sent to one consumer.
type queue struct {
	items    []kept
	settled  int   // items at the front that hold no memory
	resident int64 // bytes that the others hold
}

func (q *queue) push(k kept) {
	q.items = append(q.items, k)
	q.resident += k.size
}

// pop takes the oldest message; false when there is none.
func (q *queue) pop() (kept, bool) {
	if len(q.items) == 0 {
		return kept{}, false
	}
	k := q.items[0]
	q.items[0] = kept{} // the batch may go when the consumer is done with it
	q.items = q.items[1:]
	q.settled = max(0, q.settled-1)
	q.resident -= k.size
	return k, true
}

// SpillTo lets a blocked exchange write to an area what the budget has no room
// for. Call it before anything is sent.
func (e *Exchange) SpillTo(area *spill.Area) {
	if e.pipelined || e.budget.Limit() == 0 {
		return
	}
	e.disk.area = area
	e.disk.readers.Store(int32(len(e.inboxes)))
	e.budget.Add(e)
}

// keep puts a batch into the queue of a blocked exchange.
func (e *Exchange) keep(consumer, group, producer int, b *batch.Batch) error {
	if e.disk.area != nil {
		b = b.Compact() // a selection would hold the rows of all partitions
		if group != noGroup {
			b = b.Copy() // and a slice those of all key groups
		}
	}
	k := kept{Message: Message{Kind: Data, Batch: b}, rows: b.Len(), size: b.SizeBytes()}
	if err := e.budget.Reserve(e.name, k.size); err != nil {
		var exceeded *memory.ExceededError
		if e.disk.area == nil || !errors.As(err, &exceeded) {
			return err
		}
		if k, err = e.write(k); err != nil {
			return err
		}
	}
	in := e.inboxes[consumer]
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue(group, producer).push(k)
	return nil
}

// write returns the message with its batch on disk.
func (e *Exchange) write(k kept) (kept, error) {
	file, err := e.disk.open(e.name)
	if err != nil {
		return k, err
	}
	if k.block, err = file.Append(k.Batch); err != nil {
		return k, err
	}
	k.Batch, k.size = nil, 0
	return k, nil
}

// open makes the file at the first call.
func (d *disk) open(name string) (_ *spill.File, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		d.file, err = d.area.Create(name)
	}
	return d.file, err
}

// Reclaimable implements memory.Reclaimer.
func (e *Exchange) Reclaimable() int64 {
	var n int64
	for _, in := range e.inboxes {
		n += in.resident()
	}
	return n
}

func (in *inbox) resident() (n int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for q := range in.queues() {
		n += q.resident
	}
	return n
}

// Reclaim implements memory.Reclaimer: the longest queues of the fullest inboxes
// go to disk.
func (e *Exchange) Reclaim(n int64) error {
	for n > 0 {
		var fullest *inbox
		most := int64(0)
		for _, in := range e.inboxes {
			if held := in.resident(); held > most {
				fullest, most = in, held
			}
		}
		if fullest == nil {
			return nil
		}
		freed, err := e.spillLongest(fullest, n)
		if err != nil {
			return err
		}
		n -= freed
	}
	return nil
}

// spillLongest writes the longest queue of an inbox, oldest batch first, until n
// bytes are free or all of it is on disk.
func (e *Exchange) spillLongest(in *inbox, n int64) (freed int64, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	longest := in.queue(noGroup, 0)
	for q := range in.queues() {
		if q.resident > longest.resident {
			longest = q
		}
	}
	for q := longest; freed < n && q.settled < len(q.items); q.settled++ {
		k := &q.items[q.settled]
		if k.size == 0 {
			continue
		}
		size := k.size
		if *k, err = e.write(*k); err != nil {
			return freed, err
		}
		q.resident -= size
		e.budget.Release(size)
		freed += size
	}
	return freed, nil
}

// finished counts a receiver that has read all. The last one removes the file.
func (e *Exchange) finished() error {
	if e.disk.area == nil || e.disk.readers.Add(-1) > 0 {
		return nil
	}
	return e.disk.close(e)
}

func (d *disk) close(e *Exchange) error {
	e.budget.Remove(e)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	err := d.file.Close()
	d.file = nil
	return err
}
