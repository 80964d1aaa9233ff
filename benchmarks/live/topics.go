package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// remake makes an empty topic, in which records carry the time at which the
// broker appended them.
func remake(ctx context.Context, brokers []string, partitions int64, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopic(ctx, topic); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	by, keep := "LogAppendTime", "-1"
	configs := map[string]*string{"message.timestamp.type": &by, "retention.ms": &keep}
	for {
		_, err := admin.CreateTopic(ctx, int32(partitions), 1, configs, topic)
		if err == nil {
			return appears(ctx, admin, topic)
		}
		if !errors.Is(err, kerr.TopicAlreadyExists) { // its deletion is under way
			return fmt.Errorf("topic %s: %w", topic, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// appears waits for the brokers to hear of a topic that the controller has.
func appears(ctx context.Context, admin *kadm.Client, topic string) error {
	for {
		found, err := admin.ListTopics(ctx, topic)
		if err != nil || found.Has(topic) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// result is a record of the output topic.
type result struct {
	Stats
	appended time.Time // by the broker, in milliseconds
	seen     time.Time // here
}

// results reads the output topic from its beginning and calls each until that
// says that it was the last.
func results(ctx context.Context, brokers []string, topic string, each func(result) (more bool)) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(time.Second), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(ctx)
		now := time.Now()
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("results in %s: %w", topic, err)
		}
		for r := range fetches.RecordsAll() {
			out := result{appended: r.Timestamp, seen: now}
			if err := json.Unmarshal(r.Value, &out.Stats); err != nil {
				return fmt.Errorf("results in %s[%d]@%d: %w", topic, r.Partition, r.Offset, err)
			}
			if !each(out) {
				return nil
			}
		}
	}
}
