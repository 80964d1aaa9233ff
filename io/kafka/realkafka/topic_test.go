package realkafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/io/kafka/realkafka"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// row is what the topics of these tests hold.
type row struct {
	Number int64 `leat:"number"`
}

// topic is a topic of a test on the real broker, and a client beside the one that
// is tested.
type topic struct {
	t       *testing.T
	ctx     context.Context // of the test, bounded
	cluster kafka.Cluster
	name    string
	client  *kgo.Client
	admin   *kadm.Client
}

var topics atomic.Int64

// newTopic makes a topic that no other test has.
func newTopic(t *testing.T, b *realkafka.Broker, partitions int32) *topic {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Address()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	name := fmt.Sprintf("%s-%d-%d", strings.ToLower(strings.TrimPrefix(t.Name(), "TestReal")), time.Now().UnixNano(), topics.Add(1))
	to := &topic{t: t, ctx: ctx, cluster: kafka.Cluster{Brokers: []string{b.Address()}}, name: name, client: client, admin: kadm.NewClient(client)}
	to.create(partitions)
	return to
}

func (to *topic) create(partitions int32) {
	to.t.Helper()
	if _, err := to.admin.CreateTopic(to.ctx, partitions, 1, nil, to.name); err != nil {
		to.t.Fatal(err)
	}
	for { // the controller has it; the broker hears of it a moment later
		if found, err := to.admin.ListTopics(to.ctx, to.name); err == nil && found.Has(to.name) && len(found[to.name].Partitions) == int(partitions) {
			return
		}
		select {
		case <-to.ctx.Done():
			to.t.Fatal("the topic that was made does not appear")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// produce writes the numbers from ≤ n < until to a partition.
func (to *topic) produce(partition int32, from, until int64) {
	to.t.Helper()
	if err := to.client.ProduceSync(to.ctx, to.records(partition, from, until)...).FirstErr(); err != nil {
		to.t.Fatal(err)
	}
}

func (to *topic) records(partition int32, from, until int64) []*kgo.Record {
	var records []*kgo.Record
	for n := from; n < until; n++ {
		records = append(records, &kgo.Record{Topic: to.name, Partition: partition, Value: fmt.Appendf(nil, `{"number":%d}`, n)})
	}
	return records
}

// source reads the topic.
func (to *topic) source() kafka.Source {
	return kafka.Source{Cluster: to.cluster, Topics: []string{to.name}, Format: json.Format{}, RefreshInterval: 200 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
}

// sink writes the topic.
func (to *topic) sink() kafka.Sink {
	return kafka.Sink{Cluster: to.cluster, Topic: to.name, Format: json.Format{}}
}

// numbers reads the topic to its end offsets, with the client that is not tested,
// and says how often each number is in it.
func (to *topic) numbers() map[int64]int {
	to.t.Helper()
	ends, err := to.admin.ListEndOffsets(to.ctx, to.name)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		to.t.Fatal(err)
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		from[o.Partition] = kgo.NewOffset().AtStart()
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(to.cluster.Brokers...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{to.name: from}))
	if err != nil {
		to.t.Fatal(err)
	}
	defer client.Close()
	found := make(map[int64]int)
	for len(left) > 0 {
		fetches := client.PollFetches(to.ctx)
		if err := fetches.Err(); err != nil {
			to.t.Fatal(err)
		}
		for r := range fetches.RecordsAll() {
			var n int64
			if _, err := fmt.Sscanf(string(r.Value), `{"number":%d`, &n); err != nil {
				to.t.Fatalf("%s[%d]@%d holds %q: %v", to.name, r.Partition, r.Offset, r.Value, err)
			}
			found[n]++
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		}
	}
	return found
}

// read runs a pipeline that ends, and returns what it has read, ascending.
func (to *topic) read(s kafka.Source) ([]int64, error) {
	p := &leat.Pipeline{}
	var rows memory.Collector[row]
	leat.Write(leat.Read[row](p, "numbers", s), "rows", &rows)
	_, err := local.Run(to.ctx, p, local.Options{})
	return sorted(rows.Rows()), err
}

func sorted(rows []row) []int64 {
	numbers := make([]int64, len(rows))
	for i, r := range rows {
		numbers[i] = r.Number
	}
	slices.Sort(numbers)
	return numbers
}

// upTo returns from ≤ n < until.
func upTo(from, until int64) []int64 {
	var numbers []int64
	for n := from; n < until; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// reading is a pipeline that reads the topic without an end.
type reading struct {
	to   *topic
	rows memory.Collector[row]
	done chan error
}

// begin starts one, each row through f.
func (to *topic) begin(s kafka.Source, f func(row) row) *reading {
	r := &reading{to: to, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(to.ctx)
	p := &leat.Pipeline{}
	rows := leat.Read[row](p, "numbers", s)
	if f != nil {
		rows = leat.Map(rows, "f", f)
	}
	leat.Write(rows, "rows", &r.rows)
	go func() {
		// Small batches, so that a slow step soon stops the source.
		_, err := local.Run(ctx, p, local.Options{BatchRows: 100})
		r.done <- err
	}()
	to.t.Cleanup(func() {
		cancel()
		select {
		case r.done <- nil: // nobody has taken the result
		default:
		}
	})
	return r
}

// await waits until so many rows have come, and fails when the run ends before.
func (r *reading) await(n int) {
	r.to.t.Helper()
	for len(r.rows.Rows()) < n {
		select {
		case err := <-r.done:
			r.to.t.Fatalf("the run ended with %d of %d rows: %v", len(r.rows.Rows()), n, err)
		case <-r.to.ctx.Done():
			r.to.t.Fatalf("%d of %d rows came", len(r.rows.Rows()), n)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// fails waits for the run to fail with words in its message.
func (r *reading) fails(words ...string) {
	r.to.t.Helper()
	select {
	case err := <-r.done:
		contains(r.to.t, err, words...)
	case <-time.After(30 * time.Second):
		r.to.t.Fatalf("the run did not fail, and %d rows came; wanted an error with %q", len(r.rows.Rows()), words)
	}
}

func contains(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("the error is %v, want one with %q", err, w)
		}
	}
}
