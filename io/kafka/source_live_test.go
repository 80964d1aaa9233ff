package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/message"
)

// simulate runs a test over a virtual network, where time passes when all wait.
func simulate(t *testing.T, partitions int32, f func(t *testing.T, b *broker)) {
	synctest.Test(t, func(t *testing.T) {
		b := startAt(t, new(kfake.VirtualNetwork), kfake.NumBrokers(1), kfake.SeedTopics(partitions, "t"))
		f(t, b)
	})
}

// journal is a log to look at.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func live() Source {
	s := lines("t")
	s.From = Earliest
	return s
}

func TestPartitionsAdded(t *testing.T) {
	// A partition that is added to a topic is a new split, read from its first
	// record, and that is logged.
	simulate(t, 1, func(t *testing.T, b *broker) {
		var j journal
		s := live()
		s.From, s.Log = Latest, j.log()
		in := open[line](t, b.source(s))
		if n := len(in.Splits()); n != 1 {
			t.Fatalf("%d splits", n)
		}
		if _, err := b.admin.UpdatePartitions(t.Context(), 3, "t"); err != nil {
			t.Fatal(err)
		}
		b.client.ForceMetadataRefresh()
		time.Sleep(time.Second)
		b.produce(&kgo.Record{Topic: "t", Partition: 2, Value: []byte("early")})
		more, err := in.Input.(connector.Growing).More(t.Context())
		if err != nil || len(more) != 2 || more[0].Name != "t/1" || more[1].Name != "t/2" {
			t.Fatalf("%v, %v", more, err)
		}
		if got := in.next(in.reader(more[1]), 1); got[0].Text != "early" {
			t.Errorf("read %v", got)
		}
		if log := j.String(); !strings.Contains(log, "new partitions") || !strings.Contains(log, "partitions=3") {
			t.Errorf("the log says %q", log)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		if more, err := in.Input.(connector.Growing).More(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v where nothing is new", more, err)
		}
	})
}

func TestTopicsThatChange(t *testing.T) {
	// A topic that is deleted, made anew or shrinks while it is read ends the run,
	// readers and the wait for new partitions alike.
	remake := func(partitions int32) func(*broker) error {
		return func(b *broker) error {
			if err := b.DeleteTopic("t"); err != nil {
				return err
			}
			return b.CreateTopic("t", partitions, nil)
		}
	}
	for name, c := range map[string]struct {
		change func(*broker) error
		words  []string
	}{
		"deleted": {func(b *broker) error { return b.DeleteTopic("t") }, []string{`"t"`, "deleted"}},
		"remade":  {remake(2), []string{"t", "made anew", "start afresh"}},
		"smaller": {remake(1), []string{"t", "made anew", "start afresh"}},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 2, func(t *testing.T, b *broker) {
				b.values("t", "a")
				in := open[line](t, b.source(live()))
				r, idle := in.reader(in.Splits()[0]), in.reader(in.Splits()[1])
				if got := in.next(r, 1); got[0].Text != "a" {
					t.Fatalf("read %v", got)
				}
				if err := c.change(b); err != nil {
					t.Fatal(err)
				}
				_, err := r.Read(t.Context())
				expect(t, err, c.words...)
				_, err = idle.Read(t.Context())
				expect(t, err, c.words...)
				_, err = in.Input.(connector.Growing).More(t.Context())
				expect(t, err, c.words...)
			})
		})
	}
}

