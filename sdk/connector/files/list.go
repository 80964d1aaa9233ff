// Package files turns the path a user gave a source into the list of files to
// read, the same for every file format.
//
// The one central idea: the list is a function of the disk alone, in one order,
// so that two runs read the same files in the same order and so that a path with
// nothing behind it is an error and not an empty input.
//
//	events.json        that file, whatever its suffix
//	logs/*.json.gz     a shell pattern; a directory it matches is walked
//	logs               everything below with a wanted suffix, except names that
//	                   start with '.' or '_' (staging directories, _SUCCESS)
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is one file to read.
type File struct {
	Path string // as a user would write it, for opening and for messages
	Size int64  // bytes on disk; -1 for a pipe or device
}

// List returns the files behind path, sorted by path byte by byte. In a
// directory only names that end in one of suffixes are taken; no suffixes means
// all. Every file was opened once, so that a missing permission is found before
// hours of reading; all such mistakes are reported together.
func List(path string, suffixes ...string) ([]File, error) {
	if path == "" {
		return nil, errors.New("the path is empty; name a file, a directory or a pattern")
	}
	l := lister{suffixes: suffixes, seen: map[string]bool{}}
	info, err := os.Stat(path)
	switch {
	case err == nil:
		err = l.add(path, info, nil)
	case strings.ContainsAny(path, "*?["):
		err = l.glob(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file or directory", path)
	default:
		return nil, readable(err)
	}
	if err != nil {
		return nil, err
	}
	if len(l.files) == 0 {
		return nil, fmt.Errorf("%s: %s", path, l.nothing())
	}
	slices.SortFunc(l.files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return l.files, nil
}

type lister struct {
	suffixes []string
	files    []File
	seen     map[string]bool
}

func (l *lister) nothing() string {
	if len(l.suffixes) == 0 {
		return "the directory holds no files"
	}
	return "the directory holds no files that end in " + strings.Join(l.suffixes, ", ")
}

func (l *lister) glob(pattern string) error {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	if len(matches) == 0 {
		// Glob takes a directory that may not be read for an empty one.
		above := pattern[:strings.IndexAny(pattern, "*?[")]
		if _, err := os.ReadDir(filepath.Dir(above + "x")); errors.Is(err, fs.ErrPermission) {
			return readable(err)
		}
		return fmt.Errorf("%s: no file matches the pattern", pattern)
	}
	var errs []error
	for _, m := range matches {
		if info, err := os.Stat(m); err != nil {
			errs = append(errs, readable(err))
		} else {
			errs = append(errs, l.add(m, info, nil))
		}
	}
	return errors.Join(errs...)
}

// add takes what is at path. above holds the directories it is in, to refuse
// symbolic links that lead in a circle.
func (l *lister) add(path string, info fs.FileInfo, above []fs.FileInfo) error {
	switch {
	case l.seen[path]:
		return nil
	case info.IsDir():
		return l.walk(path, info, above)
	case !info.Mode().IsRegular():
		l.seen[path] = true
		l.files = append(l.files, File{Path: path, Size: -1})
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return readable(err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	l.seen[path] = true
	l.files = append(l.files, File{Path: path, Size: info.Size()})
	return nil
}

func (l *lister) walk(dir string, info fs.FileInfo, above []fs.FileInfo) error {
	for _, a := range above {
		if os.SameFile(a, info) {
			return fmt.Errorf("%s: symbolic links lead in a circle", dir)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return readable(err)
	}
	above = append(slices.Clip(above), info)
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			errs = append(errs, readable(err))
		} else if info.IsDir() || info.Mode().IsRegular() && l.wanted(e.Name()) {
			errs = append(errs, l.add(path, info, above))
		}
	}
	return errors.Join(errs...)
}

func (l *lister) wanted(name string) bool {
	if len(l.suffixes) == 0 {
		return true
	}
	for _, s := range l.suffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// readable says what to do about a missing permission; other errors stay as they
// are.
func readable(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w for user %d: let that user read it (chmod a+r, for a directory a+rx), or run as one who may", err, os.Geteuid())
}
