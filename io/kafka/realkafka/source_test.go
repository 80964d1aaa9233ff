package realkafka_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/io/kafka/realkafka"
)

// Records of transactions that were aborted are not read, also where nothing is
// behind them, and those of one that is open end a bounded source.
func TestRealAbortedTransactions(t *testing.T) {
	to := newTopic(t, realkafka.Use(t), 2)
	transaction := func(id string, from, until int64, end func(*kgo.Client)) {
		t.Helper()
		client, err := kgo.NewClient(kgo.SeedBrokers(to.cluster.Brokers...), kgo.TransactionalID(to.name+id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err == nil {
			t.Cleanup(client.Close)
			err = client.BeginTransaction()
		}
		for partition := range int32(2) {
			if err == nil {
				err = client.ProduceSync(to.ctx, to.records(partition, from+500*int64(partition), until+500*int64(partition))...).FirstErr()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		end(client)
	}
	as := func(how kgo.TransactionEndTry) func(*kgo.Client) {
		return func(c *kgo.Client) {
			if err := c.EndTransaction(to.ctx, how); err != nil {
				t.Fatal(err)
			}
		}
	}
	to.produce(0, 0, 10)
	transaction("-a", 10, 20, as(kgo.TryCommit))
	transaction("-b", 20, 30, as(kgo.TryAbort))
	to.produce(1, 530, 540)
	transaction("-c", 40, 50, as(kgo.TryAbort))
	want := slices.Concat(upTo(0, 20), upTo(510, 520), upTo(530, 540))

	s := to.source()
	s.To = kafka.End
	if got, err := to.read(s); err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v (%v), want %v", got, err, want)
	}
	var open *kgo.Client
	transaction("-d", 50, 60, func(c *kgo.Client) { open = c })
	if got, err := to.read(s); err != nil || !slices.Equal(got, want) {
		t.Errorf("beside an open transaction read %v (%v), want %v", got, err, want)
	}
	as(kgo.TryCommit)(open)
	want = slices.Concat(upTo(0, 20), upTo(50, 60), upTo(510, 520), upTo(530, 540), upTo(550, 560))
	if got, err := to.read(s); err != nil || !slices.Equal(got, want) {
		t.Errorf("behind it read %v (%v), want %v", got, err, want)
	}
}

// Bounded reads begin and end at offsets and at times as the broker knows them.
func TestRealPositions(t *testing.T) {
	to := newTopic(t, realkafka.Use(t), 1)
	to.produce(0, 0, 100)
	const tick = 2 * time.Millisecond // timestamps are milliseconds
	time.Sleep(tick)
	middle := time.Now()
	time.Sleep(tick)
	to.produce(0, 100, 200)
	at := func(n int64) kafka.Position {
		return kafka.Offsets(map[string]map[int32]int64{to.name: {0: n}})
	}
	for _, c := range []struct {
		from, to kafka.Position
		want     []int64
	}{
		{kafka.Earliest, kafka.End, upTo(0, 200)},
		{at(30), at(170), upTo(30, 170)},
		{kafka.At(middle), kafka.End, upTo(100, 200)},
		{kafka.Earliest, kafka.Before(middle), upTo(0, 100)},
		{kafka.Latest, kafka.End, nil},
	} {
		s := to.source()
		s.From, s.To = c.from, c.to
		if got, err := to.read(s); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("from %s to %s: %d rows (%v), want %d", c.from, c.to, len(got), err, len(c.want))
		}
	}
}

// An offset that retention has removed, or that is not there yet, is an error that
// says what there is, and nothing is read instead.
func TestRealOffsetOutOfRange(t *testing.T) {
	to := newTopic(t, realkafka.Use(t), 1)
	to.produce(0, 0, 100)
	to.deleteBefore(40)
	for _, wanted := range []int64{10, 101} {
		s := to.source()
		s.From = kafka.Offsets(map[string]map[int32]int64{to.name: {0: wanted}})
		_, err := to.read(s)
		contains(t, err, to.name, fmt.Sprint(wanted, " is out of range"), "40 up to, not including, 100")
	}
	s := to.source()
	s.To = kafka.End
	if got, err := to.read(s); err != nil || !slices.Equal(got, upTo(40, 100)) {
		t.Errorf("from the earliest record: %v (%v), want 40 to 99", got, err)
	}
}

func (to *topic) deleteBefore(offset int64) {
	to.t.Helper()
	deleted, err := to.admin.DeleteRecords(to.ctx, kadm.Offsets{to.name: {0: {Topic: to.name, Partition: 0, At: offset}}})
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		to.t.Fatal(err)
	}
}

// Retention that overtakes a slow pipeline is an error, not a gap.
func TestRealRetentionPassesTheReading(t *testing.T) {
	to := newTopic(t, realkafka.Use(t), 1)
	const all, pad = 10_000, 20_000 // more than the client ever has under way
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<20) // blanks of all kinds, which do not compress to nothing
	for i := range noise {
		noise[i] = " \t\r\n"[random.IntN(4)]
	}
	for n := int64(0); n < all; n += 500 {
		records := to.records(0, n, n+500)
		for _, r := range records {
			at := random.IntN(len(noise) - pad)
			r.Value = append(r.Value, noise[at:at+pad]...)
		}
		if err := to.client.ProduceSync(to.ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	gate := make(chan struct{})
	s := to.source()
	s.BufferBytes = 64 << 10
	r := to.begin(s, func(r row) row {
		if r.Number == 50 {
			<-gate
		}
		return r
	})
	time.Sleep(time.Second) // the source has filled its buffers
	to.deleteBefore(all)
	close(gate)
	r.fails(to.name, "is out of range", "10000 up to, not including, 10000")
	got := sorted(r.rows.Rows())
	if len(got) == all || !slices.Equal(got, upTo(0, int64(len(got)))) {
		t.Errorf("%d rows came, with a gap or all of them", len(got))
	}
}

// Partitions that are added while the topic is read are read from their beginning.
func TestRealPartitionAdded(t *testing.T) {
	to := newTopic(t, realkafka.Use(t), 1)
	to.produce(0, 0, 10)
	r := to.begin(to.source(), nil)
	r.await(10)
	if _, err := to.admin.UpdatePartitions(to.ctx, 3, to.name); err != nil {
		t.Fatal(err)
	}
	for to.client.ProduceSync(to.ctx, to.records(2, 10, 11)...).FirstErr() != nil {
		to.client.ForceMetadataRefresh() // the client that produces must notice too
		select {
		case <-to.ctx.Done():
			t.Fatal("the new partition takes no record")
		case <-time.After(100 * time.Millisecond):
		}
	}
	to.produce(1, 11, 20)
	to.produce(0, 20, 30)
	r.await(30)
	if got := sorted(r.rows.Rows()); !slices.Equal(got, upTo(0, 30)) {
		t.Errorf("read %v, want 0 to 29", got)
	}
}

// A topic that is deleted, or made anew under the same name, ends the run with an
// error that says so: offsets of the old one mean nothing in the new.
func TestRealTopicGone(t *testing.T) {
	b := realkafka.Use(t)
	for _, again := range []bool{false, true} {
		to := newTopic(t, b, 1)
		to.produce(0, 0, 10)
		r := to.begin(to.source(), nil)
		r.await(10)
		if _, err := to.admin.DeleteTopic(to.ctx, to.name); err != nil {
			t.Fatal(err)
		}
		if again {
			to.create(1)
		}
		r.fails(to.name, "deleted")
	}
	to := newTopic(t, b, 1)
	to.name += "x"
	_, err := to.read(to.source())
	contains(t, err, "there is no topic", to.name)
}
