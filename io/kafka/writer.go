package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// writer writes the rows of one task. A batch is cut into chunks: the payloads of
// a chunk are encoded into one buffer, and its records point into that.
//
//	Write ─▶ chunk ─▶ chunk ─▶ chunk          in flight: at most limit bytes
//	           │ records      ▲
//	           ▼              │ all acknowledged: it is used again
//	         client ─▶ broker ┘
//
// A buffer is as long in flight as any of its records, so what counts against the
// limit are whole chunks. There are never more chunks than were once in flight.
type writer struct {
	link      *link
	layout    *layout
	values    message.Encoder
	keys      message.Encoder // nil: keys are text
	topic     string
	recordMax int
	limit     int64
	hangUp    func()

	rows  int // of a chunk, so that it has about chunkBytes
	stats connector.Staged

	flying   atomic.Int64  // bytes of the chunks in flight
	released chan struct{} // a chunk has come back
	mu       sync.Mutex
	free     []*chunk
	patience patience
	err      error         // the first failure
	failed   chan struct{} // closed with it
	tell     func(error)   // whom to tell of it; nil: nobody
}

const (
	chunkBytes = 128 << 10
	chunkRows  = 4096
)

func newWriter(o *output, task int) *writer {
	return &writer{link: o.links[task], values: o.values[task], keys: o.keys[task], tell: o.tell[task],
		hangUp: func() { o.close(task) }, layout: &o.layout, topic: o.sink.Topic, recordMax: o.recordMax, limit: o.buffered, patience: patience{limit: o.sink.DeliveryTimeout, log: o.sink.log(), topic: o.sink.Topic},
		rows: 256, released: make(chan struct{}, 1), failed: make(chan struct{})}
}

// Write implements connector.Writer. It returns when all rows are on their way,
// and waits while too many are.
func (w *writer) Write(ctx context.Context, b *batch.Batch) error {
	if err := errors.Join(ctx.Err(), w.failure()); err != nil {
		return err
	}
	if b.Len() == 0 {
		return nil
	}
	b = b.Compact()
	w.rows = min(w.rows, w.rowsMax(), max(int(2*w.target()*int64(b.Len())/max(b.Root.SizeBytes(), 1)), 1)) // rows may be larger than the last
	if slices.Contains(b.Retract, true) {
		return fmt.Errorf("kafka: writing to topic %q: a row takes back an earlier one, which a record cannot; write results that are final", w.topic)
	}
	for from := 0; from < b.Root.Len; {
		to := min(from+w.rows, b.Root.Len)
		if err := w.room(ctx); err != nil {
			return err
		}
		if err := w.send(ctx, b.Root.Slice(from, to)); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// room waits until there is room for a chunk, or nothing is in flight.
func (w *writer) room(ctx context.Context) error {
	for {
		if flying := w.flying.Load(); flying == 0 || flying+w.target() <= w.limit {
			return nil
		}
		if err := w.wait(ctx); err != nil {
			return err
		}
	}
}

// wait waits until a chunk has come back.
func (w *writer) wait(ctx context.Context) error {
	select {
	case <-w.released:
		return nil
	case <-w.failed:
		return w.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send encodes rows and hands them to the client, which does not block.
func (w *writer) send(ctx context.Context, root *batch.Column) error {
	c := w.chunk()
	if err := c.fill(ctx, root); err != nil {
		return fmt.Errorf("kafka: writing to topic %q: %w", w.topic, err)
	}
	w.aim(len(c.buffer), root.Len)
	w.stats.Rows += int64(root.Len)
	w.stats.Bytes += int64(len(c.buffer))
	c.size = c.sizeBytes()
	w.flying.Add(c.size)
	w.depart(c)
	c.pending.Store(int64(len(c.records)))
	// Not the context of the call: a record belongs to the writer until it is
	// acknowledged or Abort.
	for i := range c.records {
		w.link.Produce(context.Background(), &c.records[i], c.promise)
	}
	return nil
}

// target is how many bytes of payload a chunk should have.
func (w *writer) target() int64 { return min(chunkBytes, w.limit/4) }

// aim chooses how many rows the next chunk has.
func (w *writer) aim(size, rows int) {
	w.rows = min(max(int(w.target())*rows/max(size, 1), 1), max(8*w.rows, 16), w.rowsMax())
}

// rowsMax bounds the rows of a chunk: of small ones it is the records that take room.
func (w *writer) rowsMax() int { return int(min(chunkRows, max(w.limit/4/int64(structBytes), 1))) }

// Close implements connector.Writer: it waits until everything is acknowledged.
func (w *writer) Close(ctx context.Context) (connector.Staged, error) {
	for w.flying.Load() > 0 {
		if err := w.wait(ctx); err != nil {
			return connector.Staged{}, err
		}
	}
	if err := w.failure(); err != nil {
		return connector.Staged{}, err
	}
	return w.stats, w.Abort()
}

// Abort implements connector.Writer. What was acknowledged stays.
func (w *writer) Abort() error {
	w.mu.Lock()
	w.patience.stop()
	w.mu.Unlock()
	w.hangUp()
	return nil
}

// SizeBytes implements connector.Sized.
func (w *writer) SizeBytes() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	size := w.flying.Load()
	for _, c := range w.free {
		size += c.size
	}
	return size
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// fail is called by the client for a record that is not acknowledged.
func (w *writer) fail(r *kgo.Record, err error) {
	w.mu.Lock()
	if w.err != nil {
		w.mu.Unlock()
		return
	}
	w.err = w.explain(r, err)
	err = w.err
	w.patience.stop()
	close(w.failed)
	w.mu.Unlock()
	if w.tell != nil {
		w.tell(err)
	}
}

// depart notes when a chunk was sent.
func (w *writer) depart(c *chunk) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience.departed(c, time.Now(), w.impatient)
}

// impatient is called when the oldest chunk in flight may be late.
func (w *writer) impatient() {
	w.mu.Lock()
	exhausted := w.patience.exhausted(time.Now(), w.link.dialing.failure())
	w.mu.Unlock()
	if exhausted {
		w.fail(&kgo.Record{Partition: -1}, kgo.ErrRecordTimeout)
	}
}

// explain says which record failed and why.
func (w *writer) explain(r *kgo.Record, err error) error {
	a := attempt{doing: "writing to", topic: w.topic, partition: r.Partition, operation: "Write"}
	if errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.InvalidRecord) {
		err = fmt.Errorf("record with key %s and %d bytes: %w", shown(r.Key), len(r.Key)+len(r.Value), err)
	}
	return w.link.explain(err, a)
}

// chunk returns an empty one.
func (w *writer) chunk() *chunk {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.free); n > 0 {
		c := w.free[n-1]
		w.free = w.free[:n-1]
		return c
	}
	c := &chunk{writer: w, buffer: make([]byte, 0, 4<<10)}
	c.promise = c.acknowledged
	return c
}

// release takes a chunk back whose records are all acknowledged.
func (w *writer) release(c *chunk) {
	size := c.size // it may be another's as soon as it is free
	w.mu.Lock()
	w.patience.arrived(c, time.Now())
	if w.err == nil && size <= int64(4*chunkBytes+chunkRows*structBytes) {
		w.free = append(w.free, c)
	}
	w.mu.Unlock()
	w.flying.Add(-size)
	select {
	case w.released <- struct{}{}:
	default: // somebody will be woken already
	}
}
