package connectortest

import (
	"context"
	"sync"
	"testing"

	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
)

// direct is a direct sink that breaks one promise.
type direct struct {
	flaw  string
	mu    *sync.Mutex
	rows  *[]*batch.Column
	later *[]*batch.Column // until Commit
}

func newDirect(flaw string) *direct {
	return &direct{flaw, new(sync.Mutex), new([]*batch.Column), new([]*batch.Column)}
}

func (d *direct) String() string {
	if d.flaw == "no name" {
		return ""
	}
	return "direct"
}
func (d *direct) Validate(*batch.Type) error { return nil }
func (d *direct) Open(context.Context, connector.SinkRequest) (connector.Output, error) {
	return d, nil
}
func (d *direct) Abort() error { return nil }
func (d *direct) Commit(context.Context, []connector.Staged) error {
	*d.rows = append(*d.rows, *d.later...)
	return nil
}
func (d *direct) Writer(context.Context, int) (connector.Writer, error) {
	return &directWriter{direct: d}, nil
}

type directWriter struct {
	*direct
	n int64
}

func (d *directWriter) Write(ctx context.Context, b *batch.Batch) error {
	if err := ctx.Err(); err != nil && d.flaw != "deaf" {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	root := b.Compact().Root
	if d.flaw == "selection" {
		root = b.Root
	}
	to := d.rows
	if d.flaw == "late" {
		to = d.later
	}
	*to = append(*to, root)
	if d.flaw == "twice" {
		*to = append(*to, root)
	}
	d.n += int64(root.Len)
	return nil
}

func (d *directWriter) Close(context.Context) (connector.Staged, error) {
	if d.flaw == "report" {
		d.n++
	}
	return connector.Staged{Rows: d.n}, nil
}

func (d *directWriter) Abort() error { return nil }

// Each check of a direct sink finds the flaw it is for, and a sink without one
// passes.
func TestDirectFlaws(t *testing.T) {
	finds := map[string]string{"": "", "no name": "describes itself", "selection": "written and read back", "report": "written and read back",
		"late": "arrived when closed", "twice": "aborted", "deaf": "cancelled"}
	for flaw, check := range finds {
		found := ""
		for _, d := range directChecks() {
			s := newDirect(flaw)
			c := DirectSinkCase{Type: rowType, Rows: rows(40), ReadBack: func(*testing.T, connector.Sink) (*batch.Column, error) {
				if len(*s.rows) == 0 {
					return nil, nil
				}
				return batch.Concat(*s.rows), nil
			}}
			if err := d.run(c, t, s); err != nil && (found == "" || d.name == check) {
				found = d.name
			}
		}
		if found != check {
			t.Errorf("flaw %q is found by check %q, want %q", flaw, found, check)
		}
	}
}
