package kafka

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// stalled is a broker that does not answer Produce until it is let go.
type stalled struct {
	held atomic.Int64
	open chan struct{}
}

// stall holds the answers to Produce requests for a topic. It must be called on a
// cluster with SleepOutOfOrder.
func stall(fake *kfake.Cluster) *stalled {
	s := &stalled{open: make(chan struct{})}
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		s.held.Add(1)
		fake.SleepControl(func() { <-s.open })
		return nil, nil, false
	})
	return s
}

// A broker that stalls for half a minute: Write blocks, what the writer holds stays
// within its bound, and when the broker goes on everything arrives, once and in
// order. Time is that of the bubble.
func TestSinkStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 20
		var log bytes.Buffer
		var network kfake.VirtualNetwork
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "out"), kfake.SleepOutOfOrder(), kfake.ListenFn(network.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer fake.Close()
		c := Cluster{Brokers: fake.ListenAddrs(), Dial: network.DialContext}
		rows := rowsOf(t, features(1000)...)
		out, err := Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user", MaxBufferedBytes: limit, Log: slog.New(slog.NewTextHandler(&log, nil))}.
			Open(t.Context(), connector.SinkRequest{Type: rows.Type, Parallelism: 1})
		if err != nil {
			t.Fatal(err)
		}
		w, err := out.Writer(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		s := stall(fake)
		var written atomic.Int64
		done := make(chan error, 1)
		go func() {
			for range 100 {
				if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
					done <- err
					return
				}
				written.Add(1)
			}
			_, err := w.Close(t.Context())
			done <- err
		}()
		var seen int64
		for range 30 {
			time.Sleep(time.Second)
			synctest.Wait()
			if size := w.(connector.Sized).SizeBytes(); size > limit+limit/4 {
				t.Fatalf("the writer holds %d bytes, allowed are %d", size, limit)
			}
			if now := written.Load(); seen != 0 && now != seen {
				t.Fatalf("%d batches were taken, then %d, though the broker takes none", seen, now)
			} else {
				seen = now
			}
		}
		if seen == 0 || seen > 20 {
			t.Fatalf("%d batches were taken before Write blocked", seen)
		}
		close(s.open)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if text := log.String(); strings.Count(text, "do not acknowledge") != 1 || strings.Count(text, "acknowledged again") != 1 {
			t.Errorf("the log should say once that brokers do not acknowledge, and once that they do again:\n%s", text)
		}
		if n := produced(fake, "out"); n != 100_000 {
			t.Errorf("%d records arrived, 100000 were written", n)
		}
		if err := out.Commit(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

func produced(fake *kfake.Cluster, topic string) (n int64) {
	for _, p := range fake.PartitionInfos(topic) {
		n += p.HighWatermark
	}
	return n
}

// A broker that never answers fails the job in the time that is allowed, whatever
// the times of the records are, and says why.
func TestSinkDeliveryTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "out"), kfake.SleepOutOfOrder(), kfake.ListenFn(network.Listen))
		if err != nil {
			t.Fatal(err)
		}
		defer fake.Close()
		var log bytes.Buffer
		c := Cluster{Brokers: fake.ListenAddrs(), Dial: network.DialContext}
		rows := rowsOf(t, features(10)...)
		out, err := Sink{Cluster: c, Topic: "out", Format: json.Format{}, TimestampField: "at", DeliveryTimeout: 45 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}.
			Open(t.Context(), connector.SinkRequest{Type: rows.Type, Parallelism: 1})
		if err != nil {
			t.Fatal(err)
		}
		failed := make(chan error, 1)
		out.(connector.Failing).OnFailure(0, func(err error) { failed <- err })
		w, err := out.Writer(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		s := stall(fake)
		start := time.Now()
		if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
			t.Fatal(err)
		}
		err = <-failed
		if waited := time.Since(start); waited < 45*time.Second || waited > 46*time.Second {
			t.Errorf("the job failed after %s", waited)
		}
		expect(t, err, `writing to topic "out"`, "has not acknowledged a record in the time of Sink.DeliveryTimeout")
		if _, err := w.Close(t.Context()); err == nil {
			t.Error("Close hides the failure")
		}
		if err := errors.Join(w.Abort(), out.Abort()); err != nil {
			t.Error(err)
		}
		close(s.open)
		synctest.Wait()
		if text := log.String(); strings.Count(text, "do not acknowledge") != 1 || strings.Contains(text, "acknowledged again") {
			t.Errorf("the log should say once that brokers do not acknowledge, and not that they do again:\n%s", text)
		}
	})
}

