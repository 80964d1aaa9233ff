package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/leat"
)

// rowsOf encodes rows.
func rowsOf[T any](t testing.TB, rows ...T) *batch.Column {
	t.Helper()
	c, err := codec.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	e := c.NewEncoder()
	if err := e.Append(rows); err != nil {
		t.Fatal(err)
	}
	return e.Finish()
}

// writing is an opened sink with one writer.
type writing struct {
	out connector.Output
	connector.Writer
	failed chan error
}

func openSink(t testing.TB, s Sink, typ *batch.Type) *writing {
	t.Helper()
	out, err := s.Open(t.Context(), connector.SinkRequest{Step: "test", Type: typ, Parallelism: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := &writing{out: out, failed: make(chan error, 1)}
	out.(connector.Failing).OnFailure(0, func(err error) { w.failed <- err })
	if w.Writer, err = out.Writer(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.Abort(), out.Abort()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// write writes rows and waits until they have arrived.
func write(t testing.TB, s Sink, rows *batch.Column) connector.Staged {
	t.Helper()
	w := openSink(t, s, rows.Type)
	if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
		t.Fatal(err)
	}
	staged, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.out.Commit(t.Context(), []connector.Staged{staged}); err != nil {
		t.Fatal(err)
	}
	return staged
}

// consume reads a topic from its beginning to its end as it is now.
func consume(t testing.TB, c Cluster, fake *kfake.Cluster, topic string) []*kgo.Record {
	t.Helper()
	client, err := c.client(kgo.ConsumeTopics(topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var want int64
	for _, p := range fake.PartitionInfos(topic) {
		want += p.HighWatermark
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var got []*kgo.Record
	for int64(len(got)) < want {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records of %d: %v", len(got), want, err)
		}
		got = append(got, fetches.Records()...)
	}
	return got
}

type feature struct {
	User  string    `leat:"user"`
	Count int64     `leat:"count"`
	At    time.Time `leat:"at"`
}

func features(n int) []feature {
	rows := make([]feature, n)
	for i := range rows {
		rows[i] = feature{fmt.Sprintf("user %d", i%37), int64(i), time.UnixMicro(1_700_000_000_000_000 + int64(i)*1000).UTC()}
	}
	return rows
}

// Rows arrive as records: value, key, time; equal keys in one partition and in
// order, the one that Kafka's own producer would choose.
func TestSinkWrites(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	fake, c := brokers(t, kfake.SeedTopics(4, "features"))
	rows := features(20_000)
	sink := Sink{Cluster: c, Topic: "features", Format: json.Format{}, KeyField: "user", TimestampField: "at"}
	staged := write(t, sink, rowsOf(t, rows...))
	if staged.Rows != int64(len(rows)) || staged.Bytes == 0 {
		t.Errorf("the writer reports %+v", staged)
	}
	got := consume(t, c, fake, "features")
	if len(got) != len(rows) {
		t.Fatalf("%d records, %d rows", len(got), len(rows))
	}
	last := map[string]int64{}
	reference := kgo.StickyKeyPartitioner(nil).ForTopic("features")
	for _, r := range got {
		var i int64
		if _, err := fmt.Sscanf(string(r.Value[strings.Index(string(r.Value), `"count":`)+8:]), "%d", &i); err != nil {
			t.Fatalf("%v: %s", err, r.Value)
		}
		want := fmt.Sprintf(`{"user":%q,"count":%d,"at":%q}`, rows[i].User, i, rows[i].At.Format("2006-01-02T15:04:05.000000Z"))
		if string(r.Value) != want || string(r.Key) != rows[i].User || !r.Timestamp.Equal(rows[i].At) {
			t.Fatalf("record %q → %s at %s, want %q → %s at %s", r.Key, r.Value, r.Timestamp, rows[i].User, want, rows[i].At)
		}
		if at, seen := last[rows[i].User]; seen && at >= i {
			t.Fatalf("row %d of %s comes behind %d", i, rows[i].User, at)
		}
		last[rows[i].User] = i
		if p := reference.Partition(r, 4); p != int(r.Partition) {
			t.Fatalf("key %q is in partition %d, Kafka's producer would choose %d", r.Key, r.Partition, p)
		}
	}
}

// What becomes of keys, values, headers and selections of every kind of row.
func TestSinkLayouts(t *testing.T) {
	type tagged struct {
		ID      *int64            `leat:"id"`
		Note    string            `leat:"note"`
		Headers map[string]string `leat:"headers"`
	}
	id := func(i int64) *int64 { return &i }
	count, text := id, func(s string) *string { return &s }
	for name, c := range map[string]struct {
		sink Sink
		rows *batch.Column
		want []string
	}{
		"KV": {Sink{}, rowsOf(t, leat.KV[string, int64]{Key: "a", Value: 1}, leat.KV[string, int64]{Key: "", Value: 2}), []string{`"a" 1 []`, `"" 2 []`}},
		"KV with tombstones": {Sink{}, rowsOf(t, leat.KV[*string, *int64]{Key: text("a"), Value: count(1)}, leat.KV[*string, *int64]{Key: text("b")}, leat.KV[*string, *int64]{Value: count(3)}),
			[]string{`"a" 1 []`, `"b" null []`, `null 3 []`}},
		"KV that are null":    {Sink{}, rowsOf(t, &leat.KV[string, int64]{Key: "a", Value: 1}, nil), []string{`"a" 1 []`, `null null []`}},
		"KV, key of a struct": {Sink{KeyFormat: json.Format{}}, rowsOf(t, leat.KV[struct{ A, B int64 }, string]{Key: struct{ A, B int64 }{1, 2}, Value: "x"}), []string{`"{\"A\":1,\"B\":2}" "x" []`}},
		"KV, all of it":       {Sink{KeyField: "key"}, rowsOf(t, leat.KV[string, int64]{Key: "a", Value: 1}), []string{`"a" {"key":"a","value":1} []`}},
		"numbers as keys":     {Sink{KeyField: "key"}, rowsOf(t, leat.KV[uint64, int64]{Key: 1<<64 - 1, Value: 1}), []string{`"18446744073709551615" {"key":18446744073709551615,"value":1} []`}},
		"null keys, headers": {Sink{KeyField: "id", HeadersField: "headers"}, rowsOf(t, tagged{id(-7), "x", map[string]string{"a": "1", "b": ""}}, tagged{nil, "y", nil}, tagged{id(8), "z", map[string]string{"c": "3"}}),
			[]string{`"-7" {"id":-7,"note":"x"} [{a 1} {b }]`, `null {"id":null,"note":"y"} []`, `"8" {"id":8,"note":"z"} [{c 3}]`}},
		"no key":       {Sink{}, rowsOf(t, struct{ A int64 }{5}), []string{`null {"A":5} []`}},
		"scalars":      {Sink{}, rowsOf(t, "x", "y"), []string{`null "x" []`, `null "y" []`}},
		"dead letters": {Sink{KeyField: "place"}, rowsOf(t, leat.BadRecord{Place: "reports-0@17", Error: "no value", Raw: []byte("{")}), []string{`"reports-0@17" {"place":"reports-0@17","error":"no value","raw":"ew=="} []`}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, cluster := brokers(t, kfake.SeedTopics(1, "out"))
			s := c.sink
			s.Cluster, s.Topic, s.Format = cluster, "out", json.Format{}
			write(t, s, c.rows)
			for i, r := range consume(t, cluster, fake, "out") {
				value := "null"
				if r.Value != nil {
					value = string(r.Value)
				}
				headers := []string{}
				for _, h := range r.Headers {
					headers = append(headers, fmt.Sprintf("{%s %s}", h.Key, h.Value))
				}
				if got := fmt.Sprintf("%s %s %v", shown(r.Key), value, headers); got != c.want[i] {
					t.Errorf("record %d is %s, want %s", i, got, c.want[i])
				}
				if age := time.Since(r.Timestamp); age < 0 || age > time.Minute {
					t.Errorf("the record's time is %s", r.Timestamp)
				}
			}
			if n := fake.PartitionInfo("out", 0).HighWatermark; n != int64(len(c.want)) {
				t.Errorf("%d records, want %d", n, len(c.want))
			}
		})
	}
}

// Mistakes are named before anything is opened, all of them.
func TestSinkMistakes(t *testing.T) {
	typ := rowsOf(t, feature{}).Type
	expect(t, Sink{}.Validate(typ), "no brokers", "no Topic", "Sink.Format is not set")
	b := Cluster{Brokers: []string{"b:1"}}
	err := Sink{Cluster: b, Topic: "a/b", Format: json.Format{}, KeyField: "usr", TimestampField: "count", HeadersField: "user", Compression: "zip", Linger: -1,
		DeliveryTimeout: 1, MaxRecordBytes: -1, MaxBufferedBytes: -1, Create: &Create{Partitions: -1}}.Validate(typ)
	expect(t, err, `"a/b" cannot be the name of a topic`, `KeyField names "usr", which the rows do not have; did you mean "user"?`,
		`TimestampField names "count", which is int64; it must be a time.Time`, `HeadersField names "user"`, `no compression "zip"; there are snappy`,
		"Sink.Linger is", "Sink.DeliveryTimeout is", "Sink.MaxRecordBytes is", "Sink.MaxBufferedBytes is", "Sink.Create")
	expect(t, Sink{Cluster: b, Topic: "t", Format: json.Format{}, KeyField: "at"}.Validate(typ), `KeyField names "at", which is time; it must be a string, []byte or integer, or Sink.KeyFormat`)
	expect(t, Sink{Cluster: b, Topic: "t", Format: json.Format{}, KeyFormat: json.Format{}}.Validate(typ), "Sink.KeyFormat is set, but records have no keys")
	expect(t, Sink{Cluster: b, Topic: "t", Format: json.Format{}}.Validate(rowsOf(t, leat.KV[float64, int64]{}).Type), "the key of the rows is float64")
	secret := Sink{Cluster: Cluster{Brokers: []string{"b:1"}, SASL: &SASL{Password: SecretFile(canary)}}, Topic: "t", Format: json.Format{}}
	hasNoCanary(t, secret.String(), fmt.Sprintf("%v %+v %#v", secret, secret, secret), secret.Validate(typ))
}

// A topic that is not there is an error that suggests others, and is not made by
// asking for it; with Create it is.
func TestSinkTopicAway(t *testing.T) {
	fake, c := brokers(t, kfake.AllowAutoTopicCreation(), kfake.SeedTopics(1, "features", "reports"))
	rows := rowsOf(t, feature{})
	s := Sink{Cluster: c, Topic: "feature", Format: json.Format{}}
	_, err := s.Open(t.Context(), connector.SinkRequest{Type: rows.Type, Parallelism: 2})
	expect(t, err, `there is no topic "feature"`, `did you mean "features"?`, "set Sink.Create")
	if fake.TopicInfo("feature") != nil {
		t.Error("the topic was made")
	}
	s.Create = &Create{Partitions: 3, Configs: map[string]string{"max.message.bytes": "2000"}}
	write(t, s, rows)
	if p := fake.PartitionInfos("feature"); len(p) != 3 {
		t.Errorf("%d partitions were made, want 3", len(p))
	}
	write(t, s, rows) // it is there
	if got := consume(t, c, fake, "feature"); len(got) != 2 {
		t.Errorf("%d records, want 2", len(got))
	}
}

// A record that is too large is named before it is sent, and the limit is the
// topic's.
func TestSinkOversized(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "other"))
	if err := fake.CreateTopic("small", 1, map[string]string{"max.message.bytes": "2000"}); err != nil {
		t.Fatal(err)
	}
	large := rowsOf(t, feature{User: "a"}, feature{User: strings.Repeat("x", 3000)})
	w := openSink(t, Sink{Cluster: c, Topic: "small", Format: json.Format{}, KeyField: "user"}, large.Type)
	err := w.Write(t.Context(), &batch.Batch{Root: large})
	expect(t, err, `topic "small"`, `the record with key "xxxx`, "has 6", "more than the 1872 that are allowed", "max.message.bytes")
	w = openSink(t, Sink{Cluster: c, Topic: "other", Format: json.Format{}, MaxRecordBytes: 500}, large.Type)
	expect(t, w.Write(t.Context(), &batch.Batch{Root: large}), "key null", "more than the 500")
}

// A bound of records is none of batches: many records still go together.
func TestSinkSmallRecords(t *testing.T) {
	fake, c := brokers(t, kfake.SeedTopics(1, "out"))
	var requests atomic.Int64
	fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		requests.Add(1)
		return nil, nil, false
	})
	write(t, Sink{Cluster: c, Topic: "out", Format: json.Format{}, MaxRecordBytes: 500}, rowsOf(t, features(20_000)...))
	if n := requests.Load(); n > 200 {
		t.Errorf("%d requests for 20000 records", n)
	}
}

