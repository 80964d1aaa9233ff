// Package service shows a running pipeline over HTTP to those who operate it:
// metrics for Prometheus, whether it is alive, whether it is ready.
//
//	s := service.New()
//	l, err := service.Listen("127.0.0.1:9464", false)
//	…
//	defer s.Serve(l).Close()
//	local.Run(ctx, p, local.Options{Running: s.Watch})
//
//	/metrics   all metrics, each described in docs/metrics.md
//	/healthz   200 while the process and its tasks get on, 503 when one is stuck
//	/readyz    200 while every task runs, 503 before that and when it is stopping
//
// Nothing is registered globally, and nothing is counted here: every request takes
// one look at the run. runner/command does all this for -listen.
package service

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/leatflow/leat/runner/local"
)

// Service shows one run at a time. Make it with New.
type Service struct {
	look     atomic.Pointer[func() local.Progress] // nil: nothing runs yet
	registry *prometheus.Registry
}

// New returns a service that knows of no run yet.
func New() *Service {
	s := &Service{registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collector{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// Watch is for local.Options.Running.
func (s *Service) Watch(look func() local.Progress) { s.look.Store(&look) }

// now takes a look; ok is false when nothing runs yet.
func (s *Service) now() (p local.Progress, ok bool) {
	look := s.look.Load()
	if look == nil {
		return p, false
	}
	return (*look)(), true
}

// stuckAfter is how long a task may be at work on one batch and count as alive. A
// sink whose system is away holds its tasks that long before it gives up, and to
// start the process again does not help then.
const stuckAfter = 10 * time.Minute

// Handler answers the three paths.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	// What names make ambiguous, such as a file that is read twice, is left out.
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

func (s *Service) health(w http.ResponseWriter, _ *http.Request) {
	if p, ok := s.now(); ok && p.Working > stuckAfter {
		http.Error(w, fmt.Sprintf("a task has been at work on one batch for %s", p.Working.Round(time.Second)), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (s *Service) ready(w http.ResponseWriter, _ *http.Request) {
	p, ok := s.now()
	switch {
	case !ok:
		http.Error(w, "sources and sinks are being opened", http.StatusServiceUnavailable)
	case p.Stopping:
		http.Error(w, "the run is being stopped", http.StatusServiceUnavailable)
	case !p.Ready:
		http.Error(w, "not every task runs", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}

// Listen listens on an address such as 127.0.0.1:9464. What is shown names steps,
// topics and rates and asks for no password, so an address that others can reach is
// refused unless anywhere is true.
func Listen(address string, anywhere bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w; write for example 127.0.0.1:9464", address, err)
	}
	if ip := net.ParseIP(host); !anywhere && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen on %q: others could reach it, and there is no password; use 127.0.0.1, or say that it is meant (-listen-anywhere)", address)
	}
	return net.Listen("tcp", address)
}

// Serve answers on a listener until the returned Closer is closed, which closes its
// connections too.
func (s *Service) Serve(l net.Listener) io.Closer { return serve(l, s.Handler(), 30*time.Second) }

// server is an HTTP server that runs.
type server struct {
	http  *http.Server
	ended chan error
}

func serve(l net.Listener, h http.Handler, write time.Duration) io.Closer {
	s := &server{http: &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: write, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}, ended: make(chan error, 1)}
	go func() { s.ended <- s.http.Serve(l) }()
	return s
}

// Close implements io.Closer.
func (s *server) Close() error {
	err := s.http.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
