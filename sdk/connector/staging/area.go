package staging

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Prefix starts the name of every staging directory. What starts with a dot is
// ignored by readers of a directory, and does not make a target non-empty.
const Prefix = ".leat-staging-"

const (
	dirMode     fs.FileMode = 0o755
	fileMode    fs.FileMode = 0o644
	privateMode fs.FileMode = 0o700
	replacedDir             = "replaced"
)

// Options say what Open accepts.
type Options struct {
	// Overwrite replaces the files an earlier run left in the directory: those
	// that match Pattern. They go when, and only when, Commit succeeds.
	Overwrite bool
	// Touched, with Overwrite, replaces only what is in the directories of new
	// files and leaves all others, and all other files, alone.
	Touched bool
	// Pattern is the shell pattern of the names this sink makes, such as
	// part-*.parquet. A directory that holds anything else is refused even with
	// Overwrite, unless only Touched directories are replaced, so that a wrong
	// path costs nobody their files.
	Pattern string
	// Nested reports whether a name is one of a directory that the sink makes
	// inside of the target, at any depth; nil: it makes none.
	Nested func(name string) bool
}

// ErrNotEmpty says that the target holds files that may not be overwritten.
var ErrNotEmpty = errors.New("is not empty")

// Area is the staging area of one run. Create may be called concurrently; Commit
// and Abort are called when all files are closed or aborted.
type Area struct {
	fs      FS
	dir     string // where final names appear
	options Options
	stage   string   // the hidden directory
	made    []string // directories that were made, outermost first
	old     []string // paths to be replaced, found by Open

	mu    sync.Mutex
	files map[string]*File

	state  state
	linked []string // final paths that are visible by our doing
	aside  []move   // what is replaced
}

// move is a file of an earlier run on its way out of sight.
type move struct{ from, to string }

type state uint8

const (
	opened state = iota
	committed
	failed  // Commit failed; Abort cleans up
	aborted // nothing left
)

// Open prepares dir for the files of one run: makes it when it does not exist,
// refuses it when it is not empty, and makes the staging directory in it. A nil
// system means OS. On error nothing is left behind.
func Open(system FS, dir string, o Options) (*Area, error) {
	if system == nil {
		system = OS{}
	}
	if dir == "" {
		return nil, errors.New("the target directory is an empty path; name one")
	}
	if _, err := filepath.Match(o.Pattern, ""); err != nil || o.Overwrite && o.Pattern == "" {
		return nil, fmt.Errorf("the option Overwrite needs a pattern of the files it may replace, got %q", o.Pattern)
	}
	if o.Nested == nil {
		o.Nested = func(string) bool { return false }
	}
	a := &Area{fs: system, dir: filepath.Clean(dir), options: o, files: map[string]*File{}}
	if err := a.prepare(); err != nil {
		return nil, errors.Join(err, a.removeMade(0))
	}
	return a, nil
}

func (a *Area) prepare() error {
	if err := a.makeDir(a.dir); err != nil {
		return err
	}
	if err := a.inspect(); err != nil {
		return err
	}
	stage := filepath.Join(a.dir, Prefix+rand.Text())
	if err := a.fs.Mkdir(stage, privateMode); err != nil {
		return fmt.Errorf("cannot write to %s: %w", a.dir, err)
	}
	a.stage = stage
	return nil
}

// makeDir is MkdirAll that remembers what it made and makes each name durable,
// so that a committed file cannot vanish with its directory.
func (a *Area) makeDir(dir string) error {
	info, err := a.fs.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is a file; the output needs a directory", dir)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("target directory: %w", err)
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := a.makeDir(parent); err != nil {
			return err
		}
	}
	if err := a.fs.Mkdir(dir, dirMode); errors.Is(err, fs.ErrExist) {
		return nil // another run was faster; it owns the directory
	} else if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	a.made = append(a.made, dir)
	if err := a.fs.SyncDir(parent); err != nil {
		return fmt.Errorf("make directory %s durable: %w", dir, err)
	}
	return nil
}

