package staging_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/leatflow/leat/sdk/connector/staging"
	"github.com/leatflow/leat/sdk/connector/staging/stagingtest"
)

func TestTwoRunsOneDirectory(t *testing.T) {
	// Of two runs into one directory the second to commit fails as a whole: it
	// replaces nothing, leaves nothing, and the first stays complete.
	dir := filepath.Join(t.TempDir(), "out")
	first := open(t, nil, dir, staging.Options{})
	second := open(t, nil, dir, staging.Options{})
	for _, name := range []string{"part-0.txt", "part-1.txt"} {
		stage(t, first, name, "first")
	}
	for _, name := range []string{"a-part.txt", "part-1.txt"} {
		stage(t, second, name, "second")
	}
	if err := first.Commit([]string{"part-0.txt", "part-1.txt"}); err != nil {
		t.Fatal(err)
	}
	wantError(t, second.Commit([]string{"a-part.txt", "part-1.txt"}), filepath.Join(dir, "part-1.txt"), "exists")
	if err := second.Abort(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-0.txt=first", "part-1.txt=first")
}

func TestOverwrite(t *testing.T) {
	// Overwrite leaves exactly the files of the new run: a file of the earlier
	// run that has no successor goes as well.
	dir := t.TempDir()
	for _, name := range []string{"part-0.txt", "part-1.txt", "part-2.txt", ".keep"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := open(t, nil, dir, staging.Options{Overwrite: true, Pattern: pattern})
	stage(t, a, "part-0.txt", "new")
	if err := os.Remove(filepath.Join(dir, "part-2.txt")); err != nil {
		t.Fatal(err)
	}
	if err := a.Commit([]string{"part-0.txt"}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, ".keep=old", "part-0.txt=new")
}

func TestNoHardLinks(t *testing.T) {
	// Without hard links files still appear only complete and never replace one.
	for _, taken := range []bool{false, true} {
		dir := t.TempDir()
		a := open(t, &stagingtest.Faults{FailAt: -1, NoLinks: true}, dir, staging.Options{})
		stage(t, a, "part-0.txt", "zero")
		stage(t, a, "part-1.txt", "one")
		if taken {
			if err := os.WriteFile(filepath.Join(dir, "part-1.txt"), []byte("theirs"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		err := a.Commit([]string{"part-0.txt", "part-1.txt"})
		if !taken {
			if err != nil {
				t.Fatal(err)
			}
			wantTree(t, dir, "part-0.txt=zero", "part-1.txt=one")
			continue
		}
		wantError(t, err, "part-1.txt exists")
		if err := a.Abort(); err != nil {
			t.Fatal(err)
		}
		wantTree(t, dir, "part-1.txt=theirs")
	}
}

// run writes two files into dir and commits them, or aborts on any error.
func run(system staging.FS, dir string) (err error) {
	a, err := staging.Open(system, dir, staging.Options{Overwrite: true, Pattern: pattern})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Abort())
		}
	}()
	names := []string{"part-0.txt", "part-1.txt"}
	for _, name := range names {
		f, err := a.Create(name)
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

func TestFailureAtEveryCall(t *testing.T) {
	// Whichever call on the disk fails, and whether or not the disk stays broken
	// for writing, the target is as it was before and the error names the cause.
	for _, noLinks := range []bool{false, true} {
		for _, existing := range []bool{false, true} {
			sweep(t, noLinks, existing)
		}
	}
}

func sweep(t *testing.T, noLinks, existing bool) {
	t.Helper()
	for n := 0; ; n++ {
		root := t.TempDir()
		dir := filepath.Join(root, "deep", "out")
		if existing {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "part-7.txt"), []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		before := tree(t, root)
		faults := &stagingtest.Faults{FailAt: n, NoLinks: noLinks}
		err := run(faults, dir)
		if !faults.Failed() {
			if err != nil || n < 8 {
				t.Fatalf("after %d calls without a fault: %v", n, err)
			}
			wantTree(t, dir, "part-0.txt=new", "part-1.txt=new")
			return
		}
		if !errors.Is(err, stagingtest.NoSpace) {
			t.Fatalf("call %d failed, error %v", n, err)
		}
		if after := tree(t, root); !slices.Equal(before, after) {
			t.Fatalf("call %d failed with %v: left %q, want %q", n, err, after, before)
		}
	}
}

func TestOrderOnDisk(t *testing.T) {
	// A name appears only when the bytes behind it are on disk, and Commit returns
	// only when the names are, those of new directories included.
	dir := filepath.Join(t.TempDir(), "deep", "out")
	disk := &stagingtest.Faults{FailAt: -1}
	if err := run(disk, dir); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"mkdir deep", "syncdir " + filepath.Base(filepath.Dir(filepath.Dir(dir))), "mkdir out", "syncdir deep", "mkdir staging",
		"create 0", "write 0", "sync 0", "close 0",
		"create 1", "write 1", "sync 1", "close 1",
		"link part-0.txt", "link part-1.txt", "syncdir out",
	}
	if got := disk.Log(); !slices.Equal(got, want) {
		t.Errorf("calls\n%q, want\n%q", got, want)
	}
}

func TestFullDisk(t *testing.T) {
	// A disk that fills in the middle of a write: the error names the file, the
	// file cannot be closed or committed, and Abort frees the space.
	root := t.TempDir()
	a := open(t, &stagingtest.Faults{FailAt: -1, Capacity: 5}, filepath.Join(root, "out"), staging.Options{})
	f, err := a.Create("part-0.txt")
	if err != nil {
		t.Fatal(err)
	}
	n, err := f.Write([]byte("0123456789"))
	wantError(t, err, filepath.Join("out", "part-0.txt"), "no space left on device")
	if n != 5 || f.Size() != 5 {
		t.Fatalf("wrote %d, size %d, want 5", n, f.Size())
	}
	_, err = f.Write([]byte("more"))
	wantError(t, err, "no space left")
	wantError(t, f.Close(), "no space left")
	wantError(t, a.Commit([]string{"part-0.txt"}), "no space left")
	if err := a.Abort(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root)
}

func TestUndoThatFails(t *testing.T) {
	// When the earlier files cannot be moved back, Abort keeps them and says
	// where they are; once the disk works again, another Abort restores them.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "part-7.txt"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	faults := &stagingtest.Faults{FailAt: -1}
	a := open(t, faults, dir, staging.Options{Overwrite: true, Pattern: pattern})
	stage(t, a, "part-0.txt", "new")
	// Mkdir replaced, Rename aside, then Link and everything after it fail.
	faults.FailAt, faults.Sticky = faults.Calls()+2, true
	wantError(t, a.Commit([]string{"part-0.txt"}), "no space left", "part-7.txt", "move them back")
	wantError(t, a.Abort(), "move them back")
	faults.FailAt, faults.Sticky = -1, false
	if err := a.Abort(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-7.txt=old")
}

func TestStagingThatCannotBeRemoved(t *testing.T) {
	// A commit whose staging directory stays says so and that all files are in
	// place; they stay in place when Abort follows.
	dir := t.TempDir()
	faults := &stagingtest.Faults{FailAt: -1, FailRemove: true}
	a := open(t, faults, dir, staging.Options{})
	stage(t, a, "part-0.txt", "new")
	faults.FailAt = faults.Calls() + 2 // Link, SyncDir
	wantError(t, a.Commit([]string{"part-0.txt"}), "every file is in place", "staging directory")
	if err := a.Abort(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, "part-0.txt=new")
}
