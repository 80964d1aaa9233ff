package spill

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"github.com/leatflow/leat/sdk/batch"
)

// File holds blocks. Several goroutines may append and read at a time; Close
// must be the last call.
type File struct {
	area     *Area
	holder   string
	path     string
	handle   Handle
	unlinked bool
	size     atomic.Int64
}

// Block is a batch in a file.
type Block struct {
	Rows int
	at   int64
	raw  int    // bytes before compression
	kept int    // bytes in the file; raw when it did not pay
	sum  uint64 // XXH64 of the bytes in the file
	root *batch.Type
}

// SizeBytes returns the memory that the batch takes once it is read.
func (k *Block) SizeBytes() int64 { return int64(k.raw) }

// Error is a failure to write or read a spill file.
type Error struct {
	Holder  string // who spills: the state of step "total"
	Doing   string
	Dir     string
	Written int64 // bytes the job has spilled before
	Err     error
}

// Error says what failed, where, and what to do.
func (e *Error) Error() string {
	return fmt.Sprintf("%s does not fit the memory budget and could not %s the spill directory %s after %d bytes of this job: %v; make room there, name another directory (-spill) or raise the budget (-memory)",
		e.Holder, e.Doing, e.Dir, e.Written, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func (f *File) failed(doing string, err error) error {
	return &Error{Holder: f.holder, Doing: doing, Dir: f.area.parent, Written: f.area.Written(), Err: err}
}

// buffers are what encoding and decoding need besides the batch itself.
type buffers struct{ raw, kept []byte }

var pool = sync.Pool{New: func() any { return new(buffers) }}

// pooledMost bounds what one pair of buffers keeps for the next block.
const pooledMost = 4 << 20

func (b *buffers) release() {
	if cap(b.raw)+cap(b.kept) <= pooledMost {
		pool.Put(b)
	}
}

// Append writes the rows of a batch that count.
func (f *File) Append(b *batch.Batch) (Block, error) {
	buf := pool.Get().(*buffers)
	defer buf.release()
	b = b.Compact()
	buf.raw = appendBatch(buf.raw[:0], b)
	if most := s2.MaxEncodedLen(len(buf.raw)); cap(buf.kept) < most {
		buf.kept = make([]byte, most)
	}
	kept := s2.Encode(buf.kept[:cap(buf.kept)], buf.raw)
	if len(kept) >= len(buf.raw) {
		kept = buf.raw
	}
	n := int64(len(kept))
	k := Block{Rows: b.Len(), at: f.size.Add(n) - n, raw: len(buf.raw), kept: len(kept), sum: xxhash.Sum64(kept), root: b.Root.Type}
	if _, err := f.handle.WriteAt(kept, k.at); err != nil {
		return Block{}, f.failed("write to", err)
	}
	f.area.written.Add(n)
	return k, nil
}

// Read reads a batch back. Its strings come as they were: codes of a dictionary
// that was small for its rows, plain otherwise.
func (f *File) Read(k Block) (*batch.Batch, error) {
	raw := make([]byte, k.raw)
	if k.kept == k.raw {
		if err := f.fetch(raw, k); err != nil {
			return nil, err
		}
	} else if err := f.inflate(raw, k); err != nil {
		return nil, err
	}
	b, err := readBatch(raw, k.root)
	if err != nil {
		return nil, f.failed("read back from", err)
	}
	return b, nil
}

func (f *File) inflate(raw []byte, k Block) error {
	buf := pool.Get().(*buffers)
	defer buf.release()
	if cap(buf.kept) < k.kept {
		buf.kept = make([]byte, k.kept)
	}
	kept := buf.kept[:k.kept]
	if err := f.fetch(kept, k); err != nil {
		return err
	}
	if n, err := s2.DecodedLen(kept); err != nil || n != k.raw {
		return f.failed("read back from", errDamaged)
	}
	if _, err := s2.Decode(raw, kept); err != nil {
		return f.failed("read back from", fmt.Errorf("%w: %w", errDamaged, err))
	}
	return nil
}

var errDamaged = errors.New("a block is not what was written: is the disk failing, or did something else write to the file?")

// fetch reads the stored bytes of a block and checks them.
func (f *File) fetch(into []byte, k Block) error {
	if f.handle == nil {
		return f.failed("read back from", errors.New("the file is closed, as the run is over"))
	}
	if n, err := f.handle.ReadAt(into, k.at); n < len(into) {
		return f.failed("read back from", fmt.Errorf("%d of %d bytes are there: %w", n, len(into), err))
	}
	if xxhash.Sum64(into) != k.sum {
		return f.failed("read back from", errDamaged)
	}
	return nil
}

// Close closes and removes the file. It may be called again.
func (f *File) Close() error {
	if f.handle == nil {
		return nil
	}
	f.area.forget(f)
	err := f.handle.Close()
	f.handle = nil
	if !f.unlinked {
		err = errors.Join(err, f.area.fs.Remove(f.path))
	}
	return err
}
