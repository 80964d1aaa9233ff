package kafka

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leatflow/leat/sdk/connector/message"
)

// line is a row of text with its offset.
type line struct {
	Text   string `leat:"text"`
	Offset int64  `leat:"offset"`
}

func lines(topics ...string) Source {
	return Source{Topics: topics, Format: message.Raw{}, OffsetField: "offset"}
}

func offsetsOf(rows []line) (all []int64) {
	for _, r := range rows {
		all = append(all, r.Offset)
	}
	return all
}

func at(offset int64) Position {
	return Offsets(map[string]map[int32]int64{"t": {0: offset}})
}

func TestPositions(t *testing.T) {
	// A read begins and ends where it is told: offset i has minute i, and the first
	// two offsets are gone.
	b := start(t, 1, []string{"t"})
	noon := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	minute := func(i int) time.Time { return noon.Add(time.Duration(i) * time.Minute) }
	for i := range 8 {
		b.produce(&kgo.Record{Topic: "t", Value: fmt.Append(nil, i), Timestamp: minute(i)})
	}
	if err := b.DeleteRecords("t", 0, 2); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to Position
		want     []int64
	}{
		{Position{}, End, []int64{2, 3, 4, 5, 6, 7}},
		{Earliest, End, []int64{2, 3, 4, 5, 6, 7}},
		{Latest, End, nil},
		{At(minute(5)), End, []int64{5, 6, 7}},
		{At(minute(5).Add(time.Microsecond)), End, []int64{6, 7}},
		{At(minute(0)), End, []int64{2, 3, 4, 5, 6, 7}},
		{At(time.Unix(-1, 0)), End, []int64{2, 3, 4, 5, 6, 7}},
		{At(minute(9)), End, nil},
		{at(4), End, []int64{4, 5, 6, 7}},
		{at(8), End, nil},
		{Earliest, Before(minute(4)), []int64{2, 3}},
		{Earliest, Before(minute(0)), nil},
		{Earliest, Before(minute(99)), []int64{2, 3, 4, 5, 6, 7}},
		{At(minute(5)), Before(minute(4)), nil},
		{Earliest, at(4), []int64{2, 3}},
		{Earliest, at(8), []int64{2, 3, 4, 5, 6, 7}},
		{at(3), at(4), []int64{3}},
		{at(3), at(3), nil},
	} {
		s := lines("t")
		s.From, s.To = c.from, c.to
		in := open[line](t, b.source(s))
		if got := offsetsOf(in.all()); !slices.Equal(got, c.want) {
			t.Errorf("from %s to %s: offsets %v, want %v", c.from, c.to, got, c.want)
		}
		in.Close()
	}
}

func TestPositionMistakes(t *testing.T) {
	// What is wrong with a position is said with the partition, what was wanted and
	// what there is: without I/O where that is possible, else when the source is opened.
	b := start(t, 2, []string{"t"})
	for p := range int32(2) {
		for i := range 5 {
			b.produce(&kgo.Record{Topic: "t", Partition: p, Value: fmt.Append(nil, i)})
		}
	}
	if err := b.DeleteRecords("t", 1, 3); err != nil {
		t.Fatal(err)
	}
	two := func(zero, one int64) Position {
		return Offsets(map[string]map[int32]int64{"t": {0: zero, 1: one}})
	}
	for _, c := range []struct {
		from, to Position
		words    []string
	}{
		{two(0, 2), End, []string{"t/1", "From 2 is out of range", "3 up to, not including, 5", "Earliest"}},
		{two(6, 3), End, []string{"t/0", "From 6 is out of range", "0 up to, not including, 5"}},
		{Earliest, two(5, 6), []string{"t/1", "To 6 is beyond its end", "5"}},
		{two(4, 4), two(3, 5), []string{"t/0", "To 3 is before From 4"}},
		{at(0), End, []string{"t/1 has no offset", "every partition"}},
		{Offsets(map[string]map[int32]int64{"t": {0: 0, 1: 3, 7: 1}}), End, []string{"t/7", "partitions 0 to 1"}},
		{Offsets(map[string]map[int32]int64{"u": {0: 0}}), End, []string{`topic "u", which is not read`}},
		{Offsets(nil), End, []string{"From has no offsets"}},
		{two(-1, 3), End, []string{"offset -1 for t/0"}},
		{End, End, []string{"From cannot be End", "Earliest", "At(time)"}},
		{Earliest, Latest, []string{"To cannot be Latest", "Before(time)"}},
	} {
		s := lines("t")
		s.From, s.To = c.from, c.to
		_, err := tryOpen[line](t, b.source(s))
		expect(t, err, c.words...)
	}
}

