package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// bounds are the offsets of all partitions, each kind asked for once.
type bounds struct {
	first, stable, last kadm.ListedOffsets // stable: in front of the first open transaction
	from, to            kadm.ListedOffsets // of positions in time
}

// spans returns what is to be read, in the order of topics and partitions. All that
// is wrong with positions is reported together.
func (in *input) spans(ctx context.Context) ([]span, error) {
	b, err := in.bounds(ctx)
	if err != nil {
		return nil, err
	}
	var spans []span
	var errs []error
	for _, topic := range in.source.Topics {
		for i := range in.topics[topic].partitions {
			s, err := b.span(in.source, partition{topic, i})
			if errs = append(errs, err); err == nil {
				spans = append(spans, s)
			}
		}
		errs = append(errs, in.source.From.strangers("From", topic, in.topics[topic].partitions),
			in.source.To.strangers("To", topic, in.topics[topic].partitions))
	}
	return spans, errors.Join(errs...)
}

// strangers reports offsets of partitions that a topic does not have.
func (p Position) strangers(field, topic string, partitions int32) error {
	var errs []error
	for number := range p.offsets[topic] {
		if number < 0 || number >= partitions {
			errs = append(errs, fmt.Errorf("kafka: %s has an offset of %s; the topic has partitions 0 to %d", field, name(topic, number), partitions-1))
		}
	}
	return errors.Join(errs...)
}

func (in *input) bounds(ctx context.Context) (b bounds, err error) {
	ask := func(into *kadm.ListedOffsets, list func(context.Context, ...string) (kadm.ListedOffsets, error)) {
		if err == nil {
			*into, err = list(ctx, in.source.Topics...)
		}
	}
	ask(&b.first, in.admin.ListStartOffsets)
	ask(&b.stable, in.admin.ListCommittedOffsets)
	for _, p := range []struct {
		Position
		into *kadm.ListedOffsets
	}{{in.source.From, &b.from}, {in.source.To, &b.to}} {
		if p.kind == after || p.kind == before {
			ask(p.into, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
				return in.admin.ListOffsetsAfterMilli(ctx, max(0, ceilMillis(p.time.UnixMicro())), topics...)
			})
		}
	}
	ask(&b.last, in.admin.ListEndOffsets) // behind the others, which must not be beyond it where somebody writes
	if err != nil {
		return b, in.client.explain(fmt.Errorf("where the topics begin and end: %w", err), attempt{})
	}
	return b, nil
}

// ceilMillis rounds up: a record has its time in milliseconds, and one of the
// millisecond that t lies in is earlier than t.
func ceilMillis(micros int64) int64 {
	ms := micros / 1000
	if ms*1000 < micros {
		ms++
	}
	return ms
}

// span decides what is read of a partition.
func (b *bounds) span(s Source, p partition) (span, error) {
	first, err := listed(b.first, p)
	if err != nil {
		return span{}, err
	}
	last, err := listed(b.last, p)
	if err != nil {
		return span{}, err
	}
	from, err := b.place(s.From, p, first)
	if err != nil {
		return span{}, fmt.Errorf("%w (From)", err)
	}
	if from < first || from > last {
		return span{}, outOfRange(p, "From", from, first, last)
	}
	if !s.To.ends() {
		return span{p, from, -1}, nil
	}
	to, err := b.place(s.To, p, last)
	if err != nil {
		return span{}, fmt.Errorf("%w (To)", err)
	}
	switch {
	case to > last:
		return span{}, fmt.Errorf("kafka: %s: To %d is beyond its end: the partition has %d up to, not including, %d", p, to, first, last)
	case to < from && s.From.kind == explicit && s.To.kind == explicit:
		return span{}, fmt.Errorf("kafka: %s: To %d is before From %d", p, to, from)
	}
	return span{p, from, max(from, to)}, nil
}

// place returns the offset of a position in a partition; other is that of the
// position that is the default.
func (b *bounds) place(at Position, p partition, other int64) (int64, error) {
	switch at.kind {
	case latest, end:
		return listed(b.stable, p)
	case after:
		return listed(b.from, p)
	case before:
		return listed(b.to, p)
	case explicit:
		o, ok := at.offsets[p.topic][p.number]
		if !ok {
			return 0, fmt.Errorf("kafka: %s has no offset; give one for every partition", p)
		}
		return o, nil
	}
	return other, nil
}
