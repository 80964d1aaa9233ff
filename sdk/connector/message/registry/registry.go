// Package registry asks a Confluent-compatible schema registry for the schemas of
// payloads, and tells it those of payloads to be written.
//
// A payload says which schema it was written with (wire.go draws it). A schema
// never changes under its id, so each is asked for once:
//
//	id in the cache        its schema
//	unknown to it (404)    UnknownID: the record is bad; asked again after 10 s
//	anything else          message.Unavailable: the record is tried again
//
// While one goroutine asks for an id, others that need it wait for the answer.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/secret"
)

// Registry is a schema registry and the cache of what it has said. One value is
// shared by all that use it; it must not be copied after it was used.
type Registry struct {
	// URLs are where the registry answers, http or https; the next one is tried
	// when one cannot be reached. Names and passwords do not belong in them.
	URLs []string
	// Client makes the requests; nil means one that gives up after 10 s. TLS with
	// certificates of one's own and proxies are set up in its Transport.
	Client *http.Client
	// User and Password log in by HTTP's basic authentication, Token as a bearer.
	// They are read for each request, so that a file may be renewed, and sent
	// without TLS only to this machine.
	User     string
	Password secret.Secret
	Token    secret.Secret
	// Authorize returns the value of the Authorization header for all else that
	// registries want; it is called for each request.
	Authorize func(ctx context.Context) (string, error)

	once   sync.Once
	client *sr.Client
	broken error // why there is no client

	mu      sync.Mutex
	entries map[int]*entry
}

// Schema is a schema as the registry keeps it.
type Schema struct {
	Type sr.SchemaType
	Text string
	// References are the schemas this one refers to by name, each behind those it
	// refers to itself.
	References []Reference
}

// Reference is a schema that another refers to.
type Reference struct{ Name, Text string }

// UnknownID is the error for an id that the registry does not know.
type UnknownID struct {
	ID       int
	Registry string
}

// Error names both.
func (u *UnknownID) Error() string {
	return fmt.Sprintf("the schema registry %s knows no schema with id %d; was the record written with another registry?", u.Registry, u.ID)
}

// String names the registry for messages.
func (r *Registry) String() string { return strings.Join(r.URLs, ", ") }

// Validate finds mistakes in the URLs and the login.
func (r *Registry) Validate() error {
	if len(r.URLs) == 0 {
		return errors.New("the schema registry has no URLs, such as http://localhost:8081")
	}
	errs := []error{r.Password.Validate("password of the schema registry"), r.Token.Validate("token of the schema registry")}
	for _, raw := range r.URLs {
		u, err := url.Parse(raw)
		switch {
		case err == nil && u.User != nil:
			errs = append(errs, errors.New("a URL of the schema registry has a name or password in it; it would be printed: use User and Password"))
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			errs = append(errs, errors.New("a URL of the schema registry is not of the form http://host:8081 or https://host"))
		case u.Scheme == "http" && r.logins() > 0 && !loopback(u.Hostname()):
			errs = append(errs, fmt.Errorf("the schema registry %s would get a password or token without TLS, and anybody on the way can read it; use https", raw))
		}
	}
	if r.logins() > 1 {
		errs = append(errs, errors.New("the schema registry has more than one of Password, Token and Authorize"))
	}
	if (r.User == "") != r.Password.IsZero() {
		errs = append(errs, errors.New("the schema registry has one of User and Password without the other"))
	}
	return errors.Join(errs...)
}

// logins counts the ways to log in.
func (r *Registry) logins() int {
	n := 0
	for _, given := range []bool{!r.Password.IsZero(), !r.Token.IsZero(), r.Authorize != nil} {
		if given {
			n++
		}
	}
	return n
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (r *Registry) open() (*sr.Client, error) {
	r.once.Do(func() {
		if r.broken = r.Validate(); r.broken != nil {
			return
		}
		client := &http.Client{Timeout: 10 * time.Second}
		if r.Client != nil {
			*client = *r.Client
		}
		client.Transport = bounded{client.Transport}
		r.entries = make(map[int]*entry)
		r.client, r.broken = sr.NewClient(sr.URLs(r.URLs...), sr.HTTPClient(client), sr.UserAgent("leat"), sr.PreReq(r.authorize))
	})
	return r.client, r.broken
}

// authorize puts the login into a request.
func (r *Registry) authorize(req *http.Request) error {
	switch {
	case r.Authorize != nil:
		value, err := r.Authorize(req.Context())
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", value)
	case !r.Password.IsZero():
		value, err := r.Password.Read("password of the schema registry")
		if err != nil {
			return err
		}
		req.SetBasicAuth(r.User, value)
	case !r.Token.IsZero():
		value, err := r.Token.Read("token of the schema registry")
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+value)
	}
	return nil
}

