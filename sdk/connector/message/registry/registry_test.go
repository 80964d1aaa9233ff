package registry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/leatflow/leat/sdk/connector/message"
	"github.com/leatflow/leat/sdk/connector/message/registry"
	"github.com/leatflow/leat/sdk/connector/secret"
)

const idSchema = `{"type":"record","name":"A","fields":[{"name":"id","type":"long"}]}`

// counted is a registry in this process that counts requests.
func counted(t *testing.T) (*srfake.Registry, *atomic.Int32, string) {
	t.Helper()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	var asked atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fake.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return fake, &asked, front.URL
}

func TestSchemaIsAskedForOnce(t *testing.T) {
	// Many goroutines that need one id, known or not, make one request.
	fake, asked, url := counted(t)
	id, _, err := fake.RegisterSchema("a-value", sr.Schema{Schema: idSchema})
	if err != nil {
		t.Fatal(err)
	}
	r := &registry.Registry{URLs: []string{url}}
	for _, unknown := range []bool{false, true} {
		asked.Store(0)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				wanted := id
				if unknown {
					wanted += 700
				}
				s, err := r.Schema(t.Context(), wanted)
				var u *registry.UnknownID
				if unknown != errors.As(err, &u) || !unknown && (err != nil || !strings.Contains(s.Text, "record")) {
					t.Errorf("unknown=%v: %+v, %v", unknown, s, err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("unknown=%v: %d requests", unknown, n)
		}
	}
	_, err = r.Schema(t.Context(), id+700)
	if err == nil || !strings.Contains(err.Error(), "knows no schema with id 70") {
		t.Errorf("an unknown id gives %v", err)
	}
}

func TestReferences(t *testing.T) {
	// Schemas that one refers to come along, each once and behind those it needs.
	fake, _, url := counted(t)
	fake.SeedSchema("leaf", 1, 1, sr.Schema{Schema: `{"type":"enum","name":"Leaf","symbols":["A"]}`})
	fake.SeedSchema("mid", 1, 2, sr.Schema{Schema: `{"type":"record","name":"Mid","fields":[{"name":"l","type":"Leaf"}]}`,
		References: []sr.SchemaReference{{Name: "Leaf", Subject: "leaf", Version: 1}}})
	fake.SeedSchema("top", 1, 3, sr.Schema{Schema: `{"type":"record","name":"Top","fields":[{"name":"m","type":"Mid"},{"name":"l","type":"Leaf"}]}`,
		References: []sr.SchemaReference{{Name: "Mid", Subject: "mid", Version: 1}, {Name: "Leaf", Subject: "leaf", Version: 1}}})
	s, err := (&registry.Registry{URLs: []string{url}}).Schema(t.Context(), 3)
	if err != nil || len(s.References) != 2 || s.References[0].Name != "Leaf" || s.References[1].Name != "Mid" {
		t.Errorf("schema %+v, %v", s, err)
	}
}

func TestUnavailable(t *testing.T) {
	// A registry that is down, is none, forbids or is cancelled is not the record's
	// fault; it is asked again, and then the schema is had.
	answer := atomic.Pointer[http.HandlerFunc]{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
	defer server.Close()
	reply := func(code int, body string) *http.HandlerFunc {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		})
		return &h
	}
	r := &registry.Registry{URLs: []string{server.URL}}
	for want, handler := range map[string]*http.HandlerFunc{
		"it answers 500": reply(500, `{"error_code":50001,"message":"store error"}`),
		"it answers 404": reply(404, "<html>"+strings.Repeat("nothing here ", 1000)),
		"credentials":    reply(401, `{"error_code":401,"message":"Unauthorized"}`),
		"is it running":  reply(200, "not JSON"),
	} {
		answer.Store(handler)
		_, err := r.Schema(t.Context(), 7)
		var u *message.Unavailable
		if !errors.As(err, &u) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), server.URL) || len(err.Error()) > 1000 {
			t.Errorf("want %q, got %.1500v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var u *message.Unavailable
	if _, err := r.Schema(ctx, 7); !errors.As(err, &u) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	gone := &registry.Registry{URLs: []string{"http://127.0.0.1:1"}}
	if _, err := gone.Schema(t.Context(), 7); !errors.As(err, &u) || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("nobody listens: %v", err)
	}
	answer.Store(reply(200, `{"schema":"\"long\""}`))
	if s, err := r.Schema(t.Context(), 7); err != nil || s.Text != `"long"` {
		t.Errorf("afterwards: %+v, %v", s, err)
	}
}

