package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// reader reads one partition. It returns what is there, up to the number of rows
// asked for, and waits only when there is nothing. Bad records count like rows: a
// batch ends with them too, and may have no others.
type reader struct {
	input   *input
	span    span
	queue   *queue // nil: there is nothing to read
	decoder message.Decoder
	columns *columns
	rows    int // to aim at for a batch

	records []*kgo.Record // taken from the queue, not decoded yet
	at      *atomic.Int64 // offset of the next record; others look at it
	count   int           // rows decoded, not returned yet
	passed  int           // bad records since the last batch
	bytes   int           // that they were
	quiet   int           // times that nothing came when something should
	failing int           // times that the next record could not be decoded for now
}

// batchBytes is the size of records after which a reader ends a batch.
const batchBytes = 16 << 20

// Read implements connector.Reader.
func (r *reader) Read(ctx context.Context) (*batch.Batch, error) {
	for !r.full() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := r.decode(ctx)
		if err == nil && len(r.records) == 0 && !r.full() {
			if r.records, err = r.more(ctx); err == nil && len(r.records) == 0 && r.some() {
				break
			}
		}
		if err == nil {
			continue
		}
		var unavailable *message.Unavailable
		switch {
		case r.some() && (err == io.EOF || errors.As(err, &unavailable)): // it will come again
			return r.take(), nil
		case errors.As(err, &unavailable):
			err = r.backOff(ctx, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return r.take(), nil
}

func (r *reader) full() bool { return r.count+r.passed >= r.rows || r.bytes >= batchBytes }

// some reports whether there is something to return.
func (r *reader) some() bool { return r.count+r.passed > 0 }

func (r *reader) take() *batch.Batch {
	r.count, r.passed, r.bytes = 0, 0, 0
	return &batch.Batch{Root: r.columns.take(r.decoder.Take())}
}

// more takes records from the queue, and waits for some when there are no rows yet.
// It returns none when there are none now.
func (r *reader) more(ctx context.Context) ([]*kgo.Record, error) {
	if r.span.to >= 0 && r.at.Load() >= r.span.to {
		return nil, io.EOF
	}
	if r.some() {
		records, err := r.queue.take(ctx, 0)
		if err != nil {
			return nil, nil // behind what there is
		}
		return records, nil
	}
	records, err := r.queue.take(ctx, r.patience())
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, r.input.explain(ctx, r.span.partition, r.at.Load(), err)
	case len(records) == 0:
		r.quiet++
		return nil, r.skipHole(ctx)
	}
	r.quiet = 0
	return records, nil
}

// decode appends records until the batch is full.
func (r *reader) decode(ctx context.Context) error {
	records, n := r.records, 0
	var err error
	for n < len(records) && !r.full() {
		next := records[n]
		if r.span.to >= 0 && next.Offset >= r.span.to {
			r.records = nil
			r.at.Store(r.span.to)
			return nil
		}
		if !next.Attrs.IsControl() { // those say where transactions end
			if err = r.record(ctx, next); err != nil {
				break
			}
		}
		n++
	}
	if n > 0 {
		r.at.Store(records[n-1].Offset + 1)
	}
	if r.records = records[n:]; len(r.records) == 0 {
		r.records = nil // what was fetched is garbage
	}
	return err
}

var errTombstone = errors.New("the record has no value, by which a compacted topic says that its key is gone; set SkipTombstones to pass over such records")

// record appends a record, or reports why it is a bad one.
func (r *reader) record(ctx context.Context, rec *kgo.Record) error {
	if rec.Value == nil && r.input.source.SkipTombstones {
		return nil
	}
	err := r.columns.check(rec)
	switch {
	case err != nil:
	case rec.Value == nil:
		err = errTombstone
	default:
		if err = r.decoder.Decode(ctx, rec.Value); err == nil {
			r.columns.add(rec)
			r.count++
			r.bytes += recordSize(rec)
			r.failing = 0
			return nil
		}
		var unavailable *message.Unavailable
		if errors.As(err, &unavailable) {
			return err
		}
	}
	r.passed++
	r.bytes += recordSize(rec)
	return r.input.request.Bad(connector.BadRecord{
		Place: fmt.Sprintf("%s@%d", r.span.partition, rec.Offset),
		Raw:   bytes.Clone(rec.Value[:min(len(rec.Value), connector.MaxRawBytes)]),
		Err:   err,
	})
}

// backOff waits before a record is tried again that could not be decoded for a
// reason that is not its own. Nothing behind it is read until it could be.
func (r *reader) backOff(ctx context.Context, err error) error {
	r.input.source.Log.Warn("kafka: a record cannot be decoded for now; trying again",
		"record", fmt.Sprintf("%s@%d", r.span.partition, r.at.Load()), "times", r.failing+1, "err", err)
	wait := time.NewTimer(backOffTime(r.failing))
	defer wait.Stop()
	r.failing++
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backOffTime is how long to wait after so many failures: 100 ms, doubled up to 10 s.
func backOffTime(failures int) time.Duration {
	return min(10*time.Second, 100*time.Millisecond<<min(failures, 10))
}

// Done implements connector.Progress.
func (r *reader) Done() float64 {
	if r.span.to <= r.span.from {
		return 0
	}
	return float64(r.at.Load()-r.span.from) / float64(r.span.to-r.span.from)
}

// Close implements connector.Reader.
func (r *reader) Close() error {
	if r.queue != nil {
		r.queue.close()
		r.queue = nil
	}
	return nil
}
