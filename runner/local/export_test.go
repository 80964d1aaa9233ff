package local

import "github.com/leatflow/leat/runner/internal/spill"

// WithSpillFS returns options under which spilling uses another file system.
func (o Options) WithSpillFS(fs spill.FS) Options {
	o.spillFS = fs
	return o
}
