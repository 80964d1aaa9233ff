// Package bucket lets a parquet.Source read from object storage through
// gocloud.dev/blob: S3, Google Cloud Storage, Azure and others, each by a driver
// the program imports.
//
// The one central idea: it is the only package that imports that library, so that
// a program reading local files does not carry it.
//
//	b, err := blob.OpenBucket(ctx, "s3://history")
//	src := parquet.Source{Bucket: bucket.Of(b), Path: "flights/2001/"}
package bucket

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/leatflow/leat/io/parquet"
)

// Of returns b as a parquet.Source reads it. The caller closes b after the run.
func Of(b *blob.Bucket) parquet.Bucket { return reader{b} }

type reader struct{ bucket *blob.Bucket }

// List implements parquet.Bucket.
func (r reader) List(ctx context.Context, prefix string, each func(parquet.Object)) error {
	for it := r.bucket.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !o.IsDir {
			each(parquet.Object{Key: o.Key, Size: o.Size, Modified: o.ModTime})
		}
	}
}

// Stat implements parquet.Bucket.
func (r reader) Stat(ctx context.Context, key string) (parquet.Object, error) {
	a, err := r.bucket.Attributes(ctx, key)
	if err != nil {
		return parquet.Object{}, missing(err)
	}
	return parquet.Object{Key: key, Size: a.Size, Modified: a.ModTime}, nil
}

// Read implements parquet.Bucket by one range request.
func (r reader) Read(ctx context.Context, key string, p []byte, off int64) (parquet.Object, error) {
	in, err := r.bucket.NewRangeReader(ctx, key, off, int64(len(p)), nil)
	if err != nil {
		return parquet.Object{}, missing(err)
	}
	_, err = io.ReadFull(in, p)
	if closed := in.Close(); err == nil {
		err = closed
	}
	return parquet.Object{Key: key, Size: in.Size(), Modified: in.ModTime()}, err
}

// missing gives an error of the library the standard meaning of "not there".
func missing(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	return err
}
