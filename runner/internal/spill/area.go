// Package spill keeps batches on disk while memory is short.
//
// The one central idea: a file is a heap of blocks, and who appends a batch gets
// a Block, which is all that is known about where it lies. Nothing in the file
// describes itself, so there is no format to keep: a file lives no longer than
// the process, and a block that is not what was written is recognised by the
// checksum in its Block.
//
//	.leat-spill-482913/        one hidden directory a job, made at the first file
//	└── 3                      one file an exchange or operator
//	    │ block │ block │ … │  the vectors of a batch, each padded to 8 bytes,
//	                           in memory order, compressed as one piece
//
// Files are unlinked as soon as they are open, where the system allows it, so
// that a killed process leaves at most an empty directory.
package spill

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// Prefix is how the name of a job's directory begins.
const Prefix = ".leat-spill-"

// FS is the part of a file system that spilling uses: the seam at which a test
// injects a full disk.
type FS interface {
	// MkdirTemp makes a directory with a new name in dir and returns its path.
	MkdirTemp(dir, pattern string) (string, error)
	// Create makes a new file.
	Create(path string) (Handle, error)
	// Remove deletes a file or an empty directory.
	Remove(path string) error
}

// Handle is an open file of an FS.
type Handle interface {
	io.WriterAt
	io.ReaderAt
	io.Closer
}

// OS is the file system of the machine.
type OS struct{}

// MkdirTemp implements FS.
func (OS) MkdirTemp(dir, pattern string) (string, error) { return os.MkdirTemp(dir, pattern) }

// Create implements FS.
func (OS) Create(path string) (Handle, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Remove implements FS.
func (OS) Remove(path string) error { return os.Remove(path) }

// Area is where one job spills. Several goroutines may use it.
type Area struct {
	parent  string
	fs      FS
	written atomic.Int64

	mu     sync.Mutex
	dir    string // "" until the first file
	next   int
	open   map[*File]bool
	closed bool
}

// NewArea returns an area in a directory; nothing is made before it is needed.
// An empty name is the system's directory for temporary files, fs nil is OS.
func NewArea(parent string, fs FS) *Area {
	if parent == "" {
		parent = os.TempDir()
	}
	if fs == nil {
		fs = OS{}
	}
	return &Area{parent: parent, fs: fs, open: make(map[*File]bool)}
}

// Written returns the bytes that were written to disk so far.
func (a *Area) Written() int64 { return a.written.Load() }

// Create makes a file for holder, the words by which errors name it.
func (a *Area) Create(holder string) (*File, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := &File{area: a, holder: holder}
	if a.closed {
		return nil, f.failed("make a file in", errors.New("the job is over"))
	}
	if a.dir == "" {
		dir, err := a.fs.MkdirTemp(a.parent, Prefix)
		if err != nil {
			return nil, f.failed("make a directory in", err)
		}
		a.dir = dir
	}
	f.path = filepath.Join(a.dir, strconv.Itoa(a.next))
	a.next++
	handle, err := a.fs.Create(f.path)
	if err != nil {
		return nil, f.failed("make a file in", err)
	}
	f.handle = handle
	f.unlinked = a.fs.Remove(f.path) == nil
	a.open[f] = true
	return f, nil
}

// Close closes the files that are still open and removes everything. It may be
// called again.
func (a *Area) Close() error {
	a.mu.Lock()
	a.closed = true
	var left []*File
	for f := range a.open {
		left = append(left, f)
	}
	a.mu.Unlock()
	var errs []error
	for _, f := range left {
		errs = append(errs, f.Close())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dir != "" {
		if err := a.fs.Remove(a.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("the spill directory could not be removed, delete it by hand: %w", err))
		}
		a.dir = ""
	}
	return errors.Join(errs...)
}

// forget closes the books on a file.
func (a *Area) forget(f *File) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.open, f)
}