func TestRegister(t *testing.T) {
	// A schema gets an id and keeps it; without registering it must be there; what
	// the registry refuses is an error that says why.
	fake, _, url := counted(t)
	r := &registry.Registry{URLs: []string{url}, Authorize: func(context.Context) (string, error) { return "Bearer x", nil }}
	s := sr.Schema{Schema: idSchema}
	subject := registry.Subject("events", false)
	if _, err := r.ID(t.Context(), subject, s, false); err == nil || !strings.Contains(err.Error(), "nothing is to be registered") {
		t.Errorf("not there: %v", err)
	}
	id, err := r.ID(t.Context(), subject, s, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, register := range []bool{true, false} {
		if again, err := r.ID(t.Context(), subject, s, register); again != id || err != nil {
			t.Errorf("id %d and then %d, %v", id, again, err)
		}
	}
	if subject != "events-value" || registry.Subject("events", true) != "events-key" || !fake.SubjectExists("events-value") {
		t.Errorf("the subject is %s", subject)
	}
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer x" {
			t.Error("no authorization was sent")
		}
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"error_code":409,"message":"reader field 'id' has no default"}`))
	}))
	defer refusing.Close()
	r = &registry.Registry{URLs: []string{refusing.URL}, Authorize: r.Authorize}
	var u *message.Unavailable
	if _, err := r.ID(t.Context(), subject, s, true); err == nil || errors.As(err, &u) || !strings.Contains(err.Error(), "has no default") {
		t.Errorf("refused: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	// URLs that are none, and those that would print a password, are refused
	// without being printed.
	for _, urls := range [][]string{nil, {"localhost:8081"}, {"ftp://x"}, {"http://ann:hunter2@x"}} {
		r := &registry.Registry{URLs: urls}
		_, err := r.Schema(t.Context(), 1)
		if err == nil || r.Validate() == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", urls, err)
		}
	}
}

func TestLogin(t *testing.T) {
	// Passwords and tokens are sent as they are at the time of a request, not
	// without TLS to elsewhere, and are in no error.
	const canary = "hunter2canary"
	t.Setenv("LEAT_TEST_PASSWORD", canary)
	var header string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	place := secret.Env("LEAT_TEST_PASSWORD")
	for want, r := range map[string]*registry.Registry{
		"Basic YW5uOmh1bnRlcjJjYW5hcnk=": {User: "ann", Password: place},
		"Bearer " + canary:               {Token: place},
		"Other x":                        {Authorize: func(context.Context) (string, error) { return "Other x", nil }},
	} {
		r.URLs = []string{server.URL}
		_, err := r.Schema(t.Context(), 1)
		if header != want || err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("sent %q, want %q; %v", header, want, err)
		}
	}
	header = "nothing"
	r := &registry.Registry{URLs: []string{server.URL}, Token: secret.Env("LEAT_TEST_NO_TOKEN")}
	var u *message.Unavailable
	if _, err := r.Schema(t.Context(), 1); !errors.As(err, &u) || header != "nothing" || !strings.Contains(err.Error(), "LEAT_TEST_NO_TOKEN, which is not set") {
		t.Errorf("a token that is not there: %v, sent %q", err, header)
	}
	for want, r := range map[string]*registry.Registry{
		"without TLS":       {URLs: []string{"http://registry.example:8081"}, Token: place},
		"more than one of":  {URLs: []string{"https://x"}, Token: place, User: "ann", Password: place},
		"one of User and":   {URLs: []string{"https://x"}, User: "ann"},
		"may be the secret": {URLs: []string{"https://x"}, Token: secret.Env(canary + "!")},
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestHeader(t *testing.T) {
	// What stands before a payload is read back, and anything else is refused.
	id, rest, err := registry.Header(append(registry.AppendHeader(nil, 1<<31+5), 'x'))
	if id != 1<<31+5 || string(rest) != "x" || err != nil {
		t.Errorf("%d, %q, %v", id, rest, err)
	}
	for payload, want := range map[string]string{"": "empty", "{\"a\":1}": "0x7b", "\x00\x00\x01": "after 3 bytes"} {
		if _, _, err := registry.Header([]byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", payload, err)
		}
	}
}