// inspect decides whether what is in the directory may be there.
func (a *Area) inspect() error {
	o := a.options
	if o.Overwrite && o.Touched {
		return nil
	}
	var foreign []string
	if err := a.walk(a.dir, func(path string) { foreign = append(foreign, a.relative(path)) }); err != nil {
		return fmt.Errorf("look into target directory: %w", err)
	}
	switch {
	case len(foreign) > 0 && o.Overwrite:
		return fmt.Errorf("%s holds %s, which this output did not make (its files are %s), so it is not overwritten; name another directory or move them away",
			a.dir, some(foreign), o.Pattern)
	case len(foreign)+len(a.old) > 0 && !o.Overwrite:
		found := foreign
		for _, path := range slices.Backward(a.old) {
			found = slices.Insert(found, 0, a.relative(path))
		}
		return fmt.Errorf("%s %w: it holds %s; name an empty or new directory, or set Overwrite", a.dir, ErrNotEmpty, some(found))
	}
	return nil
}

// walk adds the files under dir that match the pattern to old and calls foreign
// for all else that is not hidden.
func (a *Area) walk(dir string, foreign func(path string)) error {
	entries, err := a.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && a.options.Nested(e.Name()):
			if err := a.walk(path, foreign); err != nil {
				return err
			}
		case !e.IsDir() && a.ours(e.Name()):
			a.old = append(a.old, path)
		default:
			foreign(path)
		}
	}
	return nil
}

func (a *Area) ours(name string) bool {
	ok, _ := filepath.Match(a.options.Pattern, name) // Open has checked the pattern
	return ok
}

// relative returns path as seen from the target.
func (a *Area) relative(path string) string {
	rel, err := filepath.Rel(a.dir, path)
	if err != nil {
		return path
	}
	return rel
}

// some lists names for an error message, at most three of them.
func some(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

// Dir returns the directory in which final names appear.
func (a *Area) Dir() string { return a.dir }

// Create opens a new file that Commit will call name: one path element, or
// several, separated by slashes, below directories that are Nested.
func (a *Area) Create(name string) (*File, error) {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if part != filepath.Base(part) || !filepath.IsLocal(part) || strings.HasPrefix(part, ".") || i < len(parts)-1 && !a.options.Nested(part) {
			return nil, fmt.Errorf("%q cannot name an output file: want one path element that does not start with a dot, below directories of the output", name)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != opened {
		return nil, fmt.Errorf("%s: output was already committed or aborted", a.final(name))
	}
	if a.files[name] != nil {
		return nil, fmt.Errorf("%s is written twice in one run", a.final(name))
	}
	f := &File{area: a, name: name, path: filepath.Join(a.stage, fmt.Sprint(len(a.files)))}
	var err error
	if f.handle, err = a.fs.Create(f.path, fileMode); err != nil {
		return nil, fmt.Errorf("create %s: %w", a.final(name), err)
	}
	a.files[name] = f
	return f, nil
}

func (a *Area) final(name string) string { return filepath.Join(a.dir, filepath.FromSlash(name)) }

// Abort removes everything staged and every directory that Open made, and takes
// back what a failed Commit may have left. After a successful Commit it removes
// nothing but a staging directory that Commit could not remove. It is safe to
// call twice.
func (a *Area) Abort() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state == committed || a.state == aborted {
		return a.removeStage()
	}
	for _, f := range a.files {
		f.release()
	}
	if err := a.takeBack(); err != nil {
		return err // stage may hold the only copy of replaced files: keep it
	}
	if err := a.removeStage(); err != nil {
		return err
	}
	a.state = aborted
	return a.removeMade(0)
}

// removeStage deletes the staging directory with all that is in it.
func (a *Area) removeStage() error {
	if a.stage == "" {
		return nil
	}
	if err := a.removeTree(a.stage); err != nil {
		return fmt.Errorf("remove staging directory, delete it by hand: %w", err)
	}
	a.stage = ""
	return nil
}

func (a *Area) removeTree(dir string) error {
	entries, err := a.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			err = errors.Join(err, a.removeTree(path))
		} else {
			err = errors.Join(err, a.remove(path))
		}
	}
	return errors.Join(err, a.remove(dir))
}

// remove deletes one name; one that is gone already is fine.
func (a *Area) remove(path string) error {
	if err := a.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeMade deletes the directories that were made since there were n, innermost
// first, as long as nobody else has put something into them.
func (a *Area) removeMade(n int) error {
	for _, dir := range slices.Backward(a.made[n:]) {
		if entries, err := a.fs.ReadDir(dir); err == nil && len(entries) > 0 {
			continue
		}
		if err := a.remove(dir); err != nil {
			return err
		}
	}
	a.made = a.made[:n]
	return nil
}
