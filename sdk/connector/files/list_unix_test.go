//go:build unix

package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/leatflow/leat/sdk/connector/connectortest/unprivileged"
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

// forbid takes all permissions from files and directories of a test.
func forbid(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Chmod(p, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(p, 0o700) }) // so that it can be removed
	}
}

func TestListUnreadableFiles(t *testing.T) {
	// Files without read permission are all named before anything is read.
	if !unprivileged.Here(t) {
		return
	}
	dir := tree(t, "a.json", "b.json", "c.json")
	forbid(t, filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json"))
	_, err := files.List(dir)
	if err == nil || !strings.Contains(err.Error(), "a.json") || !strings.Contains(err.Error(), "b.json") || strings.Contains(err.Error(), "c.json") {
		t.Fatalf("error %v, want two files named", err)
	}
}

func TestListUnreadableDirectory(t *testing.T) {
	// A directory that may not be read is an error, with its name and a way out,
	// and not an empty one: named itself, below another, and in a pattern.
	if !unprivileged.Here(t) {
		return
	}
	dir := tree(t, "shut/a.json", "open/shut/b.json", "open/c.json")
	forbid(t, filepath.Join(dir, "shut"), filepath.Join(dir, "open", "shut"))
	for path, want := range map[string]string{"shut": "shut", "open": "open/shut", "shut/a.json": "shut/a.json", "shut/*.json": "shut", "open/shut/?.json": "open/shut"} {
		_, err := files.List(filepath.Join(dir, path), ".json")
		if err == nil || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), filepath.Join(dir, want)+":") || !strings.Contains(err.Error(), "chmod a+r") {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
