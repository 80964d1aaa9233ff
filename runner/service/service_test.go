package service

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
	"github.com/leatflow/leat/sdk/watermark"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type tick struct{ At time.Time }

// get returns status and body of a request without keeping the connection.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// A service is alive from the beginning, ready while every task runs, and not when
// it is stopping; its metrics are those of the run; and nothing of it is left.
func TestService(t *testing.T) {
	s := New()
	l, err := Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	server := s.Serve(l)
	if code, body := get(t, base+"/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("before the run it is alive with %d %q", code, body)
	}
	if code, body := get(t, base+"/readyz"); code != 503 || !strings.Contains(body, "being opened") {
		t.Errorf("before the run it is ready with %d %q", code, body)
	}

	stop, ended, stuck := make(chan struct{}), make(chan error, 1), make(chan struct{})
	reached := make(chan struct{})
	p := &leat.Pipeline{}
	in := leat.Read(p, "ticks", memory.Generate(func(ctx context.Context, i int64) (tick, bool) {
		if i == 3 {
			<-ctx.Done()
			return tick{}, false
		}
		return tick{time.Unix(i, 0).UTC()}, true
	}), leat.EventTimeField(func(t *tick) *time.Time { return &t.At }, watermark.Monotone()))
	var out memory.Collector[tick]
	leat.Write(leat.Map(in, "pass", func(t tick) tick {
		if t.At.Unix() == 2 {
			close(reached)
			<-stuck
		}
		return t
	}), "out", &out)
	go func() {
		_, err := local.Run(t.Context(), p, local.Options{Parallelism: 1, Stop: stop, Running: s.Watch})
		ended <- err
	}()
	<-reached
	for code := 0; code != 200; { // until the run says that all tasks are there
		code, _ = get(t, base+"/readyz")
	}
	code, body := get(t, base+"/metrics")
	for _, want := range []string{`leat_source_rows_total{step="ticks"} 3`, `leat_step_rows_in_total{step="pass"}`, `leat_ready 1`, `leat_source_splits{step="ticks"} 1`,
		`leat_split_watermark_timestamp_seconds{split=`, "go_goroutines "} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("the metrics have no %q:\n%s", want, body)
		}
	}
	close(stop)
	if code, body := get(t, base+"/readyz"); code != 503 || !strings.Contains(body, "stopped") {
		t.Errorf("while it is stopped it is ready with %d %q", code, body)
	}
	close(stuck)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, body := get(t, base+"/metrics"); !strings.Contains(body, "leat_ready 0") || !strings.Contains(body, `leat_step_rows_out_total{step="pass"} 3`) {
		t.Errorf("after the run the metrics are\n%s", body)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

// A task that does not get on is not alive; one that waits for input is.
func TestStuck(t *testing.T) {
	s := New()
	working := time.Duration(0)
	s.Watch(func() local.Progress { return local.Progress{Working: working} })
	l, err := Listen("localhost:0", false)
	if err != nil {
		t.Fatal(err)
	}
	server := s.Serve(l)
	defer server.Close()
	for _, want := range []struct {
		working time.Duration
		code    int
	}{{0, 200}, {stuckAfter, 200}, {stuckAfter + time.Second, 503}} {
		working = want.working
		if code, body := get(t, "http://"+l.Addr().String()+"/healthz"); code != want.code {
			t.Errorf("at work for %s: %d %q, want %d", want.working, code, body, want.code)
		}
	}
	if code, _ := get(t, "http://"+l.Addr().String()+"/debug/pprof/"); code != 404 {
		t.Errorf("profiles are shown without being asked for: %d", code)
	}
}

// Two splits of the same name do not hide all that there is to see.
func TestSplitsOfOneName(t *testing.T) {
	s := New()
	splits := []local.SplitStatus{{Split: "a.json", Rows: 1}, {Split: "a.json", Rows: 2}}
	s.Watch(func() local.Progress {
		return local.Progress{Ready: true, Sources: []local.SourceStatus{{Step: "in", Rows: 3, Splits: splits}}}
	})
	l, err := Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	server := s.Serve(l)
	defer server.Close()
	code, body := get(t, "http://"+l.Addr().String()+"/metrics")
	for _, want := range []string{`leat_source_rows_total{step="in"} 3`, `leat_split_rows_total{split="a.json",step="in"} 1`, "leat_ready 1"} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d, the metrics have no %q:\n%s", code, want, body)
		}
	}
}

// An address that others can reach is refused, unless that is meant; what is no
// address says how one looks.
func TestListenStaysAtHome(t *testing.T) {
	for address, says := range map[string]string{
		":0": "others could reach it", "0.0.0.0:0": "-listen-anywhere", "[::]:0": "others could reach it", "example.com:0": "others could reach it",
		"9464": "write for example 127.0.0.1:9464",
	} {
		if l, err := Listen(address, false); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, %v; want %q", address, l, err, says)
		}
	}
	l, err := Listen("0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Profiles have a server of their own.
func TestProfiles(t *testing.T) {
	l, err := Listen("127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	server := ServeProfiles(l)
	base := "http://" + l.Addr().String()
	if code, body := get(t, base+"/debug/pprof/goroutine?debug=1"); code != 200 || !strings.Contains(body, "TestProfiles") {
		t.Errorf("%d %.200s", code, body)
	}
	if code, _ := get(t, base+"/metrics"); code != 404 {
		t.Errorf("metrics are shown beside profiles: %d", code)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}
