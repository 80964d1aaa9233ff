package parquet

import (
	"context"
	"fmt"
	"io"
	"io/fs"
)

// FS makes a Bucket of a file system, so that files embedded in a binary can be
// read. Its files must implement io.ReaderAt, as those of embed.FS do.
func FS(fsys fs.FS) Bucket { return fsBucket{fsys} }

type fsBucket struct{ fsys fs.FS }

// List implements Bucket.
func (b fsBucket) List(_ context.Context, prefix string, each func(Object)) error {
	return fs.WalkDir(b.fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || len(path) < len(prefix) || path[:len(prefix)] != prefix {
			return err
		}
		info, err := d.Info()
		if err == nil {
			each(Object{Key: path, Size: info.Size()})
		}
		return err
	})
}

// Stat implements Bucket.
func (b fsBucket) Stat(_ context.Context, key string) (Object, error) {
	info, err := fs.Stat(b.fsys, key)
	if err != nil {
		return Object{}, err
	}
	return Object{Key: key, Size: info.Size()}, nil
}

// Read implements Bucket.
func (b fsBucket) Read(ctx context.Context, key string, p []byte, off int64) (Object, error) {
	f, err := b.fsys.Open(key)
	if err != nil {
		return Object{}, err
	}
	defer f.Close()
	at, ok := f.(io.ReaderAt)
	if !ok {
		return Object{}, fmt.Errorf("%s: files of a %T cannot be read at a position", key, b.fsys)
	}
	if n, err := at.ReadAt(p, off); n < len(p) {
		return Object{}, err
	}
	return b.Stat(ctx, key)
}
