package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// fewFlights returns every twentieth flight of the sample, and a file of them.
func fewFlights(t *testing.T) ([]Flight, parquet.Source) {
	t.Helper()
	var few []Flight
	for i, f := range readAll[Flight](t, parquet.Source{Path: "data/flights-sample.parquet", RowPosition: "row"}) {
		if i%20 == 0 {
			f.Row = int64(len(few))
			few = append(few, f)
		}
	}
	dir := filepath.Join(t.TempDir(), "few")
	p := &leat.Pipeline{}
	rows := leat.Read[Flight](p, "few", memory.Of(few...))
	withoutRow := leat.Map(rows, "without row", func(f Flight) fileRow {
		return fileRow{f.Date, f.Origin, f.Destination, f.Distance, f.Delay}
	})
	leat.Write(withoutRow, "file", parquet.Sink{Dir: dir, LocalTime: true})
	if _, err := local.Run(t.Context(), p, local.Options{Parallelism: 1}); err != nil {
		t.Fatal(err)
	}
	return few, parquet.Source{Path: dir}
}

// fileRow is a flight as the file has it.
type fileRow struct {
	Date        time.Time `leat:"date"`
	Origin      string    `leat:"origin"`
	Destination string    `leat:"destination"`
	Distance    int64     `leat:"distance"`
	Delay       int64     `leat:"delay"`
}

// fakeBroker starts a broker in this process.
func fakeBroker(t *testing.T) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

// consume reads n records of one topic in the order of its partitions.
func consume(t *testing.T, brokers []string, topic string, n int) map[int32][]*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	records := make(map[int32][]*kgo.Record)
	for got := 0; got < n; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%s: %d of %d records: %v", topic, got, n, err)
		}
		for r := range fetches.RecordsAll() {
			records[r.Partition] = append(records[r.Partition], r)
			got++
		}
	}
	return records
}

// What is replayed are the flights of the file, each once a topic, under their
// origin, in the order in which they happened but for the disorder and the late
// ones that the flags ask for.
func TestReplay(t *testing.T) {
	// Nothing happens at night: what the newest record has to say is so old then.
	const night = 6 * time.Hour
	flights, file := fewFlights(t)
	for _, r := range []*Replay{
		{Seed: 1, LateBy: time.Hour},
		{Seed: 2, LateBy: time.Hour, Disorder: 3 * time.Hour},
		{Seed: 3, LateBy: 30 * time.Hour, Disorder: 2 * time.Hour, Late: 0.01},
	} {
		r.Topics, r.Partitions = topics{"departures", "reports"}, 3
		brokers := fakeBroker(t)
		var report bytes.Buffer
		if err := r.Run(t.Context(), file, brokers, &report); err != nil {
			t.Fatal(err)
		}
		sent := r.sent(flights, r.schedule(flights))
		for i, at := range []func(Flight) time.Time{func(f Flight) time.Time { return f.Date }, Landed} {
			records := consume(t, brokers, sent[i].Topic, len(flights))
			seen := make([]bool, len(flights))
			var late int64
			for partition, list := range records {
				var newest time.Time
				for _, record := range list {
					var p payload
					if err := json.Unmarshal(record.Value, &p); err != nil {
						t.Fatal(err)
					}
					f := Flight(p)
					want := flights[f.Row]
					want.Date = want.Date.UTC()
					if f != want || seen[f.Row] || string(record.Key) != f.Origin {
						t.Fatalf("%s[%d]@%d: %s holds %+v, want %+v once", record.Topic, partition, record.Offset, record.Key, f, want)
					}
					seen[f.Row] = true
					if at(f).After(newest) {
						newest = at(f)
					}
					if behind := newest.Sub(at(f)); behind > r.Disorder {
						late++
						if behind < r.LateBy-night {
							t.Errorf("%s[%d]@%d is %s behind, more than the disorder and less than late", record.Topic, partition, record.Offset, behind)
						}
					}
				}
			}
			if slices.Contains(seen, false) {
				t.Errorf("%s lacks row %d", sent[i].Topic, slices.Index(seen, false))
			}
			if late != sent[i].Late || (late > 0) != (r.Late > 0) {
				t.Errorf("%s has %d late records, reported as %d", sent[i].Topic, late, sent[i].Late)
			}
			if sent[i].Disorder > r.Disorder || sent[i].Disorder < r.Disorder*9/10 {
				t.Errorf("%s: a disorder of %s, want almost %s", sent[i].Topic, sent[i].Disorder, r.Disorder)
			}
		}
		if len(consume(t, brokers, "reports", len(flights))) != 3 {
			t.Error("one of the three partitions is empty")
		}
		if !strings.Contains(report.String(), "sent   departures         30,000 records") {
			t.Errorf("the report is\n%s", &report)
		}
		// A second replay would be late as a whole.
		if err := r.Run(t.Context(), file, brokers, &report); err == nil || !strings.Contains(err.Error(), "has had records already") {
			t.Errorf("a second replay into the same topics: %v", err)
		}
	}
}

// At a speed of 60 an hour takes a minute, and cancelling ends the wait.
func TestReplayPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Replay{Speed: 60}
		hour := int64(time.Hour / time.Microsecond)
		moments := []moment{{comes: 5 * hour}, {comes: 5 * hour}, {comes: 6 * hour}, {comes: 7 * hour}}
		ctx, cancel := context.WithCancel(t.Context())
		pace, started := r.pace(moments), time.Now()
		for i, want := range []time.Duration{0, 0, time.Minute, 2 * time.Minute} {
			if err := pace(ctx, moments[i]); err != nil || time.Since(started) != want {
				t.Errorf("moment %d came after %s (%v), want %s", i, time.Since(started), err, want)
			}
		}
		cancel()
		if err := pace(ctx, moment{comes: 9 * hour}); err == nil {
			t.Error("a cancelled replay went on")
		}
	})
}

// Flags that make no sense are refused, all of them together, with the code of a
// mistake in usage; so are brokers that are not there.
func TestReplayRefuses(t *testing.T) {
	r := &Replay{Partitions: 0, Speed: -1, Late: 2, LateBy: -1, Disorder: -1, Topics: topics{"a", "a"}}
	err := r.validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"-partitions 0", "-speed -1", "-late 2", "-late-by", "-disorder", `-departures "a"`} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
	for _, args := range [][]string{{"replay"}, {"replay", "-brokers", "x:1", "more"}, {"replay", "-brokers", "x:1", "-late", "3"}, {"replay", "-speed", "x"},
		{"live", "-out", "kafka:"}, {"live", "-idle", "-1s"}, {"live", "-speed", "60", "-to-end"}} {
		if code := run(args); code != 2 {
			t.Errorf("flights %v: exit code %d, want 2", args, code)
		}
	}
}