// answerMax bounds an answer of the registry, in bytes.
const answerMax = 16 << 20

// bounded is a transport whose answers end after answerMax bytes.
type bounded struct{ under http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	under := b.under
	if under == nil {
		under = http.DefaultTransport
	}
	resp, err := under.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, answerMax), resp.Body}
	return resp, nil
}

// entry is what is known of an id. Who holds its turn may look and ask.
type entry struct {
	turn    chan struct{}
	schema  *Schema
	unknown time.Time // when the registry last did not know it
}

// entriesMax bounds the cache against payloads with any number for an id.
const entriesMax = 1 << 16

// unknownFor is how long an id stays unknown without being asked for again.
const unknownFor = 10 * time.Second

// Schema returns the schema of an id: from the cache, or from the registry. The
// error is an *UnknownID, an error about the schema, or a *message.Unavailable.
func (r *Registry) Schema(ctx context.Context, id int) (*Schema, error) {
	client, err := r.open()
	if err != nil {
		return nil, err
	}
	e := r.entry(id)
	select {
	case <-e.turn:
	case <-ctx.Done():
		return nil, &message.Unavailable{Err: ctx.Err()}
	}
	defer func() { e.turn <- struct{}{} }()
	if e.schema != nil {
		return e.schema, nil
	}
	if time.Since(e.unknown) < unknownFor {
		return nil, &UnknownID{ID: id, Registry: r.String()}
	}
	found, err := client.SchemaByID(ctx, id)
	if notFound(err, sr.ErrSchemaNotFound) {
		e.unknown = time.Now()
		return nil, &UnknownID{ID: id, Registry: r.String()}
	}
	if err != nil {
		return nil, r.unavailable(fmt.Sprintf("the schema with id %d", id), err)
	}
	s := &Schema{Type: found.Type, Text: found.Schema}
	if err := r.references(ctx, client, found.References, map[sr.SchemaReference]bool{}, s); err != nil {
		return nil, err
	}
	e.schema = s
	return s, nil
}

// entry returns the entry of an id, which is made when it is new.
func (r *Registry) entry(id int) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[id]
	if e == nil {
		if len(r.entries) >= entriesMax { // ids out of nowhere: ask anew for all
			clear(r.entries)
		}
		e = &entry{turn: make(chan struct{}, 1)}
		e.turn <- struct{}{}
		r.entries[id] = e
	}
	return e
}

// references adds the schemas that s refers to, directly or not, once each.
func (r *Registry) references(ctx context.Context, client *sr.Client, refs []sr.SchemaReference, seen map[sr.SchemaReference]bool, s *Schema) error {
	for _, ref := range refs {
		if seen[ref] {
			continue
		}
		seen[ref] = true
		found, err := client.SchemaByVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return r.unavailable(fmt.Sprintf("version %d of subject %s, which a schema refers to as %s", ref.Version, ref.Subject, ref.Name), err)
		}
		if err := r.references(ctx, client, found.References, seen, s); err != nil {
			return err
		}
		s.References = append(s.References, Reference{Name: ref.Name, Text: found.Schema.Schema})
	}
	return nil
}

// notFound reports whether the registry itself, and not some proxy in front of it,
// says that something is not there.
func notFound(err error, what *sr.Error) bool {
	var answer *sr.ResponseError
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound && answer.ErrorCode == what.Code
}

// unavailable says what could not be had, and what may be done about it.
func (r *Registry) unavailable(what string, err error) error {
	advice := "is it running, and is the URL right?"
	var answer *sr.ResponseError
	if errors.As(err, &answer) {
		switch code := answer.StatusCode; {
		case code == http.StatusUnauthorized || code == http.StatusForbidden:
			advice = fmt.Sprintf("it answers %d: it wants other credentials, or permission to read", code)
		default:
			advice = fmt.Sprintf("it answers %d", code)
		}
	}
	return &message.Unavailable{Err: fmt.Errorf("the schema registry %s does not give %s (%s): %w", r, what, advice, clip(err))}
}

// clip shortens what somebody else's server had to say.
func clip(err error) error {
	const most = 500
	if text := err.Error(); len(text) > most {
		return errors.New(text[:most] + "…")
	}
	return err
}
