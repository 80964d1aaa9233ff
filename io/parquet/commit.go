package parquet

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
)

// commit gives every file its final name. On error the target is as it was,
// unless the error says otherwise; then only abort may follow.
func (t *target) commit(files []*stagedFile) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done || t.stage == "" {
		return fmt.Errorf("%s: the output was committed or aborted", t.dir)
	}
	t.begun, t.after = true, len(t.made)
	if err := t.publish(files); err != nil {
		return errors.Join(err, t.takeBack())
	}
	t.done, t.linked = true, nil
	stage := t.stage
	if err := errors.Join(t.removeTree(stage), t.removeEmptied()); err != nil {
		return fmt.Errorf("%s: the output is complete, every file is in place, but what was staged or replaced is not all removed (%s): %w", t.dir, stage, err)
	}
	t.stage = ""
	return nil
}

func (t *target) publish(files []*stagedFile) error {
	dirs := map[string]bool{t.dir: true}
	for _, f := range files {
		if !f.whole {
			return fmt.Errorf("commit %s: the file was not completed", f.final)
		}
		dirs[filepath.Dir(f.final)] = true
	}
	if err := t.moveAside(dirs); err != nil {
		return err
	}
	for _, f := range files {
		if err := t.makeDir(filepath.Dir(f.final)); err != nil {
			return err
		}
		if err := t.link(f.path, f.final); err != nil {
			return err
		}
	}
	for dir := range dirs {
		if err := t.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("make the files in %s durable: %w", dir, err)
		}
	}
	return nil
}

// moveAside takes the files that are replaced out of sight: those found by
// inspect, or those in the partitions that get new files.
func (t *target) moveAside(dirs map[string]bool) error {
	old := t.old
	if t.overwrite == OverwriteMatchingPartitions {
		for dir := range dirs {
			found, err := t.parts(dir)
			if err != nil {
				return err
			}
			old = append(old, found...)
		}
		slices.Sort(old)
	}
	if len(old) == 0 {
		return nil
	}
	replaced := filepath.Join(t.stage, "replaced")
	if err := t.fs.Mkdir(replaced, privateMode); err != nil {
		return fmt.Errorf("overwrite %s: %w", t.dir, err)
	}
	for i, name := range old {
		from, to := filepath.Join(t.dir, name), filepath.Join(replaced, fmt.Sprint(i))
		err := t.fs.Rename(from, to)
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was found: nothing to replace
		}
		if err != nil {
			return fmt.Errorf("overwrite %s: %w", from, err)
		}
		t.aside = append(t.aside, [2]string{from, to})
	}
	return nil
}

// parts returns the files in a partition's directory, relative to the target.
func (t *target) parts(dir string) ([]string, error) {
	if dir == t.dir {
		return nil, nil
	}
	entries, err := t.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if ok, _ := filepath.Match("*.parquet", e.Name()); ok && !e.IsDir() {
			rel, err := filepath.Rel(t.dir, filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			out = append(out, rel)
		}
	}
	return out, nil
}

// link gives a staged file its final name, never replacing one.
func (t *target) link(from, to string) error {
	err := t.fs.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) && linkless(err) {
		err = t.claim(from, to)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s exists: something else wrote it during this run; nothing was replaced", to)
	case err != nil:
		return fmt.Errorf("commit %s: %w", to, err)
	}
	t.linked = append(t.linked, to)
	return nil
}

// claim is link for a file system without hard links: it takes the name by an
// empty file, which a reader may see for an instant, and renames over it.
func (t *target) claim(from, to string) error {
	h, err := t.fs.Create(to, fileMode)
	if err != nil {
		return err
	}
	if err = h.Close(); err == nil {
		err = t.fs.Rename(from, to)
	}
	if err != nil {
		return errors.Join(err, t.remove(to))
	}
	return nil
}

// takeBack undoes a commit that failed. What it cannot undo stays listed for
// another try by abort.
func (t *target) takeBack() error {
	for len(t.linked) > 0 {
		last := len(t.linked) - 1
		if err := t.remove(t.linked[last]); err != nil {
			return fmt.Errorf("%s is incomplete, %d of its files are visible (%s); delete them: %w", t.dir, last+1, few(t.linked), err)
		}
		t.linked = t.linked[:last]
	}
	for len(t.aside) > 0 {
		last := t.aside[len(t.aside)-1]
		if err := t.fs.Rename(last[1], last[0]); err != nil {
			return fmt.Errorf("the earlier file %s is at %s; move it back by hand: %w", last[0], last[1], err)
		}
		t.aside = t.aside[:len(t.aside)-1]
	}
	if !t.begun {
		return nil
	}
	return t.removeMade(t.after)
}

// removeEmptied deletes directories of partitions that lost all their files.
func (t *target) removeEmptied() error {
	for _, a := range t.aside {
		for dir := filepath.Dir(a[0]); dir != t.dir; dir = filepath.Dir(dir) {
			entries, err := t.fs.ReadDir(dir)
			if err != nil || len(entries) > 0 {
				break
			}
			if err := t.remove(dir); err != nil {
				return err
			}
		}
	}
	t.aside = nil
	return nil
}

// abort removes everything staged and every directory that was made. After a
// successful commit it does nothing. It may be called twice.
func (t *target) abort() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stage == "" {
		return nil
	}
	if !t.done {
		for _, f := range t.files {
			if f.handle != nil {
				_ = f.handle.Close() // the bytes are about to be deleted
				f.handle = nil
			}
			f.whole = false
		}
		if err := t.takeBack(); err != nil {
			return err // the staging area may hold the only copy of replaced files
		}
	}
	if err := t.removeTree(t.stage); err != nil {
		return fmt.Errorf("remove the staging directory %s, delete it by hand: %w", t.stage, err)
	}
	t.stage = ""
	if t.done {
		return nil
	}
	return t.removeMade(0)
}
