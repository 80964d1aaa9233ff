package service

import (
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// ServeProfiles answers with profiles of the process under /debug/pprof/ on a
// listener of its own: they show more than metrics do, and take time of it. A profile
// may run for up to five minutes.
func ServeProfiles(l net.Listener) io.Closer {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return serve(l, mux, 5*time.Minute)
}
