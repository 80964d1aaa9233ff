//go:build unix

package parquet_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/leatflow/leat/io/parquet"
	"github.com/leatflow/leat/sdk/batch"
	"github.com/leatflow/leat/sdk/connector"
	"github.com/leatflow/leat/sdk/connector/connectortest/unprivileged"
)

func TestForbiddenDirectories(t *testing.T) {
	// A source directory that may not be read and a target that may not be written
	// are errors that name the directory and say what to do.
	if !unprivileged.Here(t) {
		return
	}
	typ := row("a", kind(batch.Int64))
	for name, mode := range map[string]fs.FileMode{"read-only": 0o500, "shut": 0} {
		dir := t.TempDir() + "/" + name
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		file(t, dir+"/x=1/a.parquet", typ, 5)
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		if mode == 0 {
			for _, path := range []string{dir, dir + "/x=1", dir + "/x=1/a.parquet", dir + "/x=*/*.parquet"} {
				check(t, open(parquet.Source{Path: path}, typ), dir)
			}
		}
		for _, s := range []parquet.Sink{{Dir: dir + "/new"}, {Dir: dir, Overwrite: parquet.OverwriteMatchingPartitions, PartitionBy: []string{"x"}}} {
			_, err := s.Open(t.Context(), connector.SinkRequest{Type: row("a", kind(batch.Int64), "x", kind(batch.Int64)), Parallelism: 1})
			check(t, err, dir)
		}
		if err := os.Chmod(dir, 0o700); err != nil { // so that it can be removed
			t.Fatal(err)
		}
	}
}

func check(t *testing.T, err error, dir string) {
	t.Helper()
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "permission denied for user") || !strings.Contains(err.Error(), "or run as one who may") {
		t.Errorf("error %v, want one about %s", err, dir)
	}
}
