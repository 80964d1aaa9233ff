package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// The test binary is the program again when brokers and generators are started.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "send") {
		if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Small measurements find what was sent, and report a line for each number of
// cores.
func TestMeasure(t *testing.T) {
	var report, log bytes.Buffer
	err := run(t.Context(), []string{"all", "-events", "20000", "-runs", "1", "-cores", "1,2", "-from", "500", "-most", "500", "-seconds", "2"}, &report, &log)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &report, &log)
	}
	if lines := strings.Count(report.String(), "\n| kfake |"); lines != 4 {
		t.Errorf("the report has %d lines of figures, want 4:\n%s", lines, &report)
	}
}

// A result that is wrong or missing is an error, and no figure.
func TestVerifyFindsWhatIsWrong(t *testing.T) {
	broker, err := serve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer broker.stop()
	brokers := []string{broker.address}
	s := stream{start: 1_600_000_000_000_000, rate: 1000, partitions: 2, keys: 4}
	for _, topic := range []string{inTopic, outTopic} { // events are no results: they have no count
		if err := remake(t.Context(), brokers, 2, topic); err != nil {
			t.Fatal(err)
		}
		if _, err := sendApart(t.Context(), sending{brokers: brokers, topic: topic, stream: s, events: 10}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := (Throughput{Brokers: brokers}).verify(ctx, consumed{rows: 10, sum: s.sum(10)}); err == nil {
		t.Error("a topic without results was taken for complete")
	}
	if err := (Throughput{Brokers: brokers, Events: 10}).bare(t.Context(), s, 1, consumed{rows: 10, sum: -1}); err == nil {
		t.Error("a wrong sum was taken for right")
	}
}

// The event that closes a window is the last of the first events at or after its
// end in all partitions, as a search over all events finds it.
func TestClosing(t *testing.T) {
	for _, s := range []stream{{start: 5_000_000, rate: 7, partitions: 3}, {start: 0, rate: 1000, partitions: 4}, {start: 123, rate: 1_234_567, partitions: 2}} {
		for n := range int64(3000) {
			if n > 0 && s.at(n) < s.at(n-1) {
				t.Fatalf("%+v: event %d is before the last", s, n)
			}
		}
		for _, moment := range []int64{s.start + 1, s.start + 999, s.start + 1000, s.start + 1500} {
			first := map[int64]int64{}
			for n := int64(0); int64(len(first)) < s.partitions; n++ {
				if _, found := first[s.partition(n)]; !found && s.at(n) >= moment {
					first[s.partition(n)] = n
				}
			}
			want := int64(0)
			for _, n := range first {
				want = max(want, n)
			}
			if got := s.closing(moment); got != want {
				t.Errorf("%+v: %d is closed by event %d, want %d", s, moment, got, want)
			}
		}
	}
}

// Payloads are JSON of the event that the functions of its number say.
func TestEvents(t *testing.T) {
	s := stream{start: 1_600_000_000_000_000, rate: 1000, partitions: 4, keys: 100}
	keys := map[string]int64{}
	for n := range int64(1000) {
		var e struct {
			Key       string
			Value, At int64
		}
		if err := json.Unmarshal(s.appendEvent(nil, n), &e); err != nil {
			t.Fatal(err)
		}
		if e.Value != s.value(n) || e.At != s.at(n) {
			t.Errorf("event %d is %+v", n, e)
		}
		if p, found := keys[e.Key]; found && p != s.partition(n) {
			t.Errorf("key %s is in two partitions", e.Key)
		}
		keys[e.Key] = s.partition(n)
	}
	if len(keys) != 100 {
		t.Errorf("%d keys, want 100", len(keys))
	}
}

// Mistakes on the command line are errors.
func TestParse(t *testing.T) {
	for _, args := range [][]string{{"speed"}, {"-cores", "0"}, {"-keys", "10", "-partitions", "3"}, {"-runs", "0"}, {"-from", "100", "-most", "10"}, {"-from", "3"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}
