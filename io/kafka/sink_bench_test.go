package kafka

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector/message"
)

// The sink beside a bare producer that sends the same records, which it has ready.
// The broker throws them away, so that what is measured is the client's side.
func BenchmarkSink(b *testing.B) {
	rows := rowsOf(b, features(batch.TargetRows)...)
	const batches = 64
	for _, compression := range []Compression{LZ4, None, Snappy} {
		_, c := brokers(b, kfake.SeedTopics(4, "out"), kfake.BlackholeProduce())
		s := Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user", Compression: compression}
		b.Run(fmt.Sprintf("compression=%s/sink", compression), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := openSink(b, s, rows.Type)
				for range batches {
					if err := w.Write(b.Context(), &batch.Batch{Root: rows}); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := w.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*batches*rows.Len)/b.Elapsed().Seconds()/1e6, "Mrecord/s")
		})
		b.Run(fmt.Sprintf("compression=%s/bare", compression), func(b *testing.B) {
			payloads := payloadsOf(b, rows)
			b.ReportAllocs()
			for b.Loop() {
				client, err := c.client(append(s.producer(defaultRecord), kgo.MaxBufferedRecords(100_000))...)
				if err != nil {
					b.Fatal(err)
				}
				var failed atomic.Bool
				for range batches {
					for i, p := range payloads {
						client.Produce(b.Context(), &kgo.Record{Topic: "out", Key: rows.Children[0].Bytes(i), Value: p}, func(_ *kgo.Record, err error) {
							if err != nil {
								failed.Store(true)
							}
						})
					}
				}
				if err := client.Flush(b.Context()); err != nil || failed.Load() {
					b.Fatal(err, failed.Load())
				}
				client.Close()
			}
			b.ReportMetric(float64(b.N*batches*rows.Len)/b.Elapsed().Seconds()/1e6, "Mrecord/s")
		})
	}
}

// payloadsOf encodes rows.
func payloadsOf(b *testing.B, rows *batch.Column) [][]byte {
	e, err := json.Format{}.Encoder(context.Background(), message.EncodeRequest{Type: rows.Type})
	if err != nil {
		b.Fatal(err)
	}
	text, ends, err := e.Encode(context.Background(), nil, nil, rows)
	if err != nil {
		b.Fatal(err)
	}
	out, start := make([][]byte, len(ends)), 0
	for i, end := range ends {
		out[i], start = text[start:end], end
	}
	return out
}

// How long a lone row takes from Write until the broker has acknowledged it.
func BenchmarkSinkLatency(b *testing.B) {
	_, c := brokers(b, kfake.SeedTopics(1, "out"))
	rows := rowsOf(b, features(1)...)
	w := openSink(b, Sink{Cluster: c, Topic: "out", Format: json.Format{}}, rows.Type)
	one := &batch.Batch{Root: rows}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := w.Write(b.Context(), one); err != nil {
			b.Fatal(err)
		}
		<-w.Writer.(*writer).released
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
