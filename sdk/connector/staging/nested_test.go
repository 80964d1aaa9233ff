package staging_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/leatflow/leat/sdk/connector/staging"
	"github.com/leatflow/leat/sdk/connector/staging/stagingtest"
)

func nested(name string) bool { return strings.Contains(name, "=") }

// plant makes files by path, each holding "old".
func plant(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, n := range names {
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replant stages files by path, each holding "new", and commits or aborts them.
func replant(system staging.FS, dir string, o staging.Options, names ...string) (err error) {
	a, err := staging.Open(system, dir, o)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Abort())
		}
	}()
	for _, n := range names {
		f, err := a.Create(n)
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte("new")); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return a.Commit(names)
}

func TestNestedOverwrite(t *testing.T) {
	// Overwrite replaces the files of an earlier run in all directories, or in the
	// touched ones; directories that lose all files go as well, other things stay.
	old := []string{"a=1/part-0.txt", "a=1/b=1/part-0.txt", "a=2/part-0.txt", "a=2/part-7.txt", ".keep"}
	for touched, want := range map[bool][]string{
		false: {".keep=old", "a=2/", "a=2/part-1.txt=new", "a=3/", "a=3/b=1/", "a=3/b=1/part-0.txt=new"},
		true: {".keep=old", "a=1/", "a=1/b=1/", "a=1/b=1/part-0.txt=old", "a=1/part-0.txt=old", "a=2/", "a=2/part-1.txt=new",
			"a=3/", "a=3/b=1/", "a=3/b=1/part-0.txt=new"},
	} {
		dir := t.TempDir()
		plant(t, dir, old...)
		o := staging.Options{Overwrite: true, Touched: touched, Pattern: pattern, Nested: nested}
		if err := replant(nil, dir, o, "a=2/part-1.txt", "a=3/b=1/part-0.txt"); err != nil {
			t.Fatal(err)
		}
		wantTree(t, dir, want...)
	}
}

func TestNestedRefusals(t *testing.T) {
	// Files of others below the sink's directories are refused as those beside
	// them, unless only touched directories are replaced; names that lead
	// elsewhere are.
	dir := t.TempDir()
	plant(t, dir, "a=1/notes.txt", "a=1/part-0.txt")
	_, err := staging.Open(nil, dir, staging.Options{Overwrite: true, Pattern: pattern, Nested: nested})
	wantError(t, err, filepath.Join("a=1", "notes.txt"), "did not make")
	_, err = staging.Open(nil, dir, staging.Options{Pattern: pattern, Nested: nested})
	wantError(t, err, "is not empty", filepath.Join("a=1", "part-0.txt"))
	if !errors.Is(err, staging.ErrNotEmpty) {
		t.Errorf("error %v is not ErrNotEmpty", err)
	}
	_, err = staging.Open(nil, dir, staging.Options{Overwrite: true, Pattern: pattern})
	wantError(t, err, "a=1", "did not make")
	a := open(t, nil, dir, staging.Options{Overwrite: true, Touched: true, Pattern: pattern, Nested: nested})
	for _, bad := range []string{"a/b", "a=1/", "/a=1/b", "a=1//b", "a=1/../b", "../a=1/b", "a=1/.b", ".a=1/b", "a=1/b/c"} {
		if _, err := a.Create(bad); err == nil {
			t.Errorf("Create(%q) was accepted", bad)
		}
	}
	stage(t, a, "a=1/part-0.txt", "new")
	if err := a.Abort(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "a=1/", "a=1/notes.txt=old", "a=1/part-0.txt=old")
}

func TestNestedFailureAtEveryCall(t *testing.T) {
	// Whichever call on the disk fails, the tree is as it was before, directories
	// included, and the error names the cause.
	for _, o := range []staging.Options{{Overwrite: true}, {Overwrite: true, Touched: true}} {
		o.Pattern, o.Nested = pattern, nested
		for n := 0; ; n++ {
			dir := t.TempDir()
			plant(t, dir, "a=1/part-0.txt", "a=2/part-0.txt", "a=2/part-1.txt")
			before := tree(t, dir)
			faults := &stagingtest.Faults{FailAt: n}
			err := replant(faults, dir, o, "a=2/part-0.txt", "a=3/b=1/part-0.txt", "a=3/b=2/part-0.txt")
			if !faults.Failed() {
				if err != nil || n < 15 {
					t.Fatalf("after %d calls without a fault: %v", n, err)
				}
				break
			}
			if !errors.Is(err, stagingtest.NoSpace) {
				t.Fatalf("call %d failed, error %v", n, err)
			}
			if after := tree(t, dir); !slices.Equal(before, after) {
				t.Fatalf("call %d failed with %v: left %q, want %q", n, err, after, before)
			}
		}
	}
}
