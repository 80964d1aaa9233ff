package kafka

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest"
)

// report is a row with all that a record can fill.
type report struct {
	Delay     int64             `leat:"delay"`
	Origin    string            `leat:"origin"`
	Key       *string           `leat:"key"`
	Topic     string            `leat:"topic"`
	Partition int32             `leat:"partition"`
	Offset    int64             `leat:"offset"`
	Time      time.Time         `leat:"time"`
	Headers   map[string]string `leat:"headers"`
}

func reports() Source {
	return Source{Topics: []string{"reports"}, Format: json.Format{}, KeyField: "key", TopicField: "topic",
		PartitionField: "partition", OffsetField: "offset", TimestampField: "time", HeadersField: "headers", To: End}
}

// broker is a fake cluster and a client that writes to it.
type broker struct {
	t testing.TB
	*kfake.Cluster
	client *kgo.Client
	admin  *kadm.Client
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// start starts a fake cluster with topics of a number of partitions.
func start(t testing.TB, partitions int32, topics []string, options ...kfake.Opt) *broker {
	return startAt(t, nil, append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...)}, options...)...)
}

// startAt is start over a network of its own.
func startAt(t testing.TB, network *kfake.VirtualNetwork, options ...kfake.Opt) *broker {
	t.Helper()
	b := &broker{t: t}
	if network != nil {
		options = append(options, kfake.ListenFn(network.Listen))
		b.dial = network.DialContext
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	b.Cluster = cluster
	b.client, err = Cluster{Brokers: cluster.ListenAddrs(), Dial: b.dial}.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	b.admin = kadm.NewClient(b.client)
	t.Cleanup(b.close)
	return b
}

func (b *broker) close() {
	b.client.Close()
	b.Cluster.Close()
}

// source completes a source with the address of the broker.
func (b *broker) source(s Source) Source {
	s.Cluster = Cluster{Brokers: b.ListenAddrs(), Dial: b.dial}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s
}

func (b *broker) produce(records ...*kgo.Record) {
	b.t.Helper()
	if err := b.client.ProduceSync(b.t.Context(), records...).FirstErr(); err != nil {
		b.t.Fatal(err)
	}
}

// values writes plain values to partition 0 of a topic.
func (b *broker) values(topic string, values ...string) {
	b.t.Helper()
	for _, v := range values {
		b.produce(&kgo.Record{Topic: topic, Value: []byte(v)})
	}
}

func typeOf[T any](t testing.TB) *codec.Codec[T] {
	t.Helper()
	c, err := codec.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// opened is an input under test.
type opened[T any] struct {
	t testing.TB
	connector.Input
	codec *codec.Codec[T]
	ctx   context.Context

	mu  sync.Mutex
	bad []connector.BadRecord
}

func open[T any](t testing.TB, s Source) *opened[T] {
	t.Helper()
	o, err := tryOpen[T](t, s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func tryOpen[T any](t testing.TB, s Source) (*opened[T], error) {
	t.Helper()
	o := &opened[T]{t: t, codec: typeOf[T](t), ctx: t.Context()}
	in, err := s.Open(o.ctx, connector.Request{Step: "read", Type: o.codec.Type(), Parallelism: 2, Bad: o.note})
	if err != nil {
		return nil, err
	}
	o.Input = in
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { in.Close() }) })
	return o, nil
}

func (o *opened[T]) note(b connector.BadRecord) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bad = append(o.bad, b)
	return nil
}

// rows decodes a batch.
func (o *opened[T]) rows(b *batch.Batch) []T {
	o.t.Helper()
	if err := batch.Validate(b.Root); err != nil {
		o.t.Fatal(err)
	}
	rows := make([]T, b.Len())
	if err := o.codec.Decode(b.Root, b.Sel, rows); err != nil {
		o.t.Fatal(err)
	}
	return rows
}

// all reads a bounded input.
func (o *opened[T]) all() []T {
	o.t.Helper()
	var rows []T
	for _, s := range o.Splits() {
		r := o.reader(s)
		got, err := o.drain(r)
		if err != io.EOF {
			o.t.Fatalf("%s: %v", s.Name, err)
		}
		rows = append(rows, got...)
		r.Close()
	}
	return rows
}

func (o *opened[T]) reader(s connector.Split) connector.Reader {
	o.t.Helper()
	r, err := o.Reader(o.ctx, s)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { r.Close() })
	return r
}

