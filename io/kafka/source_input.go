package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// input is an opened source: one client, which a pump polls for all readers.
type input struct {
	source  Source
	bound   *binding
	request connector.Request
	client  *link
	admin   *kadm.Client
	outages *outages
	unpack  kgo.Decompressor
	pump    *pump

	stop       context.CancelFunc // ends what runs beside the readers
	background sync.WaitGroup

	mu        sync.Mutex
	topics    map[string]topicState
	splits    []connector.Split           // those known when the source was opened
	grown     []connector.Split           // those found since, until More returns them
	news      chan struct{}               // grown has some, or the topics have failed
	failed    error                       // what is wrong with the topics
	positions map[partition]*atomic.Int64 // of all readers there were
}

// topicState is what must not change about a topic while it is read.
type topicState struct {
	id         kadm.TopicID
	partitions int32
}

// span is what is read of a partition.
type span struct {
	partition
	from int64
	to   int64 // -1: never ends
}

const (
	// fetchPartitionBytes is what one fetch brings of a partition; a pause throws
	// away as much. fetchBytes is what it brings of all.
	fetchPartitionBytes = 1 << 20
	fetchBytes          = 16 << 20
	// fetchWait is how long a broker may wait for records to come. There is one fetch
	// at a time, so that a partition that joins it, or comes back to it after a pause,
	// waits as long, and a look into a partition (nextOffset) does.
	fetchWait = 200 * time.Millisecond
	// decompressedBytes bounds a batch of records, so that a small one cannot
	// unpack to something that does not fit memory.
	decompressedBytes = 64 << 20
)

func newInput(s Source, bound *binding, r connector.Request) *input {
	return &input{source: s, bound: bound, request: r, topics: make(map[string]topicState),
		unpack: kgo.DefaultDecompressor(), news: make(chan struct{}, 1), positions: make(map[partition]*atomic.Int64)}
}

// start makes the client, looks at the topics and starts what runs beside the
// readers. On error nothing is left.
func (in *input) start(ctx context.Context) error {
	in.outages = newOutages(in.source.Log, in.source.OutageTimeout)
	client, err := in.source.Cluster.connect(ctx, append(in.clientOptions(), in.source.options...)...)
	if err != nil {
		return err
	}
	in.client, in.admin = client, kadm.NewClient(client.Client)
	limited, cancel := client.patience(ctx)
	defer cancel()
	if err = client.within(limited, in.look); err != nil && limited.Err() != nil {
		err = client.explain(err, attempt{})
	}
	if err == nil {
		err = in.tryDecoders(limited)
	}
	if err != nil {
		client.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	in.pump = newPump(client.Client, in.source.BufferBytes)
	in.outages.fails(in.pump.fail)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	in.stop = stop
	in.background.Go(func() { in.pump.run(background) })
	in.background.Go(func() { in.watch(background) })
	if in.source.Group != "" {
		in.background.Go(func() { in.commitOften(background) })
	}
	return nil
}

func (in *input) clientOptions() []kgo.Opt {
	options := []kgo.Opt{
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.MaxDecompressBatchBytes(decompressedBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxWait(fetchWait),
		kgo.DisableClientMetrics(),
		kgo.WithHooks(in.outages),
	}
	if !in.source.noMarkers {
		options = append(options, kgo.KeepControlRecords()) // so that the end of a transaction is seen at once
	}
	return options
}

// tryDecoders makes a decoder for each topic, so that what is wrong with a schema
// is said before anything runs.
func (in *input) tryDecoders(ctx context.Context) error {
	for _, topic := range in.source.Topics {
		if _, err := in.newDecoder(ctx, topic); err != nil {
			return fmt.Errorf("kafka: values of topic %s: %w", topic, err)
		}
	}
	return nil
}

// newDecoder tries again, for as long as ctx lasts, while it cannot be had for now.
func (in *input) newDecoder(ctx context.Context, topic string) (message.Decoder, error) {
	for failures := 0; ; failures++ {
		d, err := in.source.Format.Decoder(ctx, message.DecodeRequest{Topic: topic, Type: in.bound.payload, Needed: in.bound.needed})
		var unavailable *message.Unavailable
		if err == nil || !errors.As(err, &unavailable) {
			return d, err
		}
		in.source.Log.Warn("kafka: values cannot be decoded for now; trying again", "topic", topic, "times", failures+1, "err", err)
		select {
		case <-time.After(backOffTime(failures)):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// Splits implements connector.Input.
func (in *input) Splits() []connector.Split { return in.splits }

// More implements connector.Growing: partitions that were added to a topic.
func (in *input) More(ctx context.Context) ([]connector.Split, error) {
	if in.source.Bounded() {
		return nil, io.EOF
	}
	for {
		in.mu.Lock()
		grown, failed := in.grown, in.failed
		in.grown = nil
		in.mu.Unlock()
		if len(grown) > 0 || failed != nil {
			return grown, failed
		}
		select {
		case <-in.news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Reader implements connector.Input.
func (in *input) Reader(ctx context.Context, s connector.Split) (connector.Reader, error) {
	at, ok := s.Data.(span)
	if !ok {
		return nil, fmt.Errorf("kafka: split %s is not one of this source", s.Name)
	}
	decoder, err := in.newDecoder(ctx, at.topic)
	if err != nil {
		return nil, fmt.Errorf("kafka: values of %s: %w", at.partition, err)
	}
	r := &reader{input: in, span: at, decoder: decoder, columns: newColumns(in.bound, at.partition), rows: in.request.Rows(), at: new(atomic.Int64)}
	r.at.Store(at.from)
	if at.to < 0 || at.from < at.to {
		if r.queue, err = in.pump.open(at.partition, at.from); err != nil {
			return nil, err
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.positions[at.partition] = r.at
	return r, nil
}

// Close implements connector.Input.
func (in *input) Close() error {
	in.stop()
	if in.source.Group != "" {
		in.commitLast()
	}
	in.client.Close() // which ends requests that a silent broker does not answer
	in.background.Wait()
	return nil
}

func (in *input) topicID(topic string) [16]byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.topics[topic].id
}