func TestCompare(t *testing.T) {
	// What a look at a topic says about it. A topic that some broker does not know for
	// a moment, or that has no leader, is no reason to end.
	id := kadm.TopicID{1}
	in := newInput(Source{Topics: []string{"t"}}, nil, connector.Request{})
	in.client = &link{dialing: &dialing{}}
	in.topics["t"] = topicState{id, 3}
	partitions := func(n int32) kadm.PartitionDetails {
		all := kadm.PartitionDetails{}
		for i := range n {
			all[i] = kadm.PartitionDetail{Partition: i}
		}
		return all
	}
	for _, now := range []kadm.TopicDetail{{ID: id, Partitions: partitions(3)}, {ID: id}, {Err: kerr.LeaderNotAvailable}} {
		if err := in.compare(t.Context(), "t", now); err != nil {
			t.Errorf("%v: %v", now, err)
		}
	}
	expect(t, in.compare(t.Context(), "t", kadm.TopicDetail{ID: id, Partitions: partitions(2)}), "had 3 partitions and has 2", "start afresh")
	expect(t, in.compare(t.Context(), "t", kadm.TopicDetail{ID: kadm.TopicID{2}, Partitions: partitions(3)}), "made anew")
	expect(t, in.compare(t.Context(), "t", kadm.TopicDetail{Err: kerr.TopicAuthorizationFailed}), `topic "t"`, "Read and Describe")
	expect(t, in.compare(t.Context(), "t", kadm.TopicDetail{Err: kerr.UnknownTopicOrPartition}), "deleted")
}

// wire is a network that can be cut.
type wire struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (w *wire) connect(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("the wire is cut")}
	}
	conn, err := w.dial(ctx, network, address)
	if err == nil {
		w.conns = append(w.conns, conn)
	}
	return conn, err
}

func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut = cut; cut {
		for _, c := range w.conns {
			c.Close()
		}
		w.conns = nil
	}
}

func TestOutage(t *testing.T) {
	// While no broker answers the source waits, and says so; when one does it goes on
	// where it was, and says that.
	simulate(t, 1, func(t *testing.T, b *broker) {
		var j journal
		w := &wire{dial: b.dial}
		s := live()
		s.Log = j.log()
		s = b.source(s)
		s.Cluster.Dial = w.connect
		in := open[line](t, s)
		r := in.reader(in.Splits()[0])
		b.values("t", "a")
		in.next(r, 1)
		w.set(true)
		b.values("t", "b", "c")
		time.AfterFunc(10*time.Minute, func() { w.set(false) })
		if got := textsOf(in.next(r, 2)); !slices.Equal(got, []string{"b", "c"}) {
			t.Errorf("read %q", got)
		}
		log := j.String()
		if n := strings.Count(log, "does not answer"); n < 10 || n > 25 || !strings.Contains(log, "the wire is cut") || !strings.Contains(log, "answers again") {
			t.Errorf("the log says %d times that a broker does not answer:\n%s", n, log)
		}
	})
}