// A cancelled run gets out of a Write that waits, and Abort does not wait for the
// broker.
func TestSinkCancelled(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "out"), kfake.SleepOutOfOrder())
	rows := rowsOf(t, features(1000)...)
	w := openSink(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}, MaxBufferedBytes: 1 << 18}, rows.Type)
	s := stall(fake)
	defer close(s.open)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	var err error
	for err == nil {
		err = w.Write(ctx, &batch.Batch{Root: rows})
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Write gives %v", err)
	}
	start := time.Now()
	if err := errors.Join(w.Abort(), w.out.Abort()); err != nil {
		t.Error(err)
	}
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("Abort took %s", waited)
	}
}

// Connections that break while records are on their way, over and over: everything
// arrives, once.
func TestSinkBrokenConnections(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(3, "out"))
	var cut atomic.Int64
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if cut.Add(1)%3 == 0 {
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
	rows := rowsOf(t, features(1000)...)
	w := openSink(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user"}, rows.Type)
	for range 30 {
		if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // several requests, or there is nothing to cut
	}
	if _, err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := produced(fake, "out"); n != 30_000 {
		t.Errorf("%d records arrived, 30000 were written; %d requests", n, cut.Load())
	}
	if cut.Load() < 4 {
		t.Errorf("only %d requests: nothing was cut", cut.Load())
	}
}

// One stalled partition of many: the chunks it holds count as a whole, so memory is
// bounded all the same.
func TestSinkOneStalledPartition(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(16, "out"))
	hold := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Partitions: []int32{3}, Err: kerr.NotLeaderForPartition, Count: -1})
	rows := rowsOf(t, features(1000)...)
	const limit = 1 << 20
	w := openSink(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user", MaxBufferedBytes: limit}, rows.Type)
	done := make(chan error, 1)
	go func() {
		for range 60 {
			if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
				done <- err
				return
			}
		}
		_, err := w.Close(t.Context())
		done <- err
	}()
	deadline := time.After(700 * time.Millisecond)
	for waiting := true; waiting; {
		select {
		case err := <-done:
			t.Fatalf("ended although a partition takes nothing: %v", err)
		case <-deadline:
			waiting = false
		case <-time.After(20 * time.Millisecond):
		}
		if size := w.Writer.(connector.Sized).SizeBytes(); size > limit+limit/4 {
			t.Fatalf("the writer holds %d bytes, allowed are %d", size, limit)
		}
	}
	hold.Remove()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := produced(fake, "out"); n != 60_000 {
		t.Errorf("%d records arrived, 60000 were written", n)
	}
}

// Rows that are suddenly a thousand times as large do not make a chunk that is.
func TestSinkLargerRows(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "out"), kfake.SleepOutOfOrder())
	small, large := features(batch.TargetRows), features(400)
	for i := range large {
		large[i].User = strings.Repeat("x", 50_000)
	}
	const limit = 1 << 20
	rows := rowsOf(t, small...)
	w := openSink(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}, MaxBufferedBytes: limit}, rows.Type)
	for range 3 {
		if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
			t.Fatal(err)
		}
	}
	s := stall(fake)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := w.Write(ctx, &batch.Batch{Root: rowsOf(t, large...)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Write of 20 MB to a broker that takes nothing gives %v", err)
	}
	if size := w.Writer.(connector.Sized).SizeBytes(); size > limit+limit/2 {
		t.Errorf("the writer holds %d bytes, allowed are %d", size, limit)
	}
	close(s.open)
}

// Of rows that are small it is the records that take room, not their bytes.
func TestSinkSmallRows(t *testing.T) {
	for _, limit := range []int64{1 << 16, 1 << 20} {
		fake, c := brokers(t, kfake.SeedTopics(1, "out"), kfake.SleepOutOfOrder())
		rows := rowsOf(t, make([]struct{ A int64 }, batch.TargetRows)...)
		w := openSink(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}, MaxBufferedBytes: limit}, rows.Type)
		if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil { // it knows how small they are
			t.Fatal(err)
		}
		s := stall(fake)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		var err error
		for err == nil {
			err = w.Write(ctx, &batch.Batch{Root: rows})
		}
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Write to a broker that takes nothing gives %v", err)
		}
		if size := w.Writer.(*writer).flying.Load(); size > limit+limit/4 {
			t.Errorf("%d bytes are in flight, allowed are %d", size, limit)
		}
		close(s.open)
	}
}

// A topic that is deleted while the run goes on ends it.
func TestSinkTopicDeleted(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "out"))
	rows := rowsOf(t, features(10)...)
	w := openSink(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}}, rows.Type)
	if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
		t.Fatal(err)
	}
	if err := fake.DeleteTopic("out"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := w.Write(t.Context(), &batch.Batch{Root: rows})
		if err != nil {
			expect(t, err, `writing to topic "out"`, "it was deleted while the job ran")
			t.Log(err)
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing happens")
		}
	}
}
