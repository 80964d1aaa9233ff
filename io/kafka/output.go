package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// output is an opened sink. Each writer has a client of its own, so that tasks do
// not wait for each other's locks.
type output struct {
	sink      Sink
	layout    layout
	recordMax int
	batchMax  int // without the overhead of a batch
	buffered  int64

	mu    sync.Mutex
	links []*link // by task; nil once it is closed

	values, keys []message.Encoder // by task
	tell         []func(error)     // by task
}

// OnFailure implements connector.Failing.
func (o *output) OnFailure(task int, failed func(error)) { o.tell[task] = failed }

// connect makes the clients and encoders of all writers, so that what may not write
// or not reach a registry fails before anything is read.
func (o *output) connect(ctx context.Context) error {
	var group errgroup.Group
	outages := newOutages(o.sink.log(), 0) // of all clients, so that each is said once
	for task := range o.links {
		group.Go(func() error { return errors.Join(o.join(ctx, task, outages), o.encode(ctx, task)) })
	}
	return group.Wait()
}

// join makes a client and asks for a producer id, which shows whether it may write.
func (o *output) join(ctx context.Context, task int, outages *outages) error {
	l, err := o.sink.Cluster.link(append(o.sink.producer(o.batchMax), kgo.WithHooks(outages))...)
	if err != nil {
		return err
	}
	o.links[task] = l
	limit, cancel := l.patience(ctx)
	defer cancel()
	if _, _, err := l.ProducerID(limit); err != nil {
		return l.explain(err, attempt{doing: "writing to", topic: o.sink.Topic, partition: -1, operation: "Write"})
	}
	return nil
}

// encode makes encoders.
func (o *output) encode(ctx context.Context, task int) (err error) {
	o.values[task], err = o.sink.Format.Encoder(ctx, message.EncodeRequest{Topic: o.sink.Topic, Type: o.layout.payload})
	if err == nil && o.layout.key != nil {
		o.keys[task], err = o.sink.KeyFormat.Encoder(ctx, message.EncodeRequest{Topic: o.sink.Topic, Key: true, Type: o.layout.key})
	}
	if err != nil {
		return fmt.Errorf("kafka: writing to topic %q: %w", o.sink.Topic, err)
	}
	return nil
}

// Writer implements connector.Output.
func (o *output) Writer(_ context.Context, task int) (connector.Writer, error) {
	return newWriter(o, task), nil
}

// close ends the client of a task. What it holds that is not acknowledged is given
// up.
func (o *output) close(task int) {
	o.mu.Lock()
	l := o.links[task]
	o.links[task] = nil
	o.mu.Unlock()
	if l != nil {
		l.Close()
	}
}

// Commit implements connector.Output. There is nothing left to do: writers close
// when everything is acknowledged.
func (o *output) Commit(context.Context, []connector.Staged) error { return o.Abort() }

// Abort implements connector.Output. What was acknowledged stays.
func (o *output) Abort() error {
	for task := range o.links {
		o.close(task)
	}
	return nil
}
