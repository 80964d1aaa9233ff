package pages

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// chunk walks the pages of one column chunk. It reads the file in windows, each
// at least as long as a page, and decompresses each page into one buffer that is
// used again for the next.
type chunk struct {
	r        io.ReaderAt
	off, end int64 // of the bytes not read into the window yet
	window   int   // bytes to read at a time
	codec    int32

	buf  []byte // the window
	pos  int    // of the next page in it
	page []byte // the decompressed page; its padding follows it
}

// room is the memory of a chunk that has been read, for the next one: nothing
// that was handed out lies in it. Row groups come one after the other, and fresh
// memory costs more to touch than their pages to decode.
type room struct{ window, page []byte }

var rooms = sync.Pool{New: func() any { return new(room) }}

// roomMost is the most a room keeps.
const roomMost = 4 << 20

// furnish gives the chunk the memory of another one.
func (c *chunk) furnish() {
	r := rooms.Get().(*room)
	c.buf, c.page = r.window[:0], r.page
}

// close takes it back. The chunk cannot be read any more.
func (c *chunk) close() {
	if cap(c.buf)+cap(c.page) <= roomMost {
		rooms.Put(&room{c.buf, c.page})
	}
	c.buf, c.page, c.pos, c.off = nil, nil, 0, c.end
}

// peek returns the next n bytes, fewer only at the end of the chunk.
func (c *chunk) peek(n int) ([]byte, error) {
	have := len(c.buf) - c.pos
	if have < n && c.off < c.end {
		want := int(min(int64(max(n, c.window)-have), c.end-c.off))
		if cap(c.buf) < have+want {
			grown := make([]byte, have, have+want)
			copy(grown, c.buf[c.pos:])
			c.buf = grown
		} else {
			c.buf = c.buf[:copy(c.buf, c.buf[c.pos:])]
		}
		c.pos = 0
		c.buf = c.buf[:have+want]
		if err := readFull(c.r, c.buf[have:], c.off); err != nil {
			c.buf = c.buf[:have]
			return nil, err
		}
		c.off += int64(want)
	}
	return c.buf[c.pos:min(c.pos+n, len(c.buf))], nil
}

// header reads the next page header, looking at more bytes while it is cut off.
func (c *chunk) header() (header, error) {
	for n := 256; ; n *= 8 {
		b, err := c.peek(n)
		if err != nil {
			return header{}, err
		}
		if len(b) == 0 {
			return header{}, fmt.Errorf("has fewer pages than it has values")
		}
		w := &wire{b: b}
		h := w.pageHeader()
		if w.err == nil {
			c.pos += w.pos
			return h, nil
		}
		if !errors.Is(w.err, errShort) || len(b) < n || n > pageHeaderMax {
			return header{}, fmt.Errorf("has a damaged page header: it %w", w.err)
		}
	}
}

// next reads and decompresses the next page with its levels in front of its
// values. The bytes are good until the following call.
func (c *chunk) next() (header, []byte, error) {
	h, err := c.header()
	if err != nil {
		return h, nil, err
	}
	if h.size > pageMax || h.compressed > pageMax {
		return h, nil, fmt.Errorf("has a page of %d bytes (%d compressed); at most %d are read", h.size, h.compressed, pageMax)
	}
	src, err := c.peek(int(h.compressed))
	if err != nil {
		return h, nil, err
	}
	if len(src) < int(h.compressed) {
		return h, nil, fmt.Errorf("has a page of %d bytes where %d are left", h.compressed, len(src))
	}
	c.pos += len(src)
	if h.hasCRC && crc32.ChecksumIEEE(src) != h.crc {
		return h, nil, fmt.Errorf("has a page whose checksum is wrong: the file is damaged")
	}
	if int64(h.size) > max(pageFreely, expansionMax*int64(h.compressed)) {
		return h, nil, fmt.Errorf("has a page that expands from %d to %d bytes; at most a factor of %d is allowed", h.compressed, h.size, expansionMax)
	}
	b, err := c.decompress(&h, src)
	return h, b, err
}

func (c *chunk) decompress(h *header, src []byte) ([]byte, error) {
	size := int(h.size)
	if cap(c.page) < size+padding {
		c.page = make([]byte, size+padding)
	}
	dst := c.page[:size]
	codec := c.codec
	levels := 0
	if h.kind == pageDataV2 {
		if h.defBytes < 0 || h.repBytes < 0 || int64(h.defBytes)+int64(h.repBytes) > int64(min(h.size, h.compressed)) {
			return nil, fmt.Errorf("has %d and %d bytes of levels in a page of %d", h.repBytes, h.defBytes, h.size)
		}
		levels = copy(dst, src[:h.defBytes+h.repBytes])
		if h.plainBody {
			codec = codecNone
		}
	}
	if codec != codecNone && len(dst) == levels && len(src) == levels {
		return dst, nil // no values, and nothing compressed
	}
	return dst, decompress(codec, dst[levels:], src[levels:])
}

// at returns where in the file the next page begins.
func (c *chunk) at() int64 { return c.off - int64(len(c.buf)-c.pos) }

// seek goes on at from, not before what was read; nothing from end on is read.
func (c *chunk) seek(from, end int64) {
	if from <= c.off {
		c.pos = len(c.buf) - int(c.off-from)
	} else {
		c.buf, c.pos, c.off = c.buf[:0], 0, from
	}
	c.end = max(end, c.off)
}