func TestOutageTimeout(t *testing.T) {
	// No broker for longer than OutageTimeout ends the run.
	simulate(t, 1, func(t *testing.T, b *broker) {
		w := &wire{dial: b.dial}
		s := live()
		s.OutageTimeout = 5 * time.Minute
		s = b.source(s)
		s.Cluster.Dial = w.connect
		in := open[line](t, s)
		r := in.reader(in.Splits()[0])
		time.Sleep(20 * time.Minute) // in which nothing comes, but brokers answer
		w.set(true)
		cut := time.Now()
		_, err := r.Read(t.Context())
		expect(t, err, "no broker has answered for 5m", "OutageTimeout of 5m", "the wire is cut")
		if took := time.Since(cut); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// moody is raw, but for a while cannot decode a payload.
type moody struct {
	message.Raw
	mu    sync.Mutex
	times map[string]int // still to fail, by payload
}

type moodyDecoder struct {
	message.Decoder
	format *moody
}

func (m *moody) Decoder(ctx context.Context, r message.DecodeRequest) (message.Decoder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times["decoder"] > 0 {
		m.times["decoder"]--
		return nil, &message.Unavailable{Err: errors.New("registry away")}
	}
	d, err := m.Raw.Decoder(ctx, r)
	return moodyDecoder{d, m}, err
}

func (d moodyDecoder) Decode(ctx context.Context, payload []byte) error {
	d.format.mu.Lock()
	defer d.format.mu.Unlock()
	if d.format.times[string(payload)] > 0 {
		d.format.times[string(payload)]--
		return fmt.Errorf("schema 7: %w", &message.Unavailable{Err: errors.New("registry away")})
	}
	return d.Decoder.Decode(ctx, payload)
}

func TestUnavailable(t *testing.T) {
	// A format that cannot decode a record for now is asked again, with pauses, and
	// nothing is passed over; rows before it are not held back.
	simulate(t, 1, func(t *testing.T, b *broker) {
		var j journal
		s := live()
		s.Log, s.To = j.log(), End
		s.Format = &moody{times: map[string]int{"b": 8, "d": 1, "decoder": 3}}
		b.values("t", "a", "b", "c", "d", "e")
		in := open[line](t, b.source(s))
		r := in.reader(in.Splits()[0])
		if first := textsOf(in.next(r, 1)); !slices.Equal(first, []string{"a"}) {
			t.Errorf("read %q first", first)
		}
		began := time.Now()
		got, _ := in.drain(r)
		if !slices.Equal(textsOf(got), []string{"b", "c", "d", "e"}) || len(in.bad) > 0 {
			t.Errorf("read %q, bad %v", textsOf(got), in.bad)
		}
		if took := time.Since(began); took < 10*time.Second || took > time.Minute {
			t.Errorf("it took %s", took)
		}
		if log := j.String(); strings.Count(log, "values cannot be decoded for now") != 3 || !strings.Contains(log, "t/0@1") || !strings.Contains(log, "registry away") {
			t.Errorf("the log says %q", log)
		}
	})
}

func TestCommits(t *testing.T) {
	// Positions are committed to the group now and then and at the end, and a new
	// source does not read them.
	simulate(t, 2, func(t *testing.T, b *broker) {
		s := live()
		s.Group = "lag"
		b.values("t", "a", "b", "c")
		committed := func() int64 {
			got, err := b.admin.FetchOffsets(t.Context(), "lag")
			if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
				t.Fatal(err)
			}
			o, ok := got.Lookup("t", 0)
			if !ok {
				return -1
			}
			return o.At
		}
		in := open[line](t, b.source(s))
		r := in.reader(in.Splits()[0])
		in.next(r, 3)
		if at := committed(); at != -1 {
			t.Errorf("committed %d at once", at)
		}
		time.Sleep(commitInterval + time.Second)
		if at := committed(); at != 3 {
			t.Errorf("committed %d, want 3", at)
		}
		b.values("t", "d")
		in.next(r, 1)
		r.Close()
		in.Close()
		if at := committed(); at != 4 {
			t.Errorf("committed %d at the end, want 4", at)
		}
		again := open[line](t, b.source(s))
		if got := again.next(again.reader(again.Splits()[0]), 4); got[0].Text != "a" {
			t.Errorf("read %v again", got)
		}
	})
}

// mute returns a connection on which nobody answers.
func mute() net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		buffer := make([]byte, 4096)
		for {
			if _, err := theirs.Read(buffer); err != nil {
				theirs.Close()
				return
			}
		}
	}()
	return ours
}

func TestSilentBroker(t *testing.T) {
	// A broker that takes connections and says nothing holds up neither Open, beyond
	// ConnectTimeout, nor Close.
	for _, from := range []int{1, 2, 3, 4} { // the connection that is the first not to be answered
		t.Run(fmt.Sprint(from), func(t *testing.T) {
			simulate(t, 1, func(t *testing.T, b *broker) {
				made, answered := 0, sync.Mutex{}
				s := live()
				s.Group = "lag"
				s = b.source(s)
				s.Cluster.ConnectTimeout = 5 * time.Second
				s.Cluster.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					answered.Lock()
					defer answered.Unlock()
					if made++; made >= from {
						return mute(), nil
					}
					return b.dial(ctx, network, address)
				}
				began := time.Now()
				in, err := tryOpen[line](t, s)
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("Open took %s", took)
				}
				if err != nil {
					expect(t, err, "do not answer")
					return
				}
				r := in.reader(in.Splits()[0])
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := r.Read(ctx); err != context.DeadlineExceeded {
					t.Errorf("Read: %v", err)
				}
				began = time.Now()
				r.Close()
				in.Close()
				if took := time.Since(began); took > 8*time.Second {
					t.Errorf("Close took %s", took)
				}
			})
		})
	}
}
