package kafka

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

func TestBadRecords(t *testing.T) {
	// A record that cannot be a row is reported with its place, its value and what is
	// wrong; the records around it are read, and only fields that are read are looked at.
	type row struct {
		Delay   int64             `leat:"delay"`
		Key     string            `leat:"key"`
		Headers map[string]string `leat:"headers"`
		Time    time.Time         `leat:"time"`
	}
	b := start(t, 1, []string{"t"})
	good := []byte(`{"delay":1}`)
	key := []byte("k")
	records := []struct {
		kgo.Record
		reason string // empty: it is good
	}{
		{kgo.Record{Key: key, Value: good}, ""},
		{kgo.Record{Key: key, Value: []byte("nonsense")}, "object"},
		{kgo.Record{Key: key, Value: []byte(`{"delay":`)}, "the end of the payload"},
		{kgo.Record{Key: key, Value: []byte(`{"delay":"x"}`)}, "delay"},
		{kgo.Record{Key: key, Value: bytes.Repeat([]byte(`[`), 100_000)}, "object"},
		{kgo.Record{Key: key, Value: []byte{}}, "empty"},
		{kgo.Record{Key: key, Value: nil}, "SkipTombstones"},
		{kgo.Record{Key: nil, Value: good}, "the key is null; make the field a pointer"},
		{kgo.Record{Key: []byte("\xff"), Value: good}, "the key is not UTF-8"},
		{kgo.Record{Key: key, Value: good, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("\xff")}}}, `header "h" is not UTF-8`},
		{kgo.Record{Key: key, Value: good, Headers: []kgo.RecordHeader{{Key: "h", Value: nil}}}, ""},
		{kgo.Record{Key: key, Value: good, Timestamp: time.UnixMilli(-1)}, "no timestamp; make the field a *time.Time"},
		{kgo.Record{Key: key, Value: good}, ""},
	}
	var want []string
	for i, r := range records {
		r.Topic = "t"
		b.produce(&r.Record)
		if r.reason != "" {
			want = append(want, fmt.Sprintf("t/0@%d", i))
		}
	}
	s := Source{Topics: []string{"t"}, Format: json.Format{}, KeyField: "key", HeadersField: "headers", TimestampField: "time", To: End}
	in := open[row](t, b.source(s))
	if got := in.all(); len(got) != len(records)-len(want) {
		t.Errorf("%d rows, want %d", len(got), len(records)-len(want))
	}
	var got []string
	for _, bad := range in.bad {
		got = append(got, bad.Place)
		var i int
		fmt.Sscanf(bad.Place, "t/0@%d", &i)
		if !strings.Contains(bad.Err.Error(), records[i].reason) {
			t.Errorf("%s: %v, want %q", bad.Place, bad.Err, records[i].reason)
		}
		if raw := records[i].Value; !bytes.Equal(bad.Raw, raw[:min(len(raw), connector.MaxRawBytes)]) {
			t.Errorf("%s carries %q", bad.Place, bad.Raw)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("bad records at %v, want %v", got, want)
	}

	s.SkipTombstones = true
	in = open[row](t, b.source(s))
	in.all()
	if len(in.bad) != len(want)-1 {
		t.Errorf("%d bad records without the tombstone, want %d", len(in.bad), len(want)-1)
	}

	type nullable struct {
		Delay int64      `leat:"delay"`
		Key   *[]byte    `leat:"key"`
		Time  *time.Time `leat:"time"`
	}
	s.HeadersField = ""
	some := open[nullable](t, b.source(s))
	rows := some.all()
	if len(some.bad) != 5 { // what is no JSON object
		t.Errorf("bad records %v", some.bad)
	}
	noKey, noTime := 0, 0
	for _, r := range rows {
		if r.Key == nil {
			noKey++
		}
		if r.Time == nil {
			noTime++
		}
	}
	if len(rows) != 7 || noKey != 1 || noTime != 1 {
		t.Errorf("%d rows, %d without key, %d without time", len(rows), noKey, noTime)
	}
}

