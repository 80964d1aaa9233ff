package command

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/leatflow/leat/runner/local"
	"github.com/leatflow/leat/runner/service"
)

// serve begins to answer on the addresses of -listen and -pprof. watch is for
// local.Options.Running; closed ends it.
func (f *Flags) serve(stderr io.Writer) (watch func(func() local.Progress), closed func() error, err error) {
	var servers []io.Closer
	closed = func() error {
		var errs []error
		for _, s := range servers {
			errs = append(errs, s.Close())
		}
		return errors.Join(errs...)
	}
	if f.Listen != "" {
		l, err := service.Listen(f.Listen, f.Anywhere)
		if err != nil {
			return nil, nil, unusable("-listen", err)
		}
		s := service.New()
		servers = append(servers, s.Serve(l))
		watch = s.Watch
		fmt.Fprintf(stderr, "metrics on http://%s/metrics\n", l.Addr())
	}
	if f.Profile != "" {
		l, err := service.Listen(f.Profile, f.Anywhere)
		if err != nil {
			return nil, nil, errors.Join(unusable("-pprof", err), closed())
		}
		servers = append(servers, service.ServeProfiles(l))
		fmt.Fprintf(stderr, "profiles on http://%s/debug/pprof/\n", l.Addr())
	}
	return watch, closed, nil
}

// unusable says why an address cannot be had: it is a mistake in the flag, unless
// the machine refuses it.
func unusable(flag string, err error) error {
	err = fmt.Errorf("%s: %w", flag, err)
	if refused := (*net.OpError)(nil); errors.As(err, &refused) {
		return err
	}
	return &UsageError{err}
}
