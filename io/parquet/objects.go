package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Bucket is object storage, as far as a Source needs it. The package bucket makes
// one of a gocloud.dev/blob bucket; it is a package of its own because that
// library doubles the size of a binary.
type Bucket interface {
	// List calls each for every object whose key begins with prefix, in any order.
	List(ctx context.Context, prefix string, each func(Object)) error
	// Stat describes an object; the error is fs.ErrNotExist when there is none.
	Stat(ctx context.Context, key string) (Object, error)
	// Read fills p with the bytes from off on and describes the object it read.
	Read(ctx context.Context, key string, p []byte, off int64) (Object, error)
}

// Object is one object of a bucket.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}

// bucketStore is object storage as a store.
type bucketStore struct {
	bucket Bucket
	path   string
}

// window makes one request of a column chunk, unless it is very large.
func (b bucketStore) window() int { return 64 << 20 }

func (b bucketStore) list(ctx context.Context) ([]stored, error) {
	pattern := strings.ContainsAny(b.path, "*?[")
	if !pattern && !strings.HasSuffix(b.path, "/") {
		o, err := b.bucket.Stat(ctx, b.path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: the bucket has no such key; a prefix must end in '/'", b.path)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.path, err)
		}
		return []stored{{name: b.path, size: o.Size, modified: o.Modified}}, nil
	}
	prefix := b.path
	if pattern {
		if _, err := path.Match(b.path, ""); err != nil {
			return nil, fmt.Errorf("%s: %w", b.path, err)
		}
		prefix = b.path[:strings.IndexAny(b.path, "*?[")]
	}
	var out []stored
	err := b.bucket.List(ctx, prefix, func(o Object) {
		wanted := strings.HasSuffix(o.Key, ".parquet") && !hidden(strings.TrimPrefix(o.Key, prefix))
		if pattern {
			wanted, _ = path.Match(b.path, o.Key)
		}
		if wanted {
			out = append(out, stored{name: o.Key, size: o.Size, modified: o.Modified})
		}
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: list the bucket: %w", b.path, err)
	case len(out) == 0 && pattern:
		return nil, fmt.Errorf("%s: no key matches the pattern", b.path)
	case len(out) == 0:
		return nil, fmt.Errorf("%s: the bucket holds no *.parquet under this prefix", b.path)
	}
	slices.SortFunc(out, func(x, y stored) int { return strings.Compare(x.name, y.name) })
	return out, nil
}

// hidden reports whether a part of a key begins with '.' or '_'.
func hidden(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") {
			return true
		}
	}
	return false
}

func (b bucketStore) open(ctx context.Context, f stored) (handle, error) {
	return &object{ctx: ctx, bucket: b.bucket, file: f}, nil
}

// object reads ranges of one object, each by one request. Its end, where the
// footer lies, is fetched once in a piece.
type object struct {
	ctx    context.Context // of the reader it serves; ReadAt has no room for one
	bucket Bucket
	file   stored
	tail   []byte
}

const tailBytes = 64 << 10

// ReadAt implements io.ReaderAt.
func (o *object) ReadAt(p []byte, off int64) (int, error) {
	if o.tail == nil && off == o.file.size-8 && len(p) == 8 { // the first read of a footer
		size := min(tailBytes, o.file.size)
		tail := make([]byte, size)
		if err := o.fetch(tail, o.file.size-size); err != nil {
			return 0, err
		}
		o.tail = tail
	}
	if start := off - (o.file.size - int64(len(o.tail))); o.tail != nil && start >= 0 {
		n := copy(p, o.tail[min(start, int64(len(o.tail))):])
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	if err := o.fetch(p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *object) fetch(p []byte, off int64) error {
	now, err := o.bucket.Read(o.ctx, o.file.name, p, off)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("was deleted while it was read: %w", err)
	}
	if err != nil {
		return fmt.Errorf("cannot be read at byte %d: %w", off, err)
	}
	if now.Modified.Truncate(time.Second).Equal(o.file.modified.Truncate(time.Second)) {
		now.Modified = o.file.modified // a listing may be finer than a response's header
	}
	return o.file.changed(now.Size, now.Modified)
}

// Close implements io.Closer; nothing is held open.
func (o *object) Close() error { return nil }
