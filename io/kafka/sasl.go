package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Mechanism is a way to log in.
type Mechanism string

// The mechanisms.
const (
	ScramSHA256 Mechanism = "SCRAM-SHA-256"
	ScramSHA512 Mechanism = "SCRAM-SHA-512"
	OAuthBearer Mechanism = "OAUTHBEARER"
	Plain       Mechanism = "PLAIN" // sends the password itself: only with TLS
)

// SASL says as whom to log in.
type SASL struct {
	Mechanism Mechanism
	User      string // SCRAM and PLAIN
	Password  Secret // SCRAM and PLAIN
	Token     Secret // OAUTHBEARER; read for each connection, so a file may be renewed
}

// validate reports what is missing or contradicts itself. encrypted says that
// there is TLS.
func (s *SASL) validate(encrypted bool) error {
	errs := []error{s.Password.Validate("password"), s.Token.Validate("token")}
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("kafka: SASL: "+format, args...)) }
	switch s.Mechanism {
	case ScramSHA256, ScramSHA512, Plain:
		if s.User == "" {
			add("%s needs a User", s.Mechanism)
		}
		if s.Password.IsZero() {
			add("%s needs a Password; give it as kafka.SecretFile or kafka.SecretEnv", s.Mechanism)
		}
		if !s.Token.IsZero() {
			add("%s has no Token; it is for %s", s.Mechanism, OAuthBearer)
		}
	case OAuthBearer:
		if s.Token.IsZero() {
			add("%s needs a Token; give it as kafka.SecretFile or kafka.SecretEnv", s.Mechanism)
		}
		if s.User != "" || !s.Password.IsZero() {
			add("%s has neither User nor Password; the Token says who you are", s.Mechanism)
		}
	default:
		add("no mechanism %q; there are %s, %s, %s and %s", s.Mechanism, ScramSHA256, ScramSHA512, OAuthBearer, Plain)
	}
	if !encrypted && (s.Mechanism == Plain || s.Mechanism == OAuthBearer) {
		add("%s sends the secret itself, and without TLS anybody on the way can read it; set Cluster.TLS, or use %s", s.Mechanism, ScramSHA512)
	}
	return errors.Join(errs...)
}

// mechanism returns what the client logs in with. Secrets are read at each login.
func (s *SASL) mechanism() sasl.Mechanism {
	switch s.Mechanism {
	case OAuthBearer:
		return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := s.Token.Read("token")
			if err != nil {
				return oauth.Auth{}, &secretError{err}
			}
			return oauth.Auth{Token: token}, nil
		})
	case Plain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := s.Password.Read("password")
			if err != nil {
				return plain.Auth{}, &secretError{err}
			}
			return plain.Auth{User: s.User, Pass: password}, nil
		})
	}
	login := func(context.Context) (scram.Auth, error) {
		password, err := s.Password.Read("password")
		if err != nil {
			return scram.Auth{}, &secretError{err}
		}
		return scram.Auth{User: s.User, Pass: password}, nil
	}
	if s.Mechanism == ScramSHA512 {
		return scram.Sha512(login)
	}
	return scram.Sha256(login)
}

// secretError is a secret that could not be read.
type secretError struct{ err error }

// Error implements error.
func (e *secretError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *secretError) Unwrap() error { return e.err }

// errLogin is a connection that ended in the middle of a login, which some brokers
// prefer to an answer.
var errLogin = errors.New("the connection ended during the login")

// watched tells a dialing that a login has begun and that it has ended well.
type watched struct {
	sasl.Mechanism
	dialing *dialing
}

func (d *dialing) watch(m sasl.Mechanism) sasl.Mechanism { return &watched{m, d} }

// Authenticate implements sasl.Mechanism.
func (w *watched) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := w.Mechanism.Authenticate(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	w.dialing.note(errLogin)
	return &watchedSession{session, w.dialing}, first, nil
}

type watchedSession struct {
	sasl.Session
	dialing *dialing
}

// Challenge implements sasl.Session.
func (w *watchedSession) Challenge(answer []byte) (bool, []byte, error) {
	done, next, err := w.Session.Challenge(answer)
	if done && err == nil {
		w.dialing.note(nil)
	}
	return done, next, err
}
