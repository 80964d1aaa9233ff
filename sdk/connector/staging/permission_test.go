//go:build unix

package staging_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/leatflow/leat/sdk/connector/connectortest/unprivileged"
	"github.com/leatflow/leat/sdk/connector/staging"
)

func TestForbiddenTarget(t *testing.T) {
	// A target, or a place for a new one, that may not be written or looked into is
	// an error of Open that names it and says what to do; nothing is left there.
	if !unprivileged.Here(t) {
		return
	}
	for name, mode := range map[string]fs.FileMode{"read-only": 0o500, "shut": 0} {
		for _, below := range []string{"", "new", "very/new"} {
			root := t.TempDir()
			dir := filepath.Join(root, name)
			if err := os.Mkdir(dir, mode); err != nil {
				t.Fatal(err)
			}
			_, err := staging.Open(nil, filepath.Join(dir, below), staging.Options{})
			if again := os.Chmod(dir, 0o700); again != nil { // so that it can be looked into and removed
				t.Fatal(again)
			}
			wantError(t, err, dir, "permission denied for user", "chmod u+rwx")
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s/%s: the cause is lost: %v", name, below, err)
			}
			wantTree(t, dir)
		}
	}
}
