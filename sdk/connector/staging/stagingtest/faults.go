// Package stagingtest makes file systems fail on purpose, so that a test can
// show that a sink leaves nothing behind whatever goes wrong and whenever.
//
// The one central idea: every call that changes the disk is numbered, and a test
// sweeps the number of the one that fails from zero until a run gets through:
//
//	Mkdir Create Write Write Sync Link SyncDir Remove
//	  0     1      2     3    4    5     6       7
//	        ✗ run 1      ✗ run 3        …              run 8 succeeds
package stagingtest

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/leatflow/leat/sdk/connector/staging"
)

// NoSpace is what a full disk answers.
const NoSpace = syscall.ENOSPC

// Faults passes calls on to FS and fails some of them. It may be used
// concurrently. Remove and what only reads never fail, unless FailRemove is set.
type Faults struct {
	staging.FS       // nil: staging.OS
	Err        error // what failing calls return; nil: NoSpace

	// FailAt is the number of the call that fails, counting from 0 those that
	// change the disk. With Sticky every later one fails too. Negative: none.
	FailAt     int
	Sticky     bool
	FailRemove bool

	// NoLinks makes every Link fail as a file system without hard links does.
	NoLinks bool

	// Capacity, when positive, is the number of bytes after which writing fails
	// in the middle of a Write.
	Capacity int64

	mu      sync.Mutex
	calls   int
	log     []string
	written int64
	failed  bool
}

// Failed reports whether a call has been made to fail.
func (f *Faults) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// Log returns the calls that change the disk, in order: "link part-0.txt". Of
// paths it has the last element, "staging" for a staging directory.
func (f *Faults) Log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// Calls returns how many calls that change the disk there were so far.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *Faults) system() staging.FS {
	if f.FS == nil {
		return staging.OS{}
	}
	return f.FS
}

func (f *Faults) fault() error {
	if f.Err == nil {
		return NoSpace
	}
	return f.Err
}

// step counts one call and decides whether it fails.
func (f *Faults) step(op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls
	f.calls++
	name := filepath.Base(path)
	if strings.HasPrefix(name, staging.Prefix) {
		name = "staging"
	}
	f.log = append(f.log, op+" "+name)
	if n == f.FailAt || f.Sticky && f.FailAt >= 0 && n > f.FailAt {
		f.failed = true
		return &fs.PathError{Op: op, Path: path, Err: f.fault()}
	}
	return nil
}

// ReadDir implements staging.FS.
func (f *Faults) ReadDir(path string) ([]fs.DirEntry, error) { return f.system().ReadDir(path) }

// Stat implements staging.FS.
func (f *Faults) Stat(path string) (fs.FileInfo, error) { return f.system().Stat(path) }

// Mkdir implements staging.FS.
func (f *Faults) Mkdir(path string, perm fs.FileMode) error {
	if err := f.step("mkdir", path); err != nil {
		return err
	}
	return f.system().Mkdir(path, perm)
}

// Create implements staging.FS.
func (f *Faults) Create(path string, perm fs.FileMode) (staging.Handle, error) {
	if err := f.step("create", path); err != nil {
		return nil, err
	}
	h, err := f.system().Create(path, perm)
	if err != nil {
		return nil, err
	}
	return &handle{Handle: h, faults: f, path: path}, nil
}

// Link implements staging.FS.
func (f *Faults) Link(from, to string) error {
	if f.NoLinks {
		return &fs.PathError{Op: "link", Path: to, Err: syscall.EPERM}
	}
	if err := f.step("link", to); err != nil {
		return err
	}
	return f.system().Link(from, to)
}

// Rename implements staging.FS.
func (f *Faults) Rename(from, to string) error {
	if err := f.step("rename", to); err != nil {
		return err
	}
	return f.system().Rename(from, to)
}

// Remove implements staging.FS.
func (f *Faults) Remove(path string) error {
	if f.FailRemove {
		if err := f.step("remove", path); err != nil {
			return err
		}
	}
	return f.system().Remove(path)
}

// SyncDir implements staging.FS.
func (f *Faults) SyncDir(path string) error {
	if err := f.step("syncdir", path); err != nil {
		return err
	}
	return f.system().SyncDir(path)
}

type handle struct {
	staging.Handle
	faults *Faults
	path   string
}

func (h *handle) Write(p []byte) (int, error) {
	if err := h.faults.step("write", h.path); err != nil {
		return 0, err
	}
	room := h.faults.room(len(p))
	n, err := h.Handle.Write(p[:room])
	if err == nil && n < len(p) {
		err = &fs.PathError{Op: "write", Path: h.path, Err: h.faults.fault()}
	}
	return n, err
}

// room takes up to n bytes from what is left of the capacity.
func (f *Faults) room(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Capacity > 0 && f.written+int64(n) > f.Capacity {
		n = int(f.Capacity - f.written)
		f.failed = true
	}
	f.written += int64(n)
	return n
}

func (h *handle) Sync() error {
	if err := h.faults.step("sync", h.path); err != nil {
		return err
	}
	return h.Handle.Sync()
}

func (h *handle) Close() error {
	err := h.Handle.Close()
	if fault := h.faults.step("close", h.path); fault != nil {
		return fault
	}
	return err
}