func (o *opened[T]) drain(r connector.Reader) (rows []T, err error) {
	for {
		b, err := r.Read(o.ctx)
		if err != nil {
			return rows, err
		}
		rows = append(rows, o.rows(b)...)
	}
}

// next reads n rows of an unbounded input.
func (o *opened[T]) next(r connector.Reader, n int) (rows []T) {
	o.t.Helper()
	for len(rows) < n {
		b, err := r.Read(o.ctx)
		if err != nil {
			o.t.Fatal(err)
		}
		rows = append(rows, o.rows(b)...)
	}
	return rows
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// brokerGoroutines are those of connections to the fake broker, which notices only
// at the end of a fetch that its client has gone.
func brokerGoroutines() []goleak.Option {
	return []goleak.Option{goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kfake.(*clientConn).read"),
		goleak.IgnoreAnyFunction("github.com/twmb/franz-go/pkg/kfake.(*clientConn).write")}
}

func pointer(s string) *string { return &s }

func TestParts(t *testing.T) {
	// Value, key, topic, partition, offset, timestamp and headers of a record are
	// columns of its row.
	b := start(t, 2, []string{"reports"})
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	b.produce(
		&kgo.Record{Topic: "reports", Partition: 1, Key: []byte("ATL"), Value: []byte(`{"delay":7,"origin":"ATL"}`), Timestamp: at,
			Headers: []kgo.RecordHeader{{Key: "b", Value: []byte("2")}, {Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("3")}}},
		&kgo.Record{Topic: "reports", Partition: 1, Value: []byte(`{"delay":-1,"origin":"BOS"}`), Timestamp: at.Add(time.Second)},
		&kgo.Record{Topic: "reports", Partition: 0, Key: []byte{}, Value: []byte(`{"delay":0,"origin":""}`), Timestamp: at.Add(-time.Second)})
	in := open[report](t, b.source(reports()))
	want := []report{
		{0, "", pointer(""), "reports", 0, 0, at.Add(-time.Second), map[string]string{}},
		{7, "ATL", pointer("ATL"), "reports", 1, 0, at, map[string]string{"a": "1", "b": "3"}},
		{-1, "BOS", nil, "reports", 1, 1, at.Add(time.Second), map[string]string{}},
	}
	if got, want := show(in.all()), show(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func show(rows []report) string {
	var s strings.Builder
	for _, r := range rows {
		key := "null"
		if r.Key != nil {
			key = fmt.Sprintf("%q", *r.Key)
		}
		fmt.Fprintf(&s, "%d %q %s %s/%d@%d %s %v\n", r.Delay, r.Origin, key, r.Topic, r.Partition, r.Offset, r.Time.UTC().Format(time.RFC3339Nano), r.Headers)
	}
	return s.String()
}

func TestConformance(t *testing.T) {
	type row struct {
		Number int64  `leat:"number"`
		Text   string `leat:"text"`
	}
	b := start(t, 1, []string{"rows", "mixed"})
	c := typeOf[row](t)
	rows := make([]row, 1000)
	for i := range rows {
		rows[i] = row{int64(i), fmt.Sprint("row ", i)}
		b.client.Produce(t.Context(), &kgo.Record{Topic: "rows", Value: fmt.Appendf(nil, `{"number":%d,"text":"row %d"}`, i, i)}, nil)
	}
	if err := b.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.values("mixed", `{"number":0,"text":"row 0"}`, `{"number":`, `{"number":1,"text":"row 1"}`, `7`)
	column := func(rows []row) *batch.Column {
		e := c.NewEncoder()
		e.Append(rows)
		return e.Finish()
	}
	for _, bounded := range []bool{true, false} {
		s := Source{Topics: []string{"rows"}, Format: json.Format{}}
		if bounded {
			s.To = End
		}
		t.Run(fmt.Sprintf("bounded=%v", bounded), func(t *testing.T) {
			connectortest.TestSource(t, connectortest.SourceCase{
				New:  func(t *testing.T) connector.Source { return b.source(s) },
				Type: c.Type(), Want: column(rows), CloseTwice: true, Ignore: brokerGoroutines()})
		})
	}
	t.Run("bad", func(t *testing.T) {
		connectortest.TestSource(t, connectortest.SourceCase{
			New: func(t *testing.T) connector.Source {
				return b.source(Source{Topics: []string{"mixed"}, Format: json.Format{}, To: End})
			},
			Type: c.Type(), Want: column(rows[:2]), Bad: []string{"mixed/0@1", "mixed/0@3"}, CloseTwice: true, Ignore: brokerGoroutines()})
	})
}
