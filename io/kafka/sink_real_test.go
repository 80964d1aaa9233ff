package kafka

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka/realkafka"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/leat"
)

// realSink is a sink to a new topic of the broker.
func realSink(t *testing.T, b *realkafka.Broker, create *Create) Sink {
	t.Helper()
	return Sink{Cluster: Cluster{Brokers: []string{b.Address()}}, Topic: fmt.Sprintf("sink-%d", time.Now().UnixNano()), Format: json.Format{}, KeyField: "user", Create: create}
}

// count reads a topic to its end offsets, and returns how often each value occurs.
func count(t *testing.T, c Cluster, topic string) map[string]int {
	t.Helper()
	client, err := c.client(kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	var want int64 // there are no transactions: an offset is a record
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	seen := map[string]int{}
	for n := int64(0); n < want; {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for _, r := range fetches.Records() {
			seen[string(r.Value)]++
			n++
		}
	}
	return seen
}

// A broker that is killed and comes back while the sink writes, twice: every row
// arrives, none twice, and the run does not fail.
func TestRealSinkBrokerKilled(t *testing.T) {
	b := realkafka.Use(t)
	s := realSink(t, b, &Create{Partitions: 3, Replication: 1})
	rows := features(1000)
	w := openSink(t, s, rowsOf(t, rows...).Type)
	const batches = 60
	for i := range batches {
		for j := range rows {
			rows[j].Count = int64(i*len(rows) + j)
		}
		if err := w.Write(t.Context(), &batch.Batch{Root: rowsOf(t, rows...)}); err != nil {
			t.Fatal(err)
		}
		if i == 20 || i == 40 {
			b.Kill(t)
			b.Start(t)
			for deadline := time.Now().Add(30 * time.Second); w.Writer.(*writer).flying.Load() > 0; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the broker is back, and nothing is acknowledged")
				}
			}
		}
	}
	if _, err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := count(t, s.Cluster, s.Topic)
	if len(seen) != batches*len(rows) {
		t.Errorf("%d different records, %d rows were written", len(seen), batches*len(rows))
	}
	for value, n := range seen {
		if n != 1 {
			t.Errorf("%s arrived %d times", value, n)
		}
	}
}

// A broker that answers nothing for a while: Write waits, and all arrives.
func TestRealSinkBrokerPaused(t *testing.T) {
	b := realkafka.Use(t)
	s := realSink(t, b, &Create{Partitions: 1, Replication: 1})
	s.MaxBufferedBytes = 1 << 20
	rows := rowsOf(t, features(1000)...)
	w := openSink(t, s, rows.Type)
	b.Pause(t)
	done := make(chan error, 1)
	go func() {
		for range 100 {
			if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
				done <- err
				return
			}
		}
		_, err := w.Close(t.Context())
		done <- err
	}()
	for range 30 {
		time.Sleep(100 * time.Millisecond)
		if size := w.Writer.(connector.Sized).SizeBytes(); size > 1<<20+1<<18 {
			t.Fatalf("the writer holds %d bytes", size)
		}
	}
	select {
	case err := <-done:
		t.Fatalf("a broker that was paused has acknowledged all: %v", err)
	default:
	}
	b.Resume(t)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	seen := count(t, s.Cluster, s.Topic)
	if len(seen) != rows.Len {
		t.Errorf("%d different records, %d rows were written", len(seen), rows.Len)
	}
	for value, n := range seen {
		if n != 100 {
			t.Errorf("%s arrived %d times, want 100", value, n)
		}
	}
}

// What Kafka itself refuses is said in our words.
func TestRealSinkErrors(t *testing.T) {
	b := realkafka.Use(t)
	rows := rowsOf(t, features(2)...)
	open := func(s Sink, typ *batch.Type) error {
		_, err := s.Open(t.Context(), connector.SinkRequest{Type: typ, Parallelism: 1})
		return err
	}
	missing := realSink(t, b, nil)
	expect(t, open(missing, rows.Type), "there is no topic", "set Sink.Create")

	wrong := realSink(t, b, &Create{Configs: map[string]string{"retention.ms": "soon"}})
	expect(t, open(wrong, rows.Type), "making topic", "soon for configuration retention.ms")

	secure := realSink(t, b, &Create{})
	secure.Cluster.TLS, secure.Cluster.ConnectTimeout = &TLS{}, 5*time.Second
	expect(t, open(secure, rows.Type), "may speak plain text", "leave Cluster.TLS out")

	t.Setenv("LEAT_TEST_PASSWORD", canary)
	login := realSink(t, b, &Create{})
	login.Cluster.SASL, login.Cluster.ConnectTimeout = &SASL{Mechanism: ScramSHA512, User: "u", Password: SecretEnv("LEAT_TEST_PASSWORD")}, 5*time.Second
	err := open(login, rows.Type)
	expect(t, err, "login")
	hasNoCanary(t, err)
	t.Log(err)

	small := realSink(t, b, &Create{Configs: map[string]string{"max.message.bytes": "1000"}})
	small.KeyField = ""
	large := rowsOf(t, leat.KV[string, string]{Key: "k", Value: strings.Repeat("x", 900)})
	w := openSink(t, small, large.Type)
	expect(t, w.Write(t.Context(), &batch.Batch{Root: large}), `the record with key "k" has 903 bytes, more than the 872`)

	compacted := realSink(t, b, &Create{Configs: map[string]string{"cleanup.policy": "compact"}})
	compacted.KeyField = ""
	w = openSink(t, compacted, rows.Type)
	if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
		t.Fatal(err)
	}
	expect(t, <-w.failed, "writing to topic", "a compacted topic takes none without a key", "key null")
}
