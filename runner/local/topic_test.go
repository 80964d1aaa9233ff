package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/codec"
	"github.com/leatflow/leat/sdk/connector"
)

// topic is a source with partitions to which a test appends rows while it is read,
// and to which it adds partitions.
type topic struct {
	name    string
	ends    bool // it is bounded: a partition ends where it is closed
	grows   bool
	mu      sync.Mutex
	parts   []*topicPart
	fresh   chan *topicPart // of partitions that were added; closed: there will be none
	opened  chan struct{}   // closed when the source has been opened
	reading int             // readers that are open
}

// topicPart is a partition.
type topicPart struct {
	topic *topic
	name  string
	rows  chan []event // closed: the end
	fails error        // what a read behind the end returns in place of io.EOF
	read  func()       // called before each read; may be nil
	taken int          // rows
}

func newTopic(name string, parts int) *topic {
	t := &topic{name: name, fresh: make(chan *topicPart), opened: make(chan struct{})}
	for range parts {
		t.parts = append(t.parts, t.part())
	}
	return t
}

func (t *topic) part() *topicPart {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &topicPart{topic: t, name: fmt.Sprintf("%s/%d", t.name, len(t.parts)), rows: make(chan []event, 1000)}
}

// add adds a partition to a topic that is read, and returns when that is known.
func (t *topic) add() *topicPart {
	p := t.part()
	t.mu.Lock()
	t.parts = append(t.parts, p)
	t.mu.Unlock()
	t.fresh <- p
	return p
}

func (t *topic) open() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reading
}

func (p *topicPart) put(rows ...event) { p.rows <- rows }

// String implements connector.Source.
func (t *topic) String() string { return "topic " + t.name }

// Bounded implements connector.Source.
func (t *topic) Bounded() bool { return t.ends }

// Partitioned implements connector.Partitioned.
func (t *topic) Partitioned() bool { return true }

// Validate implements connector.Source.
func (t *topic) Validate(*batch.Type) error { return nil }

// Open implements connector.Source.
func (t *topic) Open(context.Context, connector.Request) (connector.Input, error) {
	rows, err := codec.For[event]()
	if err != nil {
		return nil, err
	}
	close(t.opened)
	in := &topicInput{topic: t, codec: rows}
	if t.grows {
		return &growingTopic{in}, nil
	}
	return in, nil
}

type topicInput struct {
	*topic
	codec *codec.Codec[event]
}

// Splits implements connector.Input.
func (in *topicInput) Splits() (splits []connector.Split) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range in.parts {
		splits = append(splits, p.split())
	}
	return splits
}

func (p *topicPart) split() connector.Split {
	return connector.Split{Name: p.name, Rows: -1, Bytes: -1, Data: p}
}

// Reader implements connector.Input.
func (in *topicInput) Reader(_ context.Context, s connector.Split) (connector.Reader, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reading++
	return &topicReader{in, s.Data.(*topicPart)}, nil
}

// Close implements connector.Input.
func (in *topicInput) Close() error {
	if n := in.topic.open(); n != 0 {
		return fmt.Errorf("%d readers are open", n)
	}
	return nil
}

// growingTopic is one whose partitions are not all known.
type growingTopic struct{ *topicInput }

// More implements connector.Growing.
func (in *growingTopic) More(ctx context.Context) ([]connector.Split, error) {
	select {
	case p, ok := <-in.fresh:
		if !ok {
			return nil, io.EOF
		}
		if p.fails != nil && p.rows == nil {
			return nil, p.fails
		}
		return []connector.Split{p.split()}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type topicReader struct {
	*topicInput
	part *topicPart
}

// Read implements connector.Reader.
func (r *topicReader) Read(ctx context.Context) (*batch.Batch, error) {
	if r.part.read != nil {
		r.part.read()
	}
	select {
	case rows, ok := <-r.part.rows:
		if !ok {
			if r.part.fails != nil {
				return nil, r.part.fails
			}
			return nil, io.EOF
		}
		e := r.codec.NewEncoder()
		if err := e.Append(rows); err != nil {
			return nil, err
		}
		r.mu.Lock()
		r.part.taken += len(rows)
		r.mu.Unlock()
		return &batch.Batch{Root: e.Finish()}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements connector.Reader.
func (r *topicReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reading--
	return nil
}

var errBroken = errors.New("the line is broken")
