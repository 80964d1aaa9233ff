package command

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leatflow/leat/io/memory"
	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/sdk/leat"
)

// With -listen and -pprof a run can be asked while it goes on, on the addresses that
// are printed, and on none afterwards.
func TestListen(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write := io.Pipe()
	f := Flags{Parallelism: 1, Progress: "none", Listen: "127.0.0.1:0", Profile: "127.0.0.1:0", tuned: true}
	var out memory.Collector[leat.KV[int64, int64]]
	ended := make(chan error, 1)
	go func() {
		ended <- f.Run(ctx, io.Discard, write, ticking(make(chan struct{}), &out, func() {}))
	}()
	said := make([]byte, 4096)
	var urls []string
	for text := ""; len(urls) < 2; urls = regexp.MustCompile(`http://127\.0\.0\.1:\d+/\S+`).FindAllString(text, -1) {
		n, err := read.Read(said)
		if err != nil {
			t.Fatal(err)
		}
		text += string(said[:n])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for _, url := range urls {
		r, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != 200 {
			t.Errorf("%s: %s", url, r.Status)
		}
		if err := r.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-ended; Code(err) != 130 {
		t.Errorf("the run ended with %v", err)
	}
	for _, url := range urls {
		if r, err := client.Get(url); err == nil {
			t.Errorf("%s answers after the run: %s", url, r.Status)
		}
	}
}

// An address that others can reach, or none at all, is a mistake in the flags; one
// that is taken is not. Nothing runs, and nothing is left.
func TestListenRefused(t *testing.T) {
	defer goleak.VerifyNone(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		flags Flags
		says  string
		code  int
	}{
		{Flags{Listen: "0.0.0.0:0"}, "-listen: listen on", 2},
		{Flags{Listen: "127.0.0.1:0", Profile: ":0"}, "-pprof: listen on", 2},
		{Flags{Listen: taken.Addr().String()}, "address already in use", 1},
	} {
		c.flags.tuned, c.flags.Progress = true, "none"
		err := c.flags.Run(t.Context(), io.Discard, io.Discard, func(*leat.Pipeline) error { return nil })
		if Code(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.flags, err)
		}
		var usage *UsageError
		if errors.As(err, &usage) != (c.code == 2) {
			t.Errorf("%v is a usage error or not", err)
		}
	}
}

// What keeps a stream from giving results is said at a glance, and nothing when all
// is well.
func TestTroubles(t *testing.T) {
	if lines := troubles(local.Progress{Stage: -1, Held: &local.Holder{Step: "a", Since: time.Now()}}); lines != nil {
		t.Errorf("all is well, and it says %q", lines)
	}
	now := time.Now()
	p := local.Progress{Stage: -1, Steps: []local.StepStatus{{Step: "hourly", Dropped: 1234}, {Step: "key", Pressure: 0.4}, {Step: "out"}},
		Held: &local.Holder{Step: "hourly", Watermark: now.Add(-time.Minute), Since: now.Add(-42 * time.Second), By: "reports", Source: true, Split: "reports/3", LastRows: now.Add(-42 * time.Second), Declared: true}}
	got := strings.Join(troubles(p), "\n")
	for _, want := range []string{"1,234 rows dropped as too late", `step "key" waits for those behind it 40 % of the time`,
		` for 42s: held by source "reports" reports/3, which has given no rows since `, "; IdleAfter is not set"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	var said notes
	var lines []string
	for range 70 {
		p.Elapsed += time.Second
		if line := said.next(p); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) != 3 || !strings.HasPrefix(lines[2], "note   1,234 rows dropped") {
		t.Errorf("in 70 seconds it is said %d times: %q", len(lines), lines)
	}
	p.Stopping = true
	if got := strings.Join(troubles(p), "\n"); !strings.Contains(got, "stopping") || strings.Contains(got, "held") {
		t.Errorf("while it is stopped it says %q", got)
	}
}
