package staging_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leatflow/leat/sdk/connector/staging"
	"github.com/leatflow/leat/sdk/connector/staging/stagingtest"
)

const pattern = "part-*.txt"

func open(t *testing.T, system staging.FS, dir string, o staging.Options) *staging.Area {
	t.Helper()
	a, err := staging.Open(system, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func stage(t *testing.T, a *staging.Area, name, text string) {
	t.Helper()
	f, err := a.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// tree lists everything below dir as path=content, hidden names included.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if e.IsDir() {
			if rel != "." {
				out = append(out, rel+"/")
			}
			return nil
		}
		text, err := os.ReadFile(path)
		out = append(out, rel+"="+string(text))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

func wantTree(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Fatalf("%s holds %q, want %q", dir, got, want)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Fatalf("error %q lacks %q", err, p)
		}
	}
}

func TestNothingIsVisibleBeforeCommit(t *testing.T) {
	// A reader of the directory sees no file until Commit, then all of them, and
	// nothing of the staging.
	dir := filepath.Join(t.TempDir(), "deep", "out")
	a := open(t, nil, dir, staging.Options{})
	stage(t, a, "part-1.txt", "one")
	stage(t, a, "part-0.txt", "zero")
	stage(t, a, "part-9.txt", "not named in Commit")
	visible, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	if err != nil || len(visible) != 0 {
		t.Fatalf("visible before Commit: %v, %v", visible, err)
	}
	if err := a.Commit([]string{"part-0.txt", "part-1.txt"}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-0.txt=zero", "part-1.txt=one")
	if err := a.Abort(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-0.txt=zero", "part-1.txt=one")
}

func TestPermissions(t *testing.T) {
	// Unfinished data is private; a committed file is readable as others are.
	dir := filepath.Join(t.TempDir(), "out")
	a := open(t, nil, dir, staging.Options{})
	stage(t, a, "part-0.txt", "x")
	hidden, _ := filepath.Glob(filepath.Join(dir, staging.Prefix+"*"))
	if len(hidden) != 1 {
		t.Fatalf("staging directories: %v", hidden)
	}
	if info, err := os.Stat(hidden[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("staging directory %v, %v", info.Mode(), err)
	}
	if err := a.Commit([]string{"part-0.txt"}); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	want, _ := os.Stat(plain)
	if got, err := os.Stat(filepath.Join(dir, "part-0.txt")); err != nil || got.Mode() != want.Mode() {
		t.Fatalf("committed file %v, want %v, %v", got.Mode(), want.Mode(), err)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	// Abort removes open and closed files and the directories Open made, and
	// leaves what was there before.
	root := t.TempDir()
	a := open(t, nil, filepath.Join(root, "deep", "out"), staging.Options{})
	stage(t, a, "part-0.txt", "zero")
	f, err := a.Create("part-1.txt")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := a.Abort(); err != nil {
			t.Fatal(err)
		}
	}
	wantTree(t, root)
	_, err = f.Write([]byte("x"))
	wantError(t, err, "part-1.txt", "aborted")
	_, err = a.Create("part-2.txt")
	wantError(t, err, "already committed or aborted")
	wantError(t, a.Commit(nil), "already committed or aborted")
}

func TestAbortOfOneFile(t *testing.T) {
	// A task that gives up its file takes only that one away.
	dir := t.TempDir()
	a := open(t, nil, dir, staging.Options{})
	stage(t, a, "part-0.txt", "zero")
	f, err := a.Create("part-1.txt")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Abort(); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.Close(), "aborted")
	if err := a.Commit([]string{"part-0.txt"}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-0.txt=zero")
}

func TestRefusals(t *testing.T) {
	// Each target or name that could cost somebody data is refused, with its
	// path and the way out, and nothing is changed.
	write := func(names ...string) string {
		dir := t.TempDir()
		for _, n := range names {
			if err := os.WriteFile(filepath.Join(dir, n), []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	full := write("a.txt", "b.txt", "c.txt", "part-0.txt", ".hidden")
	for name, c := range map[string]struct {
		dir  string
		o    staging.Options
		want []string
	}{
		"not empty":    {full, staging.Options{Pattern: pattern}, []string{full, "not empty", "part-0.txt, a.txt, b.txt and 1 more", "Overwrite"}},
		"foreign":      {full, staging.Options{Overwrite: true, Pattern: pattern}, []string{full, "a.txt", "did not make"}},
		"no pattern":   {full, staging.Options{Overwrite: true}, []string{"pattern"}},
		"bad pattern":  {full, staging.Options{Pattern: "["}, []string{"pattern"}},
		"a file":       {filepath.Join(full, "a.txt"), staging.Options{}, []string{"a.txt is a file"}},
		"below a file": {filepath.Join(full, "a.txt", "out"), staging.Options{}, []string{"a.txt"}},
		"no path":      {"", staging.Options{}, []string{"empty path"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := tree(t, full)
			_, err := staging.Open(nil, c.dir, c.o)
			wantError(t, err, c.want...)
			wantTree(t, full, before...)
		})
	}
	a := open(t, nil, write(".keep"), staging.Options{})
	stage(t, a, "part-0.txt", "x")
	for _, bad := range []string{"", ".", "..", "a/b", "/a", "../a", ".part", "part-0.txt"} {
		if _, err := a.Create(bad); err == nil {
			t.Errorf("Create(%q) was accepted", bad)
		}
	}
	if _, err := a.Create("part-1.txt"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]string{{"part-1.txt"}, {"other.txt"}, {"part-0.txt", "part-0.txt"}} {
		b := open(t, nil, t.TempDir(), staging.Options{})
		stage(t, b, "part-0.txt", "x")
		if _, err := b.Create("part-1.txt"); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(bad); err == nil {
			t.Errorf("Commit(%q) was accepted", bad)
		}
		if err := b.Abort(); err != nil {
			t.Error(err)
		}
		wantTree(t, b.Dir())
	}
}

func TestUnwritableDirectory(t *testing.T) {
	// A target that cannot be written is said at Open, before anything is read.
	_, err := staging.Open(&stagingtest.Faults{FailAt: 0, Err: fs.ErrPermission}, t.TempDir(), staging.Options{})
	wantError(t, err, "cannot write to")
	if !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("cause is lost: %v", err)
	}
}

func TestConcurrentCreate(t *testing.T) {
	// Tasks create, write and abort at the same time.
	dir := t.TempDir()
	a := open(t, nil, dir, staging.Options{})
	var tasks sync.WaitGroup
	for i := range 8 {
		tasks.Go(func() {
			f, err := a.Create("part-" + string(rune('0'+i)))
			if err != nil {
				t.Error(err)
				return
			}
			if i%2 == 0 {
				err = f.Close()
			} else {
				err = f.Abort()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	tasks.Wait()
	if err := a.Commit([]string{"part-0", "part-2", "part-4", "part-6"}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-0=", "part-2=", "part-4=", "part-6=")
}