// busy writes a record each time that the source has been told offsets.
type busy struct{ *broker }

func (w busy) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key == kmsg.ListOffsets.Int16() && err == nil {
		w.values("t", "more")
	}
}

func TestPositionsOfABusyTopic(t *testing.T) {
	// A topic that is written to while its positions are asked for can be read from
	// and to each of them.
	b := start(t, 1, []string{"t"})
	b.values("t", "a")
	future := time.Now().Add(time.Hour)
	for _, c := range []struct{ from, to Position }{
		{Earliest, End}, {Latest, End}, {at(1), End}, {At(future), Never}, {At(future), End},
		{Earliest, Before(future)}, {At(future), Before(future)}, {Latest, Before(future)},
	} {
		s := lines("t")
		s.From, s.To, s.options = c.from, c.to, []kgo.Opt{kgo.WithHooks(busy{b})}
		in, err := tryOpen[line](t, b.source(s))
		if err != nil {
			t.Errorf("from %s to %s: %v", c.from, c.to, err)
			continue
		}
		in.Close()
	}
}

func TestRetentionOvertakes(t *testing.T) {
	// A record that is gone before it was read ends the run, with what was wanted
	// and what there is, and nothing is skipped.
	b := start(t, 1, []string{"t"})
	b.values("t", "a", "b", "c", "d")
	s := lines("t")
	s.From = at(0)
	in := open[line](t, b.source(s))
	if err := b.DeleteRecords("t", 0, 3); err != nil {
		t.Fatal(err)
	}
	_, err := in.drain(in.reader(in.Splits()[0]))
	expect(t, err, "t/0", "offset 0 is out of range", "3 up to, not including, 4", "Earliest", "lost")
}

func TestOutOfRangeOfNobodyKnowsWhat(t *testing.T) {
	// Where the brokers do not say what a partition has, nothing is made up.
	b := start(t, 1, []string{"t"})
	b.values("t", "a", "b", "c", "d")
	s := lines("t")
	s.From = at(0)
	in := open[line](t, b.source(s))
	if err := b.DeleteRecords("t", 0, 3); err != nil {
		t.Fatal(err)
	}
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.InvalidRequest, Count: -1})
	_, err := in.drain(in.reader(in.Splits()[0]))
	expect(t, err, "t/0", "offset 0 is out of range", "cannot be said", "INVALID_REQUEST")
}

func TestFailedPartitionRests(t *testing.T) {
	// A partition that has failed is not asked for again while nobody closes it.
	b := start(t, 1, []string{"t"})
	b.values("t", "a", "b")
	s := lines("t")
	s.From = at(0)
	in := open[line](t, b.source(s))
	if err := b.DeleteRecords("t", 0, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := in.drain(in.reader(in.Splits()[0])); err == nil {
		t.Fatal("no error")
	}
	time.Sleep(100 * time.Millisecond) // the change is on its way
	fetches := b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Observe: true, Count: -1})
	time.Sleep(300 * time.Millisecond)
	if n := fetches.Hits(); n > 5 {
		t.Errorf("%d fetches in 300 ms", n)
	}
}

// transaction writes records in a transaction and ends it.
func (b *broker) transaction(end kgo.TransactionEndTry, values ...string) {
	b.t.Helper()
	begun := b.begin(values...)
	defer begun.Close()
	if err := begun.EndTransaction(b.t.Context(), end); err != nil {
		b.t.Fatal(err)
	}
}

