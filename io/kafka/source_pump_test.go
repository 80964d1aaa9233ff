package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/connector"
)

// fill writes n records of a size, of bytes that do not compress well, to each
// partition of a topic.
func (b *broker) fill(topic string, partitions int32, n, size int) {
	b.t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(' ' + random.IntN('~'-' '))
	}
	for p := range partitions {
		for i := range n {
			at := random.IntN(len(noise) - size)
			b.client.Produce(b.t.Context(), &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%d/%d %s", p, i, noise[at:at+size])}, func(_ *kgo.Record, err error) {
				if err != nil {
					b.t.Error(err)
				}
			})
		}
	}
	if err := b.client.Flush(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// held returns how many bytes wait in the queues of an input.
func held(in connector.Input) (bytes int64, paused int) {
	p := in.(*input).pump
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.queues {
		bytes += q.bytes
		if q.paused {
			paused++
		}
	}
	return bytes, paused
}

func TestSlowReaders(t *testing.T) {
	// A reader that does not read holds up nobody else; while nobody reads, nothing is
	// fetched beyond the bound; and when they read again nothing has been lost.
	const n, size, buffer = 1200, 5000, 2 << 20
	simulate(t, 3, func(t *testing.T, b *broker) {
		b.fill("t", 3, n, size)
		s := live()
		s.To, s.BufferBytes = End, buffer
		in := open[line](t, b.source(s))
		var readers []connector.Reader
		for _, split := range in.Splits() {
			readers = append(readers, in.reader(split))
		}
		// What one poll brings comes on top of what was there before: a fetch of every
		// partition.
		bound := int64(buffer + 3*(fetchPartitionBytes+fetchPartitionBytes/2))
		time.Sleep(time.Hour)
		before, _ := held(in.Input)
		if before == 0 || before > bound {
			t.Errorf("%d bytes are held while nobody reads, bound %d", before, bound)
		}
		time.Sleep(time.Hour)
		if now, _ := held(in.Input); now != before {
			t.Errorf("%d bytes are held after an hour, %d before", now, before)
		}
		fast, err := in.drain(readers[1])
		if err != io.EOF {
			t.Fatal(err)
		}
		checkSequence(t, 1, n, fast)
		most, paused := held(in.Input)
		if most > bound {
			t.Errorf("%d bytes are held, bound %d", most, bound)
		}
		if paused != 2 {
			t.Errorf("%d partitions are paused, want the 2 that nobody reads", paused)
		}
		for i, r := range readers {
			if i == 1 {
				continue
			}
			rows, err := in.drain(r)
			if err != io.EOF {
				t.Fatal(err)
			}
			checkSequence(t, i, n, rows)
		}
	})
}

// checkSequence checks that the rows of a partition are 0 to n-1.
func checkSequence(t *testing.T, partition, n int, rows []line) {
	t.Helper()
	if len(rows) != n {
		t.Errorf("partition %d: %d rows, want %d", partition, len(rows), n)
	}
	for i, r := range rows {
		if !strings.HasPrefix(r.Text, fmt.Sprintf("%d/%d ", partition, i)) || r.Offset != int64(i) {
			t.Errorf("partition %d: row %d is %.20q at %d", partition, i, r.Text, r.Offset)
			return
		}
	}
}

func TestReadersComeAndGo(t *testing.T) {
	// Partitions that are closed and opened again at random, where the last reader
	// was, while others are read, give every record once and in order.
	const partitions, n = 5, 3000
	b := start(t, partitions, []string{"t"})
	b.fill("t", partitions, n, 100)
	s := live()
	s.To, s.BufferBytes = End, 1 // the least
	s = b.source(s)
	in := open[line](t, s)
	rows := make([][]line, partitions)
	var group sync.WaitGroup
	for i, split := range in.Splits() {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 7))
			at := split.Data.(span)
			for {
				r, err := in.Reader(t.Context(), connector.Split{Name: split.Name, Data: at})
				if err != nil {
					t.Error(err)
					return
				}
				r.(*reader).rows = 1 + random.IntN(300)
				for range 1 + random.IntN(5) {
					batch, err := r.Read(t.Context())
					if err == io.EOF {
						r.Close()
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					rows[i] = append(rows[i], in.rows(batch)...)
					at.from = r.(*reader).at.Load()
				}
				r.Close()
			}
		})
	}
	group.Wait()
	for i := range rows {
		checkSequence(t, i, n, rows[i])
	}
}

func TestFetchedForAnother(t *testing.T) {
	// What was fetched for a reader that is closed does not come to one that is opened
	// for the same partition before the client knows of it.
	client, err := Cluster{Brokers: []string{"127.0.0.1:1"}}.client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p := newPump(client, 1<<20)
	q, err := p.open(partition{"t", 0}, 50)
	if err != nil {
		t.Fatal(err)
	}
	fetched := func(offset int64, err error) kgo.Fetches {
		return kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "t", Partitions: []kgo.FetchPartition{{Err: err, Records: []*kgo.Record{{Offset: offset}}}}}}}}
	}
	p.deal(fetched(100, errors.New("of another offset")))
	p.apply()
	p.deal(fetched(50, nil))
	if records, err := q.next(false); err != nil || len(records) != 1 || records[0].Offset != 50 {
		t.Errorf("the reader gets %v, %v", records, err)
	}
}

func TestReadsWhatIsThere(t *testing.T) {
	// A reader that has rows does not wait for more, and one that is cancelled while
	// it waits goes on later.
	simulate(t, 1, func(t *testing.T, b *broker) {
		in := open[line](t, b.source(live()))
		r := in.reader(in.Splits()[0])
		for i := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if _, err := r.Read(ctx); err != context.DeadlineExceeded {
				t.Fatalf("read %v where there is nothing", err)
			}
			cancel()
			b.values("t", fmt.Sprint(i))
			written := time.Now()
			if got := textsOf(in.next(r, 1)); !slices.Equal(got, []string{fmt.Sprint(i)}) {
				t.Errorf("read %q", got)
			}
			if took := time.Since(written); took > 0 {
				t.Errorf("it took %s", took)
			}
		}
		synctest.Wait()
	})
}
