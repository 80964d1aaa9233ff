//go:build unix

package files_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/leatflow/leat/sdk/connector/files"
)

func TestListPipe(t *testing.T) {
	// A pipe named directly is read without being opened first; one in a
	// directory is not a file.
	dir := tree(t, "a.json")
	pipe := filepath.Join(dir, "p.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := files.List(pipe); err != nil || len(got) != 1 || got[0].Size != -1 {
		t.Fatalf("%v, %v", got, err)
	}
	if got, err := files.List(dir); err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
}
