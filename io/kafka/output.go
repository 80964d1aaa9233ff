package kafka

import (
	"context"
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
	buffered  int64

	mu    sync.Mutex
	links []*link       // by task; nil once it is closed
	tell  []func(error) // by task
}

// OnFailure implements connector.Failing.
func (o *output) OnFailure(task int, failed func(error)) { o.tell[task] = failed }

// connect makes the clients. Each asks for a producer id, which shows whether it
// may write.
func (o *output) connect(ctx context.Context) error {
	var group errgroup.Group
	outages := kgo.WithHooks(newOutages(o.sink.log(), 0)) // of all clients, so that each is said once
	for task := range o.links {
		group.Go(func() error {
			l, err := o.sink.Cluster.link(append(o.sink.producer(o.recordMax), outages)...)
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
		})
	}
	return group.Wait()
}

// Writer implements connector.Output.
func (o *output) Writer(ctx context.Context, task int) (connector.Writer, error) {
	values, err := o.sink.Format.Encoder(ctx, message.EncodeRequest{Topic: o.sink.Topic, Type: o.layout.payload})
	if err != nil {
		return nil, err
	}
	w := newWriter(o, o.links[task], func() { o.close(task) }, o.tell[task])
	w.values = values
	if o.layout.key != nil {
		w.keys, err = o.sink.KeyFormat.Encoder(ctx, message.EncodeRequest{Topic: o.sink.Topic, Key: true, Type: o.layout.key})
	}
	return w, err
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
