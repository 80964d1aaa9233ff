package lines

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// zstdMemory bounds what a frame header may ask the decoder to allocate.
const zstdMemory = 512 << 20

// input is a file under its decompressor. read counts the bytes on disk.
type input struct {
	io.Reader
	file  *os.File
	read  atomic.Int64
	close func()
}

func open(rng Range) (*input, error) {
	f, err := os.Open(rng.File.Path)
	if err != nil {
		return nil, err
	}
	in := &input{file: f, close: func() {}}
	if err := in.start(rng); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", rng.File.Path, err)
	}
	return in, nil
}

func (in *input) start(rng Range) error {
	in.Reader = counted{in}
	switch {
	case strings.HasSuffix(rng.File.Path, ".gz"):
		z, err := gzip.NewReader(counted{in})
		if err == io.EOF {
			in.Reader = strings.NewReader("") // an empty file holds no lines
			return nil
		}
		if err != nil {
			return fmt.Errorf("not gzip data, as its name says: %w", err)
		}
		in.Reader, in.close = z, func() { z.Close() }
	case strings.HasSuffix(rng.File.Path, ".zst"):
		// One thread: splits are the parallelism, and Close leaves no goroutine.
		z, err := zstd.NewReader(counted{in}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(zstdMemory))
		if err != nil {
			return err
		}
		in.Reader, in.close = z, z.Close
	case rng.From > 0:
		_, err := in.file.Seek(rng.From-1, io.SeekStart)
		return err
	}
	return nil
}

// Close closes the decompressor and the file; again, it does nothing.
func (in *input) Close() error {
	if in.file == nil {
		return nil
	}
	in.close()
	err := in.file.Close()
	in.file = nil
	return err
}

// counted reads the file and counts.
type counted struct{ in *input }

func (c counted) Read(p []byte) (int, error) {
	n, err := c.in.file.Read(p)
	c.in.read.Add(int64(n))
	return n, err
}
