package staging

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// FS is the part of a file system that staging uses: the seam at which a test
// injects a full disk. OS is the real one. Errors must satisfy errors.Is with
// fs.ErrExist and fs.ErrNotExist as those of package os do.
type FS interface {
	// Mkdir makes one directory and fails with fs.ErrExist when the name is taken.
	Mkdir(path string, perm fs.FileMode) error
	// ReadDir lists a directory, sorted by name.
	ReadDir(path string) ([]fs.DirEntry, error)
	// Stat describes what is at path, following symbolic links.
	Stat(path string) (fs.FileInfo, error)
	// Create makes a new file and fails with fs.ErrExist when the name is taken.
	Create(path string, perm fs.FileMode) (Handle, error)
	// Link gives a file a second name and fails with fs.ErrExist when it is taken.
	Link(from, to string) error
	// Rename moves a file, replacing what is at to.
	Rename(from, to string) error
	// Remove deletes a file or an empty directory.
	Remove(path string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(path string) error
}

// Handle is an open file of an FS.
type Handle interface {
	io.Writer
	// Sync makes what was written durable.
	Sync() error
	Close() error
}

// OS is the file system of the machine.
type OS struct{}

// permitted says what to do about a missing permission; other errors stay as
// they are.
func permitted(err error) error {
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w for user %d: let that user write there (chmod u+rwx, chown), name another directory, or run as one who may", err, os.Geteuid())
}

// Mkdir implements FS.
func (OS) Mkdir(path string, perm fs.FileMode) error { return permitted(os.Mkdir(path, perm)) }

// ReadDir implements FS.
func (OS) ReadDir(path string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(path)
	return entries, permitted(err)
}

// Stat implements FS.
func (OS) Stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	return info, permitted(err)
}

// Create implements FS.
func (OS) Create(path string, perm fs.FileMode) (Handle, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, permitted(err)
	}
	return f, nil
}

// Link implements FS.
func (OS) Link(from, to string) error { return os.Link(from, to) }

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(path string) error { return os.Remove(path) }

// SyncDir implements FS.
func (OS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closed := d.Close(); err == nil {
		err = closed
	}
	return err
}
