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
	// Pattern is the shell pattern of the names this sink makes, such as
	// part-*.parquet. A directory that holds anything else is refused even with
	// Overwrite, so that a wrong path costs nobody their files.
	Pattern string
}

// Area is the staging area of one run. Create may be called concurrently; Commit
// and Abort are called when all files are closed or aborted.
type Area struct {
	fs    FS
	dir   string   // where final names appear
	stage string   // the hidden directory
	made  []string // directories that Open made, outermost first
	old   []string // names to be replaced

	mu    sync.Mutex
	files map[string]*File

	state  state
	linked []string // final names that are visible by our doing
	aside  []string // names now in stage/replaced
}

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
	a := &Area{fs: system, dir: filepath.Clean(dir), files: map[string]*File{}}
	if err := a.prepare(o); err != nil {
		return nil, errors.Join(err, a.removeMade())
	}
	return a, nil
}

func (a *Area) prepare(o Options) error {
	if err := a.makeDir(a.dir); err != nil {
		return err
	}
	if err := a.inspect(o); err != nil {
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
		return fmt.Errorf("make target directory: %w", err)
	}
	a.made = append(a.made, dir)
	if err := a.fs.SyncDir(parent); err != nil {
		return fmt.Errorf("make target directory %s durable: %w", dir, err)
	}
	return nil
}

// inspect decides whether what is in the directory may be there.
func (a *Area) inspect(o Options) error {
	entries, err := a.fs.ReadDir(a.dir)
	if err != nil {
		return fmt.Errorf("look into target directory: %w", err)
	}
	var foreign []string
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if ours, _ := filepath.Match(o.Pattern, name); ours && !e.IsDir() {
			a.old = append(a.old, name)
		} else {
			foreign = append(foreign, name)
		}
	}
	switch {
	case len(foreign) > 0 && o.Overwrite:
		return fmt.Errorf("%s holds %s, which this output did not make (its files are %s), so it is not overwritten; name another directory or move them away",
			a.dir, some(foreign), o.Pattern)
	case len(foreign)+len(a.old) > 0 && !o.Overwrite:
		return fmt.Errorf("%s is not empty: it holds %s; name an empty or new directory, or set Overwrite",
			a.dir, some(append(a.old, foreign...)))
	}
	return nil
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

// Create opens a new file that Commit will call name, a single path element.
func (a *Area) Create(name string) (*File, error) {
	if name != filepath.Base(name) || !filepath.IsLocal(name) || strings.HasPrefix(name, ".") || name == replacedDir {
		return nil, fmt.Errorf("%q cannot name an output file: want one path element that does not start with a dot", name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != opened {
		return nil, fmt.Errorf("%s: output was already committed or aborted", a.final(name))
	}
	if a.files[name] != nil {
		return nil, fmt.Errorf("%s is written twice in one run", a.final(name))
	}
	h, err := a.fs.Create(a.staged(name), fileMode)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", a.final(name), err)
	}
	f := &File{area: a, name: name, handle: h}
	a.files[name] = f
	return f, nil
}

func (a *Area) final(name string) string    { return filepath.Join(a.dir, name) }
func (a *Area) staged(name string) string   { return filepath.Join(a.stage, name) }
func (a *Area) replaced(name string) string { return filepath.Join(a.stage, replacedDir, name) }

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
	return a.removeMade()
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

// removeMade deletes the directories that Open made, innermost first, as long
// as nobody else has put something into them.
func (a *Area) removeMade() error {
	for _, dir := range slices.Backward(a.made) {
		entries, err := a.fs.ReadDir(dir)
		if err == nil && len(entries) > 0 {
			return nil
		}
		if err := a.remove(dir); err != nil {
			return err
		}
	}
	a.made = nil
	return nil
}
