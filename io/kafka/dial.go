package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// dialTimeout is how long a connection may take, with its handshake.
const dialTimeout = 10 * time.Second

// dialing makes the connections of a client and remembers the last failure: the
// client tries again by itself, and when time is up it only says so.
type dialing struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil: the machine's
	config *tls.Config                                                          // nil: no TLS

	mu    sync.Mutex
	last  error // nil: the last one went well
	conns map[*connection]bool
	over  bool // there are to be no connections any more
}

// connection is one that hangUp can end.
type connection struct {
	net.Conn
	dialing *dialing
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.dialing.mu.Lock()
	delete(c.dialing.conns, c)
	c.dialing.mu.Unlock()
	return c.Conn.Close()
}

// keep remembers a connection.
func (d *dialing) keep(conn net.Conn) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if d.conns == nil {
		d.conns = make(map[*connection]bool)
	}
	c := &connection{conn, d}
	d.conns[c] = true
	return c, nil
}

// hangUp ends all connections, and there will be no others: whoever waits for a
// broker waits no more.
func (d *dialing) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	for c := range d.conns {
		_ = c.Conn.Close()
	}
}

// connect is what the client calls.
func (d *dialing) connect(ctx context.Context, network, address string) (net.Conn, error) {
	limit, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := d.open(limit, network, address)
	if ctx.Err() == nil { // else nobody waits for it any more, and it says nothing of the broker
		d.note(err)
	}
	if err != nil {
		return nil, err
	}
	return d.keep(conn)
}

func (d *dialing) open(ctx context.Context, network, address string) (net.Conn, error) {
	dial := d.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil || d.config == nil {
		return conn, err
	}
	config := d.config
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		config = config.Clone()
		config.ServerName = host
	}
	// What is there to say when it never ends.
	d.note(&handshakeError{address: address, err: errors.New("no answer")})
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &handshakeError{address: address, err: err}
	}
	return secure, nil
}

// note remembers why a connection could not be made, or nil.
func (d *dialing) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = err
}

// failure returns why the last connection could not be made, or nil.
func (d *dialing) failure() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// handshakeError is a connection on which TLS could not be agreed.
type handshakeError struct {
	address string
	err     error
}

// Error implements error.
func (e *handshakeError) Error() string {
	return "TLS handshake with " + e.address + ": " + e.err.Error()
}

// Unwrap returns the cause.
func (e *handshakeError) Unwrap() error { return e.err }
