package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/connector"
)

// look asks for the topics and their offsets, and makes the splits.
func (in *input) look(ctx context.Context) error {
	found, err := in.describe(ctx)
	if err != nil {
		return in.client.explain(err, attempt{})
	}
	var errs []error
	for _, topic := range in.source.Topics {
		detail, ok := found[topic]
		if ok && detail.Err == nil {
			in.topics[topic] = topicState{id: detail.ID, partitions: int32(len(detail.Partitions))}
			continue
		}
		errs = append(errs, in.missing(ctx, topic, detail.Err))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	spans, err := in.spans(ctx)
	if err != nil {
		return err
	}
	for _, s := range spans {
		in.splits = append(in.splits, split(s))
	}
	return nil
}

// describe asks for the topics. What is wrong with one is said with it, where kadm
// fails for all of them and does not say for which.
func (in *input) describe(ctx context.Context) (map[string]kadm.TopicDetail, error) {
	topics, err := in.client.topics(ctx, in.source.Topics...)
	if err != nil {
		return nil, err
	}
	found := make(map[string]kadm.TopicDetail)
	for _, t := range topics {
		if t.Topic == nil {
			continue
		}
		detail := kadm.TopicDetail{Topic: *t.Topic, ID: t.TopicID, Err: kerr.ErrorForCode(t.ErrorCode), Partitions: make(kadm.PartitionDetails)}
		for _, p := range t.Partitions {
			detail.Partitions[p.Partition] = kadm.PartitionDetail{Topic: *t.Topic, Partition: p.Partition, Leader: p.Leader}
		}
		found[*t.Topic] = detail
	}
	return found, nil
}

func split(s span) connector.Split {
	return connector.Split{Name: s.partition.String(), Rows: -1, Bytes: -1, Data: s}
}

// missing says why a topic cannot be read.
func (in *input) missing(ctx context.Context, topic string, err error) error {
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return in.explainTopic(topic, err)
	}
	return fmt.Errorf("kafka: there is no topic %q at %s, or it may not be seen%s", topic, in.source.Cluster, in.client.near(ctx, topic))
}

// explainTopic says what an error means that brokers give for a topic.
func (in *input) explainTopic(topic string, err error) error {
	return in.client.explain(err, attempt{doing: "reading", topic: topic, partition: -1, operation: "Read and Describe"})
}

// explain says what it means that reading a partition has failed.
func (in *input) explain(ctx context.Context, p partition, at int64, err error) error {
	var large *kgo.ErrDecompressTooLarge
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		first, last, unknown := in.limits(ctx, p)
		if unknown != nil {
			return fmt.Errorf("kafka: %s: offset %d is out of range; what the partition has cannot be said: %w", p, at, unknown)
		}
		return outOfRange(p, "offset", at, first, last)
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.InconsistentTopicID):
		return fmt.Errorf("kafka: %s: the topic was deleted or made anew while it was read (%w); offsets of the old one say nothing about a new one: start afresh", p, err)
	case errors.As(err, &large):
		return fmt.Errorf("kafka: %s: the batch of records at offset %d unpacks to more than %d MiB; it is broken or hostile; go on behind it with From: kafka.Offsets, at %d", p, large.Offset, decompressedBytes>>20, large.NextOffset)
	}
	if in.broke(err) {
		return err
	}
	err = fmt.Errorf("at offset %d or behind it: %w", at, err)
	return in.client.explain(err, attempt{doing: "reading", topic: p.topic, partition: p.number, operation: "Read and Describe"})
}

// limits asks for the first offset that a partition has, and the one behind its last.
func (in *input) limits(ctx context.Context, p partition) (first, last int64, err error) {
	starts, err := in.admin.ListStartOffsets(ctx, p.topic)
	if err == nil {
		first, err = listed(starts, p)
	}
	if err != nil {
		return 0, 0, err
	}
	ends, err := in.admin.ListEndOffsets(ctx, p.topic)
	if err == nil {
		last, err = listed(ends, p)
	}
	return first, last, err
}

// broke reports whether err is what this source has put into its queues itself, and
// says all already.
func (in *input) broke(err error) bool {
	var own *brokenError
	return errors.As(err, &own)
}

// brokenError is an error that concerns all readers of a source.
type brokenError struct{ error }

// Unwrap returns the cause.
func (b *brokenError) Unwrap() error { return b.error }

func outOfRange(p partition, what string, wanted, first, last int64) error {
	hint := "begin with kafka.Earliest, or at an offset that is there, knowing that what lay between is lost"
	if wanted > last {
		hint = "was the topic made anew, or is it another one?"
	}
	return fmt.Errorf("kafka: %s: %s %d is out of range: the partition has %d up to, not including, %d; %s", p, what, wanted, first, last, hint)
}

// listed finds a partition in an answer, where it must be.
func listed(all kadm.ListedOffsets, p partition) (int64, error) {
	l, ok := all.Lookup(p.topic, p.number)
	if !ok {
		return 0, fmt.Errorf("kafka: %s: the brokers do not say where it begins and ends", p)
	}
	if l.Err != nil {
		return 0, fmt.Errorf("kafka: %s: where it begins and ends: %w", p, l.Err)
	}
	return l.Offset, nil
}
