package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// attempt is what was tried when an error came, for the message.
type attempt struct {
	doing     string // reading, writing; empty: connecting
	topic     string // empty: nothing with a topic
	partition int32  // counts where there is a topic; -1: none in particular
	operation string // what an ACL must allow: Write, Read, Describe …
}

// place says what the attempt was about.
func (a attempt) place() string {
	switch {
	case a.topic == "":
		return ""
	case a.partition < 0:
		return fmt.Sprintf("%s topic %q: ", a.doing, a.topic)
	}
	return fmt.Sprintf("%s topic %q partition %d: ", a.doing, a.topic, a.partition)
}

// explain turns an error of the client into one that says what was found, where,
// and what to do about it. The error itself is wrapped. nil stays nil.
func (l *link) explain(err error, a attempt) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if last := l.dialing.failure(); last != nil && vague(err, last) {
		err = fmt.Errorf("%w: %w", err, last)
	}
	return l.cluster.explain(err, a)
}

// vague reports whether what a connection failed of last says more than an error of
// the client: one that has run out of time no longer knows why, and one whose
// connection was closed does not say that it was in the middle of a login.
func vague(err, last error) bool {
	closed := errors.Is(err, io.EOF) || closedByPeer(err)
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrRecordTimeout) || closed && errors.Is(last, errLogin)
}

// explain is link.explain for one who has no link.
func (c Cluster) explain(err error, a attempt) error {
	for _, reason := range []func(Cluster, error, attempt) string{secretReason, certificateReason, handshakeReason, loginReason, permissionReason, topicReason, recordReason, networkReason} {
		if text := reason(c, err, a); text != "" {
			return fmt.Errorf("kafka: %s%s (%w)", a.place(), text, err)
		}
	}
	return fmt.Errorf("kafka: %s%w", a.place(), err)
}

func secretReason(_ Cluster, err error, _ attempt) string {
	if _, ok := errors.AsType[*secretError](err); ok {
		return "cannot log in without the secret"
	}
	return ""
}

// certificateReason is a certificate of a broker that is not accepted.
func certificateReason(c Cluster, err error, _ attempt) string {
	if c.TLS == nil {
		return ""
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if c.TLS.CAFile == "" {
			return "the certificate of the broker is from an authority that this machine does not trust; name its certificate in TLS.CAFile"
		}
		return fmt.Sprintf("the certificate of the broker is not from an authority in TLS.CAFile %s", c.TLS.CAFile)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf("the certificate of the broker holds from %s to %s only; renew it, or set the clock of this machine",
			invalid.Cert.NotBefore.UTC().Format("2006-01-02 15:04 MST"), invalid.Cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	}
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate of the broker is for %s and not for %s; connect by a name it has, or set TLS.ServerName", names(name.Certificate), name.Host)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate of the broker cannot be verified"
	}
	return ""
}

// names lists whom a certificate is for.
func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no host at all"
	}
	return strings.Join(all, ", ")
}

// handshakeReason is TLS spoken to one who does not, the other way round, or a
// certificate of ours that the broker does not accept.
func handshakeReason(c Cluster, err error, _ attempt) string {
	if c.TLS == nil {
		first, ok := errors.AsType[*kgo.ErrFirstReadEOF](err)
		switch {
		case ok && c.SASL == nil && strings.Contains(first.Error(), "SASL"):
			return "the broker closed the connection at the first request; it may want a login, set Cluster.SASL"
		case ok:
			return "the broker closed the connection at the first bytes; its port may speak TLS, set Cluster.TLS or use the port without"
		}
		return ""
	}
	var alert tls.AlertError
	if errors.As(err, &alert) || strings.Contains(err.Error(), "remote error: tls:") {
		return "the broker does not accept this side of the TLS connection; where it asks for a certificate, give one that it trusts in TLS.CertFile and TLS.KeyFile"
	}
	_, failed := errors.AsType[*handshakeError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	if record || failed && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || closedByPeer(err)) {
		return "the broker does not answer a TLS handshake; its port may speak plain text, use the TLS port or leave Cluster.TLS out"
	}
	return ""
}

