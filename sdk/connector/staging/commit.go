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
	err := a.check(names)
	if err == nil {
		err = a.publish(names)
	}
	if err != nil {
		a.state = failed
		return errors.Join(err, a.takeBack())
	}
	a.state = committed
	for name, f := range a.files {
		if !slices.Contains(names, name) {
			f.release()
		}
	}
	a.linked, a.aside = nil, nil
	if err := a.removeStage(); err != nil {
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
	if err := a.moveAside(); err != nil {
		return err
	}
	for _, name := range names {
		if err := a.link(name); err != nil {
			return err
		}
	}
	if err := a.fs.SyncDir(a.dir); err != nil {
		return fmt.Errorf("make the files in %s durable: %w", a.dir, err)
	}
	return nil
}

// moveAside takes the files of the run before out of sight.
func (a *Area) moveAside() error {
	if len(a.old) == 0 {
		return nil
	}
	if err := a.fs.Mkdir(filepath.Join(a.stage, replacedDir), privateMode); err != nil {
		return fmt.Errorf("overwrite %s: %w", a.dir, err)
	}
	for _, name := range a.old {
		err := a.fs.Rename(a.final(name), a.replaced(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since Open: nothing to replace
		}
		if err != nil {
			return fmt.Errorf("overwrite %s: %w", a.final(name), err)
		}
		a.aside = append(a.aside, name)
	}
	return nil
}

// link gives one staged file its final name, never replacing one.
func (a *Area) link(name string) error {
	from, to := a.staged(name), a.final(name)
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
	a.linked = append(a.linked, name)
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
		name := a.linked[len(a.linked)-1]
		if err := a.remove(a.final(name)); err != nil {
			return fmt.Errorf("%s is incomplete, %d of its files are still visible (%s); delete them: %w",
				a.dir, len(a.linked), some(a.linked), err)
		}
		a.linked = a.linked[:len(a.linked)-1]
	}
	for len(a.aside) > 0 {
		name := a.aside[len(a.aside)-1]
		if err := a.fs.Rename(a.replaced(name), a.final(name)); err != nil {
			return fmt.Errorf("the earlier files of %s are in %s (%s); move them back by hand: %w",
				a.dir, filepath.Join(a.stage, replacedDir), some(a.aside), err)
		}
		a.aside = a.aside[:len(a.aside)-1]
	}
	return nil
}
