package parquet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/leatflow/leat/sdk/connector/staging"
)

// target is the directory a sink writes to, with the staging area of one run. It
// is what package staging is for a flat directory, for a tree of partitions:
//
//	out/.leat-staging-6X3…/0, 1, 2 …            files, as they were begun
//	out/.leat-staging-6X3…/replaced/0, 1 …      what they replace, until all is well
//	out/origin=ATL/part-00000.parquet           linked to 0 by commit
//
// A link never replaces a name. What a crash in the middle of commit can leave
// is some of the final names, each complete.
type target struct {
	fs    staging.FS
	dir   string
	stage string
	made  []string // directories made, outermost first
	old   []string // with OverwriteAll: files to be replaced, relative to dir

	overwrite Overwrite

	mu    sync.Mutex
	files []*stagedFile
	names map[string]bool

	linked []string    // final names that are ours
	aside  [][2]string // final name, and where it is now
	begun  bool        // commit was called
	after  int         // directories in made before commit
	done   bool        // commit succeeded
}

const (
	dirMode     fs.FileMode = 0o755
	fileMode    fs.FileMode = 0o644
	privateMode fs.FileMode = 0o700
	partPattern             = "part-*.parquet"
)

// openTarget prepares dir. On error nothing is left behind.
func openTarget(system staging.FS, dir string, o Overwrite) (*target, error) {
	t := &target{fs: system, dir: filepath.Clean(dir), overwrite: o, names: map[string]bool{}}
	err := t.makeDir(t.dir)
	if err == nil {
		err = t.inspect()
	}
	if err == nil {
		stage := filepath.Join(t.dir, staging.Prefix+rand.Text())
		if err = t.fs.Mkdir(stage, privateMode); err == nil {
			t.stage = stage
			return t, nil
		}
		err = fmt.Errorf("cannot write to %s: %w", t.dir, err)
	}
	return nil, errors.Join(err, t.removeMade(0))
}

// makeDir makes a directory and those above it, durably, and remembers them.
func (t *target) makeDir(dir string) error {
	info, err := t.fs.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is a file where a directory is needed", dir)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := t.makeDir(parent); err != nil {
			return err
		}
	}
	if err := t.fs.Mkdir(dir, dirMode); errors.Is(err, fs.ErrExist) {
		return nil // another run was faster; it owns the directory
	} else if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	t.made = append(t.made, dir)
	if err := t.fs.SyncDir(parent); err != nil {
		return fmt.Errorf("make directory %s durable: %w", dir, err)
	}
	return nil
}

// inspect decides whether what is in the directory may be there.
func (t *target) inspect() error {
	if t.overwrite == OverwriteMatchingPartitions {
		return nil
	}
	var foreign []string
	if err := t.walk("", func(name string) {
		if ok, _ := filepath.Match(partPattern, filepath.Base(name)); ok {
			t.old = append(t.old, name)
		} else {
			foreign = append(foreign, name)
		}
	}); err != nil {
		return fmt.Errorf("look into target directory: %w", err)
	}
	switch {
	case t.overwrite == OverwriteAll && len(foreign) > 0:
		return fmt.Errorf("%s holds %s, which this sink did not write (its files are %s), so nothing is overwritten: name another directory or move them away",
			t.dir, few(foreign), partPattern)
	case t.overwrite == OverwriteNone && len(foreign)+len(t.old) > 0:
		return fmt.Errorf("%s is not empty: it holds %s: name a new directory, or set Overwrite to OverwriteAll or, for a partitioned sink, OverwriteMatchingPartitions",
			t.dir, few(append(foreign, t.old...)))
	}
	return nil
}

// walk calls each for every file under dir/rel that is not hidden, and for every
// empty directory that is not a partition's.
func (t *target) walk(rel string, each func(name string)) error {
	entries, err := t.fs.ReadDir(filepath.Join(t.dir, rel))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(rel, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && strings.Contains(e.Name(), "="):
			if err := t.walk(name, each); err != nil {
				return err
			}
		default:
			each(name)
		}
	}
	return nil
}

func few(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

// create begins the file that commit will call name, relative to the directory.
func (t *target) create(name string) (*stagedFile, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &stagedFile{target: t, name: filepath.ToSlash(name), final: filepath.Join(t.dir, name)}
	if t.stage == "" || t.done {
		return nil, fmt.Errorf("%s: the output was committed or aborted", f.final)
	}
	if t.names[f.name] {
		return nil, fmt.Errorf("%s is written twice in one run", f.final)
	}
	f.path = filepath.Join(t.stage, fmt.Sprint(len(t.files)))
	h, err := t.fs.Create(f.path, fileMode)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", f.final, err)
	}
	f.handle = h
	t.files, t.names[f.name] = append(t.files, f), true
	return f, nil
}

// stagedFile is a file in the staging area. It is used by one goroutine.
type stagedFile struct {
	target *target
	name   string // final, relative to the target
	final  string // with the target, for messages
	path   string // in the staging area
	handle staging.Handle
	size   int64
	whole  bool // closed without an error
}

// Write implements io.Writer.
func (f *stagedFile) Write(p []byte) (int, error) {
	n, err := f.handle.Write(p)
	f.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write: %w", err)
	}
	return n, nil
}

// close makes the file durable.
func (f *stagedFile) close() error {
	err := f.handle.Sync()
	if closed := f.handle.Close(); err == nil {
		err = closed
	}
	f.handle, f.whole = nil, err == nil
	if err != nil {
		return fmt.Errorf("%s: make durable: %w", f.final, err)
	}
	return nil
}

// abort removes the file, closed or not.
func (f *stagedFile) abort() error {
	if f.handle != nil {
		_ = f.handle.Close() // the bytes are about to be deleted
		f.handle = nil
	}
	f.whole = false
	return f.target.remove(f.path)
}

// remove deletes one name; one that is gone already is fine.
func (t *target) remove(path string) error {
	if err := t.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeMade deletes the directories that were made since there were n, as long
// as nobody put anything into them.
func (t *target) removeMade(n int) error {
	for _, dir := range slices.Backward(t.made[min(n, len(t.made)):]) {
		if entries, err := t.fs.ReadDir(dir); err == nil && len(entries) > 0 {
			continue
		}
		if err := t.remove(dir); err != nil {
			return err
		}
	}
	t.made = t.made[:min(n, len(t.made))]
	return nil
}

func (t *target) removeTree(dir string) error {
	entries, err := t.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			err = errors.Join(err, t.removeTree(path))
		} else {
			err = errors.Join(err, t.remove(path))
		}
	}
	return errors.Join(err, t.remove(dir))
}

// linkless reports whether a failed link may mean that the file system has no
// hard links.
func linkless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EMLINK)
}