// A record that the broker does not take fails the job: at the next call, and
// before one where no more rows come.
func TestSinkRefused(t *testing.T) {
	for name, c := range map[string]struct {
		err  *kerr.Error
		says string
	}{
		"no permission": {kerr.TopicAuthorizationFailed, `an ACL must allow Write on topic "out"`},
		"invalid":       {kerr.InvalidRecord, `key "user 0"`},
		"too large":     {kerr.MessageTooLarge, "max.message.bytes of the topic"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, cluster := brokers(t, kfake.SeedTopics(1, "out"))
			fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: c.err, Count: -1})
			rows := rowsOf(t, features(1)...)
			w := openSink(t, Sink{Cluster: cluster, Topic: "out", Format: json.Format{}, KeyField: "user"}, rows.Type)
			if err := w.Write(t.Context(), &batch.Batch{Root: rows}); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-w.failed:
				expect(t, err, `writing to topic "out" partition 0`, c.says)
				t.Log(err)
			case <-time.After(10 * time.Second):
				t.Fatal("nobody was told")
			}
			expect(t, w.Write(t.Context(), &batch.Batch{Root: rows}), c.says)
			_, err := w.Close(t.Context())
			expect(t, err, c.says)
		})
	}
}

// Permissions: without Write the sink does not open.
func TestSinkPermission(t *testing.T) {
	t.Setenv("LEAT_TEST_PASSWORD", canary)
	allow := func(o kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "out", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: o, Allow: true}
	}
	fake, c := brokers(t, kfake.SeedTopics(1, "out"), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", canary),
		kfake.User("SCRAM-SHA-256", "nobody", canary), kfake.User("SCRAM-SHA-256", "reader", canary, allow(kmsg.ACLOperationDescribe)),
		kfake.User("SCRAM-SHA-256", "writer", canary, allow(kmsg.ACLOperationWrite)))
	as := func(user string) Sink {
		c.SASL = &SASL{Mechanism: ScramSHA256, User: user, Password: SecretEnv("LEAT_TEST_PASSWORD")}
		return Sink{Cluster: c, Topic: "out", Format: json.Format{}}
	}
	rows := rowsOf(t, features(3)...)
	for user, says := range map[string]string{"nobody": `user "nobody" has no permission: an ACL must allow Describe on topic "out"`, "reader": `user "reader" has no permission: an ACL must allow Write on topic "out"`} {
		_, err := as(user).Open(t.Context(), connector.SinkRequest{Type: rows.Type, Parallelism: 1})
		expect(t, err, says)
		hasNoCanary(t, err)
	}
	write(t, as("writer"), rows) // Write implies Describe; nothing else is needed
	as("admin")
	if got := consume(t, c, fake, "out"); len(got) != 3 {
		t.Errorf("%d records, want 3", len(got))
	}
}

