package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// Source reads topics. Each partition is a split with an order, and a watermark, of
// its own. Partitions are assigned directly: there is no consumer group, nobody else
// takes part in the reading, and the positions are Leat's own.
//
// Only records of committed transactions are read. An offset that the topic does not
// have (any more) is an error; nothing is ever skipped.
//
// A record whose value cannot be decoded is a bad record with its place, such as
// reports/3@4711, and its value.
type Source struct {
	Cluster Cluster
	Topics  []string       // at least one
	Format  message.Format // of the values

	// From is where to begin: Earliest, which is the default, Latest, At or Offsets.
	From Position
	// To is where to end: Never, which is the default, End, Before or Offsets. A
	// source that ends is bounded, so that a topic can be backfilled too.
	To Position

	// Fields of the row type that are filled from the record, not from its value,
	// each by name; "" for none.
	KeyField       string // string or []byte, by pointer where keys may be missing
	TopicField     string // string
	PartitionField string // int32 or int64
	OffsetField    string // int64
	TimestampField string // time.Time, by pointer where records may have none
	HeadersField   string // map[string]string or map[string][]byte; of a header that occurs twice, the last

	// SkipTombstones passes over records without a value, by which a compacted topic
	// says that a key is gone. Otherwise they are bad records.
	SkipTombstones bool

	// Group is a consumer group to which positions are committed, now and then and
	// at the end, so that monitoring sees how far the reading is. They are never
	// read. "" commits nothing.
	Group string

	// OutageTimeout is for how long no broker may answer while the source is read
	// before the run fails; 0 waits for ever. Either way outages are logged.
	OutageTimeout time.Duration
	// RefreshInterval is how often the topics are looked at for new partitions; 0
	// means 10 s.
	RefreshInterval time.Duration
	// BufferBytes bounds the records that are fetched and wait to be read, of all
	// partitions together, but at least 256 KiB of each; 0 means 64 MiB. What is under way comes on top: at most
	// 1 MiB of each partition and 16 MiB of each broker, before it is decompressed.
	BufferBytes int64
	// Log takes what the source has to say while it runs; nil means slog.Default().
	Log *slog.Logger

	options   []kgo.Opt // of tests
	noMarkers bool      // of tests: the ends of transactions are holes
}

const (
	refreshInterval = 10 * time.Second
	bufferBytes     = 64 << 20
)

// String names the source, and what is unusual about its cluster: kafka reports,
// departures.
func (s Source) String() string {
	return "kafka " + strings.Join(s.Topics, ", ") + s.Cluster.unusual()
}

// Bounded reports whether To says where to end.
func (s Source) Bounded() bool { return s.To.ends() }

// Partitioned implements connector.Partitioned: partitions have orders of their own.
func (Source) Partitioned() bool { return true }

// Validate implements connector.Source.
func (s Source) Validate(t *batch.Type) error {
	errs := []error{s.Cluster.Validate()}
	if len(s.Topics) == 0 || slices.Contains(s.Topics, "") {
		errs = append(errs, errors.New("kafka: no topics; name at least one"))
	}
	for i, topic := range s.Topics {
		if slices.Contains(s.Topics[:i], topic) {
			errs = append(errs, fmt.Errorf("kafka: topic %q is named twice", topic))
		}
	}
	errs = append(errs, s.From.validate("From", s.Topics, earliest, latest, after, explicit),
		s.To.validate("To", s.Topics, never, end, before, explicit))
	if s.OutageTimeout < 0 || s.RefreshInterval < 0 || s.BufferBytes < 0 {
		errs = append(errs, errors.New("kafka: a timeout, interval or size is negative"))
	}
	b, err := s.bind(t, nil)
	errs = append(errs, err)
	switch {
	case s.Format == nil:
		errs = append(errs, errors.New("kafka: Format is nil; say how values are written, for example json.Format{}"))
	case err == nil:
		errs = append(errs, s.Format.Validate(b.payload))
	}
	return errors.Join(errs...)
}

// Open implements connector.Source. It asks the brokers for the topics' partitions
// and where they begin and end, and decides where each is read.
func (s Source) Open(ctx context.Context, r connector.Request) (connector.Input, error) {
	if err := s.Validate(r.Type); err != nil {
		return nil, err
	}
	bound, err := s.bind(r.Type, r.Needed)
	if err != nil {
		return nil, err
	}
	in := newInput(s.defaults(), bound, r)
	if err := in.start(ctx); err != nil {
		return nil, err
	}
	return in, nil
}

func (s Source) defaults() Source {
	if s.RefreshInterval == 0 {
		s.RefreshInterval = refreshInterval
	}
	if s.BufferBytes == 0 {
		s.BufferBytes = bufferBytes
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	return s
}