// begin writes records to t/0 in a transaction that stays open.
func (b *broker) begin(values ...string) *kgo.Client {
	b.t.Helper()
	client, err := Cluster{Brokers: b.ListenAddrs(), Dial: b.dial}.client(kgo.TransactionalID(fmt.Sprint(time.Now().UnixNano())), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := client.BeginTransaction(); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range values {
		if err := client.ProduceSync(b.t.Context(), &kgo.Record{Topic: "t", Value: []byte(v)}).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
	return client
}

func textsOf(rows []line) (all []string) {
	for _, r := range rows {
		all = append(all, r.Text)
	}
	return all
}

func TestTransactions(t *testing.T) {
	// Only what is committed is read. A bounded read comes to its end also when
	// markers, or a transaction that was aborted, stand there, and stops in front of
	// one that is open.
	b := start(t, 1, []string{"t"})
	read := func(from, to Position) []string {
		s := lines("t")
		s.From, s.To = from, to
		in := open[line](t, b.source(s))
		defer in.Close()
		return textsOf(in.all())
	}
	check := func(want ...string) {
		t.Helper()
		if got := read(Earliest, End); !slices.Equal(got, want) {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	b.values("t", "a")
	b.transaction(kgo.TryCommit, "b", "c")
	check("a", "b", "c")
	b.transaction(kgo.TryAbort, "d", "e")
	check("a", "b", "c")
	b.values("t", "f")
	open1 := b.begin("g")
	defer open1.Close()
	b.values("t", "h")
	check("a", "b", "c", "f")

	// A live reader gets the open transaction when it ends, and what is behind it.
	s := lines("t")
	s.From = Latest
	live := open[line](t, b.source(s))
	r := live.reader(live.Splits()[0])
	if err := open1.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got := textsOf(live.next(r, 2)); !slices.Equal(got, []string{"g", "h"}) {
		t.Errorf("read %q live", got)
	}
	check("a", "b", "c", "f", "g", "h")
	end, err := b.admin.ListEndOffsets(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	last, _ := end.Lookup("t", 0)
	if got := read(at(last.Offset-1), at(last.Offset)); got != nil { // the marker alone
		t.Errorf("read %q where there is a marker", got)
	}
}

func TestHoleAtTheEnd(t *testing.T) {
	// A bounded read ends in front of offsets whose records are gone: asked of the
	// broker, since the client does not tell.
	b := start(t, 1, []string{"t"})
	b.values("t", "a", "b")
	for _, abort := range [][]string{{"c"}, {"d", "e"}} {
		b.transaction(kgo.TryAbort, abort...)
	}
	s := lines("t")
	s.To = End
	s.noMarkers = true // else the reader sees where the transactions end
	in := open[line](t, b.source(s))
	began := time.Now()
	got := textsOf(in.all())
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("read %q", got)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s to see the end", took)
	}
}

func TestCompactedEnd(t *testing.T) {
	// A topic whose last records compaction has removed comes to its end.
	b := start(t, 1, nil)
	config := map[string]*string{"cleanup.policy": pointer("compact"), "segment.bytes": pointer("100"), "min.cleanable.dirty.ratio": pointer("0")}
	if _, err := b.admin.CreateTopic(t.Context(), 1, 1, config, "t"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		b.produce(&kgo.Record{Topic: "t", Key: fmt.Append(nil, i%3), Value: fmt.Append(nil, i)})
	}
	b.Compact()
	s := lines("t")
	s.To = End
	in := open[line](t, b.source(s))
	r := in.reader(in.Splits()[0])
	got, err := in.drain(r)
	if err != io.EOF || len(got) == 0 || len(got) == 20 {
		t.Errorf("%d rows, %v", len(got), err)
	}
	for i := 1; i < len(got); i++ {
		if got[i].Offset <= got[i-1].Offset {
			t.Errorf("offset %d behind %d", got[i].Offset, got[i-1].Offset)
		}
	}
	if at := r.(*reader).at.Load(); at != 20 {
		t.Errorf("the reader stands at %d, want 20", at)
	}
}
