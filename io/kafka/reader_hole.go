package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Offsets in front of the end may have no records: compaction has removed them, or
// they were of a transaction that was aborted. The client passes over them without
// a word, so a reader of a bounded source that gets nothing for a while asks a
// broker itself how far it would come:
//
//	offset   70  71  72  73  74  75
//	record    a   b   ·   ·   ·  ┊ end       at 72, nothing comes ⇒ fetch from 72:
//	                                         no records, go on at 75 ⇒ that is the end

// patience is how long a reader waits for records before it looks for a hole.
func (r *reader) patience() time.Duration {
	if r.span.to < 0 {
		return -1
	}
	return backOffTime(r.quiet)
}

// skipHole moves on over offsets that have no records. Errors are left to the
// client, which tries for as long as it takes.
func (r *reader) skipHole(ctx context.Context) error {
	for r.at.Load() < r.span.to {
		at := r.at.Load()
		next, err := r.input.nextOffset(ctx, r.span.partition, at)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || next <= at {
			return nil
		}
		r.at.Store(min(next, r.span.to))
	}
	return nil
}

// probeBytes is what a look into a partition asks for.
const probeBytes = 64 << 10

// nextOffset returns the offset behind the hole at an offset: at itself where there
// is none.
func (in *input) nextOffset(ctx context.Context, p partition, at int64) (int64, error) {
	leader, _, err := in.client.PartitionLeader(p.topic, p.number)
	if err != nil {
		return at, err
	}
	ask := kmsg.NewPtrFetchRequest()
	ask.ReplicaID, ask.SessionEpoch = -1, -1
	ask.MaxBytes, ask.IsolationLevel = probeBytes, 1
	topic, part := kmsg.NewFetchRequestTopic(), kmsg.NewFetchRequestTopicPartition()
	topic.Topic, topic.TopicID = p.topic, in.topicID(p.topic)
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = p.number, at, probeBytes
	topic.Partitions = append(topic.Partitions, part)
	ask.Topics = append(ask.Topics, topic)
	answer, err := in.client.Broker(int(leader)).RetriableRequest(ctx, ask)
	if err != nil {
		return at, err
	}
	fetch := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(fetch.ErrorCode); err != nil {
		return at, err
	}
	if len(fetch.Topics) == 0 || len(fetch.Topics[0].Partitions) == 0 {
		return at, nil
	}
	got, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
		Offset: at, IsolationLevel: kgo.ReadCommitted(), Topic: p.topic, Partition: p.number,
	}, &fetch.Topics[0].Partitions[0], in.unpack, nil)
	if got.Err != nil || len(got.Records) > 0 {
		return at, got.Err
	}
	return next, nil
}
