package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Sink writes each row as a record of a topic.
//
// Records are seen by others as they are written, not when the run has succeeded:
// one that fails, and is run again, leaves the records it wrote before and writes
// them once more (at least once). Of what one run writes, nothing is lost, and the
// client writes nothing twice: a run that ends well has had every record
// acknowledged by all replicas in sync.
//
// Rows with equal keys go to the same partition, which is the one that Kafka's own
// producer would choose, in the order in which they come.
type Sink struct {
	Cluster Cluster
	Topic   string         // must exist, unless Create
	Format  message.Format // of the values: json.Format{}

	// KeyField names the field of the row that is the record's key, and stays in
	// the value: a string, []byte or integer (as decimal text), or anything that
	// KeyFormat can hold. A null is a record without a key.
	//
	// When it is empty and the rows are leat.KV, their key is the record's key and
	// their value alone is the record's value; a value that is nil is a tombstone.
	// Otherwise records have no keys.
	KeyField  string
	KeyFormat message.Format // nil: text, as said above

	// TimestampField names the field that is the record's time, in ms, and stays in
	// the value. Empty or null: when it is written. A topic may replace either by
	// the broker's time.
	TimestampField string

	// HeadersField names the field with the record's headers, which is left out of
	// the value: a map[string]string or map[string][]byte.
	HeadersField string

	// Create makes the topic when it is not there; nil: that is an error.
	Create *Create

	Compression Compression // zero: Snappy, which costs a producer next to nothing

	// Linger is how long a record may wait for others to be sent with it. Zero is
	// best where latency counts: what comes while a request is on its way goes
	// together with the next, so batches grow with the load by themselves.
	Linger time.Duration

	// MaxRecordBytes bounds key, value and headers of a record. A larger one fails
	// the job before it is sent. Zero, or more than that: max.message.bytes of the
	// topic, or 1 MB where that may not be read (ACL DescribeConfigs).
	MaxRecordBytes int

	// MaxBufferedBytes bounds what each writer holds that is not acknowledged;
	// then it waits, and with it the steps before. Zero: 16 MiB, or what the memory
	// budget of the run leaves it.
	MaxBufferedBytes int64

	// DeliveryTimeout is how long a record may take to be acknowledged before the
	// job fails; zero waits for ever. Either way it is logged after 10 s.
	DeliveryTimeout time.Duration

	// Log takes what the sink has to say while it runs; nil means slog.Default().
	Log *slog.Logger
}

// Create says how a missing topic is made.
type Create struct {
	Partitions  int32             // zero: the brokers' default
	Replication int16             // copies of each partition; zero: the brokers' default
	Configs     map[string]string // such as retention.ms
}

// Compression is how batches of records are compressed.
type Compression string

// The compressions. A producer tells brokers and consumers which it used.
const (
	Snappy Compression = "snappy"
	LZ4    Compression = "lz4"
	Zstd   Compression = "zstd"
	Gzip   Compression = "gzip"
	None   Compression = "none"
)

// codec returns what the client calls it.
func (c Compression) codec() (kgo.CompressionCodec, error) {
	switch c {
	case "", Snappy:
		return kgo.SnappyCompression(), nil
	case LZ4:
		return kgo.Lz4Compression(), nil
	case Zstd:
		return kgo.ZstdCompression(), nil
	case Gzip:
		return kgo.GzipCompression(), nil
	case None:
		return kgo.NoCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("kafka: no compression %q; there are %s, %s, %s, %s and %s", c, Snappy, LZ4, Zstd, Gzip, None)
}

const (
	defaultBuffered = 16 << 20
	defaultRecord   = 1_000_012 // what Kafka's brokers take when nobody says otherwise
	maxRecord       = 64 << 20  // a request must have room for it
	recordOverhead  = 128       // of a batch of one record, without key, value and headers
)

// String implements connector.Sink.
func (s Sink) String() string {
	format := "no format"
	if s.Format != nil {
		format = s.Format.String()
	}
	return fmt.Sprintf("kafka %s at %s, %s, at least once", s.Topic, s.Cluster, format)
}

// Validate implements connector.Sink.
func (s Sink) Validate(t *batch.Type) error {
	errs := []error{s.Cluster.Validate(), validateTopic(s.Topic)}
	if _, err := s.Compression.codec(); err != nil {
		errs = append(errs, err)
	}
	if s.Linger < 0 || s.Linger > time.Minute {
		errs = append(errs, fmt.Errorf("kafka: Sink.Linger is %s; it must be between zero and a minute", s.Linger))
	}
	if s.DeliveryTimeout < 0 || s.DeliveryTimeout > 0 && s.DeliveryTimeout < time.Second {
		errs = append(errs, fmt.Errorf("kafka: Sink.DeliveryTimeout is %s; give at least a second, or zero to wait for ever", s.DeliveryTimeout))
	}
	if s.MaxRecordBytes < 0 || s.MaxRecordBytes > maxRecord {
		errs = append(errs, fmt.Errorf("kafka: Sink.MaxRecordBytes is %d; it must be between zero and %d", s.MaxRecordBytes, maxRecord))
	}
	if s.MaxBufferedBytes < 0 {
		errs = append(errs, fmt.Errorf("kafka: Sink.MaxBufferedBytes is %d; give a positive number, or zero for %d", s.MaxBufferedBytes, defaultBuffered))
	}
	if s.Create != nil && (s.Create.Partitions < 0 || s.Create.Replication < 0) {
		errs = append(errs, errors.New("kafka: Sink.Create: Partitions and Replication are positive, or zero for the brokers' default"))
	}
	_, err := s.layout(t)
	return errors.Join(append(errs, err)...)
}

// validateTopic checks a name by Kafka's rules.
func validateTopic(name string) error {
	if name == "" {
		return errors.New("kafka: no Topic; name the one to write to")
	}
	ok := len(name) <= 249 && name != "." && name != ".."
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return fmt.Errorf("kafka: %q cannot be the name of a topic; it has up to 249 letters, digits, '.', '_' and '-'", name)
	}
	return nil
}

// Open implements connector.Sink: it connects, looks at the topic, and makes a
// producer for each writer, so that the first record finds one ready.
func (s Sink) Open(ctx context.Context, r connector.SinkRequest) (connector.Output, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	layout, err := s.layout(r.Type)
	if err != nil {
		return nil, err
	}
	recordMax, batchMax, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	o := &output{sink: s, layout: layout, recordMax: recordMax, batchMax: batchMax, buffered: s.buffered(r.Memory), links: make([]*link, r.Parallelism),
		values: make([]message.Encoder, r.Parallelism), keys: make([]message.Encoder, r.Parallelism), tell: make([]func(error), r.Parallelism)}
	if err := o.connect(ctx); err != nil {
		return nil, errors.Join(err, o.Abort())
	}
	return o, nil
}

// buffered is how much a writer may hold.
func (s Sink) buffered(budget int64) int64 {
	limit := s.MaxBufferedBytes
	if limit == 0 {
		limit = defaultBuffered
	}
	if budget > 0 {
		limit = min(limit, budget)
	}
	return limit
}

// log is where to say what there is to say.
func (s Sink) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}

// producer returns the options of the client of a writer. Clients cannot share them:
// a partitioner has a state.
func (s Sink) producer(batchMax int) []kgo.Opt {
	codec, _ := s.Compression.codec() // Validate has seen it
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(64<<10, true, true, nil)), // keys by murmur2, as Kafka's own
		kgo.ProducerLinger(s.Linger),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(int32(batchMax + recordOverhead)),
		kgo.MaxBufferedRecords(1 << 30), // the writer counts bytes itself
	}
}
