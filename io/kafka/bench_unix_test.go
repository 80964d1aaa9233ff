//go:build unix

package kafka

import (
	"fmt"
	"io"
	"sync"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// departure is a row of a size and shape that topics have.
type departure struct {
	Carrier string  `leat:"carrier"`
	Origin  string  `leat:"origin"`
	Number  int64   `leat:"number"`
	Delay   float64 `leat:"delay"`
	At      int64   `leat:"at"`
}

const (
	benchPartitions = 4
	benchRecords    = 100_000 // of a partition
)

func benchTopic(b *testing.B) (*broker, int64) {
	broker := startAt(b, nil, kfake.NumBrokers(1), kfake.SeedTopics(benchPartitions, "t"))
	var bytes int64
	for p := range int32(benchPartitions) {
		for i := range benchRecords {
			value := fmt.Appendf(nil, `{"carrier":"%c%c","origin":"ORD","number":%d,"delay":%d.5,"at":%d}`, 'A'+i%7, 'A'+i%5, i%9000, i%90, 1767225600000000+int64(i)*1000)
			bytes += int64(len(value))
			broker.client.Produce(b.Context(), &kgo.Record{Topic: "t", Partition: p, Key: value[12:14], Value: value}, nil)
		}
	}
	if err := broker.client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	return broker, bytes
}

// BenchmarkRead compares a topic read by the client alone, which decodes into the
// same columns, with the same topic read by the source's readers.
func BenchmarkRead(b *testing.B) {
	broker, bytes := benchTopic(b)
	row := typeOf[departure](b).Type()
	b.Run("client", func(b *testing.B) {
		measure(b, bytes)
		for b.Loop() {
			readBare(b, broker, row)
		}
	})
	b.Run("source", func(b *testing.B) {
		measure(b, bytes)
		s := broker.source(Source{Topics: []string{"t"}, Format: json.Format{}, To: End})
		for b.Loop() {
			readSource(b, s, row)
		}
	})
}

func measure(b *testing.B, bytes int64) {
	b.SetBytes(bytes)
	b.ReportAllocs()
	before := cpuTime(b)
	b.Cleanup(func() {
		records := float64(benchPartitions*benchRecords) * float64(b.N)
		b.ReportMetric(records/b.Elapsed().Seconds(), "records/s")
		b.ReportMetric((cpuTime(b)-before)*1e9/records, "cpu-ns/record")
	})
}

// cpuTime is what the process, the fake broker included, has used so far, in
// seconds: a measure that other processes disturb less than time does.
func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}

// readBare is what one would write by hand: a goroutine polls, one of each partition
// decodes.
func readBare(b *testing.B, from *broker, row *batch.Type) {
	offsets := map[int32]kgo.Offset{}
	var group sync.WaitGroup
	var fetched [benchPartitions]chan []*kgo.Record
	for p := range fetched {
		offsets[int32(p)] = kgo.NewOffset().AtStart()
		fetched[p] = make(chan []*kgo.Record, 16)
		decoder, err := json.Format{}.Decoder(b.Context(), message.DecodeRequest{Topic: "t", Type: row})
		if err != nil {
			b.Fatal(err)
		}
		group.Go(func() {
			rows := 0
			for records := range fetched[p] {
				for _, r := range records {
					if err := decoder.Decode(b.Context(), r.Value); err != nil {
						b.Error(err)
						return
					}
					if decoder.Rows() == batch.TargetRows {
						rows += decoder.Take().Len
					}
				}
			}
			if rows += decoder.Take().Len; rows != benchRecords {
				b.Errorf("%d rows", rows)
			}
		})
	}
	client, err := from.source(Source{}).Cluster.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"t": offsets}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxPartitionBytes(fetchPartitionBytes), kgo.FetchMaxBytes(fetchBytes))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for n := 0; n < benchPartitions*benchRecords; {
		client.PollFetches(b.Context()).EachPartition(func(p kgo.FetchTopicPartition) {
			if p.Err != nil {
				b.Fatal(p.Err)
			}
			n += len(p.Records)
			fetched[p.Partition] <- p.Records
		})
	}
	for _, f := range fetched {
		close(f)
	}
	group.Wait()
}

func readSource(b *testing.B, s Source, row *batch.Type) {
	in, err := s.Open(b.Context(), connector.Request{Step: "read", Type: row, Parallelism: benchPartitions, Bad: func(bad connector.BadRecord) error { return bad }})
	if err != nil {
		b.Fatal(err)
	}
	var group sync.WaitGroup
	for _, split := range in.Splits() {
		group.Go(func() {
			r, err := in.Reader(b.Context(), split)
			if err != nil {
				b.Error(err)
				return
			}
			rows := 0
			for err == nil {
				var got *batch.Batch
				if got, err = r.Read(b.Context()); err == nil {
					rows += got.Len()
				}
			}
			if err != io.EOF || rows != benchRecords {
				b.Errorf("%d rows, %v", rows, err)
			}
			if err := r.Close(); err != nil {
				b.Error(err)
			}
		})
	}
	group.Wait()
	if err := in.Close(); err != nil {
		b.Fatal(err)
	}
}
