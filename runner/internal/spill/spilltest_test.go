package spill

import (
	"os"
	"sync"
	"syscall"
)

// faults is a file system that counts what is there and fails on purpose.
type faults struct {
	OS
	room     int64 // bytes after which writing fails in the middle; negative: no end
	pinned   bool  // files cannot be removed while they are open
	noDir    bool
	noCreate bool

	mu   sync.Mutex
	last *handle
}

type handle struct {
	Handle
	fs     *faults
	path   string
	closed bool
}

func (f *faults) MkdirTemp(dir, pattern string) (string, error) {
	if f.noDir {
		return "", &os.PathError{Op: "mkdir", Path: dir, Err: syscall.EACCES}
	}
	return f.OS.MkdirTemp(dir, pattern)
}

func (f *faults) Create(path string) (Handle, error) {
	if f.noCreate {
		return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EMFILE}
	}
	h, err := f.OS.Create(path)
	if err != nil {
		return nil, err
	}
	f.last = &handle{Handle: h, fs: f, path: path}
	return f.last, nil
}

func (f *faults) Remove(path string) error {
	if f.pinned && f.last != nil && path == f.last.path && !f.last.closed {
		return &os.PathError{Op: "remove", Path: path, Err: syscall.EBUSY}
	}
	return f.OS.Remove(path)
}

func (h *handle) Close() error {
	h.closed = true
	return h.Handle.Close()
}

func (h *handle) WriteAt(p []byte, at int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.fs.room < 0 {
		return h.Handle.WriteAt(p, at)
	}
	n := min(int64(len(p)), h.fs.room)
	h.fs.room -= n
	if _, err := h.Handle.WriteAt(p[:n], at); err != nil || n == int64(len(p)) {
		return int(n), err
	}
	return int(n), &os.PathError{Op: "write", Path: h.path, Err: syscall.ENOSPC}
}
