package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/json"
	"github.com/leatflow/leat/io/kafka"
	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/agg"
	"github.com/leatflow/leat/sdk/field"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
	"github.com/leatflow/leat/sdk/window"
)

type visit struct {
	Page string    `leat:"page"`
	User string    `leat:"user"` // the key of the record
	At   time.Time `leat:"at"`   // its timestamp
}

type minute struct {
	User  string    `leat:"user"`
	Start time.Time `leat:"start"`
	Count int64     `leat:"count"`
}

// visits builds a pipeline that counts visits by user and minute.
func visits(cluster kafka.Cluster, to kafka.Position, disorder time.Duration) (*leat.Pipeline, *memory.Collector[minute]) {
	p, out := &leat.Pipeline{}, &memory.Collector[minute]{}
	rows := leat.Read(p, "visits", kafka.Source{Cluster: cluster, Topics: []string{"visits"}, Format: json.Format{},
		KeyField: "user", TimestampField: "at", To: to, RefreshInterval: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler)},
		leat.EventTimeField(func(v *visit) *time.Time { return &v.At }, watermark.Disorder(disorder)))
	byUser := leat.KeyBy(rows, "by-user", field.Of(func(v *visit) *string { return &v.User }))
	counts := leat.Combine(leat.Window(byUser, window.Fixed(time.Minute)), "counts", agg.Into(func(v *visit, m *minute) []agg.Term {
		return []agg.Term{agg.Key(&m.User), agg.WindowStart(&m.Start), agg.Count(&m.Count)}
	}))
	leat.Write(leat.Values(counts), "out", out)
	return p, out
}

func sorted(rows []minute) (all []string) {
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%s %s %d", r.User, r.Start.UTC().Format(time.RFC3339), r.Count))
	}
	slices.Sort(all)
	return all
}

func TestLiveEqualsBackfill(t *testing.T) {
	// The same pipeline gives the same rows from a topic that is read to its end by
	// the batch plan, by the streaming plan, and live, with a partition that is added
	// while it runs.
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "visits"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	cluster := kafka.Cluster{Brokers: fake.ListenAddrs()}
	const each = 3000
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	want := map[string]int64{}
	write := func(partition int32) {
		var records []*kgo.Record
		for i := range each {
			at, user := noon.Add(time.Duration(i)*200*time.Millisecond), fmt.Sprint("u", (i+int(partition))%5)
			records = append(records, &kgo.Record{Topic: "visits", Partition: partition, Key: []byte(user), Value: fmt.Appendf(nil, `{"page":"p%d"}`, i), Timestamp: at})
			want[fmt.Sprintf("%s %s", user, at.Truncate(time.Minute).Format(time.RFC3339))]++
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	write(1)

	// Live first: the watermark of a partition is an hour behind, so that one that is
	// added late is not.
	p, out := visits(cluster, kafka.Never, time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stop, read := make(chan struct{}), make(chan int64, 1)
	ended := make(chan error, 1)
	go func() {
		_, err := local.Run(ctx, p, local.Options{Parallelism: 2, Stop: stop, Drain: true, Every: 5 * time.Millisecond, Progress: func(p local.Progress) {
			select {
			case read <- p.RowsRead:
			default:
			}
		}})
		ended <- err
	}()
	await := func(n int64) {
		t.Helper()
		for {
			select {
			case rows := <-read:
				if rows >= n {
					return
				}
			case err := <-ended:
				t.Fatalf("the run has ended: %v", err)
			}
		}
	}
	await(2 * each)
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.UpdatePartitions(t.Context(), 3, "visits"); err != nil {
		t.Fatal(err)
	}
	write(2)
	await(3 * each)
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	live := sorted(out.Rows())
	var all []string
	for row, n := range want {
		all = append(all, fmt.Sprintf("%s %d", row, n))
	}
	slices.Sort(all)
	if !slices.Equal(live, all) {
		t.Errorf("live:\n%q\nwant\n%q", live, all)
	}
	for _, plan := range []local.Plan{local.Batch, local.Streaming} {
		for _, parallelism := range []int{1, 2, 8} {
			p, out := visits(cluster, kafka.End, 0)
			if _, err := local.Run(t.Context(), p, local.Options{Plan: plan, Parallelism: parallelism}); err != nil {
				t.Fatal(err)
			}
			if got := sorted(out.Rows()); !slices.Equal(got, all) {
				t.Errorf("%s, parallelism %d:\n%q\nwant\n%q", plan, parallelism, got, all)
			}
		}
	}
}
