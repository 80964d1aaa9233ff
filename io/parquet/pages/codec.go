package pages

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compression is how the pages of a file are compressed.
type Compression uint8

// The compressions a writer offers. A reader knows gzip, brotli and lz4_raw too.
const (
	Snappy Compression = iota
	Zstd
	Uncompressed
)

// String returns the usual name of the compression.
func (c Compression) String() string {
	switch c {
	case Snappy:
		return "snappy"
	case Zstd:
		return "zstd"
	case Uncompressed:
		return "none"
	}
	return fmt.Sprintf("compression(%d)", uint8(c))
}

// Numbers of the format.
const (
	codecNone = iota
	codecSnappy
	codecGzip
	codecLZO
	codecBrotli
	codecLZ4
	codecZstd
	codecLZ4Raw
)

var codecNames = [...]string{"none", "snappy", "gzip", "lzo", "brotli", "lz4", "zstd", "lz4_raw"}

func codecName(c int32) string {
	if c >= 0 && int(c) < len(codecNames) {
		return codecNames[c]
	}
	return fmt.Sprintf("codec %d", c)
}

// A zstd decoder serves any number of goroutines: DecodeAll keeps no state. Its
// output never passes the capacity it is given.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(pageMax+padding))
})

// decompress fills dst, which is as long as the page is said to be.
func decompress(codec int32, dst, src []byte) error {
	var n int
	var err error
	switch codec {
	case codecNone:
		n = len(src)
		copy(dst, src)
	case codecSnappy:
		if n, err = s2.DecodedLen(src); err == nil && n == len(dst) {
			_, err = s2.Decode(dst, src)
		}
	case codecZstd:
		var d *zstd.Decoder
		if d, err = zstdDecoder(); err == nil {
			var out []byte
			out, err = d.DecodeAll(src, dst[:0:len(dst)])
			n = len(out)
		}
	case codecGzip:
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(src)); err == nil {
			n, err = drain(z, dst)
		}
	case codecBrotli:
		n, err = drain(brotli.NewReader(bytes.NewReader(src)), dst)
	case codecLZ4Raw:
		n, err = lz4.UncompressBlock(src, dst)
	default:
		return fmt.Errorf("is compressed with %s, which is not supported", codecName(codec))
	}
	if err != nil {
		return fmt.Errorf("does not decompress (%s): %w", codecName(codec), err)
	}
	if n != len(dst) {
		return fmt.Errorf("decompresses to %d bytes instead of the %d declared", n, len(dst))
	}
	return nil
}

// drain reads r to its end into dst and returns how much there was, one more
// than fits at most.
func drain(r io.Reader, dst []byte) (int, error) {
	n, err := io.ReadFull(r, dst)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	var more [1]byte
	m, err := io.ReadFull(r, more[:])
	if err == io.EOF {
		err = nil
	}
	return n + m, err
}
