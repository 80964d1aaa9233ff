package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outages listens to the client's connections: it says when a broker does not
// answer, and when it does again, and ends the run when nobody has for too long.
// The client itself tries again in any case.
type outages struct {
	log   *slog.Logger
	limit time.Duration // 0: none
	fatal func(error)   // nil before the source is open, when others count the time

	mu      sync.Mutex
	brokers map[string]*outage // those that do not answer, by address: one has several ids
	silent  time.Time          // since when nobody has answered; zero: somebody has
}

// outage is that of a broker.
type outage struct {
	since time.Time
	told  time.Time // zero: not told
}

const (
	outageBlink = time.Second // shorter ones are part of a broker's life
	outageAgain = 30 * time.Second
)

func newOutages(log *slog.Logger, limit time.Duration) *outages {
	return &outages{log: log, limit: limit, brokers: make(map[string]*outage)}
}

// fails has f called when nobody has answered for too long. Brokers may be listened
// to already.
func (o *outages) fails(f func(error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fatal = f
}

var (
	_ kgo.HookBrokerConnect = (*outages)(nil)
	_ kgo.HookBrokerRead    = (*outages)(nil)
)

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (o *outages) OnBrokerConnect(b kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		o.bad(b, err)
	}
}

// OnBrokerRead implements kgo.HookBrokerRead.
func (o *outages) OnBrokerRead(b kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, err error) {
	if err != nil {
		o.bad(b, err)
		return
	}
	o.good(b)
}

func (o *outages) bad(b kgo.BrokerMetadata, err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed) {
		return // our own doing
	}
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.silent.IsZero() {
		o.silent = now
	}
	at := o.brokers[address(b)]
	if at == nil {
		at = &outage{since: now}
		o.brokers[address(b)] = at
	}
	if lasts := now.Sub(at.since); lasts >= outageBlink && (at.told.IsZero() || now.Sub(at.told) >= outageAgain) {
		at.told = now
		o.log.Warn("kafka: a broker does not answer; trying again", "broker", address(b), "for", lasts.Round(time.Second), "err", err)
	}
	if lasts := now.Sub(o.silent); o.limit > 0 && lasts > o.limit && o.fatal != nil {
		go o.fatal(&brokenError{fmt.Errorf("kafka: no broker has answered for %s, more than the OutageTimeout of %s: %w", lasts.Round(time.Second), o.limit, err)})
	}
}

func (o *outages) good(b kgo.BrokerMetadata) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.silent = time.Time{}
	at := o.brokers[address(b)]
	if at == nil {
		return
	}
	delete(o.brokers, address(b))
	if !at.told.IsZero() {
		o.log.Info("kafka: the broker answers again", "broker", address(b), "after", time.Since(at.since).Round(time.Second))
	}
}

func address(b kgo.BrokerMetadata) string { return fmt.Sprintf("%s:%d", b.Host, b.Port) }
