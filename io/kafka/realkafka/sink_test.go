package realkafka_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/io/kafka/realkafka"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// copying builds the pipeline of these tests: from topic to topic.
func copying(from kafka.Source, into kafka.Sink) *leat.Pipeline {
	p := &leat.Pipeline{}
	leat.Write(leat.Read[row](p, "numbers", from), "copy", into)
	return p
}

// copyUntilStopped starts to copy a topic without an end. The function that it
// returns ends that.
func (to *topic) copyUntilStopped(from kafka.Source, into kafka.Sink) (end func() error) {
	ctx, cancel := context.WithCancel(to.ctx)
	finished := make(chan error, 1)
	go func() {
		_, err := local.Run(ctx, copying(from, into), local.Options{})
		finished <- err
	}()
	return func() error {
		select {
		case err := <-finished: // before its time
			return fmt.Errorf("ended: %w", err)
		default:
		}
		cancel()
		if err := <-finished; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

// padded is a row that takes room.
type padded struct {
	Number int64  `leat:"number"`
	Pad    string `leat:"pad"`
}

// atLeastOnce checks that every number is in the topic, and counts those that are
// in it more than once.
func (to *topic) atLeastOnce(all int64) {
	to.t.Helper()
	found := to.numbers()
	var lost, again int
	for n := range all {
		switch found[n] {
		case 0:
			lost++
		case 1:
		default:
			again++
		}
	}
	if lost > 0 || int64(len(found)) != all {
		to.t.Errorf("%d of %d numbers are lost, and %d are there that nobody wrote", lost, all, int64(len(found))-all+int64(lost))
	}
	to.t.Logf("%d numbers, %d of them more than once", all, again)
}

// What a pipeline writes is in the topic, each row once.
func TestRealCopy(t *testing.T) {
	b := realkafka.Use(t)
	from, into := newTopic(t, b, 3), newTopic(t, b, 2)
	for p := range int32(3) {
		from.produce(p, int64(p)*1000, int64(p+1)*1000)
	}
	s := from.source()
	s.To = kafka.End
	for _, compression := range []kafka.Compression{kafka.None, kafka.Gzip, kafka.Snappy, kafka.LZ4, kafka.Zstd} {
		sink := into.sink()
		sink.Compression = compression
		if _, err := local.Run(from.ctx, copying(s, sink), local.Options{}); err != nil {
			t.Fatalf("%s: %v", compression, err)
		}
	}
	found := into.numbers()
	for n := range int64(3000) {
		if found[n] != 5 {
			t.Fatalf("%d is %d times in the topic after 5 runs", n, found[n])
		}
	}
	if len(found) != 3000 {
		t.Errorf("%d numbers are in the topic, want 3000", len(found))
	}
}

// A broker that is killed and started again under load costs nothing: all that was
// acknowledged to the producer comes out, at least once.
func TestRealBrokerRestartsUnderLoad(t *testing.T) {
	b := realkafka.Use(t)
	from, into := newTopic(t, b, 4), newTopic(t, b, 4)
	const all, a = 20_000, 50 // numbers, and how many at a time
	s := from.source()
	s.To = kafka.Never
	done := make(chan error, 1)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for n := int64(0); n < all; n += a { // waits for the broker as the pipeline does
			if err := from.client.ProduceSync(from.ctx, from.records(int32(n/a%4), n, n+a)...).FirstErr(); err != nil {
				done <- err
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	defer close(stop)
	end := from.copyUntilStopped(s, into.sink())
	for range 2 {
		time.Sleep(time.Second)
		b.Kill(t)
		b.Start(t)
	}
	<-ended
	select {
	case err := <-done:
		t.Fatalf("the producer: %v", err)
	default:
	}
	deadline := time.Now().Add(30 * time.Second)
	for len(into.numbers()) < all && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
	}
	if err := end(); err != nil {
		t.Errorf("the pipeline: %v", err)
	}
	into.atLeastOnce(all)
}

// A sink that is stalled stops the source: memory stays flat, nothing is lost, and
// the pipeline goes on when it can.
func TestRealSinkStalls(t *testing.T) {
	b := realkafka.Use(t)
	into := newTopic(t, b, 2)
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "numbers"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	const all, pad = 200_000, 900 // 180 MB, and the buffers below have room for a tenth
	filling, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	from := &topic{t: t, ctx: into.ctx, cluster: kafka.Cluster{Brokers: fake.ListenAddrs()}, name: "numbers", client: filling}
	for n := int64(0); n < all; n += 10_000 {
		records := from.records(int32(n/10_000%2), n, n+10_000)
		for _, r := range records {
			r.Value = slices.Concat(r.Value[:len(r.Value)-1], []byte(`,"pad":"`), slices.Repeat([]byte{'x'}, pad), []byte(`"}`))
		}
		if err := filling.ProduceSync(into.ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	filling.Close()
	s := from.source()
	s.To, s.BufferBytes, s.Format = kafka.End, 4<<20, json.Format{}
	sink := into.sink()
	sink.MaxBufferedBytes = 1 << 20
	var rowsRead atomic.Int64
	finished := make(chan error, 1)
	go func() {
		p := &leat.Pipeline{}
		leat.Write(leat.Read[padded](p, "numbers", s), "copy", sink)
		_, err := local.Run(into.ctx, p, local.Options{Plan: local.Streaming, Parallelism: 2, Every: 5 * time.Millisecond,
			Progress: func(p local.Progress) { rowsRead.Store(p.RowsRead) }})
		finished <- err
	}()
	for rowsRead.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	b.Pause(t)
	var read, heap []int64
	const stall, settled = 30, 5
	for second := range stall {
		time.Sleep(time.Second)
		select {
		case err := <-finished:
			t.Fatalf("the run ended while its sink was stalled: %v", err)
		default:
			read = append(read, rowsRead.Load())
		}
		if second >= settled {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = append(heap, int64(m.HeapAlloc))
		}
	}
	if read[len(read)-1] != read[settled] || read[settled] >= all {
		t.Errorf("rows read while the sink was stalled: %v", read)
	}
	if grown := slices.Max(heap) - heap[0]; grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes while the sink was stalled: %v", grown, heap)
	}
	b.Resume(t)
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	into.atLeastOnce(all)
	t.Logf("stalled at %d of %d rows with %d MB of heap", read[settled], int64(all), heap[0]>>20)
}
