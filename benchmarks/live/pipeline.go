package main

import (
	"time"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

// build makes the pipeline: counts and sums by key in windows, from topic to topic.
func build(p *leat.Pipeline, brokers []string, to kafka.Position, size time.Duration) {
	cluster := kafka.Cluster{Brokers: brokers}
	source := kafka.Source{Cluster: cluster, Topics: []string{inTopic}, Format: json.Format{}, From: kafka.Earliest, To: to}
	read := leat.Read(p, "events", source, leat.EventTimeField(func(e *Event) *time.Time { return &e.At }, watermark.Monotone()))
	byKey := leat.KeyBy(read, "by-key", field.Of(func(e *Event) *string { return &e.Key }))
	stats := leat.Combine(leat.Window(byKey, window.Fixed(size)), "stats", agg.Into(func(e *Event, s *Stats) []agg.Term {
		return []agg.Term{agg.Key(&s.Key), agg.WindowEnd(&s.End), agg.Count(&s.Count), agg.Sum(&s.Sum, &e.Value)}
	}))
	leat.Write(leat.Values(stats), "stats-out", kafka.Sink{Cluster: cluster, Topic: outTopic, Format: json.Format{}, KeyField: "key"})
}
