package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/command"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// Replay produces flights into two topics in the order in which things happened:
// to one when they depart, to the other when they have landed and their delay is
// known.
//
//	06:00 ATL→BOS departs ─▶ departures     08:31 ATL→BOS has landed ─▶ reports
//	06:05 JFK→LAX departs ─▶ departures     …
//
// A record is a flight as JSON; its key is the origin. Both topics have the delay:
// a departure needs it only as the label of a row of the training set, as it does
// in the file.
type Replay struct {
	Topics     topics
	Partitions int // of topics that do not exist yet

	Speed    float64       // seconds of the flights in a second of the clock; 0: as fast as possible
	Disorder time.Duration // how far behind a later one a record may come
	Late     float64       // share of records that come further behind
	LateBy   time.Duration // how much further at least
	Seed     uint64
}

// topics are where departures and reports are.
type topics struct{ departures, reports string }

// register adds the flags of a command that reads or writes the topics.
func (t *topics) register(fs *flag.FlagSet) {
	fs.StringVar(&t.departures, "departures", "departures", "topic of the departures")
	fs.StringVar(&t.reports, "reports", "reports", "topic of the reports of flights that have landed")
}

// register adds the flags that say how to replay.
func (r *Replay) register(fs *flag.FlagSet) {
	fs.IntVar(&r.Partitions, "partitions", 4, "partitions of topics that do not exist yet")
	fs.Float64Var(&r.Speed, "speed", 0, "how many times faster than it happened; 0: as fast as possible")
	fs.Float64Var(&r.Late, "late", 0, "share of records that come later than the disorder allows, between 0 and 1")
	fs.DurationVar(&r.LateBy, "late-by", 48*time.Hour, "how much later than the disorder allows those come, at least; at most twice that")
	fs.Uint64Var(&r.Seed, "seed", 1, "the same seed gives the same order")
}

// validate reports the mistakes in flags, all of them together.
func (r *Replay) validate() error {
	var errs []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(r.Partitions < 1, "-partitions %d: a topic has at least 1", r.Partitions)
	wrong(!(r.Speed >= 0), "-speed %g: it is 0 or more", r.Speed)
	wrong(!(r.Late >= 0 && r.Late <= 1), "-late %g: a share is between 0 and 1", r.Late)
	wrong(r.LateBy <= 0, "-late-by %s: it is more than 0", r.LateBy)
	wrong(r.Disorder < 0, "-disorder %s: it is 0 or more", r.Disorder)
	wrong(r.Topics.departures == "" || r.Topics.reports == "" || r.Topics.departures == r.Topics.reports, "-departures %q -reports %q: two topics have two names", r.Topics.departures, r.Topics.reports)
	if len(errs) > 0 {
		return &command.UsageError{Err: errors.Join(errs...)}
	}
	return nil
}

// Sent is what a replay has produced into one topic.
type Sent struct {
	Topic    string
	Records  int64
	Late     int64         // came later than the disorder allows
	Disorder time.Duration // how far behind a later one any of the others came
}

func replay(ctx context.Context, args []string) int {
	fs := flag.NewFlagSet("flights replay", flag.ContinueOnError)
	in := fs.String("in", "", "Parquet file, directory or pattern of flights (default the shipped sample of 600,000)")
	brokers := fs.String("brokers", "", "host:port of some brokers, separated by commas")
	r := &Replay{}
	r.Topics.register(fs)
	r.register(fs)
	fs.DurationVar(&r.Disorder, "disorder", 0, "how far behind a later record another may come")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // the flag set has printed why
	case fs.NArg() > 0:
		return command.Code(&command.UsageError{Err: fmt.Errorf("unknown argument %q", fs.Arg(0))})
	case *brokers == "":
		return command.Code(&command.UsageError{Err: errors.New("-brokers is missing: name at least one as host:port")})
	}
	return command.Code(r.Run(ctx, input(*in), strings.Split(*brokers, ","), os.Stdout))
}

// Run replays the flights of a file and reports what it has sent.
func (r *Replay) Run(ctx context.Context, in parquet.Source, brokers []string, report io.Writer) error {
	if err := r.validate(); err != nil {
		return err
	}
	flights, err := flightsOf(ctx, in)
	if err != nil {
		return err
	}
	if err := r.prepare(ctx, brokers); err != nil {
		return err
	}
	started := time.Now()
	moments := r.schedule(flights)
	err = with(brokers, func(client *kgo.Client) error { return r.produce(ctx, client, flights, moments) })
	if err != nil {
		return err
	}
	for _, s := range r.sent(flights, moments) {
		fmt.Fprintf(report, "sent   %-12s %12s records, at most %s behind a later one; %s come later than the disorder allows\n", s.Topic, command.Count(s.Records), s.Disorder.Round(time.Minute), command.Count(s.Late))
	}
	fmt.Fprintf(report, "done   in %s\n", time.Since(started).Round(time.Millisecond))
	return nil
}

