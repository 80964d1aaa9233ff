package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatflow/leat/sdk/connector"
)

// prepare looks at the topic, makes it where that is wanted, and returns how large
// a record may be, and a batch of records.
func (s Sink) prepare(ctx context.Context) (recordMax, batchMax int, err error) {
	l, err := s.Cluster.connect(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer l.Close()
	limit, cancel := l.patience(ctx)
	defer cancel()
	err = s.find(limit, l)
	if s.Create != nil && errors.Is(err, kerr.UnknownTopicOrPartition) {
		err = s.create(limit, l)
	}
	if err != nil {
		return 0, 0, err
	}
	recordMax, batchMax = s.bounds(limit, l)
	return recordMax, batchMax, nil
}

// find returns an error when the topic is not there or may not be written to.
func (s Sink) find(ctx context.Context, l *link) error {
	look := attempt{doing: "writing to", topic: s.Topic, partition: -1, operation: "Describe"}
	topics, err := l.topics(ctx, s.Topic)
	if err != nil {
		return l.explain(err, look)
	}
	if len(topics) != 1 {
		return l.explain(fmt.Errorf("the broker answered with %d topics", len(topics)), look)
	}
	err = kerr.ErrorForCode(topics[0].ErrorCode)
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("kafka: there is no topic %q at %s%s; make it, or set Sink.Create (%w)", s.Topic, l.cluster, l.near(ctx, s.Topic), err)
	}
	if err != nil {
		return l.explain(err, look)
	}
	if !mayWrite(topics[0].AuthorizedOperations) {
		look.operation = "Write"
		return l.explain(kerr.TopicAuthorizationFailed, look)
	}
	return nil
}

// topics asks for topics by name; none: for all that may be seen. Asking never
// makes one.
func (l *link) topics(ctx context.Context, names ...string) ([]kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = len(names) > 0
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, l)
	if err != nil {
		return nil, err
	}
	return resp.Topics, nil
}

// mayWrite looks at the operations that a broker says are allowed: a bit for each,
// or the smallest number where it does not say.
func mayWrite(operations int32) bool {
	const unknown = -1 << 31
	return operations == unknown || operations&(1<<kmsg.ACLOperationWrite|1<<kmsg.ACLOperationAll) != 0
}

// near suggests what a name may have meant.
func (l *link) near(ctx context.Context, topic string) string {
	topics, err := l.topics(ctx)
	if err != nil {
		return "" // the name alone must do
	}
	var names []string
	for _, t := range topics {
		if t.Topic != nil && !t.IsInternal {
			names = append(names, *t.Topic)
		}
	}
	return connector.Closest(topic, names)
}

// create makes the topic and waits until it can be written to.
func (s Sink) create(ctx context.Context, l *link) error {
	making := attempt{doing: "making", topic: s.Topic, partition: -1, operation: "Create"}
	partitions, replication := s.Create.Partitions, s.Create.Replication
	if partitions == 0 {
		partitions = -1
	}
	if replication == 0 {
		replication = -1
	}
	configs := make(map[string]*string)
	for k, v := range s.Create.Configs {
		configs[k] = &v
	}
	made, err := kadm.NewClient(l.Client).CreateTopic(ctx, partitions, replication, configs, s.Topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // somebody else was faster
		if made.ErrMessage != "" { // which setting it is
			err = fmt.Errorf("%s: %w", made.ErrMessage, err)
		}
		return l.explain(err, making)
	}
	for {
		err := s.find(ctx, l)
		if err == nil || !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond): // brokers learn of it one after the other
		case <-ctx.Done():
			return l.explain(ctx.Err(), making)
		}
	}
}

// bounds are those of a record, the smaller of what the sink and the topic allow,
// and of a batch, for which the topic's holds and the sink's only where that may not
// be read.
func (s Sink) bounds(ctx context.Context, l *link) (recordMax, batchMax int) {
	batchMax, known := l.messageMax(ctx, s.Topic)
	if !known {
		batchMax = defaultRecord
		if s.MaxRecordBytes > 0 {
			batchMax = s.MaxRecordBytes
		}
	}
	batchMax = min(batchMax, maxRecord)
	recordMax = batchMax
	if s.MaxRecordBytes > 0 {
		recordMax = min(recordMax, s.MaxRecordBytes)
	}
	return recordMax, batchMax
}

// messageMax asks for max.message.bytes, which not everybody may.
func (l *link) messageMax(ctx context.Context, topic string) (int, bool) {
	resources, err := kadm.NewClient(l.Client).DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, false
	}
	resource, err := resources.On(topic, nil)
	if err != nil || resource.Err != nil {
		return 0, false
	}
	for _, c := range resource.Configs {
		if c.Key == "max.message.bytes" {
			n, err := strconv.Atoi(c.MaybeValue())
			return n - recordOverhead, err == nil && n > recordOverhead
		}
	}
	return 0, false
}
