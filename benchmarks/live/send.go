package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sending is what a process that produces events is told.
type sending struct {
	brokers []string
	topic   string
	stream  stream
	events  int64
	paced   bool // each event when it is due, and not all as fast as possible
}

// send produces the events and returns how late it was with one at the most. It
// never waits for the pipeline: an open loop, in which a pipeline that stalls
// finds all that has come in the meantime.
func send(ctx context.Context, s sending) (time.Duration, error) {
	linger := 5 * time.Millisecond
	if s.paced {
		linger = 0
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers...), kgo.ProducerLinger(linger), kgo.MaxBufferedRecords(1_000_000),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.DefaultProduceTopic(s.topic))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	if err := client.Ping(ctx); err != nil {
		return 0, err
	}
	var failed atomic.Pointer[error]
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
	}
	var latest time.Duration
	for number := int64(0); number < s.events && failed.Load() == nil; {
		due := s.events
		if s.paced {
			var behind time.Duration
			if due, behind = s.due(number); due == number {
				time.Sleep(50 * time.Microsecond)
				continue
			}
			latest = max(latest, behind)
		}
		for ; number < due; number++ {
			payload := s.stream.appendEvent(make([]byte, 0, 80), number)
			client.Produce(ctx, &kgo.Record{Partition: int32(s.stream.partition(number)), Value: payload}, done)
		}
	}
	if err := client.Flush(ctx); err != nil {
		return 0, err
	}
	if err := failed.Load(); err != nil {
		return 0, fmt.Errorf("events to %s: %w", s.topic, *err)
	}
	return latest, nil
}

// due returns how many of all events are due by now, of which sent are sent, and
// how far behind the first of the others is.
func (s sending) due(sent int64) (due int64, behind time.Duration) {
	now := time.Now().UnixMicro()
	if at := s.stream.at(sent); at > now {
		return sent, 0
	} else {
		behind = time.Duration(now-at) * time.Microsecond
	}
	since := now - s.stream.start
	due = since/1_000_000*s.stream.rate + since%1_000_000*s.stream.rate/1_000_000
	return min(max(due, sent+1), s.events), behind
}