// flightsOf reads the flights of a file in its order.
func flightsOf(ctx context.Context, in parquet.Source) ([]Flight, error) {
	in.RowPosition = "row"
	p := &leat.Pipeline{}
	var rows memory.Collector[Flight]
	leat.Write(leat.Read[Flight](p, "flights", in), "rows", &rows)
	if _, err := local.Run(ctx, p, local.Options{Parallelism: 1}); err != nil { // one task keeps the order
		return nil, err
	}
	return rows.Rows(), nil
}

// with calls f with a client.
func with(brokers []string, f func(*kgo.Client) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID("flights-replay"),
		kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(100_000), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err == nil {
		defer client.Close()
		err = f(client)
	}
	if err != nil {
		return fmt.Errorf("replay to %s: %w", strings.Join(brokers, ","), err)
	}
	return nil
}

// prepare makes the topics that do not exist. One that has records is refused:
// those of a second replay would be behind them all, and late.
func (r *Replay) prepare(ctx context.Context, brokers []string) error {
	return with(brokers, func(client *kgo.Client) error { return r.create(ctx, client) })
}

func (r *Replay) create(ctx context.Context, client *kgo.Client) error {
	admin := kadm.NewClient(client)
	names := []string{r.Topics.departures, r.Topics.reports}
	// Records carry the time of the clock, but whoever replays twenty years in an
	// hour does not want the retention of a week either.
	keep := "-1"
	created, err := admin.CreateTopics(ctx, int32(r.Partitions), -1, map[string]*string{"retention.ms": &keep}, names...)
	if err != nil {
		return err
	}
	for _, c := range created.Sorted() {
		if c.Err != nil && !errors.Is(c.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("topic %s could not be made: %w: %s", c.Topic, c.Err, c.ErrMessage)
		}
	}
	ends, err := endOffsets(ctx, admin, names)
	if err != nil {
		return fmt.Errorf("ends of the topics: %w", err)
	}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 && err == nil {
			err = fmt.Errorf("topic %s has had records already, up to offset %d of partition %d; delete it, or name another with -departures and -reports", o.Topic, o.Offset, o.Partition)
		}
	})
	return err
}

// endOffsets asks for the ends of topics, again while brokers have not heard of
// those that were made a moment ago.
func endOffsets(ctx context.Context, admin *kadm.Client, topics []string) (kadm.ListedOffsets, error) {
	const tries, pause = 100, 50 * time.Millisecond
	for try := 1; ; try++ {
		ends, err := admin.ListEndOffsets(ctx, topics...)
		if err == nil {
			err = ends.Error()
		}
		if !errors.Is(err, kerr.UnknownTopicOrPartition) || try == tries {
			return ends, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// payload is a flight as a record has it.
type payload struct {
	Row         int64     `json:"row"`
	Date        time.Time `json:"date"`
	Origin      string    `json:"origin"`
	Destination string    `json:"destination"`
	Distance    int64     `json:"distance"`
	Delay       int64     `json:"delay"`
}

// produce sends the records when it is time. It returns when the brokers have
// them all, or with the first that they refused.
func (r *Replay) produce(ctx context.Context, client *kgo.Client, flights []Flight, moments []moment) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var failed atomic.Bool
	done := func(record *kgo.Record, err error) {
		if err != nil && failed.CompareAndSwap(false, true) {
			cancel(fmt.Errorf("a record for %s: %w", record.Topic, err))
		}
	}
	pace := r.pace(moments)
	for _, m := range moments {
		if err := pace(ctx, m); err != nil {
			return context.Cause(ctx)
		}
		f := flights[m.flight]
		value, err := json.Marshal(payload{f.Row, f.Date.UTC(), f.Origin, f.Destination, f.Distance, f.Delay})
		if err != nil {
			return fmt.Errorf("row %d: %w", f.Row, err) // a year beyond 9999
		}
		client.Produce(ctx, &kgo.Record{Topic: r.topic(m), Key: []byte(f.Origin), Value: value}, done)
	}
	if err := client.Flush(ctx); err != nil || failed.Load() {
		return context.Cause(ctx)
	}
	return nil
}

func (r *Replay) topic(m moment) string {
	if m.landed {
		return r.Topics.reports
	}
	return r.Topics.departures
}

// pace returns a function that waits until it is time for a record.
func (r *Replay) pace(moments []moment) func(context.Context, moment) error {
	if r.Speed == 0 || len(moments) == 0 {
		return func(ctx context.Context, _ moment) error { return ctx.Err() }
	}
	first, started := moments[0].comes, time.Now()
	return func(ctx context.Context, m moment) error {
		due := started.Add(time.Duration(float64(m.comes-first) * 1000 / r.Speed))
		wait := time.Until(due)
		if wait < time.Millisecond { // no timer is finer
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			return nil
		}
	}
}