// loginReason is SASL that went wrong.
func loginReason(c Cluster, err error, _ attempt) string {
	refused := errors.Is(err, kerr.SaslAuthenticationFailed) || errors.Is(err, errLogin)
	switch {
	case refused && c.SASL != nil && c.SASL.Mechanism == OAuthBearer:
		return "the broker does not accept the token; it may have expired"
	case refused && c.SASL != nil:
		return fmt.Sprintf("the broker does not accept user %q with this password by %s; check both, and that the user was made for this mechanism", c.SASL.User, c.SASL.Mechanism)
	case errors.Is(err, kerr.UnsupportedSaslMechanism) && c.SASL != nil:
		return fmt.Sprintf("the broker has no login by %s; ask which SASL mechanisms its port has", c.SASL.Mechanism)
	case errors.Is(err, kerr.IllegalSaslState):
		return "the broker wants no login on this port; leave Cluster.SASL out, or use the port that has one"
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok && c.SASL == nil {
		return "the broker closed the connection at the first request; it may want a login, set Cluster.SASL"
	}
	return ""
}

// permissionReason names what an ACL must allow.
func permissionReason(c Cluster, err error, a attempt) string {
	who := "this client"
	if c.SASL != nil && c.SASL.User != "" {
		who = fmt.Sprintf("user %q", c.SASL.User)
	}
	resource, operation := "", a.operation
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		resource = fmt.Sprintf("topic %q", a.topic)
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		resource = "the cluster"
		if a.operation == "Write" {
			operation = "IdempotentWrite"
		}
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		resource = "the consumer group"
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		resource = "the transactional id"
	default:
		return ""
	}
	if operation == "" {
		operation = "this operation"
	}
	return fmt.Sprintf("%s has no permission: an ACL must allow %s on %s", who, operation, resource)
}

// topicReason is a topic that is not there or does not take what is sent.
func topicReason(_ Cluster, err error, a attempt) string {
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return "there is no such topic or partition, or it was deleted while the job ran, or its existence may not be seen (ACL Describe)"
	case errors.Is(err, kerr.InconsistentTopicID):
		return "the topic was deleted and made again while the job ran; start the job again if it is still the right one"
	case errors.Is(err, kerr.InvalidTopicException):
		return fmt.Sprintf("%q cannot be the name of a topic", a.topic)
	case errors.Is(err, kerr.NotEnoughReplicas), errors.Is(err, kerr.NotEnoughReplicasAfterAppend):
		return "fewer replicas are in sync than min.insync.replicas of the topic asks for; brokers are down or behind"
	}
	return ""
}

// recordReason is a record that is not taken.
func recordReason(_ Cluster, err error, _ attempt) string {
	switch {
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		return "the broker refuses the batch as too large; max.message.bytes of the topic is smaller than Sink.MaxRecordBytes"
	case errors.Is(err, kerr.InvalidRecord):
		return "the broker refuses the records; a compacted topic takes none without a key, and some topics check schemas or times"
	case errors.Is(err, kerr.InvalidTimestamp):
		return "the broker refuses the times of the records; message.timestamp.before.max.ms and after.max.ms of the topic say which it takes"
	case errors.Is(err, kerr.UnsupportedCompressionType):
		return "the broker does not know this compression; choose another in Sink.Compression"
	}
	return ""
}

// networkReason is a broker that cannot be reached.
func networkReason(c Cluster, err error, _ attempt) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fmt.Sprintf("there is no host %q; check Cluster.Brokers, and advertised.listeners of the brokers", dns.Name)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		at := c.String()
		if op.Addr != nil {
			at = op.Addr.String()
		}
		return fmt.Sprintf("no broker can be reached at %s; check that it runs, the port, and advertised.listeners of the brokers", at)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Sprintf("the brokers %s do not answer in time", c)
	}
	if errors.Is(err, kgo.ErrRecordTimeout) {
		return "the broker has not acknowledged a record in the time of Sink.DeliveryTimeout; look at its load and its disks, and whether enough replicas are in sync"
	}
	if closedByPeer(err) || errors.Is(err, io.EOF) {
		return fmt.Sprintf("a broker of %s closed the connection", c)
	}
	return ""
}

// closedByPeer reports whether the other side has ended the connection.
func closedByPeer(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}
