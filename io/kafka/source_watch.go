package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/leatflow/leat/sdk/connector"
)

// goneTimes is how often in a row a topic must be unknown to be taken for deleted:
// brokers that come up may not know it for a moment.
const goneTimes = 3

// watch looks at the topics from time to time: partitions that were added are read
// from their earliest record, and what cannot go well any more ends the run.
func (in *input) watch(ctx context.Context) {
	gone := 0
	for wait := in.source.RefreshInterval; ; {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		found, err := in.describe(ctx)
		if err != nil {
			continue // outages are told by those who see them
		}
		wait = in.source.RefreshInterval
		var unknown error
		for _, topic := range in.source.Topics {
			err := in.compare(ctx, topic, found[topic])
			if errors.Is(err, kerr.UnknownTopicOrPartition) {
				unknown, wait = err, min(wait, time.Second)
			} else if err != nil {
				in.fail(err)
				return
			}
		}
		if gone++; unknown == nil {
			gone = 0
		} else if gone >= goneTimes {
			in.fail(unknown)
			return
		}
	}
}

// compare returns an error when a topic is not what it was.
func (in *input) compare(ctx context.Context, topic string, now kadm.TopicDetail) error {
	in.mu.Lock()
	was := in.topics[topic]
	in.mu.Unlock()
	count := int32(len(now.Partitions))
	switch {
	case errors.Is(now.Err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("kafka: topic %q was deleted while it was read: %w", topic, now.Err)
	case errors.Is(now.Err, kerr.TopicAuthorizationFailed):
		return in.explainTopic(topic, now.Err)
	case now.Err != nil || count == 0:
		return nil // for the moment
	case now.ID != was.id:
		return fmt.Errorf("kafka: topic %q was deleted and made anew while it was read; offsets of the old one say nothing about the new one: start afresh", topic)
	case count < was.partitions:
		return fmt.Errorf("kafka: topic %q had %d partitions and has %d now; what was in the others is gone: start afresh", topic, was.partitions, count)
	case count > was.partitions && !in.source.Bounded():
		in.grow(ctx, topic, was, count)
	}
	return nil
}

// grow adds the new partitions of a topic; when it cannot, they are found again the
// next time.
func (in *input) grow(ctx context.Context, topic string, was topicState, count int32) {
	starts, err := in.admin.ListStartOffsets(ctx, topic)
	var added []connector.Split
	for i := was.partitions; i < count && err == nil; i++ {
		p, from := partition{topic, i}, int64(0)
		if from, err = listed(starts, p); err == nil {
			added = append(added, split(span{p, from, -1}))
		}
	}
	if err != nil {
		in.source.Log.Warn("kafka: a topic has new partitions, but not where they begin; trying again", "topic", topic, "err", err)
		return
	}
	in.source.Log.Info("kafka: a topic has new partitions; they are read from their earliest record", "topic", topic, "partitions", count, "before", was.partitions)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.topics[topic] = topicState{was.id, count}
	in.grown = append(in.grown, added...)
	in.tell()
}

// fail ends all readers.
func (in *input) fail(err error) {
	err = &brokenError{err}
	in.pump.fail(err)
	in.mu.Lock()
	defer in.mu.Unlock()
	in.failed = err
	in.tell()
}

func (in *input) tell() {
	select {
	case in.news <- struct{}{}:
	default:
	}
}
