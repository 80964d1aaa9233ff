package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leatflow/leat/sdk/connector/files"
)

// store is where files come from.
type store interface {
	// list returns the files behind the source's path, sorted by name.
	list(ctx context.Context) ([]stored, error)
	// open opens one for random access. ctx bounds the reads too.
	open(ctx context.Context, f stored) (handle, error)
	// window is how many bytes of a column chunk to read at a time.
	window() int
}

type handle interface {
	io.ReaderAt
	io.Closer
}

// stored is one file as it was when it was listed.
type stored struct {
	name     string
	size     int64
	modified time.Time
}

// changed compares a file with what it was when its footer was read.
func (f stored) changed(size int64, modified time.Time) error {
	if size != f.size || !f.modified.IsZero() && !modified.Equal(f.modified) {
		return fmt.Errorf("parquet: %s was changed while it was read: it had %d bytes, now %d; write to a new name instead", f.name, f.size, size)
	}
	return nil
}

func (s Source) store() store {
	if s.Bucket != nil {
		return bucketStore{s.Bucket, s.Path}
	}
	return diskStore{s.Path}
}

// diskStore is the local file system.
type diskStore struct{ path string }

func (d diskStore) window() int { return 256 << 10 }

func (d diskStore) list(context.Context) ([]stored, error) {
	found, err := files.List(d.path, ".parquet")
	if err != nil {
		return nil, err
	}
	out := make([]stored, len(found))
	for i, f := range found {
		if f.Size < 0 {
			return nil, fmt.Errorf("%s is not a regular file, which Parquet needs: its directory is at the end", f.Path)
		}
		out[i] = stored{name: f.Path, size: f.Size}
		if info, err := os.Stat(f.Path); err == nil {
			out[i].size, out[i].modified = info.Size(), info.ModTime()
		}
	}
	return out, nil
}

func (d diskStore) open(_ context.Context, f stored) (handle, error) {
	h, err := os.Open(f.name)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	info, err := h.Stat()
	if err == nil {
		err = f.changed(info.Size(), info.ModTime())
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}
