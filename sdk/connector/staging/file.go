package staging

import (
	"errors"
	"fmt"
)

// File is one staged file, used by one goroutine. After a failed Write every
// later call fails as well: a file with a hole is never committed.
type File struct {
	area   *Area
	name   string
	path   string // in the staging directory
	handle Handle // nil once closed or aborted
	size   int64
	err    error // first failure
	whole  bool  // closed without failure: may be committed
}

// Name returns the final name, relative to the target directory.
func (f *File) Name() string { return f.name }

// Path returns the final name with the target directory.
func (f *File) Path() string { return f.area.final(f.name) }

// Size returns the number of bytes written so far.
func (f *File) Size() int64 { return f.size }

// Write appends p. It is not buffered.
func (f *File) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.handle == nil {
		return 0, fmt.Errorf("write %s: the file is closed", f.area.final(f.name))
	}
	n, err := f.handle.Write(p)
	f.size += int64(n)
	return n, f.fail("write", err)
}

// Close makes the file durable; from then on it can be committed. It fails when
// a Write failed before.
func (f *File) Close() error {
	if f.handle == nil {
		return f.err
	}
	err := f.err
	if err == nil {
		err = f.fail("sync", f.handle.Sync())
	}
	closed := f.fail("close", f.handle.Close())
	f.handle = nil
	if err == nil {
		err = closed
	}
	f.area.mu.Lock()
	f.whole = err == nil
	f.area.mu.Unlock()
	return err
}

// Abort closes and removes the file, before or after Close. The name may not be
// created again in this run.
func (f *File) Abort() error {
	f.area.mu.Lock()
	defer f.area.mu.Unlock()
	f.release()
	if f.area.stage == "" || f.area.state == committed {
		return nil
	}
	return f.area.remove(f.path)
}

// release closes the handle without caring for what was written. The caller
// holds the area's lock.
func (f *File) release() {
	if f.handle != nil {
		_ = f.handle.Close() // the bytes are about to be deleted
		f.handle = nil
	}
	f.whole = false
	if f.err == nil {
		f.err = errors.New(f.area.final(f.name) + ": the file was aborted")
	}
}

func (f *File) fail(doing string, err error) error {
	if err == nil {
		return nil
	}
	if f.err == nil {
		f.err = fmt.Errorf("%s %s: %w", doing, f.area.final(f.name), err)
	}
	return f.err
}