func TestManyBadRecords(t *testing.T) {
	// Bad records are told of in portions of the size of a batch, so that somebody can
	// take them before there are more.
	b := start(t, 1, []string{"t"})
	const n, portion = 95, 10
	for range n {
		b.values("t", "nonsense")
	}
	b.values("t", `{"delay":1}`)
	type row struct {
		Delay int64 `leat:"delay"`
	}
	in := open[row](t, b.source(Source{Topics: []string{"t"}, Format: json.Format{}, To: End}))
	r := in.reader(in.Splits()[0])
	r.(*reader).rows = portion
	told, rows := 0, 0
	for {
		got, err := r.Read(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += len(in.rows(got))
		if now := len(in.bad); now+rows-told > portion || now+rows == told {
			t.Errorf("%d rows and bad records come at a time", now+rows-told)
		}
		told = len(in.bad) + rows
	}
	if len(in.bad) != n || rows != 1 {
		t.Errorf("%d bad records and %d rows", len(in.bad), rows)
	}
}

func TestTimestampOutOfRange(t *testing.T) {
	// A timestamp that the client cannot hold is found, nearly whatever it has become.
	s := Source{TimestampField: "time"}
	bound, err := s.bind(&batch.Type{Kind: batch.Struct, Fields: []batch.Field{{Name: "time", Type: &batch.Type{Kind: batch.Time}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := newColumns(bound, partition{"t", 0})
	for ms, good := range map[int64]bool{0: true, -2: true, 1 << 42: true, -9_223_372_036_854: true, 9_223_372_036_854: true,
		9_223_372_036_855: false, -9_223_372_036_855: false, 1e15: false, 1e18: false, math.MaxInt64: false} {
		err := c.check(&kgo.Record{Timestamp: time.Unix(0, ms*1e6)}) // as the client does it
		if (err == nil) != good {
			t.Errorf("%d ms: %v", ms, err)
		}
	}
}

func TestSourceMistakes(t *testing.T) {
	// What can be seen without I/O is said at once, all of it, with a name that is
	// close.
	type row struct {
		Delay int64  `leat:"delay"`
		Key   string `leat:"key"`
	}
	s := Source{Topics: []string{"a", "a", ""}, KeyField: "dellay", OffsetField: "key", TopicField: "delay", TimestampField: "key", HeadersField: "key", PartitionField: "key"}
	expect(t, s.Validate(typeOf[row](t).Type()), "no brokers", "no topics", `"a" is named twice`, "Format is nil", `"dellay"`, `did you mean "delay"?`,
		`OffsetField "key" must be an int64, not string`, `TopicField "delay" must be a string`, `TimestampField "key" must be a time.Time`,
		`HeadersField "key" must be a map`, `PartitionField "key" must be an int32 or int64`)
	two := Source{Cluster: Cluster{Brokers: []string{"h:1"}}, Topics: []string{"a"}, Format: json.Format{}, KeyField: "key", TopicField: "key", BufferBytes: -1}
	expect(t, two.Validate(typeOf[row](t).Type()), `TopicField names "key", which another option names too`, "negative")
	text := Source{Cluster: Cluster{Brokers: []string{"h:1"}}, Topics: []string{"a"}, Format: message.Raw{}, KeyField: "key"}
	expect(t, text.Validate(&batch.Type{Kind: batch.String}), `KeyField names field "key"`, "string, not structs")
	text.KeyField = ""
	if err := text.Validate(&batch.Type{Kind: batch.String}); err != nil {
		t.Error(err)
	}
}

func TestNoSuchTopic(t *testing.T) {
	// A topic that is not there is named, with the brokers and a topic that is close.
	b := start(t, 1, []string{"reports"})
	s := lines("report", "reports")
	_, err := tryOpen[line](t, b.source(s))
	expect(t, err, `no topic "report"`, b.ListenAddrs()[0], `did you mean "reports"?`)
	away := lines("t")
	away.Cluster = Cluster{Brokers: []string{"127.0.0.1:1"}, ConnectTimeout: time.Second}
	began := time.Now()
	_, err = tryOpen[line](t, away)
	expect(t, err, "127.0.0.1:1", "check that it runs")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to say that no broker is there", took)
	}
}

func TestNoPermission(t *testing.T) {
	// Without Describe the topic cannot be seen, without Read it cannot be read:
	// either way the error names user, topic and what an ACL must allow.
	topic := func(name string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
	}
	_, cluster := brokers(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "hidden", "described"),
		kfake.User("SCRAM-SHA-256", "reader", "secret", topic("described", kmsg.ACLOperationDescribe)))
	t.Setenv("KAFKA_TEST_PASSWORD", "secret")
	cluster.SASL = &SASL{Mechanism: ScramSHA256, User: "reader", Password: SecretEnv("KAFKA_TEST_PASSWORD")}
	s := lines("hidden")
	s.Cluster = cluster
	_, err := tryOpen[line](t, s)
	expect(t, err, `topic "hidden"`, `user "reader"`, "an ACL must allow Read and Describe")
	s = lines("described")
	s.Cluster = cluster
	in := open[line](t, s)
	_, err = in.drain(in.reader(in.Splits()[0]))
	expect(t, err, `topic "described"`, `user "reader"`, "an ACL must allow Read")
}

// damaged is a connection on which bytes that are read are changed.
type damaged struct{ net.Conn }

func (d damaged) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	copy(p[:n], bytes.ReplaceAll(p[:n], []byte("unharmed"), []byte("unharmEd")))
	return n, err
}

func TestDamage(t *testing.T) {
	// A checksum that is wrong ends the run with partition and offset: damage is not
	// passed over.
	b := start(t, 1, []string{"t"})
	b.values("t", "whole", "unharmed", "whole")
	s := b.source(live())
	s.Cluster.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return damaged{conn}, err
	}
	in := open[line](t, s)
	rows, err := in.drain(in.reader(in.Splits()[0]))
	expect(t, err, `topic "t" partition 0`, "offset", "crc")
	if got := textsOf(rows); slices.Contains(got, "unharmEd") {
		t.Errorf("read %q", got)
	}
}

func TestBomb(t *testing.T) {
	// A batch that unpacks to more than is allowed ends the run with its offset and
	// where to go on.
	b := start(t, 1, []string{"t"})
	b.values("t", "a")
	b.produce(&kgo.Record{Topic: "t", Value: bytes.Repeat([]byte("0"), 500_000)})
	s := live()
	s.options = []kgo.Opt{kgo.MaxDecompressBatchBytes(10_000)}
	in := open[line](t, b.source(s))
	rows, err := in.drain(in.reader(in.Splits()[0]))
	expect(t, err, "t/0", "offset 1", "unpacks", "Offsets, at 2")
	if got := textsOf(rows); !slices.Equal(got, []string{"a"}) {
		t.Errorf("read %q in front of it", got)
	}
}
