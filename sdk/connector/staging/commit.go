package staging

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
)

// Commit gives every named file, all of them closed, its final name, and makes
// that durable. Files that were created and are not named are dropped. On error
// the target is as it was before, unless the error says otherwise; then only
// Abort may follow.
func (a *Area) Commit(names []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state != opened {
		return fmt.Errorf("%s: output was already committed or aborted", a.dir)
	}
	before := len(a.made)
	err := a.check(names)
	if err == nil {
		err = a.publish(names)
	}
	if err != nil {
		a.state = failed
		if again := a.takeBack(); again != nil {
			return errors.Join(err, again)
		}
		return errors.Join(err, a.removeMade(before))
	}
	a.state = committed
	for name, f := range a.files {
		if !slices.Contains(names, name) {
			f.release()
		}
	}
	a.linked = nil
	if err := errors.Join(a.removeStage(), a.removeEmptied()); err != nil {
		return fmt.Errorf("%s: the output is complete, every file is in place, but: %w", a.dir, err)
	}
	return nil
}

// check refuses names that are not complete files of this run.
func (a *Area) check(names []string) error {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		f := a.files[name]
		switch {
		case f == nil:
			return fmt.Errorf("commit %s: no such file was staged", a.final(name))
		case seen[name]:
			return fmt.Errorf("commit %s: named twice", a.final(name))
		case f.err != nil:
			return fmt.Errorf("commit %s: %w", a.final(name), f.err)
		case !f.whole:
			return fmt.Errorf("commit %s: the file is still open", a.final(name))
		}
		seen[name] = true
	}
	return nil
}

func (a *Area) publish(names []string) error {
	dirs := []string{a.dir}
	for _, name := range names {
		dirs = append(dirs, filepath.Dir(a.final(name)))
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	if err := a.moveAside(dirs); err != nil {
		return err
	}
	for _, name := range names {
		if err := a.makeDir(filepath.Dir(a.final(name))); err != nil {
			return err
		}
		if err := a.link(a.files[name].path, a.final(name)); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if err := a.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("make the files in %s durable: %w", dir, err)
		}
	}
	return nil
}

// moveAside takes the files of an earlier run out of sight: those that Open
// found, or those in the directories that get new files.
func (a *Area) moveAside(dirs []string) error {
	old := a.old
	if a.options.Overwrite && a.options.Touched {
		for _, dir := range dirs {
			found, err := a.touched(dir)
			if err != nil {
				return fmt.Errorf("overwrite %s: %w", dir, err)
			}
			old = append(old, found...)
		}
	}
	if len(old) == 0 {
		return nil
	}
	replaced := filepath.Join(a.stage, replacedDir)
	if err := a.fs.Mkdir(replaced, privateMode); err != nil {
		return fmt.Errorf("overwrite %s: %w", a.dir, err)
	}
	for i, from := range old {
		to := filepath.Join(replaced, fmt.Sprint(i))
		err := a.fs.Rename(from, to)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was found: nothing to replace
		}
		if err != nil {
			return fmt.Errorf("overwrite %s: %w", from, err)
		}
		a.aside = append(a.aside, move{from, to})
	}
	return nil
}

// touched returns the files in a directory that this output may replace. Beside
// its directories, in the target itself, it replaces none.
func (a *Area) touched(dir string) (out []string, err error) {
	if dir == a.dir {
		return nil, nil
	}
	entries, err := a.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if !e.IsDir() && a.ours(e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, err
}

// link gives one staged file its final name, never replacing one.
func (a *Area) link(from, to string) error {
	err := a.fs.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) && linkless(err) {
		err = a.claim(from, to)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists: something else wrote it during this run; nothing was replaced", to)
	case err != nil:
		return fmt.Errorf("commit %s: %w", to, err)
	}
	a.linked = append(a.linked, to)
	return nil
}

// linkless reports whether a failed link may mean that the file system has no
// hard links.
func linkless(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EMLINK)
}

// claim is link for a file system without hard links.
func (a *Area) claim(from, to string) error {
	h, err := a.fs.Create(to, fileMode)
	if err != nil {
		return err
	}
	err = h.Close()
	if err == nil {
		err = a.fs.Rename(from, to)
	}
	if err != nil {
		return errors.Join(err, a.remove(to))
	}
	return nil
}

// takeBack undoes what a failed commit has shown, so that the target is as it
// was. What it cannot undo stays on its lists for another try by Abort.
func (a *Area) takeBack() error {
	for len(a.linked) > 0 {
		last := len(a.linked) - 1
		if err := a.remove(a.linked[last]); err != nil {
			return fmt.Errorf("%s is incomplete, %d of its files are still visible (%s); delete them: %w",
				a.dir, last+1, some(a.linked), err)
		}
		a.linked = a.linked[:last]
	}
	for len(a.aside) > 0 {
		last := a.aside[len(a.aside)-1]
		if err := a.fs.Rename(last.to, last.from); err != nil {
			return fmt.Errorf("%d earlier files of %s are in %s, %s as %s; move them back by hand: %w",
				len(a.aside), a.dir, filepath.Dir(last.to), a.relative(last.from), filepath.Base(last.to), err)
		}
		a.aside = a.aside[:len(a.aside)-1]
	}
	return nil
}

// removeEmptied deletes directories inside of the target that lost all their
// files.
func (a *Area) removeEmptied() error {
	for _, m := range a.aside {
		for dir := filepath.Dir(m.from); dir != a.dir; dir = filepath.Dir(dir) {
			entries, err := a.fs.ReadDir(dir)
			if err != nil || len(entries) > 0 {
				break
			}
			if err := a.remove(dir); err != nil {
				return err
			}
		}
	}
	a.aside = nil
	return nil
}
