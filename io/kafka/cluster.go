// Package kafka reads and writes topics of Apache Kafka.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Cluster says how to reach a Kafka cluster. It is shared by sources and sinks.
type Cluster struct {
	Brokers []string // host:port of some brokers; the others are found through them
	TLS     *TLS     // nil: connections are not encrypted
	SASL    *SASL    // nil: nobody logs in

	// ConnectTimeout is how long the brokers may take to answer when a run begins;
	// zero: 20 s.
	ConnectTimeout time.Duration

	// Dial makes connections in place of the machine's dialer: through a proxy, or
	// to brokers in a test.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`
}

const connectTimeout = 20 * time.Second

// Validate reports the mistakes that can be seen without I/O, all of them joined.
func (c Cluster) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("kafka: no brokers; name at least one as host:port"))
	}
	for _, b := range c.Brokers {
		if host, port, err := net.SplitHostPort(b); err != nil || host == "" || port == "" {
			errs = append(errs, fmt.Errorf("kafka: broker %q; name it as host:port, such as localhost:9092", b))
		}
	}
	if c.TLS != nil {
		errs = append(errs, c.TLS.validate())
	}
	if c.SASL != nil {
		errs = append(errs, c.SASL.validate(c.TLS != nil))
	}
	if c.ConnectTimeout < 0 {
		errs = append(errs, fmt.Errorf("kafka: ConnectTimeout is %s; give a positive one, or zero for %s", c.ConnectTimeout, connectTimeout))
	}
	return errors.Join(errs...)
}

// String names the cluster: its brokers, and what is unusual about it.
func (c Cluster) String() string {
	return strings.Join(c.Brokers, ",") + c.unusual()
}

// unusual is what those who look at a plan should see; mostly nothing.
func (c Cluster) unusual() string {
	if c.TLS != nil && c.TLS.InsecureSkipVerify {
		return " (INSECURE: certificates are not verified)"
	}
	return ""
}

// link is a client that remembers why it could not connect.
type link struct {
	*kgo.Client
	cluster Cluster
	dialing *dialing
}

// link returns a client with the options that the cluster implies, and others. It
// does not connect yet.
func (c Cluster) link(options ...kgo.Opt) (*link, error) {
	d := &dialing{dial: c.Dial}
	all := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID("leat"), kgo.Dialer(d.connect),
		kgo.MetadataMinAge(250 * time.Millisecond)} // a new leader is found at once; the default waits 5 s
	if c.TLS != nil {
		config, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		d.config = config
	}
	if c.SASL != nil {
		all = append(all, kgo.SASL(d.watch(c.SASL.mechanism())))
	}
	client, err := kgo.NewClient(append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return &link{Client: client, cluster: c, dialing: d}, nil
}

// closeTime is how long the client may take to say goodbye to its brokers.
const closeTime = 2 * time.Second

// Close closes the client. It would wait for a broker that does not answer.
func (l *link) Close() {
	late := time.AfterFunc(closeTime, l.dialing.hangUp)
	defer late.Stop()
	l.Client.Close()
}

// connect returns a client of which some broker has answered. What keeps brokers
// from answering is said as explain says it.
func (c Cluster) connect(ctx context.Context, options ...kgo.Opt) (*link, error) {
	l, err := c.link(options...)
	if err != nil {
		return nil, err
	}
	if err := l.reach(ctx); err != nil {
		l.Close()
		return nil, l.explain(err, attempt{})
	}
	if c.TLS != nil && c.TLS.InsecureSkipVerify {
		slog.Warn("kafka: TLS.InsecureSkipVerify is set: certificates of brokers are not verified, anybody on the way can read and change what is sent", "brokers", c.Brokers)
	}
	return l, nil
}

// reach waits until some broker answers.
func (l *link) reach(ctx context.Context) error {
	limit, cancel := l.patience(ctx)
	defer cancel()
	return l.within(limit, l.Ping)
}

// within calls a function that asks the brokers and ends it when limit does, and the
// client with it: the client goes on waiting for a silent broker beyond the end of a
// context, so the function runs beside, and closing the client ends it.
func (l *link) within(limit context.Context, ask func(context.Context) error) error {
	answer := make(chan error, 1)
	go func() { answer <- ask(limit) }()
	select {
	case err := <-answer:
		return err
	case <-limit.Done():
		l.Close()
		<-answer
		return limit.Err()
	}
}

// patience bounds what is asked at the beginning of a run.
func (l *link) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := l.cluster.ConnectTimeout
	if limit == 0 {
		limit = connectTimeout
	}
	return context.WithTimeout(ctx, limit)
}
