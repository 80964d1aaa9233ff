package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

// consumed is what the bare consumer has read.
type consumed struct{ rows, sum int64 }

// consume reads the events with kgo alone and decodes them into the columns that
// the pipeline has: what the pipeline is measured against. Each of so many workers
// has a client and a share of the partitions, as the tasks of the pipeline have.
func consume(ctx context.Context, brokers []string, topic string, s stream, events int64, workers int) (consumed, error) {
	found := make([]consumed, workers)
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		from, wanted := make(map[int32]kgo.Offset), int64(0)
		for p := int64(w); p < s.partitions; p += int64(workers) {
			from[int32(p)] = kgo.NewOffset().At(0)
			wanted += (events - p + s.partitions - 1) / s.partitions
		}
		group.Go(func() (err error) {
			found[w], err = consumePart(ctx, brokers, topic, from, wanted)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return consumed{}, fmt.Errorf("bare consumer of %s: %w", topic, err)
	}
	var all consumed
	for _, f := range found {
		all.rows += f.rows
		all.sum += f.sum
	}
	return all, nil
}

func consumePart(ctx context.Context, brokers []string, topic string, from map[int32]kgo.Offset, wanted int64) (c consumed, err error) {
	// One row type for both: that of the pipeline's Event.
	t := &batch.Type{Kind: batch.Struct, Fields: []batch.Field{
		{Name: "key", Type: &batch.Type{Kind: batch.String}}, {Name: "value", Type: &batch.Type{Kind: batch.Int64}}, {Name: "at", Type: &batch.Type{Kind: batch.Time}},
	}}
	decoder, err := json.Format{}.Decoder(ctx, message.DecodeRequest{Topic: topic, Type: t})
	if err != nil {
		return c, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return c, err
	}
	defer client.Close()
	for c.rows < wanted {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return c, err
		}
		for r := range fetches.RecordsAll() {
			if err := decoder.Decode(ctx, r.Value); err != nil {
				return c, fmt.Errorf("%d@%d: %w", r.Partition, r.Offset, err)
			}
			if decoder.Rows() == batch.TargetRows {
				c.take(decoder)
			}
		}
		c.take(decoder)
	}
	return c, nil
}

// take looks at every value, so that nothing of the work can be left out.
func (c *consumed) take(d message.Decoder) {
	column := d.Take()
	c.rows += int64(column.Len)
	for _, v := range column.Children[1].Ints {
		c.sum += v
	}
}