// What every direct sink promises.
func TestSinkConformance(t *testing.T) {
	rows := rowsOf(t, features(500)...)
	fakes := map[string]*kfake.Cluster{}
	connectortest.TestDirectSink(t, connectortest.DirectSinkCase{
		New: func(t *testing.T) connector.Sink {
			fake, c := brokers(t, kfake.SeedTopics(3, "out"))
			fakes[c.Brokers[0]] = fake
			return Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user"}
		},
		Type: rows.Type, Rows: rows,
		ReadBack: func(t *testing.T, s connector.Sink) (*batch.Column, error) {
			c := s.(Sink).Cluster
			d, err := json.Format{}.Decoder(t.Context(), message.DecodeRequest{Topic: "out", Type: rows.Type})
			if err != nil {
				return nil, err
			}
			for _, r := range consume(t, c, fakes[c.Brokers[0]], "out") {
				if err := d.Decode(t.Context(), r.Value); err != nil {
					return nil, err
				}
			}
			return d.Take(), nil
		},
	})
}

// Brokers of old, which do not say what is allowed and know neither topic ids nor
// flexible requests, take rows too.
func TestSinkOldBrokers(t *testing.T) {
	for name, version := range map[string]*kversion.Versions{"2.1": kversion.V2_1_0(), "2.4": kversion.V2_4_0(), "3.0": kversion.V3_0_0()} {
		t.Run(name, func(t *testing.T) {
			fake, c := brokers(t, kfake.MaxVersions(version))
			rows := rowsOf(t, features(100)...)
			s := Sink{Cluster: c, Topic: "out", Format: json.Format{}, KeyField: "user", Create: &Create{Partitions: 2, Replication: 1}}
			write(t, s, rows)
			if n := produced(fake, "out"); n != 100 {
				t.Errorf("%d records arrived, want 100", n)
			}
		})
	}
}
